//! Where a node lives: on a machine of its own, or with others in a simulation.

use std::num::NonZeroU64;

use commonware_consensus::Application;
use commonware_consensus::simplex::types::Context;
use commonware_cryptography::{ed25519, sha256};
use commonware_p2p::authenticated::lookup;
use commonware_p2p::{AddressableManager, Blocker, Receiver, Sender};
use commonware_runtime::{Clock, Metrics, Spawner, Storage, tokio as runtime};
use commonware_utils::NZU64;
use rand_core::CryptoRng;

use crate::Scheme;
use crate::application::Registry;
use crate::block::Block;

type Key = ed25519::PublicKey;

/// What the engine takes from outside, so that the very same wiring runs in production and in a simulation.
pub(crate) trait World: Send + Sized + 'static {
    /// How many blocks the archive forgets together.
    const SECTION: NonZeroU64;
    /// Clock, tasks, randomness and files.
    type Runtime: Clock + CryptoRng + Metrics + Spawner + Storage;
    /// Says whom a node is connected to.
    type Oracle: AddressableManager<PublicKey = Key> + Blocker<PublicKey = Key> + Sync;
    type Sender: Sender<PublicKey = Key>;
    type Receiver: Receiver<PublicKey = Key>;
    /// Proposes and checks blocks.
    type Application: Application<
            Self::Runtime,
            SigningScheme = Scheme,
            Context = Context<sha256::Digest, Key>,
            Block = Block,
            Input = (),
        > + Sync;
}

/// Threads, files, the system's clock and authenticated connections.
pub(crate) struct Machine;

impl World for Machine {
    /// Four days of an idle network; each takes four open files.
    const SECTION: NonZeroU64 = NZU64!(32_768);
    type Runtime = runtime::Context;
    type Oracle = lookup::Oracle<Key>;
    type Sender = lookup::Sender<Key, runtime::Context>;
    type Receiver = lookup::Receiver<Key>;
    type Application = Registry;
}

/// One of the ways on which nodes send each other messages.
pub(crate) type Channel<W> = (<W as World>::Sender, <W as World>::Receiver);

/// The channels that consensus and the ledger use.
pub(crate) struct Channels<W: World> {
    pub votes: Channel<W>,
    pub certificates: Channel<W>,
    pub requests: Channel<W>,
    pub backfill: Channel<W>,
    pub blocks: Channel<W>,
    pub operations: Channel<W>,
    /// What is known of a node's own votes.
    pub past: Channel<W>,
}
