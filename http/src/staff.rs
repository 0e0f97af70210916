//! What a listener for staff takes: requests for names of its own, from who asks without anything in between.
//!
//! Neither says who asks. A proxy on the same machine comes from loopback, asks for the very name that it is told to, and need
//! not say that it is one: a secret tells who asks, and these checks keep honest mistakes and browsers out beside it.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

use crate::Problem;
use crate::origin::{asked, is_loopback_host};

/// Headers that proxies add (RFC 7239, RFC 9110 §7.6, RFC 8586, RFC 9440, and those of nginx, Apache, Caddy, Envoy, HAProxy,
/// Squid and common hosts).
const OF_PROXIES: [&str; 17] = [
    "forwarded",
    "via",
    "max-forwards",
    "cdn-loop",
    "client-cert",
    "client-cert-chain",
    "client-ip",
    "proxy-authorization",
    "proxy-connection",
    "surrogate-capability",
    "true-client-ip",
    "x-cluster-client-ip",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-rewrite-url",
];
/// Beginnings of such headers.
const BEGINNINGS_OF_PROXIES: [&str; 11] = [
    "x-forwarded",
    "x-original-",
    "x-client-",
    "x-proxy",
    "x-ssl-",
    "x-envoy-",
    "x-arr-",
    "x-azure-",
    "x-amzn-",
    "cf-",
    "fastly-",
];

/// The names under which a listener for staff may be asked, each with its port.
#[derive(Clone, Debug)]
pub struct OwnNames {
    port: u16,
    /// Whether names that always mean this machine are among them.
    loopback: bool,
    others: Vec<(Host, u16)>,
}

/// Why a listener for staff does not take a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotStaff {
    /// It bears a header that only a proxy adds.
    #[error("This listener takes no requests through a proxy.")]
    Proxied,
    /// It asks for a name or a port that is not the listener's own.
    #[error("This listener is asked by its own names only.")]
    WrongHost,
}

impl NotStaff {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Proxied => "proxied",
            Self::WrongHost => "wrong_host",
        }
    }
}

impl IntoResponse for NotStaff {
    fn into_response(self) -> Response {
        Problem::new(StatusCode::FORBIDDEN, self.code(), self.to_string()).into_response()
    }
}

impl OwnNames {
    /// Gives the names of a listener at `address`: what always means this machine if it listens for this machine only, its
    /// address else, and the name in `url` where the operator gave it one.
    pub fn of(address: SocketAddr, url: Option<&Url>) -> Self {
        let ip = address.ip();
        let literal = Some(match ip {
            std::net::IpAddr::V4(ip) => Host::Ipv4(ip),
            std::net::IpAddr::V6(ip) => Host::Ipv6(ip),
        });
        let literal = literal.filter(|_| !ip.is_unspecified());
        let named =
            url.and_then(|url| Some((url.host()?.to_owned(), url.port_or_known_default()?)));
        Self {
            port: address.port(),
            loopback: ip.is_loopback(),
            others: literal
                .map(|host| (host, address.port()))
                .into_iter()
                .chain(named)
                .collect(),
        }
    }

    /// Tells whether nothing reaches the listener but this machine.
    pub fn is_of_this_machine_only(&self) -> bool {
        self.loopback
    }

    /// Refuses what came through a proxy and what asks for a name that is none of these.
    pub fn check(&self, request: &Request) -> Result<(), NotStaff> {
        if came_through_a_proxy(request.headers()) {
            return Err(NotStaff::Proxied);
        }
        match asked(request) {
            Some((host, port)) if self.has(&host, port) => Ok(()),
            _ => Err(NotStaff::WrongHost),
        }
    }

    fn has(&self, host: &Host, port: Option<u16>) -> bool {
        // Without a port it is the scheme's, and TLS may be on either.
        let is = |own: u16| port.map_or(own == 80 || own == 443, |port| port == own);
        (self.loopback && is_loopback_host(host) && is(self.port))
            || self
                .others
                .iter()
                .any(|(own, port)| own == host && is(*port))
    }
}

fn came_through_a_proxy(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        let mut beginnings = BEGINNINGS_OF_PROXIES.iter();
        OF_PROXIES.contains(&name) || beginnings.any(|one| name.starts_with(one))
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn names(address: &str, url: Option<&str>) -> OwnNames {
        let url = url.map(|url| Url::parse(url).unwrap());
        OwnNames::of(address.parse().unwrap(), url.as_ref())
    }

    fn request(headers: &[(&str, &str)]) -> Request {
        let request = Request::get("/v1/status");
        let headers = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        headers.body(Body::empty()).unwrap()
    }

    #[test]
    fn this_machines_names_are_own_with_the_own_port_only() {
        let names = names("127.0.0.1:7300", None);
        let check = |host: &str| names.check(&request(&[("host", host)]));
        for host in [
            "127.0.0.1:7300",
            "localhost:7300",
            "LOCALHOST:7300",
            "[::1]:7300",
        ] {
            assert_eq!(check(host), Ok(()), "{host}");
        }
        for host in [
            "",
            "127.0.0.1",
            "127.0.0.1:80",
            "127.0.0.1:7301",
            "localhost:8443",
            "desk.example:7300",
            "127.0.0.1.desk.example:7300",
            "10.0.0.1:7300",
            "me@127.0.0.1:7300",
            "127.0.0.1:7300/",
            "127.0.0.1:7300?x",
            "a b",
        ] {
            assert_eq!(check(host), Err(NotStaff::WrongHost), "{host}");
        }
        assert_eq!(names.check(&request(&[])), Err(NotStaff::WrongHost));
        let two = request(&[("host", "127.0.0.1:7300"), ("host", "desk.example")]);
        assert_eq!(names.check(&two), Err(NotStaff::WrongHost));
    }

    #[test]
    fn listener_for_other_machines_has_its_address_and_the_given_name() {
        let names = names("192.0.2.7:7300", Some("https://desk.example"));
        let check = |host: &str| names.check(&request(&[("host", host)]));
        for host in ["192.0.2.7:7300", "desk.example", "desk.example:443"] {
            assert_eq!(check(host), Ok(()), "{host}");
        }
        for host in ["localhost:7300", "127.0.0.1:7300", "desk.example:7300"] {
            assert_eq!(check(host), Err(NotStaff::WrongHost), "{host}");
        }
    }

    #[test]
    fn headers_that_proxies_add_are_refused_whatever_they_say() {
        let names = names("127.0.0.1:7300", None);
        for header in [
            "Forwarded",
            "Via",
            "X-Real-IP",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Forwarded-Server",
            "X-Forwarded-Client-Cert",
            "X-Envoy-External-Address",
            "X-Original-URL",
            "CF-Connecting-IP",
        ] {
            let request = request(&[("host", "127.0.0.1:7300"), (header, "")]);
            assert_eq!(names.check(&request), Err(NotStaff::Proxied), "{header}");
        }
        let program = [("host", "127.0.0.1:7300"), ("x-request-id", "7")];
        assert_eq!(names.check(&request(&program)), Ok(()));
    }
}
