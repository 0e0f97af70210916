//! A node that joins with the state instead of all blocks, as real processes.

mod support;

use jumin_registry::Record;
use support::{Agency, Governors, Node, join_with, key_of, network_of};

const EPOCH: u64 = 20;

#[tokio::test]
async fn node_that_fetched_the_state_votes_and_catches_up_without_old_blocks() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network_of(out.path(), 4, EPOCH);
    let governors = Governors::of(out.path());
    let first = nodes[0].trust();
    let early = Agency::new().create(&first);
    let created = nodes[0].admit(&early).await;
    // Handovers to follow, and more than an epoch that the newcomer doesn't replay.
    let home = support::join(out.path(), "replays");
    governors.change(&nodes[0], &[&home], &[]).await;
    nodes.push(Node::start("run", &home));
    nodes[4].role("validator").await;
    assert_eq!(nodes[4].status().await["start"], 0);

    let urls: Vec<_> = nodes.iter().map(|node| node.url.to_string()).collect();
    let sync: Vec<_> = ["--sync", "http://127.0.0.1:1/", "--sync", &urls[1]].into();
    let home = join_with(out.path(), "fetches", &sync);
    governors.change(&nodes[0], &[&home], &[]).await;
    let mut fetched = Node::start("run", &home);
    let start = fetched.status().await["start"].as_u64().unwrap();
    assert!(start > created, "it starts from block {start}");
    fetched.role("validator").await;

    // What happened before it is in its state with its proof, while the block that did it is not here.
    let client = fetched.client(first.clone());
    let proven = client.record(&key_of(&early)).await.unwrap();
    assert!(matches!(proven.record, Some(Record::Did(record)) if record.height == created));
    let status = fetched
        .get_json(&format!("v1/operations/{}", early.hash()))
        .await;
    assert_eq!(status["status"], "unknown");
    assert_eq!(fetched.status().await["handovers"], 2);
    history_begins_after(&fetched, start, created).await;

    // Five of six must sign: with one of the first killed, its votes are needed.
    nodes[3].kill();
    let create = Agency::new().create(&first);
    let height = fetched.admit(&create).await;
    assert!(nodes[0].reach_any(height).await >= height);
    let again = nodes[3].home.clone();
    nodes[3] = Node::start("run", &again);

    // It misses two ends of epochs, and catches up from its own start.
    fetched.kill();
    let goal = height + 2 * EPOCH;
    let mut reached = height;
    while reached < goal {
        reached = nodes[0].admit(&Agency::new().create(&first)).await;
    }
    let fetched = Node::start("run", &home);
    assert!(fetched.reach_any(reached).await >= reached);
    assert_eq!(fetched.status().await["start"], start);
    let create = Agency::new().create(&first);
    fetched.admit(&create).await;
}

/// A node says from where on it can show what happened, and says so of what was before.
async fn history_begins_after(fetched: &Node, start: u64, before: u64) {
    let newest = fetched.reach_any(start + 1).await;
    let blocks = fetched.get_json("v1/blocks?limit=100").await;
    assert_eq!(blocks["first"], start + 1);
    assert!(blocks["height"].as_u64() >= Some(newest));
    let missing = fetched.get(&format!("v1/blocks/{before}")).await;
    let missing: serde_json::Value = missing.json().unwrap();
    assert_eq!(missing["code"], "before_history");
    let overview = fetched.get_json("v1/overview").await;
    assert_eq!(overview["first"], start + 1);
}
