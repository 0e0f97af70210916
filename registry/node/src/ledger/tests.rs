use std::sync::Arc;

use jumin_identity::{Did, FileKey, Signer as _, random_bytes};
use jumin_registry::{
    Accreditor, Claims, GovernanceRecord, Localized, Operation, OperationSigner, Role,
    SignedOperation, Validator, sign_operation,
};

use super::Ledger;
use crate::execution::operation_hash;
use crate::genesis::Genesis;
use crate::mempool::{Capacity, Share, Waiting};
use crate::store::Store;

const NOW_MS: u64 = 1_800_000_000_000;

pub(super) fn genesis(governor: &FileKey) -> Genesis {
    Genesis {
        network: "test".parse().unwrap(),
        time_ms: NOW_MS,
        governance: GovernanceRecord {
            version: 1,
            threshold: 1,
            governors: vec![governor.public_key().clone()],
        },
        epoch_blocks: 10,
        idle_block_ms: 1_000,
        validators: vec![Validator {
            key: [7; 32],
            address: "127.0.0.1:1".parse().unwrap(),
            name: "one".to_owned(),
        }],
    }
}

pub(super) fn accredit_somebody(genesis: &Genesis, governor: &FileKey) -> SignedOperation {
    let operation = Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: Did::from_digest(&genesis.network, &random_bytes()),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno-gu".into(),
        },
        types: vec!["urn:jumin:resident-card:1".into()],
        claims: Claims::Any,
        from: 0,
        until: u64::MAX,
        version: 0,
    };
    let signer = OperationSigner::Kid("governance#0".to_owned(), governor);
    sign_operation(&genesis.network, &operation, &[signer]).unwrap()
}

#[test]
fn late_proposer_takes_what_it_has_and_leaves_the_rest_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let governor = FileKey::generate().unwrap();
    let genesis = genesis(&governor);
    let digest = genesis.block().unwrap().header().digest();
    let store = Store::open(&folder.path().join("state.redb"), &digest).unwrap();
    let ledger = Ledger::open(&genesis, Arc::new(store), Capacity::default()).unwrap();
    for _ in 0..3 {
        let operation = accredit_somebody(&genesis, &governor);
        let (hash, bytes) = (operation_hash(&operation), operation.to_bytes());
        let share = Share::of_submitter(&operation);
        let waiting = Waiting::new(hash, bytes.as_slice().into(), operation);
        ledger.mempool().add(waiting, share).unwrap();
    }
    let view = ledger.applied_view();
    let taken = |is_late: bool| {
        let block = ledger.build(&view, NOW_MS + 1, || is_late).unwrap();
        block.operations().len()
    };
    assert_eq!((taken(true), taken(false)), (1, 3));
}
