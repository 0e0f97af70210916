//! What a node tells the explorer, and the check that believes none of it.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use jumin_registry::{Operation, OperationSigner, sign_operation};
use serde_json::Value;
use support::{Agency, Node, did};

fn check(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .arg("check")
        .args(arguments)
        .output()
        .unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn what_happened_is_told_and_survives_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let mut node = Node::start("dev", home.path());
    let agency = Agency::new();
    let create = agency.create(&node.trust());
    let height = node.admit(&create).await;
    node.reach(height + 2).await;
    node.kill();
    let node = Node::start("dev", home.path());

    let overview = node.get_json("v1/overview").await;
    assert_eq!(overview["network"], "dev");
    assert_eq!(overview["first"], 0);
    assert!(overview["height"].as_u64() >= Some(height));
    let minutes = overview["minutes"].as_array().unwrap();
    let told: u64 = minutes
        .iter()
        .map(|one| one["operations"].as_u64().unwrap())
        .sum();
    assert_eq!(told, 2, "the accreditation and the creation");

    let block = node.get_json(&format!("v1/blocks/{height}")).await;
    let operation = &block["operations"][0];
    assert_eq!(operation["kind"], "create-did");
    assert_eq!(operation["hash"], create.hash().to_string());
    assert_eq!(operation["by"], did(&create).to_string());
    assert_eq!(block["signers"][0]["signed"], true);
    let detail = node
        .get_json(&format!("v1/operations/{}/detail", create.hash()))
        .await;
    assert_eq!(detail["operation"]["height"], height);
    assert!(detail["content"]["payload"].is_string());

    let validators = node.get_json("v1/validators").await;
    let validator = &validators["validators"][0];
    assert_eq!(validator["role"], "voting");
    assert_eq!(validator["signed"], validator["certificates"]);
    assert!(validator["last_signed"].as_u64() >= Some(height));
}

#[tokio::test]
async fn lists_are_paged_without_gap_or_repetition() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let agency = Agency::new();
    let create = agency.create(&node.trust());
    node.admit(&create).await;
    let stranger = Agency::new().create(&node.trust());
    node.finalize(&node.accredit(&did(&stranger))).await;
    node.reach(6).await;

    let mut heights = Vec::new();
    let mut path = "v1/blocks?limit=2".to_owned();
    loop {
        let page = node.get_json(&path).await;
        let blocks = page["blocks"].as_array().unwrap();
        assert!(blocks.len() <= 2);
        heights.extend(blocks.iter().map(|one| one["height"].as_u64().unwrap()));
        match heights.last() {
            Some(0) | None => break,
            Some(last) => path = format!("v1/blocks?limit=2&before={last}"),
        }
    }
    let newest = heights[0];
    assert_eq!(heights, (0..=newest).rev().collect::<Vec<_>>());

    let of_agency = did(&create);
    let history = format!("v1/dids/{of_agency}/history?limit=1");
    let first = node.get_json(&history).await;
    assert_eq!(first["entries"][0]["operation"]["kind"], "create-did");
    let next = first["next"].as_str().unwrap();
    let second = node.get_json(&format!("{history}&before={next}")).await;
    assert_eq!(second["entries"][0]["operation"]["kind"], "accredit");
    assert_eq!(second["entries"][0]["operation"]["by"], "governance");
    let next = second["next"].as_str().unwrap();
    let last = node.get_json(&format!("{history}&before={next}")).await;
    assert_eq!(last["entries"].as_array().unwrap().len(), 0);
    assert_eq!(last["next"], Value::Null);

    let one = node.get_json("v1/accreditations?limit=1").await;
    let after = one["next"].as_str().unwrap();
    let two = node
        .get_json(&format!("v1/accreditations?limit=1&after={after}"))
        .await;
    let mut told = [&one, &two].map(|page| page["accreditations"][0]["standing"].clone());
    told.sort_by_key(Value::to_string);
    assert_eq!(told, ["absent", "active"]);
}

#[tokio::test]
async fn did_is_told_with_its_accreditations() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let agency = Agency::new();
    let create = agency.create(&node.trust());
    let did = did(&create);
    let path = format!("v1/dids/{did}");
    let before = node.get_json(&path).await;
    assert_eq!(
        (&before["standing"], &before["current"]),
        (&Value::from("absent"), &Value::Null)
    );
    node.admit(&create).await;
    let page = node.get_json(&path).await;
    assert_eq!(page["standing"], "active");
    assert_eq!(page["current"]["document"]["id"], did.to_string());
    assert_eq!(page["accreditations"][0]["grants"][0]["by"], "governance");

    let end = Operation::DeactivateDid {
        did: did.clone(),
        version: 1,
    };
    let signer = [OperationSigner::Jwk(&agency.next)];
    node.finalize(&sign_operation(&node.trust().network, &end, &signer).unwrap())
        .await;
    let page = node.get_json(&path).await;
    assert_eq!(page["standing"], "deactivated");
    let history = node.get_json(&format!("{path}/history")).await;
    let kinds: Vec<_> = history["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["operation"]["kind"].clone())
        .collect();
    assert_eq!(kinds, ["deactivate-did", "create-did", "accredit"]);
}

#[tokio::test]
async fn bad_questions_get_their_codes() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let hash = Agency::new().create(&node.trust()).hash();
    for (path, status, code) in [
        ("v1/blocks/x", 400, "malformed"),
        ("v1/blocks/-1", 400, "malformed"),
        ("v1/blocks/99999999999999999999", 400, "malformed"),
        ("v1/blocks/18446744073709551615", 404, "not_yet"),
        ("v1/blocks?before=x", 400, "malformed"),
        ("v1/blocks?limit=-1", 400, "malformed"),
        ("v1/operations/x/detail", 400, "malformed"),
        (&format!("v1/operations/{hash}/detail"), 404, "not_found"),
        ("v1/dids/did:web:example.org", 400, "malformed"),
        ("v1/dids/x/history", 400, "malformed"),
        ("v1/accreditations?after=governance", 400, "malformed"),
        ("v1/nothing", 404, "not_found"),
    ] {
        let response = node.get(path).await;
        let body: Value = response.json().unwrap();
        assert_eq!(
            (response.status, &body["code"]),
            (status, &Value::from(code)),
            "{path}"
        );
    }
    let most = node.get_json("v1/blocks?limit=100000").await;
    assert!(most["blocks"].as_array().unwrap().len() <= 100);
}

#[tokio::test]
async fn check_believes_proofs_only() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let create = Agency::new().create(&node.trust());
    node.admit(&create).await;
    let (network, saved) = (
        home.path().join("network.json"),
        home.path().join("answer.json"),
    );
    let did = did(&create).to_string();
    let asked = ["--network", text(&network), "--node", node.url.as_str()];

    let online = check(&[&asked[..], &["--save", text(&saved), &did]].concat());
    let told = String::from_utf8_lossy(&online.stdout);
    assert!(online.status.success(), "{told}");
    for step in ["trust", "signatures: 1 of 1", "path", "proven: did/"] {
        assert!(told.contains(step), "{step} in {told}");
    }
    let absent = check(&[&asked[..], &["type/urn:none"]].concat());
    assert!(absent.status.success());
    assert!(String::from_utf8_lossy(&absent.stdout).contains("did not exist"));

    let offline = ["--network", text(&network), "--answer", text(&saved)];
    assert!(check(&[&offline[..], &[&did]].concat()).status.success());
    let another = check(&[&offline[..], &["governance"]].concat());
    assert_eq!(another.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&another.stdout).contains("wrong_key"));

    let mut answer: Value = serde_json::from_slice(&std::fs::read(&saved).unwrap()).unwrap();
    let value = answer["value"].as_str().unwrap();
    answer["value"] = Value::from(format!(
        "{}{}",
        if value.starts_with('e') { 'f' } else { 'e' },
        &value[1..]
    ));
    std::fs::write(&saved, answer.to_string()).unwrap();
    let altered = check(&[&offline[..], &[&did]].concat());
    let told = String::from_utf8_lossy(&altered.stdout);
    assert_eq!(altered.status.code(), Some(1), "{told}");
    assert!(told.contains("FAILED path: proof_invalid"), "{told}");
    assert!(told.contains("NOT proven"), "{told}");
}
