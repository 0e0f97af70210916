//! Finds out whether a document still holds: by its issuer's accreditation, and by its status list, signed by the issuer and anchored
//! on the ledger.

use std::collections::{BTreeMap, BTreeSet};

use jumin_identity::{Did, DidUrl, PublicKey, Status, StatusList, UnverifiedStatusListToken};
use jumin_registry::{
    AnchorKind, AnchorRecord, ListNotCurrent, LookupRecord, Purpose, Record, RecordKey,
};
use serde::Serialize;

use super::Wallet;
use super::connect::Connections;
use crate::documents;
use crate::issuance::secure_url;
use crate::present::PresentError;
use crate::store::StoredDocument;
use crate::trust::{TrustError, document_standing};
use crate::vault::VaultError;

const LIST_MAX: usize = 3 * 1024 * 1024;
const MEDIA_TYPE: &str = "application/statuslist+jwt";

/// Says how a document stands with its issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No copy was revoked or suspended.
    Valid,
    /// The issuer has suspended it.
    Suspended,
    /// The issuer has revoked it.
    Revoked,
    /// The issuer has ended the key that signed it, as of its date or earlier: no counter accepts it.
    KeyEnded,
    /// The issuer's accreditation was taken away: counters accept nothing that it issued.
    IssuerNotAccredited,
    /// The issuer's DID was deactivated: likewise.
    IssuerDeactivated,
    /// It could not be found out.
    Unknown,
}

/// Is a document's standing, and what it was learnt from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentStatus {
    /// Is how it stands.
    pub status: Standing,
    /// Is the code of why it is unknown.
    pub reason: Option<&'static str>,
    /// Is when this was found out, in seconds since 1970.
    pub checked_at: u64,
    /// Is the age of the oldest list that was read.
    pub list_age_seconds: Option<u64>,
    /// Is the height of the block whose anchor the list was held against.
    pub block: Option<u64>,
}

/// Is the code of why a list can't be relied on.
type Obstacle = &'static str;

const UNKNOWN_KEY: Obstacle = "unknown_key";

/// Is a list that is signed by the issuer and is the anchored one.
struct CurrentList {
    list: StatusList,
    issued_at: u64,
    block: u64,
}

impl Wallet {
    /// Asks the ledger whether what the issuer issued stands, and its status list about every copy of a document; `None` if there
    /// is no such document.
    ///
    /// What can't be found out is `Unknown`, never revoked and never valid.
    pub async fn document_status(
        &self,
        id: &str,
        now: u64,
    ) -> Result<Option<DocumentStatus>, PresentError> {
        let found = self.with(|database| {
            let document = database.document(id)?;
            Ok(document.zip(Some(database.copies(id)?)))
        })?;
        let Some((document, copies)) = found else {
            return Ok(None);
        };
        let mut entries: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        let mut signed: BTreeSet<(String, u64)> = BTreeSet::new();
        for copy in &copies {
            let credential = documents::verified(copy, document.not_before)
                .map_err(|_| VaultError::Damaged { file: "wallet.db" })?;
            let kid = credential.kid().unwrap_or_default().to_owned();
            signed.insert((kid, credential.issued_at()));
            let reference = credential.status();
            entries
                .entry(reference.uri.clone())
                .or_default()
                .push(reference.idx);
        }
        let connections = self.connect()?;
        let mut told = Told::default();
        match issuer_stands(&connections, &document, now).await {
            Ok(()) => {}
            Err(TrustError::IssuerNotAccredited { .. }) => told.not_accredited = true,
            Err(TrustError::IssuerDeactivated(_)) => told.deactivated = true,
            Err(error) => told.reason = Some(error.code()),
        }
        for (uri, indexes) in &entries {
            match current_list(&connections, &document.issuer, uri, now).await {
                Ok(list) => told.read(&list, indexes, now),
                Err(reason) => told.reason = Some(reason),
            }
        }
        for (kid, issued_at) in &signed {
            let Ok(kid) = kid.parse::<DidUrl>() else {
                continue;
            };
            match issuer_key(&connections, &kid, *issued_at, now).await {
                Ok(_) => {}
                Err(UNKNOWN_KEY) => told.key_ended = true,
                Err(reason) => told.reason = Some(reason),
            }
        }
        self.remember(&connections)?;
        Ok(Some(told.status(now)))
    }
}

/// Collects what the lists say of a document's copies.
#[derive(Default)]
struct Told {
    revoked: bool,
    deactivated: bool,
    not_accredited: bool,
    suspended: bool,
    key_ended: bool,
    reason: Option<&'static str>,
    age: Option<u64>,
    block: Option<u64>,
}

impl Told {
    fn read(&mut self, list: &CurrentList, indexes: &[u32], now: u64) {
        let age = now.saturating_sub(list.issued_at);
        self.age = self.age.max(Some(age));
        self.block = Some(self.block.map_or(list.block, |block| block.min(list.block)));
        for index in indexes {
            match list.list.get(*index) {
                Some(Status::Valid) => {}
                Some(Status::Invalid) => self.revoked = true,
                Some(Status::Suspended) => self.suspended = true,
                // Token Status List §8.3: an index outside of the list is no status.
                _ => self.reason = Some("status_not_listed"),
            }
        }
    }

    fn status(self, now: u64) -> DocumentStatus {
        // What is for good comes before what may pass, and what is known before what is not.
        let found = [
            (self.revoked, Standing::Revoked),
            (self.deactivated, Standing::IssuerDeactivated),
            (self.not_accredited, Standing::IssuerNotAccredited),
            (self.key_ended, Standing::KeyEnded),
            (self.suspended, Standing::Suspended),
            (self.reason.is_some(), Standing::Unknown),
        ];
        let worst = found.into_iter().find(|(is_so, _)| *is_so);
        let status = worst.map_or(Standing::Valid, |(_, standing)| standing);
        DocumentStatus {
            status,
            reason: self.reason.filter(|_| status == Standing::Unknown),
            checked_at: now,
            list_age_seconds: self.age,
            block: self.block,
        }
    }
}

async fn issuer_stands(
    connections: &Connections,
    document: &StoredDocument,
    now: u64,
) -> Result<(), TrustError> {
    let unknown = |_| TrustError::UnknownDid(document.issuer.clone());
    let issuer: Did = document.issuer.parse().map_err(unknown)?;
    let judgement = |view: &dyn LookupRecord, present| {
        document_standing(view, &issuer, &document.vct, document.issued_at, present)
    };
    let (stands, _) = connections.ledger.judge(now, judgement).await?;
    Ok(stands)
}

async fn current_list(
    connections: &Connections,
    issuer: &str,
    uri: &str,
    now: u64,
) -> Result<CurrentList, Obstacle> {
    let issuer: Did = issuer.parse().map_err(|_| "unknown_identifier")?;
    let (anchor, block) = anchor(connections, &issuer, uri, now).await?;
    let token = fetch(connections, uri, &anchor).await?;
    let token = UnverifiedStatusListToken::parse(&token).map_err(|_| "status_list_invalid")?;
    let signed_at = token
        .dangerous_issued_at_unverified()
        .ok_or("status_list_invalid")?;
    let kid = token
        .dangerous_kid_unverified()
        .and_then(|kid| kid.parse::<DidUrl>().ok())
        .filter(|kid| *kid.did() == issuer)
        .ok_or("status_list_invalid")?;
    let key = issuer_key(connections, &kid, signed_at, now).await?;
    let verified = token
        .verify(&key, uri, now)
        .map_err(|error| match error.code() {
            "status_stale" => "status_list_expired",
            _ => "status_list_invalid",
        })?;
    let current = anchor.require_current(&verified.list.digest(), verified.expires, now);
    current.map_err(|error| match error {
        ListNotCurrent::NotAnchored => "status_list_not_anchored",
        ListNotCurrent::Expired => "status_list_expired",
        ListNotCurrent::Overdue => "status_list_overdue",
    })?;
    Ok(CurrentList {
        list: verified.list,
        issued_at: verified.issued_at,
        block,
    })
}

async fn anchor(
    connections: &Connections,
    issuer: &Did,
    uri: &str,
    now: u64,
) -> Result<(AnchorRecord, u64), Obstacle> {
    let key = RecordKey::Anchor {
        issuer: issuer.clone(),
        kind: AnchorKind::StatusList,
        name: uri.to_owned(),
    };
    let proven = connections.ledger.record(&key, now).await;
    let proven = proven.map_err(|error| error.code())?;
    match proven.record {
        Some(Record::Anchor(anchor)) => Ok((anchor, proven.checkpoint.height())),
        _ => Err("status_list_not_anchored"),
    }
}

/// Fetches the version of the list that the ledger names.
async fn fetch(
    connections: &Connections,
    uri: &str,
    anchor: &AnchorRecord,
) -> Result<String, Obstacle> {
    let mut url = secure_url(uri).ok_or("insecure_url")?;
    url.query_pairs_mut()
        .append_pair("version", &anchor.version.to_string());
    let answer = connections.http.get(&url, MEDIA_TYPE, LIST_MAX).await;
    let answer = answer.map_err(|error| error.code())?;
    if !answer.is_success() {
        return Err("status_list_missing");
    }
    String::from_utf8(answer.body).map_err(|_| "status_list_invalid")
}

async fn issuer_key(
    connections: &Connections,
    kid: &DidUrl,
    signed_at: u64,
    now: u64,
) -> Result<PublicKey, Obstacle> {
    let record = RecordKey::Did(kid.did().clone());
    let proven = connections.ledger.record(&record, now).await;
    let Some(Record::Did(record)) = proven.map_err(|error| error.code())?.record else {
        return Err("unknown_identifier");
    };
    let key = record
        .document
        .key_at(kid.fragment(), Purpose::AssertionMethod, signed_at);
    key.cloned().ok_or(UNKNOWN_KEY)
}
