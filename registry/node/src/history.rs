//! What the explorer looks up beside the state: blocks by height, what happened to a DID, operations by minute.
//!
//! It is written in the transaction of the block's effects, so it never says more or less than the state. It is this node's
//! own record: a node that joined by state sync has it from there on, and one that is no archive forgets what is old. Blocks are kept here too, so that readers never queue
//! for the engine's archive, which consensus waits for.

use borsh::{BorshDeserialize, BorshSerialize};
use jumin_identity::{Did, sha256};
use jumin_registry::{Accreditor, Certificate, Checkpoint, Header, RecordKey, SignedOperation};
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use crate::block::Block;
use crate::execution::operation_hash;
use crate::store::StoreError;
use crate::upkeep::Limit;

const BLOCKS: TableDefinition<u64, &[u8]> = TableDefinition::new("history-blocks");
const BODIES: TableDefinition<u64, &[u8]> = TableDefinition::new("history-bodies");
const ABOUT: TableDefinition<&[u8], &[u8]> = TableDefinition::new("history-about");
const MINUTES: TableDefinition<u64, u64> = TableDefinition::new("history-minutes");

const DAMAGED: StoreError = StoreError::Damaged("history");

/// Where an operation stands: its block's height, and its place in the block.
pub(crate) type Place = (u64, u16);

/// One block as the history keeps it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
struct Row {
    /// The header, followed by its certificate if `certified`.
    bytes: Vec<u8>,
    certified: bool,
    operations: Vec<[u8; 32]>,
    /// Bytes of the operations.
    size: u32,
}

/// A block without its operations' content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub header: Header,
    /// `None` where a later block's certificate finalizes this one.
    pub certificate: Option<Certificate>,
    /// The operations' hashes in their order.
    pub operations: Vec<[u8; 32]>,
    /// Bytes of the operations.
    pub size: u32,
}

/// What one block adds to the history.
pub(crate) struct BlockEntry {
    height: u64,
    minute: u64,
    row: Vec<u8>,
    body: Vec<u8>,
    about: Vec<([u8; 42], [u8; 32])>,
    count: u64,
}

impl BlockEntry {
    /// Takes what the history keeps of a block; `checkpoint` is its certified header as bytes.
    pub(crate) fn of(block: &Block, checkpoint: Option<&[u8]>) -> Result<Self, StoreError> {
        let header = block.header();
        let (mut hashes, mut about) = (Vec::new(), Vec::new());
        for (index, bytes) in block.operations().iter().enumerate() {
            let operation = SignedOperation::parse(bytes).map_err(|_| DAMAGED)?;
            let hash = operation_hash(&operation);
            hashes.push(hash);
            // A block has at most 512 operations.
            let place = (header.height, u16::try_from(index).unwrap_or(u16::MAX));
            let concerned = concerned(&operation);
            about.extend(concerned.iter().map(|did| (about_key(did, place), hash)));
        }
        let row = Row {
            bytes: checkpoint.map_or_else(|| header.encode(), <[u8]>::to_vec),
            certified: checkpoint.is_some(),
            size: block.operations().iter().map(Vec::len).sum::<usize>() as u32, // at most MAX_BODY_BYTES
            operations: hashes,
        };
        Ok(Self {
            height: header.height,
            minute: header.time_ms / 60_000,
            count: row.operations.len() as u64,
            row: borsh::to_vec(&row).map_err(|_| DAMAGED)?,
            body: borsh::to_vec(block.operations()).map_err(|_| DAMAGED)?,
            about,
        })
    }
}

/// The DIDs that an operation is about: whose record it writes, and who signed it.
fn concerned(operation: &SignedOperation) -> Vec<Did> {
    let mut found = Vec::new();
    match operation.record_key() {
        RecordKey::Did(did) => found.push(did),
        RecordKey::Accreditation { subject, .. } => found.push(subject),
        RecordKey::Anchor { issuer, .. } => found.push(issuer),
        _ => {}
    }
    if let Accreditor::Did(did) = operation.submitter()
        && !found.contains(&did)
    {
        found.push(did);
    }
    found
}

fn about_key(did: &Did, (height, index): Place) -> [u8; 42] {
    let mut key = [0; 42];
    key[..32].copy_from_slice(&sha256(did.to_string().as_bytes()));
    key[32..40].copy_from_slice(&height.to_be_bytes());
    key[40..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Makes the tables.
pub(crate) fn create(write: &WriteTransaction) -> Result<(), StoreError> {
    write.open_table(BLOCKS)?;
    write.open_table(BODIES)?;
    write.open_table(ABOUT)?;
    write.open_table(MINUTES)?;
    Ok(())
}

/// Adds a block.
pub(crate) fn write(write: &WriteTransaction, entry: &BlockEntry) -> Result<(), StoreError> {
    write
        .open_table(BLOCKS)?
        .insert(entry.height, entry.row.as_slice())?;
    if entry.count == 0 {
        return Ok(());
    }
    write
        .open_table(BODIES)?
        .insert(entry.height, entry.body.as_slice())?;
    let mut about = write.open_table(ABOUT)?;
    for (key, hash) in &entry.about {
        about.insert(key.as_slice(), hash.as_slice())?;
    }
    let mut minutes = write.open_table(MINUTES)?;
    let before = minutes.get(entry.minute)?.map_or(0, |count| count.value());
    minutes.insert(entry.minute, before + entry.count)?;
    Ok(())
}

/// Forgets the oldest blocks that a limit names, `most` of them; returns the hashes of their operations.
pub(crate) fn forget(
    write: &WriteTransaction,
    limit: &Limit,
    most: usize,
) -> Result<Vec<[u8; 32]>, StoreError> {
    let mut blocks = write.open_table(BLOCKS)?;
    let mut old = Vec::new();
    for row in blocks.range(..limit.below)?.take(most) {
        let row = row?;
        let summary = summary(row.1.value())?;
        if summary.header.time_ms >= limit.before_ms {
            break;
        }
        old.push((row.0.value(), summary.operations));
    }
    if old.is_empty() {
        return Ok(Vec::new());
    }
    let mut bodies = write.open_table(BODIES)?;
    let mut about = write.open_table(ABOUT)?;
    for (height, _) in &old {
        blocks.remove(height)?;
        let Some(body) = bodies.remove(height)? else {
            continue;
        };
        let body: Vec<Vec<u8>> = borsh::from_slice(body.value()).map_err(|_| DAMAGED)?;
        for (index, bytes) in body.iter().enumerate() {
            let place = (*height, u16::try_from(index).unwrap_or(u16::MAX));
            for did in concerned(&parsed(bytes)?) {
                about.remove(about_key(&did, place).as_slice())?;
            }
        }
    }
    forget_minutes(write, limit.before_ms / 60_000, most)?;
    Ok(old.into_iter().flat_map(|(_, hashes)| hashes).collect())
}

fn forget_minutes(write: &WriteTransaction, before: u64, most: usize) -> Result<(), StoreError> {
    let mut minutes = write.open_table(MINUTES)?;
    let old = minutes.range(..before)?.take(most);
    let old: Vec<u64> = old
        .map(|row| Ok::<_, StoreError>(row?.0.value()))
        .collect::<Result<_, _>>()?;
    for minute in old {
        minutes.remove(minute)?;
    }
    Ok(())
}

/// The history as of one moment.
pub(crate) struct History {
    blocks: ReadOnlyTable<u64, &'static [u8]>,
    bodies: ReadOnlyTable<u64, &'static [u8]>,
    about: ReadOnlyTable<&'static [u8], &'static [u8]>,
    minutes: ReadOnlyTable<u64, u64>,
}

impl History {
    pub(crate) fn open(read: &ReadTransaction) -> Result<Self, StoreError> {
        Ok(Self {
            blocks: read.open_table(BLOCKS)?,
            bodies: read.open_table(BODIES)?,
            about: read.open_table(ABOUT)?,
            minutes: read.open_table(MINUTES)?,
        })
    }

    /// The first block that this node has; `None` if it has none.
    pub(crate) fn first(&self) -> Result<Option<u64>, StoreError> {
        Ok(self.blocks.first()?.map(|(height, _)| height.value()))
    }

    /// One block.
    pub(crate) fn block(&self, height: u64) -> Result<Option<Summary>, StoreError> {
        let row = self.blocks.get(height)?;
        row.map(|row| summary(row.value())).transpose()
    }

    /// At most `limit` blocks below `before`, newest first.
    pub(crate) fn below(&self, before: u64, limit: usize) -> Result<Vec<Summary>, StoreError> {
        let rows = self.blocks.range(..before)?.rev().take(limit);
        rows.map(|row| summary(row?.1.value())).collect()
    }

    /// The operations of a block as they came.
    pub(crate) fn operations(&self, height: u64) -> Result<Vec<SignedOperation>, StoreError> {
        self.body(height)?
            .iter()
            .map(|bytes| parsed(bytes))
            .collect()
    }

    /// The operations of a block as they came, not parsed yet: parsing all for one of them would be dear.
    pub(crate) fn body(&self, height: u64) -> Result<Vec<Vec<u8>>, StoreError> {
        match self.bodies.get(height)? {
            Some(body) => borsh::from_slice(body.value()).map_err(|_| DAMAGED),
            None => Ok(Vec::new()),
        }
    }

    /// At most `limit` operations that concern a DID and stand below `before`, newest first.
    pub(crate) fn about(
        &self,
        did: &Did,
        before: Place,
        limit: usize,
    ) -> Result<Vec<Place>, StoreError> {
        let (first, end) = (about_key(did, (0, 0)), about_key(did, before));
        let range = self.about.range(first.as_slice()..end.as_slice())?;
        let places = range.rev().take(limit).map(|row| {
            let row = row?;
            place(row.0.value()).ok_or(DAMAGED)
        });
        places.collect()
    }

    /// How many operations were finalized in each minute (since 1970) from `first` on; minutes without one are left out.
    pub(crate) fn minutes(&self, first: u64) -> Result<Vec<(u64, u64)>, StoreError> {
        let rows = self.minutes.range(first..)?.map(|row| {
            let row = row?;
            Ok((row.0.value(), row.1.value()))
        });
        rows.collect()
    }
}

fn place(key: &[u8]) -> Option<Place> {
    let (height, index) = key.get(32..)?.split_at_checked(8)?;
    Some((
        u64::from_be_bytes(height.try_into().ok()?),
        u16::from_be_bytes(index.try_into().ok()?),
    ))
}

fn summary(row: &[u8]) -> Result<Summary, StoreError> {
    let row: Row = borsh::from_slice(row).map_err(|_| DAMAGED)?;
    let (header, certificate) = if row.certified {
        let checkpoint = Checkpoint::from_bytes(&row.bytes).map_err(|_| DAMAGED)?;
        (checkpoint.header, Some(checkpoint.certificate))
    } else {
        (Header::decode(&row.bytes).map_err(|_| DAMAGED)?, None)
    };
    Ok(Summary {
        header,
        certificate,
        operations: row.operations,
        size: row.size,
    })
}

impl Summary {
    /// The certified header, for those who check it themselves.
    pub(crate) fn checkpoint(&self) -> Option<Checkpoint> {
        Some(Checkpoint {
            header: self.header.clone(),
            certificate: self.certificate.clone()?,
        })
    }
}
/// Parses an operation of a finalized block.
pub(crate) fn parsed(bytes: &[u8]) -> Result<SignedOperation, StoreError> {
    SignedOperation::parse(bytes).map_err(|_| DAMAGED)
}
