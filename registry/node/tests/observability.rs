//! What operators watch: every metric that the dashboard and the alert rules name is one that a node gives.

mod support;

use std::collections::BTreeSet;

use support::{Agency, Node};

const DASHBOARD: &str = include_str!("../../../docs/grafana/jumin-ledger.json");
const RULES: &str = include_str!("../../../docs/grafana/jumin-ledger.rules.yml");

/// The names that PromQL expressions use; whatever has one of our prefixes is a metric.
fn named(text: &str) -> BTreeSet<&str> {
    let words =
        text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words
        .filter(|word| {
            [
                "jumin_ledger_",
                "jumin_validator_",
                "jumin_http_",
                "jumin_operation",
                "jumin_block_",
                "runtime_",
            ]
            .iter()
            .any(|prefix| word.starts_with(prefix))
        })
        .collect()
}

/// The names of the samples in a node's metrics.
fn given(metrics: &str) -> BTreeSet<&str> {
    let samples = metrics.lines().filter(|line| !line.starts_with('#'));
    samples
        .filter_map(|line| line.split([' ', '{']).next())
        .collect()
}

#[tokio::test]
async fn dashboard_and_rules_name_what_a_node_gives() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let create = Agency::new().create(&node.trust());
    let (status, _) = node.post(&create.to_bytes(), 0).await;
    assert_eq!(status, 403, "nobody accredited it yet");
    node.admit(&create).await;
    let metrics = node.get("metrics").await.body;
    let metrics = String::from_utf8(metrics).unwrap();
    let given = given(&metrics);
    for (file, text) in [("dashboard", DASHBOARD), ("rules", RULES)] {
        let named = named(text);
        assert!(named.len() > 5, "{file} names {named:?}");
        let missing: Vec<_> = named.difference(&given).collect();
        assert!(
            missing.is_empty(),
            "{file} names what no node gives: {missing:?}"
        );
    }
    let value = |sample: &str| {
        let line = metrics.lines().find(|line| line.starts_with(sample));
        let line = line.unwrap_or_else(|| panic!("no {sample} in\n{metrics}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    assert_eq!(value("jumin_operations_finalized_total "), 2.0);
    assert_eq!(
        value("jumin_operations_refused_total{code=\"not_accredited\"}"),
        1.0
    );
    assert!(value("jumin_operation_finality_seconds_count") >= 2.0);
    assert!(value("jumin_ledger_state_bytes ") > 0.0);
    assert!(value("jumin_ledger_records ") >= 4.0);
    let serde: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    assert!(serde["panels"].as_array().unwrap().len() > 8);
}

#[tokio::test]
async fn no_label_takes_a_value_from_a_request() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    for path in [
        "v1/records/marker",
        "marker",
        "v1/blocks/marker",
        "v1/dids/marker?x=marker",
    ] {
        node.get(path).await;
    }
    let metrics = String::from_utf8(node.get("metrics").await.body).unwrap();
    assert!(metrics.contains("jumin_http_requests_total"));
    assert!(!metrics.contains("marker"), "{metrics}");
}
