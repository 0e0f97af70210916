//! Forgets tree nodes and values that no version which can still be asked for has, so that the store grows with records
//! and not with blocks.

use jmt::Version;
use jmt::storage::StaleNodeIndexBatch;
use redb::WriteTransaction;

use super::{NODES, OPERATIONS, STALE, StoreError, VALUES};
use crate::history;
use crate::upkeep::Limit;

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

/// How many blocks are forgotten with one that is applied at most, so that a node whose setting changed doesn't pause.
const FORGOTTEN_AT_ONCE: usize = 64;

/// Forgets blocks of the past and where their operations went. A repeated one is refused by the versions in the state,
/// whether it is known or not.
pub(super) fn forget(write: &WriteTransaction, limit: &Limit) -> Result<(), StoreError> {
    let forgotten = history::forget(write, limit, FORGOTTEN_AT_ONCE)?;
    if !forgotten.is_empty() {
        let mut operations = write.open_table(OPERATIONS)?;
        for hash in forgotten {
            operations.remove(hash.as_slice())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use jumin_registry::{AnchorRecord, Record, RecordKey, tree};
    use redb::ReadableTableMetadata as _;

    use super::super::{Applied, Changes, Store, StoredCheckpoint};
    use super::*;

    fn record(index: usize, version: u64) -> (RecordKey, Record) {
        let record = AnchorRecord {
            version,
            sha256: [0; 32],
            next_update: None,
            updated: 0,
            height: version,
        };
        let key = RecordKey::CredentialType(format!("urn:test:{index}"));
        (key, Record::Anchor(record))
    }

    /// Writes a version of the tree, certified or not.
    fn commit(store: &Store, version: Version, writes: &[(RecordKey, Record)], certified: bool) {
        let snapshot = store.snapshot().unwrap();
        let written = writes.iter().map(|(key, record)| (key, record));
        let (state_root, update) = tree::update(&snapshot, version, written).unwrap();
        let applied = Applied {
            height: version,
            digest: [0; 32],
            time_ms: version,
            tree_version: version,
            state_root,
        };
        let checkpoint = StoredCheckpoint {
            height: version,
            time_ms: version,
            tree_version: version,
            bytes: Vec::new(),
        };
        let records: BTreeMap<_, _> = writes
            .iter()
            .map(|(key, record)| (key.to_string(), record.to_bytes()))
            .collect();
        store
            .commit(&Changes {
                applied: &applied,
                tree: Some(&update.into()),
                records: &records,
                operations: &HashSet::new(),
                checkpoint: certified.then_some(&checkpoint),
                handover: None,
                votes_again: false,
                history: None,
                forget: None,
                votes_seen: &[],
            })
            .unwrap();
    }

    fn counts(store: &Store) -> [u64; 3] {
        let read = store.begin_read().unwrap();
        [
            read.open_table(NODES).unwrap().len().unwrap(),
            read.open_table(VALUES).unwrap().len().unwrap(),
            read.open_table(STALE).unwrap().len().unwrap(),
        ]
    }

    fn store() -> (tempfile::TempDir, Store) {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("state.redb"), &[0; 32]).unwrap();
        let all: Vec<_> = (0..200).map(|index| record(index, 0)).collect();
        commit(&store, 0, &all, true);
        (directory, store)
    }

    #[test]
    fn store_grows_with_records_and_not_with_blocks() {
        let (_directory, store) = store();
        let before = counts(&store);
        for version in 1..300 {
            let index = usize::try_from(version).unwrap() * 7 % 200;
            commit(&store, version, &[record(index, version)], true);
        }
        assert_eq!(counts(&store), before);
        assert_eq!(before[1..], [200, 0]);
    }

    #[test]
    fn version_that_is_served_stays_until_a_later_one_is_certified() {
        let (_directory, store) = store();
        let (key, old) = record(7, 0);
        let root = tree::root(&store.snapshot().unwrap(), 0).unwrap();
        for version in 1..20 {
            commit(&store, version, &[record(7, version)], false);
        }
        let snapshot = store.snapshot().unwrap();
        assert_eq!(tree::root(&snapshot, 0).unwrap(), root);
        let proven = tree::prove(&snapshot, 0, &key).unwrap();
        assert_eq!(proven.value, Some(old.to_bytes()));
        let listed = snapshot.entries(0, None, usize::MAX).unwrap();
        assert_eq!(listed.len(), 200);
        assert!(listed.iter().any(|entry| entry.value == old.to_bytes()));

        let before = counts(&store);
        commit(&store, 20, &[record(7, 20)], true);
        assert!(tree::root(&store.snapshot().unwrap(), 0).is_err());
        assert!(counts(&store)[0] < before[0]);
        assert_eq!(counts(&store)[1..], [200, 0]);
        // Who holds a snapshot still has what it had.
        assert_eq!(tree::root(&snapshot, 0).unwrap(), root);
        assert_eq!(snapshot.entries(0, None, usize::MAX).unwrap(), listed);
    }
}
