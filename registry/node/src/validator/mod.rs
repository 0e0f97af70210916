//! Runs a validator's consensus engine on threads of its own.

mod archive;
mod asking;
mod committee;
pub(crate) mod engine;
mod epochs;
mod network;
pub(crate) mod past;
pub(crate) mod world;

use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context as _;
use commonware_runtime::{Metrics as _, Runner as _, Supervisor as _, tokio as runtime};
use commonware_utils::NZUsize;
use tokio::sync::{mpsc, oneshot, watch};

use crate::application::Registry;
use crate::home::Home;
use crate::ledger::Ledger;
use engine::Parts;
use world::Machine;

const BUFFER: NonZeroUsize = NZUsize!(1024 * 1024);
const MAILBOX: NonZeroUsize = NZUsize!(1_024);
const ENGINE_THREADS: usize = 2;

/// What the API tells the engine to send to the other validators.
pub(crate) type Gossip = mpsc::Sender<Vec<u8>>;
/// Renders the run-time's metrics as Prometheus text.
pub(crate) type Metrics = Arc<dyn Fn() -> String + Send + Sync>;

/// A running engine.
pub(crate) struct Validator {
    thread: std::thread::JoinHandle<anyhow::Result<()>>,
    stop: watch::Sender<bool>,
    pub gossip: Gossip,
    pub metrics: Metrics,
    /// This node's public key.
    pub key: [u8; 32],
}

/// What connects the engine's threads to the others.
struct Links {
    expected: u64,
    outgoing: mpsc::Receiver<Vec<u8>>,
    stopped: watch::Receiver<bool>,
    ready: oneshot::Sender<Metrics>,
}

impl Validator {
    /// Starts the engine on threads of its own and waits until it runs.
    ///
    /// A validator that is alone must have the block `expected`.
    pub(crate) async fn start(
        home: Home,
        ledger: Arc<Ledger>,
        expected: u64,
    ) -> anyhow::Result<Self> {
        check_port(&home)?;
        let key = home.public_key();
        let (stop, stopped) = watch::channel(false);
        let (gossip, outgoing) = mpsc::channel(1_024);
        let (ready, running) = oneshot::channel();
        let links = Links {
            expected,
            outgoing,
            stopped,
            ready,
        };
        let name = "engine".to_owned();
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let config = runtime::Config::new()
                .with_worker_threads(ENGINE_THREADS)
                .with_storage_directory(home.data().join("engine"));
            runtime::Runner::new(config).start(|context| run(context, home, ledger, links))
        })?;
        match running.await {
            Ok(metrics) => Ok(Self {
                thread,
                stop,
                gossip,
                metrics,
                key,
            }),
            Err(_) => Err(join(thread)
                .err()
                .context("the consensus engine did not start")?),
        }
    }

    /// Tells whether the engine has ended by itself.
    pub(crate) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends the engine and waits for it.
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        join(self.thread)
    }
}

fn join(thread: std::thread::JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    match thread.join() {
        Ok(result) => result,
        Err(_) => anyhow::bail!(
            "the consensus engine failed; if the lines above name a damaged file, move data/engine away and start with --votes-lost"
        ),
    }
}

/// The engine can't report a port in use, so it is tried before.
fn check_port(home: &Home) -> anyhow::Result<()> {
    let address = home.config.p2p_listen;
    TcpListener::bind(address)
        .with_context(|| format!("cannot listen on {address} for the other validators"))?;
    Ok(())
}

async fn run(
    context: runtime::Context,
    home: Home,
    ledger: Arc<Ledger>,
    mut links: Links,
) -> anyhow::Result<()> {
    let namespace = ledger.trust().namespace();
    let settled = home.peers()?;
    let limit = network::limit(&ledger.set(), settled.len());
    let (network, oracle, channels) = network::open(&context, &home, &namespace, limit)?;
    let parts = Parts::<Machine> {
        application: Registry::new(ledger.clone(), home.idle()),
        ledger,
        idle: home.idle(),
        epoch_blocks: home.genesis.epoch_blocks,
        key: home.key,
        oracle,
        channels,
        settled,
        limit,
        outgoing: links.outgoing,
        asks: true,
        expected: links.expected,
    };
    let engine = engine::start(&context, parts).await?;
    let network = network.start();
    let metrics = context.child("metrics");
    // Nobody receives only when the process ends already.
    let _ = links.ready.send(Arc::new(move || metrics.encode()));
    tokio::select! {
        _ = links.stopped.wait_for(|stopped| *stopped) => Ok(()),
        ended = engine.ended() => ended,
        _ = network => anyhow::bail!("the network ended"),
    }
}
