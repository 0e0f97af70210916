//! Four validators whose connections all run through proxies that can be cut.

mod support;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Node, accreditation_of, homes, somebody};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

const DEADLINE: Duration = Duration::from_secs(90);

/// Which side each validator is on; those of one side reach each other.
type Sides = [u8; 4];

fn is_cut(sides: &Sides, [one, other]: [usize; 2]) -> bool {
    sides[one] != sides[other]
}

/// The sides, and the connections that run, each by its two ends.
struct Divider {
    sides: watch::Sender<Sides>,
    open: watch::Sender<Vec<[usize; 2]>>,
}

impl Divider {
    /// Divides the validators; no connection runs from one side to another when this returns.
    async fn divide(&self, sides: Sides) {
        self.sides.send_replace(sides);
        let mut open = self.open.subscribe();
        let ended = open.wait_for(|open| !open.iter().any(|ends| is_cut(&sides, *ends)));
        let ended = tokio::time::timeout(DEADLINE, ended).await;
        assert!(ended.is_ok(), "connections run on");
    }

    /// Forwards one validator's connections to another, while both are on one side.
    async fn proxy(&self, to: SocketAddr, ends: [usize; 2]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sides, open) = (self.sides.subscribe(), self.open.clone());
        tokio::spawn(async move {
            while let Ok((mut from, _)) = listener.accept().await {
                // Listed before the sides are looked at, so that whoever divides them waits for its end.
                open.send_modify(|open| open.push(ends));
                let (mut sides, open) = (sides.clone(), open.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        biased;
                        _ = sides.wait_for(|sides| is_cut(sides, ends)) => {}
                        _ = forward(&mut from, to) => {}
                    }
                    drop(from);
                    open.send_modify(|open| {
                        let ended = open.iter().position(|one| *one == ends);
                        open.swap_remove(ended.unwrap());
                    });
                });
            }
        });
        address
    }
}

async fn forward(from: &mut TcpStream, to: SocketAddr) -> std::io::Result<()> {
    let mut to = TcpStream::connect(to).await?;
    copy_bidirectional(from, &mut to).await.map(drop)
}

/// The validators' keys in hexadecimal and their addresses, as the homes have them.
fn listed(homes: &[PathBuf]) -> Vec<(String, SocketAddr)> {
    let genesis = std::fs::read(homes[0].join("genesis.json")).unwrap();
    let genesis: Value = serde_json::from_slice(&genesis).unwrap();
    let validator = |home: &PathBuf| {
        let config = std::fs::read_to_string(home.join("config.toml")).unwrap();
        let line = config.lines().find(|line| line.starts_with("p2p_listen"));
        let address = line.unwrap().split('"').nth(1).unwrap();
        let all = genesis["validators"].as_array().unwrap();
        let mine = all.iter().find(|one| one["address"] == address).unwrap();
        let key = jumin_identity::b64url_decode(mine["key"].as_str().unwrap()).unwrap();
        let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        (key, address.parse().unwrap())
    };
    homes.iter().map(validator).collect()
}

/// Writes a network's homes so that every connection runs through a proxy.
async fn divided(out: &Path) -> (Vec<Node>, Divider) {
    let homes = homes(out, 4, &[]);
    let divider = Divider {
        sides: watch::channel([0; 4]).0,
        open: watch::channel(Vec::new()).0,
    };
    let validators = listed(&homes);
    for (from, home) in homes.iter().enumerate() {
        let path = home.join("config.toml");
        let mut config = std::fs::read_to_string(&path).unwrap();
        for (to, (key, address)) in validators.iter().enumerate() {
            if from != to {
                let address = divider.proxy(*address, [from, to]).await;
                config.push_str(&format!(
                    "\n[[peers]]\nkey = \"{key}\"\naddress = \"{address}\"\n"
                ));
            }
        }
        std::fs::write(path, config).unwrap();
    }
    let nodes = homes.iter().map(|home| Node::start("run", home)).collect();
    (nodes, divider)
}

async fn is_finalized(node: &Node, operation: &jumin_registry::SignedOperation) {
    let start = Instant::now();
    while node.outcome(operation).await["status"] != "finalized" {
        assert!(start.elapsed() < DEADLINE, "the operation still waits");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_go_on_without_the_fourth_two_and_two_stop_and_all_agree_when_it_heals() {
    let out = tempfile::tempdir().unwrap();
    let (nodes, divider) = divided(out.path()).await;
    let trust = nodes[0].trust();
    nodes[0]
        .finalize(&nodes[0].accredit(&somebody(&trust)))
        .await;

    divider.divide([0, 0, 0, 1]).await;
    let of_three = somebody(&trust);
    nodes[1].finalize(&nodes[1].accredit(&of_three)).await;
    let lonely = somebody(&trust);
    let of_one = nodes[3].accredit(&lonely);
    let (status, answer) = nodes[3].post(&of_one.to_bytes(), 2).await;
    assert_eq!(
        (status, &answer["status"]),
        (202, &"pending".into()),
        "{answer}"
    );
    divider.divide([0; 4]).await;
    is_finalized(&nodes[3], &of_one).await;

    divider.divide([0, 0, 1, 1]).await;
    let (left, right) = (somebody(&trust), somebody(&trust));
    let operations = [nodes[0].accredit(&left), nodes[2].accredit(&right)];
    for (node, operation) in [(0, &operations[0]), (2, &operations[1])] {
        let (status, answer) = nodes[node].post(&operation.to_bytes(), 3).await;
        assert_eq!(
            (status, &answer["status"]),
            (202, &"pending".into()),
            "{answer}"
        );
    }
    divider.divide([0; 4]).await;
    is_finalized(&nodes[0], &operations[0]).await;
    is_finalized(&nodes[2], &operations[1]).await;
    let heights = [
        nodes[0].outcome(&operations[0]).await,
        nodes[2].outcome(&operations[1]).await,
    ];
    let last = heights
        .iter()
        .map(|one| one["height"].as_u64().unwrap())
        .max()
        .unwrap();
    for node in &nodes {
        node.reach(last).await;
        for did in [&of_three, &lonely, &left, &right] {
            assert!(node.record(&accreditation_of(did)).await.is_some());
        }
    }
}
