use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::{Problem, TrustedProxies, party};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Context;

const WINDOW: Duration = Duration::from_secs(1);
/// Addresses that are counted at once.
const MAX_SOURCES: usize = 65_536;
/// Requests that are answered at once, whoever makes them.
const MAX_OPEN: usize = 8_192;
/// Of these, so many may be of one address.
const MAX_OPEN_OF_SOURCE: usize = 1_024;

/// Counts each source's requests in the current window, and those that are open.
pub(crate) struct Limit {
    /// Requests that one address may make in a window.
    per_source: u32,
    proxies: TrustedProxies,
    counts: Mutex<(Instant, HashMap<IpAddr, u32>)>,
    open: Mutex<HashMap<IpAddr, usize>>,
    all: Semaphore,
}

/// An open request.
struct Place<'a> {
    limit: &'a Limit,
    source: IpAddr,
    _one_of_all: SemaphorePermit<'a>,
}

impl Limit {
    pub(crate) fn new(per_source: u32, proxies: TrustedProxies) -> Self {
        Self {
            per_source,
            proxies,
            counts: Mutex::new((Instant::now(), HashMap::new())),
            open: Mutex::default(),
            all: Semaphore::new(MAX_OPEN),
        }
    }

    /// Returns who is counted for a request. Behind a proxy everybody has its address, and one could use up the share of all.
    fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        party(self.proxies.source(peer, headers))
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

    /// Gives a request its place among the open ones, which ends when it is dropped.
    fn open(&self, source: IpAddr) -> Option<Place<'_>> {
        let one_of_all = self.all.try_acquire().ok()?;
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(source).or_default();
        // An entry exists only while it counts something, and the full share does.
        if *count >= MAX_OPEN_OF_SOURCE {
            return None;
        }
        *count += 1;
        Some(Place {
            limit: self,
            source,
            _one_of_all: one_of_all,
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let open = self.limit.open.lock();
        let mut open = open.unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.source) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.source);
            }
        }
    }
}

/// Refuses a source that asks too often or keeps too many requests open, and everybody while too many are open.
pub(crate) async fn by_source(
    State(context): State<Context>,
    ConnectInfo(source): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let source = context.limit.source(source.ip(), request.headers());
    if !context.limit.admits(source, Instant::now()) {
        let detail = "Too many requests from this address; nothing was taken. Ask more slowly.";
        let refused = Problem::too_many_requests("rate_limited", detail);
        return refused.retry_after(1).into_response();
    }
    let Some(_place) = context.limit.open(source) else {
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
        let limit = Limit::new(3, TrustedProxies::default());
        let now = Instant::now();
        let (greedy, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        assert!((0..3).all(|_| limit.admits(greedy, now)));
        assert!(!limit.admits(greedy, now));
        assert!(limit.admits(other, now));
        assert!(limit.admits(greedy, now + WINDOW));
    }

    #[test]
    fn one_source_behind_a_named_proxy_does_not_use_up_the_share_of_the_others() {
        let proxy = IpAddr::from([127, 0, 0, 1]);
        let told = |source: &'static str| {
            let value = axum::http::HeaderValue::from_static(source);
            HeaderMap::from_iter([(
                axum::http::HeaderName::from_static("x-forwarded-for"),
                value,
            )])
        };
        let (greedy, other) = (told("192.0.2.1"), told("192.0.2.2"));
        let now = Instant::now();
        let limit = Limit::new(3, TrustedProxies::new([proxy]));
        let admits = |limit: &Limit, headers| limit.admits(limit.source(proxy, headers), now);
        assert!((0..3).all(|_| admits(&limit, &greedy)));
        assert!(!admits(&limit, &greedy));
        assert!(admits(&limit, &other));
        // Nobody gets a share by writing the header, where the operator names no proxy.
        let limit = Limit::new(3, TrustedProxies::default());
        assert!((0..3).all(|_| admits(&limit, &greedy)));
        assert!(!admits(&limit, &other));
    }

    #[test]
    fn one_source_cannot_hold_all_open_requests() {
        let limit = Limit::new(1, TrustedProxies::default());
        let (greedy, other) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let mut held: Vec<_> = (0..MAX_OPEN_OF_SOURCE)
            .map(|_| limit.open(greedy).unwrap())
            .collect();
        assert!(limit.open(greedy).is_none());
        assert!(limit.open(other).is_some());
        held.pop();
        assert!(limit.open(greedy).is_some());
        drop(held);
        assert!(limit.open.lock().unwrap().is_empty());
        assert_eq!(limit.all.available_permits(), MAX_OPEN);
    }
}
