use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use jumin_identity::b64url;
use jumin_registry::ValidatorsRecord;
use serde::Serialize;
use utoipa::ToSchema;

use super::Context;
use crate::application::unix_ms;
use crate::ledger::Ledger;

/// A checkpoint older than this says that the network has stopped: an idle one makes a block every 10 seconds, and waits
/// some more for a leader that has gone.
const MAX_AGE_MS: u64 = 60_000;

/// Tells that the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Tells whether this node has a fresh checkpoint to prove things under.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = String), (status = 503)))]
pub(super) async fn readyz(State(context): State<Context>) -> Response {
    match context.ledger.checkpoint() {
        Ok(checkpoint) if age_ms(checkpoint.time_ms) <= MAX_AGE_MS => "ready".into_response(),
        _ => Problem::unavailable("not_ready", "There is no fresh checkpoint.").into_response(),
    }
}

/// What this node is in the network, as its own state tells.
#[derive(Serialize, ToSchema)]
pub(super) struct Status {
    /// This node's key, base64url.
    key: String,
    /// `validator`, `joining` (from the next epoch on), `leaving` (with this epoch), `follower`, or `waiting`: a validator
    /// that doesn't vote yet.
    role: &'static str,
    /// What a `waiting` one waits for: `others` to say what they saw of its votes, or an `epoch` that it can't have voted in.
    waits_for: Option<&'static str>,
    /// The block that this node's history starts from: 0, or the one that its state was fetched at.
    start: u64,
    /// Last applied block.
    height: u64,
    /// The epoch of the next block.
    epoch: u64,
    /// How many validators finalize it.
    validators: usize,
    /// How many changes of validators there were.
    handovers: usize,
}

/// Tells what this node is and how far it is.
#[utoipa::path(get, path = "/v1/status", responses((status = 200, body = Status)))]
pub(super) async fn status(State(context): State<Context>) -> Json<Status> {
    let (ledger, set) = (&context.ledger, context.ledger.set());
    let epoch = ledger.epoch();
    Json(Status {
        key: b64url(&context.key),
        role: role(&context, epoch, &set),
        waits_for: waits_for(ledger),
        start: ledger.start().map_or(0, |start| start.header.height),
        height: ledger.applied().height,
        epoch,
        validators: set.at(epoch).len(),
        handovers: ledger.handovers(0).len(),
    })
}

fn waits_for(ledger: &Ledger) -> Option<&'static str> {
    match (ledger.may_vote(), ledger.knows_its_votes()) {
        (true, _) => None,
        (false, false) => Some("others"),
        (false, true) => Some("epoch"),
    }
}

/// Tells what this node is in `epoch`.
pub(super) fn role(context: &Context, epoch: u64, set: &ValidatorsRecord) -> &'static str {
    let is_in = |epoch| set.keys_at(epoch).contains(&context.key);
    match (is_in(epoch), is_in(epoch + 1)) {
        (true, _) if !context.ledger.may_vote() => "waiting",
        (true, true) => "validator",
        (true, false) => "leaving",
        (false, true) => "joining",
        (false, false) => "follower",
    }
}

/// The age of a block's time by this machine's clock, in milliseconds.
pub(super) fn age_ms(time_ms: u64) -> u64 {
    unix_ms(SystemTime::now()).saturating_sub(time_ms)
}
