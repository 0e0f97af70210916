//! Answers the web view's requests for permissions: the camera for our own page, nothing else for anybody.

use tauri::webview::{PermissionKind, PermissionResponse};
use tauri::{Runtime, Url, Webview};

/// Decides about a permission that a page asks for.
pub(crate) fn decide<R: Runtime>(webview: Webview<R>, kind: PermissionKind) -> PermissionResponse {
    answer(webview.url().ok().as_ref(), kind)
}

fn answer(page: Option<&Url>, kind: PermissionKind) -> PermissionResponse {
    match kind {
        PermissionKind::Camera if page.is_some_and(crate::window::is_own) => {
            PermissionResponse::Allow
        }
        _ => PermissionResponse::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_gets_the_camera_and_nothing_else() {
        let own: Url = "tauri://localhost/index.html".parse().unwrap();
        let foreign: Url = "https://localhost/".parse().unwrap();
        let allowed = |page: Option<&Url>, kind| answer(page, kind) == PermissionResponse::Allow;
        assert!(allowed(Some(&own), PermissionKind::Camera));
        assert!(!allowed(Some(&foreign), PermissionKind::Camera));
        assert!(!allowed(None, PermissionKind::Camera));
        for kind in [
            PermissionKind::Microphone,
            PermissionKind::DisplayCapture,
            PermissionKind::Geolocation,
            PermissionKind::Notifications,
            PermissionKind::Other,
        ] {
            assert!(!allowed(Some(&own), kind));
        }
    }
}
