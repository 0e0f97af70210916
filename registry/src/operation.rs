//! What an agency or the governors can ask the ledger to do.

use std::{collections::BTreeSet, fmt, str::FromStr};

use jumin_identity::{Did, NetworkName, PublicKey, b64url, b64url_decode, text::require_legible};
use serde::{Deserialize, Serialize};

use crate::{
    claims::Claims,
    document::{DidDocument, DocumentError},
    encoding::digests_b64,
    encoding::{Malformed, digest_b64},
    key::{AnchorKind, Role, is_name},
    record::{Accreditor, Localized},
    signed::MAX_SIGNATURES,
    validators::{MAX_NETWORK_VALIDATORS, NewValidator},
};

const MAX_TYPES: usize = 16;
const MAX_LABEL_CHARS: usize = 100;
const MAX_ADDED: usize = 16;

/// A change of the ledger.
///
/// Where an operation has a `version`, it is the version of the record that it replaces, 0 for a record that doesn't exist
/// yet; so an operation takes effect once, whoever repeats it. An anchor's is the issuer's own number for the content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Operation {
    /// Creates the DID that [`SignedOperation::created_did`](crate::SignedOperation::created_did) names; signed by any key
    /// given in the signature's `jwk`.
    CreateDid {
        /// The DID's first document.
        document: DidDocument,
        /// RFC 7638 thumbprint of the key that will sign the first change.
        #[serde(with = "digest_b64")]
        next_key_hash: [u8; 32],
    },
    /// Replaces a DID's document; signed by the key that the current version committed to, given in `jwk`.
    UpdateDid {
        /// The DID.
        did: Did,
        /// The version replaced.
        version: u64,
        /// The new document.
        document: DidDocument,
        /// Thumbprint of the key for the change after this one; not the key that signs this.
        #[serde(with = "digest_b64")]
        next_key_hash: [u8; 32],
    },
    /// Ends a DID for good; signed as an update.
    DeactivateDid {
        /// The DID.
        did: Did,
        /// The version replaced.
        version: u64,
    },
    /// Grants a role; signed by governance, or by an accreditor within its own grant.
    Accredit {
        /// Who grants.
        accreditor: Accreditor,
        /// Who gets the role.
        subject: Did,
        /// The role.
        role: Role,
        /// The subject's name as screens show it.
        name: Localized,
        /// Credential types; empty means every type, which issuers can't have.
        types: Vec<String>,
        /// Claims that a verifier may ask for, or that an accreditor may let verifiers ask for.
        #[serde(default)]
        claims: Claims,
        /// First second the grant holds, Unix time.
        from: u64,
        /// First second it no longer holds.
        until: u64,
        /// Version of the accreditation record replaced, 0 if none.
        version: u64,
    },
    /// Ends a grant from this block on; signed by its accreditor or governance.
    EndAccreditation {
        /// Who ends it.
        accreditor: Accreditor,
        /// Whose grant.
        subject: Did,
        /// The role.
        role: Role,
        /// The grant's [`id`](crate::Grant::id).
        grant: u64,
        /// Version of the accreditation record replaced.
        version: u64,
    },
    /// Anchors a digest; signed by the issuer.
    Anchor {
        /// The issuer.
        issuer: Did,
        /// What is anchored.
        kind: AnchorKind,
        /// The status list's URI, or the dictionary's `vct`.
        name: String,
        /// The issuer's number for the content, greater than the anchored one.
        version: u64,
        /// SHA-256 of the content.
        #[serde(with = "digest_b64")]
        sha256: [u8; 32],
        /// When a newer version is due at the latest, in Unix seconds.
        next_update: Option<u64>,
    },
    /// Anchors the integrity of a credential type; signed by governance, or by an accreditor for that type.
    AnchorCredentialType {
        /// Who anchors it.
        by: Accreditor,
        /// The type.
        vct: String,
        /// `sha256-<base64>` of the type metadata.
        integrity: String,
        /// Version of the type record replaced, 0 if none.
        version: u64,
    },
    /// Changes who finalizes blocks from the next epoch on; signed by governance.
    SetValidators {
        /// Validators to add; one that is there already gets the new address and name.
        add: Vec<NewValidator>,
        /// Keys of validators to remove.
        #[serde(with = "digests_b64")]
        remove: Vec<[u8; 32]>,
        /// Version of the validators record replaced.
        version: u64,
    },
    /// Replaces the governors at once; signed by governance as it was.
    SetGovernors {
        /// The new governors' keys.
        governors: Vec<PublicKey>,
        /// How many of them must sign.
        threshold: u8,
        /// Version of the governance record replaced.
        version: u64,
    },
}

/// What is signed: an operation for one network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) network: NetworkName,
    pub(crate) op: Operation,
}

/// Identifies an operation: the domain-separated SHA-256 of its signed payload, as base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationHash(pub [u8; 32]);

/// Why bytes are not an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// Longer than [`MAX_OPERATION_BYTES`](crate::MAX_OPERATION_BYTES).
    #[error("the operation is too large")]
    TooLarge,
    /// Not the JWS JSON form, or not an operation in it.
    #[error("the operation is malformed")]
    Malformed(#[source] Malformed),
    /// A member of the operation breaks a limit on counts or lengths.
    #[error("the operation has more {0} than allowed")]
    Limits(&'static str),
}

impl OperationError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed(_) => "malformed",
            Self::Limits(_) => "limits",
        }
    }
}

impl From<DocumentError> for OperationError {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Limits(what) => Self::Limits(what),
            DocumentError::Malformed(what) => Self::Malformed(Malformed(what)),
        }
    }
}

fn malformed(what: &'static str) -> OperationError {
    OperationError::Malformed(Malformed(what))
}

impl Operation {
    /// Checks what can be checked without the ledger: counts, lengths, names and periods.
    ///
    /// # Errors
    /// [`OperationError`] naming the part.
    pub fn validate(&self) -> Result<(), OperationError> {
        match self {
            Self::CreateDid { document, .. } | Self::UpdateDid { document, .. } => {
                Ok(document.validate()?)
            }
            Self::DeactivateDid { .. } | Self::EndAccreditation { .. } => Ok(()),
            Self::Accredit {
                name,
                types,
                role,
                claims,
                from,
                until,
                ..
            } => {
                claims.validate(*role)?;
                validate_label(&name.ko)?;
                validate_label(&name.en)?;
                validate_types(types, *role)?;
                if from < until {
                    Ok(())
                } else {
                    Err(malformed("period"))
                }
            }
            Self::Anchor { name, .. } => {
                if is_name(name) {
                    Ok(())
                } else {
                    Err(malformed("anchor name"))
                }
            }
            Self::AnchorCredentialType { vct, integrity, .. } => {
                if !is_name(vct) {
                    return Err(malformed("credential type"));
                }
                if is_integrity(integrity) {
                    Ok(())
                } else {
                    Err(malformed("integrity"))
                }
            }
            Self::SetValidators { add, remove, .. } => validate_change(add, remove),
            Self::SetGovernors {
                governors,
                threshold,
                ..
            } => validate_governors(governors, *threshold),
        }
    }
}

fn validate_change(add: &[NewValidator], remove: &[[u8; 32]]) -> Result<(), OperationError> {
    if add.len() > MAX_ADDED || remove.len() > MAX_NETWORK_VALIDATORS {
        return Err(OperationError::Limits("validators"));
    }
    let keys = add.iter().map(|validator| &validator.key).chain(remove);
    let distinct: BTreeSet<_> = keys.collect();
    if distinct.is_empty() || distinct.len() != add.len() + remove.len() {
        return Err(malformed("list of validators"));
    }
    for validator in add {
        validate_label(&validator.name)?;
        if validator.address.port() == 0 {
            return Err(malformed("validator's address"));
        }
    }
    Ok(())
}

fn validate_governors(governors: &[PublicKey], threshold: u8) -> Result<(), OperationError> {
    // An operation carries no more signatures than this.
    if governors.len() > MAX_SIGNATURES {
        return Err(OperationError::Limits("governors"));
    }
    let distinct: BTreeSet<_> = governors.iter().map(PublicKey::thumbprint).collect();
    if distinct.len() != governors.len() {
        return Err(malformed("list of governors"));
    }
    if (1..=governors.len()).contains(&usize::from(threshold)) {
        Ok(())
    } else {
        Err(malformed("threshold"))
    }
}

fn validate_label(label: &str) -> Result<(), OperationError> {
    if label.chars().count() > MAX_LABEL_CHARS {
        return Err(OperationError::Limits("characters in a name"));
    }
    require_legible(label).map_err(|_| malformed("name"))
}

fn validate_types(types: &[String], role: Role) -> Result<(), OperationError> {
    if types.len() > MAX_TYPES {
        return Err(OperationError::Limits("credential types"));
    }
    if types.is_empty() && role == Role::Issuer {
        return Err(malformed("list of credential types"));
    }
    let distinct: BTreeSet<_> = types.iter().collect();
    if distinct.len() != types.len() || !types.iter().all(|name| is_name(name)) {
        return Err(malformed("list of credential types"));
    }
    Ok(())
}

/// Tells whether `text` is `sha256-` and the 44 characters of a base64 SHA-256 (W3C Subresource Integrity §3.5).
fn is_integrity(text: &str) -> bool {
    use base64::{Engine, engine::general_purpose::STANDARD};
    text.strip_prefix("sha256-")
        .and_then(|digest| STANDARD.decode(digest).ok())
        .is_some_and(|digest| digest.len() == 32)
}

impl fmt::Display for OperationHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&b64url(&self.0))
    }
}

impl FromStr for OperationHash {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        b64url_decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(Malformed("operation hash"))
    }
}

impl Serialize for OperationHash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OperationHash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}
