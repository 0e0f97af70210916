use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use jmt::storage::{LeafNode, Node, NodeBatch, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Version};
use jumin_registry::{Handover, Record, RecordKey, ValidatorsRecord};
use redb::{Database, ReadOnlyTable, ReadableDatabase, ReadableTable, TableDefinition};

const NODES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("tree-nodes");
const VALUES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("tree-values");
const RECORDS: TableDefinition<&str, &[u8]> = TableDefinition::new("records");
const OPERATIONS: TableDefinition<&[u8], u64> = TableDefinition::new("operations");
const HANDOVERS: TableDefinition<u64, &[u8]> = TableDefinition::new("handovers");
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

const APPLIED: &str = "applied";
const CHECKPOINT: &str = "checkpoint";
const GENESIS: &str = "genesis";

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the state database failed")]
    Database(#[source] Box<redb::Error>),
    #[error("the state database is damaged: {0}")]
    Damaged(&'static str),
    #[error("the state database belongs to another network")]
    OtherNetwork,
}

impl<E: Into<redb::Error>> From<E> for StoreError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// The last block whose effects are in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Applied {
    pub height: u64,
    pub digest: [u8; 32],
    pub time_ms: u64,
    /// The version of the state tree after this block; blocks without effect don't raise it.
    pub tree_version: Version,
    pub state_root: [u8; 32],
}

impl Applied {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(88);
        bytes.extend_from_slice(&self.height.to_be_bytes());
        bytes.extend_from_slice(&self.time_ms.to_be_bytes());
        bytes.extend_from_slice(&self.tree_version.to_be_bytes());
        bytes.extend_from_slice(&self.digest);
        bytes.extend_from_slice(&self.state_root);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (height, rest) = take_u64(bytes)?;
        let (time_ms, rest) = take_u64(rest)?;
        let (tree_version, rest) = take_u64(rest)?;
        let (digest, root) = rest.split_at_checked(32)?;
        Some(Self {
            height,
            time_ms,
            tree_version,
            digest: digest.try_into().ok()?,
            state_root: root.try_into().ok()?,
        })
    }
}

fn take_u64(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<8>()?;
    Some((u64::from_be_bytes(*head), rest))
}

/// A certified header with the tree version that its state root belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredCheckpoint {
    pub height: u64,
    pub time_ms: u64,
    pub tree_version: Version,
    /// `registry::Checkpoint` as bytes.
    pub bytes: Vec<u8>,
}

impl StoredCheckpoint {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(24 + self.bytes.len());
        bytes.extend_from_slice(&self.height.to_be_bytes());
        bytes.extend_from_slice(&self.time_ms.to_be_bytes());
        bytes.extend_from_slice(&self.tree_version.to_be_bytes());
        bytes.extend_from_slice(&self.bytes);
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (height, rest) = take_u64(bytes)?;
        let (time_ms, rest) = take_u64(rest)?;
        let (tree_version, rest) = take_u64(rest)?;
        Some(Self {
            height,
            time_ms,
            tree_version,
            bytes: rest.to_vec(),
        })
    }
}

/// Everything one block changes, committed at once.
pub(crate) struct Changes<'a> {
    pub applied: &'a Applied,
    pub tree: Option<&'a NodeBatch>,
    pub records: &'a BTreeMap<String, Vec<u8>>,
    pub operations: &'a HashSet<[u8; 32]>,
    pub checkpoint: Option<&'a StoredCheckpoint>,
    pub handover: Option<&'a Handover>,
}

/// The registry's state on disk: tree, latest records and where each operation went.
pub(crate) struct Store {
    database: Database,
}

impl Store {
    /// Opens the database, creating its tables, and ties it to `genesis`.
    pub(crate) fn open(path: &Path, genesis: &[u8; 32]) -> Result<Self, StoreError> {
        let database = Database::create(path)?;
        let write = database.begin_write()?;
        {
            write.open_table(NODES)?;
            write.open_table(VALUES)?;
            write.open_table(RECORDS)?;
            write.open_table(OPERATIONS)?;
            write.open_table(HANDOVERS)?;
            let mut meta = write.open_table(META)?;
            let known = meta.get(GENESIS)?.map(|bytes| bytes.value().to_vec());
            match known {
                Some(known) if known == genesis => {}
                Some(_) => return Err(StoreError::OtherNetwork),
                None => {
                    meta.insert(GENESIS, genesis.as_slice())?;
                }
            }
        }
        write.commit()?;
        Ok(Self { database })
    }

    /// The last applied block, `None` before genesis is written.
    pub(crate) fn applied(&self) -> Result<Option<Applied>, StoreError> {
        let Some(bytes) = self.meta(APPLIED)? else {
            return Ok(None);
        };
        Applied::from_bytes(&bytes)
            .map(Some)
            .ok_or(StoreError::Damaged("applied"))
    }

    /// The last certified block whose state can be proved.
    pub(crate) fn checkpoint(&self) -> Result<Option<StoredCheckpoint>, StoreError> {
        let Some(bytes) = self.meta(CHECKPOINT)? else {
            return Ok(None);
        };
        StoredCheckpoint::from_bytes(&bytes)
            .map(Some)
            .ok_or(StoreError::Damaged("checkpoint"))
    }

    /// All changes of validators, oldest first.
    pub(crate) fn handovers(&self) -> Result<Vec<Handover>, StoreError> {
        let table = self.database.begin_read()?.open_table(HANDOVERS)?;
        let mut found = Vec::new();
        for entry in table.iter()? {
            let handover = Handover::from_bytes(entry?.1.value());
            found.push(handover.map_err(|_| StoreError::Damaged("handover"))?);
        }
        Ok(found)
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.database.begin_read()?.open_table(META)?;
        Ok(table.get(key)?.map(|bytes| bytes.value().to_vec()))
    }

    /// Writes one block's effects and the new applied height in one durable transaction.
    pub(crate) fn commit(&self, changes: &Changes<'_>) -> Result<(), StoreError> {
        let write = self.database.begin_write()?;
        if let Some(batch) = changes.tree {
            write_tree(&write, batch)?;
        }
        {
            let mut records = write.open_table(RECORDS)?;
            for (key, value) in changes.records {
                records.insert(key.as_str(), value.as_slice())?;
            }
            let mut operations = write.open_table(OPERATIONS)?;
            for hash in changes.operations {
                operations.insert(hash.as_slice(), changes.applied.height)?;
            }
            if let Some(handover) = changes.handover {
                let mut handovers = write.open_table(HANDOVERS)?;
                let epoch = handover.checkpoint.header.epoch;
                handovers.insert(epoch, handover.to_bytes().as_slice())?;
            }
            let mut meta = write.open_table(META)?;
            meta.insert(APPLIED, changes.applied.to_bytes().as_slice())?;
            if let Some(checkpoint) = changes.checkpoint {
                meta.insert(CHECKPOINT, checkpoint.to_bytes().as_slice())?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// A consistent view of the store that later commits don't change.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let read = self.database.begin_read()?;
        Ok(Snapshot {
            nodes: read.open_table(NODES)?,
            values: read.open_table(VALUES)?,
            records: read.open_table(RECORDS)?,
            operations: read.open_table(OPERATIONS)?,
        })
    }
}

fn write_tree(write: &redb::WriteTransaction, batch: &NodeBatch) -> Result<(), StoreError> {
    let mut nodes = write.open_table(NODES)?;
    for (key, node) in batch.nodes() {
        let key = borsh::to_vec(key).map_err(|_| StoreError::Damaged("node key"))?;
        let node = borsh::to_vec(node).map_err(|_| StoreError::Damaged("node"))?;
        nodes.insert(key.as_slice(), node.as_slice())?;
    }
    let mut values = write.open_table(VALUES)?;
    for ((version, key), value) in batch.values() {
        // An absent value is stored as the empty string: no record encodes to nothing.
        let value = value.as_deref().unwrap_or_default();
        values.insert(value_key(*key, *version).as_slice(), value)?;
    }
    Ok(())
}

fn value_key(key: KeyHash, version: Version) -> [u8; 40] {
    let mut bytes = [0; 40];
    let (hash, tail) = bytes.split_at_mut(32);
    hash.copy_from_slice(&key.0);
    tail.copy_from_slice(&version.to_be_bytes());
    bytes
}

/// The store as it was at one moment.
pub(crate) struct Snapshot {
    nodes: ReadOnlyTable<&'static [u8], &'static [u8]>,
    values: ReadOnlyTable<&'static [u8], &'static [u8]>,
    records: ReadOnlyTable<&'static str, &'static [u8]>,
    operations: ReadOnlyTable<&'static [u8], u64>,
}

impl Snapshot {
    /// The latest encoded record under `key`.
    pub(crate) fn record(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.records.get(key)?.map(|value| value.value().to_vec()))
    }

    /// The validators; every network has them from genesis on.
    pub(crate) fn validators(&self) -> Result<ValidatorsRecord, StoreError> {
        let bytes = self.record(&RecordKey::Validators.to_string())?;
        match bytes.map(|bytes| Record::from_bytes(&bytes)) {
            Some(Ok(Record::Validators(set))) => Ok(set),
            _ => Err(StoreError::Damaged("validators")),
        }
    }

    /// The keys of all records, in order.
    pub(crate) fn record_keys(&self) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        for entry in self.records.iter()? {
            keys.push(entry?.0.value().to_owned());
        }
        Ok(keys)
    }

    /// The height at which an operation was finalized.
    pub(crate) fn operation(&self, hash: &[u8; 32]) -> Result<Option<u64>, StoreError> {
        Ok(self
            .operations
            .get(hash.as_slice())?
            .map(|height| height.value()))
    }
}

impl TreeReader for Snapshot {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let encoded = borsh::to_vec(key)?;
        let Some(found) = self.nodes.get(encoded.as_slice())? else {
            return Ok(None);
        };
        Ok(Some(borsh::from_slice(found.value())?))
    }

    fn get_value_option(
        &self,
        max_version: Version,
        key: KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        let (first, last) = (value_key(key, 0), value_key(key, max_version));
        let mut range = self.values.range(first.as_slice()..=last.as_slice())?;
        let Some(newest) = range.next_back() else {
            return Ok(None);
        };
        let value = newest?.1.value().to_vec();
        Ok((!value.is_empty()).then_some(value))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        // Only a restore from a snapshot asks for it, and this tree is always built from blocks.
        Ok(None)
    }
}
