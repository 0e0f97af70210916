use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;

use super::Context;

const WINDOW: Duration = Duration::from_secs(1);
/// Requests that one address may make in a window.
const PER_SOURCE: u32 = 5_000;
/// Addresses that are counted at once.
const MAX_SOURCES: usize = 65_536;

/// Counts each source's requests in the current window.
pub(crate) struct Limit(Mutex<(Instant, HashMap<IpAddr, u32>)>);

impl Default for Limit {
    fn default() -> Self {
        Self(Mutex::new((Instant::now(), HashMap::new())))
    }
}

impl Limit {
    fn admits(&self, source: IpAddr, now: Instant) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(counts.0) >= WINDOW {
            *counts = (now, HashMap::new());
        }
        let known = counts.1.len();
        if known >= MAX_SOURCES && !counts.1.contains_key(&source) {
            return false;
        }
        let count = counts.1.entry(source).or_default();
        *count += 1;
        *count <= PER_SOURCE
    }
}

/// Refuses a source that asks too often.
pub(crate) async fn by_source(
    State(context): State<Context>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    if context.limit.admits(source.ip(), Instant::now()) {
        return next.run(request).await;
    }
    let status = StatusCode::TOO_MANY_REQUESTS;
    Problem::new(
        status,
        "rate_limited",
        "Too many requests from this address.",
    )
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_source_is_refused_past_its_share_and_others_are_not() {
        let limit = Limit::default();
        let now = Instant::now();
        let (greedy, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        assert!((0..PER_SOURCE).all(|_| limit.admits(greedy, now)));
        assert!(!limit.admits(greedy, now));
        assert!(limit.admits(other, now));
        assert!(limit.admits(greedy, now + WINDOW));
    }
}
