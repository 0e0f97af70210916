//! Freezes the encodings: what one version of the code wrote, every later one must read, and write the same way.

use jumin_identity::{b64url, b64url_decode};
use jumin_registry::{
    Bundle, Checkpoint, NetworkTrust, RecordKey, Role, SignedOperation, consensus_namespace,
    finalization_message, testing::TestLedger,
};
use serde_json::{Value, json};

use super::{CARD, NOW};

const VECTORS: &str = include_str!("../vectors/ledger.json");

fn vectors() -> Value {
    serde_json::from_str(VECTORS).unwrap()
}

fn bytes(value: &Value) -> Vec<u8> {
    b64url_decode(value.as_str().unwrap()).unwrap()
}

#[test]
fn record_keys_keep_their_text_and_hash() {
    for (text, hash) in vectors()["record_keys"].as_object().unwrap() {
        let key: RecordKey = text.parse().unwrap();
        assert_eq!(key.to_string(), *text);
        assert_eq!(json!(b64url(&key.hash())), *hash);
    }
}

#[test]
fn operation_keeps_its_wire_form_and_hash() {
    let vectors = vectors();
    let operation = SignedOperation::parse(vectors["operation"].to_string().as_bytes()).unwrap();
    assert_eq!(json!(operation.hash()), vectors["operation_hash"]);
    assert_eq!(json!(operation.created_did()), vectors["operation_did"]);
    let mut ledger = TestLedger::new(NOW);
    let did = operation.created_did().unwrap();
    ledger.accredit(&did, Role::Issuer, &[CARD], NOW, NOW + 1000);
    ledger.apply(&operation).unwrap();
}

#[test]
fn checkpoint_and_its_signed_bytes_keep_their_form() {
    let vectors = vectors();
    let trust: NetworkTrust = serde_json::from_value(vectors["network"].clone()).unwrap();
    let checkpoint = Checkpoint::from_bytes(&bytes(&vectors["checkpoint"])).unwrap();
    assert_eq!(checkpoint.to_bytes(), bytes(&vectors["checkpoint"]));
    assert_eq!(
        json!(b64url(&checkpoint.header.digest())),
        vectors["header_digest"]
    );
    let namespace = consensus_namespace(&trust.network, &trust.genesis);
    let certificate = &checkpoint.certificate;
    let round = (certificate.epoch, certificate.view, certificate.parent_view);
    let message = finalization_message(&namespace, round, &checkpoint.header.digest());
    assert_eq!(json!(b64url(&message)), vectors["finalization_message"]);
    checkpoint.verify(&trust).unwrap();
}

#[test]
fn bundle_keeps_its_form() {
    let vectors = vectors();
    let trust: NetworkTrust = serde_json::from_value(vectors["network"].clone()).unwrap();
    let bundle = Bundle::from_bytes(vectors["bundle"].to_string().as_bytes()).unwrap();
    let written: Value = serde_json::from_slice(&bundle.to_bytes()).unwrap();
    assert_eq!(written, vectors["bundle"]);
    let verified = bundle.verify(&trust).unwrap();
    for (key, record) in verified.records() {
        let proven = bundle
            .records
            .iter()
            .find(|proven| proven.key == *key)
            .unwrap();
        assert_eq!(proven.value.as_deref(), Some(record.to_bytes().as_slice()));
    }
}

/// Writes new vectors to standard output; only for a deliberate change of a format.
#[test]
#[ignore = "prints vectors for a new format"]
fn print_vectors() {
    use jumin_identity::Signer;
    use jumin_registry::{AnchorKind, Operation, OperationSigner, sign_operation};

    let mut ledger = TestLedger::with_validators("test", 4, NOW);
    let issuer = ledger.agency();
    ledger.accredit(&issuer.did, Role::Issuer, &[CARD], NOW, NOW + 1000);
    let list = "https://issuer.example/status/1";
    ledger.anchor(
        &issuer,
        AnchorKind::StatusList,
        list,
        1,
        [1; 32],
        Some(NOW + 60),
    );
    ledger.anchor_type(CARD, "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let bundle = ledger.bundle(NOW);
    let checkpoint = &bundle.checkpoint;
    let (trust, round) = (ledger.trust(), checkpoint.certificate.clone());
    let round = (round.epoch, round.view, round.parent_view);
    let create = Operation::CreateDid {
        document: jumin_registry::testing::document(&issuer.key, NOW),
        next_key_hash: issuer.next.public_key().thumbprint(),
    };
    let create = sign_operation(
        ledger.network(),
        &create,
        &[OperationSigner::Jwk(&issuer.key)],
    )
    .unwrap();
    let keys: serde_json::Map<String, Value> = bundle
        .records
        .iter()
        .map(|record| (record.key.to_string(), json!(b64url(&record.key.hash()))))
        .collect();
    let digest = checkpoint.header.digest();
    let vectors = json!({
        "network": trust,
        "record_keys": keys,
        "operation": serde_json::from_slice::<Value>(&create.to_bytes()).unwrap(),
        "operation_hash": create.hash(),
        "operation_did": create.created_did(),
        "checkpoint": b64url(&checkpoint.to_bytes()),
        "header_digest": b64url(&digest),
        "finalization_message": b64url(&finalization_message(&trust.namespace(), round, &digest)),
        "bundle": serde_json::from_slice::<Value>(&bundle.to_bytes()).unwrap(),
    });
    println!("{}", serde_json::to_string_pretty(&vectors).unwrap());
}
