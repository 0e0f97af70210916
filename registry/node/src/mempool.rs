//! Operations that wait for a block: bounded in number, in bytes and for each submitter, and aging by blocks, so that
//! nothing here reads a clock.

mod pool;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jumin_registry::{Accreditor, SignedOperation};
use tokio::sync::watch;

use pool::Pool;

/// How many bytes of operations wait at most.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// How many of them one submitter, or one validator's doubtful operations, take at most.
const MAX_SHARE_BYTES: usize = MAX_BYTES / 16;
/// How many operations that this node's own state refuses are kept for one validator that sent them.
const MAX_DOUBTFUL_OF_PEER: usize = 256;
/// How many of them are kept in all.
const MAX_DOUBTFUL: usize = 1_024;
/// How many rejections are remembered.
const MAX_REJECTED: usize = 10_000;
/// After this many blocks that could have taken it, an operation is forgotten. A full mempool on each of several validators
/// fits into fewer, so that only what nobody can take grows so old.
const MAX_AGE_BLOCKS: u64 = 256;

/// How many operations may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    pub operations: usize,
    pub per_submitter: usize,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            operations: 10_000,
            per_submitter: 1_024,
        }
    }
}

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pending,
    Finalized(u64),
    /// With the rejection's stable code.
    Rejected(&'static str),
    /// Dropped after [`MAX_AGE_BLOCKS`].
    Forgotten,
}

/// Why an operation may not wait here; nothing of it is kept.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Busy {
    #[error("too many operations are waiting")]
    Full,
    #[error("too many operations of this submitter are waiting")]
    Submitter,
}

/// Whose share of the room an operation takes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Share {
    /// The agency or the governors that signed it, as this node's state confirms.
    Submitter(Accreditor),
    /// The validator that sent it although this node's state refuses it: this node may lag behind.
    Peer(Vec<u8>),
}

impl Share {
    /// The share of who signed an operation that this node's state accepts.
    pub(crate) fn of_submitter(signed: &SignedOperation) -> Self {
        Self::Submitter(signed.submitter())
    }

    fn is_doubtful(&self) -> bool {
        matches!(self, Self::Peer(_))
    }
}

/// An operation waiting for a block.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub hash: [u8; 32],
    pub bytes: Arc<[u8]>,
    pub operation: Arc<SignedOperation>,
}

impl Waiting {
    pub(crate) fn new(hash: [u8; 32], bytes: Arc<[u8]>, operation: SignedOperation) -> Self {
        Self {
            hash,
            bytes,
            operation: Arc::new(operation),
        }
    }
}

/// The operations that wait for a block, in the order they came.
pub(crate) struct Mempool {
    pool: Mutex<Pool>,
    arrivals: watch::Sender<u64>,
}

impl Mempool {
    /// Starts empty, after the block at `height`.
    pub(crate) fn new(capacity: Capacity, height: u64) -> Self {
        Self {
            pool: Mutex::new(Pool::new(capacity, height)),
            arrivals: watch::channel(0).0,
        }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        // The state is valid after every statement, so a panic elsewhere doesn't spoil it.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an operation, or finds the one that waits already; tells whether it is new.
    pub(crate) fn add(
        &self,
        waiting: Waiting,
        share: Share,
    ) -> Result<(watch::Receiver<Outcome>, bool), Busy> {
        let (outcome, new) = self.pool().add(waiting, share)?;
        if new {
            self.arrivals.send_modify(|count| *count += 1);
        }
        Ok((outcome, new))
    }

    /// A mark between the operations that came until now and those to come.
    pub(crate) fn mark(&self) -> u64 {
        self.pool().mark()
    }

    /// The oldest operations that this node's state accepted and that came before a mark.
    pub(crate) fn before(&self, mark: u64, count: usize) -> Vec<Waiting> {
        self.pool().before(mark, count)
    }

    /// The oldest waiting operations.
    pub(crate) fn candidates(&self, count: usize) -> Vec<Waiting> {
        self.pool().oldest(count)
    }

    /// Tells whether an operation with exactly these bytes waits.
    pub(crate) fn has(&self, bytes: &[u8]) -> bool {
        self.pool().parsed(bytes).is_some()
    }

    /// The waiting operations that have exactly these bytes, as they were parsed, with what was verified about them.
    pub(crate) fn parsed(&self, operations: &[Vec<u8>]) -> Vec<Option<Arc<SignedOperation>>> {
        let pool = self.pool();
        let parsed = operations.iter().map(|bytes| pool.parsed(bytes));
        parsed.collect()
    }

    /// Ends the waiting of operations that the applied block at `height` took; the others are a block older.
    pub(crate) fn applied(&self, taken: &HashSet<[u8; 32]>, height: u64) {
        self.pool().applied(taken, height);
    }

    /// Ends the waiting of an operation that the state refuses.
    pub(crate) fn reject(&self, refused: &Waiting, code: &'static str) {
        self.pool().reject(refused, code);
    }

    /// What is known here about an operation that no finalized block has.
    pub(crate) fn outcome(&self, hash: &[u8; 32]) -> Option<Outcome> {
        self.pool().outcome(hash)
    }

    /// How many operations wait.
    pub(crate) fn len(&self) -> usize {
        self.pool().len()
    }

    /// How many bytes the waiting operations have.
    pub(crate) fn bytes(&self) -> usize {
        self.pool().bytes()
    }

    /// Counts arrivals, for a proposer that waits for something to propose.
    pub(crate) fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }
}
