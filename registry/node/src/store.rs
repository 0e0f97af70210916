mod prune;
mod restore;
mod room;
mod values;

use std::collections::{BTreeMap, HashSet};
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::RwLock;

use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{KeyHash, OwnedValue, Version};
use jumin_registry::{Checkpoint, Handover, Record, RecordKey, ValidatorsRecord};
use redb::{Database, ReadOnlyTable, ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::execution::TreeChange;
use crate::history::{self, BlockEntry, History};
use crate::upkeep::Limit;

pub(crate) use restore::{RangeProof, RestoreError, Restorer, entry};
use values::{named, unnamed, value_key, write_nodes, write_values};

const NODES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("tree-nodes");
const VALUES: TableDefinition<&[u8], &[u8]> = TableDefinition::new("tree-values");
const RECORDS: TableDefinition<&str, &[u8]> = TableDefinition::new("records");
const OPERATIONS: TableDefinition<&[u8], u64> = TableDefinition::new("operations");
const HANDOVERS: TableDefinition<u64, &[u8]> = TableDefinition::new("handovers");
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// Nodes and values that no version from a given one on has; see `prune`.
const STALE: TableDefinition<&[u8], ()> = TableDefinition::new("tree-stale");

/// What the database keeps of its file in memory at most; the system keeps more while there is room.
const CACHE_BYTES: usize = 256 * 1024 * 1024;

const APPLIED: &str = "applied";
const CHECKPOINT: &str = "checkpoint";
const GENESIS: &str = "genesis";
const FORMAT: &str = "format";
/// The certified header that this node's blocks start from, when that is not genesis.
const START: &str = "start";

/// The name of the engine's files that this state was made with.
const ENGINE: &str = "engine";
/// When this validator's votes were lost, in milliseconds: it only follows in epochs that may have begun before.
const FOLLOWS_UNTIL: &str = "follows-until";
/// The newest votes of validators that this node saw.
const VOTES_SEEN: &str = "votes-seen";

/// Rises when the tables change so that an older program, or older tables, can't be used.
const FORMAT_NOW: &[u8] = b"3";

/// A validator's key, and the newest vote that was seen of it, as it sent it.
pub(crate) type SeenVote = ([u8; 32], Vec<u8>);

/// Why the state could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the state database failed")]
    Database(#[source] Box<redb::Error>),
    #[error("the state database is damaged: {0}")]
    Damaged(&'static str),
    #[error("the state database belongs to another network")]
    OtherNetwork,
    #[error("the state database was written by another release; remove it and start again")]
    OtherFormat,
}

impl StoreError {
    /// Tells whether another process has the database open.
    pub(crate) fn is_in_use(&self) -> bool {
        matches!(self, Self::Database(error) if matches!(**error, redb::Error::DatabaseAlreadyOpen))
    }
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
    pub tree: Option<&'a TreeChange>,
    pub records: &'a BTreeMap<String, Vec<u8>>,
    pub operations: &'a HashSet<[u8; 32]>,
    pub checkpoint: Option<&'a StoredCheckpoint>,
    pub handover: Option<&'a Handover>,
    /// From now on this node may vote again.
    pub votes_again: bool,
    /// What readers of the history get.
    pub history: Option<&'a BlockEntry>,
    /// What is forgotten of the past.
    pub forget: Option<Limit>,
    /// The newest votes of validators that this node saw, by their keys.
    pub votes_seen: &'a [([u8; 32], Vec<u8>)],
}

/// How much of the file is checked when it is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Integrity {
    /// All of it, unless that takes long.
    Quick,
    Whole,
}

/// A database of this many bytes is read in a moment.
const SOON_READ: u64 = 64 * 1024 * 1024;

/// The registry's state on disk: tree, latest records and where each operation went.
pub(crate) struct Store {
    /// Written to by nobody who holds it but while it is compacted.
    database: RwLock<Database>,
    /// The database's file, unless it is in memory.
    path: Option<PathBuf>,
}

impl Store {
    /// Opens the database, creating its tables, and ties it to `genesis`.
    pub(crate) fn open(path: &Path, genesis: &[u8; 32]) -> Result<Self, StoreError> {
        Self::open_checked(path, genesis, Integrity::Quick)
    }

    /// As [`open`](Self::open), with as much of the file checked as is said.
    pub(crate) fn open_checked(
        path: &Path,
        genesis: &[u8; 32],
        integrity: Integrity,
    ) -> Result<Self, StoreError> {
        let size = std::fs::metadata(path).map_or(0, |found| found.len());
        let whole = integrity == Integrity::Whole || size <= SOON_READ;
        let mut builder = Database::builder();
        builder.set_check_integrity_on_open(whole);
        builder.set_cache_size(CACHE_BYTES);
        // redb promises an error about damage only where it checks; elsewhere its assertions may find it.
        let created = catch_unwind(AssertUnwindSafe(|| builder.create(path)));
        let database = created.map_err(|_| StoreError::Damaged("file"))??;
        let store = Self::new(database, genesis)?;
        Ok(Self {
            path: Some(path.to_owned()),
            ..store
        })
    }

    /// Creates the tables of a database where they are missing, and ties it to `genesis`.
    pub(crate) fn new(database: Database, genesis: &[u8; 32]) -> Result<Self, StoreError> {
        let write = database.begin_write()?;
        {
            write.open_table(NODES)?;
            write.open_table(VALUES)?;
            write.open_table(RECORDS)?;
            write.open_table(OPERATIONS)?;
            write.open_table(HANDOVERS)?;
            write.open_table(STALE)?;
            history::create(&write)?;
            let mut meta = write.open_table(META)?;
            let read =
                |key| Ok::<_, StoreError>(meta.get(key)?.map(|bytes| bytes.value().to_vec()));
            let (known, format) = (read(GENESIS)?, read(FORMAT)?);
            match known {
                Some(known) if known != genesis => return Err(StoreError::OtherNetwork),
                Some(_) if format.as_deref() != Some(FORMAT_NOW) => {
                    return Err(StoreError::OtherFormat);
                }
                Some(_) => {}
                None => {
                    meta.insert(GENESIS, genesis.as_slice())?;
                    meta.insert(FORMAT, FORMAT_NOW)?;
                }
            }
        }
        write.commit()?;
        Ok(Self {
            database: RwLock::new(database),
            path: None,
        })
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

    /// The certified header that this node's blocks start from, when that is not genesis.
    pub(crate) fn start(&self) -> Result<Option<Checkpoint>, StoreError> {
        let Some(bytes) = self.meta(START)? else {
            return Ok(None);
        };
        let start = Checkpoint::from_bytes(&bytes);
        Ok(Some(start.map_err(|_| StoreError::Damaged("start"))?))
    }

    /// The name of the engine's files that this state was made with.
    pub(crate) fn engine(&self) -> Result<Option<String>, StoreError> {
        let name = self.meta(ENGINE)?.map(String::from_utf8).transpose();
        name.map_err(|_| StoreError::Damaged("engine"))
    }

    pub(crate) fn set_engine(&self, name: &str) -> Result<(), StoreError> {
        self.set_meta(&[(ENGINE, name.as_bytes())])
    }

    /// Has this node only follow in all epochs that may have begun before `time_ms`.
    pub(crate) fn follow_until(&self, time_ms: u64) -> Result<(), StoreError> {
        self.set_meta(&[(FOLLOWS_UNTIL, &time_ms.to_be_bytes())])
    }

    /// Has new archives start at the newest checkpoint, if there is one.
    pub(crate) fn start_from_checkpoint(&self) -> Result<(), StoreError> {
        match self.checkpoint()? {
            Some(checkpoint) => self.set_meta(&[(START, &checkpoint.bytes)]),
            None => Ok(()),
        }
    }

    /// Until when this node only follows, if it does.
    pub(crate) fn follows_until(&self) -> Result<Option<u64>, StoreError> {
        let Some(bytes) = self.meta(FOLLOWS_UNTIL)? else {
            return Ok(None);
        };
        let time = take_u64(&bytes).ok_or(StoreError::Damaged("time"))?;
        Ok(Some(time.0))
    }

    /// The newest votes of validators that this node saw, by their keys.
    pub(crate) fn votes_seen(&self) -> Result<Vec<SeenVote>, StoreError> {
        let bytes = self.meta(VOTES_SEEN)?;
        let seen = bytes.map(|bytes| borsh::from_slice(&bytes)).transpose();
        Ok(seen
            .map_err(|_| StoreError::Damaged("votes"))?
            .unwrap_or_default())
    }

    fn set_meta(&self, entries: &[(&str, &[u8])]) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        {
            let mut meta = write.open_table(META)?;
            for (key, value) in entries {
                meta.insert(*key, *value)?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// All changes of validators, oldest first.
    pub(crate) fn handovers(&self) -> Result<Vec<Handover>, StoreError> {
        let table = self.begin_read()?.open_table(HANDOVERS)?;
        let mut found = Vec::new();
        for entry in table.iter()? {
            let handover = Handover::from_bytes(entry?.1.value());
            found.push(handover.map_err(|_| StoreError::Damaged("handover"))?);
        }
        Ok(found)
    }

    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let table = self.begin_read()?.open_table(META)?;
        Ok(table.get(key)?.map(|bytes| bytes.value().to_vec()))
    }

    /// Writes one block's effects and the new applied height in one durable transaction.
    pub(crate) fn commit(&self, changes: &Changes<'_>) -> Result<(), StoreError> {
        let write = self.begin_write()?;
        if let Some(tree) = changes.tree {
            write_nodes(&write, tree.nodes.nodes())?;
            let version = changes.applied.tree_version;
            let mut stale = prune::stale_nodes(&tree.stale)?;
            stale.extend(write_values(&write, changes.records, version)?);
            prune::note(&write, &stale)?;
        }
        if let Some(entry) = changes.history {
            history::write(&write, entry)?;
        }
        if let Some(limit) = &changes.forget {
            prune::forget(&write, limit)?;
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
            if changes.votes_again {
                meta.remove(FOLLOWS_UNTIL)?;
            }
            if !changes.votes_seen.is_empty() {
                let seen = borsh::to_vec(changes.votes_seen);
                let seen = seen.map_err(|_| StoreError::Damaged("votes"))?;
                meta.insert(VOTES_SEEN, seen.as_slice())?;
            }
        }
        if let Some(checkpoint) = changes.checkpoint {
            prune::remove(&write, checkpoint.tree_version)?;
        }
        write.commit()?;
        Ok(())
    }

    /// A consistent view of the store that later commits don't change.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let read = self.begin_read()?;
        Ok(Snapshot {
            nodes: read.open_table(NODES)?,
            values: read.open_table(VALUES)?,
            records: read.open_table(RECORDS)?,
            operations: read.open_table(OPERATIONS)?,
            history: History::open(&read)?,
        })
    }
}

/// The store as it was at one moment.
pub(crate) struct Snapshot {
    nodes: ReadOnlyTable<&'static [u8], &'static [u8]>,
    values: ReadOnlyTable<&'static [u8], &'static [u8]>,
    records: ReadOnlyTable<&'static str, &'static [u8]>,
    operations: ReadOnlyTable<&'static [u8], u64>,
    history: History,
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

    /// The keys of the first records, in order.
    pub(crate) fn record_keys(&self, most: usize) -> Result<Vec<String>, StoreError> {
        let mut keys = Vec::new();
        for entry in self.records.iter()?.take(most) {
            keys.push(entry?.0.value().to_owned());
        }
        Ok(keys)
    }

    /// At most `limit` records whose keys start with `prefix` and come after `after`, in order.
    pub(crate) fn records_under(
        &self,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let first = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let mut found = Vec::new();
        for entry in self.records.range::<&str>((first, Bound::Unbounded))? {
            let (key, value) = entry?;
            if found.len() == limit || !key.value().starts_with(prefix) {
                break;
            }
            found.push((key.value().to_owned(), value.value().to_vec()));
        }
        Ok(found)
    }

    /// How many records there are.
    pub(crate) fn record_count(&self) -> Result<u64, StoreError> {
        Ok(self.records.len()?)
    }

    /// What happened up to this moment.
    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// The height at which an operation was finalized.
    pub(crate) fn operation(&self, hash: &[u8; 32]) -> Result<Option<u64>, StoreError> {
        Ok(self
            .operations
            .get(hash.as_slice())?
            .map(|height| height.value()))
    }
}

/// A record as the tree has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub hash: KeyHash,
    pub name: String,
    pub value: Vec<u8>,
}

impl Snapshot {
    /// The records of a version in order of their keys' hashes, after `after`, until they have `max_bytes`; at least one.
    pub(crate) fn entries(
        &self,
        version: Version,
        after: Option<KeyHash>,
        max_bytes: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let first = after.map(|after| value_key(after, Version::MAX));
        let first = first
            .as_ref()
            .map_or(Bound::Unbounded, |key| Bound::Excluded(key.as_slice()));
        let mut found: Vec<Entry> = Vec::new();
        let mut size = 0;
        for item in self.values.range::<&[u8]>((first, Bound::Unbounded))? {
            let (key, bytes) = item?;
            let Some((hash, of)) = key.value().split_first_chunk::<32>() else {
                return Err(StoreError::Damaged("tree value's key"));
            };
            let (hash, of) = (KeyHash(*hash), take_u64(of));
            if of.is_none_or(|(of, _)| of > version) {
                continue;
            }
            let (name, value) = unnamed(bytes.value())?;
            if found.last().is_some_and(|last| last.hash == hash) {
                // An older version of the same record came before.
                found.pop();
            } else {
                size += name.len() + value.len();
                if size > max_bytes && !found.is_empty() {
                    break;
                }
            }
            let (name, value) = (name.to_owned(), value.to_vec());
            found.push(Entry { hash, name, value });
        }
        Ok(found)
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
        let value = unnamed(newest?.1.value())?.1.to_vec();
        Ok(Some(value))
    }

    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        // Only a restore asks for it, which has a reader of its own.
        Ok(None)
    }
}
