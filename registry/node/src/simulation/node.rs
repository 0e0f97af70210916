//! One node of a simulation, which may crash and start again from its disk.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use commonware_cryptography::ed25519;
use commonware_runtime::{Handle, Spawner as _, Supervisor as _, deterministic};
use commonware_utils::NZUsize;
use jumin_registry::SignedOperation;
use tokio::sync::mpsc;

use super::context::{Context, Place};
use super::disk::Disk;
use super::hub::Hub;
use super::ports::Deceit;
use super::scenario::Fault;
use super::world::{Forger, Proposer, Simulated};
use crate::application::Registry;
use crate::execution::operation_hash;
use crate::genesis::Genesis;
use crate::ledger::Ledger;
use crate::mempool::{Capacity, Outcome, Share, Waiting};
use crate::store::Store;
use crate::upkeep::Upkeep;
use crate::validator::engine::{self, Parts};

/// What all nodes of a simulation share.
pub(super) struct Shared {
    pub genesis: Genesis,
    pub idle: Duration,
    pub upkeep: Upkeep,
    /// Where each node is reached, by key.
    pub addresses: BTreeMap<[u8; 32], SocketAddr>,
    /// Why engines ended by themselves, which none may.
    pub ended: Mutex<Vec<String>>,
}

/// A node, running or not.
pub(super) struct Node {
    pub key: ed25519::PrivateKey,
    pub public: ed25519::PublicKey,
    /// Whether all that the checker asks of a node is asked of this one.
    pub honest: bool,
    pub hub: Arc<Hub>,
    pub deceit: Arc<Mutex<Deceit>>,
    pub forger: Option<Arc<Mutex<Forger>>>,
    /// Whether it must be told the others' addresses, because the ledger doesn't name it yet.
    pub joins: bool,
    pub fault: Option<Fault>,
    pub running: Option<Running>,
    pub crashes: usize,
    place: Arc<Place>,
    disk: Disk,
}

/// What there is of a node while it runs.
pub(super) struct Running {
    pub ledger: Arc<Ledger>,
    gossip: mpsc::Sender<Vec<u8>>,
    engine: Handle<()>,
}

impl Node {
    pub(super) fn new(
        name: String,
        key: ed25519::PrivateKey,
        public: ed25519::PublicKey,
        hub: Arc<Hub>,
    ) -> Self {
        Self {
            key,
            public,
            honest: true,
            hub,
            deceit: Arc::default(),
            forger: None,
            joins: false,
            fault: None,
            running: None,
            crashes: 0,
            place: Arc::new(Place {
                prefix: name,
                ahead: AtomicI64::new(0),
            }),
            disk: Disk::default(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.place.prefix
    }

    /// Puts the node's clock ahead by so many milliseconds, or behind.
    pub(super) fn set_clock(&self, ahead: i64) {
        self.place.ahead.store(ahead, Ordering::Relaxed);
    }

    pub(super) fn ahead(&self) -> i64 {
        self.place.ahead.load(Ordering::Relaxed)
    }

    pub(super) fn ledger(&self) -> Option<&Arc<Ledger>> {
        self.running.as_ref().map(|running| &running.ledger)
    }

    /// Starts the node from what is on its disk.
    pub(super) fn start(&mut self, context: &deterministic::Context, shared: &Arc<Shared>) {
        let digest = shared.genesis.block().expect("genesis").header().digest();
        let store = Store::new(self.disk.open(), &digest).expect("the disk is this network's");
        let ledger = Ledger::open(&shared.genesis, store, Capacity::default());
        let ledger = ledger.expect("the disk is whole").keeping(shared.upkeep);
        let ledger = Arc::new(ledger);
        let (port, channels) = self.hub.connect(self.deceit.clone(), self.place.clone());
        let (gossip, outgoing) = mpsc::channel(1_024);
        let settled = match self.joins {
            true => shared.addresses.clone(),
            false => BTreeMap::new(),
        };
        let parts = Parts::<Simulated> {
            application: Proposer {
                honest: Registry::new(ledger.clone(), shared.idle),
                forger: self.forger.clone(),
            },
            ledger: ledger.clone(),
            key: self.key.clone(),
            idle: shared.idle,
            epoch_blocks: shared.genesis.epoch_blocks,
            oracle: port,
            channels,
            settled,
            limit: NZUsize!(64),
            outgoing,
            asks: self.fault != Some(Fault::Twins),
            expected: 0,
        };
        let (name, shared) = (self.name().to_owned(), shared.clone());
        let context = context.child("node").with_attribute("node", &name);
        let context = Context::new(context, self.place.clone());
        let engine = context.spawn(|context| async move {
            let ended = match engine::start(&context, parts).await {
                Ok(tasks) => tasks.ended().await,
                Err(error) => Err(error),
            };
            let why = ended
                .err()
                .map_or("no reason".to_owned(), |error| format!("{error:#}"));
            let mut all = shared.ended.lock().expect("no panic while it is held");
            all.push(format!("{name}: {why}"));
        });
        self.running = Some(Running {
            ledger,
            gossip,
            engine,
        });
    }

    /// Ends the node as a loss of power does: what was not synced is gone.
    pub(super) fn crash(&mut self) {
        if let Some(running) = self.running.take() {
            running.engine.abort();
            self.disk.crash();
            self.crashes += 1;
        }
    }

    /// Takes an operation in as the HTTP interface does; the answer is the refusal's code.
    pub(super) fn submit(&self, bytes: &[u8], now_ms: u64) -> Result<Outcome, &'static str> {
        let running = self.running.as_ref().ok_or("down")?;
        let operation = SignedOperation::parse(bytes).map_err(|error| error.code())?;
        let (ledger, hash) = (&running.ledger, operation_hash(&operation));
        let known = ledger.outcome(&hash).map_err(|_| "store")?;
        if let Some(Outcome::Finalized(height)) = known {
            return Ok(Outcome::Finalized(height));
        }
        let admitted = ledger.admit(&operation, now_ms);
        admitted.map_err(|rejection| rejection.code())?;
        let share = Share::of_submitter(&operation);
        let waiting = Waiting::new(hash, bytes.into(), operation);
        let (_, new) = ledger.mempool().add(waiting, share).map_err(|_| "busy")?;
        if new {
            // A full queue only means that the others learn of it from the block.
            drop(running.gossip.try_send(bytes.to_vec()));
        }
        Ok(Outcome::Pending)
    }
}
