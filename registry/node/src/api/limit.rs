use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use tokio::sync::Semaphore;

use super::Context;

const WINDOW: Duration = Duration::from_secs(1);
/// Addresses that are counted at once.
const MAX_SOURCES: usize = 65_536;
/// Requests that are answered at once, whoever makes them.
const MAX_OPEN: usize = 8_192;

/// Counts each source's requests in the current window, and the requests that are open.
pub(crate) struct Limit {
    /// Requests that one address may make in a window.
    per_source: u32,
    counts: Mutex<(Instant, HashMap<IpAddr, u32>)>,
    open: Semaphore,
}

impl Limit {
    pub(crate) fn new(per_source: u32) -> Self {
        Self {
            per_source,
            counts: Mutex::new((Instant::now(), HashMap::new())),
            open: Semaphore::new(MAX_OPEN),
        }
    }

    fn admits(&self, source: IpAddr, now: Instant) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(counts.0) >= WINDOW {
            *counts = (now, HashMap::new());
        }
        let known = counts.1.len();
        if known >= MAX_SOURCES && !counts.1.contains_key(&source) {
            return false;
        }
        let count = counts.1.entry(source).or_default();
        *count += 1;
        *count <= self.per_source
    }
}

/// Refuses a source that asks too often, and everybody while too many requests are open.
pub(crate) async fn by_source(
    State(context): State<Context>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if !context.limit.admits(source.ip(), Instant::now()) {
        let detail = "Too many requests from this address; nothing was taken. Ask more slowly.";
        let refused = Problem::too_many_requests("rate_limited", detail);
        return refused.retry_after(1).into_response();
    }
    let Ok(_open) = context.limit.open.try_acquire() else {
        let detail = "Too many requests are open; nothing was taken. Try again in a moment.";
        let refused = Problem::unavailable("busy", detail);
        return refused.retry_after(1).into_response();
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_refused_past_its_share_and_others_are_not() {
        let limit = Limit::new(3);
        let now = Instant::now();
        let (greedy, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        assert!((0..3).all(|_| limit.admits(greedy, now)));
        assert!(!limit.admits(greedy, now));
        assert!(limit.admits(other, now));
        assert!(limit.admits(greedy, now + WINDOW));
    }
}
