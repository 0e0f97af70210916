//! The cookie of a session.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::app::ConsoleEdge;
use crate::secret::Secret;

/// Longer texts aren't tokens of ours.
const MAX_TOKEN: usize = 64;

/// Browsers share cookies between the ports of a host, so the port is in the name; with TLS, `__Host-` keeps names under
/// the same domain from planting one (RFC 6265bis §4.1.3.2).
fn name(edge: &ConsoleEdge) -> String {
    let prefix = if edge.tls { "__Host-" } else { "" };
    format!("{prefix}jumin-console-{}", edge.address.port())
}

/// Reads the session's token.
pub fn read(headers: &HeaderMap, edge: &ConsoleEdge) -> Option<Secret> {
    let name = name(edge);
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .filter(|value| value.len() <= MAX_TOKEN)
        .map(Secret::presented)
}

/// Hands the token over; the browser keeps it until it is closed, and the issuer for less.
pub fn set(token: &Secret, edge: &ConsoleEdge) -> HeaderValue {
    write(edge, token.reveal(), "")
}

/// Takes the token back.
pub fn clear(edge: &ConsoleEdge) -> HeaderValue {
    write(edge, "", "; Max-Age=0")
}

fn write(edge: &ConsoleEdge, value: &str, more: &str) -> HeaderValue {
    let secure = if edge.tls { "; Secure" } else { "" };
    let text = format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}",
        name(edge)
    );
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(tls: bool) -> ConsoleEdge {
        ConsoleEdge::new(([127, 0, 0, 1], 7201).into(), tls, None)
    }

    #[test]
    fn cookie_is_out_of_reach_for_scripts_and_other_sites() {
        let token = Secret::presented("abc");
        assert_eq!(
            set(&token, &edge(false)),
            "jumin-console-7201=abc; Path=/; HttpOnly; SameSite=Strict"
        );
        assert_eq!(
            clear(&edge(true)),
            "__Host-jumin-console-7201=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"
        );
    }

    #[test]
    fn cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("jumin-console-7202=x; a=b"),
        );
        assert!(read(&headers, &edge(false)).is_none());
        headers.append(
            header::COOKIE,
            HeaderValue::from_static("jumin-console-7201=y"),
        );
        assert!(
            read(&headers, &edge(false))
                .unwrap()
                .equals(&Secret::presented("y"))
        );
        assert!(read(&headers, &edge(true)).is_none());
    }
}
