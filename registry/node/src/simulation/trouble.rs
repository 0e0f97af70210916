//! The faults of a run, one after the other as the dice fall.

use std::collections::BTreeSet;
use std::time::Duration;

use commonware_cryptography::{Signer as _, ed25519};
use commonware_runtime::Clock as _;
use commonware_utils::channel::mpsc;
use jumin_registry::{NewValidator, Operation, POSSESSION_NAMESPACE, possession_statement};

use super::checker::Violation;
use super::scenario::{Fault, Quality};
use super::town::{MAX_SKEW, Town};
use crate::mempool::Outcome;

/// An operation that a node took in, and how often it had crashed by then.
pub(super) struct Accepted {
    pub hash: [u8; 32],
    pub node: usize,
    pub crashes: usize,
}

/// What is under way.
#[derive(Default)]
pub(super) struct Trouble {
    pub accepted: Vec<Accepted>,
    /// When nodes that crashed start again, by their index.
    restarts: Vec<(u64, usize)>,
    /// When the network is whole again.
    heals: Option<u64>,
    /// What nodes that garble hear, by their index and the channel.
    taps: Vec<(usize, usize, Tap)>,
    /// A validator started with an older copy of its votes.
    old_copy: bool,
}

/// Messages with their senders.
type Tap = mpsc::UnboundedReceiver<(ed25519::PublicKey, commonware_runtime::IoBuf)>;

impl Trouble {
    /// Makes trouble for as long as the scenario says, and checks at each step.
    pub(super) async fn make(&mut self, town: &mut Town) -> Result<(), Violation> {
        self.prepare(town);
        let end = town.now_ms() + town.scenario.trouble.as_millis() as u64;
        let quality = town.scenario.quality;
        town.link(quality, |_, _| true).await;
        let mut step = 0_u64;
        while town.now_ms() < end {
            let pause = town.dice.millis(20, 400);
            town.wait(pause).await;
            self.recover(town).await;
            for _ in 0..town.dice.below(3) {
                self.ask(town)?;
            }
            self.strike(town).await;
            self.deceive(town);
            step += 1;
            town.check(step.is_multiple_of(8))?;
        }
        town.check_blocked().await
    }

    fn prepare(&mut self, town: &mut Town) {
        for index in 0..town.nodes.len() {
            let fault = town.nodes[index].fault;
            if let Some(fault) = fault {
                town.count(match fault {
                    Fault::Twins => "twins",
                    Fault::Withholds => "withholder",
                    Fault::Forges => "forger",
                    Fault::Garbles => "garbler",
                    Fault::Mute => "mute validator",
                    Fault::WrongClock => "wrong clock",
                });
            }
            if fault == Some(Fault::Garbles) {
                let hub = &town.nodes[index].hub;
                let taps = (0..hub.channels()).map(|channel| (index, channel, hub.tap(channel)));
                self.taps.extend(taps);
            }
            let skew = match fault {
                Some(Fault::WrongClock) => {
                    let off = town.dice.between(2_500, 60_000) as i64;
                    if town.dice.chance(50) { off } else { -off }
                }
                _ => town.dice.between(0, 2 * MAX_SKEW as u64) as i64 - MAX_SKEW,
            };
            town.nodes[index].set_clock(skew);
        }
        town.start();
        self.reshuffle(town);
    }

    /// Sends an operation to some honest node.
    fn ask(&mut self, town: &mut Town) -> Result<(), Violation> {
        let honest = town.honest();
        let Some(index) = town.dice.pick(&honest).copied() else {
            return Ok(());
        };
        let now = town
            .now_ms()
            .saturating_add_signed(town.nodes[index].ahead());
        match town.dice.below(10) {
            0 => {
                let (flight, code) = town.workload.bad();
                town.checker.forbid(flight.hash);
                town.count("bad operation");
                let answer = town.nodes[index].submit(&flight.bytes, now);
                // A node that lags behind doesn't know yet that an operation is stale; its proposal will.
                if answer != Err(code) && !(code == "stale_version" && answer.is_ok()) {
                    return Err(format!("{code} was expected, the answer was {answer:?}"));
                }
            }
            1 => {
                if let Some(flight) = town.workload.replay() {
                    town.count("replayed operation");
                    // Whether it is known as final here depends on how far the node is; the checker sees to the blocks.
                    let _ = town.nodes[index].submit(&flight.bytes, now);
                }
            }
            _ => {
                let flight = town.workload.next(|hash| town.checker.is_final(hash));
                let answer = town.nodes[index].submit(&flight.bytes, now);
                if answer == Ok(Outcome::Pending) {
                    self.accepted.push(Accepted {
                        hash: flight.hash,
                        node: index,
                        crashes: town.nodes[index].crashes,
                    });
                }
            }
        }
        Ok(())
    }

    /// Lets happen what is due.
    async fn recover(&mut self, town: &mut Town) {
        let now = town.now_ms();
        let due: Vec<_> = self.restarts.extract_if(.., |(at, _)| *at <= now).collect();
        for (_, index) in due {
            town.start_one(index);
        }
        if self.heals.is_some_and(|at| at <= now) {
            self.heals = None;
            let quality = town.scenario.quality;
            town.link(quality, |_, _| true).await;
        }
    }

    /// Lets something fail, now and then.
    async fn strike(&mut self, town: &mut Town) {
        if town.dice.chance(3) && town.scenario.changes {
            self.change_validators(town);
        }
        if !town.scenario.outages {
            return;
        }
        match town.dice.below(200) {
            0..=4 => {
                let index = town.dice.below(town.nodes.len());
                self.crash(town, index);
            }
            5 => {
                town.count("power loss everywhere");
                for index in 0..town.nodes.len() {
                    self.crash(town, index);
                }
            }
            6..=9 => self.part(town).await,
            10 | 11 => {
                town.scenario.quality = Quality::any(&mut town.dice);
                if self.heals.is_none() {
                    town.count("change of the links");
                    let quality = town.scenario.quality;
                    town.link(quality, |_, _| true).await;
                }
            }
            12..=14 => self.shift_clock(town),
            15 => self.put_old_copy(town).await,
            _ => {}
        }
    }

    fn crash(&mut self, town: &mut Town, index: usize) {
        if town.nodes[index].running.is_none() {
            return;
        }
        town.nodes[index].crash();
        town.count("crash");
        let back = town.now_ms() + town.dice.between(100, 9_000);
        self.restarts.push((back, index));
    }

    /// Has one honest validator start with an older copy of its votes. One at a time: while more than a third of them wait
    /// for the next epoch, it doesn't begin.
    async fn put_old_copy(&mut self, town: &mut Town) {
        let honest = town.honest();
        let waits = |index: &usize| {
            town.nodes[*index]
                .ledger()
                .is_some_and(|one| !one.may_vote())
        };
        let faulty = town.nodes.iter().any(|node| node.fault.is_some());
        if faulty
            || self.old_copy
            || honest.len() < town.scenario.validators
            || honest.iter().any(waits)
        {
            return;
        }
        if let Some(index) = town.dice.pick(&honest).copied() {
            self.old_copy = true;
            town.take_votes(index).await;
            town.count("old copy of votes");
            self.restarts.push((town.now_ms(), index));
        }
    }

    /// Cuts the network in two, for some time.
    async fn part(&mut self, town: &mut Town) {
        let side: Vec<bool> = (0..town.keys()).map(|_| town.dice.chance(50)).collect();
        let (quality, ms) = (town.scenario.quality, town.dice.between(500, 9_000));
        town.link(quality, |from, to| side[from] == side[to]).await;
        town.count("partition");
        self.heals = Some(town.now_ms() + ms);
    }

    fn shift_clock(&mut self, town: &mut Town) {
        let index = town.dice.below(town.nodes.len());
        if town.nodes[index].fault != Some(Fault::WrongClock) {
            let skew = town.dice.between(0, 2 * MAX_SKEW as u64) as i64 - MAX_SKEW;
            town.nodes[index].set_clock(skew);
            town.count("clock shift");
        }
    }

    /// Adds the node that waits, or removes a validator where there are more than at the beginning.
    pub(super) fn change_validators(&mut self, town: &mut Town) {
        let Some(set) = town.newest().and_then(|node| Some(node.ledger()?.set())) else {
            return;
        };
        let listed = set.at(u64::MAX);
        let spare = town.nodes.last().expect("nobody is left out");
        let key: [u8; 32] = spare.public.as_ref().try_into().expect("32 bytes");
        let (mut add, mut remove) = (Vec::new(), Vec::new());
        if listed.len() > town.scenario.validators {
            remove.extend(town.dice.pick(listed).map(|validator| validator.key));
        } else if listed.iter().all(|validator| validator.key != key) && spare.running.is_some() {
            let address = town.shared.addresses[&key];
            let statement = possession_statement(&town.shared.genesis.network, &key, address);
            let proof = spare.key.sign(POSSESSION_NAMESPACE, &statement);
            add.push(NewValidator {
                key,
                address,
                name: "the fifth".to_owned(),
                proof: proof.as_ref().to_vec(),
            });
        }
        if add.is_empty() && remove.is_empty() {
            return;
        }
        let change = Operation::SetValidators {
            add,
            remove,
            version: set.version,
        };
        let flight = town.workload.governed(&change);
        let honest = town.honest();
        if let Some(index) = town.dice.pick(&honest).copied()
            && town.nodes[index].submit(&flight.bytes, town.now_ms()) == Ok(Outcome::Pending)
        {
            town.count("change of validators");
        }
    }

    /// Lets faulty validators go on as they do; they don't stop when other faults do.
    pub(super) fn deceive(&mut self, town: &mut Town) {
        if town.dice.chance(10) {
            self.reshuffle(town);
        }
        self.garble(town);
    }

    /// Chooses anew whom faulty validators deceive.
    fn reshuffle(&mut self, town: &mut Town) {
        let keys: Vec<_> = town.nodes.iter().map(|node| node.public.clone()).collect();
        let half = |town: &mut Town| -> BTreeSet<ed25519::PublicKey> {
            let chosen = keys.iter().filter(|_| town.dice.chance(60));
            chosen.cloned().collect()
        };
        for index in 0..town.nodes.len() {
            let chosen = half(town);
            let node = &town.nodes[index];
            let mut deceit = node.deceit.lock().expect("no panic while it is held");
            match node.fault {
                Some(Fault::Twins) => deceit.audience = Some(chosen),
                Some(Fault::Withholds) => deceit.blocks_to = Some(chosen),
                _ => {}
            }
        }
    }

    fn garble(&mut self, town: &mut Town) {
        let peers: Vec<_> = town.nodes.iter().map(|node| node.public.clone()).collect();
        for (index, channel, tap) in &mut self.taps {
            // Only the newest are interesting, and the queue must not grow.
            let mut heard = None;
            while let Ok((_, bytes)) = tap.try_recv() {
                heard = Some(bytes.as_ref().to_vec());
            }
            if !town.dice.chance(30) {
                continue;
            }
            let mut bytes = match heard {
                Some(bytes) if town.dice.chance(70) => bytes,
                _ => {
                    let length = town.dice.below(300);
                    town.dice.bytes(length)
                }
            };
            if !bytes.is_empty() && town.dice.chance(80) {
                let at = town.dice.below(bytes.len());
                bytes[at] ^= 1 << town.dice.below(8);
            }
            if let Some(peer) = town.dice.pick(&peers) {
                town.nodes[*index].hub.shout(*channel, peer, bytes);
                *town.injected.entry("garbled message").or_default() += 1;
            }
        }
    }

    /// Ends all faults but those of faulty validators.
    pub(super) async fn end(&mut self, town: &mut Town) {
        town.link(Quality::good(), |_, _| true).await;
        // A crashed node's tasks are gone by then.
        town.context.sleep(Duration::from_millis(100)).await;
        town.start();
    }
}
