//! Changes of validators and governors, and readers that follow them.

use jumin_identity::FileKey;
use jumin_identity::Signer as _;
use jumin_registry::{
    BundleError, CheckpointError, Handover, HandoverError, Operation, OperationSigner, Record,
    RecordKey, Rejection, TRUSTING_PERIOD, sign_operation, testing::TestLedger,
};
use proptest::prelude::*;

use super::{NOW, key};

const EPOCH: u64 = 8;

fn ledger() -> TestLedger {
    TestLedger::with_epochs("test", &[1, 2, 3, 4], EPOCH, NOW)
}

/// A ledger whose validators changed twice, the trust of its genesis, and both handovers.
fn changed_twice() -> (TestLedger, jumin_registry::NetworkTrust, Vec<Handover>) {
    let mut ledger = ledger();
    let trust = ledger.trust();
    let handovers = vec![
        ledger.hand_over(&[1, 2, 3, 4, 5]),
        ledger.hand_over(&[2, 5, 6, 7]),
    ];
    (ledger, trust, handovers)
}

fn refused(ledger: &mut TestLedger, operation: &Operation) -> Rejection {
    let signed = ledger.governed(operation);
    ledger.apply(&signed).unwrap_err()
}

#[test]
fn validators_change_with_the_next_epoch_and_once() {
    let mut ledger = ledger();
    let operation = ledger.replace_validators(&[1, 2, 3, 4, 5]);
    let signed = ledger.governed(&operation);
    ledger.apply(&signed).unwrap();
    let set = ledger.set();
    assert_eq!((set.at(0).len(), set.at(1).len()), (4, 5));
    assert!(set.is_pending(0) && !set.is_pending(1));
    assert_eq!(ledger.apply(&signed), Err(Rejection::StaleVersion(2)));
    assert!(signed.is_reflected_in(&ledger.record(&RecordKey::Validators).unwrap()));
}

#[test]
fn changes_in_one_epoch_add_up() {
    let mut ledger = ledger();
    let add = ledger.replace_validators(&[1, 2, 3, 4, 5]);
    ledger.apply(&ledger.governed(&add)).unwrap();
    let remove = ledger.replace_validators(&[2, 3, 4, 5]);
    ledger.apply(&ledger.governed(&remove)).unwrap();
    let set = ledger.set();
    assert_eq!((set.at(0).len(), set.at(1).len()), (4, 4));
    assert_ne!(set.keys_at(0), set.keys_at(1));
}

#[test]
fn bad_changes_of_validators_are_refused() {
    let mut ledger = ledger();
    let change = |operation: &Operation, change: &dyn Fn(&mut Vec<_>, &mut Vec<_>, &mut u64)| {
        let mut operation = operation.clone();
        if let Operation::SetValidators {
            add,
            remove,
            version,
        } = &mut operation
        {
            change(add, remove, version);
        }
        operation
    };
    let add = ledger.replace_validators(&[1, 2, 3, 4, 5]);
    let none = ledger.replace_validators(&[]);
    let stale = change(&add, &|_, _, version| *version = 0);
    assert_eq!(refused(&mut ledger, &stale), Rejection::StaleVersion(1));
    let forged = change(&add, &|add, _, _| add[0].proof[0] ^= 1);
    assert_eq!(refused(&mut ledger, &forged), Rejection::PossessionNotShown);
    let moved = change(&add, &|add, _, _| add[0].address.set_port(1));
    assert_eq!(refused(&mut ledger, &moved), Rejection::PossessionNotShown);
    let stranger = change(&none, &|_, remove, _| *remove = vec![[9; 32]]);
    assert_eq!(refused(&mut ledger, &stranger), Rejection::UnknownValidator);
    assert_eq!(refused(&mut ledger, &none), Rejection::NoValidators);

    let twice = change(&add, &|add, _, _| add.push(add[0].clone()));
    assert_eq!(twice.validate().unwrap_err().code(), "malformed");
    let both = change(&add, &|add, remove, _| remove.push(add[0].key));
    assert_eq!(both.validate().unwrap_err().code(), "malformed");
    let empty = change(&add, &|add, _, _| add.clear());
    assert_eq!(empty.validate().unwrap_err().code(), "malformed");

    let other = TestLedger::with_epochs("other", &[1, 2, 3, 4], EPOCH, NOW);
    let foreign = other.governed(&add);
    assert_eq!(ledger.apply(&foreign), Err(Rejection::WrongNetwork));
    assert_eq!(ledger.set().version, 1);
}

#[test]
fn a_change_needs_the_threshold_of_governors_as_they_are_now() {
    let mut ledger = ledger();
    let keys = [key(), key(), key()];
    let governors: Vec<_> = keys.iter().map(|key| key.public_key().clone()).collect();
    let operation = Operation::SetGovernors {
        governors,
        threshold: 2,
        version: 1,
    };
    let by_first = ledger.governed(&operation);
    ledger.apply(&by_first).unwrap();
    assert_eq!(ledger.apply(&by_first), Err(Rejection::BadSignature));

    let change = ledger.replace_validators(&[1, 2, 3, 4, 5]);
    let sign = |signers: &[(usize, &FileKey)]| {
        let signers: Vec<_> = signers
            .iter()
            .map(|(index, key)| OperationSigner::Kid(format!("governance#{index}"), *key))
            .collect();
        sign_operation(ledger.network(), &change, &signers).unwrap()
    };
    let one = sign(&[(0, &keys[0])]);
    let same_twice = sign(&[(0, &keys[0]), (0, &keys[0])]);
    let wrong_name = sign(&[(0, &keys[0]), (1, &keys[2])]);
    let former = sign(&[(0, ledger.governor()), (1, &keys[1])]);
    let enough = sign(&[(0, &keys[0]), (2, &keys[2])]);
    for too_few in [one, same_twice, wrong_name, former] {
        assert_eq!(ledger.apply(&too_few), Err(Rejection::BadSignature));
    }
    ledger.apply(&enough).unwrap();
}

#[test]
fn governors_are_a_set_with_a_threshold_within_it() {
    let public = || key().public_key().clone();
    let one = public();
    let code = |governors, threshold| {
        let operation = Operation::SetGovernors {
            governors,
            threshold,
            version: 1,
        };
        operation.validate().err().map(|error| error.code())
    };
    assert_eq!(code(vec![one.clone()], 1), None);
    assert_eq!(code(vec![one.clone()], 0), Some("malformed"));
    assert_eq!(code(vec![one.clone()], 2), Some("malformed"));
    assert_eq!(code(vec![], 0), Some("malformed"));
    assert_eq!(code(vec![one.clone(), one], 1), Some("malformed"));
    assert_eq!(code((0..17).map(|_| public()).collect(), 1), Some("limits"));
}

#[test]
fn reader_of_epoch_0_follows_two_changes_in_one_bundle() {
    let (mut ledger, trust, handovers) = changed_twice();
    let bundle = ledger.bundle(NOW).with_handovers(handovers);
    let read = jumin_registry::Bundle::from_bytes(&bundle.to_bytes()).unwrap();
    assert_eq!(read, bundle);
    let verified = read.verify(&trust).unwrap();
    assert_eq!(verified.trust(), &ledger.trust());
    // Who followed already needs no handovers, and takes no harm from them.
    assert!(read.verify(verified.trust()).is_ok());
    let Some(Record::Validators(set)) = ledger.record(&RecordKey::Validators) else {
        panic!("no validators");
    };
    assert_eq!(set.keys_at(u64::MAX), verified.trust().validators);
}

#[test]
fn truncated_reordered_and_mixed_handovers_are_refused() {
    let (mut ledger, trust, handovers) = changed_twice();
    let [first, second] = <[Handover; 2]>::try_from(handovers.clone()).unwrap();
    let bundle = ledger.bundle(NOW);
    let verify = |handovers: &[&Handover]| {
        let handovers = handovers.iter().map(|one| (*one).clone()).collect();
        bundle
            .clone()
            .with_handovers(handovers)
            .verify(&trust)
            .map(|_| ())
    };
    assert_eq!(verify(&[&first, &second]), Ok(()));
    assert!(matches!(verify(&[]), Err(BundleError::Checkpoint(_))));
    assert!(matches!(verify(&[&first]), Err(BundleError::Checkpoint(_))));
    assert!(matches!(verify(&[&second]), Err(BundleError::Handover(_))));
    for disorder in [[&second, &first], [&first, &first]] {
        assert_eq!(
            verify(&disorder),
            Err(BundleError::Handover(HandoverError::Unordered))
        );
    }
    let mut elsewhere = ledger_of_others();
    let foreign = elsewhere.hand_over(&[5, 6]);
    assert!(matches!(
        verify(&[&foreign, &second]),
        Err(BundleError::Handover(HandoverError::Checkpoint(_)))
    ));
    let mixed = Handover {
        validators: second.validators.clone(),
        ..first.clone()
    };
    assert_eq!(
        verify(&[&mixed, &second]),
        Err(BundleError::Handover(HandoverError::Validators))
    );
}

fn ledger_of_others() -> TestLedger {
    TestLedger::with_epochs("test", &[1, 2, 3, 4], EPOCH, NOW)
}

#[test]
fn certificates_of_other_epochs_and_non_members_are_refused() {
    let (mut ledger, trust, handovers) = changed_twice();
    let followed = trust.follow_all(&handovers).unwrap();
    let now = ledger.checkpoint(NOW);
    assert!(now.verify(&followed).is_ok());
    assert!(
        now.verify(&trust).is_err(),
        "validators that it doesn't know"
    );
    assert_eq!(
        handovers[0].checkpoint.verify(&followed),
        Err(CheckpointError::WrongEpoch),
        "those who left finalize nothing more"
    );
    let mut other_epoch = now.clone();
    other_epoch.certificate.epoch += 1;
    assert_eq!(
        other_epoch.verify(&followed),
        Err(CheckpointError::WrongEpoch)
    );
    let mut few = handovers[0].clone();
    few.checkpoint.certificate.signers = vec![1];
    few.checkpoint.certificate.signatures.truncate(1);
    assert_eq!(
        trust.follow(&few),
        Err(HandoverError::Checkpoint(CheckpointError::TooFewSigners))
    );
}

#[test]
fn a_header_in_mid_epoch_hands_over_to_nobody() {
    let mut ledger = ledger();
    let trust = ledger.trust();
    let idle = Handover {
        checkpoint: ledger.checkpoint(NOW),
        validators: trust.validators.clone(),
    };
    assert_eq!(trust.follow(&idle), Err(HandoverError::NoHandover));
}

#[test]
fn later_epochs_without_a_change_need_no_handover() {
    let mut ledger = ledger();
    let trust = ledger.trust();
    let later = (0..3 * EPOCH)
        .map(|_| ledger.checkpoint(NOW))
        .last()
        .unwrap();
    assert_eq!(later.header.epoch, 3);
    let verified = later.verify(&trust).unwrap();
    assert_eq!(trust.confirmed_by(&verified).epoch, trust.epoch);
}

#[test]
fn trust_that_was_not_confirmed_for_too_long_is_not_followed() {
    let mut ledger = ledger();
    let trust = ledger.trust();
    let later = NOW + TRUSTING_PERIOD;
    assert!(trust.require_recent(later).is_ok());
    let expired = trust.require_recent(later + 1).unwrap_err();
    assert_eq!((expired.code(), expired.days), ("trust_expired", 180));
    let checkpoint = ledger.checkpoint(later).verify(&trust).unwrap();
    let confirmed = trust.confirmed_by(&checkpoint);
    assert!(confirmed.require_recent(later + 1).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_flipped_byte_of_a_handover_is_believed(index in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut ledger = ledger();
        let trust = ledger.trust();
        let mut bytes = ledger.hand_over(&[3, 4, 5]).to_bytes();
        let at = index.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(handover) = Handover::from_bytes(&bytes) {
            prop_assert!(trust.follow(&handover).is_err());
        }
    }

    #[test]
    fn arbitrary_bytes_are_no_handover_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Handover::from_bytes(&bytes);
    }
}
