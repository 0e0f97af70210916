use jumin_registry::{
    Accreditor, AnchorKind, Operation, Record, RecordKey, Rejection, Role,
    testing::{TestAgency, TestLedger},
};

use super::{CARD, NOW, REGISTER};

const LIST: &str = "https://issuer.example/status/1";
const INTEGRITY: &str = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";

fn issuer() -> (TestLedger, TestAgency) {
    let mut ledger = TestLedger::new(NOW);
    let issuer = ledger.agency();
    ledger.accredit(&issuer.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    (ledger, issuer)
}

fn anchor(issuer: &TestAgency, version: u64, next_update: Option<u64>) -> Operation {
    Operation::Anchor {
        issuer: issuer.did.clone(),
        kind: AnchorKind::StatusList,
        name: LIST.to_owned(),
        version,
        sha256: [version as u8; 32],
        next_update,
    }
}

fn type_anchor(by: Accreditor, vct: &str, version: u64) -> Operation {
    let (vct, integrity) = (vct.to_owned(), INTEGRITY.to_owned());
    Operation::AnchorCredentialType {
        by,
        vct,
        integrity,
        version,
    }
}

#[test]
fn anchored_versions_only_increase() {
    let (mut ledger, issuer) = issuer();
    ledger.anchor(
        &issuer,
        AnchorKind::StatusList,
        LIST,
        5,
        [5; 32],
        Some(NOW + 60),
    );
    for version in [0, 4, 5] {
        let signed = issuer.sign(&anchor(&issuer, version, None));
        assert_eq!(ledger.apply(&signed), Err(Rejection::NotIncreasing(5)));
    }
    ledger.anchor(&issuer, AnchorKind::StatusList, LIST, 9, [9; 32], None);
    let key = RecordKey::Anchor {
        issuer: issuer.did.clone(),
        kind: AnchorKind::StatusList,
        name: LIST.to_owned(),
    };
    let Some(Record::Anchor(record)) = ledger.record(&key) else {
        panic!("no anchor")
    };
    assert_eq!((record.version, record.sha256), (9, [9; 32]));
}

#[test]
fn first_anchor_needs_accreditation_and_later_ones_do_not() {
    let (mut ledger, issuer) = issuer();
    ledger.anchor(&issuer, AnchorKind::StatusList, LIST, 1, [1; 32], None);
    ledger.end_accreditation(&issuer.did, Role::Issuer, 1);
    let again = issuer.sign(&anchor(&issuer, 2, None));
    ledger.set_time(NOW + 59);
    let refused = ledger.apply(&again).unwrap_err();
    assert_eq!(refused, Rejection::TooSoon(NOW + 60));
    assert_eq!(refused.code(), "too_soon");
    ledger.set_time(NOW + 60);
    ledger.apply(&again).unwrap();
    let another = Operation::Anchor {
        issuer: issuer.did.clone(),
        kind: AnchorKind::Dictionary,
        name: CARD.to_owned(),
        version: 1,
        sha256: [1; 32],
        next_update: None,
    };
    assert_eq!(
        ledger.apply(&issuer.sign(&another)),
        Err(Rejection::NotAccredited)
    );
}

#[test]
fn stranger_anchors_nothing() {
    let (mut ledger, issuer) = issuer();
    let stranger = ledger.agency();
    let own = stranger.sign(&anchor(&stranger, 1, None));
    assert_eq!(ledger.apply(&own), Err(Rejection::NotAccredited));
    let others = stranger.sign(&anchor(&issuer, 1, None));
    assert_eq!(ledger.apply(&others), Err(Rejection::BadSignature));
}

#[test]
fn deactivated_issuer_anchors_nothing() {
    let (mut ledger, issuer) = issuer();
    ledger.deactivate(&issuer);
    let signed = issuer.sign(&anchor(&issuer, 1, None));
    assert_eq!(ledger.apply(&signed), Err(Rejection::Deactivated));
}

#[test]
fn anchor_due_in_the_past_is_malformed() {
    let (mut ledger, issuer) = issuer();
    let signed = issuer.sign(&anchor(&issuer, 1, Some(NOW)));
    assert_eq!(ledger.apply(&signed).unwrap_err().code(), "malformed");
}

#[test]
fn names_that_are_not_visible_ascii_are_malformed() {
    let (_, issuer) = issuer();
    for name in ["", "a b", "목록", "a\n", &"a".repeat(257)] {
        let mut operation = anchor(&issuer, 1, None);
        if let Operation::Anchor { name: anchored, .. } = &mut operation {
            *anchored = name.to_owned();
        }
        assert_eq!(operation.validate().unwrap_err().code(), "malformed");
    }
    for integrity in [
        "",
        "sha256-",
        "sha384-AAAA",
        "sha256-AAAA",
        "md5-1B2M2Y8AsgTpgAmY7PhCfg==",
    ] {
        let mut operation = type_anchor(Accreditor::Governance, CARD, 0);
        if let Operation::AnchorCredentialType {
            integrity: anchored,
            ..
        } = &mut operation
        {
            *anchored = integrity.to_owned();
        }
        assert_eq!(operation.validate().unwrap_err().code(), "malformed");
    }
}

#[test]
fn credential_type_changes_with_its_version() {
    let (mut ledger, _) = issuer();
    ledger.anchor_type(CARD, INTEGRITY);
    let again = ledger.governed(&type_anchor(Accreditor::Governance, CARD, 0));
    assert_eq!(ledger.apply(&again), Err(Rejection::StaleVersion(1)));
    let next = ledger.governed(&type_anchor(Accreditor::Governance, CARD, 1));
    ledger.apply(&next).unwrap();
}

#[test]
fn accreditor_anchors_types_of_its_grant_and_leaves_governances_alone() {
    let (mut ledger, issuer) = issuer();
    let province = ledger.agency();
    ledger.accredit(&province.did, Role::Accreditor, &[CARD], NOW, NOW + 100);
    let by = Accreditor::Did(province.did.clone());
    ledger
        .apply(&province.sign(&type_anchor(by.clone(), CARD, 0)))
        .unwrap();
    let outside = province.sign(&type_anchor(by.clone(), REGISTER, 0));
    assert_eq!(ledger.apply(&outside), Err(Rejection::NotAccredited));
    ledger
        .apply(&ledger.governed(&type_anchor(Accreditor::Governance, CARD, 1)))
        .unwrap();
    let taking_back = province.sign(&type_anchor(by, CARD, 2));
    assert_eq!(ledger.apply(&taking_back), Err(Rejection::NotAccredited));
    let by_issuer = issuer.sign(&type_anchor(
        Accreditor::Did(issuer.did.clone()),
        REGISTER,
        0,
    ));
    assert_eq!(ledger.apply(&by_issuer), Err(Rejection::NotAccredited));
}
