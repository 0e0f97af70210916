//! The wallets' listener: OpenID4VP online, by names that mean nothing at the desk.

use axum::Form;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use jumin_identity::parse_object_strict;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::unix_now;
use crate::desk::DeskError;
use crate::encryption::ResponseKey;
use crate::routes::{Office, problem};
use crate::store::StoredRequest;

/// Largest body of a request, in bytes: an encrypted answer with a portrait, and a little.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Deepest nesting of a decrypted response.
const MAX_DEPTH: usize = 8;

/// Is the body of a response: an encrypted answer, or an error of the wallet (OpenID4VP 1.0 §8.3
/// and §8.5).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
pub struct ResponseForm {
    response: Option<String>,
    error: Option<String>,
}

/// Says why a wallet's call was not taken, in OAuth's form.
#[derive(Debug)]
pub struct WalletError {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

impl WalletError {
    fn new(error: &'static str, description: &'static str) -> WalletError {
        WalletError {
            status: StatusCode::BAD_REQUEST,
            error,
            description,
        }
    }

    fn gone() -> WalletError {
        WalletError {
            status: StatusCode::NOT_FOUND,
            error: "invalid_request",
            description: "There is no such request, or it is over.",
        }
    }

    fn internal(cause: &dyn std::fmt::Display) -> WalletError {
        tracing::error!(%cause, "a wallet's answer could not be handled");
        WalletError {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            error: "server_error",
            description: "The counter could not complete the request.",
        }
    }
}

impl IntoResponse for WalletError {
    fn into_response(self) -> Response {
        let body = json!({"error": self.error, "error_description": self.description});
        (self.status, axum::Json(body)).into_response()
    }
}

/// Makes the routes of the wallets' listener, which is for everybody: none of the desk's is among them, and nothing that a
/// wallet is told or knows opens one of the desk's.
pub fn router(office: Office) -> axum::Router {
    let (router, _) = routes().with_state(office).split_for_parts();
    jumin_http::layers(router, MAX_BODY_BYTES)
}

/// Describes these routes.
pub(crate) fn description() -> OpenApi {
    routes().split_for_parts().1
}

fn routes() -> OpenApiRouter<Office> {
    OpenApiRouter::new()
        .routes(routes!(request_object))
        .routes(routes!(response))
        .routes(routes!(healthz))
        .routes(routes!(readyz))
}

/// Serves the request object (RFC 9101 §5.2; OpenID4VP 1.0 §5.10) until it is answered or over.
#[utoipa::path(get, path = "/openid4vp/requests/{id}", tag = "openid4vp",
    params(("id" = String, Path, description = "The request, by the name that its wallet was told")),
    responses((status = 200, description = "The signed request object", content_type = "application/oauth-authz-req+jwt"),
              (status = 404, description = "No such request, or it is over")))]
pub async fn request_object(
    State(office): State<Office>,
    Path(id): Path<String>,
) -> Result<Response, WalletError> {
    let request = open_request(&office, &id).await?;
    let object = request.request_object.ok_or_else(WalletError::gone)?;
    let content_type = (header::CONTENT_TYPE, "application/oauth-authz-req+jwt");
    Ok(([content_type], object).into_response())
}

/// Takes the wallet's answer (`direct_post.jwt`). The wallet learns only that it arrived: the
/// verdict is the desk's.
#[utoipa::path(post, path = "/openid4vp/responses/{id}", tag = "openid4vp",
    params(("id" = String, Path, description = "The request, by the name that its wallet was told")),
    responses((status = 200, description = "The answer arrived"), (status = 400, description = "It cannot be read"),
              (status = 404, description = "No such request, or it is over")))]
pub async fn response(
    State(office): State<Office>,
    Path(id): Path<String>,
    Form(form): Form<ResponseForm>,
) -> Result<axum::Json<Value>, WalletError> {
    let request = open_request(&office, &id).await?;
    if form.error.is_some() {
        office.desk.declined(&request.id);
        return Ok(axum::Json(json!({})));
    }
    let response = form
        .response
        .ok_or_else(|| WalletError::new("invalid_request", "The response is missing."))?;
    let vp_token = open(&request, &response)?;
    match office
        .desk
        .check(&vp_token, Some(request.id.as_str()))
        .await
    {
        Ok(_) => Ok(axum::Json(json!({}))),
        Err(DeskError::UnknownRequest) => Err(WalletError::gone()),
        Err(error) => Err(WalletError::internal(&error)),
    }
}

/// Says that the process is alive.
#[utoipa::path(get, path = "/healthz", tag = "health", responses((status = 200, description = "Alive")))]
async fn healthz() -> &'static str {
    "ok"
}

/// Says whether the counter can ask and decide: it knows the ledger, which has its key.
#[utoipa::path(get, path = "/readyz", tag = "health",
    responses((status = 200, description = "Ready"), (status = 503, description = "Nothing is known of the ledger yet, or it refuses the counter's key")))]
async fn readyz(State(office): State<Office>) -> Result<&'static str, Problem> {
    if office.desk.ledger().view().is_none() {
        let detail = "Nothing is known of the ledger yet.";
        return Err(Problem::unavailable("ledger_unknown", detail));
    }
    let key = office.desk.require_key(unix_now());
    key.map_err(|refused| problem(&DeskError::Key(refused)))?;
    Ok("ok")
}

/// Returns a request that is online, not answered and not over; any other is as good as none.
async fn open_request(office: &Office, id: &str) -> Result<StoredRequest, WalletError> {
    let request = office
        .desk
        .store()
        .request_of_wallet(id)
        .await
        .map_err(|error| WalletError::internal(&error))?
        .ok_or_else(WalletError::gone)?;
    let over = request.pending.is_over(unix_now());
    if over || request.decryption_key.is_none() {
        return Err(WalletError::gone());
    }
    Ok(request)
}

fn open(request: &StoredRequest, response: &str) -> Result<String, WalletError> {
    let unreadable = || WalletError::new("invalid_request", "The response cannot be decrypted.");
    let key = request.decryption_key.as_deref().ok_or_else(unreadable)?;
    let key = ResponseKey::from_json(key).map_err(|error| WalletError::internal(&error))?;
    let payload = key.open(response).map_err(|error| {
        tracing::info!(code = error.code(), "a wallet's answer is not readable");
        unreadable()
    })?;
    let payload = parse_object_strict(&payload, MAX_DEPTH)
        .map_err(|_| WalletError::new("invalid_request", "The response is not JSON."))?;
    let vp_token = payload
        .get("vp_token")
        .ok_or_else(|| WalletError::new("invalid_request", "The vp_token is missing."))?;
    Ok(vp_token.to_string())
}
