//! Validators that join and leave while the network runs, and readers that follow.

mod support;

use jumin_registry::Bundle;
use support::{Agency, Governors, Node, join, key_of, network_of};

const EPOCH: u64 = 20;

#[tokio::test]
async fn fifth_joins_and_votes_one_leaves_and_a_reader_of_epoch_0_follows_offline() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network_of(out.path(), 4, EPOCH);
    let governors = Governors::of(out.path());
    let first = nodes[0].trust();
    let create = Agency::new().create(&first);
    nodes[0].admit(&create).await;

    let home = join(out.path(), "fifth");
    governors.change(&nodes[0], &[&home], &[]).await;
    nodes.push(Node::start("run", &home));
    nodes[4].role("validator").await;
    nodes[0].validators(5).await;

    // Four of five must sign: with one of the first killed, the fifth's votes are needed.
    let leaving = nodes[3].key().await;
    nodes[3].kill();
    let create = Agency::new().create(&first);
    let height = nodes[4].admit(&create).await;
    assert!(nodes[0].reach_any(height).await >= height);

    governors.change(&nodes[0], &[], &[leaving]).await;
    nodes[0].validators(4).await;
    let create = Agency::new().create(&first);
    let height = nodes[4].admit(&create).await;
    // The others may be a block behind.
    assert!(nodes[1].reach_any(height).await >= height);

    // All that a reader of epoch 0 has is the trust file of then and this one answer.
    let answer = nodes[1].get("v1/bundle?from_epoch=0").await.body;
    nodes.iter_mut().for_each(Node::kill);
    let bundle = Bundle::from_bytes(&answer).unwrap();
    assert_eq!(bundle.handovers.len(), 2);
    let verified = bundle.verify(&first).unwrap();
    assert_eq!(verified.trust().validators.len(), 4);
    assert_ne!(verified.trust().validators, first.validators);
}

#[tokio::test]
async fn validator_of_a_network_of_one_changes_its_key() {
    let out = tempfile::tempdir().unwrap();
    let nodes = network_of(out.path(), 1, EPOCH);
    let governors = Governors::of(out.path());
    let first = nodes[0].trust();
    let old = nodes[0].key().await;
    let home = join(out.path(), "new");
    let successor = Node::start("run", &home);

    // First beside the old key, so that the network never waits for a node that is not there.
    governors.change(&nodes[0], &[&home], &[]).await;
    successor.role("validator").await;
    governors.change(&nodes[0], &[], &[old]).await;
    successor.validators(1).await;
    nodes[0].role("follower").await;

    let create = Agency::new().create(&first);
    successor.admit(&create).await;
    let client = successor.client(first);
    let proven = client.record(&key_of(&create)).await.unwrap();
    assert!(proven.record.is_some());
    assert_eq!(client.followed().validators.len(), 1);
    assert!(client.followed().epoch > 0);
}
