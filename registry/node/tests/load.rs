//! The load generator against a real network of one.

mod support;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::Node;

/// Runs `load` and gives its figures; it must end well.
fn load(node: &Node, kind: &str, options: &[&str]) -> Value {
    let network = node.home.join("network.json");
    let output = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args(["load", kind, "--json", "--clients", "8"])
        .args(["--node", node.url.as_str(), "--network"])
        .arg(network)
        .args(options)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test]
async fn load_proves_what_it_wrote_and_what_it_reads() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let (governor, keys) = (home.path().join("governor.pem"), home.path().join("keys"));
    let options = ["--governor", text(&governor), "--keys-out", text(&keys)];
    let written = load(
        &node,
        "operations",
        &[&options[..], &["--agencies", "3", "--count", "40"]].concat(),
    );
    assert_eq!(
        (&written["done"], &written["proven"]),
        (&40.into(), &40.into())
    );
    assert_eq!(written["broken"], 0);
    assert!(written["p99_ms"].is_number() && written["cores"].is_number());

    let options = [
        "--keys",
        text(&keys),
        "--count",
        "60",
        "--prove-one-of",
        "2",
    ];
    let read = load(&node, "reads", &options);
    assert_eq!((&read["done"], &read["proven"]), (&60.into(), &30.into()));
    let resolution = [&options[..], &["--kind", "resolution"]].concat();
    let resolved = load(&node, "reads", &resolution);
    assert_eq!(
        (&resolved["done"], &resolved["proven"]),
        (&60.into(), &30.into())
    );
    assert_eq!(resolved["refusals"], serde_json::json!({}));
}
