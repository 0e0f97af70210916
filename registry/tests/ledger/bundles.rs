use jumin_registry::{
    AnchorKind, Bundle, BundleError, Lookup, LookupRecord, MAX_BUNDLE_BYTES, RecordKey, Role,
    testing::TestLedger,
};

use super::{CARD, NOW};

fn bundle() -> (TestLedger, Bundle) {
    let mut ledger = TestLedger::with_validators("test", 4, NOW);
    let issuer = ledger.agency();
    ledger.accredit(&issuer.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    let list = "https://issuer.example/status/1";
    ledger.anchor(&issuer, AnchorKind::StatusList, list, 1, [1; 32], None);
    let bundle = ledger.bundle(NOW);
    (ledger, bundle)
}

#[test]
fn bundle_round_trips_and_answers_for_what_it_holds() {
    let (ledger, bundle) = bundle();
    let read = Bundle::from_bytes(&bundle.to_bytes()).unwrap();
    assert_eq!(read, bundle);
    let verified = read.verify(&ledger.trust()).unwrap();
    assert_eq!(verified.records().count(), 5);
    assert_eq!(
        verified.checkpoint().height(),
        bundle.checkpoint.header.height
    );
    for (key, record) in verified.records() {
        assert_eq!(verified.lookup(key), Lookup::Present(record.clone()));
    }
    let unknown = RecordKey::CredentialType(CARD.to_owned());
    assert_eq!(verified.lookup(&unknown), Lookup::Unknown);
}

#[test]
fn truncated_bundle_is_malformed() {
    let (_, bundle) = bundle();
    let bytes = bundle.to_bytes();
    for length in (0..bytes.len()).step_by(97) {
        assert_eq!(
            Bundle::from_bytes(&bytes[..length]),
            Err(BundleError::Malformed)
        );
    }
}

#[test]
fn reordered_or_repeated_records_are_refused() {
    let (ledger, bundle) = bundle();
    let mut reordered = bundle.clone();
    reordered.records.swap(0, 1);
    assert_eq!(
        reordered.verify(&ledger.trust()),
        Err(BundleError::Unordered)
    );
    let mut repeated = bundle;
    repeated.records.insert(1, repeated.records[0].clone());
    assert_eq!(
        repeated.verify(&ledger.trust()),
        Err(BundleError::Unordered)
    );
}

#[test]
fn one_forged_record_spoils_the_bundle() {
    let (ledger, bundle) = bundle();
    let mut forged = bundle.clone();
    forged.records[2].value = forged.records[1].value.clone();
    let error = forged.verify(&ledger.trust()).unwrap_err();
    assert_eq!(error.code(), "proof_invalid");
    let mut swapped = bundle;
    let key = swapped.records[0].key.clone();
    swapped.records[0].key = swapped.records[1].key.clone();
    swapped.records[1].key = key;
    assert!(swapped.verify(&ledger.trust()).is_err());
}

#[test]
fn bundle_of_another_network_is_refused() {
    let (_, foreign) = bundle();
    let (ledger, _) = bundle();
    assert_eq!(
        foreign.verify(&ledger.trust()).unwrap_err().code(),
        "signature_invalid"
    );
}

#[test]
fn records_of_an_older_checkpoint_are_refused() {
    let (mut ledger, old) = bundle();
    ledger.agency();
    let mut mixed = ledger.bundle(NOW);
    mixed.records[0] = old.records[0].clone();
    assert_eq!(
        mixed.verify(&ledger.trust()).unwrap_err().code(),
        "proof_invalid"
    );
}

#[test]
fn oversized_bundle_is_refused_before_parsing() {
    let bytes = vec![b' '; MAX_BUNDLE_BYTES + 1];
    assert_eq!(Bundle::from_bytes(&bytes), Err(BundleError::TooLarge));
}
