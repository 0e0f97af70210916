use jumin_identity::Signer;
use jumin_registry::{
    Accreditor, Claims, Localized, Operation, OperationSigner, Purpose, RecordKey, Rejection, Role,
    sign_operation,
    testing::{PreparedAgency, TestLedger, document},
};
use serde_json::json;

use super::{CARD, NOW, did_record, key, update};

#[test]
fn created_did_is_the_hash_of_its_creation() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    let record = did_record(&ledger, &agency.did);
    assert_eq!(record.version, 1);
    assert_eq!((record.updated, record.height), (NOW, 1));
    assert_eq!(agency.did.network().to_string(), "test");
}

#[test]
fn creation_is_refused_the_second_time() {
    let mut ledger = TestLedger::new(NOW);
    let office = prepare(&ledger);
    let did = &office.agency.did;
    ledger.accredit(did, Role::Issuer, &[CARD], NOW, NOW + 100);
    ledger.apply(&office.creation).unwrap();
    let record = did_record(&ledger, did);
    assert_eq!((record.version, record.height), (1, 2));
    assert_eq!(ledger.apply(&office.creation), Err(Rejection::Exists));
}

fn prepare(ledger: &TestLedger) -> PreparedAgency {
    let signer = key();
    let document = document(&signer, NOW);
    ledger.prepare(signer, document)
}

#[test]
fn nobody_creates_a_did_whom_nobody_accredited() {
    let mut ledger = TestLedger::new(NOW);
    let (office, other) = (prepare(&ledger), prepare(&ledger));
    let did = &other.agency.did;
    ledger.accredit(did, Role::Issuer, &[CARD], NOW, NOW + 100);
    let refused = ledger.apply(&office.creation).unwrap_err();
    assert_eq!(refused, Rejection::NotAwaited);
    assert_eq!(refused.code(), "not_accredited");
    assert!(refused.to_string().contains("have it accredited first"));
    assert_eq!(
        ledger.record(&RecordKey::Did(office.agency.did.clone())),
        None
    );
}

#[test]
fn any_role_lets_its_subject_create_its_did_also_one_that_begins_later() {
    for role in Role::ALL {
        let mut ledger = TestLedger::new(NOW);
        let office = prepare(&ledger);
        let did = &office.agency.did;
        ledger.accredit(did, role, &[CARD], NOW + 50, NOW + 100);
        ledger.apply(&office.creation).unwrap();
    }
}

#[test]
fn accreditation_that_ended_or_ran_out_creates_no_did() {
    let mut ledger = TestLedger::new(NOW);
    let (ended, past) = (prepare(&ledger), prepare(&ledger));
    let did = &ended.agency.did;
    let grant = ledger.accredit(did, Role::Verifier, &[], NOW, NOW + 100);
    ledger.end_accreditation(did, Role::Verifier, grant);
    ledger.accredit(&past.agency.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    assert_eq!(ledger.apply(&ended.creation), Err(Rejection::NotAwaited));
    ledger.set_time(NOW + 100);
    assert_eq!(ledger.apply(&past.creation), Err(Rejection::NotAwaited));
    ledger.set_time(NOW + 99);
    ledger.apply(&past.creation).unwrap();
    ledger.accredit(did, Role::Verifier, &[], NOW, NOW + 100);
    ledger.apply(&ended.creation).unwrap();
}

#[test]
fn accreditor_that_lost_its_own_lets_nobody_create_a_did() {
    let mut ledger = TestLedger::new(NOW);
    let (city, office) = (ledger.agency(), prepare(&ledger));
    let grant = ledger.accredit(&city.did, Role::Accreditor, &[CARD], NOW, NOW + 100);
    let operation = Operation::Accredit {
        accreditor: Accreditor::Did(city.did.clone()),
        subject: office.agency.did.clone(),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno".into(),
        },
        types: vec![CARD.to_owned()],
        claims: Claims::Any,
        from: NOW,
        until: NOW + 100,
        version: 0,
    };
    ledger.apply(&city.sign(&operation)).unwrap();
    ledger.end_accreditation(&city.did, Role::Accreditor, grant);
    assert_eq!(ledger.apply(&office.creation), Err(Rejection::NotAwaited));
    ledger.accredit(&city.did, Role::Accreditor, &[CARD], NOW, NOW + 100);
    assert_eq!(
        ledger.apply(&office.creation),
        Err(Rejection::NotAwaited),
        "what hung below the ended grant does not stand up again"
    );
}

#[test]
fn update_by_the_committed_key_rotates_to_the_next() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    let third = key();
    let signed = update(
        &ledger,
        &agency,
        1,
        &agency.next,
        third.public_key().thumbprint(),
    );
    ledger.apply(&signed).unwrap();
    assert_eq!(did_record(&ledger, &agency.did).version, 2);

    let by_used_key = update(
        &ledger,
        &agency,
        2,
        &agency.next,
        key().public_key().thumbprint(),
    );
    assert_eq!(ledger.apply(&by_used_key), Err(Rejection::BadSignature));
    let by_third = update(&ledger, &agency, 2, &third, key().public_key().thumbprint());
    ledger.apply(&by_third).unwrap();
}

#[test]
fn stolen_signing_key_cannot_take_the_did() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    let thief = key();
    let theft = update(
        &ledger,
        &agency,
        1,
        &agency.key,
        thief.public_key().thumbprint(),
    );
    assert_eq!(ledger.apply(&theft), Err(Rejection::BadSignature));
    let end = Operation::DeactivateDid {
        did: agency.did.clone(),
        version: 1,
    };
    let end = sign_operation(ledger.network(), &end, &[OperationSigner::Jwk(&agency.key)]).unwrap();
    assert_eq!(ledger.apply(&end), Err(Rejection::BadSignature));
}

#[test]
fn committing_to_the_signing_key_again_is_refused() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    let signed = update(
        &ledger,
        &agency,
        1,
        &agency.next,
        agency.next.public_key().thumbprint(),
    );
    assert_eq!(ledger.apply(&signed), Err(Rejection::KeyReused));
}

#[test]
fn replayed_update_has_no_effect() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    let signed = update(
        &ledger,
        &agency,
        1,
        &agency.next,
        key().public_key().thumbprint(),
    );
    ledger.apply(&signed).unwrap();
    assert_eq!(ledger.apply(&signed), Err(Rejection::StaleVersion(2)));
}

#[test]
fn update_of_another_version_is_stale() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    for version in [0, 2, u64::MAX] {
        let signed = update(&ledger, &agency, version, &agency.next, [7; 32]);
        assert_eq!(ledger.apply(&signed), Err(Rejection::StaleVersion(1)));
    }
}

#[test]
fn unknown_did_is_not_updated() {
    let mut ledger = TestLedger::new(NOW);
    let stranger = TestLedger::new(NOW).agency();
    let signed = update(&ledger, &stranger, 1, &stranger.next, [7; 32]);
    assert_eq!(ledger.apply(&signed), Err(Rejection::UnknownDid));
}

#[test]
fn deactivated_did_keeps_its_document_and_takes_no_more_operations() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.set_time(NOW + 5);
    ledger.deactivate(&agency);
    let record = did_record(&ledger, &agency.did);
    assert_eq!(record.deactivated, Some(NOW + 5));
    assert!(record.is_active_at(NOW + 4) && !record.is_active_at(NOW + 5));
    assert!(
        record
            .document
            .key_at("key-1", Purpose::AssertionMethod, NOW)
            .is_some()
    );

    let signed = update(&ledger, &agency, 2, &agency.next, [7; 32]);
    assert_eq!(ledger.apply(&signed), Err(Rejection::Deactivated));
}

#[test]
fn operation_for_another_network_is_refused() {
    let mut ledger = TestLedger::new(NOW);
    let mut other = TestLedger::with_validators("other", 1, NOW);
    let agency = other.agency();
    let foreign = update(&other, &agency, 1, &agency.next, [7; 32]);
    assert_eq!(ledger.apply(&foreign), Err(Rejection::WrongNetwork));
    let foreign_did = update(&ledger, &agency, 1, &agency.next, [7; 32]);
    assert_eq!(ledger.apply(&foreign_did), Err(Rejection::WrongNetwork));
}

#[test]
fn key_is_found_only_for_its_purpose_and_period() {
    let signer = key();
    let mut document = document(&signer, NOW);
    document.verification_methods[0].valid_until = Some(NOW + 10);
    document.verification_methods[0].purposes = vec![Purpose::AssertionMethod];
    let found = |purpose, at| document.key_at("key-1", purpose, at).is_some();
    assert!(found(Purpose::AssertionMethod, NOW) && found(Purpose::AssertionMethod, NOW + 9));
    assert!(!found(Purpose::AssertionMethod, NOW - 1));
    assert!(!found(Purpose::AssertionMethod, NOW + 10));
    assert!(!found(Purpose::Authentication, NOW));
    assert!(
        document
            .key_at("key-2", Purpose::AssertionMethod, NOW)
            .is_none()
    );
}

#[test]
fn did_core_document_lists_keys_by_purpose() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    let document = did_record(&ledger, &agency.did)
        .document
        .to_did_core(&agency.did);
    let url = agency.kid().to_string();
    assert_eq!(document["id"], json!(agency.did));
    assert_eq!(document["verificationMethod"][0]["id"], json!(url));
    assert_eq!(
        document["verificationMethod"][0]["publicKeyJwk"],
        json!(agency.key.public_key().to_jwk())
    );
    for purpose in ["assertionMethod", "authentication", "capabilityInvocation"] {
        assert_eq!(document[purpose], json!([url]));
    }
}
