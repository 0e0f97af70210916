//! Forgets tree nodes and values that no version which can still be asked for has, so that the store grows with records
//! and not with blocks.

use jmt::Version;
use jmt::storage::StaleNodeIndexBatch;
use redb::WriteTransaction;

use super::{NODES, STALE, StoreError, VALUES};

const NODE: u8 = 0;
const VALUE: u8 = 1;

/// A node or a value and the version from which on the tree doesn't have it.
pub(super) struct Stale(Vec<u8>);

impl Stale {
    fn new(since: Version, kind: u8, key: &[u8]) -> Self {
        let mut bytes = since.to_be_bytes().to_vec();
        bytes.push(kind);
        bytes.extend_from_slice(key);
        Self(bytes)
    }

    pub(super) fn value(since: Version, key: &[u8]) -> Self {
        Self::new(since, VALUE, key)
    }
}

/// Restates what the tree says that a new version replaces.
pub(super) fn stale_nodes(batch: &StaleNodeIndexBatch) -> Result<Vec<Stale>, StoreError> {
    let node = |index: &jmt::storage::StaleNodeIndex| {
        let key = borsh::to_vec(&index.node_key).map_err(|_| StoreError::Damaged("node key"))?;
        Ok(Stale::new(index.stale_since_version, NODE, &key))
    };
    batch.iter().map(node).collect()
}

/// Remembers what is to be removed once no served version has it.
pub(super) fn note(write: &WriteTransaction, stale: &[Stale]) -> Result<(), StoreError> {
    let mut table = write.open_table(STALE)?;
    for one in stale {
        table.insert(one.0.as_slice(), ())?;
    }
    Ok(())
}

/// Removes what neither `served` nor a later version has. Who reads an older one does so in a snapshot of the database.
pub(super) fn remove(write: &WriteTransaction, served: Version) -> Result<(), StoreError> {
    let mut nodes = write.open_table(NODES)?;
    let mut values = write.open_table(VALUES)?;
    let mut table = write.open_table(STALE)?;
    let end = served.saturating_add(1).to_be_bytes();
    for entry in table.extract_from_if::<&[u8], _>(..end.as_slice(), |_, ()| true)? {
        let entry = entry?.0;
        match entry.value().get(8..).and_then(<[u8]>::split_first) {
            Some((&NODE, key)) => drop(nodes.remove(key)?),
            Some((&VALUE, key)) => drop(values.remove(key)?),
            _ => return Err(StoreError::Damaged("stale entry")),
        }
    }
    Ok(())
}
