//! Reads that carry their proof under the newest checkpoint.

use std::sync::Arc;

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

    /// What a reader needs that goes offline, with its proofs under the newest checkpoint: every record, since all of them
    /// are by agencies that were accredited, or about them.
    ///
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
        let records = parsed(snapshot.record_keys()?)?
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
