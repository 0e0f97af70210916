//! Four validators on loopback, one of which may fail.

mod support;

use support::{Agency, Node, key_of, network};

#[tokio::test]
async fn four_agree_go_on_with_one_killed_and_it_catches_up() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network(out.path(), 4);
    let trust = nodes[0].trust();

    // Each node takes operations in, and each proves them under the same checkpoints.
    let mut creates = Vec::new();
    let mut height = 0;
    for node in &nodes {
        let create = Agency::new().create(&trust);
        height = node.admit(&create).await;
        creates.push(create);
    }
    for node in &nodes {
        node.reach(height).await;
        for create in &creates {
            assert!(node.record(&key_of(create)).await.is_some());
        }
    }

    nodes[3].kill();
    for round in 0..6 {
        let create = Agency::new().create(&trust);
        height = nodes[round % 3].admit(&create).await;
        creates.push(create);
    }

    let home = nodes[3].home.clone();
    nodes[3] = Node::start("run", &home);
    nodes[3].reach(height).await;
    for create in &creates {
        assert!(nodes[3].record(&key_of(create)).await.is_some());
    }
    let create = Agency::new().create(&trust);
    nodes[3].admit(&create).await;
}

#[tokio::test]
async fn all_killed_recover_what_was_finalized() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network(out.path(), 4);
    let create = Agency::new().create(&nodes[0].trust());
    let height = nodes[1].admit(&create).await;
    nodes.iter_mut().for_each(Node::kill);
    let homes: Vec<_> = nodes.iter().map(|node| node.home.clone()).collect();
    let nodes: Vec<_> = homes.iter().map(|home| Node::start("run", home)).collect();
    for node in &nodes {
        node.reach(height + 1).await;
        assert!(node.record(&key_of(&create)).await.is_some());
    }
}
