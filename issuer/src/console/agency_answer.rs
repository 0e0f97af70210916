use jumin_registry::Localized as LedgerText;
use serde::Serialize;
use utoipa::ToSchema;

use crate::compare::Conflict;

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct Localized {
    pub ko: String,
    pub en: String,
}

impl From<LedgerText> for Localized {
    fn from(text: LedgerText) -> Self {
        Self {
            ko: text.ko,
            en: text.en,
        }
    }
}

/// One of the agency's keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct AgencyKey {
    /// A DID URL.
    pub id: String,
    pub purposes: Vec<String>,
    /// Seconds since the Unix epoch.
    pub valid_from: u64,
    /// First second it is no longer good for.
    pub valid_until: Option<u64>,
}

/// The grant by which the agency issues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct Accreditation {
    /// Credential types (`vct`).
    pub types: Vec<String>,
    /// Seconds since the Unix epoch.
    pub from: u64,
    /// First second it no longer holds.
    pub until: u64,
    /// `governance`, or a DID.
    pub accreditor: String,
    pub name: Localized,
}

/// Something that the agency publishes and the ledger has the digest of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct Anchor {
    /// `status-list` or `dictionary`.
    pub kind: String,
    /// The list's URI, or the dictionary's `vct`.
    pub name: String,
    pub version: u64,
    /// Base64url.
    pub sha256: String,
    /// When a newer version is due at the latest, in seconds since the Unix epoch.
    pub next_update: Option<u64>,
}

/// How far the ledger's answer can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// By a certificate and inclusion proofs at the checkpoint.
    Proven,
    /// No node could be asked; what is shown was proven at the checkpoint.
    Unreachable,
    /// A node answered with something that isn't proven.
    Invalid,
}

/// The ledger's state that everything is proven at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct AgencyCheckpoint {
    pub height: u64,
    /// Seconds since the Unix epoch.
    pub at: u64,
    pub age_seconds: u64,
}

/// How the publication of status lists goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct PublisherState {
    /// Batches with a change that the ledger hasn't finalized.
    pub pending: u64,
    /// Why the last round didn't publish everything.
    pub problem: Option<String>,
    /// The database was compared with the ledger since the start; until then nothing is signed.
    pub compared: bool,
    /// What the ledger has and the database doesn't know: nothing is signed.
    pub conflicts: Vec<Conflict>,
}

/// The agency as the ledger knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct Agency {
    pub did: String,
    /// From the issuer's own settings; the accreditation has the ledger's.
    pub name: Localized,
    pub network: String,
    pub public_url: String,
    #[ts(inline)]
    pub proof: Proof,
    /// A stable code.
    pub proof_problem: Option<String>,
    #[ts(inline)]
    pub checkpoint: Option<AgencyCheckpoint>,
    pub document_version: Option<u64>,
    pub keys: Vec<AgencyKey>,
    pub accreditation: Option<Accreditation>,
    /// A stable code: why the accreditation doesn't hold now.
    pub accreditation_problem: Option<String>,
    pub anchors: Vec<Anchor>,
    #[ts(inline)]
    pub publisher: PublisherState,
}
