//! Who asks, where a reverse proxy stands before a public listener.

use std::net::IpAddr;

use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};

/// The one header that is read: it is the one that every proxy can be told to write, and two could disagree.
const HEADER: &str = "x-forwarded-for";

/// The reverse proxies whose word about who asks is taken: none, unless the operator names them.
///
/// It is for counting requests and connections only. Nobody is let in for an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrustedProxies(Vec<IpAddr>);

impl TrustedProxies {
    /// Names the proxies by their addresses.
    pub fn new(addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        Self(addresses.into_iter().collect())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an address is a proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|own| own.to_canonical() == address)
    }

    /// Returns the address that asks: the peer's, or, if that is a proxy's, the last one in `X-Forwarded-For` that is not.
    ///
    /// What stands before that one was written by whoever asked. Where nothing can be read, it is the proxy that asks.
    pub fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = peer;
        let values = headers.get_all(HEADER).iter().rev();
        let mut told = values.flat_map(|value| value.to_str().unwrap_or_default().rsplit(','));
        while self.contains(source) {
            match told.next().map(|text| text.trim().parse::<IpAddr>()) {
                Some(Ok(before)) => source = before,
                _ => break,
            }
        }
        source.to_canonical()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn source(proxies: &[&str], peer: &str, headers: &[&'static str]) -> String {
        let proxies = proxies.iter().map(|proxy| proxy.parse().unwrap());
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(HEADER, HeaderValue::from_static(value));
        }
        let proxies = TrustedProxies::new(proxies);
        proxies.source(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn header_is_not_believed_unless_a_named_proxy_sends_it() {
        let told = &["203.0.113.9"];
        assert_eq!(source(&[], "127.0.0.1", told), "127.0.0.1");
        assert_eq!(source(&["127.0.0.1"], "192.0.2.1", told), "192.0.2.1");
        assert_eq!(source(&["127.0.0.1"], "127.0.0.1", told), "203.0.113.9");
        assert_eq!(
            source(&["127.0.0.1"], "::ffff:127.0.0.1", told),
            "203.0.113.9"
        );
    }

    #[test]
    fn what_the_asker_wrote_before_the_proxy_is_not_believed() {
        let proxies = &["127.0.0.1", "10.0.0.2"];
        let told = &["198.51.100.1, 203.0.113.9"];
        assert_eq!(source(proxies, "127.0.0.1", told), "203.0.113.9");
        let chained = &["198.51.100.1", "203.0.113.9, 10.0.0.2"];
        assert_eq!(source(proxies, "127.0.0.1", chained), "203.0.113.9");
    }

    #[test]
    fn where_nothing_can_be_read_the_proxy_is_who_asks() {
        for told in [&[][..], &["unknown"], &["203.0.113.9, nonsense"], &[""]] {
            assert_eq!(source(&["127.0.0.1"], "127.0.0.1", told), "127.0.0.1");
        }
    }
}
