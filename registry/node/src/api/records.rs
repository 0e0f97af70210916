use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use jumin_identity::b64url;
use jumin_registry::{NetworkTrust, RecordKey};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use crate::proofs::ReadError;

/// How many changes of validators one answer has: more than a network makes in years, and within what readers take.
const HANDOVERS_AT_ONCE: usize = 16;
/// How many bundles are made at once: it takes a processor, and who waited finds it made.
pub(super) const MAX_BUNDLERS: usize = 1;

/// A record, or its absence, with everything needed to believe it.
#[derive(Serialize, ToSchema, ts_rs::TS)]
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
) -> Result<Json<Proved>, Problem> {
    let key: RecordKey = key
        .parse()
        .map_err(|_| Problem::bad_request("malformed", "This is not a record's key."))?;
    let proof = context.ledger.prove(&key)?;
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
) -> Result<Json<CheckpointAnswer>, Problem> {
    let checkpoint = context.ledger.checkpoint()?;
    Ok(Json(CheckpointAnswer {
        checkpoint: b64url(&checkpoint.bytes),
    }))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct BundleQuery {
    /// The epoch of the validators that the reader trusts; 0 if not given.
    #[serde(default)]
    from_epoch: u64,
}

/// Gives all records with their proofs at one checkpoint, and the changes of validators up to it, for a reader that goes
/// offline.
#[utoipa::path(
    get, path = "/v1/bundle", params(BundleQuery),
    responses(
        (status = 200, content_type = "application/json"),
        (status = 400, description = "Not an epoch"),
        (status = 413, description = "`bundle_too_large`: the registry has more records than a bundle holds"),
    )
)]
pub(super) async fn bundle(
    State(context): State<Context>,
    query: Result<Query<BundleQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|_| not_an_epoch())?;
    let place = context.bundlers.clone().acquire_owned().await;
    // Proving every record takes a while once there are many, also for a client that has gone meanwhile.
    let proving = tokio::task::spawn_blocking(move || {
        let bundle = context.ledger.bundle(query.from_epoch);
        drop(place);
        bundle
    });
    let bytes = proving.await.unwrap_or(Err(ReadError::Interrupted))?;
    let headers = [(header::CONTENT_TYPE, "application/json")];
    Ok((headers, bytes).into_response())
}

#[derive(Deserialize, IntoParams)]
pub(super) struct HandoversQuery {
    /// The epoch of the validators that the reader trusts.
    from: u64,
}

/// The changes of validators, oldest first.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct Handovers {
    /// Each a checkpoint and the keys of the validators it hands over to, base64url.
    handovers: Vec<String>,
}

/// Gives the changes of validators from an epoch on, at most 16 at once.
#[utoipa::path(
    get, path = "/v1/handovers", params(HandoversQuery),
    responses((status = 200, body = Handovers), (status = 400, description = "Not an epoch"))
)]
pub(super) async fn handovers(
    State(context): State<Context>,
    query: Result<Query<HandoversQuery>, QueryRejection>,
) -> Result<Json<Handovers>, Problem> {
    let Query(query) = query.map_err(|_| not_an_epoch())?;
    let found = context.ledger.handovers(query.from);
    let encoded = found.iter().take(HANDOVERS_AT_ONCE);
    Ok(Json(Handovers {
        handovers: encoded.map(|one| b64url(&one.to_bytes())).collect(),
    }))
}

fn not_an_epoch() -> Problem {
    Problem::bad_request("malformed", "An epoch is a number.")
}

/// Tells which network this is and who its validators are now; a reader must have this from a source it trusts.
#[utoipa::path(get, path = "/v1/network", responses((status = 200, content_type = "application/json")))]
pub(super) async fn network(State(context): State<Context>) -> Json<NetworkTrust> {
    Json(context.ledger.current_trust())
}
