//! Links from outside: from the command line, a second start, or the desktop.

use std::sync::Arc;

use tauri::{App, AppHandle, Emitter, Manager};
use tauri_plugin_deep_link::DeepLinkExt;

use crate::session::Session;

const MAX_BYTES: usize = 32 * 1024;
const SCHEMES: [&str; 5] = [
    "openid-credential-offer",
    "haip-vci",
    "openid4vp",
    "haip-vp",
    "https",
];

/// Takes a link of bounded length whose scheme is one of ours.
pub(crate) fn known(text: &str) -> Option<&str> {
    let text = text.trim();
    let (scheme, rest) = text.split_once(':')?;
    let known = SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    let clean = !text.chars().any(|c| c.is_control() || c.is_whitespace());
    (text.len() <= MAX_BYTES && known && clean && rest.starts_with("//")).then_some(text)
}

/// Listens to links that the desktop hands to the running program (macOS; elsewhere they come with a second start).
pub(crate) fn listen(app: &App) {
    let handle = app.handle().clone();
    app.deep_link().on_open_url(move |event| {
        for url in event.urls() {
            arrived(&handle, url.as_str());
        }
    });
}

/// Keeps a link for the page and tells it.
pub(crate) fn arrived(app: &AppHandle, link: &str) {
    let session = app.state::<Arc<Session>>();
    if session.offer_link(Some(link)) {
        let _ = app.emit("link", ());
    }
    crate::window::raise(app);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_schemes_pass() {
        for link in [
            "openid-credential-offer://?credential_offer_uri=https%3A%2F%2Fa.example",
            "OpenID4VP://?client_id=x&request_uri=y",
            "haip-vci://?x",
            "haip-vp://?x",
            " https://wallet.example/?client_id=a ",
        ] {
            assert_eq!(known(link), Some(link.trim()));
        }
    }

    #[test]
    fn strange_links_are_dropped() {
        let long = format!("https://a.example/{}", "a".repeat(MAX_BYTES));
        for link in [
            "",
            "hello",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "http://a.example/",
            "openid4vp:x",
            "https://a.example/\nx",
            "https://a.example/ x",
            "--home=/tmp",
            &long,
        ] {
            assert_eq!(known(link), None, "{link:.30}");
        }
    }
}
