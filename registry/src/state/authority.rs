//! Who may sign what.

use std::collections::BTreeSet;

use jumin_identity::{Did, PublicKey};

use super::{Change, Rejection};
use crate::{
    document::Purpose,
    jws::{KeyName, Signature},
    key::RecordKey,
    record::{Accreditor, DidRecord},
};

impl Change<'_> {
    /// Returns the one signature of an operation that takes exactly one.
    fn only_signature(&self) -> Result<&Signature, Rejection> {
        match self.signed.signatures.as_slice() {
            [signature] => Ok(signature),
            _ => Err(Rejection::BadSignature),
        }
    }

    /// Requires the one signature to be by the key in its own header, and returns that key.
    pub(super) fn require_revealed_key(&self) -> Result<&PublicKey, Rejection> {
        let signature = self.only_signature()?;
        match &signature.key {
            KeyName::Jwk(key) if signature.is_by(key) => Ok(key),
            _ => Err(Rejection::BadSignature),
        }
    }

    /// Reads a DID of this network that exists and is active.
    pub(super) fn active_did(&self, did: &Did) -> Result<DidRecord, Rejection> {
        self.require_network(did)?;
        let record = self
            .state
            .did(&RecordKey::Did(did.clone()))?
            .ok_or(Rejection::UnknownDid)?;
        if record.deactivated.is_some() {
            Err(Rejection::Deactivated)
        } else {
            Ok(record)
        }
    }

    /// Requires a DID of this network that is active, or that nobody has created yet.
    pub(super) fn require_not_deactivated(&self, did: &Did) -> Result<(), Rejection> {
        match self.active_did(did) {
            Ok(_) | Err(Rejection::UnknownDid) => Ok(()),
            Err(refused) => Err(refused),
        }
    }

    pub(super) fn require_network(&self, did: &Did) -> Result<(), Rejection> {
        if did.network() == self.block.network {
            Ok(())
        } else {
            Err(Rejection::WrongNetwork)
        }
    }

    /// Requires the one signature to be by a key of `did` that may act for it now.
    pub(super) fn require_agency(&self, did: &Did) -> Result<(), Rejection> {
        let record = self.active_did(did)?;
        let signature = self.only_signature()?;
        let KeyName::Kid(kid) = &signature.key else {
            return Err(Rejection::BadSignature);
        };
        let fragment = kid
            .strip_prefix(did.as_str())
            .and_then(|rest| rest.strip_prefix('#'))
            .ok_or(Rejection::BadSignature)?;
        let key = record
            .document
            .key_at(fragment, Purpose::CapabilityInvocation, self.block.time())
            .ok_or(Rejection::BadSignature)?;
        if signature.is_by(key) {
            Ok(())
        } else {
            Err(Rejection::BadSignature)
        }
    }

    /// Requires a threshold of distinct governors to have signed, and nobody else.
    pub(super) fn require_governance(&self) -> Result<(), Rejection> {
        let governance = self
            .state
            .governance(&RecordKey::Governance)?
            .ok_or(Rejection::BadSignature)?;
        let mut signed = BTreeSet::new();
        for signature in &self.signed.signatures {
            let KeyName::Kid(kid) = &signature.key else {
                return Err(Rejection::BadSignature);
            };
            let index: usize = kid
                .strip_prefix("governance#")
                .and_then(|index| index.parse().ok())
                .ok_or(Rejection::BadSignature)?;
            let key = governance
                .governors
                .get(index)
                .ok_or(Rejection::BadSignature)?;
            // The key, not the index, must be new: one governor listed twice is one governor.
            if !signature.is_by(key) || !signed.insert(key.to_sec1_compressed()) {
                return Err(Rejection::BadSignature);
            }
        }
        // A threshold of 0 would let anybody pass.
        if signed.len() >= usize::from(governance.threshold.max(1)) {
            Ok(())
        } else {
            Err(Rejection::BadSignature)
        }
    }

    /// Requires the signatures of governance, or of the agency.
    pub(super) fn require_accreditor(&self, accreditor: &Accreditor) -> Result<(), Rejection> {
        match accreditor {
            Accreditor::Governance => self.require_governance(),
            Accreditor::Did(did) => self.require_agency(did),
        }
    }
}
