use std::collections::BTreeMap;

use jumin_registry::{
    Accreditor, ReadState, Record, RecordKey, TypeRecord,
    tree::{self, MemoryStore, StateAt},
    verify_proof,
};
use proptest::{collection::vec, prelude::*};

fn key(name: u8) -> RecordKey {
    RecordKey::CredentialType(format!("urn:type:{name}"))
}

fn record(version: u64) -> Record {
    Record::CredentialType(TypeRecord {
        version,
        integrity: String::new(),
        by: Accreditor::Governance,
        updated: version,
        height: version,
    })
}

proptest! {
    /// Blocks with any writes, empty ones included: each height's state is read and proven as a map would have it.
    #[test]
    fn tree_agrees_with_a_map_at_every_height(blocks in vec(vec(0..40_u8, 0..6), 1..12)) {
        let mut store = MemoryStore::default();
        let mut model = BTreeMap::new();
        let mut history = Vec::new();
        for (height, names) in (0_u64..).zip(&blocks) {
            let writes: BTreeMap<RecordKey, Record> =
                names.iter().map(|name| (key(*name), record(height))).collect();
            let (root, batch) = tree::update(&store, height, &writes).unwrap();
            store.write(&batch);
            model.extend(writes);
            history.push((root, model.clone()));
        }
        for (height, (root, model)) in (0_u64..).zip(&history) {
            prop_assert_eq!(tree::root(&store, height).unwrap(), *root);
            for name in 0..40 {
                let key = key(name);
                let expected = model.get(&key);
                let state = StateAt::new(&store, height);
                prop_assert_eq!(state.read(&key).unwrap(), expected.cloned());
                let proven = tree::prove(&store, height, &key).unwrap();
                let value = expected.map(Record::to_bytes);
                prop_assert_eq!(&proven.value, &value);
                prop_assert!(verify_proof(root, &key.hash(), value.as_deref(), &proven.proof).is_ok());
                let lie = if value.is_some() { None } else { Some(b"x".as_slice()) };
                prop_assert!(verify_proof(root, &key.hash(), lie, &proven.proof).is_err());
            }
        }
    }
}

#[test]
fn root_of_an_untouched_state_is_unchanged() {
    let mut store = MemoryStore::default();
    let genesis = [(key(1), record(0))];
    let mut roots = Vec::new();
    for height in 0..5 {
        let writes = if height == 0 { &genesis[..] } else { &[] };
        let writes = writes.iter().map(|(key, record)| (key, record));
        let (root, batch) = tree::update(&store, height, writes).unwrap();
        store.write(&batch);
        roots.push(root);
    }
    assert!(roots.iter().all(|root| *root == roots[0]));
}

#[test]
fn version_that_is_not_there_is_an_error() {
    let store = MemoryStore::default();
    assert!(tree::root(&store, 3).is_err());
    assert!(tree::prove(&store, 3, &key(1)).is_err());
}
