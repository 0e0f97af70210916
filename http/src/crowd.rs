//! Bounds on open connections: a process that has no file descriptors left serves nobody.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tower_http::add_extension::AddExtension;

use crate::proxies::TrustedProxies;

/// How many connections are open at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// All together.
    pub total: usize,
    /// From one IPv4 address or one IPv6 network of 64 bits, so that no single one shuts all others out.
    pub each: usize,
    /// How long a connection stays open without a request (HTTP/1).
    pub idle: Duration,
}

impl Bounds {
    const TOTAL: usize = 4096;
    const IDLE: Duration = Duration::from_secs(60);

    /// What this process has room for: at most half of the file descriptors that the system lets it open, and 4,096.
    pub fn of_process() -> Self {
        Self::within(descriptors())
    }

    fn within(descriptors: usize) -> Self {
        let total = Self::TOTAL.min(descriptors / 2).max(1);
        Self {
            total,
            each: total.div_ceil(4),
            idle: Self::IDLE,
        }
    }
}

/// Lets this process open as many file descriptors as it may, and says how many that is.
#[cfg(unix)]
fn descriptors() -> usize {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = rustix::process::Rlimit {
        current: limit.maximum,
        ..limit
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    current.map_or(usize::MAX, |current| {
        usize::try_from(current).unwrap_or(usize::MAX)
    })
}

#[cfg(not(unix))]
fn descriptors() -> usize {
    usize::MAX
}

/// The open connections; those above the bounds are closed before they cost more than their acceptance.
#[derive(Clone)]
pub(crate) struct Crowd(Arc<Inner>);

struct Inner {
    bounds: Bounds,
    proxies: TrustedProxies,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    of: HashMap<IpAddr, usize>,
}

impl Crowd {
    pub(crate) fn new(bounds: Bounds, proxies: TrustedProxies) -> Self {
        Self(Arc::new(Inner {
            bounds,
            proxies,
            open: Mutex::default(),
        }))
    }

    fn enter(&self, from: IpAddr) -> Option<Place> {
        // A proxy's connections are those of everybody behind it.
        let share = match self.0.proxies.contains(from) {
            true => self.0.bounds.total,
            false => self.0.bounds.each,
        };
        let from = party(from);
        let mut open = self.0.open();
        let of = open.of.get(&from).copied().unwrap_or_default();
        if open.total >= self.0.bounds.total || of >= share {
            return None;
        }
        open.total += 1;
        open.of.insert(from, of + 1);
        drop(open);
        Some(Place {
            crowd: Arc::clone(&self.0),
            from,
        })
    }
}

impl Inner {
    fn open(&self) -> std::sync::MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection's place, given back when the connection ends.
pub(crate) struct Place {
    crowd: Arc<Inner>,
    from: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.crowd.open();
        open.total -= 1;
        match open.of.get_mut(&self.from) {
            Some(of) if *of > 1 => *of -= 1,
            _ => drop(open.of.remove(&self.from)),
        }
    }
}

/// Who is counted as one: an IPv4 address, or a network of 64 bits of IPv6, which one party has whole.
pub fn party(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        v4 => v4,
    }
}

/// The service holds the place, because it lives as long as its connection, the TLS handshake included.
impl<S> Accept<TcpStream, S> for Crowd {
    type Stream = TcpStream;
    type Service = AddExtension<S, Arc<Place>>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let entered = || {
            stream.set_nodelay(true)?;
            let place = self.enter(stream.peer_addr()?.ip());
            let full = || io::Error::from(io::ErrorKind::ResourceBusy);
            place.ok_or_else(full)
        };
        ready(entered().map(|place| (stream, AddExtension::new(service, Arc::new(place)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_more_than_the_own_share() {
        let bounds = Bounds {
            total: 3,
            each: 2,
            idle: Bounds::IDLE,
        };
        let crowd = Crowd::new(bounds, TrustedProxies::default());
        let [one, other]: [IpAddr; 2] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let first = crowd.enter(one).unwrap();
        let _second = crowd.enter("::ffff:192.0.2.1".parse().unwrap()).unwrap();
        assert!(crowd.enter(one).is_none());
        let third = crowd.enter(other).unwrap();
        assert!(crowd.enter(other).is_none(), "three are open");
        drop(first);
        assert!(crowd.enter(one).is_some());
        drop(third);
        assert_eq!(crowd.0.open().total, 1);
        assert_eq!(crowd.0.open().of.len(), 1, "addresses are forgotten");
    }

    #[test]
    fn named_proxy_may_have_the_share_of_everybody_behind_it() {
        let bounds = Bounds {
            total: 3,
            each: 1,
            idle: Bounds::IDLE,
        };
        let [proxy, other]: [IpAddr; 2] = ["127.0.0.1", "192.0.2.2"].map(|ip| ip.parse().unwrap());
        let crowd = Crowd::new(bounds, TrustedProxies::new([proxy]));
        let held: Vec<_> = (0..3).filter_map(|_| crowd.enter(proxy)).collect();
        assert_eq!(held.len(), 3);
        assert!(crowd.enter(proxy).is_none(), "three are open");
        drop(held);
        let _one = crowd.enter(other).unwrap();
        assert!(crowd.enter(other).is_none());
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_party() {
        let party = |text: &str| party(text.parse().unwrap());
        assert_eq!(party("2001:db8:1:2::1"), party("2001:db8:1:2:3:4:5:6"));
        assert_ne!(party("2001:db8:1:2::1"), party("2001:db8:1:3::1"));
        assert_eq!(party("::ffff:192.0.2.1"), party("192.0.2.1"));
    }

    #[test]
    fn half_of_the_descriptors_are_left_for_all_else() {
        let total = |descriptors| Bounds::within(descriptors).total;
        assert_eq!([1, 1024, usize::MAX].map(total), [1, 512, 4096]);
    }
}
