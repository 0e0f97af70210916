use std::cell::RefCell;
use std::collections::HashMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use jumin_identity::Did;
use jumin_registry::{DidRecord, Lookup, LookupRecord, Record, RecordKey, grant_standing};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::operation::GrantView;
use super::{Answer, Context, bounded, malformed, query};
use crate::store::{Snapshot, StoreError};

const PREFIX: &str = "accreditation/";
/// An agency has one record for each role.
const ROLES: usize = 3;

/// What an agency was accredited for in one role, ended grants included.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct AccreditationView {
    /// The record's key.
    key: String,
    subject: String,
    /// `issuer`, `verifier` or `accreditor`.
    role: String,
    version: u64,
    /// The subject's DID: `active`, `deactivated` or `absent`.
    standing: &'static str,
    grants: Vec<GrantView>,
}

/// A part of all accreditations, in the order of their keys.
#[derive(Serialize, ToSchema, ts_rs::TS)]
pub(super) struct Accreditations {
    /// The block whose state this is.
    height: u64,
    accreditations: Vec<AccreditationView>,
    /// Gives the next page as `after`; null on the last.
    next: Option<String>,
}

#[derive(Deserialize, IntoParams)]
pub(super) struct AccreditationsQuery {
    /// `next` of the page before.
    after: Option<String>,
    /// At most 100.
    limit: Option<usize>,
}

/// Lists all accreditations, ended ones included.
#[utoipa::path(
    get, path = "/v1/accreditations", params(AccreditationsQuery),
    responses((status = 200, body = Accreditations), (status = 400, description = "Not a page"))
)]
pub(super) async fn accreditations(
    State(context): State<Context>,
    page: Result<Query<AccreditationsQuery>, QueryRejection>,
) -> Answer<Accreditations> {
    let page = query(page)?;
    let after = page.after.as_deref();
    if after.is_some_and(|key| !key.starts_with(PREFIX)) {
        return Err(malformed("This is not a page."));
    }
    let limit = bounded(page.limit);
    let (applied, snapshot) = (context.ledger.applied(), context.ledger.snapshot());
    let records = snapshot.records_under(PREFIX, after, limit);
    let records = records?;
    let next = records.last().filter(|_| records.len() == limit);
    let next = next.map(|(key, _)| key.clone());
    Ok(Json(Accreditations {
        height: applied.height,
        accreditations: views(&snapshot, records, applied.time_ms / 1000)?,
        next,
    }))
}

/// The accreditations of one DID as of `at` (Unix seconds).
pub(super) fn accreditations_of(
    snapshot: &Snapshot,
    did: &Did,
    at: u64,
) -> Result<Vec<AccreditationView>, StoreError> {
    let records = snapshot.records_under(&format!("{PREFIX}{did}/"), None, ROLES)?;
    views(snapshot, records, at)
}

fn views(
    snapshot: &Snapshot,
    records: Vec<(String, Vec<u8>)>,
    at: u64,
) -> Result<Vec<AccreditationView>, StoreError> {
    let now = Now {
        snapshot,
        read: RefCell::default(),
    };
    let viewed = records.iter();
    let viewed = viewed.map(|(key, bytes)| view(&now, key, bytes, at));
    viewed.collect()
}

fn view(now: &Now<'_>, key: &str, bytes: &[u8], at: u64) -> Result<AccreditationView, StoreError> {
    let (Ok(Record::Accreditation(record)), Ok(RecordKey::Accreditation { subject, role })) =
        (Record::from_bytes(bytes), key.parse())
    else {
        return Err(StoreError::Damaged("accreditation"));
    };
    let did = match now.lookup(&RecordKey::Did(subject.clone())) {
        Lookup::Present(Record::Did(record)) => Some(record),
        _ => None,
    };
    let grants = record.grants.iter();
    let grants =
        grants.map(|grant| GrantView::new(grant, grant_standing(now, &subject, role, grant, at)));
    let grants = grants.collect();
    Ok(AccreditationView {
        key: key.to_owned(),
        subject: subject.to_string(),
        role: role.to_string(),
        version: record.version,
        standing: standing(did.as_ref()),
        grants,
    })
}

/// The state as the applied block left it; what was read for one answer is decoded once.
struct Now<'a> {
    snapshot: &'a Snapshot,
    read: RefCell<HashMap<RecordKey, Lookup>>,
}

impl Now<'_> {
    fn read(&self, key: &RecordKey) -> Lookup {
        match self.snapshot.record(&key.to_string()) {
            Ok(None) => Lookup::Absent,
            Ok(Some(bytes)) => Record::from_bytes(&bytes).map_or(Lookup::Unknown, Lookup::Present),
            Err(_) => Lookup::Unknown,
        }
    }
}

impl LookupRecord for Now<'_> {
    fn lookup(&self, key: &RecordKey) -> Lookup {
        let mut read = self.read.borrow_mut();
        let found = read.entry(key.clone()).or_insert_with(|| self.read(key));
        found.clone()
    }
}

/// Tells how a DID stands.
pub(super) fn standing(record: Option<&DidRecord>) -> &'static str {
    match record {
        None => "absent",
        Some(record) if record.deactivated.is_some() => "deactivated",
        Some(_) => "active",
    }
}
