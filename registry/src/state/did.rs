//! Creation, update and deactivation of DIDs.

use jumin_identity::{Did, PublicKey};

use super::{Change, Rejection};
use crate::{
    document::DidDocument,
    key::RecordKey,
    record::{DidRecord, Record},
};

/// How long a DID that nobody accredits any more stays as it is after a change, in seconds.
const UNACCREDITED_PAUSE: u64 = 3_600;

impl Change<'_> {
    pub(super) fn create(
        &self,
        document: &DidDocument,
        next_key_hash: &[u8; 32],
    ) -> Result<(RecordKey, Record), Rejection> {
        let key = self.require_revealed_key()?;
        require_new_key(key, next_key_hash)?;
        let did = self
            .signed
            .created_did()
            .ok_or(Rejection::Malformed("operation"))?;
        let name = RecordKey::Did(did.clone());
        if self.state.did(&name)?.is_some() {
            return Err(Rejection::Exists);
        }
        // So nobody writes to the ledger for whom nobody answers.
        if !self.is_accredited(&did)? {
            return Err(Rejection::NotAwaited);
        }
        Ok((name, self.did_record(1, document.clone(), *next_key_hash)))
    }

    pub(super) fn update(
        &self,
        did: &Did,
        version: u64,
        document: &DidDocument,
        next_key_hash: &[u8; 32],
    ) -> Result<(RecordKey, Record), Rejection> {
        let current = self.controlled_did(did, version)?;
        require_new_key(self.require_revealed_key()?, next_key_hash)?;
        self.require_pause(did, current.updated, UNACCREDITED_PAUSE)?;
        let record = self.did_record(current.version + 1, document.clone(), *next_key_hash);
        Ok((RecordKey::Did(did.clone()), record))
    }

    pub(super) fn deactivate(
        &self,
        did: &Did,
        version: u64,
    ) -> Result<(RecordKey, Record), Rejection> {
        let current = self.controlled_did(did, version)?;
        let record = DidRecord {
            version: current.version + 1,
            deactivated: Some(self.block.time()),
            updated: self.block.time(),
            height: self.block.height,
            ..current
        };
        Ok((RecordKey::Did(did.clone()), Record::Did(record)))
    }

    /// Reads the DID and requires the signature of the key that its current version committed to.
    fn controlled_did(&self, did: &Did, version: u64) -> Result<DidRecord, Rejection> {
        let current = self.active_did(did)?;
        if current.version != version {
            return Err(Rejection::StaleVersion(current.version));
        }
        let key = self.require_revealed_key()?;
        if key.thumbprint() != current.next_key_hash {
            return Err(Rejection::BadSignature);
        }
        Ok(current)
    }

    fn did_record(&self, version: u64, document: DidDocument, next_key_hash: [u8; 32]) -> Record {
        Record::Did(DidRecord {
            version,
            document,
            next_key_hash,
            deactivated: None,
            updated: self.block.time(),
            height: self.block.height,
        })
    }
}

/// A key that signed is known; committing to it again would undo the pre-rotation.
fn require_new_key(signer: &PublicKey, next_key_hash: &[u8; 32]) -> Result<(), Rejection> {
    if signer.thumbprint() == *next_key_hash {
        Err(Rejection::KeyReused)
    } else {
        Ok(())
    }
}
