use std::time::{Duration, Instant, SystemTime};

use axum::Json;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jumin_http::{Problem, ProblemCode};
use jumin_registry::{OperationError, OperationHash, Rejection, SignedOperation};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use super::Context;
use crate::application::unix_ms;
use crate::block::MAX_OPERATION_BYTES;
use crate::execution::operation_hash;
use crate::mempool::{Busy, Outcome, Share, Waiting};

/// The longest a submitter may wait for the finalization, in seconds.
const MAX_WAIT_SECONDS: u64 = 25;
/// How long the bytes of an operation may take to come.
const BODY_TIME: Duration = Duration::from_secs(5);
/// How many submitters wait for finalizations at once; the others are told `pending` right away.
pub(super) const MAX_WAITERS: usize = 4_096;
/// When a refused submitter is to come again, in seconds: several blocks later.
const RETRY_SECONDS: u32 = 1;

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
        (status = 429, description = "`submitter_busy`: too many operations of this submitter wait; nothing was taken"),
        (status = 503, description = "`busy`: too many operations wait; nothing was taken"),
    )
)]
pub(super) async fn submit(
    State(context): State<Context>,
    wait: Result<Query<Wait>, QueryRejection>,
    body: Body,
) -> Result<Response, Problem> {
    let Query(wait) =
        wait.map_err(|_| Problem::bad_request("malformed", "`wait` is a number of seconds."))?;
    let body = read(body).await?;
    let operation = SignedOperation::parse(&body).map_err(|error| malformed(&error))?;
    let hash = operation_hash(&operation);
    let known = context.ledger.outcome(&hash)?;
    if let Some(Outcome::Finalized(_)) = known {
        return Ok(answer(&hash, known));
    }
    context
        .ledger
        .admit(&operation, unix_ms(SystemTime::now()))
        .map_err(|rejection| refused(&rejection))?;
    let share = Share::of_submitter(&operation);
    let waiting = Waiting::new(hash, body.as_ref().into(), operation);
    let added = context.ledger.mempool().add(waiting, share);
    let (outcome, new) = added.map_err(busy)?;
    if new {
        // A full queue only means that the others learn of it from the block.
        drop(context.gossip.try_send(body.to_vec()));
    }
    let arrived = Instant::now();
    match settled(&context, outcome, wait.wait).await {
        outcome @ Outcome::Finalized(_) => {
            super::operation_finalized(arrived);
            Ok(answer(&hash, Some(outcome)))
        }
        Outcome::Rejected(code) => {
            let detail = "The registry's state refuses the operation.";
            let mut response = Problem::conflict(code, detail).into_response();
            // It was counted where the block was built.
            response.extensions_mut().remove::<ProblemCode>();
            Ok(response)
        }
        Outcome::Forgotten => Err(Problem::unavailable(
            "expired",
            "No block took the operation; submit it again.",
        )
        .retry_after(RETRY_SECONDS)),
        outcome => Ok(answer(&hash, Some(outcome))),
    }
}

/// Reads an operation's bytes; who trickles them holds a place that others need, so it takes seconds at most.
async fn read(body: Body) -> Result<Bytes, Problem> {
    let reading = to_bytes(body, MAX_OPERATION_BYTES);
    match tokio::time::timeout(BODY_TIME, reading).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(malformed(&OperationError::TooLarge)),
        Err(_) => {
            let detail = "The operation did not come in time; nothing was taken.";
            Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "too_slow",
                detail,
            ))
        }
    }
}

/// Waits until an operation no longer waits, but at most `seconds`, and not at all while too many others do.
async fn settled(
    context: &Context,
    mut outcome: watch::Receiver<Outcome>,
    seconds: u64,
) -> Outcome {
    let known = *outcome.borrow();
    let Ok(_place) = context.waiters.try_acquire() else {
        return known;
    };
    let limit = Duration::from_secs(seconds.min(MAX_WAIT_SECONDS));
    let settled = outcome.wait_for(|outcome| *outcome != Outcome::Pending);
    match tokio::time::timeout(limit, settled).await {
        Ok(Ok(outcome)) => *outcome,
        _ => Outcome::Pending,
    }
}

fn busy(why: Busy) -> Problem {
    let detail = format!("{why}; nothing was taken, try again in a moment");
    let problem = match why {
        Busy::Full => Problem::unavailable("busy", detail),
        Busy::Submitter => Problem::too_many_requests("submitter_busy", detail),
    };
    problem.retry_after(RETRY_SECONDS)
}

fn answer(hash: &[u8; 32], outcome: Option<Outcome>) -> Response {
    let status = match outcome {
        Some(Outcome::Finalized(_)) => StatusCode::OK,
        _ => StatusCode::ACCEPTED,
    };
    (status, Json(OperationStatus::new(hash, outcome))).into_response()
}

fn malformed(error: &OperationError) -> Problem {
    let status = match error {
        OperationError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    Problem::new(status, error.code(), error.to_string())
}

fn refused(rejection: &Rejection) -> Problem {
    let status = match rejection {
        Rejection::StateUnavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Rejection::BadSignature | Rejection::NotAccredited | Rejection::NotAwaited => {
            StatusCode::FORBIDDEN
        }
        Rejection::Malformed(_) | Rejection::Limits(_) | Rejection::WrongNetwork => {
            StatusCode::BAD_REQUEST
        }
        Rejection::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::CONFLICT,
    };
    Problem::new(status, rejection.code(), rejection.to_string())
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
) -> Result<Json<OperationStatus>, Problem> {
    let hash: OperationHash = hash
        .parse()
        .map_err(|_| Problem::bad_request("malformed", "This is not an operation's hash."))?;
    let outcome = context.ledger.outcome(&hash.0)?;
    Ok(Json(OperationStatus::new(&hash.0, outcome)))
}
