//! The world of a simulation, and how a faulty validator proposes in it.

use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};

use commonware_consensus::Application;
use commonware_consensus::marshal::ancestry::Ancestry;
use commonware_consensus::simplex::types;
use commonware_cryptography::{Digested, Digestible as _, ed25519, sha256};
use commonware_utils::NZU64;

use super::context::Context;
use super::dice::Dice;
use super::ports::{Inlet, Outlet, Port};
use crate::Scheme;
use crate::application::Registry;
use crate::block::{Block, body_hash};
use crate::validator::world::World;

pub(crate) struct Simulated;

impl World for Simulated {
    // A run has few blocks.
    const SECTION: NonZeroU64 = NZU64!(16);
    type Runtime = Context;
    type Oracle = Port;
    type Sender = Outlet;
    type Receiver = Inlet;
    type Application = Proposer;
}

/// What a forger draws on.
pub(super) struct Forger {
    pub dice: Dice,
    /// Operations that no block may have: finalized before, or refused.
    pub loot: Arc<Mutex<Vec<Vec<u8>>>>,
    /// How many forged blocks it proposed.
    pub forged: usize,
}

/// Proposes and checks as the registry does, unless it forges.
#[derive(Clone)]
pub(crate) struct Proposer {
    pub(super) honest: Registry,
    pub(super) forger: Option<Arc<Mutex<Forger>>>,
}

impl Application<Context> for Proposer {
    type SigningScheme = Scheme;
    type Context = types::Context<sha256::Digest, ed25519::PublicKey>;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        context: (Context, Self::Context),
        ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        let block = self.honest.propose(context, ancestry, ()).await?;
        let Some(forger) = &self.forger else {
            return Some(block);
        };
        let mut forger = forger.lock().unwrap_or_else(PoisonError::into_inner);
        let forged = forger.forge(block.inner());
        let digest = forged.digest();
        Some(Digested::precomputed(forged, digest))
    }

    async fn verify(
        &mut self,
        context: (Context, Self::Context),
        ancestry: impl Ancestry<Block>,
    ) -> bool {
        // A forger votes for everything that it is asked about.
        self.forger.is_some() || self.honest.verify(context, ancestry).await
    }
}

impl Forger {
    fn forge(&mut self, block: &Block) -> Block {
        let mut header = block.header().clone();
        let mut operations = block.operations().to_vec();
        match self.dice.below(8) {
            0 => header.state_root = self.dice.seed(),
            1 => header.time_ms += self.dice.between(5_000, 100_000),
            2 => header.time_ms = self.dice.between(0, header.time_ms - 1_000),
            3 => header.next_validators = self.dice.seed(),
            4 => header.epoch += 1,
            5 => operations.extend(operations.first().cloned()),
            6 => {
                let loot = self.loot.lock().unwrap_or_else(PoisonError::into_inner);
                operations.extend(self.dice.pick(&loot).cloned());
            }
            // Even a forger may be honest for once, so that its blocks are not all refused.
            _ => return block.clone(),
        }
        self.forged += 1;
        header.body_hash = body_hash(&operations);
        Block::new(header, operations)
    }
}
