//! Reads that carry their proof under the newest checkpoint.

use std::sync::Arc;

use bytes::Bytes;
use jumin_registry::{
    Bundle, Checkpoint, MAX_BUNDLE_BYTES, MAX_BUNDLE_RECORDS, ProvenRecord, RecordKey,
    tree::{self, TreeError},
};

use crate::ledger::Ledger;
use crate::store::{Snapshot, StoreError, StoredCheckpoint};

/// What a bundle's records may take of its bytes; the rest is for the changes of validators.
const BUNDLED_BYTES: usize = MAX_BUNDLE_BYTES / 16 * 15;

/// A checkpoint as bytes and one record's proof under it.
pub(crate) struct Proof {
    pub checkpoint: Vec<u8>,
    pub record: ProvenRecord,
}

/// A bundle as it was made last, and its parts for the next.
pub(crate) struct Bundled {
    height: u64,
    handovers: usize,
    records: Vec<ProvenRecord>,
    bytes: Bytes,
}

/// Why a read could not be answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("no certified block yet")]
    NoCheckpoint,
    #[error("the registry has more records than a bundle holds")]
    BundleTooLarge,
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

    /// What a reader needs that goes offline, with its proofs under the newest checkpoint: every record, since all of them
    /// are by agencies that were accredited, or about them.
    ///
    /// It has the changes of validators from `epoch` on. The records are proved once for each checkpoint, whatever the epochs.
    pub(crate) fn bundle(&self, epoch: u64) -> Result<Bytes, ReadError> {
        let (checkpoint, snapshot) = self.checkpointed()?;
        // A handover at the checkpoint or after it leads beyond the validators that certified it.
        let mut handovers = self.handovers(epoch);
        handovers.retain(|one| one.checkpoint.header.height < checkpoint.height);
        let last = self.last_bundle();
        let last = last.filter(|last| last.height == checkpoint.height);
        let records = match last {
            Some(last) if last.handovers == handovers.len() => return Ok(last.bytes.clone()),
            Some(last) => last.records.clone(),
            None => self.bundled(&checkpoint, &snapshot)?,
        };
        let header = Checkpoint::from_bytes(&checkpoint.bytes);
        let header = header.map_err(|_| StoreError::Damaged("checkpoint"))?;
        let bundle = Bundle {
            checkpoint: header,
            handovers: handovers.iter().map(|one| (**one).clone()).collect(),
            records,
        };
        let bundled = Bundled {
            height: checkpoint.height,
            handovers: handovers.len(),
            bytes: bundle.to_bytes().into(),
            records: bundle.records,
        };
        let bytes = bundled.bytes.clone();
        self.keep_bundle(Arc::new(bundled));
        Ok(bytes)
    }

    /// Proves all records, unless they are more than a reader takes in one piece.
    fn bundled(
        &self,
        checkpoint: &StoredCheckpoint,
        snapshot: &Snapshot,
    ) -> Result<Vec<ProvenRecord>, ReadError> {
        // No record ever goes away, so a registry that is too large stays so, and nobody can make a node find out twice.
        if self.outgrew_bundles() {
            return Err(ReadError::BundleTooLarge);
        }
        let names = snapshot.record_keys(MAX_BUNDLE_RECORDS + 1)?;
        let proven = match names.len() <= MAX_BUNDLE_RECORDS {
            true => proven_within(BUNDLED_BYTES, parsed(names)?, checkpoint, snapshot)?,
            false => None,
        };
        proven.ok_or_else(|| {
            self.outgrow_bundles();
            ReadError::BundleTooLarge
        })
    }
}

/// Proves records until they don't fit.
fn proven_within(
    mut room: usize,
    keys: Vec<RecordKey>,
    checkpoint: &StoredCheckpoint,
    snapshot: &Snapshot,
) -> Result<Option<Vec<ProvenRecord>>, ReadError> {
    let mut records = Vec::new();
    for key in keys {
        let record = tree::prove(snapshot, checkpoint.tree_version, &key)?;
        let Some(rest) = room.checked_sub(written_bytes(&record)) else {
            return Ok(None);
        };
        room = rest;
        records.push(record);
    }
    Ok(Some(records))
}

/// How long a record is in a bundle: base64 of value and proof, and the names of the members.
fn written_bytes(record: &ProvenRecord) -> usize {
    let binary = record.proof.len() + record.value.as_ref().map_or(0, Vec::len);
    record.key.to_string().len() + binary.div_ceil(3) * 4 + 64
}

fn parsed(names: Vec<String>) -> Result<Vec<RecordKey>, ReadError> {
    let key = |name: String| name.parse().map_err(|_| StoreError::Damaged("record key"));
    Ok(names.into_iter().map(key).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use jumin_identity::{FileKey, Signer as _};
    use jumin_registry::{GovernanceRecord, Validator};

    use super::*;
    use crate::genesis::Genesis;
    use crate::mempool::Capacity;
    use crate::store::Store;

    fn genesis() -> Genesis {
        let governor = FileKey::generate().unwrap();
        Genesis {
            network: "test".parse().unwrap(),
            time_ms: 1,
            governance: GovernanceRecord {
                version: 1,
                threshold: 1,
                governors: vec![governor.public_key().clone()],
            },
            epoch_blocks: 1_000,
            idle_block_ms: 1_000,
            validators: vec![Validator {
                key: [1; 32],
                address: ([127, 0, 0, 1], 1).into(),
                name: "one".into(),
            }],
        }
    }

    #[test]
    fn records_are_bundled_only_while_they_fit() {
        let directory = tempfile::tempdir().unwrap();
        let genesis = genesis();
        let digest = genesis.block().unwrap().header().digest();
        let store = Store::open(&directory.path().join("state.redb"), &digest).unwrap();
        let ledger = Ledger::open(&genesis, store, Capacity::default()).unwrap();
        let snapshot = ledger.view(&digest).unwrap().unwrap().snapshot;
        let checkpoint = StoredCheckpoint {
            height: 0,
            time_ms: 1,
            tree_version: 0,
            bytes: Vec::new(),
        };
        let names = || parsed(snapshot.record_keys(9).unwrap()).unwrap();
        let all = proven_within(BUNDLED_BYTES, names(), &checkpoint, &snapshot).unwrap();
        let all = all.unwrap();
        assert_eq!(all.len(), 2);
        let exact = all.iter().map(written_bytes).sum();
        let within = |room| proven_within(room, names(), &checkpoint, &snapshot).unwrap();
        assert!(within(exact).is_some());
        assert!(within(exact - 1).is_none());
        assert!(ledger.bundled(&checkpoint, &snapshot).is_ok());
        ledger.outgrow_bundles();
        let refused = ledger.bundled(&checkpoint, &snapshot);
        assert!(matches!(refused, Err(ReadError::BundleTooLarge)));
    }
}
