//! The drill for a governor's key that is lost or stolen.

mod support;

use std::path::Path;
use std::process::{Command, Output};

use jumin_identity::{FileKey, Signer as _};
use support::{Node, network_of, somebody};

fn node_command(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args(args)
        .output()
        .unwrap()
}

/// Runs a command to its end; gives what it printed, or what it complained of.
fn run(args: &[&str]) -> Result<String, String> {
    let output = node_command(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(text(&output.stderr)),
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// Runs a command against a node.
fn ask(node: &Node, args: &[&str]) -> Result<String, String> {
    let network = text(&node.home.join("network.json"));
    let ledger = ["--node", node.url.as_str(), "--network", &network];
    run(&[args, &ledger].concat())
}

fn sign(proposal: &str, key: &Path) -> Result<String, String> {
    let key = text(key);
    run(&[
        "govern",
        "sign",
        "--yes",
        "--proposal",
        proposal,
        "--key",
        &key,
    ])
}

/// Writes the public key of a governor who stays.
fn public(out: &Path, name: &str) -> String {
    let pem = std::fs::read_to_string(out.join(format!("{name}.pem"))).unwrap();
    let key = FileKey::from_pkcs8_pem(&pem).unwrap();
    let path = out.join(format!("{name}.jwk"));
    std::fs::write(
        &path,
        serde_json::to_vec(&key.public_key().to_jwk()).unwrap(),
    )
    .unwrap();
    text(&path)
}

fn propose_grant(node: &Node, proposal: &str) {
    let subject = somebody(&node.trust()).to_string();
    let mut args = vec!["govern", "accredit", &subject, "--role", "verifier"];
    args.extend(["--type", "any", "--claim", "any", "--until", "2099-01-01"]);
    args.extend(["--name-ko", "종로구", "--name-en", "Jongno-gu"]);
    args.extend(["--out", proposal]);
    ask(node, &args).unwrap();
}

#[tokio::test]
async fn lost_governors_key_is_replaced_by_the_others_and_signs_nothing_any_more() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path();
    let node = &network_of(out, 1, 1_000)[0];
    node.reach(1).await;
    let proposal = text(&out.join("p.json"));
    let submit = ["govern", "submit", "--proposal", &proposal];
    let (first, second) = (out.join("governor.pem"), out.join("governor-1.pem"));
    let (lost, new) = (out.join("governor-2.pem"), out.join("new.pem"));

    // Prepared before it was lost, by its thief, and signed as one of three.
    let stolen = text(&out.join("stolen.json"));
    propose_grant(node, &stolen);
    sign(&stolen, &lost).unwrap();

    let jwk = text(&out.join("new.jwk"));
    let made = run(&["govern", "key", "--out", &text(&new)]).unwrap();
    std::fs::write(&jwk, made).unwrap();
    let (a, b) = (public(out, "governor"), public(out, "governor-1"));
    let mut args = vec!["govern", "set-governors", "--threshold", "2"];
    args.extend(["--governor", &a, "--governor", &b, "--governor", &jwk]);
    args.extend(["--out", &proposal]);
    ask(node, &args).unwrap();
    sign(&proposal, &first).unwrap();
    sign(&proposal, &second).unwrap();
    assert!(ask(node, &submit).unwrap().contains("finalized in block"));

    // The thief's signature, with another's that was tricked out of him, is not enough any more.
    sign(&stolen, &first).unwrap();
    let submit_stolen = ["govern", "submit", "--proposal", &stolen];
    let refused = ask(node, &submit_stolen).unwrap_err();
    assert!(refused.contains("bad_signature"), "{refused}");

    let grant = text(&out.join("grant.json"));
    propose_grant(node, &grant);
    let refused = sign(&grant, &lost).unwrap_err();
    assert!(refused.contains("not a governor's"), "{refused}");
    sign(&grant, &new).unwrap();
    sign(&grant, &second).unwrap();
    let submit = ["govern", "submit", "--proposal", &grant];
    assert!(ask(node, &submit).unwrap().contains("finalized in block"));
}
