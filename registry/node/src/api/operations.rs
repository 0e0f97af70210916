use std::time::{Duration, SystemTime};

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use jumin_registry::{OperationError, OperationHash, Rejection, SignedOperation};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Context, Failure};
use crate::application::unix_ms;
use crate::execution::operation_hash;
use crate::mempool::Outcome;

/// The longest a submitter may wait for the finalization, in seconds.
const MAX_WAIT_SECONDS: u64 = 25;

/// What is known about an operation.
#[derive(Serialize, ToSchema)]
pub(super) struct OperationStatus {
    /// The operation's hash, base64url.
    hash: String,
    /// `pending`, `finalized`, `rejected` or `unknown`.
    status: &'static str,
    /// The block that has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

impl OperationStatus {
    fn new(hash: &[u8; 32], outcome: Option<Outcome>) -> Self {
        let (status, height, code) = match outcome {
            Some(Outcome::Pending) => ("pending", None, None),
            Some(Outcome::Finalized(height)) => ("finalized", Some(height), None),
            Some(Outcome::Rejected(code)) => ("rejected", None, Some(code)),
            Some(Outcome::Forgotten) | None => ("unknown", None, None),
        };
        Self {
            hash: OperationHash(*hash).to_string(),
            status,
            height,
            code,
        }
    }
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Wait {
    /// Answer only once the operation is finalized, but after this many seconds at the latest (at most 25).
    #[serde(default)]
    wait: u64,
}

/// Takes in a signed operation.
#[utoipa::path(
    post, path = "/v1/operations", params(Wait),
    request_body(content_type = "application/json", description = "The operation, JWS JSON General Serialization"),
    responses(
        (status = 200, description = "Finalized", body = OperationStatus),
        (status = 202, description = "Waits for a block", body = OperationStatus),
        (status = "4XX", description = "Refused; problem details with a stable `code`"),
        (status = 503, description = "Too many operations wait"),
    )
)]
pub(super) async fn submit(
    State(context): State<Context>,
    wait: Result<Query<Wait>, QueryRejection>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Response> {
    let Query(wait) = wait.map_err(|_| {
        Problem::bad_request("malformed", "`wait` is a number of seconds.").into_response()
    })?;
    let body = body.map_err(|_| malformed(&OperationError::TooLarge))?;
    let operation = SignedOperation::parse(&body).map_err(|error| malformed(&error))?;
    let hash = operation_hash(&operation);
    let known = context
        .ledger
        .outcome(&hash)
        .map_err(|error| Failure::from(error).into_response())?;
    if let Some(Outcome::Finalized(_)) = known {
        return Ok(answer(&hash, known));
    }
    context
        .ledger
        .admit(&operation, unix_ms(SystemTime::now()))
        .map_err(|rejection| refused(&rejection))?;
    let added = context
        .ledger
        .mempool()
        .add(hash, body.as_ref().into(), operation);
    let (mut outcome, new) = added.map_err(|full| {
        Problem::unavailable("busy", format!("{full}; try again in a moment")).into_response()
    })?;
    if new {
        // A full queue only means that the others learn of it from the block.
        drop(context.gossip.try_send(body.to_vec()));
    }
    let limit = Duration::from_secs(wait.wait.min(MAX_WAIT_SECONDS));
    let settled = outcome.wait_for(|outcome| *outcome != Outcome::Pending);
    let outcome = match tokio::time::timeout(limit, settled).await {
        Ok(Ok(outcome)) => *outcome,
        _ => Outcome::Pending,
    };
    match outcome {
        Outcome::Rejected(code) => Err(Problem::conflict(
            code,
            "The registry's state refuses the operation.",
        )
        .into_response()),
        Outcome::Forgotten => Err(Problem::unavailable(
            "expired",
            "No block took the operation in time.",
        )
        .into_response()),
        outcome => Ok(answer(&hash, Some(outcome))),
    }
}

fn answer(hash: &[u8; 32], outcome: Option<Outcome>) -> Response {
    let status = match outcome {
        Some(Outcome::Finalized(_)) => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    (status, Json(OperationStatus::new(hash, outcome))).into_response()
}

fn malformed(error: &OperationError) -> Response {
    let status = match error {
        OperationError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.code(), error.to_string()).into_response()
}

fn refused(rejection: &Rejection) -> Response {
    let status = match rejection {
        Rejection::StateUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Rejection::BadSignature | Rejection::NotAccredited => StatusCode::FORBIDDEN,
        Rejection::Malformed(_) | Rejection::Limits(_) | Rejection::WrongNetwork => {
            StatusCode::BAD_REQUEST
        }
        Rejection::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(status, rejection.code(), rejection.to_string()).into_response()
}

/// Tells what became of an operation.
#[utoipa::path(
    get, path = "/v1/operations/{hash}",
    params(("hash" = String, Path, description = "The operation's hash, base64url")),
    responses((status = 200, body = OperationStatus), (status = 400, description = "Not a hash"))
)]
pub(super) async fn status(
    State(context): State<Context>,
    Path(hash): Path<String>,
) -> Result<Json<OperationStatus>, Response> {
    let hash: OperationHash = hash.parse().map_err(|_| {
        Problem::bad_request("malformed", "This is not an operation's hash.").into_response()
    })?;
    let outcome = context
        .ledger
        .outcome(&hash.0)
        .map_err(|error| Failure::from(error).into_response())?;
    Ok(Json(OperationStatus::new(&hash.0, outcome)))
}
