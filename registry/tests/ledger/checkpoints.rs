use jumin_registry::{
    Certificate, Checkpoint, CheckpointError, CheckpointStale, Header, quorum, testing::TestLedger,
    validator_set_hash,
};

use super::NOW;

fn four() -> TestLedger {
    let mut ledger = TestLedger::with_validators("test", 4, NOW);
    ledger.agency();
    ledger
}

#[test]
fn quorum_is_all_but_a_third_rounded_down() {
    let quorums = [
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 3),
        (7, 5),
        (10, 7),
        (13, 9),
        (256, 171),
    ];
    for (validators, signers) in quorums {
        assert_eq!(quorum(validators), signers);
    }
}

#[test]
fn quorum_of_validators_finalizes() {
    let mut ledger = four();
    let checkpoint = ledger.checkpoint(NOW + 7);
    let verified = checkpoint.verify(&ledger.trust()).unwrap();
    assert_eq!(
        (verified.height(), verified.time_ms()),
        (2, (NOW + 7) * 1000)
    );
    assert_eq!(
        ledger.finalize(&[3, 1, 0]).verify(&ledger.trust()),
        Ok(verified)
    );
    let bytes = checkpoint.to_bytes();
    assert_eq!(Checkpoint::from_bytes(&bytes), Ok(checkpoint));
}

#[test]
fn too_few_signers_finalize_nothing() {
    let ledger = four();
    for signers in [&[][..], &[0], &[0, 1], &[2, 3]] {
        let error = ledger
            .finalize(signers)
            .verify(&ledger.trust())
            .unwrap_err();
        assert_eq!(error, CheckpointError::TooFewSigners);
    }
}

#[test]
fn certificate_of_another_network_is_refused() {
    let (mut ledger, mut other) = (four(), TestLedger::with_validators("other", 4, NOW));
    let foreign = other.checkpoint(NOW);
    assert_eq!(
        foreign.verify(&ledger.trust()),
        Err(CheckpointError::WrongNetwork)
    );

    let mut renamed = foreign;
    renamed.header.network = ledger.network().clone();
    assert_eq!(
        renamed.verify(&ledger.trust()),
        Err(CheckpointError::SignatureInvalid)
    );

    // The same name and the same validators, another genesis.
    let twin = four().checkpoint(NOW);
    assert_eq!(
        twin.verify(&ledger.trust()),
        Err(CheckpointError::SignatureInvalid)
    );
    ledger.checkpoint(NOW).verify(&ledger.trust()).unwrap();
}

#[test]
fn other_header_under_a_certificate_is_refused() {
    let mut ledger = four();
    let checkpoint = ledger.checkpoint(NOW);
    let changes: [fn(&mut Header); 5] = [
        |header| header.height += 1,
        |header| header.time_ms += 1,
        |header| header.state_root[0] ^= 1,
        |header| header.next_validators[31] ^= 1,
        |header| header.body_hash[5] ^= 1,
    ];
    for change in changes {
        let mut forged = checkpoint.clone();
        change(&mut forged.header);
        let error = forged.verify(&ledger.trust()).unwrap_err();
        assert_eq!(error, CheckpointError::SignatureInvalid);
    }
}

#[test]
fn other_round_under_the_signatures_is_refused() {
    let mut ledger = four();
    let checkpoint = ledger.checkpoint(NOW);
    let mut forged = checkpoint.clone();
    forged.certificate.view += 1;
    assert_eq!(
        forged.verify(&ledger.trust()),
        Err(CheckpointError::SignatureInvalid)
    );
    forged = checkpoint.clone();
    forged.certificate.parent_view = 0;
    assert_eq!(
        forged.verify(&ledger.trust()),
        Err(CheckpointError::SignatureInvalid)
    );
    forged = checkpoint.clone();
    forged.certificate.epoch = 1;
    assert_eq!(
        forged.verify(&ledger.trust()),
        Err(CheckpointError::WrongEpoch)
    );
    forged = checkpoint;
    forged.header.epoch = 1;
    assert_eq!(
        forged.verify(&ledger.trust()),
        Err(CheckpointError::WrongEpoch)
    );
}

#[test]
fn signature_credited_to_another_validator_is_refused() {
    let ledger = four();
    let mut forged = ledger.finalize(&[0, 1, 2]);
    forged.certificate.signers = vec![0b1011];
    assert_eq!(
        forged.verify(&ledger.trust()),
        Err(CheckpointError::SignatureInvalid)
    );
    let mut swapped = ledger.finalize(&[0, 1, 2]);
    swapped.certificate.signatures.swap(0, 1);
    assert_eq!(
        swapped.verify(&ledger.trust()),
        Err(CheckpointError::SignatureInvalid)
    );
}

#[test]
fn one_invalid_signature_beside_a_quorum_is_refused() {
    let ledger = four();
    let mut forged = ledger.finalize(&[0, 1, 2, 3]);
    forged.certificate.signatures[3][0] ^= 1;
    assert_eq!(
        forged.verify(&ledger.trust()),
        Err(CheckpointError::SignatureInvalid)
    );
}

#[test]
fn certificate_of_another_committee_is_refused() {
    let mut ledger = four();
    let checkpoint = ledger.checkpoint(NOW);
    let mut fewer = ledger.trust();
    fewer.validators.pop();
    assert_eq!(
        checkpoint.verify(&fewer),
        Err(CheckpointError::NotThisCommittee)
    );
    let mut strangers = ledger.trust();
    strangers.validators = (0..4).map(|n| [n; 32]).collect();
    assert_eq!(
        checkpoint.verify(&strangers),
        Err(CheckpointError::SignatureInvalid)
    );
}

#[test]
fn signer_can_be_counted_once_only() {
    let ledger = four();
    let votes = |indices: [usize; 3]| indices.map(|index| (index, [0; 64]));
    assert!(Certificate::new((0, 1, 0), 4, votes([0, 1, 2])).is_ok());
    assert!(Certificate::new((0, 1, 0), 4, votes([0, 1, 1])).is_err());
    assert!(Certificate::new((0, 1, 0), 4, votes([0, 1, 4])).is_err());
    assert!(Certificate::new((0, 1, 0), 0, []).is_err());

    // More signatures than signers, as if one had signed twice.
    let mut padded = ledger.finalize(&[0, 1]);
    let again = padded.certificate.signatures[1];
    padded.certificate.signatures.push(again);
    assert_eq!(
        padded.verify(&ledger.trust()),
        Err(CheckpointError::NotThisCommittee)
    );
    assert!(Checkpoint::from_bytes(&padded.to_bytes()).is_err());

    let mut doubled = ledger.trust();
    doubled.validators[1] = doubled.validators[0];
    assert_eq!(
        ledger.finalize(&[0, 1, 2]).verify(&doubled),
        Err(CheckpointError::InvalidTrust)
    );
}

#[test]
fn bits_outside_the_committee_are_malformed() {
    let ledger = four();
    let mut forged = ledger.finalize(&[0, 1, 2]);
    forged.certificate.signers = vec![0b1000_0011];
    assert_eq!(
        Checkpoint::from_bytes(&forged.to_bytes())
            .unwrap_err()
            .code(),
        "malformed"
    );
    assert!(forged.verify(&ledger.trust()).is_err());
}

#[test]
fn truncated_or_extended_checkpoint_is_malformed() {
    let mut ledger = four();
    let mut bytes = ledger.checkpoint(NOW).to_bytes();
    for length in 0..bytes.len() {
        assert_eq!(
            Checkpoint::from_bytes(&bytes[..length]).unwrap_err().code(),
            "malformed"
        );
    }
    bytes.push(0);
    assert_eq!(
        Checkpoint::from_bytes(&bytes).unwrap_err().code(),
        "malformed"
    );
}

#[test]
fn stale_checkpoint_is_told_by_its_age() {
    let mut ledger = four();
    let verified = ledger.checkpoint(NOW).verify(&ledger.trust()).unwrap();
    assert_eq!(verified.age_seconds(NOW + 61), 61);
    assert_eq!(verified.age_seconds(NOW - 1), 0);
    assert_eq!(verified.require_fresh(NOW + 60, 60, 5), Ok(()));
    assert_eq!(
        verified.require_fresh(NOW + 61, 60, 5),
        Err(CheckpointStale::TooOld(61))
    );
    assert_eq!(verified.require_fresh(NOW - 5, 60, 5), Ok(()));
    assert_eq!(
        verified.require_fresh(NOW - 6, 60, 5),
        Err(CheckpointStale::Ahead(6))
    );
}

#[test]
fn trust_file_must_list_an_ascending_set() {
    let ledger = four();
    let trust = ledger.trust();
    let read = |trust: &jumin_registry::NetworkTrust| {
        jumin_registry::NetworkTrust::from_json(&trust.to_json())
    };
    assert_eq!(read(&trust).unwrap(), trust);
    let mut reordered = trust.clone();
    reordered.validators.swap(0, 1);
    let mut empty = trust.clone();
    empty.validators.clear();
    for trust in [reordered, empty] {
        assert!(read(&trust).is_err());
    }
    assert_ne!(
        validator_set_hash(&trust.validators),
        validator_set_hash(&trust.validators[1..])
    );
}
