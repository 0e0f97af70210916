use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use jumin_http::Problem;
use jumin_identity::b64url;
use jumin_registry::{Certificate, quorum};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operation::OperationView;
use super::validators::signatures;
use super::{Answer, Context, bounded, malformed, query};
use crate::history::Summary;
use crate::ledger::Ledger;

/// A block in short.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct BlockSummary {
    height: u64,
    time_ms: u64,
    epoch: u64,
    /// Digest of the header, base64url.
    digest: String,
    operations: usize,
    /// Bytes of the operations.
    size: u32,
    /// How many validators signed; null where a later block's certificate finalizes this one.
    signers: Option<usize>,
    /// How many could have.
    validators: Option<u16>,
    /// Who proposed it: the agency, or the key of one that is no longer a validator.
    proposer: Option<String>,
}

/// A part of the chain, newest first.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct Blocks {
    /// The first block that this node has.
    first: u64,
    /// The newest block.
    height: u64,
    blocks: Vec<BlockSummary>,
}

/// A validator of a block's epoch.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct Signer {
    /// base64url.
    key: String,
    /// The agency; null for one that is no longer a validator.
    name: Option<String>,
    signed: bool,
}

/// A block.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct BlockPage {
    /// The first block that this node has.
    first: u64,
    /// The newest block.
    newest: u64,
    summary: BlockSummary,
    /// base64url, as the digests below.
    parent: String,
    state_root: String,
    body_hash: String,
    next_validators: String,
    /// How many must sign.
    quorum: Option<usize>,
    signers: Vec<Signer>,
    /// Header and certificate, base64url: proves the header to whoever knows the validators.
    checkpoint: Option<String>,
    operations: Vec<OperationView>,
}

#[derive(Deserialize, IntoParams)]
pub(super) struct Page {
    /// Blocks below this height; the newest if not given.
    before: Option<u64>,
    /// At most 100.
    limit: Option<usize>,
}

/// Lists blocks, newest first.
#[utoipa::path(
    get, path = "/v1/blocks", params(Page),
    responses((status = 200, body = Blocks), (status = 400, description = "Not a height or number"))
)]
pub(super) async fn blocks(
    State(context): State<Context>,
    page: Result<Query<Page>, QueryRejection>,
) -> Answer<Blocks> {
    let page = query(page)?;
    let snapshot = context.ledger.snapshot();
    let history = snapshot.history();
    let before = page.before.unwrap_or(u64::MAX);
    let found = history.below(before, bounded(page.limit))?;
    let height = context.ledger.applied().height;
    Ok(Json(Blocks {
        first: history.first()?.unwrap_or(height),
        height,
        blocks: found
            .iter()
            .map(|one| summary(&context.ledger, one))
            .collect(),
    }))
}

/// Gives one block with its operations.
#[utoipa::path(
    get, path = "/v1/blocks/{height}", params(("height" = u64, Path, description = "The block's number")),
    responses(
        (status = 200, body = BlockPage),
        (status = 400, description = "Not a number"),
        (status = 404, description = "`not_yet` or, where this node's history begins later, `before_history`")
    )
)]
pub(super) async fn block(
    State(context): State<Context>,
    Path(height): Path<String>,
) -> Answer<BlockPage> {
    let height: u64 = height
        .parse()
        .map_err(|_| malformed("A block's height is a number."))?;
    let snapshot = context.ledger.snapshot();
    let history = snapshot.history();
    let newest = context.ledger.applied().height;
    let first = history.first()?.unwrap_or(newest);
    let found = history.block(height)?;
    let found = found.ok_or_else(|| missing(height, first, newest))?;
    let operations = history.operations(height)?;
    let views = (0_u16..).zip(&operations);
    let header = &found.header;
    Ok(Json(BlockPage {
        first,
        newest,
        parent: b64url(&header.parent),
        state_root: b64url(&header.state_root),
        body_hash: b64url(&header.body_hash),
        next_validators: b64url(&header.next_validators),
        quorum: found
            .certificate
            .as_ref()
            .map(|one| quorum(usize::from(one.committee))),
        signers: signers(&context.ledger, &found),
        checkpoint: found.checkpoint().map(|one| b64url(&one.to_bytes())),
        operations: views
            .map(|(index, operation)| OperationView::new(operation, (height, index)))
            .collect(),
        summary: summary(&context.ledger, &found),
    }))
}

/// Says why a block is not here.
pub(super) fn missing(height: u64, first: u64, newest: u64) -> Problem {
    let (code, detail) = if height < first {
        let detail = format!("This node's history begins with block {first}.");
        ("before_history", detail)
    } else {
        ("not_yet", format!("The newest block here is {newest}."))
    };
    Problem::new(axum::http::StatusCode::NOT_FOUND, code, detail)
}

fn summary(ledger: &Ledger, one: &Summary) -> BlockSummary {
    let certificate = one.certificate.as_ref();
    BlockSummary {
        height: one.header.height,
        time_ms: one.header.time_ms,
        epoch: one.header.epoch,
        digest: b64url(&one.header.digest()),
        operations: one.operations.len(),
        size: one.size,
        signers: certificate.map(|found| found.signatures.len()),
        validators: certificate.map(|found| found.committee),
        proposer: certificate.and_then(|found| proposer(ledger, found)),
    }
}

/// The leader of a view is found by rotation, as the engine's `RoundRobin` elects it.
fn proposer(ledger: &Ledger, certificate: &Certificate) -> Option<String> {
    let committee = ledger.committee(certificate.epoch)?;
    let turn = certificate.epoch.wrapping_add(certificate.view) % committee.len().max(1) as u64;
    let key = committee.get(usize::try_from(turn).ok()?)?;
    Some(name(ledger, key).unwrap_or_else(|| b64url(key)))
}

fn name(ledger: &Ledger, key: &[u8; 32]) -> Option<String> {
    let set = ledger.set();
    let mut known = set.current.iter().chain(set.at(u64::MAX));
    let found = known.find(|one| one.key == *key)?;
    Some(found.name.clone())
}

fn signers(ledger: &Ledger, block: &Summary) -> Vec<Signer> {
    let committee = ledger.committee(block.header.epoch);
    let Some((certificate, committee)) = block.certificate.as_ref().zip(committee) else {
        return Vec::new();
    };
    let told = signatures(certificate, &committee).into_iter();
    told.map(|(key, signed)| Signer {
        key: b64url(&key),
        name: name(ledger, &key),
        signed,
    })
    .collect()
}
