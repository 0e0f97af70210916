//! One validator: the development network.

mod support;

use std::time::Duration;

use jumin_identity::{FileKey, Signer as _};
use jumin_registry::{
    Bundle, Lookup, LookupRecord as _, Operation, OperationSigner, Record, RecordKey,
    sign_operation,
};
use serde_json::Value;
use support::{Agency, Node, did, key_of};

#[tokio::test]
async fn finalized_operation_is_proved_and_absence_too() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let (agency, stranger) = (Agency::new(), Agency::new());
    let create = agency.create(&node.trust());
    let height = node.admit(&create).await;
    assert!(node.checkpoint().await.height() >= height);

    let record = node.record(&key_of(&create)).await;
    assert!(
        matches!(record, Some(Record::Did(record)) if record.version == 1 && record.height == height)
    );
    assert_eq!(
        node.record(&key_of(&stranger.create(&node.trust()))).await,
        None
    );
    assert!(matches!(
        node.record(&RecordKey::Governance).await,
        Some(Record::Governance(_))
    ));

    let status = node
        .get_json(&format!("v1/operations/{}", create.hash()))
        .await;
    assert_eq!(
        (&status["status"], status["height"].as_u64()),
        (&Value::from("finalized"), Some(height))
    );
    let unknown = stranger.create(&node.trust()).hash();
    let status = node.get_json(&format!("v1/operations/{unknown}")).await;
    assert_eq!(status["status"], "unknown");
}

#[tokio::test]
async fn bundle_is_at_one_checkpoint_and_has_every_agency() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let create = Agency::new().create(&node.trust());
    let height = node.admit(&create).await;
    let bytes = node.get("v1/bundle").await.body;
    let bundle = Bundle::from_bytes(&bytes)
        .unwrap()
        .verify(&node.trust())
        .unwrap();
    assert!(bundle.checkpoint().height() >= height);
    for key in [key_of(&create), RecordKey::Governance] {
        assert!(matches!(bundle.lookup(&key), Lookup::Present(_)), "{key}");
    }
}

#[tokio::test]
async fn did_resolves_until_deactivated() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let agency = Agency::new();
    let create = agency.create(&node.trust());
    let did = did(&create);
    let path = format!("1.0/identifiers/{did}");
    assert_eq!(node.get(&path).await.status, 404);
    node.admit(&create).await;
    let resolved = node.get_json(&path).await;
    assert_eq!(resolved["didDocument"]["id"], did.to_string());
    assert!(resolved["didDocumentMetadata"]["juminProof"]["proof"].is_string());

    let operation = Operation::DeactivateDid {
        did: did.clone(),
        version: 1,
    };
    let network = node.trust().network;
    let signer = [OperationSigner::Jwk(&agency.next)];
    node.finalize(&sign_operation(&network, &operation, &signer).unwrap())
        .await;
    let gone = node.get(&path).await;
    assert_eq!(gone.status, 410);
    let gone: Value = gone.json().unwrap();
    assert_eq!(gone["didDocumentMetadata"]["deactivated"], true);
    assert_eq!(
        node.get("1.0/identifiers/did:web:example.org").await.status,
        400
    );
}

#[tokio::test]
async fn bad_operations_get_their_codes() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let trust = node.trust();
    let agency = Agency::new();
    let create = agency.create(&trust);

    let (status, answer) = node.post(b"{not json", 0).await;
    assert_eq!((status, &answer["code"]), (400, &Value::from("malformed")));
    let (status, answer) = node.post(&vec![b' '; 20_000], 0).await;
    assert_eq!((status, &answer["code"]), (413, &Value::from("too_large")));

    let (status, answer) = node.post(&create.to_bytes(), 5).await;
    assert_eq!(
        (status, &answer["code"]),
        (403, &Value::from("not_accredited"))
    );
    let first = node.admit(&create).await;
    assert_eq!(
        node.finalize(&create).await,
        first,
        "a duplicate names the block that has it"
    );
    let forged = Operation::DeactivateDid {
        did: did(&create),
        version: 1,
    };
    let thief = FileKey::generate().unwrap();
    let forged = sign_operation(&trust.network, &forged, &[OperationSigner::Jwk(&thief)]).unwrap();
    let (status, answer) = node.post(&forged.to_bytes(), 5).await;
    assert_eq!(
        (status, &answer["code"]),
        (403, &Value::from("bad_signature"))
    );

    let stale = Operation::UpdateDid {
        did: did(&create),
        version: 7,
        document: agency.document(),
        next_key_hash: thief.public_key().thumbprint(),
    };
    let stale = sign_operation(
        &trust.network,
        &stale,
        &[OperationSigner::Jwk(&agency.next)],
    )
    .unwrap();
    let (status, answer) = node.post(&stale.to_bytes(), 5).await;
    assert_eq!(
        (status, &answer["code"]),
        (409, &Value::from("stale_version"))
    );

    let foreign = "elsewhere".parse().unwrap();
    let operation = Operation::DeactivateDid {
        did: did(&create),
        version: 1,
    };
    let foreign =
        sign_operation(&foreign, &operation, &[OperationSigner::Jwk(&agency.next)]).unwrap();
    let (status, answer) = node.post(&foreign.to_bytes(), 5).await;
    assert_eq!(
        (status, &answer["code"]),
        (400, &Value::from("wrong_network"))
    );
    assert_eq!(node.get("v1/records/nonsense").await.status, 400);
    assert_eq!(node.get("v1/operations/nonsense").await.status, 400);
}

#[tokio::test]
async fn kill_in_mid_work_loses_nothing_finalized() {
    let home = tempfile::tempdir().unwrap();
    let mut finalized = Vec::new();
    let mut last = 0;
    for _ in 0..3 {
        let mut node = Node::start("dev", home.path());
        let trust = node.trust();
        for _ in 0..5 {
            let create = Agency::new().create(&trust);
            last = node.admit(&create).await;
            finalized.push(create);
        }
        // These are on their way when the process dies.
        for _ in 0..5 {
            let subject = did(&Agency::new().create(&trust));
            let _ = node.post(&node.accredit(&subject).to_bytes(), 0).await;
        }
        node.kill();
    }
    let node = Node::start("dev", home.path());
    assert!(node.reach(last + 1).await.height() > last);
    for create in &finalized {
        assert!(node.record(&key_of(create)).await.is_some());
    }
}

#[tokio::test]
async fn idle_network_keeps_its_checkpoint_fresh() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let first = node.reach(1).await;
    let later = node.reach(first.height() + 2).await;
    assert!(later.time_ms() > first.time_ms());
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    assert!(later.require_fresh(now.as_secs(), 10, 2).is_ok());
    assert!(later.time_ms() - first.time_ms() < Duration::from_secs(20).as_millis() as u64);

    // The trust that it gives away is as young as its checkpoints: one of genesis is refused after half a year.
    let given = node.get("v1/network").await.body;
    let given = jumin_registry::NetworkTrust::from_json(&given).unwrap();
    assert!(given.as_of >= later.time_ms() / 1000 && given.as_of > node.trust().as_of);
}

#[tokio::test]
async fn second_process_on_a_home_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let _node = Node::start("dev", home.path());
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args(["dev", "--listen", "127.0.0.1:0", "--home"])
        .arg(home.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        error.contains("is this validator running already?"),
        "{error}"
    );
}

#[tokio::test]
async fn api_describes_and_observes_itself() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    node.reach(1).await;
    let description = node.get_json("openapi.json").await;
    assert!(description["paths"]["/v1/operations"]["post"].is_object());
    assert_eq!(node.get("healthz").await.status, 200);
    assert_eq!(node.get("readyz").await.status, 200);
    let metrics = String::from_utf8(node.get("metrics").await.body).unwrap();
    assert!(metrics.contains("jumin_ledger_height"));
    assert!(node.home.join("address").exists() && node.home.join("governor.pem").exists());
}
