//! What an operation leaves on the ledger, to check that a node's word about it is true.

use jumin_identity::Did;

use crate::{
    key::RecordKey,
    operation::Operation,
    record::{Accreditor, Grant, Record},
    signed::SignedOperation,
    validators::NewValidator,
};

impl SignedOperation {
    /// Returns who submits the operation: whose keys must have signed it.
    pub fn submitter(&self) -> Accreditor {
        match self.operation() {
            Operation::CreateDid { .. } => Accreditor::Did(self.own_did()),
            Operation::UpdateDid { did, .. } | Operation::DeactivateDid { did, .. } => {
                Accreditor::Did(did.clone())
            }
            Operation::Anchor { issuer, .. } => Accreditor::Did(issuer.clone()),
            Operation::Accredit { accreditor, .. }
            | Operation::EndAccreditation { accreditor, .. } => accreditor.clone(),
            Operation::AnchorCredentialType { by, .. } => by.clone(),
            Operation::SetValidators { .. } | Operation::SetGovernors { .. } => {
                Accreditor::Governance
            }
        }
    }

    /// Returns the record that the operation writes.
    pub fn record_key(&self) -> RecordKey {
        match self.operation() {
            Operation::CreateDid { .. } => RecordKey::Did(self.own_did()),
            Operation::UpdateDid { did, .. } | Operation::DeactivateDid { did, .. } => {
                RecordKey::Did(did.clone())
            }
            Operation::Accredit { subject, role, .. }
            | Operation::EndAccreditation { subject, role, .. } => RecordKey::Accreditation {
                subject: subject.clone(),
                role: *role,
            },
            Operation::Anchor {
                issuer, kind, name, ..
            } => RecordKey::Anchor {
                issuer: issuer.clone(),
                kind: *kind,
                name: name.clone(),
            },
            Operation::AnchorCredentialType { vct, .. } => RecordKey::CredentialType(vct.clone()),
            Operation::SetValidators { .. } => RecordKey::Validators,
            Operation::SetGovernors { .. } => RecordKey::Governance,
        }
    }

    /// Tells whether `record`, the value of [`record_key`](Self::record_key), shows that the operation took effect.
    ///
    /// A record that has changed again since is taken for its successor.
    pub fn is_reflected_in(&self, record: &Record) -> bool {
        match (self.operation(), record) {
            (
                Operation::CreateDid {
                    document,
                    next_key_hash,
                },
                Record::Did(now),
            ) => {
                now.version > 1
                    || (now.document == *document && now.next_key_hash == *next_key_hash)
            }
            (
                Operation::UpdateDid {
                    version,
                    document,
                    next_key_hash,
                    ..
                },
                Record::Did(now),
            ) => {
                now.version > version.saturating_add(1)
                    || (now.version == version.saturating_add(1)
                        && now.document == *document
                        && now.next_key_hash == *next_key_hash)
            }
            (Operation::DeactivateDid { .. }, Record::Did(now)) => now.deactivated.is_some(),
            (Operation::Accredit { version, .. }, Record::Accreditation(now)) => now
                .grants
                .iter()
                .any(|grant| grant.id == version.saturating_add(1) && self.grants(grant)),
            (Operation::EndAccreditation { grant, .. }, Record::Accreditation(now)) => now
                .grants
                .iter()
                .any(|held| held.id == *grant && held.ended.is_some()),
            (
                Operation::Anchor {
                    version,
                    sha256,
                    next_update,
                    ..
                },
                Record::Anchor(now),
            ) => {
                now.version > *version
                    || (now.version == *version
                        && now.sha256 == *sha256
                        && now.next_update == *next_update)
            }
            (
                Operation::AnchorCredentialType {
                    by,
                    integrity,
                    version,
                    ..
                },
                Record::CredentialType(now),
            ) => {
                now.version > version.saturating_add(1)
                    || (now.version == version.saturating_add(1)
                        && now.by == *by
                        && now.integrity == *integrity)
            }
            (
                Operation::SetValidators {
                    add,
                    remove,
                    version,
                },
                Record::Validators(now),
            ) => {
                let latest = now.at(u64::MAX);
                let added = |new: &NewValidator| latest.contains(&new.validator());
                let removed = |key: &[u8; 32]| latest.iter().all(|validator| validator.key != *key);
                now.version > version.saturating_add(1)
                    || (now.version == version.saturating_add(1)
                        && add.iter().all(added)
                        && remove.iter().all(removed))
            }
            (
                Operation::SetGovernors {
                    governors,
                    threshold,
                    version,
                },
                Record::Governance(now),
            ) => {
                now.version > version.saturating_add(1)
                    || (now.version == version.saturating_add(1)
                        && now.governors == *governors
                        && now.threshold == *threshold)
            }
            _ => false,
        }
    }

    fn grants(&self, grant: &Grant) -> bool {
        let Operation::Accredit {
            accreditor,
            name,
            types,
            claims,
            from,
            until,
            ..
        } = self.operation()
        else {
            return false;
        };
        grant.by == *accreditor
            && grant.name == *name
            && grant.types == *types
            && grant.claims == *claims
            && grant.from == *from
            && grant.until == *until
    }

    fn own_did(&self) -> Did {
        Did::from_digest(self.network(), &self.hash().0)
    }
}
