use axum::Form;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jumin_identity::parse_object_strict;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::unix_now;
use crate::desk::DeskError;
use crate::encryption::ResponseKey;
use crate::routes::Office;
use crate::store::StoredRequest;

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

/// Serves the request object (RFC 9101 §5.2; OpenID4VP 1.0 §5.10) until it is answered or over.
#[utoipa::path(get, path = "/openid4vp/requests/{id}", tag = "openid4vp",
    params(("id" = String, Path, description = "The request")),
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
    params(("id" = String, Path, description = "The request")),
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
    match office.desk.check(&vp_token, Some(id.as_str())).await {
        Ok(_) => Ok(axum::Json(json!({}))),
        Err(DeskError::UnknownRequest) => Err(WalletError::gone()),
        Err(error) => Err(WalletError::internal(&error)),
    }
}

/// Returns a request that is online, not answered and not over; any other is as good as none.
async fn open_request(office: &Office, id: &str) -> Result<StoredRequest, WalletError> {
    let request = office
        .desk
        .store()
        .request(id)
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
