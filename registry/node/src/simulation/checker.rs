//! What must hold at every step, whatever fails.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::node::Node;
use crate::mempool::Outcome;

/// What was broken, in words.
pub(super) type Violation = String;

struct Finalized {
    digest: [u8; 32],
    time_ms: u64,
}

/// What honest nodes said was final, all together.
#[derive(Default)]
pub(super) struct Checker {
    chain: BTreeMap<u64, Finalized>,
    /// Where each operation went.
    operations: HashMap<[u8; 32], u64>,
    forbidden: HashSet<[u8; 32]>,
    pub states: HashSet<[u8; 32]>,
    pub proofs: usize,
    pub forgeries: usize,
}

impl Checker {
    /// Remembers an operation that no block may have.
    pub(super) fn forbid(&mut self, hash: [u8; 32]) {
        self.forbidden.insert(hash);
    }

    /// Believes that an operation was finalized, to see whether its absence is noticed.
    pub(super) fn pretend(&mut self, hash: [u8; 32], height: u64) {
        self.operations.insert(hash, height);
    }

    pub(super) fn is_final(&self, hash: &[u8; 32]) -> bool {
        self.operations.contains_key(hash)
    }

    /// Tells whether a node may have forgotten an operation by now.
    pub(super) fn is_forgotten(&self, node: &Node, hash: &[u8; 32]) -> bool {
        let kept = node
            .ledger()
            .and_then(|ledger| ledger.kept_from().ok().flatten());
        let height = self.operations.get(hash);
        height.is_some_and(|height| kept > Some(*height))
    }

    pub(super) fn height(&self) -> u64 {
        self.chain.last_key_value().map_or(0, |(height, _)| *height)
    }

    pub(super) fn operations(&self) -> usize {
        self.operations.len()
    }

    /// Compares the blocks that an honest node applied with those of the others.
    ///
    /// `limit_ms` is the latest time that an honest quorum votes for now.
    pub(super) fn observe(&mut self, node: &Node, limit_ms: u64) -> Result<(), Violation> {
        let Some(ledger) = node.ledger() else {
            return Ok(());
        };
        for block in ledger.recent() {
            let height = block.applied.height;
            if let Some(known) = self.chain.get(&height) {
                if known.digest != block.applied.digest {
                    return Err(format!("two blocks were finalized at height {height}"));
                }
                continue;
            }
            if block.applied.time_ms > limit_ms {
                let ahead = block.applied.time_ms - limit_ms;
                return Err(format!("block {height} is {ahead} ms too far ahead"));
            }
            for hash in &block.operations {
                if self.forbidden.contains(hash) {
                    return Err(format!("block {height} has a bad operation"));
                }
                if let Some(before) = self.operations.insert(*hash, height) {
                    return Err(format!("an operation is in blocks {before} and {height}"));
                }
            }
            self.states.insert(block.applied.state_root);
            let finalized = Finalized {
                digest: block.applied.digest,
                time_ms: block.applied.time_ms,
            };
            self.chain.insert(height, finalized);
        }
        Ok(())
    }

    /// Requires times to rise with the heights.
    pub(super) fn check_times(&self) -> Result<(), Violation> {
        let times = self.chain.values().map(|block| block.time_ms);
        let rising = times.is_sorted_by(|a, b| a < b);
        rising.then_some(()).ok_or("times don't rise".to_owned())
    }

    /// Requires every finalized operation to be known as that on a node that has its block.
    pub(super) fn check_operations(&self, node: &Node) -> Result<(), Violation> {
        let Some(ledger) = node.ledger() else {
            return Ok(());
        };
        let applied = ledger.applied().height;
        let kept = ledger.kept_from().map_err(|error| error.to_string())?;
        let kept_from = kept.unwrap_or_default();
        // What is older may be forgotten.
        let told = self.operations.iter();
        for (hash, height) in told.filter(|(_, height)| **height >= kept_from) {
            let outcome = ledger.outcome(hash).map_err(|error| error.to_string())?;
            let kept = outcome == Some(Outcome::Finalized(*height));
            if *height <= applied && !kept {
                let name = node.name();
                return Err(format!("{name} lost an operation of block {height}"));
            }
        }
        Ok(())
    }
}
