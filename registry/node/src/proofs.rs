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

    /// All records with their proofs under the newest checkpoint, for a reader that goes offline.
    pub(crate) fn bundle(&self) -> Result<Arc<Vec<u8>>, ReadError> {
        let (checkpoint, snapshot) = self.checkpointed()?;
        if let Some((height, bytes)) = self.last_bundle()
            && height == checkpoint.height
        {
            return Ok(bytes);
        }
        let mut records = Vec::new();
        for name in snapshot.record_keys()? {
            let Ok(key) = name.parse::<RecordKey>() else {
                return Err(StoreError::Damaged("record key").into());
            };
            records.push(tree::prove(&*snapshot, checkpoint.tree_version, &key)?);
        }
        let header = Checkpoint::from_bytes(&checkpoint.bytes);
        let header = header.map_err(|_| StoreError::Damaged("checkpoint"))?;
        let bytes = Arc::new(
            Bundle {
                checkpoint: header,
                records,
            }
            .to_bytes(),
        );
        self.keep_bundle(checkpoint.height, bytes.clone());
        Ok(bytes)
    }
}
