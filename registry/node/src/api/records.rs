use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use jumin_identity::b64url;
use jumin_registry::{NetworkTrust, RecordKey};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Context, Failure};
use crate::proofs::ReadError;

/// A record, or its absence, with everything needed to believe it.
#[derive(Serialize, ToSchema)]
pub(super) struct Proved {
    /// The record's canonical key.
    key: String,
    /// The record's bytes, base64url; null if there is none.
    value: Option<String>,
    /// Proof under the checkpoint's state root, base64url.
    proof: String,
    /// The certified header, base64url.
    checkpoint: String,
}

/// Reads a record with its proof; absence is proved too.
#[utoipa::path(
    get, path = "/v1/records/{key}",
    params(("key" = String, Path, description = "The record's canonical key, percent-encoded")),
    responses((status = 200, body = Proved), (status = 400, description = "Not a record key"))
)]
pub(super) async fn record(
    State(context): State<Context>,
    Path(key): Path<String>,
) -> Result<Json<Proved>, Response> {
    let key: RecordKey = key.parse().map_err(|_| {
        Problem::bad_request("malformed", "This is not a record's key.").into_response()
    })?;
    let proof = context
        .ledger
        .prove(&key)
        .map_err(|error| Failure::from(error).into_response())?;
    Ok(Json(Proved {
        key: proof.record.key.to_string(),
        value: proof.record.value.as_deref().map(b64url),
        proof: b64url(&proof.record.proof),
        checkpoint: b64url(&proof.checkpoint),
    }))
}

/// A certified header.
#[derive(Serialize, ToSchema)]
pub(super) struct CheckpointAnswer {
    /// Header and certificate, base64url.
    checkpoint: String,
}

/// Gives the newest certified header.
#[utoipa::path(get, path = "/v1/checkpoint", responses((status = 200, body = CheckpointAnswer)))]
pub(super) async fn checkpoint(
    State(context): State<Context>,
) -> Result<Json<CheckpointAnswer>, Failure> {
    let checkpoint = context.ledger.checkpoint()?;
    Ok(Json(CheckpointAnswer {
        checkpoint: b64url(&checkpoint.bytes),
    }))
}

/// Gives all records with their proofs at one checkpoint, for a reader that goes offline.
#[utoipa::path(get, path = "/v1/bundle", responses((status = 200, content_type = "application/json")))]
pub(super) async fn bundle(State(context): State<Context>) -> Result<Response, Failure> {
    // Proving every record takes a while once there are many.
    let proving = tokio::task::spawn_blocking(move || context.ledger.bundle());
    let bytes = proving.await.map_err(|_| ReadError::Interrupted)??;
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, bytes.as_ref().clone()).into_response())
}

/// Tells which network this is; a reader must have its own copy of this from a source it trusts.
#[utoipa::path(get, path = "/v1/network", responses((status = 200, content_type = "application/json")))]
pub(super) async fn network(State(context): State<Context>) -> Json<NetworkTrust> {
    Json(context.ledger.trust().clone())
}
