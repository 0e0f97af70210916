//! Wires the consensus engine to the ledger, in whatever world the node lives.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use commonware_broadcast::buffered;
use commonware_consensus::marshal::resolver;
use commonware_cryptography::{Digestible as _, Signer as _, ed25519};
use commonware_runtime::{Handle, Spawner as _, Supervisor as _};
use tokio::sync::{mpsc, watch};

use super::archive;
use super::asking::Asking;
use super::committee::Committees;
use super::epochs::{self, Epochs};
use super::world::{Channels, World};
use crate::block::Block;
use crate::exchange::{Deliveries, apply_finalized, exchange_operations, finalization};
use crate::ledger::Ledger;

/// What one node's engine is made of.
pub(crate) struct Parts<W: World> {
    pub ledger: Arc<Ledger>,
    pub key: ed25519::PrivateKey,
    pub application: W::Application,
    /// How long the registry may go without a block.
    pub idle: Duration,
    pub epoch_blocks: u64,
    pub oracle: W::Oracle,
    pub channels: Channels<W>,
    /// Nodes that the settings name, with their addresses.
    pub settled: BTreeMap<[u8; 32], SocketAddr>,
    /// How many nodes this one connects to at most.
    pub limit: NonZeroUsize,
    /// New operations to be sent to the others.
    pub outgoing: mpsc::Receiver<Vec<u8>>,
    /// Whether the others are asked for this node's own votes before it votes; a node that is faulty on purpose doesn't.
    pub asks: bool,
    /// A block that was certified before.
    pub expected: u64,
}

/// The tasks of a running engine.
pub(crate) struct Tasks {
    applied: Handle<anyhow::Result<()>>,
    consensus: Handle<anyhow::Result<()>>,
    exchange: Handle<()>,
    asking: Handle<()>,
    archive: Handle<()>,
    broadcast: Handle<()>,
}

/// Starts one node's engine.
pub(crate) async fn start<W: World>(
    context: &W::Runtime,
    parts: Parts<W>,
) -> anyhow::Result<Tasks> {
    let Parts {
        ledger, channels, ..
    } = parts;
    let me = parts.key.public_key();
    let key = parts.key.clone();
    if !parts.asks {
        ledger.know_votes();
    }
    let committees = Committees::new(ledger.clone(), parts.key);
    let page_cache = archive::page_cache();
    let genesis = ledger.genesis().clone();
    let first = genesis.digest();
    let floor = ledger
        .start()
        .map(|start| finalization(start).context("the first block's certificate can't be used"));
    let floor = floor.transpose()?;
    let epocher = archive::epocher(parts.epoch_blocks);
    let (archive, blocks) = archive::open::<W>(
        context,
        committees.clone(),
        epocher.clone(),
        genesis,
        floor,
        page_cache.clone(),
    )
    .await?;

    let (broadcast, buffer) = buffered::Engine::<_, _, Block, _, _>::new(
        context.child("broadcast"),
        archive::broadcast::<W>(me.clone(), &parts.oracle),
    );
    let backfill = archive::backfill::<W>(me, &parts.oracle);
    let backfill = resolver::p2p::init(context.child("backfill"), backfill, channels.backfill);
    let (recalled, known) = watch::channel(None);
    let consensus = Epochs::<W> {
        context: context.child("consensus"),
        ledger: ledger.clone(),
        application: parts.application,
        committees,
        blocks: blocks.clone(),
        oracle: parts.oracle,
        settled: parts.settled,
        limit: parts.limit,
        epocher,
        idle: parts.idle,
        page_cache,
        genesis: first,
        recalled,
        expected: parts.expected,
    };
    let lanes = epochs::lanes::<W>(
        context,
        channels.votes,
        channels.certificates,
        channels.requests,
    );

    let (deliver, deliveries) = mpsc::unbounded_channel();
    let applier = context.child("applier").dedicated();
    let apply = ledger.clone();
    let exchange = context.child("exchange");
    let asking = Asking {
        ledger: ledger.clone(),
        key,
        recalled: known,
    };
    let past = channels.past;
    Ok(Tasks {
        applied: applier
            .spawn(|clock| apply_finalized(clock, apply, blocks, deliveries, W::SECTION)),
        exchange: exchange
            .spawn(|clock| exchange_operations(clock, ledger, channels.operations, parts.outgoing)),
        asking: context
            .child("asking")
            .spawn(|context| asking.run(context, past)),
        archive: archive.start(Deliveries(deliver), buffer, backfill),
        broadcast: broadcast.start(channels.blocks),
        consensus: context.child("epochs").spawn(|_| consensus.run(lanes)),
    })
}

impl Tasks {
    /// Waits until one of the tasks ends, which none does by itself, and says why.
    pub(crate) async fn ended(self) -> anyhow::Result<()> {
        tokio::select! {
            biased;
            ended = self.applied => ended.unwrap_or_else(|_| Ok(())).context("cannot apply a finalized block"),
            ended = self.consensus => ended.unwrap_or_else(|_| Ok(())).and_then(|()| anyhow::bail!("consensus ended")),
            _ = self.asking => anyhow::bail!("the exchange about votes ended"),
            _ = self.exchange => anyhow::bail!("the exchange of operations ended"),
            _ = self.archive => anyhow::bail!("the block archive ended"),
            _ = self.broadcast => anyhow::bail!("the block broadcast ended"),
        }
    }
}
