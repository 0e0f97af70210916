//! What a seed stands for.

use std::time::Duration;

use super::dice::Dice;
use crate::upkeep::Upkeep;

/// How a faulty validator behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Two nodes have one key, each of them talking to some of the others: they propose and vote twice.
    Twins,
    /// Its blocks reach some of the others only.
    Withholds,
    /// It proposes blocks that break a rule, and votes for any.
    Forges,
    /// It sends bytes that mean nothing on every channel, or what others sent, garbled.
    Garbles,
    /// It is never there.
    Mute,
    /// It is honest and its clock is wrong by more than is tolerated.
    WrongClock,
}

const FAULTS: [Fault; 6] = [
    Fault::Twins,
    Fault::Withholds,
    Fault::Forges,
    Fault::Garbles,
    Fault::Mute,
    Fault::WrongClock,
];

/// The quality of the links between nodes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quality {
    pub latency: Duration,
    pub jitter: Duration,
    /// In percent.
    pub loss: u64,
}

impl Quality {
    pub(super) fn good() -> Self {
        Self {
            latency: Duration::from_millis(10),
            jitter: Duration::from_millis(3),
            loss: 0,
        }
    }

    pub(super) fn any(dice: &mut Dice) -> Self {
        Self {
            latency: dice.millis(1, 200),
            jitter: dice.millis(0, 100),
            loss: if dice.chance(50) {
                0
            } else {
                dice.between(1, 30)
            },
        }
    }
}

/// All that is fixed before a run begins.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub seed: u64,
    pub validators: usize,
    pub epoch_blocks: u64,
    pub idle: Duration,
    /// How long faults happen.
    pub trouble: Duration,
    pub quality: Quality,
    /// Of the first validators, at most as many as may be faulty.
    pub faults: Vec<Fault>,
    /// Whether a further node joins, and validators leave.
    pub changes: bool,
    /// Whether nodes crash and the network parts.
    pub outages: bool,
    /// What nodes keep of the past.
    pub upkeep: Upkeep,
}

impl Scenario {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let validators = if dice.chance(15) { 7 } else { 4 };
        let tolerated = (validators - 1) / 3;
        let faulty = dice.below(tolerated + 1).max(dice.below(tolerated + 1));
        let faults = (0..faulty).map(|_| FAULTS[dice.below(FAULTS.len())]);
        Self {
            seed,
            validators,
            faults: faults.collect(),
            // Two blocks are the least that a network may have.
            epoch_blocks: dice.between(2, 24),
            idle: dice.millis(100, 1_000),
            trouble: dice.millis(10_000, 50_000),
            quality: Quality::any(&mut dice),
            changes: dice.chance(60),
            outages: dice.chance(85),
            upkeep: upkeep(&mut dice),
        }
    }

    /// Four validators, good links and nothing that fails by itself, for tests that let one thing fail.
    pub(super) fn calm(seed: u64) -> Self {
        Self {
            seed,
            validators: 4,
            epoch_blocks: 5,
            idle: Duration::from_millis(200),
            trouble: Duration::ZERO,
            quality: Quality::good(),
            faults: Vec::new(),
            changes: false,
            outages: false,
            upkeep: Upkeep::archive(),
        }
    }
}

/// Keeps everything, or some seconds; room is given back some times in a run.
fn upkeep(dice: &mut Dice) -> Upkeep {
    let keeps = dice.chance(60).then(|| dice.millis(500, 5_000));
    Upkeep {
        keep: keeps,
        // Who was away for the longest that nodes are still finds the blocks that it missed.
        at_least: 40,
        room_every: Duration::from_secs(10),
        room_at: Duration::ZERO,
    }
}
