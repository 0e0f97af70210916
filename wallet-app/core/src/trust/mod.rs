//! Who is who on the ledger: issuers, verifiers and credential types, each by proof against a checkpoint that never goes back.

mod reach;
mod reader;
mod standing;

use jumin_registry::{AccreditationError, Localized};
use serde::Serialize;

pub(crate) use reach::{Asked, Reach, reach};
#[cfg(test)]
pub(crate) use reader::Proven;
pub(crate) use reader::{BundleView, LedgerReader, MAX_AGE, RecordSource};
pub(crate) use standing::{
    IssuerStanding, VerifierStanding, document_standing, issuer_standing, verifier_accreditation,
    verifier_agencies, verifier_standing,
};

/// Says why the ledger does not back something.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// No node gave an answer that could be verified.
    #[error("the ledger could not be read")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A node answered with something that its network's validators did not certify.
    #[error("what a node answered is not proven")]
    Unproven(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// What this wallet knows of the network was confirmed too long ago to follow the network any further.
    #[error(
        "this wallet's network file was last confirmed {days} days ago; get a new one from the agency"
    )]
    Expired {
        /// How long ago, in days.
        days: u64,
    },
    /// The nodes answer with an older state than this wallet has seen.
    #[error(
        "the ledger went back from block {seen} to block {now}: a node withholds news or was reset"
    )]
    WentBack {
        /// The height this wallet has seen.
        seen: u64,
        /// The height it was shown now.
        now: u64,
    },
    /// Two different blocks of one height were certified.
    #[error("the ledger shows two different blocks of height {height}")]
    Forked {
        /// The height.
        height: u64,
    },
    /// The newest block is too old to say who is accredited now.
    #[error("the ledger's newest block is {seconds} seconds old; is this device's clock right?")]
    Stale {
        /// Age of the newest block in seconds.
        seconds: u64,
    },
    /// The ledger's time is ahead of this device's.
    #[error("this device's clock is {seconds} seconds behind the ledger's; set the clock")]
    ClockBehind {
        /// How far the clock is behind, in seconds.
        seconds: u64,
    },
    /// The ledger has no such identifier.
    #[error("the ledger has no identifier {0}")]
    UnknownDid(String),
    /// The identifier's document has no such key for this purpose at that time.
    #[error("the key {0} is not a key of its identifier for this purpose at that time")]
    UnknownKey(String),
    /// The issuer is not accredited for the credential type.
    #[error("the issuer {issuer} is not accredited to issue {vct}")]
    IssuerNotAccredited {
        /// The issuer's DID.
        issuer: String,
        /// The credential type.
        vct: String,
        /// What is missing.
        #[source]
        source: AccreditationError,
    },
    /// The issuer's DID was deactivated.
    #[error("the identifier of the issuer {0} was deactivated")]
    IssuerDeactivated(String),
    /// The records at hand don't decide whether an agency is accredited.
    #[error("whether {0} is accredited could not be found out")]
    Undecided(String),
    /// The credential type is not on the ledger.
    #[error("the credential type {0} is not on the ledger")]
    UnknownType(String),
    /// The type's definition is not the one on the ledger.
    #[error("the definition of the credential type {0} is not the one on the ledger")]
    TypeIntegrity(String),
    /// There is no bundle for offline use, or it is too old.
    #[error(
        "offline, and this wallet has no recent copy of the ledger's records; go online once and `sync`"
    )]
    NoBundle,
    /// No agency of this name is accredited.
    #[error("no accredited agency is called {0}")]
    NoSuchAgency(String),
    /// Several agencies fit the name.
    #[error("several agencies are called {0}; give the identifier instead")]
    AmbiguousAgency(String),
}

impl TrustError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "ledger_unreachable",
            Self::Unproven(_) => "ledger_proof_invalid",
            Self::Expired { .. } => "trust_expired",
            Self::WentBack { .. } => "ledger_went_back",
            Self::Forked { .. } => "ledger_forked",
            Self::Stale { .. } => "ledger_stale",
            Self::ClockBehind { .. } => "clock_wrong",
            Self::UnknownDid(_) => "unknown_identifier",
            Self::UnknownKey(_) => "unknown_key",
            Self::IssuerNotAccredited { .. } => "issuer_not_accredited",
            Self::IssuerDeactivated(_) => "issuer_deactivated",
            Self::Undecided(_) => "accreditation_unknown",
            Self::UnknownType(_) => "unknown_type",
            Self::TypeIntegrity(_) => "type_integrity",
            Self::NoBundle => "no_bundle",
            Self::NoSuchAgency(_) => "no_such_agency",
            Self::AmbiguousAgency(_) => "ambiguous_agency",
        }
    }

    /// Says whether the ledger told nothing that can be believed, rather than something bad.
    pub(crate) fn could_not_find_out(&self) -> bool {
        match self {
            Self::Unreachable(_)
            | Self::Unproven(_)
            | Self::Expired { .. }
            | Self::WentBack { .. }
            | Self::Forked { .. }
            | Self::Stale { .. }
            | Self::ClockBehind { .. }
            | Self::Undecided(_)
            | Self::NoBundle => true,
            Self::UnknownDid(_)
            | Self::UnknownKey(_)
            | Self::IssuerNotAccredited { .. }
            | Self::IssuerDeactivated(_)
            | Self::UnknownType(_)
            | Self::TypeIntegrity(_)
            | Self::NoSuchAgency(_)
            | Self::AmbiguousAgency(_) => false,
        }
    }
}

/// Is an agency that may ask citizens for documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Agency {
    /// Is its DID.
    pub did: String,
    /// Is its name on the ledger.
    pub name: Localized,
}

/// Says against which state of the ledger something was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckedAgainst {
    /// Is false where the wallet's own copy of the records had to do.
    pub online: bool,
    /// Is the block's height.
    pub checkpoint_height: u64,
    /// Is the block's age in seconds.
    pub checkpoint_age_seconds: u64,
}

#[cfg(test)]
mod tests;
