use std::time::SystemTime;

use axum::Json;
use axum::extract::State;
use jumin_identity::b64url;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::observe;
use super::{Answer, Context};
use crate::application::unix_ms;

/// How many minutes of activity are told.
const MINUTES: u64 = 60;

/// A minute in which operations were finalized.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct Minute {
    /// Its begin, Unix seconds.
    at: u64,
    operations: u64,
}

/// Where the newest proofs are from.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct CheckpointView {
    height: u64,
    time_ms: u64,
}

/// The network as this node sees it.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct ExplorerOverview {
    network: String,
    /// Digest of the genesis header, base64url.
    genesis: String,
    /// The key of the node that answers, base64url.
    node: String,
    /// What the node is: `validator`, `waiting`, `joining`, `leaving` or `follower`.
    role: String,
    /// Last applied block.
    height: u64,
    time_ms: u64,
    /// The epoch of the next block.
    epoch: u64,
    /// How many blocks an epoch has.
    epoch_blocks: u64,
    /// Whether other validators take over with the next epoch.
    change_pending: bool,
    checkpoint: Option<CheckpointView>,
    /// The first block that this node has; nothing before it is told here.
    first: u64,
    records: u64,
    /// Operations that wait for a block.
    pending: usize,
    /// The last hour; minutes without operations are left out.
    minutes: Vec<Minute>,
    /// The node's clock.
    now_ms: u64,
}

/// Tells how the network stands, as this node sees it.
#[utoipa::path(get, path = "/v1/overview", responses((status = 200, body = ExplorerOverview)))]
pub(super) async fn overview(State(context): State<Context>) -> Answer<ExplorerOverview> {
    let ledger = &context.ledger;
    let (applied, set, epoch) = (ledger.applied(), ledger.set(), ledger.epoch());
    let snapshot = ledger.snapshot();
    let now_ms = unix_ms(SystemTime::now());
    let since = (now_ms / 60_000).saturating_sub(MINUTES - 1);
    let minutes = snapshot.history().minutes(since)?;
    let first = snapshot.history().first()?;
    let checkpoint = ledger.checkpoint().ok();
    Ok(Json(ExplorerOverview {
        network: ledger.trust().network.to_string(),
        genesis: b64url(&ledger.trust().genesis),
        node: b64url(&context.key),
        role: observe::role(&context, epoch, &set).to_owned(),
        height: applied.height,
        time_ms: applied.time_ms,
        epoch,
        epoch_blocks: set.epoch_blocks,
        change_pending: set.is_pending(epoch),
        checkpoint: checkpoint.map(|one| CheckpointView {
            height: one.height,
            time_ms: one.time_ms,
        }),
        first: first.unwrap_or(applied.height),
        records: snapshot.record_count()?,
        pending: ledger.mempool().len(),
        minutes: minutes
            .into_iter()
            .map(|(minute, operations)| Minute {
                at: minute * 60,
                operations,
            })
            .collect(),
        now_ms,
    }))
}
