//! How a browser and a program show that somebody let them in: a cookie, a bearer token.

use axum::http::{HeaderMap, HeaderValue, header};

/// Longer texts are no tokens of ours.
const MAX_TOKEN: usize = 64;

/// Most tokens of one request that are looked at.
const MAX_TOKENS: usize = 64;

/// The cookie of a session: out of reach for scripts, and never sent by pages of other sites.
#[derive(Clone, Debug)]
pub struct SessionCookie {
    name: String,
    secure: bool,
}

impl SessionCookie {
    /// Names the cookie of a listener on `port`. Browsers share cookies between the ports of a host, so the port is in the
    /// name; with TLS, `__Host-` keeps names under the same domain from planting one (RFC 6265bis §4.1.3.2).
    pub fn new(base: &str, port: u16, tls: bool) -> Self {
        let prefix = if tls { "__Host-" } else { "" };
        Self {
            name: format!("{prefix}{base}-{port}"),
            secure: tls,
        }
    }

    /// Reads the tokens that a browser sends under this name, of which one may be ours: without TLS a page on another port of
    /// the host can plant one that the browser sends first.
    pub fn read<'a>(&'a self, headers: &'a HeaderMap) -> impl Iterator<Item = &'a str> {
        let own = self.name.as_str();
        let cookies = headers.get_all(header::COOKIE).iter();
        cookies
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(move |(name, _)| *name == own)
            .map(|(_, value)| value)
            .filter(|value| (1..=MAX_TOKEN).contains(&value.len()))
            .take(MAX_TOKENS)
    }

    /// Hands a token over, as the value of `Set-Cookie`; the browser keeps it until it is closed.
    pub fn set(&self, token: &str) -> HeaderValue {
        self.write(token, "")
    }

    /// Takes the token back.
    pub fn clear(&self) -> HeaderValue {
        self.write("", "; Max-Age=0")
    }

    fn write(&self, token: &str, more: &str) -> HeaderValue {
        let secure = if self.secure { "; Secure" } else { "" };
        let name = &self.name;
        let text = format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
        let mut value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        value.set_sensitive(true);
        value
    }
}

/// Reads a bearer token (RFC 6750 §2.1); a longer text than any of ours is none.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && (1..=MAX_TOKEN).contains(&token.len()))
        .then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, values: &[&str]) -> HeaderMap {
        let values = values
            .iter()
            .map(|value| HeaderValue::from_str(value).unwrap());
        values.map(|value| (name.clone(), value)).collect()
    }

    #[test]
    fn cookie_is_out_of_reach_for_scripts_and_other_sites() {
        let plain = SessionCookie::new("jumin-desk", 7300, false);
        assert_eq!(
            plain.set("abc"),
            "jumin-desk-7300=abc; Path=/; HttpOnly; SameSite=Strict"
        );
        let secure = SessionCookie::new("jumin-desk", 7300, true);
        assert_eq!(
            secure.clear(),
            "__Host-jumin-desk-7300=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"
        );
    }

    #[test]
    fn cookie_is_found_among_others_and_those_of_other_ports_are_not_it() {
        let cookie = SessionCookie::new("jumin-desk", 7300, false);
        let read = |values: &[&str]| {
            let headers = headers(header::COOKIE, values);
            let tokens: Vec<_> = cookie.read(&headers).map(str::to_owned).collect();
            tokens
        };
        assert!(read(&["jumin-desk-7301=x; a=b"]).is_empty());
        assert_eq!(read(&["a=b", "c=d; jumin-desk-7300=y"]), ["y"]);
        assert!(read(&["jumin-desk-7300="]).is_empty());
        assert!(read(&["__Host-jumin-desk-7300=z"]).is_empty());
        let planted = "jumin-desk-7300=planted; jumin-desk-7300=y";
        assert_eq!(read(&[planted]), ["planted", "y"]);
        assert_eq!(
            read(&[&"jumin-desk-7300=x;".repeat(1_000)]).len(),
            MAX_TOKENS
        );
    }

    #[test]
    fn bearer_tokens_are_read_whatever_the_case_of_their_scheme() {
        let read = |value| bearer(&headers(header::AUTHORIZATION, &[value])).map(str::to_owned);
        assert_eq!(read("bearer abc").as_deref(), Some("abc"));
        for other in ["Basic abc", "Bearer", "Bearer ", ""] {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
