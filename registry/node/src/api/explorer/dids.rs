use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use jumin_http::Problem;
use jumin_identity::{Did, b64url};
use jumin_registry::{AnchorRecord, DidRecord, Record, RecordKey};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::accreditations::{AccreditationView, accreditations_of, standing};
use super::operation::OperationView;
use super::{Answer, Context, MAX_LIMIT, bounded, malformed, query};
use crate::history::{Place, parsed};
use crate::store::{Snapshot, StoreError};

/// Something that an issuer publishes, by its digest.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct AnchorView {
    /// The record's key.
    key: String,
    /// `status-list` or `dictionary`.
    kind: String,
    name: String,
    version: u64,
    /// base64url.
    sha256: String,
    /// When a newer version is due at the latest, Unix seconds.
    next_update: Option<u64>,
    updated: u64,
    height: u64,
}

/// A DID's present version.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct Version {
    version: u64,
    /// Unix seconds.
    updated: u64,
    height: u64,
    deactivated: Option<u64>,
    /// Thumbprint of the key that must sign the next change.
    next_key_hash: String,
    /// The document as DID Core has it.
    #[ts(type = "unknown")]
    document: Value,
}

/// A DID, what it is accredited for and what it anchored.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct DidPage {
    did: String,
    /// `active`, `deactivated` or `absent`.
    standing: &'static str,
    current: Option<Version>,
    accreditations: Vec<AccreditationView>,
    /// At most 100.
    anchors: Vec<AnchorView>,
    /// Whether there are more anchors than these.
    more_anchors: bool,
}

/// An operation and when it took effect.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct HistoryEntry {
    time_ms: u64,
    operation: OperationView,
}

/// What concerned a DID, newest first.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct HistoryPage {
    /// The first block that this node has; what was before it is not told.
    first: u64,
    entries: Vec<HistoryEntry>,
    /// Gives the next page as `before`; null on the last.
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
pub(super) struct HistoryQuery {
    /// `next` of the page before.
    before: Option<String>,
    /// At most 100.
    limit: Option<usize>,
}

/// Shows a DID as it stands, with its accreditations and anchors.
#[utoipa::path(
    get, path = "/v1/dids/{did}", params(("did" = String, Path, description = "The DID")),
    responses((status = 200, body = DidPage), (status = 400, description = "Not a DID of this network"))
)]
pub(super) async fn did(
    State(context): State<Context>,
    Path(did): Path<String>,
) -> Answer<DidPage> {
    let did = parse(&context, &did)?;
    let at = context.ledger.applied().time_ms / 1000;
    Ok(Json(page(&context.ledger.snapshot(), &did, at)?))
}

/// Lists the operations that wrote a DID's records or that it signed, newest first.
#[utoipa::path(
    get, path = "/v1/dids/{did}/history",
    params(("did" = String, Path, description = "The DID"), HistoryQuery),
    responses((status = 200, body = HistoryPage), (status = 400, description = "Not a DID of this network, or not a page"))
)]
pub(super) async fn history(
    State(context): State<Context>,
    Path(did): Path<String>,
    page: Result<Query<HistoryQuery>, QueryRejection>,
) -> Answer<HistoryPage> {
    let (did, page) = (parse(&context, &did)?, query(page)?);
    let before = match page.before {
        None => (u64::MAX, u16::MAX),
        Some(text) => place(&text).ok_or_else(|| malformed("This is not a page."))?,
    };
    let limit = bounded(page.limit);
    let snapshot = context.ledger.snapshot();
    let places = snapshot.history().about(&did, before, limit);
    let places = places?;
    let full = places.len() == limit;
    let first = snapshot.history().first()?;
    Ok(Json(HistoryPage {
        first: first.unwrap_or_default(),
        next: places
            .last()
            .filter(|_| full)
            .map(|(height, index)| format!("{height}.{index}")),
        entries: entries(&snapshot, &places)?,
    }))
}

fn parse(context: &Context, did: &str) -> Result<Did, Problem> {
    let network = &context.ledger.trust().network;
    let parsed = did.parse::<Did>().ok();
    parsed
        .filter(|did| did.network() == *network)
        .ok_or_else(|| malformed("This is not a DID of this network."))
}

fn place(text: &str) -> Option<Place> {
    let (height, index) = text.split_once('.')?;
    Some((height.parse().ok()?, index.parse().ok()?))
}

fn entries(snapshot: &Snapshot, places: &[Place]) -> Result<Vec<HistoryEntry>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged("history");
    // The newest first, so that those of one block follow each other, and one block is held at a time.
    let by_block = places.chunk_by(|(one, _), (other, _)| one == other);
    let mut found = Vec::with_capacity(places.len());
    for of_block in by_block {
        let Some((height, _)) = of_block.first() else {
            continue;
        };
        let time_ms = snapshot.history().block(*height)?.ok_or(DAMAGED)?;
        let time_ms = time_ms.header.time_ms;
        let body = snapshot.history().body(*height)?;
        for (height, index) in of_block {
            let operation = parsed(body.get(usize::from(*index)).ok_or(DAMAGED)?)?;
            found.push(HistoryEntry {
                time_ms,
                operation: OperationView::new(&operation, (*height, *index)),
            });
        }
    }
    Ok(found)
}

fn page(snapshot: &Snapshot, did: &Did, at: u64) -> Result<DidPage, StoreError> {
    let key = RecordKey::Did(did.clone()).to_string();
    let record = match snapshot
        .record(&key)?
        .map(|bytes| Record::from_bytes(&bytes))
    {
        Some(Ok(Record::Did(record))) => Some(record),
        _ => None,
    };
    let (anchors, more_anchors) = anchors(snapshot, did)?;
    Ok(DidPage {
        did: did.to_string(),
        standing: standing(record.as_ref()),
        current: record.map(|record| version(&record, did)),
        accreditations: accreditations_of(snapshot, did, at)?,
        anchors,
        more_anchors,
    })
}

fn version(record: &DidRecord, did: &Did) -> Version {
    Version {
        version: record.version,
        updated: record.updated,
        height: record.height,
        deactivated: record.deactivated,
        next_key_hash: b64url(&record.next_key_hash),
        document: record.document.to_did_core(did),
    }
}

fn anchors(snapshot: &Snapshot, did: &Did) -> Result<(Vec<AnchorView>, bool), StoreError> {
    let prefix = format!("anchor/{did}/");
    let mut records = snapshot.records_under(&prefix, None, MAX_LIMIT + 1)?;
    let more = records.len() > MAX_LIMIT;
    records.truncate(MAX_LIMIT);
    let views = records.into_iter().filter_map(|(key, bytes)| {
        let Ok(Record::Anchor(record)) = Record::from_bytes(&bytes) else {
            return None;
        };
        let (kind, name) = key.strip_prefix(&prefix)?.split_once('/')?;
        Some(anchor(&key, kind, name, &record))
    });
    Ok((views.collect(), more))
}

fn anchor(key: &str, kind: &str, name: &str, record: &AnchorRecord) -> AnchorView {
    AnchorView {
        key: key.to_owned(),
        kind: kind.to_owned(),
        name: name.to_owned(),
        version: record.version,
        sha256: b64url(&record.sha256),
        next_update: record.next_update,
        updated: record.updated,
        height: record.height,
    }
}
