//! Operations that come again. A node that fetched the state doesn't know which operations made it, so the state alone must
//! refuse each of them for ever: else it would accept a block that the others refuse.

use jumin_identity::Signer as _;
use jumin_registry::{
    Accreditor, AnchorKind, Claims, Localized, Operation, OperationSigner, Role, SignedOperation,
    sign_operation,
    testing::{TestAgency, TestLedger, document},
};

use super::{CARD, NOW, key, update};

fn accredit(subject: &jumin_identity::Did, version: u64) -> Operation {
    Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: subject.clone(),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno-gu".into(),
        },
        types: vec![CARD.into()],
        claims: Claims::Any,
        from: NOW,
        until: NOW + 1_000,
        version,
    }
}

fn anchor(agency: &TestAgency, version: u64) -> SignedOperation {
    agency.sign(&Operation::Anchor {
        issuer: agency.did.clone(),
        kind: AnchorKind::StatusList,
        name: "https://issuer.example/status/1".into(),
        version,
        sha256: [3; 32],
        next_update: None,
    })
}

/// Signs an operation of each kind, in an order in which the ledger accepts them.
fn each_kind(ledger: &TestLedger) -> Vec<SignedOperation> {
    let first = key();
    let described = document(&first, NOW);
    let prepared = ledger.prepare(first, described);
    let agency = prepared.agency;
    let did = agency.did.clone();
    let end = Operation::EndAccreditation {
        accreditor: Accreditor::Governance,
        subject: did.clone(),
        role: Role::Issuer,
        grant: 1,
        version: 1,
    };
    let credential_type = Operation::AnchorCredentialType {
        by: Accreditor::Governance,
        vct: CARD.into(),
        integrity: format!("sha256-{}=", "A".repeat(43)),
        version: 0,
    };
    let next = key();
    let thumbprint = next.public_key().thumbprint();
    let updated = update(ledger, &agency, 1, &agency.next, thumbprint);
    let deactivate = Operation::DeactivateDid {
        did: did.clone(),
        version: 2,
    };
    let deactivate = sign_operation(
        ledger.network(),
        &deactivate,
        &[OperationSigner::Jwk(&next)],
    );
    let kept = ledger.governor().public_key().clone();
    let governors = Operation::SetGovernors {
        governors: vec![kept, key().public_key().clone()],
        threshold: 1,
        version: 1,
    };
    vec![
        ledger.governed(&accredit(&did, 0)),
        prepared.creation,
        anchor(&agency, 7),
        updated,
        ledger.governed(&end),
        ledger.governed(&credential_type),
        deactivate.unwrap(),
        ledger.governed(&ledger.replace_validators(&[1, 2, 3, 4, 5])),
        ledger.governed(&governors),
    ]
}

#[test]
fn operation_of_every_kind_is_refused_by_the_state_alone_when_it_comes_again() {
    let mut ledger = TestLedger::with_epochs("test", &[1, 2, 3, 4], 1_000, NOW);
    let operations = each_kind(&ledger);
    for (index, operation) in operations.iter().enumerate() {
        assert_eq!(ledger.apply(operation), Ok(()), "operation {index}");
        assert!(
            ledger.apply(operation).is_err(),
            "operation {index}, at once"
        );
    }
    // Nor does anything that came after it let one in again, at its own time or later.
    for now in [NOW, NOW + 500, NOW + 5_000] {
        ledger.set_time(now);
        for (index, operation) in operations.iter().enumerate() {
            let replayed = ledger.apply(operation);
            assert!(
                replayed.is_err_and(|error| error.is_verdict()),
                "operation {index}"
            );
        }
    }
}
