//! Gives a joining node the whole state as of one certified block, in chunks that prove themselves.
//!
//! A snapshot is a read transaction of the database: it costs nothing to take, and holds on to replaced pages while it is
//! kept. So there are few, and none is kept longer than it is used.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use borsh::{BorshDeserialize, BorshSerialize};
use jmt::proof::SparseMerkleRangeProof;
use jmt::{JellyfishMerkleTree, KeyHash};
use jumin_registry::Checkpoint;
use sha2::Sha256;

use crate::ledger::Ledger;
use crate::store::{Entry, RangeProof, Snapshot, StoreError, StoredCheckpoint, entry};

/// How many bytes of records a chunk has at most, unless a single record has more.
pub(crate) const CHUNK_BYTES: usize = 1024 * 1024 - 16 * 1024;
/// How many bytes of records a chunk has at least, unless it is the last: a source that gives less only wastes time.
pub(crate) const MIN_CHUNK_BYTES: usize = CHUNK_BYTES / 2;
/// How many bytes an encoded chunk has at most: records' names, lengths and the proof come on top.
pub(crate) const MAX_CHUNK_BYTES: usize = 2 * 1024 * 1024;

const MAX_HELD: usize = 2;
/// A younger snapshot is good enough for the next client.
const FRESH: Duration = Duration::from_secs(60);
const UNUSED: Duration = Duration::from_secs(120);
const OLDEST: Duration = Duration::from_secs(3_600);

/// Why a part of a snapshot can't be given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SnapshotError {
    #[error("no certified block yet")]
    NoCheckpoint,
    #[error("this snapshot is not kept any more")]
    Gone,
    #[error("there are no records after this key")]
    End,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the state tree could not be read")]
    Tree(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Records in order of their keys' hashes, and the proof that no others lie between the first record of all and the last
/// of these.
#[derive(BorshSerialize, BorshDeserialize)]
pub(crate) struct Chunk {
    /// Keys' texts and values.
    pub records: Vec<(String, Vec<u8>)>,
    /// As jmt and borsh encode it.
    pub proof: Vec<u8>,
}

/// A chunk that was decoded; its proof is not checked yet.
pub(crate) struct Parsed {
    pub entries: Vec<Entry>,
    pub proof: RangeProof,
    /// Nothing lies right of the last record, if the proof is right.
    pub is_last: bool,
}

#[derive(BorshDeserialize)]
enum Sibling {
    Null,
    Internal(#[allow(dead_code, reason = "only the kind counts")] [[u8; 32]; 2]),
    Leaf(#[allow(dead_code, reason = "only the kind counts")] [[u8; 32]; 2]),
}

impl Chunk {
    fn of(
        snapshot: &Snapshot,
        version: u64,
        after: Option<KeyHash>,
    ) -> Result<Self, SnapshotError> {
        let entries = snapshot.entries(version, after, CHUNK_BYTES)?;
        let last = entries.last().ok_or(SnapshotError::End)?.hash;
        let tree = JellyfishMerkleTree::<_, Sha256>::new(snapshot);
        let proof = tree.get_range_proof(last, version);
        let proof = proof.and_then(|proof| Ok(borsh::to_vec(&proof)?));
        let records = entries.into_iter();
        Ok(Self {
            records: records.map(|entry| (entry.name, entry.value)).collect(),
            proof: proof.map_err(|error| SnapshotError::Tree(error.into()))?,
        })
    }

    /// Decodes what a source sent, of [`MAX_CHUNK_BYTES`] at most.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Parsed> {
        let chunk: Self = borsh::from_slice(bytes).ok()?;
        let proof: SparseMerkleRangeProof<Sha256> = borsh::from_slice(&chunk.proof).ok()?;
        let right: Vec<Sibling> = borsh::from_slice(&chunk.proof).ok()?;
        let is_last = right.iter().all(|one| matches!(one, Sibling::Null));
        let records = chunk.records.into_iter();
        let entries: Option<Vec<_>> = records.map(|(name, value)| entry(name, value)).collect();
        Some(Parsed {
            entries: entries.filter(|entries| !entries.is_empty())?,
            proof,
            is_last,
        })
    }
}

impl Parsed {
    /// How many bytes of records it has.
    pub(crate) fn size(&self) -> usize {
        let size = |entry: &Entry| entry.name.len() + entry.value.len();
        self.entries.iter().map(size).sum()
    }
}

struct Held {
    checkpoint: StoredCheckpoint,
    root: [u8; 32],
    snapshot: Arc<Snapshot>,
    taken: Instant,
    used: Instant,
}

/// The snapshots that are being given out.
#[derive(Default)]
pub(crate) struct Snapshots(Mutex<Vec<Held>>);

impl Snapshots {
    fn lock(&self) -> MutexGuard<'_, Vec<Held>> {
        // The list is valid after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of those that nobody asks for, so that the database can use their pages again.
    pub(crate) fn expire(&self, now: Instant) {
        let kept = |held: &Held| {
            now.duration_since(held.used) < UNUSED && now.duration_since(held.taken) < OLDEST
        };
        self.lock().retain(kept);
    }

    /// The newest one, unless there is room for one that is newer still: those that are held are being fetched.
    fn newest(&self, now: Instant) -> Option<Vec<u8>> {
        let mut held = self.lock();
        let full = held.len() >= MAX_HELD;
        let newest = held.last_mut()?;
        (full || now.duration_since(newest.taken) < FRESH).then(|| {
            newest.used = now;
            newest.checkpoint.bytes.clone()
        })
    }

    fn hold(&self, held: Held) {
        let mut all = self.lock();
        all.retain(|one| one.root != held.root);
        // Another request may have made one meanwhile.
        if all.len() < MAX_HELD {
            all.push(held);
        }
    }

    fn find(&self, root: &[u8; 32], now: Instant) -> Option<(Arc<Snapshot>, u64)> {
        let mut held = self.lock();
        let found = held.iter_mut().find(|held| held.root == *root)?;
        found.used = now;
        Some((found.snapshot.clone(), found.checkpoint.tree_version))
    }
}

impl Ledger {
    /// The certified header of a snapshot that is kept for a while.
    pub(crate) fn snapshot_checkpoint(&self) -> Result<Vec<u8>, SnapshotError> {
        let now = Instant::now();
        self.snapshots().expire(now);
        if let Some(bytes) = self.snapshots().newest(now) {
            return Ok(bytes);
        }
        let (checkpoint, snapshot) = self.certified().ok_or(SnapshotError::NoCheckpoint)?;
        let header = Checkpoint::from_bytes(&checkpoint.bytes);
        let header = header
            .map_err(|_| StoreError::Damaged("checkpoint"))?
            .header;
        let bytes = checkpoint.bytes.clone();
        self.snapshots().hold(Held {
            checkpoint,
            root: header.state_root,
            snapshot,
            taken: now,
            used: now,
        });
        Ok(bytes)
    }

    /// The records of a kept snapshot after the key with the hash `after`, encoded.
    pub(crate) fn snapshot_chunk(
        &self,
        root: &[u8; 32],
        after: Option<[u8; 32]>,
    ) -> Result<Vec<u8>, SnapshotError> {
        let found = self.snapshots().find(root, Instant::now());
        let (snapshot, version) = found.ok_or(SnapshotError::Gone)?;
        let chunk = Chunk::of(&snapshot, version, after.map(KeyHash))?;
        borsh::to_vec(&chunk).map_err(|error| SnapshotError::Tree(error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(store: &crate::store::Store, root: u8, now: Instant) -> Held {
        Held {
            checkpoint: StoredCheckpoint {
                height: u64::from(root),
                time_ms: 0,
                tree_version: 0,
                bytes: vec![root],
            },
            root: [root; 32],
            snapshot: Arc::new(store.snapshot().unwrap()),
            taken: now,
            used: now,
        }
    }

    #[test]
    fn snapshot_that_is_being_fetched_is_not_given_up_for_a_newer_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state.redb");
        let store = crate::store::Store::open(&path, &[7; 32]).unwrap();
        let (snapshots, start) = (Snapshots::default(), Instant::now());
        snapshots.hold(held(&store, 1, start));
        let later = start + FRESH;
        assert_eq!(snapshots.newest(later), None);
        snapshots.hold(held(&store, 2, later));
        assert!(snapshots.find(&[1; 32], later).is_some());

        // There is no room for a third while both are in use.
        let later = later + FRESH;
        assert_eq!(snapshots.newest(later), Some(vec![2]));
        snapshots.hold(held(&store, 3, later));
        assert!(snapshots.find(&[1; 32], later).is_some());
        assert!(snapshots.find(&[3; 32], later).is_none());

        snapshots.expire(later + UNUSED);
        assert_eq!(snapshots.newest(later + UNUSED), None);
    }
}
