//! Problem details for the refusals that the framework makes itself.

use crate::Problem;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Gives every error answer without a form of its own that of problem details (RFC 9457).
pub async fn as_problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || has_form(&response) {
        return response;
    }
    let (code, detail) = match status {
        StatusCode::BAD_REQUEST => (
            "malformed_request",
            "A parameter of the path or the query isn't right.",
        ),
        StatusCode::NOT_FOUND => ("not_found", "There is nothing under this address."),
        StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed", "This address has no such method.")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "The body is too large."),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "unsupported_media_type",
            "The body is not of a kind that this address takes.",
        ),
        StatusCode::REQUEST_TIMEOUT => ("too_slow", "The request did not come in time."),
        StatusCode::GATEWAY_TIMEOUT => ("timeout", "The service could not answer in time."),
        StatusCode::SERVICE_UNAVAILABLE => (
            "unavailable",
            "The service can't answer now; try again in a moment.",
        ),
        _ => ("refused", "The request was refused."),
    };
    let (mut parts, body) = Problem::new(status, code, detail)
        .into_response()
        .into_parts();
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            parts.headers.append(name.clone(), value.clone());
        }
    }
    Response::from_parts(parts, body)
}

fn has_form(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.contains("json")
}
