use jumin_registry::{
    AnchorKind, ProofError, Record, RecordKey, Role, VerifiedCheckpoint,
    testing::{TestAgency, TestLedger},
};

use super::{CARD, NOW};

fn populated() -> (TestLedger, Vec<TestAgency>, VerifiedCheckpoint) {
    let mut ledger = TestLedger::new(NOW);
    let agencies: Vec<_> = (0..24).map(|_| ledger.agency()).collect();
    for agency in &agencies {
        ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    }
    let checkpoint = ledger.checkpoint(NOW).verify(&ledger.trust()).unwrap();
    (ledger, agencies, checkpoint)
}

fn absent_keys(agencies: &[TestAgency]) -> impl Iterator<Item = RecordKey> {
    agencies.iter().flat_map(|agency| {
        [Role::Verifier, Role::Accreditor].map(|role| RecordKey::Accreditation {
            subject: agency.did.clone(),
            role,
        })
    })
}

#[test]
fn every_record_is_proven_present_and_every_other_absent() {
    let (ledger, agencies, checkpoint) = populated();
    for agency in &agencies {
        let key = RecordKey::Did(agency.did.clone());
        let proven = ledger.prove(&key).verify(&key, &checkpoint).unwrap();
        assert_eq!(proven, ledger.record(&key));
        assert!(matches!(proven, Some(Record::Did(_))));
    }
    for key in absent_keys(&agencies) {
        assert_eq!(ledger.prove(&key).verify(&key, &checkpoint), Ok(None));
    }
}

#[test]
fn proof_of_another_record_is_refused() {
    let (ledger, agencies, checkpoint) = populated();
    let [one, other] = [0, 1].map(|n: usize| RecordKey::Did(agencies[n].did.clone()));
    let proven = ledger.prove(&one);
    assert_eq!(
        proven.verify(&other, &checkpoint),
        Err(ProofError::WrongKey)
    );
    let mut renamed = proven;
    renamed.key = other.clone();
    assert_eq!(
        renamed.verify(&other, &checkpoint),
        Err(ProofError::Invalid)
    );
}

#[test]
fn absence_proof_does_not_hide_a_record() {
    let (ledger, agencies, checkpoint) = populated();
    let present: Vec<_> = agencies
        .iter()
        .map(|agency| RecordKey::Did(agency.did.clone()))
        .collect();
    for absent in absent_keys(&agencies) {
        let proof = ledger.prove(&absent);
        for key in &present {
            // With the key flipped to a present one, and asked for as such.
            let mut flipped = proof.clone();
            flipped.key = key.clone();
            assert!(flipped.verify(key, &checkpoint).is_err());
            // With the present record's own path, but without its value.
            let mut emptied = ledger.prove(key);
            emptied.value = None;
            assert_eq!(emptied.verify(key, &checkpoint), Err(ProofError::Invalid));
        }
    }
}

#[test]
fn absence_proof_is_no_answer_to_another_question() {
    let (ledger, agencies, checkpoint) = populated();
    let absent: Vec<_> = absent_keys(&agencies).collect();
    let proof = ledger.prove(&absent[0]);
    assert_eq!(
        proof.verify(&absent[1], &checkpoint),
        Err(ProofError::WrongKey)
    );
}

#[test]
fn forged_value_is_refused() {
    let (ledger, agencies, checkpoint) = populated();
    let key = RecordKey::Did(agencies[0].did.clone());
    let mut forged = ledger.prove(&key);
    forged.value = ledger.prove(&RecordKey::Did(agencies[1].did.clone())).value;
    assert_eq!(forged.verify(&key, &checkpoint), Err(ProofError::Invalid));
    let mut invented = ledger.prove(&absent_keys(&agencies).next().unwrap());
    invented.value = Some(b"{}".to_vec());
    assert_eq!(
        invented.verify(&invented.key, &checkpoint),
        Err(ProofError::Invalid)
    );
}

#[test]
fn every_flipped_bit_of_a_proof_is_noticed() {
    let (ledger, agencies, checkpoint) = populated();
    let present = RecordKey::Did(agencies[0].did.clone());
    let absent = absent_keys(&agencies).next().unwrap();
    for key in [present, absent] {
        let proven = ledger.prove(&key);
        for bit in 0..proven.proof.len() * 8 {
            let mut forged = proven.clone();
            forged.proof[bit / 8] ^= 1 << (bit % 8);
            assert!(forged.verify(&key, &checkpoint).is_err(), "bit {bit}");
        }
        for length in 0..proven.proof.len() {
            let mut cut = proven.clone();
            cut.proof.truncate(length);
            assert!(cut.verify(&key, &checkpoint).is_err());
        }
    }
}

#[test]
fn old_proof_does_not_hold_at_a_newer_checkpoint() {
    let (mut ledger, agencies, _) = populated();
    let key = RecordKey::Accreditation {
        subject: agencies[0].did.clone(),
        role: Role::Issuer,
    };
    let before = ledger.prove(&key);
    ledger.end_accreditation(&agencies[0].did, Role::Issuer, 1);
    let after = ledger.checkpoint(NOW).verify(&ledger.trust()).unwrap();
    assert_eq!(before.verify(&key, &after), Err(ProofError::Invalid));
    assert!(ledger.prove(&key).verify(&key, &after).unwrap().is_some());
}

#[test]
fn proof_at_a_hundred_records_is_below_half_a_kilobyte() {
    let mut ledger = TestLedger::new(NOW);
    let issuer = ledger.agency();
    ledger.accredit(&issuer.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    for list in 0..100 {
        let name = format!("https://issuer.example/status/{list}");
        ledger.anchor(&issuer, AnchorKind::StatusList, &name, 1, [1; 32], None);
    }
    let proof = ledger.prove(&RecordKey::Did(issuer.did)).proof;
    assert!(proof.len() < 512, "{} bytes", proof.len());
}
