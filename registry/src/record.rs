//! The values that the ledger's records hold. None of them is about a citizen.

use std::{fmt, str::FromStr};

use jumin_identity::{Did, PublicKey};
use serde::{Deserialize, Serialize};

use crate::{
    claims::Claims,
    document::DidDocument,
    encoding::{Malformed, digest_b64},
    key::{RecordKey, RecordKeyError},
    validators::ValidatorsRecord,
};

const MAX_RECORD_BYTES: usize = 64 * 1024;

/// A text in the languages that screens show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Localized {
    /// Korean.
    pub ko: String,
    /// English.
    pub en: String,
}

/// Who granted something: the governors together, or an accredited accreditor. As text, `governance` or the DID.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Accreditor {
    /// The threshold of governors.
    Governance,
    /// An agency with the role accreditor.
    Did(Did),
}

/// The value of one record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Record {
    /// Of [`RecordKey::Did`].
    Did(DidRecord),
    /// Of [`RecordKey::Accreditation`].
    Accreditation(AccreditationRecord),
    /// Of [`RecordKey::Anchor`].
    Anchor(AnchorRecord),
    /// Of [`RecordKey::CredentialType`].
    CredentialType(TypeRecord),
    /// Of [`RecordKey::Governance`].
    Governance(GovernanceRecord),
    /// Of [`RecordKey::Validators`].
    Validators(ValidatorsRecord),
}

/// An agency's DID document and what its next change must show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DidRecord {
    /// Counts the changes; 1 after creation.
    pub version: u64,
    /// The current document; kept when the DID is deactivated, for credentials signed before.
    pub document: DidDocument,
    /// RFC 7638 thumbprint of the key that must sign the next change (pre-rotation).
    #[serde(with = "digest_b64")]
    pub next_key_hash: [u8; 32],
    /// When the DID was deactivated, in Unix seconds.
    pub deactivated: Option<u64>,
    /// Time of the block that wrote this version, in Unix seconds.
    pub updated: u64,
    /// Height of that block.
    pub height: u64,
}

/// All grants that one agency ever got for one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccreditationRecord {
    /// Counts the changes; 1 after the first grant.
    pub version: u64,
    /// At most 16, ended ones included: they answer for what was signed while they held.
    pub grants: Vec<Grant>,
}

/// One accreditation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The record's version that the grant came with; names it within the record.
    pub id: u64,
    /// Who granted it.
    pub by: Accreditor,
    /// The accreditor's own grant that this one lies within and hangs below, by its id; none if governance granted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<u64>,
    /// The agency's name as screens show it.
    pub name: Localized,
    /// Credential types (`vct`) it is for; empty means every type (never for issuers).
    pub types: Vec<String>,
    /// Claims that a verifier may ask for, here or below; of an issuer always [`Claims::Any`].
    #[serde(default)]
    pub claims: Claims,
    /// First second it holds, Unix time.
    pub from: u64,
    /// First second it no longer holds.
    pub until: u64,
    /// When its accreditor or governance ended it.
    pub ended: Option<u64>,
}

/// The current digest of something an issuer publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AnchorRecord {
    /// The issuer's number for this content, strictly increasing.
    pub version: u64,
    /// SHA-256 of the content (a status list: of the uncompressed list's bytes).
    #[serde(with = "digest_b64")]
    pub sha256: [u8; 32],
    /// When a newer version is due at the latest, in Unix seconds.
    pub next_update: Option<u64>,
    /// Time of the block that wrote this version, in Unix seconds.
    pub updated: u64,
    /// Height of that block.
    pub height: u64,
}

/// Why a status list does not answer for the credentials in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ListNotCurrent {
    /// It is not the anchored one.
    #[error("the status list is not the anchored one")]
    NotAnchored,
    /// It is past its own end.
    #[error("the status list has expired")]
    Expired,
    /// The anchor says that a newer one is due by now.
    #[error("a newer status list is overdue")]
    Overdue,
}

/// The integrity of a credential type's definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeRecord {
    /// Counts the changes; 1 after the first.
    pub version: u64,
    /// Integrity of the type metadata, `sha256-<base64>` (W3C Subresource Integrity).
    pub integrity: String,
    /// Who anchored it.
    pub by: Accreditor,
    /// Time of the block that wrote this version, in Unix seconds.
    pub updated: u64,
    /// Height of that block.
    pub height: u64,
}

/// The governors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GovernanceRecord {
    /// Counts the changes; 1 at genesis.
    pub version: u64,
    /// How many governors must sign.
    pub threshold: u8,
    /// The governors' keys; `governance#<index>` names them in operations.
    pub governors: Vec<PublicKey>,
}

impl Record {
    /// Encodes the record as JSON with members in declared order.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Decodes a record of at most 64 KiB.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Malformed> {
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(Malformed("record size"));
        }
        serde_json::from_slice(bytes).map_err(|_| Malformed("record"))
    }

    /// Tells whether the record is of the kind that `key` names.
    pub(crate) fn belongs_to(&self, key: &RecordKey) -> bool {
        matches!(
            (self, key),
            (Self::Did(_), RecordKey::Did(_))
                | (Self::Accreditation(_), RecordKey::Accreditation { .. })
                | (Self::Anchor(_), RecordKey::Anchor { .. })
                | (Self::CredentialType(_), RecordKey::CredentialType(_))
                | (Self::Governance(_), RecordKey::Governance)
                | (Self::Validators(_), RecordKey::Validators)
        )
    }
}

impl AnchorRecord {
    /// Requires the status list with this digest and `exp` to be the one that answers at `now` (Unix seconds). Both ends, its own
    /// and the anchor's, are the first second in which it answers no more.
    ///
    /// # Errors
    /// [`ListNotCurrent`], the first that applies.
    pub fn require_current(
        &self,
        sha256: &[u8; 32],
        expires: Option<u64>,
        now: u64,
    ) -> Result<(), ListNotCurrent> {
        if *sha256 != self.sha256 {
            return Err(ListNotCurrent::NotAnchored);
        }
        // Token Status List §8.3: an expired list answers no more.
        if expires.is_some_and(|expires| now >= expires) {
            return Err(ListNotCurrent::Expired);
        }
        if self.next_update.is_some_and(|due| now >= due) {
            return Err(ListNotCurrent::Overdue);
        }
        Ok(())
    }
}

impl Grant {
    /// Tells whether the grant's period covers `at` (Unix seconds), whether or not it was ended.
    pub fn spans(&self, at: u64) -> bool {
        self.from <= at && at < self.until
    }

    /// Tells whether the grant is for a credential type.
    pub fn covers(&self, credential_type: &str) -> bool {
        self.types.is_empty() || self.types.iter().any(|granted| granted == credential_type)
    }
}

impl fmt::Display for Accreditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Governance => f.write_str("governance"),
            Self::Did(did) => did.fmt(f),
        }
    }
}

impl FromStr for Accreditor {
    type Err = RecordKeyError;

    fn from_str(text: &str) -> Result<Self, RecordKeyError> {
        match text {
            "governance" => Ok(Self::Governance),
            did => Ok(Self::Did(did.parse().map_err(|_| RecordKeyError)?)),
        }
    }
}

impl Serialize for Accreditor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Accreditor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
