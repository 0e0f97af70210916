//! Digests that issuers and accreditors anchor.

use super::{Change, Rejection};
use crate::{
    key::{RecordKey, Role},
    operation::Operation,
    record::{Accreditor, AnchorRecord, Record, TypeRecord},
};

/// How long an anchor of an issuer that nobody accredits any more stays as it is, in seconds.
const UNACCREDITED_PAUSE: u64 = 60;

impl Change<'_> {
    pub(super) fn anchor(&self) -> Result<(RecordKey, Record), Rejection> {
        let Operation::Anchor {
            issuer,
            kind,
            name,
            version,
            sha256,
            next_update,
        } = self.signed.operation()
        else {
            return Err(Rejection::Malformed("operation"));
        };
        self.require_agency(issuer)?;
        let now = self.block.time();
        let key = RecordKey::Anchor {
            issuer: issuer.clone(),
            kind: *kind,
            name: name.clone(),
        };
        match self.state.anchor(&key)? {
            Some(current) if *version <= current.version => {
                return Err(Rejection::NotIncreasing(current.version));
            }
            // Later versions need no accreditation: an issuer that lost it must still be able to revoke.
            Some(current) => self.require_pause(issuer, current.updated, UNACCREDITED_PAUSE)?,
            None => {
                self.accreditation(issuer, Role::Issuer, None, now)?;
            }
        }
        if next_update.is_some_and(|due| due <= now) {
            return Err(Rejection::Malformed("next update"));
        }
        let record = AnchorRecord {
            version: *version,
            sha256: *sha256,
            next_update: *next_update,
            updated: now,
            height: self.block.height,
        };
        Ok((key, Record::Anchor(record)))
    }

    pub(super) fn anchor_type(&self) -> Result<(RecordKey, Record), Rejection> {
        let Operation::AnchorCredentialType {
            by,
            vct,
            integrity,
            version,
        } = self.signed.operation()
        else {
            return Err(Rejection::Malformed("operation"));
        };
        self.require_accreditor(by)?;
        let now = self.block.time();
        let key = RecordKey::CredentialType(vct.clone());
        let current = self.state.credential_type(&key)?;
        let current_version = current.as_ref().map_or(0, |record| record.version);
        if current_version != *version {
            return Err(Rejection::StaleVersion(current_version));
        }
        if let Accreditor::Did(did) = by {
            self.accreditation(did, Role::Accreditor, Some(vct), now)?;
            // What governance or another accreditor anchored is theirs to change.
            if current.is_some_and(|record| record.by != *by) {
                return Err(Rejection::NotAccredited);
            }
        }
        let record = TypeRecord {
            version: current_version + 1,
            integrity: integrity.clone(),
            by: by.clone(),
            updated: now,
            height: self.block.height,
        };
        Ok((key, Record::CredentialType(record)))
    }
}
