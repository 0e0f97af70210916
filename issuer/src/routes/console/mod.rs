//! The console's listener: its page, its sessions, and its API.

mod cookie;
mod credentials;
mod device_cookie;
mod guard;
mod offers;
mod records;
mod residents;
mod seen;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{any, get};
use jumin_http::Problem;
use rust_embed::RustEmbed;
use serde::de::DeserializeOwned;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::counting::{self, count};
use crate::app::App;

#[cfg(test)]
pub use residents::ResidentDetail;

const MAX_BODY: usize = 16 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "Jumin issuer console",
    description = "For the agency's staff. Requests carry the cookie of a session, or `Authorization: Bearer` with the console's token."
))]
struct ConsoleApi;

/// The console's page as `make ui` builds it.
#[derive(RustEmbed)]
#[folder = "../ui/console/dist"]
struct Page;

/// The router of the console's listener.
pub fn router(app: Arc<App>) -> Router {
    let (guarded, mut api) = OpenApiRouter::with_openapi(ConsoleApi::openapi())
        .routes(routes!(residents::search))
        .routes(routes!(residents::resident))
        .routes(routes!(offers::create_offer))
        .routes(routes!(offers::offer))
        .routes(routes!(credentials::credentials))
        .routes(routes!(credentials::credential))
        .routes(routes!(credentials::change_status))
        .routes(routes!(records::overview))
        .routes(routes!(records::agency))
        .routes(routes!(records::audit))
        .routes(routes!(records::verify_audit))
        .routes(routes!(counting::metrics))
        .split_for_parts();
    let (open, open_api) = OpenApiRouter::new()
        .routes(routes!(
            session::sign_in,
            session::session,
            session::sign_out
        ))
        .split_for_parts();
    api.merge(open_api);
    let router = guarded
        .route_layer(from_fn_with_state(Arc::clone(&app), guard::require_actor))
        .merge(open)
        .merge(super::openapi(&api))
        .route("/healthz", get(|| async { "ok" }))
        .route("/v1/{*path}", any(no_such_route));
    let router = jumin_http::with_pages::<_, Page>(router)
        .layer(from_fn_with_state(Arc::clone(&app), guard::check_names))
        .with_state(Arc::clone(&app));
    jumin_http::layers(router, MAX_BODY)
        .layer(from_fn(jumin_http::as_problems))
        .layer(from_fn_with_state(app, count))
}

async fn no_such_route() -> Problem {
    Problem::not_found("There is nothing under this address.")
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        // The position helps; the text of the error may quote the body.
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::bad_request(
            "malformed_json",
            format!("The body isn't the JSON expected here ({place})."),
        )
    })
}
