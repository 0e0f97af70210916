//! Four validators that are killed, and what agencies may rely on meanwhile.

mod support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jumin_http::{Client, Url};
use jumin_identity::Did;
use support::{Node, accreditation_of, network, network_of, somebody};
use tokio::sync::{Mutex, watch};

const ROUNDS: usize = 6;
const DEADLINE: Duration = Duration::from_secs(90);

/// Numbers that look random and are the same for a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let random = u64::from_be_bytes(jumin_identity::random_bytes());
        let chosen = std::env::var("JUMIN_FAULT_SEED").ok();
        let seed = chosen.and_then(|seed| seed.parse().ok()).unwrap_or(random);
        println!("JUMIN_FAULT_SEED={seed}");
        Self(seed | 1)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Agencies that are accredited one after the other, at whatever node answers.
struct Workload {
    urls: Arc<Mutex<Vec<Url>>>,
    finalized: watch::Receiver<Vec<(Did, String, u64)>>,
    task: tokio::task::JoinHandle<()>,
}

impl Workload {
    fn start(node: &Node, urls: Vec<Url>) -> Self {
        let urls = Arc::new(Mutex::new(urls));
        let (told, finalized) = watch::channel(Vec::new());
        let (trust, nodes) = (node.trust(), urls.clone());
        // Signed beforehand, since the node's home gives the governors' keys.
        let subjects: Vec<_> = (0..2_000).map(|_| somebody(&trust)).collect();
        let operations: Vec<_> = subjects
            .into_iter()
            .map(|did| {
                let operation = node.accredit(&did);
                (did, operation.hash().to_string(), operation.to_bytes())
            })
            .collect();
        let task = tokio::spawn(async move {
            let client = Client::new().unwrap();
            for (number, (did, hash, bytes)) in operations.into_iter().enumerate() {
                let url = {
                    let urls = nodes.lock().await;
                    urls[number % urls.len()]
                        .join("v1/operations?wait=5")
                        .unwrap()
                };
                let media_type = "application/json";
                let answer = client
                    .post_bytes(&url, media_type, bytes, &[], 65_536)
                    .await;
                // Nothing is promised where nothing, or only `pending`, was answered.
                let Ok(answer) = answer else { continue };
                let body: serde_json::Value = answer.json().unwrap_or_default();
                if body["status"] == "finalized" {
                    let height = body["height"].as_u64().unwrap();
                    told.send_modify(|all| all.push((did, hash, height)));
                }
            }
        });
        Self {
            urls,
            finalized,
            task,
        }
    }

    /// Waits until so many more operations are reported finalized.
    async fn goes_on(&mut self, more: usize) {
        let goal = self.finalized.borrow().len() + more;
        let reached = self.finalized.wait_for(|all| all.len() >= goal);
        let reached = tokio::time::timeout(DEADLINE, reached).await;
        assert!(reached.is_ok(), "operations don't go on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_reported_finalized_is_lost_by_kills_in_random_order() {
    let mut dice = Dice::new();
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network(out.path(), 4);
    let urls = |nodes: &[Node]| nodes.iter().map(|node| node.url.clone()).collect();
    let mut work = Workload::start(&nodes[0], urls(&nodes));
    work.goes_on(3).await;
    for _ in 0..ROUNDS {
        // One of four, or two at once, which stops all for a while.
        let first = dice.below(4) as usize;
        let second = (first + 1 + dice.below(3) as usize) % 4;
        let both = dice.below(2) == 0;
        nodes[first].kill();
        if both {
            nodes[second].kill();
        } else {
            work.goes_on(1 + dice.below(5) as usize).await;
        }
        nodes[first].restart();
        if both {
            nodes[second].restart();
        }
        *work.urls.lock().await = urls(&nodes);
        work.goes_on(1 + dice.below(5) as usize).await;
    }
    nodes.iter_mut().for_each(Node::kill);
    nodes.iter_mut().for_each(Node::restart);
    *work.urls.lock().await = urls(&nodes);
    work.goes_on(1).await;
    work.task.abort();

    let finalized = work.finalized.borrow().clone();
    let last = finalized
        .iter()
        .map(|(_, _, height)| *height)
        .max()
        .unwrap();
    for node in &nodes {
        node.reach(last).await;
        for (did, hash, height) in &finalized {
            assert!(node.record(&accreditation_of(did)).await.is_some());
            let status = node.get_json(&format!("v1/operations/{hash}")).await;
            assert_eq!(status["height"].as_u64(), Some(*height), "{status}");
        }
    }
}

#[tokio::test]
async fn two_of_four_killed_stop_operations_and_two_back_take_them_up_by_themselves() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network(out.path(), 4);
    let trust = nodes[0].trust();
    let known = somebody(&trust);
    let height = nodes[0].finalize(&nodes[0].accredit(&known)).await;

    nodes[2].kill();
    let with_three = nodes[0].accredit(&somebody(&trust));
    nodes[1].finalize(&with_three).await;

    nodes[3].kill();
    let waits = somebody(&trust);
    let operation = nodes[0].accredit(&waits);
    let (status, answer) = nodes[0].post(&operation.to_bytes(), 2).await;
    assert_eq!(
        (status, &answer["status"]),
        (202, &"pending".into()),
        "{answer}"
    );
    // Readers are still answered, with proofs, and are told that nothing is fresh.
    let start = Instant::now();
    while nodes[0].get("readyz").await.status != 503 {
        assert!(start.elapsed() < DEADLINE, "it says that it is ready");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(nodes[0].record(&accreditation_of(&known)).await.is_some());
    assert!(nodes[1].record(&accreditation_of(&waits)).await.is_none());
    let stopped = nodes[0].status().await["height"].as_u64().unwrap();
    assert!(stopped >= height);
    let (_, answer) = nodes[0].post(&operation.to_bytes(), 0).await;
    assert_eq!(answer["status"], "pending");

    nodes[2].restart();
    nodes[3].restart();
    let begin = Instant::now();
    while nodes[0].outcome(&operation).await["status"] != "finalized" {
        assert!(begin.elapsed() < DEADLINE, "the operation still waits");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for node in &nodes {
        node.reach(stopped + 1).await;
        assert!(node.record(&accreditation_of(&waits)).await.is_some());
    }
    assert_eq!(nodes[0].get("readyz").await.status, 200);
}

#[tokio::test]
async fn restart_of_all_right_at_the_end_of_an_epoch_goes_on() {
    let out = tempfile::tempdir().unwrap();
    let mut nodes = network_of(out.path(), 4, 2);
    let trust = nodes[0].trust();
    let mut ends = 0;
    for _ in 0..40 {
        let subject = somebody(&trust);
        let height = nodes[0].finalize(&nodes[0].accredit(&subject)).await;
        if height % 2 == 1 {
            // This node has applied the last block of an epoch, and begins the next now.
            nodes.iter_mut().for_each(Node::kill);
            nodes.iter_mut().for_each(Node::restart);
            ends += 1;
            assert!(nodes[3].reach(height).await.height() >= height);
            assert!(nodes[3].record(&accreditation_of(&subject)).await.is_some());
        }
        if ends == 3 {
            break;
        }
    }
    assert_eq!(ends, 3);
    nodes[0]
        .finalize(&nodes[0].accredit(&somebody(&trust)))
        .await;
}
