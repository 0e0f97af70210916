//! A network that is asked for more than it may keep: it refuses, and loses nothing of what it took.

mod support;

use std::path::Path;

use jumin_identity::FileKey;
use jumin_registry::{
    Accreditor, NetworkTrust, Operation, OperationSigner, RecordKey, SignedOperation,
    sign_operation,
};
use serde_json::Value;
use support::{Node, network};

/// Two validators must both be there for a block, so that one alone only collects operations.
async fn collecting(out: &Path, setting: &str) -> Node {
    let mut nodes = network(out, 2);
    nodes[0].reach(1).await;
    nodes.iter_mut().for_each(Node::kill);
    let home = nodes[0].home.clone();
    let config = home.join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let name = setting.split(" =").next().unwrap();
    let others = text.lines().filter(|line| !line.starts_with(name));
    let text: Vec<_> = std::iter::once(setting).chain(others).collect();
    std::fs::write(&config, text.join("\n")).unwrap();
    Node::start("run", &home)
}

/// Anchors a credential type of its own, signed by the governor.
fn anchor(out: &Path, trust: &NetworkTrust, name: usize) -> SignedOperation {
    let pem = std::fs::read_to_string(out.join("governor.pem")).unwrap();
    let governor = FileKey::from_pkcs8_pem(&pem).unwrap();
    let operation = Operation::AnchorCredentialType {
        by: Accreditor::Governance,
        vct: format!("urn:test:type:{name}"),
        integrity: format!("sha256-{}=", "A".repeat(43)),
        version: 0,
    };
    let signer = OperationSigner::Kid("governance#0".to_owned(), &governor);
    sign_operation(&trust.network, &operation, &[signer]).unwrap()
}

fn vct(name: usize) -> RecordKey {
    RecordKey::CredentialType(format!("urn:test:type:{name}"))
}

/// Fills a node up with three operations, has two refused, and then lets the network go on.
async fn saturate(out: &Path, setting: &str, refusal: (u16, &str)) {
    let node = collecting(out, setting).await;
    let trust = node.trust();
    let taken: Vec<_> = (0..3).map(|name| anchor(out, &trust, name)).collect();
    let refused: Vec<_> = (3..5).map(|name| anchor(out, &trust, name)).collect();
    for operation in &taken {
        let (status, answer) = node.post(&operation.to_bytes(), 0).await;
        assert_eq!((status, &answer["status"]), (202, &Value::from("pending")));
    }
    for operation in &refused {
        let answer = node.submit(&operation.to_bytes(), 0).await;
        let problem: Value = answer.json().unwrap();
        assert_eq!(
            (answer.status, problem["code"].as_str()),
            (refusal.0, Some(refusal.1))
        );
        assert_eq!(answer.header("retry-after"), Some("1"));
        let known = node.outcome(operation).await;
        assert_eq!(known["status"], "unknown", "nothing of it was taken");
    }

    let other = Node::start("run", &out.join("node-1"));
    for (name, operation) in taken.iter().enumerate() {
        node.finalize(operation).await;
        assert!(node.record(&vct(name)).await.is_some());
    }
    for (name, operation) in (3..).zip(&refused) {
        assert_eq!(node.record(&vct(name)).await, None);
        let height = node.finalize(operation).await;
        other.reach(height).await;
        assert!(other.record(&vct(name)).await.is_some());
    }
}

#[tokio::test]
async fn submitter_past_its_share_is_refused_and_what_was_taken_is_finalized() {
    let out = tempfile::tempdir().unwrap();
    let refusal = (429, "submitter_busy");
    saturate(out.path(), "max_pending_per_submitter = 3", refusal).await;
}

#[tokio::test]
async fn full_node_refuses_and_what_was_taken_is_finalized() {
    let out = tempfile::tempdir().unwrap();
    saturate(out.path(), "max_pending = 3", (503, "busy")).await;
}
