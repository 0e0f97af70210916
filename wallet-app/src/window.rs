//! The one window: our own pages and nothing else.

use tauri::webview::{NewWindowResponse, WebviewWindowBuilder};
use tauri::{App, AppHandle, Manager, Url};

use crate::camera;

/// Names the window, in the capabilities too.
pub(crate) const MAIN: &str = "main";

/// Opens the window as the configuration describes it; pages can't leave it nor open others.
pub(crate) fn open(app: &App) -> Result<(), Box<dyn std::error::Error>> {
    let windows = &app.config().app.windows;
    let config = windows.iter().find(|window| window.label == MAIN);
    let config = config.ok_or("the configuration has no main window")?;
    WebviewWindowBuilder::from_config(app, config)?
        .on_navigation(is_own)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_permission_request(camera::decide)
        .devtools(cfg!(debug_assertions))
        .build()?;
    Ok(())
}

/// Says whether a page is one of the program's own.
pub(crate) fn is_own(url: &Url) -> bool {
    // Windows and Android serve the same pages under this host.
    let local = cfg!(windows) && url.host_str() == Some("tauri.localhost");
    local || (url.scheme() == "tauri" && url.host_str() == Some("localhost"))
}

/// Brings the window to the front.
pub(crate) fn raise(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN) {
        let _ = window.unminimize();
        let _ = window.show();
        let _ = window.set_focus();
    }
}

/// Says whether a window could be opened at all.
pub(crate) fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !cfg!(target_os = "linux") || set("DISPLAY") || set("WAYLAND_DISPLAY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_programs_own_pages_are_own() {
        let own = |url: &str| is_own(&url.parse().unwrap());
        assert!(own("tauri://localhost"));
        assert!(own("tauri://localhost/index.html#/home"));
        for url in [
            "https://example.com/",
            "http://localhost/",
            "tauri://evil.example/",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
        ] {
            assert!(!own(url), "{url}");
        }
    }
}
