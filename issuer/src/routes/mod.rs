//! The two listeners: OID4VCI for wallets and verifiers, the console API for the agency's staff.

mod console;
mod counting;
mod credential;
mod oauth_error;
mod offer;
mod published;
#[cfg(test)]
mod refused_tests;
mod token;
#[cfg(test)]
mod wallet_tests;

use std::sync::Arc;

use axum::Router;
use axum::http::header;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

#[cfg(test)]
pub use console::ResidentDetail;
pub use console::router as console;

/// A credential request with ten proofs has about 8 kB.
const MAX_PUBLIC_BODY: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "Jumin issuer",
    description = "OID4VCI 1.0 and what verifiers fetch: type metadata, status lists, dictionaries."
))]
struct PublicApi;

/// The router of the public listener.
pub fn public(app: Arc<App>) -> Router {
    let (router, api) = OpenApiRouter::with_openapi(PublicApi::openapi())
        .routes(routes!(published::credential_issuer))
        .routes(routes!(published::authorization_server))
        .routes(routes!(published::jwt_vc_issuer))
        .routes(routes!(published::type_metadata))
        .routes(routes!(published::status_list))
        .routes(routes!(published::dictionary))
        .routes(routes!(offer::offer))
        .routes(routes!(token::token))
        .routes(routes!(credential::nonce))
        .routes(routes!(credential::credential))
        .split_for_parts();
    let router = router
        .merge(openapi(&api))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(published::ready))
        .with_state(Arc::clone(&app));
    jumin_http::layers(router, MAX_PUBLIC_BODY)
        .layer(from_fn(jumin_http::as_problems))
        .layer(from_fn_with_state(app, counting::count))
}

fn openapi(api: &utoipa::openapi::OpenApi) -> Router<Arc<App>> {
    let document = api.to_json().unwrap_or_default();
    Router::new().route(
        "/openapi.json",
        get(move || async move { json_text(document) }),
    )
}

/// Answers with a JSON text that is ready.
fn json_text(text: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.into()).into_response()
}
