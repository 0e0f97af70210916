//! A reader that trusts the network's genesis and no node, and tries forged answers too.

use commonware_cryptography::Signer as _;
use jumin_registry::{
    Bundle, Certificate, Checkpoint, Handover, NetworkTrust, ProvenRecord, RecordKey,
    finalization_message,
};

use super::checker::{Checker, Violation};
use super::dice::Dice;
use super::node::Node;

/// Requires all that an honest node answers to verify from genesis on, and forged answers not to.
pub(super) fn check(
    node: &Node,
    liars: &[&Node],
    dice: &mut Dice,
    checker: &mut Checker,
) -> Result<(), Violation> {
    let Some(ledger) = node.ledger().filter(|ledger| ledger.checkpoint().is_ok()) else {
        return Ok(());
    };
    let failed = |what: &str, error: &dyn std::fmt::Debug| {
        let height = ledger.applied().height;
        format!(
            "{what} of {} at {height} does not verify: {error:?}",
            node.name()
        )
    };
    let bytes = ledger.bundle(0).map_err(|error| error.to_string())?;
    let bundle = Bundle::from_bytes(&bytes).map_err(|error| failed("a bundle", &error))?;
    let verified = bundle.verify(ledger.trust());
    let verified = verified.map_err(|error| failed("a bundle", &error))?;
    let trust = verified.trust().clone();

    let keys = [
        RecordKey::Governance,
        RecordKey::Validators,
        RecordKey::CredentialType("urn:type:0".to_owned()),
        RecordKey::CredentialType("urn:nothing:0".to_owned()),
    ];
    let key = dice.pick(&keys).unwrap_or(&RecordKey::Governance);
    let proof = ledger.prove(key).map_err(|error| error.to_string())?;
    believe(&proof.checkpoint, &proof.record, key, &trust)
        .map_err(|error| failed("a proof", &error))?;
    checker.proofs += 1;

    for handover in &bundle.handovers {
        let mut bytes = handover.to_bytes();
        spoil(&mut bytes, dice);
        let forged = Handover::from_bytes(&bytes);
        if forged.is_ok_and(|forged| ledger.trust().follow(&forged).is_ok()) {
            return Err("a reader followed a forged handover".to_owned());
        }
    }
    forge(&proof.checkpoint, &proof.record, key, &trust, dice)?;
    let checkpoint =
        Checkpoint::from_bytes(&proof.checkpoint).map_err(|error| error.to_string())?;
    usurp(checkpoint, liars, &trust)?;
    checker.forgeries += 2 + bundle.handovers.len();
    Ok(())
}

fn believe(
    checkpoint: &[u8],
    record: &ProvenRecord,
    key: &RecordKey,
    trust: &NetworkTrust,
) -> Result<(), &'static str> {
    let checkpoint = Checkpoint::from_bytes(checkpoint).map_err(|error| error.code())?;
    let checkpoint = checkpoint.verify(trust).map_err(|error| error.code())?;
    let found = record.verify(key, &checkpoint);
    found.map(drop).map_err(|error| error.code())
}

/// One bit of an answer is another, or the answer is to another question.
fn forge(
    checkpoint: &[u8],
    record: &ProvenRecord,
    key: &RecordKey,
    trust: &NetworkTrust,
    dice: &mut Dice,
) -> Result<(), Violation> {
    let (mut checkpoint, mut record, mut key) = (checkpoint.to_vec(), record.clone(), key.clone());
    let what = match (dice.below(5), &mut record.value) {
        (0, Some(value)) => {
            spoil(value, dice);
            "value"
        }
        (1, value @ Some(_)) => {
            *value = None;
            "absence"
        }
        (2, None) => {
            record.value = Some(dice.bytes(40));
            "presence"
        }
        (3, Some(_)) => {
            // The answer's own key is no evidence.
            key = RecordKey::CredentialType("urn:nothing:1".to_owned());
            record.key = key.clone();
            "record of another key"
        }
        (4, _) if !record.proof.is_empty() => {
            spoil(&mut record.proof, dice);
            "proof"
        }
        _ => {
            spoil(&mut checkpoint, dice);
            "checkpoint"
        }
    };
    match believe(&checkpoint, &record, &key, trust) {
        Ok(()) => Err(format!("a reader believed a forged {what}")),
        Err(_) => Ok(()),
    }
}

/// Faulty validators certify a header of their own.
fn usurp(checkpoint: Checkpoint, liars: &[&Node], trust: &NetworkTrust) -> Result<(), Violation> {
    let Checkpoint {
        mut header,
        certificate,
    } = checkpoint;
    header.state_root[0] ^= 1;
    let round = (certificate.epoch, certificate.view, certificate.parent_view);
    let signed = finalization_message(&trust.namespace(), round, &header.digest());
    // The engine's signer puts the namespace and its length, one byte, before a message by itself.
    let (namespace, message) = signed[1..].split_at(usize::from(signed[0]));
    let votes = trust
        .validators
        .iter()
        .enumerate()
        .filter_map(|(index, key)| {
            let liar = liars.iter().find(|liar| key == liar.public.as_ref())?;
            let signature = liar.key.sign(namespace, message);
            Some((index, signature.as_ref().try_into().ok()?))
        });
    let certificate = Certificate::new(round, trust.validators.len(), votes);
    let certificate = certificate.map_err(|error| error.to_string())?;
    let forged = Checkpoint {
        header,
        certificate,
    };
    match forged.verify(trust) {
        Ok(_) => Err("a reader believed a header of faulty validators".to_owned()),
        Err(_) => Ok(()),
    }
}

fn spoil(bytes: &mut [u8], dice: &mut Dice) {
    let at = dice.below(bytes.len());
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << dice.below(8);
    }
}
