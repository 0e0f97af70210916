use std::borrow::Cow;

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

/// What a page may load and do: its own files, WebAssembly and pictures of its own making, nothing from elsewhere.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
     img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
     manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// The one powerful feature that a page may ask for is the camera.
const PERMISSIONS: &str =
    "camera=(self), microphone=(), geolocation=(), display-capture=(), usb=(), payment=()";

/// Adds the pages embedded in a program: `/` is `index.html`, everything else its own file.
///
/// Files under `assets/` carry a hash in their name and may be kept; all others are asked for anew.
pub fn with_pages<S, A>(router: Router<S>) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    A: RustEmbed + 'static,
{
    router.fallback(|method: Method, uri: Uri| async move { page::<A>(&method, &uri) })
}

fn page<A: RustEmbed>(method: &Method, uri: &Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = A::get(path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if method != Method::GET && method != Method::HEAD {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let kind = match file.metadata.mimetype() {
        "text/html" => Cow::Borrowed("text/html; charset=utf-8"),
        other => Cow::Owned(other.to_owned()),
    };
    let cache = match path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let kind = HeaderValue::from_str(&kind)
        .unwrap_or(HeaderValue::from_static("application/octet-stream"));
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(PAGE_POLICY),
        ),
        (
            header::HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static(PERMISSIONS),
        ),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ];
    (headers, file.data.into_owned()).into_response()
}
