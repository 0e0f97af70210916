//! Names the ledger's records.

use std::{fmt, str::FromStr};

use jumin_identity::Did;
use serde::{Deserialize, Serialize};

use crate::encoding::domain_hash;

const KEY_DOMAIN: &[u8] = b"jumin-record-key-v1";
const MAX_NAME_BYTES: usize = 256;

/// What an accredited agency may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Issue credentials of the granted types.
    Issuer,
    /// Ask citizens for credentials of the granted types.
    Verifier,
    /// Accredit others, within its own grant.
    Accreditor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Issuer, Self::Verifier, Self::Accreditor];
}

/// What an issuer anchors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnchorKind {
    /// A status list; the anchor's name is the list's URI.
    StatusList,
    /// A QR codec dictionary; the anchor's name is the credential type (`vct`).
    Dictionary,
}

/// The name of one record of the ledger; its text form is canonical, so equal keys have equal hashes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordKey {
    /// `did/<did>`: an agency's DID document.
    Did(Did),
    /// `accreditation/<did>/<role>`: the grants an agency has for a role.
    Accreditation {
        /// The accredited agency.
        subject: Did,
        /// The role it is accredited for.
        role: Role,
    },
    /// `anchor/<did>/<kind>/<name>`: the digest of something an issuer publishes.
    Anchor {
        /// The publishing issuer.
        issuer: Did,
        /// What kind of thing.
        kind: AnchorKind,
        /// The status list's URI, or the dictionary's `vct`.
        name: String,
    },
    /// `type/<vct>`: the integrity of a credential type's definition.
    CredentialType(String),
    /// `governance`: the governors and their threshold.
    Governance,
    /// `validators`: who finalizes blocks, now and from the next epoch on.
    Validators,
}

/// Text that is not a record key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a record key")]
pub struct RecordKeyError;

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Verifier => "verifier",
            Self::Accreditor => "accreditor",
        }
    }
}

impl AnchorKind {
    fn as_str(self) -> &'static str {
        match self {
            Self::StatusList => "status-list",
            Self::Dictionary => "dictionary",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = RecordKeyError;

    fn from_str(text: &str) -> Result<Self, RecordKeyError> {
        [Self::Issuer, Self::Verifier, Self::Accreditor]
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(RecordKeyError)
    }
}

impl fmt::Display for AnchorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AnchorKind {
    type Err = RecordKeyError;

    fn from_str(text: &str) -> Result<Self, RecordKeyError> {
        [Self::StatusList, Self::Dictionary]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(RecordKeyError)
    }
}

/// Tells whether `name` can name an anchor or a credential type: 1 to 256 visible ASCII characters.
pub(crate) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Did(did) => write!(f, "did/{did}"),
            Self::Accreditation { subject, role } => write!(f, "accreditation/{subject}/{role}"),
            Self::Anchor { issuer, kind, name } => write!(f, "anchor/{issuer}/{kind}/{name}"),
            Self::CredentialType(vct) => write!(f, "type/{vct}"),
            Self::Governance => f.write_str("governance"),
            Self::Validators => f.write_str("validators"),
        }
    }
}

impl FromStr for RecordKey {
    type Err = RecordKeyError;

    fn from_str(text: &str) -> Result<Self, RecordKeyError> {
        match text {
            "governance" => return Ok(Self::Governance),
            "validators" => return Ok(Self::Validators),
            _ => {}
        }
        let (kind, rest) = text.split_once('/').ok_or(RecordKeyError)?;
        match kind {
            "did" => Ok(Self::Did(did(rest)?)),
            "accreditation" => {
                let (subject, role) = rest.split_once('/').ok_or(RecordKeyError)?;
                Ok(Self::Accreditation {
                    subject: did(subject)?,
                    role: role.parse()?,
                })
            }
            "anchor" => {
                let mut parts = rest.splitn(3, '/');
                let mut next = || parts.next().ok_or(RecordKeyError);
                let (issuer, kind, name) = (did(next()?)?, next()?.parse()?, named(next()?)?);
                Ok(Self::Anchor { issuer, kind, name })
            }
            "type" => Ok(Self::CredentialType(named(rest)?)),
            _ => Err(RecordKeyError),
        }
    }
}

fn did(text: &str) -> Result<Did, RecordKeyError> {
    text.parse().map_err(|_| RecordKeyError)
}

fn named(name: &str) -> Result<String, RecordKeyError> {
    if is_name(name) {
        Ok(name.to_owned())
    } else {
        Err(RecordKeyError)
    }
}

impl RecordKey {
    /// Computes the key's place in the state tree.
    pub fn hash(&self) -> [u8; 32] {
        domain_hash(KEY_DOMAIN, self.to_string().as_bytes())
    }
}

impl Serialize for RecordKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RecordKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
