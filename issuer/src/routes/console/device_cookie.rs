//! The cookie of a device that an account has signed in from.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::app::ConsoleEdge;
use crate::console::DeviceKey;

/// Longer texts mark no device.
const MAX_MARK: usize = 64;

/// Several clerks may share a browser, so the account is in the name; as with the session's cookie, the port is too.
fn name(edge: &ConsoleEdge, account: &str) -> String {
    let prefix = if edge.tls { "__Host-" } else { "" };
    format!("{prefix}jumin-device-{}-{account}", edge.address.port())
}

/// Reads what the browser was marked with for `account`.
pub fn read<'a>(headers: &'a HeaderMap, edge: &ConsoleEdge, account: &str) -> Option<&'a str> {
    let name = name(edge, account);
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
        .filter(|value| value.len() <= MAX_MARK)
}

/// Marks the browser. `account` is one that signed in, so its name has no characters that a cookie's may not have.
pub fn set(mark: &str, edge: &ConsoleEdge, account: &str) -> HeaderValue {
    let secure = if edge.tls { "; Secure" } else { "" };
    let text = format!(
        "{}={mark}; Path=/; HttpOnly; SameSite=Strict{secure}; Max-Age={}",
        name(edge, account),
        DeviceKey::LIFETIME
    );
    let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own_mark_in_a_shared_browser() {
        let edge = ConsoleEdge::new(([127, 0, 0, 1], 7201).into(), true, None);
        let set = set("m", &edge, "admin");
        assert_eq!(
            set.to_str().unwrap(),
            "__Host-jumin-device-7201-admin=m; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=15552000"
        );
        let mut headers = HeaderMap::new();
        let sent = "a=b; __Host-jumin-device-7201-admin=m; __Host-jumin-device-7201-clerk=n";
        headers.append(header::COOKIE, HeaderValue::from_static(sent));
        assert_eq!(read(&headers, &edge, "admin"), Some("m"));
        assert_eq!(read(&headers, &edge, "clerk"), Some("n"));
        assert_eq!(read(&headers, &edge, "other"), None);
    }
}
