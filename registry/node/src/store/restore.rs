//! Builds the state from a snapshot of another node's, chunk by chunk, each checked before it is written.

use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jmt::restore::{JellyfishMerkleRestore, StateSnapshotReceiver as _};
use jmt::storage::{LeafNode, Node, NodeBatch, NodeKey, TreeReader, TreeWriter};
use jmt::{KeyHash, OwnedValue, RootHash, Version};
use jumin_registry::{Checkpoint, Handover, RecordKey};
use sha2::Sha256;

use super::{
    APPLIED, Applied, CHECKPOINT, Entry, HANDOVERS, META, NODES, RECORDS, STALE, START, Store,
    StoreError, StoredCheckpoint, VALUES, named, value_key, write_nodes,
};

/// The tree version of a restored state; versions mean something within one store only.
pub(crate) const RESTORED_VERSION: Version = 1;

/// The state root that is being restored.
const RESTORING: &str = "restoring";
/// The certified block whose state it is.
const RESTORING_FROM: &str = "restoring-from";
/// The last leaf written, from which an interrupted restore goes on.
const RIGHTMOST: &str = "restored-to";

/// jmt's proof that a range of leaves lies in a tree.
pub(crate) type RangeProof = jmt::proof::SparseMerkleRangeProof<Sha256>;

/// Why a chunk is not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestoreError {
    #[error("its records are not those under the certified state root: {0}")]
    NotInState(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A state that is being restored.
pub(crate) struct Restorer {
    shelf: Arc<Shelf>,
    root: [u8; 32],
    /// None after a chunk was refused: what it left behind is thrown away.
    tree: Option<JellyfishMerkleRestore<Sha256>>,
    after: Option<KeyHash>,
}

/// A state that is restored whole and whose root was computed from what is stored.
pub(crate) struct Restored(());

impl Restorer {
    /// Goes on with an interrupted restore of this block's state, or starts anew.
    pub(crate) fn open(store: Arc<Store>, from: &Checkpoint) -> Result<Self, StoreError> {
        let root = from.header.state_root;
        if store.meta(RESTORING)?.as_deref() != Some(&root) {
            store.clear_for(&root, &from.to_bytes())?;
        }
        let shelf = Arc::new(Shelf {
            store,
            names: Mutex::default(),
            failure: Mutex::default(),
        });
        let mut restorer = Self {
            shelf,
            root,
            tree: None,
            after: None,
        };
        restorer.reopen()?;
        Ok(restorer)
    }

    /// Starts over from what is stored, all of which was checked.
    fn reopen(&mut self) -> Result<(), StoreError> {
        if self.shelf.has_root() {
            return Ok(());
        }
        let rightmost = self.shelf.rightmost()?;
        self.after = rightmost.map(|(_, leaf)| leaf.key_hash());
        let root = RootHash(self.root);
        let tree = JellyfishMerkleRestore::new(self.shelf.clone(), RESTORED_VERSION, root);
        self.tree = Some(tree.map_err(|_| StoreError::Damaged("restored tree"))?);
        Ok(())
    }

    /// The last key that needs not be asked for again.
    pub(crate) fn after(&self) -> Option<KeyHash> {
        self.after
    }

    /// Tells whether an earlier process restored everything.
    pub(crate) fn is_whole(&self) -> bool {
        self.tree.is_none()
    }

    /// Checks that `entries` are the next records of the state, and writes them.
    ///
    /// A refused chunk leaves nothing behind.
    pub(crate) fn add(
        &mut self,
        entries: Vec<Entry>,
        proof: RangeProof,
    ) -> Result<(), RestoreError> {
        let Some(mut tree) = self.tree.take() else {
            return Ok(());
        };
        let last = entries.last().map(|entry| entry.hash);
        let name = |entry: &Entry| (entry.hash, entry.name.clone());
        *self.shelf.names() = entries.iter().map(name).collect();
        let values = entries.into_iter().map(|entry| (entry.hash, entry.value));
        let values = values.collect();
        // jmt's code has assertions, and a chunk is a stranger's.
        let add = AssertUnwindSafe(|| tree.add_chunk(values, proof));
        let added = catch_unwind(add);
        let added = added.unwrap_or_else(|_| Err(anyhow::Error::msg("they can't be in a tree")));
        match added {
            Ok(()) => {
                (self.tree, self.after) = (Some(tree), last);
                Ok(())
            }
            Err(error) => {
                self.reopen()?;
                Err(self.shelf.explain(&error))
            }
        }
    }

    /// Ends the restore after the last chunk, and checks the root of what is stored.
    pub(crate) fn finish(mut self) -> Result<Restored, RestoreError> {
        if let Some(tree) = self.tree.take() {
            tree.finish().map_err(|error| self.shelf.explain(&error))?;
        }
        let stored = jumin_registry::tree::root(&*self.shelf, RESTORED_VERSION);
        if stored.is_ok_and(|stored| stored == self.root) {
            return Ok(Restored(()));
        }
        // Nothing of it can be used, so the next start begins anew.
        self.shelf.store.clear_for(&[0; 32], &[])?;
        Err(RestoreError::NotInState("another root".to_owned()))
    }
}

/// Writes what jmt restores, with the keys' texts that jmt doesn't know of.
struct Shelf {
    store: Arc<Store>,
    names: Mutex<HashMap<KeyHash, String>>,
    failure: Mutex<Option<StoreError>>,
}

impl Shelf {
    fn names(&self) -> MutexGuard<'_, HashMap<KeyHash, String>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a failure of this node's disk from a chunk that is wrong.
    fn explain(&self, error: &anyhow::Error) -> RestoreError {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        match failure.take() {
            Some(failure) => RestoreError::Store(failure),
            None => RestoreError::NotInState(error.to_string()),
        }
    }

    /// The root is written last.
    fn has_root(&self) -> bool {
        jumin_registry::tree::root(self, RESTORED_VERSION).is_ok()
    }

    fn rightmost(&self) -> Result<Option<(NodeKey, LeafNode)>, StoreError> {
        let bytes = self.store.meta(RIGHTMOST)?;
        let parsed = bytes.map(|bytes| borsh::from_slice(&bytes)).transpose();
        parsed.map_err(|_| StoreError::Damaged("restored leaf"))
    }

    fn write(&self, batch: &NodeBatch) -> Result<(), StoreError> {
        let write = self.store.begin_write()?;
        write_nodes(&write, batch.nodes())?;
        {
            let mut values = write.open_table(VALUES)?;
            let mut records = write.open_table(RECORDS)?;
            let names = self.names();
            for ((version, hash), value) in batch.values() {
                let name = names.get(hash).ok_or(StoreError::Damaged("record key"))?;
                let value = value.as_deref().unwrap_or_default();
                let key = value_key(*hash, *version);
                values.insert(key.as_slice(), named(name, value).as_slice())?;
                records.insert(name.as_str(), value)?;
            }
            if let Some(last) = rightmost_leaf(batch.nodes()) {
                let last = borsh::to_vec(&last).map_err(|_| StoreError::Damaged("leaf"))?;
                let mut meta = write.open_table(META)?;
                meta.insert(RIGHTMOST, last.as_slice())?;
            }
        }
        write.commit()?;
        Ok(())
    }
}

fn rightmost_leaf(nodes: &BTreeMap<NodeKey, Node>) -> Option<(&NodeKey, &LeafNode)> {
    let leaves = nodes.iter().filter_map(|(key, node)| match node {
        Node::Leaf(leaf) => Some((key, leaf)),
        _ => None,
    });
    leaves.max_by_key(|(_, leaf)| leaf.key_hash())
}

impl TreeWriter for Shelf {
    fn write_node_batch(&self, batch: &NodeBatch) -> anyhow::Result<()> {
        self.write(batch).map_err(|error| {
            let text = error.to_string();
            let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            *failure = Some(error);
            anyhow::Error::msg(text)
        })
    }
}

impl TreeReader for Shelf {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        self.store.snapshot()?.get_node_option(key)
    }

    fn get_value_option(&self, max: Version, key: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        self.store.snapshot()?.get_value_option(max, key)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(self.rightmost()?)
    }
}

impl Store {
    /// Empties the tables for the restore of another state.
    fn clear_for(&self, root: &[u8; 32], from: &[u8]) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        write.delete_table(NODES)?;
        write.delete_table(VALUES)?;
        write.delete_table(RECORDS)?;
        write.delete_table(STALE)?;
        write.open_table(NODES)?;
        write.open_table(VALUES)?;
        write.open_table(RECORDS)?;
        write.open_table(STALE)?;
        {
            let mut meta = write.open_table(META)?;
            meta.remove(RIGHTMOST)?;
            meta.insert(RESTORING, root.as_slice())?;
            meta.insert(RESTORING_FROM, from)?;
        }
        write.commit()?;
        Ok(())
    }

    /// Makes a restored state this node's, as of its certified block.
    pub(crate) fn adopt(
        &self,
        Restored(()): Restored,
        start: &Checkpoint,
        handovers: &[Handover],
    ) -> Result<(), StoreError> {
        let header = &start.header;
        let applied = Applied {
            height: header.height,
            digest: header.digest(),
            time_ms: header.time_ms,
            tree_version: RESTORED_VERSION,
            state_root: header.state_root,
        };
        let checkpoint = StoredCheckpoint {
            height: header.height,
            time_ms: header.time_ms,
            tree_version: RESTORED_VERSION,
            bytes: start.to_bytes(),
        };
        let write = self.begin_write()?;
        {
            let mut table = write.open_table(HANDOVERS)?;
            for handover in handovers {
                let epoch = handover.checkpoint.header.epoch;
                table.insert(epoch, handover.to_bytes().as_slice())?;
            }
            let mut meta = write.open_table(META)?;
            meta.insert(APPLIED, applied.to_bytes().as_slice())?;
            meta.insert(CHECKPOINT, checkpoint.to_bytes().as_slice())?;
            meta.insert(START, start.to_bytes().as_slice())?;
            meta.remove(RESTORING)?;
            meta.remove(RIGHTMOST)?;
        }
        write.commit()?;
        Ok(())
    }

    /// Tells whether a restore was begun and not ended.
    pub(crate) fn is_restoring(&self) -> Result<bool, StoreError> {
        Ok(self.meta(RESTORING)?.is_some())
    }

    /// The certified block whose state an interrupted restore has a part of.
    pub(crate) fn restoring_from(&self) -> Result<Option<Checkpoint>, StoreError> {
        let bytes = self.meta(RESTORING_FROM)?;
        // What can't be read is started anew.
        Ok(bytes.and_then(|bytes| Checkpoint::from_bytes(&bytes).ok()))
    }
}

/// A record's place in the tree, from its key's text, which must be the canonical one.
pub(crate) fn entry(name: String, value: Vec<u8>) -> Option<Entry> {
    let key: RecordKey = name.parse().ok()?;
    let hash = KeyHash(key.hash());
    (key.to_string() == name).then_some(Entry { hash, name, value })
}
