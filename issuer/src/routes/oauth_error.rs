//! Errors in the form of OAuth 2.0 (RFC 6749 §5.2, RFC 6750 §3) and OID4VCI 1.0 (§6.3, §8.3.1).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jumin_http::ProblemCode;
use serde_json::json;

use crate::store::StoreError;

/// An error answer of the token and the credential endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: String,
}

impl OauthError {
    /// Makes a 400 answer; the description says what to do.
    pub fn bad_request(error: &'static str, description: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, description)
    }

    /// Says that the access token opens nothing (RFC 6750 §3.1).
    pub fn invalid_token() -> Self {
        let description =
            "the access token is unknown, expired, used, or refused too often; ask for a new offer";
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", description)
    }

    /// Says that the access token is for another credential (RFC 6750 §3.1).
    pub fn insufficient_scope() -> Self {
        let description = "the access token is for another credential configuration";
        Self::new(StatusCode::FORBIDDEN, "insufficient_scope", description)
    }

    /// Says that it can't be done now and may be tried again.
    pub fn unavailable(description: impl Into<String>) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::new(status, "temporarily_unavailable", description)
    }

    /// Says whether the request was at fault, and not the issuer.
    pub fn is_refusal(&self) -> bool {
        self.status.is_client_error()
    }

    /// Adds that the access token has ended with this refusal.
    #[must_use]
    pub fn and_token_ended(mut self) -> Self {
        self.description
            .push_str("; the access token has ended, ask for a new offer");
        self
    }

    /// Logs the cause and tells nothing of it.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %crate::app::chain(cause), "request failed");
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self::new(status, "server_error", "the issuer failed; try again later")
    }

    fn new(status: StatusCode, error: &'static str, description: impl Into<String>) -> Self {
        // RFC 6749 §5.2: printable ASCII without `"` and `\`.
        let description = description
            .into()
            .chars()
            .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
            .collect();
        Self {
            status,
            error,
            description,
        }
    }
}

impl From<StoreError> for OauthError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        let mut response = (
            self.status,
            [
                (header::CONTENT_TYPE, "application/json"),
                (header::CACHE_CONTROL, "no-store"),
            ],
            body.to_string(),
        )
            .into_response();
        response.extensions_mut().insert(ProblemCode(self.error));
        if matches!(
            self.status,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN
        ) {
            let challenge = format!("Bearer error=\"{}\"", self.error);
            if let Ok(value) = HeaderValue::from_str(&challenge) {
                response
                    .headers_mut()
                    .insert(header::WWW_AUTHENTICATE, value);
            }
        }
        response
    }
}
