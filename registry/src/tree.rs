//! The state tree: what a node keeps to compute state roots and to prove records.
//!
//! A Jellyfish Merkle tree (`jmt`) with SHA-256 whose version is the block's height: every block, an empty one too, makes
//! its version with [`update`], starting with genesis at 0. The store behind it is the node's ([`TreeReader`]).

use std::collections::BTreeMap;

use borsh::BorshDeserialize;
use jmt::{
    JellyfishMerkleTree, KeyHash, OwnedValue,
    storage::{LeafNode, Node, NodeKey, TreeReader, TreeUpdateBatch},
};
use sha2::Sha256;

use crate::{
    key::RecordKey,
    proof::{EMPTY, End, Path, ProvenRecord, internal_hash, leaf_hash},
    record::Record,
    state::{ReadState, StateUnavailable},
};

/// The tree could not be read or extended: its store failed, or the version is not there.
#[derive(Debug, thiserror::Error)]
#[error("the state tree could not be read")]
pub struct TreeError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl TreeError {
    fn new(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// Computes the tree of block `height` from that of the block before and the records it writes.
///
/// Returns the state root and what the node must store. Of two writes to one record, the later counts.
///
/// # Errors
/// [`TreeError`] when the store fails or lacks version `height - 1`.
pub fn update<'w>(
    store: &impl TreeReader,
    height: u64,
    writes: impl IntoIterator<Item = (&'w RecordKey, &'w Record)>,
) -> Result<([u8; 32], TreeUpdateBatch), TreeError> {
    let values: BTreeMap<KeyHash, OwnedValue> = writes
        .into_iter()
        .map(|(key, record)| (KeyHash(key.hash()), record.to_bytes()))
        .collect();
    let values = values.into_iter().map(|(key, value)| (key, Some(value)));
    let (root, batch) = sparse(store)
        .put_value_set(values, height)
        .map_err(TreeError::new)?;
    Ok((root.0, batch))
}

/// Returns the state root of block `height`.
///
/// # Errors
/// [`TreeError`] when the store fails or lacks that version.
pub fn root(store: &impl TreeReader, height: u64) -> Result<[u8; 32], TreeError> {
    Ok(sparse(store)
        .get_root_hash(height)
        .map_err(TreeError::new)?
        .0)
}

/// Counts the records of block `height`.
///
/// # Errors
/// [`TreeError`] when the store fails or lacks that version.
pub fn count(store: &impl TreeReader, height: u64) -> Result<usize, TreeError> {
    sparse(store).get_leaf_count(height).map_err(TreeError::new)
}

/// Proves a record's value or its absence as of block `height`.
///
/// # Errors
/// [`TreeError`] when the store fails or lacks that version.
pub fn prove(
    store: &impl TreeReader,
    height: u64,
    key: &RecordKey,
) -> Result<ProvenRecord, TreeError> {
    let hash = KeyHash(key.hash());
    let (value, proof) = sparse(store)
        .get_with_proof(hash, height)
        .map_err(TreeError::new)?;
    let proof = borsh::to_vec(&proof).map_err(TreeError::new)?;
    let path = BorshProof::try_from_slice(&proof)
        .map_err(TreeError::new)?
        .into_path(&hash.0);
    let proof = path
        .encode()
        .ok_or_else(|| TreeError::new("path of 256 siblings"))?;
    Ok(ProvenRecord {
        key: key.clone(),
        value,
        proof,
    })
}

fn sparse<R: TreeReader>(store: &R) -> JellyfishMerkleTree<'_, R, Sha256> {
    JellyfishMerkleTree::new(store)
}

/// jmt's proof as borsh writes it; jmt keeps the members private.
#[derive(BorshDeserialize)]
struct BorshProof {
    leaf: Option<([u8; 32], [u8; 32])>,
    siblings: Vec<BorshNode>,
}

#[derive(BorshDeserialize)]
enum BorshNode {
    Null,
    Internal([u8; 32], [u8; 32]),
    Leaf([u8; 32], [u8; 32]),
}

impl BorshProof {
    /// Drops what only deletions need: a verifier takes siblings by their hashes.
    fn into_path(self, queried: &[u8; 32]) -> Path {
        let end = match self.leaf {
            None => End::Empty,
            Some((key, _)) if key == *queried => End::Own,
            Some((key, value)) => End::Other { key, value },
        };
        let siblings = self
            .siblings
            .into_iter()
            .map(|node| match node {
                BorshNode::Null => EMPTY,
                BorshNode::Internal(left, right) => internal_hash(&left, &right),
                BorshNode::Leaf(key, value) => leaf_hash(&key, &value),
            })
            .collect();
        Path { end, siblings }
    }
}

/// The state as of one block, read from a store.
pub struct StateAt<'a, R> {
    store: &'a R,
    height: u64,
}

impl<'a, R> StateAt<'a, R> {
    /// Views the state after block `height`.
    pub fn new(store: &'a R, height: u64) -> Self {
        Self { store, height }
    }
}

impl<R: TreeReader> ReadState for StateAt<'_, R> {
    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StateUnavailable> {
        self.store
            .get_value_option(self.height, KeyHash(key.hash()))
            .map_err(|_| StateUnavailable)?
            .map(|bytes| Record::from_bytes(&bytes))
            .transpose()
            .map_err(|_| StateUnavailable)
    }
}

/// A store in memory that keeps every version.
#[derive(Default)]
pub struct MemoryStore {
    nodes: BTreeMap<NodeKey, Node>,
    values: BTreeMap<(KeyHash, u64), Option<OwnedValue>>,
}

impl MemoryStore {
    /// Stores what [`update`] returned.
    pub fn write(&mut self, batch: &TreeUpdateBatch) {
        let nodes = batch.node_batch.nodes().iter();
        self.nodes
            .extend(nodes.map(|(key, node)| (key.clone(), node.clone())));
        let values = batch.node_batch.values().iter();
        self.values
            .extend(values.map(|((version, key), value)| ((*key, *version), value.clone())));
    }
}

impl TreeReader for MemoryStore {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.nodes.get(key).cloned())
    }

    fn get_value_option(
        &self,
        max_version: u64,
        key: KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        let mut upto = self.values.range((key, 0)..=(key, max_version));
        Ok(upto.next_back().and_then(|(_, value)| value.clone()))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None) // only asked for when a tree is restored from chunks
    }
}
