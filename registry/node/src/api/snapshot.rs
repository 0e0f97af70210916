//! The whole state for a node that joins; it believes nothing that isn't proved.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use jumin_identity::{b64url, b64url_decode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Context;
use crate::snapshot::SnapshotError;

/// How many chunks are made at once.
pub(super) const CHUNKS_AT_ONCE: usize = 4;

/// What can be fetched.
#[derive(Serialize, ToSchema)]
pub(super) struct SnapshotAnswer {
    /// The certified header whose state it is, base64url.
    checkpoint: String,
}

/// Gives the certified header of a state that is kept for a joining node to fetch.
#[utoipa::path(get, path = "/v1/snapshot", responses((status = 200, body = SnapshotAnswer)))]
pub(super) async fn newest(
    State(context): State<Context>,
) -> Result<Json<SnapshotAnswer>, Problem> {
    let checkpoint = context.ledger.snapshot_checkpoint();
    let checkpoint = checkpoint.map_err(|error| problem(&error))?;
    Ok(Json(SnapshotAnswer {
        checkpoint: b64url(&checkpoint),
    }))
}

#[derive(Deserialize, IntoParams)]
pub(super) struct After {
    /// The hash of the last key fetched, base64url; from the start if not given.
    after: Option<String>,
}

/// Gives the next records of a state in order of their keys' hashes, with their proof under its root.
#[utoipa::path(
    get, path = "/v1/snapshot/{root}",
    params(("root" = String, Path, description = "The state root, base64url"), After),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 404, description = "The state is not kept any more, or has no records after this key"),
        (status = 503, description = "Others are being served"),
    )
)]
pub(super) async fn chunk(
    State(context): State<Context>,
    Path(root): Path<String>,
    query: Result<Query<After>, QueryRejection>,
) -> Result<Response, Problem> {
    let malformed = || {
        let detail = "A state root and a key's hash are 32 bytes in base64url.";
        Problem::bad_request("malformed", detail)
    };
    let hash = |text: &str| <[u8; 32]>::try_from(b64url_decode(text).ok()?).ok();
    let root = hash(&root).ok_or_else(malformed)?;
    let Query(query) = query.map_err(|_| malformed())?;
    let after = query.after.map(|after| hash(&after).ok_or_else(malformed));
    let after = after.transpose()?;
    let Ok(permit) = context.chunks.clone().try_acquire_owned() else {
        let busy = Problem::unavailable("busy", "Others are being served; try again in a moment.");
        return Err(busy.retry_after(1));
    };
    let made = tokio::task::spawn_blocking(move || {
        let made = context.ledger.snapshot_chunk(&root, after);
        drop(permit);
        made
    });
    let bytes = match made.await {
        Ok(made) => made.map_err(|error| problem(&error))?,
        Err(error) => return Err(Problem::internal(&error)),
    };
    let headers = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((headers, bytes).into_response())
}

fn problem(error: &SnapshotError) -> Problem {
    match error {
        SnapshotError::NoCheckpoint => {
            let detail = "No block is finalized yet; try again in a moment.";
            Problem::unavailable("no_checkpoint", detail)
        }
        SnapshotError::Gone | SnapshotError::End => Problem::not_found(error.to_string()),
        error => Problem::internal(error),
    }
}
