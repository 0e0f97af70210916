//! Reads that carry their proof under the newest checkpoint.

use std::{collections::HashSet, sync::Arc};

use jumin_identity::Did;
use jumin_registry::{
    Bundle, Checkpoint, ProvenRecord, RecordKey,
    tree::{self, TreeError},
};

use crate::ledger::Ledger;
use crate::store::{Snapshot, StoreError, StoredCheckpoint};

/// A checkpoint as bytes and one record's proof under it.
pub(crate) struct Proof {
    pub checkpoint: Vec<u8>,
    pub record: ProvenRecord,
}

/// Why a read could not be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("no certified block yet")]
    NoCheckpoint,
    #[error("the read was interrupted")]
    Interrupted,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Ledger {
    /// The newest checkpoint.
    pub(crate) fn checkpoint(&self) -> Result<StoredCheckpoint, ReadError> {
        Ok(self.checkpointed()?.0)
    }

    /// Reads one record, or its absence, with its proof under the newest checkpoint.
    pub(crate) fn prove(&self, key: &RecordKey) -> Result<Proof, ReadError> {
        let (checkpoint, snapshot) = self.checkpointed()?;
        let record = tree::prove(&*snapshot, checkpoint.tree_version, key)?;
        Ok(Proof {
            checkpoint: checkpoint.bytes,
            record,
        })
    }

    fn checkpointed(&self) -> Result<(StoredCheckpoint, Arc<Snapshot>), ReadError> {
        self.certified().ok_or(ReadError::NoCheckpoint)
    }

    /// What a reader needs that goes offline, with its proofs under the newest checkpoint: governance, types, and every
    /// agency that was ever accredited, with its anchors.
    ///
    /// Anybody may create DIDs; without an accreditation they stay out, so that nobody can fill the bundle up.
    /// It has the changes of validators from `epoch` on.
    pub(crate) fn bundle(&self, epoch: u64) -> Result<Arc<Vec<u8>>, ReadError> {
        let (checkpoint, snapshot) = self.checkpointed()?;
        // A handover at the checkpoint or after it leads beyond the validators that certified it.
        let mut handovers = self.handovers(epoch);
        handovers.retain(|one| one.checkpoint.header.height < checkpoint.height);
        let content = (checkpoint.height, handovers.len());
        if let Some((last, bytes)) = self.last_bundle()
            && last == content
        {
            return Ok(bytes);
        }
        let records = bundled(parsed(snapshot.record_keys()?)?)
            .iter()
            .map(|key| tree::prove(&*snapshot, checkpoint.tree_version, key))
            .collect::<Result<_, _>>()?;
        let header = Checkpoint::from_bytes(&checkpoint.bytes);
        let header = header.map_err(|_| StoreError::Damaged("checkpoint"))?;
        let bytes = Arc::new(
            Bundle {
                checkpoint: header,
                handovers: handovers.iter().map(|one| (**one).clone()).collect(),
                records,
            }
            .to_bytes(),
        );
        self.keep_bundle(content, bytes.clone());
        Ok(bytes)
    }
}

fn parsed(names: Vec<String>) -> Result<Vec<RecordKey>, ReadError> {
    let key = |name: String| name.parse().map_err(|_| StoreError::Damaged("record key"));
    Ok(names.into_iter().map(key).collect::<Result<_, _>>()?)
}

/// Leaves out the DIDs that no accreditation names, and their anchors.
fn bundled(keys: Vec<RecordKey>) -> Vec<RecordKey> {
    let agencies: HashSet<Did> = keys.iter().filter_map(accredited).cloned().collect();
    keys.into_iter()
        .filter(|key| match key {
            RecordKey::Did(did) | RecordKey::Anchor { issuer: did, .. } => agencies.contains(did),
            _ => true,
        })
        .collect()
}

fn accredited(key: &RecordKey) -> Option<&Did> {
    match key {
        RecordKey::Accreditation { subject, .. } => Some(subject),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jumin_identity::{NetworkName, sha256};
    use jumin_registry::Role;

    use super::*;

    #[test]
    fn bundle_leaves_out_dids_without_accreditation() {
        let network: NetworkName = "test".parse().unwrap();
        let did = |name: &[u8]| Did::from_digest(&network, &sha256(name));
        let (agency, stranger) = (did(b"agency"), did(b"stranger"));
        let accreditation = RecordKey::Accreditation {
            subject: agency.clone(),
            role: Role::Issuer,
        };
        let of_agency = vec![RecordKey::Did(agency), accreditation, RecordKey::Governance];
        let mut all = of_agency.clone();
        all.push(RecordKey::Did(stranger));
        assert_eq!(bundled(all), of_agency);
    }
}
