//! Old copies of a node's folder: who starts with one is told by the others, or by what it noted outside of it.

mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Node, network_of, program, refusal, somebody};

const DEADLINE: Duration = Duration::from_secs(120);

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-a").args([from, to]).status();
    assert!(status.unwrap().success());
}

/// Puts another folder in the place of a node's data.
fn put(home: &Path, copy: &Path) {
    std::fs::remove_dir_all(home.join("data")).unwrap();
    std::fs::rename(copy, home.join("data")).unwrap();
}

async fn write(node: &Node) -> u64 {
    let subject = somebody(&node.trust());
    node.finalize(&node.accredit(&subject)).await
}

/// Waits until a node says that it waits for something before it votes, or for nothing.
async fn waits_for(node: &Node, what: Option<&str>) {
    let start = Instant::now();
    loop {
        let status = node.status().await;
        if status["waits_for"].as_str() == what {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "still {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn validator_with_an_old_copy_of_its_folder_follows_first_and_votes_in_a_later_epoch() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network_of(out.path(), 4, 60);
    let height = write(&nodes[0]).await;
    nodes[3].reach(height).await;
    nodes[3].kill();
    let home = nodes[3].home.clone();
    let old = out.path().join("old");
    copy(&home.join("data"), &old);

    // It goes on, and its votes are needed, because another is away.
    nodes[3].restart();
    nodes[0].kill();
    let mut newest = 0;
    for _ in 0..3 {
        newest = write(&nodes[3]).await;
    }
    nodes[0].restart();
    nodes[0].reach(newest).await;
    nodes[3].kill();
    put(&home, &old);
    nodes[3].restart();
    waits_for(&nodes[3], Some("epoch")).await;
    assert_eq!(nodes[3].status().await["role"], "waiting");

    // It learns all the same what the others go on with, and they have not shut it out for a second vote.
    let mut written = write(&nodes[1]).await;
    nodes[3].reach(written).await;
    while nodes[3].status().await["role"] == "waiting" {
        assert!(written < 400, "it waits on");
        written = write(&nodes[1]).await;
    }
    nodes[0].kill();
    write(&nodes[3]).await;

    // All at once, each with its own newest votes.
    nodes[0].restart();
    nodes[0].reach(written).await;
    for node in &mut nodes {
        node.kill();
    }
    for node in &mut nodes {
        node.restart();
    }
    for node in &nodes {
        waits_for(node, None).await;
    }
    write(&nodes[2]).await;
}

#[tokio::test]
async fn validator_that_is_alone_does_not_start_with_data_of_before_what_it_certified() {
    let out = tempfile::tempdir().unwrap();
    let home = out.path().join("home");
    let mut node = Node::start("dev", &home);
    write(&node).await;
    node.kill();
    let old = out.path().join("old");
    copy(&home.join("data"), &old);
    node.restart();
    let height = write(&node).await;
    let noted = || std::fs::read_to_string(home.join("last-certified")).unwrap_or_default();
    let start = Instant::now();
    while noted().trim().parse::<u64>().unwrap_or_default() < height {
        assert!(start.elapsed() < DEADLINE, "nothing is noted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    node.kill();
    put(&home, &old);
    let said = refusal(program("run", &home));
    assert!(said.contains("it is an older copy"), "{said}");

    // The note is in the folder's copy too: then somebody must know, a reader or a follower.
    std::fs::remove_file(home.join("last-certified")).unwrap();
    let mut expecting = program("run", &home);
    expecting.args(["--expect-height", &height.to_string()]);
    let said = refusal(expecting);
    assert!(
        said.contains(&format!("block {height} of this network was certified")),
        "{said}"
    );
    let mut node = Node::start("run", &home);
    write(&node).await;
    node.kill();
}
