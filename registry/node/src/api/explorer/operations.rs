use axum::Json;
use axum::extract::{Path, State};
use jumin_http::Problem;
use jumin_registry::{OperationHash, SignedOperation};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::blocks::missing;
use super::operation::OperationView;
use super::{Answer, Context, malformed};

/// A finalized operation and the block that has it.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct OperationPage {
    /// When the block was proposed.
    time_ms: u64,
    operation: OperationView,
    /// How the signatures name their keys; keys given themselves have no name.
    signers: Vec<String>,
    /// The operation as it was signed, JWS JSON General Serialization.
    #[ts(type = "unknown")]
    content: Value,
}

/// Gives a finalized operation with its content.
#[utoipa::path(
    get, path = "/v1/operations/{hash}/detail",
    params(("hash" = String, Path, description = "The operation's hash, base64url")),
    responses(
        (status = 200, body = OperationPage),
        (status = 400, description = "Not a hash"),
        (status = 404, description = "`not_found`: not finalized; `before_history`: finalized before this node's history")
    )
)]
pub(super) async fn detail(
    State(context): State<Context>,
    Path(hash): Path<String>,
) -> Answer<OperationPage> {
    let hash: OperationHash = hash
        .parse()
        .map_err(|_| malformed("This is not an operation's hash."))?;
    let snapshot = context.ledger.snapshot();
    let height = snapshot.operation(&hash.0)?;
    let height = height.ok_or_else(not_finalized)?;
    let history = snapshot.history();
    let newest = context.ledger.applied().height;
    let block = history.block(height)?;
    let first = history.first()?.unwrap_or(newest);
    let block = block.ok_or_else(|| missing(height, first, newest))?;
    let operations = history.operations(height)?;
    let mut found = (0_u16..).zip(&operations);
    let (index, operation) = found
        .find(|(_, operation)| operation.hash() == hash)
        .ok_or_else(not_finalized)?;
    Ok(Json(OperationPage {
        time_ms: block.header.time_ms,
        operation: OperationView::new(operation, (height, index)),
        signers: operation.signers().map(str::to_owned).collect(),
        content: content(operation),
    }))
}

fn content(operation: &SignedOperation) -> Value {
    serde_json::from_slice(&operation.to_bytes()).unwrap_or_default()
}

fn not_finalized() -> Problem {
    Problem::not_found("No finalized block that this node knows has this operation.")
}
