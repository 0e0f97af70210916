//! All nodes of a run, their links, and what happens to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::{Signer as _, ed25519};
use commonware_p2p::{Manager as _, simulated};
use commonware_runtime::{Clock as _, Supervisor as _, deterministic};
use commonware_utils::{NZUsize, Probability, ordered};
use jumin_identity::Signer as _;
use jumin_registry::{GovernanceRecord, Validator};

use super::Report;
use super::checker::{Checker, Violation};
use super::dice::Dice;
use super::hub::Hub;
use super::node::{Node, Shared};
use super::reader;
use super::scenario::{Fault, Quality, Scenario};
use super::workload::{Workload, governor};
use super::world::Forger;
use crate::application::{MAX_AHEAD, unix_ms};
use crate::genesis::Genesis;

/// How far an honest node's clock is off at most, in milliseconds.
pub(super) const MAX_SKEW: i64 = 700;

/// Everything there is in one run.
pub(super) struct Town {
    pub context: deterministic::Context,
    pub scenario: Scenario,
    pub shared: Arc<Shared>,
    pub nodes: Vec<Node>,
    pub dice: Dice,
    pub workload: Workload,
    pub checker: Checker,
    /// How often each kind of fault happened.
    pub injected: BTreeMap<&'static str, usize>,
    pub(super) oracle: simulated::Oracle<ed25519::PublicKey, deterministic::Context>,
    linked: BTreeSet<(usize, usize)>,
    hubs: Vec<Arc<Hub>>,
}

impl Town {
    /// Founds the network; no node runs yet.
    pub(super) async fn found(context: deterministic::Context, scenario: Scenario) -> Self {
        let mut dice = Dice::new(scenario.seed ^ 0x0067_656e_6573_6973);
        // One more than there are validators: it may join.
        let mut keys: Vec<_> = (0..=scenario.validators)
            .map(|_| {
                let seed: [u8; 32] = dice.seed();
                ed25519::PrivateKey::decode(Copying(seed.as_slice())).expect("any seed is a key")
            })
            .collect();
        keys[..scenario.validators].sort_by_key(|key| key.public_key());
        let shared = Arc::new(share(&scenario, &keys, unix_ms(context.current())));
        let public: Vec<_> = keys.iter().map(|key| key.public_key()).collect();
        let config = simulated::Config {
            max_size: 4 * 1024 * 1024,
            max_peers_per_set: NZUsize!(64),
            disconnect_on_block: true,
            tracked_peer_sets: NZUsize!(2),
        };
        let (network, oracle) = simulated::Network::new(context.child("network"), config);
        network.start();
        let set = ordered::Set::from_iter_dedup(public.iter().cloned());
        oracle.manager().track(0, set);
        let mut hubs = Vec::new();
        for key in &public {
            hubs.push(Arc::new(Hub::open(&context, &oracle, key.clone()).await));
        }
        let from = shared.genesis.time_ms / 1_000;
        let network = shared.genesis.network.clone();
        let workload = Workload::new(network, from, Dice::new(dice.next()));
        let mut town = Self {
            nodes: Vec::new(),
            workload,
            checker: Checker::default(),
            injected: BTreeMap::new(),
            linked: BTreeSet::new(),
            context,
            scenario,
            shared,
            dice,
            oracle,
            hubs,
        };
        town.settle(keys);
        town.link(Quality::good(), |_, _| true).await;
        town
    }

    fn settle(&mut self, keys: Vec<ed25519::PrivateKey>) {
        for (index, key) in keys.into_iter().enumerate() {
            let fault = self.scenario.faults.get(index).copied();
            let node = |name| {
                let hub = self.hubs[index].clone();
                let mut node = Node::new(name, key.clone(), key.public_key(), hub);
                node.honest = matches!(fault, None | Some(Fault::WrongClock));
                node.fault = fault;
                node.joins = index == self.scenario.validators;
                node
            };
            let mut first = node(format!("node-{index}"));
            if fault == Some(Fault::Forges) {
                let (dice, loot) = (Dice::new(self.dice.next()), self.workload.loot.clone());
                first.forger = Some(Arc::new(Mutex::new(Forger {
                    dice,
                    loot,
                    forged: 0,
                })));
            }
            let twin = (fault == Some(Fault::Twins)).then(|| node(format!("twin-{index}")));
            self.nodes.push(first);
            self.nodes.extend(twin);
        }
    }

    /// Starts all nodes that are not running, but for those that are never there.
    pub(super) fn start(&mut self) {
        for index in 0..self.nodes.len() {
            self.start_one(index);
        }
    }

    pub(super) fn start_one(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        let late = node.joins && !self.scenario.changes;
        if node.running.is_none() && node.fault != Some(Fault::Mute) && !late {
            node.start(&self.context, &self.shared);
        }
    }

    pub(super) fn count(&mut self, fault: &'static str) {
        *self.injected.entry(fault).or_default() += 1;
    }

    /// Gives every link between two keys that `connected` names this quality, and cuts the others.
    pub(super) async fn link(
        &mut self,
        quality: Quality,
        connected: impl Fn(usize, usize) -> bool,
    ) {
        let keys: Vec<_> = self.hubs.iter().map(|hub| hub.key().clone()).collect();
        for from in 0..keys.len() {
            for to in 0..keys.len() {
                if from == to {
                    continue;
                }
                let (sender, receiver) = (keys[from].clone(), keys[to].clone());
                if self.linked.remove(&(from, to)) {
                    let cut = self.oracle.remove_link(sender.clone(), receiver.clone());
                    cut.await.expect("it was linked");
                }
                if !connected(from, to) {
                    continue;
                }
                let link = simulated::Link {
                    latency: quality.latency,
                    jitter: quality.jitter,
                    success_rate: Probability::new(100 - quality.loss, 100).expect("a percentage"),
                };
                let linked = self.oracle.add_link(sender, receiver, link);
                linked.await.expect("it was not linked");
                self.linked.insert((from, to));
            }
        }
    }

    pub(super) fn keys(&self) -> usize {
        self.hubs.len()
    }

    pub(super) fn now_ms(&self) -> u64 {
        unix_ms(self.context.current())
    }

    /// The honest nodes that run.
    pub(super) fn honest(&self) -> Vec<usize> {
        let nodes = self.nodes.iter().enumerate();
        let up = nodes.filter(|(_, node)| node.honest && node.running.is_some());
        up.map(|(index, _)| index).collect()
    }

    /// The honest node that is furthest, if one runs.
    pub(super) fn newest(&self) -> Option<&Node> {
        let honest = self.honest().into_iter().map(|index| &self.nodes[index]);
        honest.max_by_key(|node| node.ledger().map(|ledger| ledger.applied().height))
    }

    /// Checks what must hold now.
    pub(super) fn check(&mut self, thoroughly: bool) -> Result<(), Violation> {
        let ended = self
            .shared
            .ended
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(ended) = ended.first() {
            return Err(format!("an engine ended: {ended}"));
        }
        drop(ended);
        let limit = self.now_ms() + MAX_AHEAD.as_millis() as u64 + MAX_SKEW as u64;
        let honest = self.honest();
        for index in &honest {
            self.checker.observe(&self.nodes[*index], limit)?;
        }
        let one = self.dice.pick(&honest).copied();
        if let Some(one) = one.filter(|_| thoroughly) {
            self.checker.check_times()?;
            self.check_node(one)?;
        }
        Ok(())
    }

    /// Checks one node's answers.
    pub(super) fn check_node(&mut self, index: usize) -> Result<(), Violation> {
        let node = &self.nodes[index];
        self.checker.check_operations(node)?;
        let liars: Vec<_> = self.nodes.iter().filter(|node| !node.honest).collect();
        reader::check(node, &liars, &mut self.dice, &mut self.checker)
    }

    /// Requires that no honest node shut another one out.
    pub(super) async fn check_blocked(&self) -> Result<(), Violation> {
        let blocked = self
            .oracle
            .blocked()
            .await
            .map_err(|error| error.to_string())?;
        let is_honest = |key: &ed25519::PublicKey| {
            self.nodes
                .iter()
                .any(|node| node.public == *key && node.honest)
        };
        let wrong = |(by, whom): &&(_, _)| is_honest(by) && is_honest(whom);
        match blocked.iter().find(wrong) {
            Some((by, whom)) => Err(format!("{} blocked {}", self.name(by), self.name(whom))),
            None => Ok(()),
        }
    }

    fn name(&self, key: &ed25519::PublicKey) -> &str {
        let found = self.nodes.iter().find(|node| node.public == *key);
        found.map_or("somebody", Node::name)
    }

    /// Sums the run up.
    pub(super) fn report(&mut self, recovery_ms: u64) -> Report {
        let forgers = self.nodes.iter().filter_map(|node| node.forger.as_ref());
        let forged = forgers.map(|one| one.lock().expect("no panic while it is held").forged);
        let mut injected = self.injected.clone();
        injected.insert("forged block", forged.sum());
        Report {
            injected,
            blocks: self.checker.height(),
            epochs: self.checker.height() / self.scenario.epoch_blocks,
            operations: self.checker.operations(),
            proofs: self.checker.proofs,
            forgeries: self.checker.forgeries,
            recovery_ms,
            audit: self.context.auditor().state(),
            states: self.checker.states.clone(),
        }
    }

    pub(super) async fn wait(&self, duration: Duration) {
        self.context.sleep(duration).await;
    }
}

fn share(scenario: &Scenario, keys: &[ed25519::PrivateKey], time_ms: u64) -> Shared {
    let public = |key: &ed25519::PrivateKey| -> [u8; 32] {
        let key = key.public_key();
        key.as_ref().try_into().expect("32 bytes")
    };
    let address = |index: usize| ([127, 0, 0, 1], 9_000 + index as u16).into();
    let listed = keys[..scenario.validators].iter().enumerate();
    let validators = listed.map(|(index, key)| Validator {
        key: public(key),
        address: address(index),
        name: format!("node-{index}"),
    });
    let all = keys.iter().enumerate();
    Shared {
        genesis: Genesis {
            network: "test".parse().expect("a name"),
            time_ms,
            governance: GovernanceRecord {
                version: 1,
                threshold: 1,
                governors: vec![governor().public_key().clone()],
            },
            epoch_blocks: scenario.epoch_blocks,
            idle_block_ms: scenario.idle.as_millis() as u64,
            validators: validators.collect(),
        },
        idle: scenario.idle,
        upkeep: scenario.upkeep,
        addresses: all
            .map(|(index, key)| (public(key), address(index)))
            .collect(),
        ended: Mutex::default(),
    }
}

/// When the simulated time begins.
pub(super) fn beginning() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000)
}
