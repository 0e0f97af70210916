//! How tree nodes and values lie in their tables.

use std::collections::BTreeMap;

use jmt::storage::{Node, NodeKey};
use jmt::{KeyHash, Version};
use jumin_registry::RecordKey;
use redb::ReadableTable as _;

use super::{NODES, StoreError, VALUES, prune};

pub(super) fn write_nodes(
    write: &redb::WriteTransaction,
    batch: &BTreeMap<NodeKey, Node>,
) -> Result<(), StoreError> {
    let mut nodes = write.open_table(NODES)?;
    for (key, node) in batch {
        let key = borsh::to_vec(key).map_err(|_| StoreError::Damaged("node key"))?;
        let node = borsh::to_vec(node).map_err(|_| StoreError::Damaged("node"))?;
        nodes.insert(key.as_slice(), node.as_slice())?;
    }
    Ok(())
}

/// Writes records' values under the tree's version and tells which older ones they replace.
pub(super) fn write_values(
    write: &redb::WriteTransaction,
    records: &BTreeMap<String, Vec<u8>>,
    version: Version,
) -> Result<Vec<prune::Stale>, StoreError> {
    let mut values = write.open_table(VALUES)?;
    let mut replaced = Vec::new();
    for (name, value) in records {
        let key: RecordKey = name
            .parse()
            .map_err(|_| StoreError::Damaged("record key"))?;
        let hash = KeyHash(key.hash());
        let (first, now) = (value_key(hash, 0), value_key(hash, version));
        if let Some(older) = values.range(first.as_slice()..now.as_slice())?.next_back() {
            replaced.push(prune::Stale::value(version, older?.0.value()));
        }
        values.insert(now.as_slice(), named(name, value).as_slice())?;
    }
    Ok(replaced)
}

/// A value with its key's text before it, which nobody could tell from the key's hash.
pub(super) fn named(name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 + name.len() + value.len());
    // A key's text has a few hundred bytes at most.
    bytes.extend_from_slice(&u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(value);
    bytes
}

pub(super) fn unnamed(bytes: &[u8]) -> Result<(&str, &[u8]), StoreError> {
    let damaged = StoreError::Damaged("tree value");
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else {
        return Err(damaged);
    };
    let parts = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)));
    let (name, value) = parts.ok_or(StoreError::Damaged("tree value"))?;
    Ok((std::str::from_utf8(name).map_err(|_| damaged)?, value))
}

pub(super) fn value_key(key: KeyHash, version: Version) -> [u8; 40] {
    let mut bytes = [0; 40];
    let (hash, tail) = bytes.split_at_mut(32);
    hash.copy_from_slice(&key.0);
    tail.copy_from_slice(&version.to_be_bytes());
    bytes
}
