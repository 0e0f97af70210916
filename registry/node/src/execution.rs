//! What a block does to the state, worked out before consensus decides on it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::mempool::Mempool;
use crate::store::{Applied, Snapshot, StoreError};
use jmt::storage::{LeafNode, Node, NodeBatch, NodeKey, StaleNodeIndexBatch, TreeReader};
use jmt::{KeyHash, OwnedValue, Version};
use jumin_registry::{
    BlockContext, Header, ReadState, Record, RecordKey, Rejection, SignedOperation,
    StateUnavailable, ValidatorsRecord, apply,
    tree::{self, TreeError},
};

/// [`RecordKey::Validators`] as text.
const VALIDATORS: &str = "validators";

/// Why a block can't be built or believed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecutionError {
    #[error("an operation is malformed")]
    Malformed,
    #[error("an operation is refused")]
    Refused(#[source] Rejection),
    #[error("an operation was finalized before")]
    Repeated,
    #[error("the header does not match the block's effects")]
    HeaderMismatch,
    #[error("the state tree failed")]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ExecutionError {
    /// Tells whether the block itself is at fault, so that it can never become valid.
    pub(crate) fn is_permanent(&self) -> bool {
        match self {
            Self::Tree(_) | Self::Store(_) => false,
            Self::Refused(rejection) => rejection.is_verdict(),
            _ => true,
        }
    }
}

/// What a version of the state tree adds to the one before, and what it replaces.
pub(crate) struct TreeChange {
    pub nodes: NodeBatch,
    pub stale: StaleNodeIndexBatch,
}

impl From<jmt::storage::TreeUpdateBatch> for TreeChange {
    fn from(update: jmt::storage::TreeUpdateBatch) -> Self {
        Self {
            nodes: update.node_batch,
            stale: update.stale_node_index_batch,
        }
    }
}

/// A block's effects on top of its parent, kept until it is finalized or abandoned.
pub(crate) struct Executed {
    pub applied: Applied,
    pub parent: [u8; 32],
    pub operations: HashSet<[u8; 32]>,
    /// Encoded records by canonical key.
    pub records: BTreeMap<String, Vec<u8>>,
    /// `None` when nothing changed.
    pub tree: Option<TreeChange>,
    /// The validators as this block leaves them.
    pub set: Arc<ValidatorsRecord>,
}

/// The state after a block that may not be finalized: the store below, executed blocks on top.
pub(crate) struct View {
    pub snapshot: Arc<Snapshot>,
    /// Newest first.
    pub overlays: Vec<Arc<Executed>>,
    /// The block whose state this is.
    pub tip: Applied,
    /// The validators in this state.
    pub set: Arc<ValidatorsRecord>,
}

impl View {
    fn encoded_record(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let newest = self
            .overlays
            .iter()
            .find_map(|block| block.records.get(key));
        match newest {
            Some(bytes) => Ok(Some(bytes.clone())),
            None => self.snapshot.record(key),
        }
    }

    /// Tells whether this chain has an operation already.
    pub(crate) fn contains(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        let recent = self
            .overlays
            .iter()
            .any(|block| block.operations.contains(hash));
        Ok(recent || self.snapshot.operation(hash)?.is_some())
    }
}

impl ReadState for View {
    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StateUnavailable> {
        let encoded = self.encoded_record(&key.to_string());
        decode_record(encoded.map_err(|_| StateUnavailable)?)
    }
}

fn decode_record(encoded: Option<Vec<u8>>) -> Result<Option<Record>, StateUnavailable> {
    let decoded = encoded.map(|bytes| Record::from_bytes(&bytes));
    decoded.transpose().map_err(|_| StateUnavailable)
}

impl TreeReader for View {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        for block in &self.overlays {
            if let Some(node) = block
                .tree
                .as_ref()
                .and_then(|tree| tree.nodes.get_node(key))
            {
                return Ok(Some(node.clone()));
            }
        }
        self.snapshot.get_node_option(key)
    }

    fn get_value_option(
        &self,
        max_version: Version,
        key: KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        for block in &self.overlays {
            let Some(tree) = &block.tree else { continue };
            let version = block.applied.tree_version;
            if version <= max_version
                && let Some(value) = tree.nodes.values().get(&(version, key))
            {
                return Ok(value.clone());
            }
        }
        self.snapshot.get_value_option(max_version, key)
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        self.snapshot.get_rightmost_leaf()
    }
}

/// A state that a block's operations change one after the other.
pub(crate) struct Working<'a> {
    view: &'a View,
    context: BlockContext,
    changed: BTreeMap<String, (RecordKey, Record)>,
    operations: HashSet<[u8; 32]>,
}

impl ReadState for Working<'_> {
    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StateUnavailable> {
        match self.changed.get(&key.to_string()) {
            Some((_, record)) => Ok(Some(record.clone())),
            None => self.view.read(key),
        }
    }
}

impl<'a> Working<'a> {
    pub(crate) fn new(view: &'a View, context: BlockContext) -> Self {
        Self {
            view,
            context,
            changed: BTreeMap::new(),
            operations: HashSet::new(),
        }
    }

    /// Tells whether the operation is in this block or in an earlier one.
    pub(crate) fn contains(&self, hash: &[u8; 32]) -> Result<bool, StoreError> {
        Ok(self.operations.contains(hash) || self.view.contains(hash)?)
    }

    /// Applies one operation; a refused one leaves no trace.
    pub(crate) fn apply(&mut self, operation: &SignedOperation) -> Result<(), Rejection> {
        let changes = apply(operation, self, &self.context)?;
        for (key, record) in changes {
            self.changed.insert(key.to_string(), (key, record));
        }
        self.operations.insert(operation_hash(operation));
        Ok(())
    }

    /// Computes the new state root and what has to be written for it.
    pub(crate) fn finish(self) -> Result<Effects, ExecutionError> {
        let tip = &self.view.tip;
        let set = match self.changed.get(VALIDATORS) {
            Some((_, Record::Validators(set))) => Arc::new(set.clone()),
            _ => self.view.set.clone(),
        };
        if self.changed.is_empty() {
            return Ok(Effects {
                set,
                operations: self.operations,
                records: BTreeMap::new(),
                tree: None,
                tree_version: tip.tree_version,
                state_root: tip.state_root,
            });
        }
        let tree_version = tip.tree_version + 1;
        let writes = self.changed.values().map(|(key, record)| (key, record));
        let (state_root, update) = tree::update(self.view, tree_version, writes)?;
        let records = self.changed.into_iter();
        let records = records
            .map(|(name, (_, record))| (name, record.to_bytes()))
            .collect();
        Ok(Effects {
            set,
            operations: self.operations,
            records,
            tree: Some(update.into()),
            tree_version,
            state_root,
        })
    }
}

/// What a list of operations changes.
pub(crate) struct Effects {
    pub set: Arc<ValidatorsRecord>,
    pub operations: HashSet<[u8; 32]>,
    pub records: BTreeMap<String, Vec<u8>>,
    pub tree: Option<TreeChange>,
    pub tree_version: Version,
    pub state_root: [u8; 32],
}

impl Effects {
    /// Binds the effects to the header that commits to them.
    pub(crate) fn under(self, header: &Header) -> Result<Executed, ExecutionError> {
        if header.state_root != self.state_root
            || header.epoch != self.set.epoch_of(header.height)
            || header.next_validators != self.set.next_hash(header.height)
        {
            return Err(ExecutionError::HeaderMismatch);
        }
        Ok(Executed {
            applied: Applied {
                height: header.height,
                digest: header.digest(),
                time_ms: header.time_ms,
                tree_version: self.tree_version,
                state_root: self.state_root,
            },
            parent: header.parent,
            operations: self.operations,
            records: self.records,
            tree: self.tree,
            set: self.set,
        })
    }
}

/// Executes a whole block on its parent's state: every operation must be accepted.
///
/// Operations that wait in `mempool` with exactly these bytes are not parsed and verified anew.
pub(crate) fn execute(
    view: &View,
    header: &Header,
    operations: &[Vec<u8>],
    mempool: &Mempool,
) -> Result<Executed, ExecutionError> {
    let context = BlockContext {
        network: header.network.clone(),
        height: header.height,
        time_ms: header.time_ms,
        epoch: header.epoch,
    };
    let mut working = Working::new(view, context);
    for (bytes, parsed) in operations.iter().zip(mempool.parsed(operations)) {
        let operation = match parsed {
            Some(operation) => operation,
            None => {
                let operation = SignedOperation::parse(bytes);
                Arc::new(operation.map_err(|_| ExecutionError::Malformed)?)
            }
        };
        if working.contains(&operation_hash(&operation))? {
            return Err(ExecutionError::Repeated);
        }
        working.apply(&operation).map_err(ExecutionError::Refused)?;
    }
    working.finish()?.under(header)
}

/// The hash that names an operation, as bytes.
pub(crate) fn operation_hash(operation: &SignedOperation) -> [u8; 32] {
    operation.hash().0
}
