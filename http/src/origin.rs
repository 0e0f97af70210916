//! Which page a browser asks from, and which name it asks for.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, header};
use url::{Host, Url};

/// Tells whether the page that asks (`Origin`, RFC 6454 §7) comes from the host and port that it asks (`Host`).
///
/// A request without `Origin`, with two, or with an opaque one, is not. TLS may end before this program, so the page's scheme counts.
pub fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name| {
        let mut values = headers.get_all(name).iter();
        let only = values.next().filter(|_| values.next().is_none());
        only.and_then(|value| value.to_str().ok())
    };
    let Some(origin) = text(header::ORIGIN).and_then(|origin| Url::parse(origin).ok()) else {
        return false;
    };
    let asked = text(header::HOST)
        .and_then(|host| Url::parse(&format!("{}://{host}", origin.scheme())).ok());
    matches!(origin.scheme(), "http" | "https")
        && asked.is_some_and(|asked| asked.origin() == origin.origin())
}

/// Returns the name that the request asks for, and its port if it gives one; `None` when it gives none that can be read, or
/// more than one.
pub(crate) fn asked(request: &Request) -> Option<(Host, Option<u16>)> {
    let mut headers = request.headers().get_all(header::HOST).iter();
    let header = headers
        .next()
        .map(|value| value.to_str())
        .transpose()
        .ok()?;
    // HTTP/2 has the authority in the URI instead; one that has both must mean the same.
    let line = request.uri().authority().map(Authority::as_str);
    let text = match (header, line) {
        (Some(header), Some(line)) if header != line => return None,
        (header, line) => header.or(line)?,
    };
    if headers.next().is_some() || text.contains('@') {
        return None;
    }
    let authority: Authority = text.parse().ok()?;
    let host = Host::parse(authority.host()).ok()?;
    let port = authority.port_u16();
    // A port that is no number is no port that could be ours.
    let read = port.is_some() || authority.host().len() == text.len();
    read.then_some((host, port))
}

/// Tells whether a name always means the machine itself; other names may be made to lead there (DNS rebinding).
pub(crate) fn is_loopback_host<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref() == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::HeaderValue;

    use super::*;

    fn same(host: &str, origin: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).unwrap());
        headers.insert(header::ORIGIN, HeaderValue::from_str(origin).unwrap());
        is_same_origin(&headers)
    }

    #[test]
    fn only_the_asked_host_and_port_are_the_same_origin() {
        assert!(same("127.0.0.1:7201", "http://127.0.0.1:7201"));
        assert!(same("console.example", "https://console.example"));
        assert!(same("console.example", "https://console.example:443"));
        for origin in [
            "http://127.0.0.1:7202",
            "http://localhost:7201",
            "http://127.0.0.1",
            "https://evil.example",
            "null",
            "",
            "file://127.0.0.1:7201",
            "http://127.0.0.1:7201.evil.example",
        ] {
            assert!(!same("127.0.0.1:7201", origin), "{origin}");
        }
        assert!(!is_same_origin(&HeaderMap::new()));
        let mut two = HeaderMap::new();
        two.insert(header::HOST, HeaderValue::from_static("127.0.0.1:7201"));
        for origin in ["http://127.0.0.1:7201", "https://evil.example"] {
            two.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        assert!(!is_same_origin(&two));
    }

    fn asks_loopback(host: &str) -> bool {
        let request = Request::builder().header(header::HOST, host);
        let host = asked(&request.body(Body::empty()).unwrap());
        host.is_some_and(|(host, _)| is_loopback_host(&host))
    }

    #[test]
    fn only_names_that_always_mean_this_machine_are_loopback() {
        for host in ["localhost", "localhost:80", "127.0.0.9:7", "[::1]:7300"] {
            assert!(asks_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "a b",
        ] {
            assert!(!asks_loopback(host), "{host}");
        }
    }
}
