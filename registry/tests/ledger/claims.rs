//! Which claims an accredited verifier may ask for.

use jumin_identity::{ClaimPath, PathSegment};
use jumin_registry::{
    AccreditationError, Accreditor, Claims, Localized, Operation, Rejection, Role,
    accredited_claims_at,
    testing::{TestAgency, TestLedger},
};

use super::{CARD, NOW};

fn path(names: &[&str]) -> ClaimPath {
    let names = names
        .iter()
        .map(|name| PathSegment::Name((*name).to_owned()));
    ClaimPath(names.collect())
}

fn only(paths: &[&[&str]]) -> Claims {
    Claims::Only(paths.iter().map(|names| path(names)).collect())
}

fn accredit(by: Accreditor, subject: &TestAgency, role: Role, claims: Claims) -> Operation {
    Operation::Accredit {
        accreditor: by,
        subject: subject.did.clone(),
        role,
        name: Localized {
            ko: "도서관".into(),
            en: "Library".into(),
        },
        types: vec![CARD.to_owned()],
        claims,
        from: NOW,
        until: NOW + 1000,
        version: 0,
    }
}

#[test]
fn what_a_verifier_asks_beyond_its_accreditation_is_listed() {
    let mut ledger = TestLedger::new(NOW);
    let library = ledger.agency();
    let claims = only(&[&["name"], &["address"]]);
    let operation = accredit(Accreditor::Governance, &library, Role::Verifier, claims);
    ledger.apply(&ledger.governed(&operation)).unwrap();
    let trust = ledger.trust();
    let view = ledger.bundle(NOW).verify(&trust).unwrap();
    let allowed = accredited_claims_at(&view, &library.did, CARD, NOW).unwrap();
    let asked = [
        path(&["name"]),
        path(&["address", "sido"]),
        path(&["birthdate"]),
    ];
    assert_eq!(allowed.beyond(&asked), vec![path(&["birthdate"])]);
    assert!(allowed.beyond(&asked[..2]).is_empty());
}

#[test]
fn an_accreditor_lets_verifiers_ask_for_no_more_than_it_may() {
    let mut ledger = TestLedger::new(NOW);
    let (city, office) = (ledger.agency(), ledger.agency());
    let claims = only(&[&["name"], &["address"]]);
    let operation = accredit(Accreditor::Governance, &city, Role::Accreditor, claims);
    ledger.apply(&ledger.governed(&operation)).unwrap();
    let by_city = |claims| {
        let by = Accreditor::Did(city.did.clone());
        city.sign(&accredit(by, &office, Role::Verifier, claims))
    };
    for more in [Claims::Any, only(&[&["name"], &["birthdate"]])] {
        let refused = ledger.apply(&by_city(more));
        assert_eq!(refused, Err(Rejection::OutsideParent));
    }
    ledger
        .apply(&by_city(only(&[&["address", "sido"]])))
        .unwrap();
}

#[test]
fn grants_of_one_verifier_add_up() {
    let mut ledger = TestLedger::new(NOW);
    let library = ledger.agency();
    let mut grant = |claims, version| {
        let mut operation = accredit(Accreditor::Governance, &library, Role::Verifier, claims);
        if let Operation::Accredit { version: own, .. } = &mut operation {
            *own = version;
        }
        ledger.apply(&ledger.governed(&operation)).unwrap();
    };
    grant(only(&[&["name"]]), 0);
    grant(only(&[&["address"], &["name"]]), 1);
    let trust = ledger.trust();
    let view = ledger.bundle(NOW).verify(&trust).unwrap();
    let allowed = accredited_claims_at(&view, &library.did, CARD, NOW);
    assert_eq!(allowed, Ok(only(&[&["address"], &["name"]])));
    let of_another_type = accredited_claims_at(&view, &library.did, "urn:other", NOW);
    assert_eq!(of_another_type, Err(AccreditationError::NotAccredited));
}

#[test]
fn accreditor_of_some_claims_accredits_issuers_all_the_same() {
    let mut ledger = TestLedger::new(NOW);
    let (city, office) = (ledger.agency(), ledger.agency());
    let claims = only(&[&["name"]]);
    let operation = accredit(Accreditor::Governance, &city, Role::Accreditor, claims);
    ledger.apply(&ledger.governed(&operation)).unwrap();
    let by = Accreditor::Did(city.did.clone());
    let issuer = accredit(by, &office, Role::Issuer, Claims::Any);
    ledger.apply(&city.sign(&issuer)).unwrap();
}

#[test]
fn claims_are_explicit() {
    let ledger_agency = TestLedger::new(NOW).agency();
    let code = |role, claims| {
        let operation = accredit(Accreditor::Governance, &ledger_agency, role, claims);
        operation.validate().err().map(|error| error.code())
    };
    assert_eq!(code(Role::Verifier, Claims::Any), None);
    assert_eq!(code(Role::Verifier, only(&[])), Some("malformed"));
    assert_eq!(
        code(Role::Verifier, only(&[&["a"], &["a"]])),
        Some("malformed")
    );
    assert_eq!(code(Role::Issuer, only(&[&["a"]])), Some("malformed"));
    let any = serde_json::to_value(Claims::Any).unwrap();
    assert_eq!(any, "any");
    let list = serde_json::json!([["address", "sido"]]);
    let read: Claims = serde_json::from_value(list.clone()).unwrap();
    assert_eq!(read, only(&[&["address", "sido"]]));
    assert_eq!(serde_json::to_value(read).unwrap(), list);
    assert!(serde_json::from_str::<Claims>("\"all\"").is_err());
}
