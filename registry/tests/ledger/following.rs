//! The client against nodes that lie about changes of validators.

use std::sync::{Arc, Mutex};

use jumin_http::{Client, Url};
use jumin_identity::b64url;
use jumin_registry::{
    Handover, NetworkTrust, client::ClientError, client::LedgerClient, client::NodeFailure,
    testing::TestLedger,
};
use serde_json::{Value, json};

use super::client::{Answer, json, node, now};

/// A network whose validators changed twice since `trust`.
struct Changed {
    ledger: Arc<Mutex<TestLedger>>,
    trust: NetworkTrust,
    handovers: Vec<Handover>,
}

fn changed(network: &str) -> Changed {
    let mut ledger = TestLedger::with_epochs(network, &[1, 2, 3, 4], 8, now());
    let trust = ledger.trust();
    let handovers = vec![
        ledger.hand_over(&[3, 4, 5, 6, 7]),
        ledger.hand_over(&[6, 7, 8, 9]),
    ];
    Changed {
        ledger: Arc::new(Mutex::new(ledger)),
        trust,
        handovers,
    }
}

fn encoded(handovers: &[Handover]) -> Value {
    let texts: Vec<_> = handovers
        .iter()
        .map(|one| b64url(&one.to_bytes()))
        .collect();
    json!({ "handovers": texts })
}

impl Changed {
    /// A node that proves the newest checkpoint, and answers about handovers with `answer`.
    async fn node(&self, answer: impl Fn(u64) -> Answer + Send + Sync + 'static) -> Url {
        let ledger = self.ledger.clone();
        node(move |request, _| match request.split_once("from=") {
            Some((_, epoch)) => answer(epoch.parse().unwrap()),
            None => {
                let checkpoint = ledger.lock().unwrap().checkpoint(now());
                json(&json!({"checkpoint": b64url(&checkpoint.to_bytes())}))
            }
        })
        .await
    }

    async fn honest(&self) -> Url {
        let handovers = self.handovers.clone();
        let from = |epoch| move |one: &&Handover| one.checkpoint.header.epoch >= epoch;
        self.node(move |epoch| {
            let found: Vec<_> = handovers.iter().filter(from(epoch)).cloned().collect();
            json(&encoded(&found))
        })
        .await
    }

    fn client(&self, nodes: Vec<Url>) -> LedgerClient {
        LedgerClient::new(nodes, self.trust.clone(), Client::new().unwrap())
    }
}

#[tokio::test]
async fn reader_follows_the_validators_that_hand_over_to_each_other() {
    let network = changed("test");
    let client = network.client(vec![network.honest().await]);
    client.checkpoint().await.unwrap();
    let followed = client.followed();
    assert_eq!(followed.validators, network.handovers[1].validators);
    assert_eq!(client.trust(), &network.trust);
}

#[tokio::test]
async fn node_that_lies_about_handovers_is_passed_over_and_changes_nothing() {
    let network = changed("test");
    let other = changed("test");
    let [first, second] = [0, 1].map(|index| network.handovers[index].clone());
    let mut stolen = first.clone();
    stolen.validators = second.validators.clone();
    let many = vec![first.clone(); 10_000];
    let lies: [(&str, Answer); 9] = [
        ("nothing", json(&json!({"handovers": []}))),
        ("no answer", (500, b"{}".to_vec())),
        ("garbage", json(&json!({"handovers": ["AAAA", "!"]}))),
        ("another form", json(&json!([1, 2]))),
        (
            "the second alone",
            json(&encoded(std::slice::from_ref(&second))),
        ),
        ("reordered", json(&encoded(&[second, first]))),
        ("other validators than certified", json(&encoded(&[stolen]))),
        ("another network", json(&encoded(&other.handovers))),
        ("without end", json(&encoded(&many))),
    ];
    for (name, lie) in lies {
        let liar = network.node(move |_| lie.clone()).await;
        let client = network.client(vec![liar.clone()]);
        let error = client.checkpoint().await.unwrap_err();
        assert!(
            matches!(error, ClientError::Nodes(NodeFailure::Checkpoint(_))),
            "{name}: {error:?}"
        );
        assert_eq!(client.followed(), network.trust, "{name}");
        let client = network.client(vec![liar, network.honest().await]);
        client.checkpoint().await.unwrap();
    }
}
