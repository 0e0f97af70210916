//! Runs one consensus engine after the other, one for each epoch.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use commonware_consensus::marshal::{core::Mailbox, standard::Inline, standard::Standard};
use commonware_consensus::simplex::elector::RoundRobin;
use commonware_consensus::simplex::types::{Artifact, Vote};
use commonware_consensus::simplex::{self, Engine, Floor, ForwardPolicy, SkipBudget, SkipPolicy};
use commonware_consensus::types::{Epoch, Epocher as _, FixedEpocher, Height, ViewDelta};
use commonware_consensus::{Epochable as _, Viewable as _};
use commonware_cryptography::certificate::Verifier as _;
use commonware_cryptography::{Sha256, ed25519, sha256};
use commonware_p2p::utils::mux::{Builder as _, MuxHandle, Muxer};
use commonware_p2p::{Channel as Subchannel, Message};
use commonware_parallel::Sequential;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_runtime::{Handle, ReadOptions, Storage as _, Supervisor as _};
use commonware_storage::journal::segmented::variable;
use commonware_utils::channel::mpsc;
use commonware_utils::{NZDuration, vec::NonEmptyVec};
use tokio::sync::watch;

use super::committee::Committees;
use super::network;
use super::past::{self, Place, Watched};
use super::world::{Channel, World};
use super::{BUFFER, MAILBOX};
use crate::Scheme;
use crate::block::Block;
use crate::certified;
use crate::exchange::finalization;
use crate::ledger::Ledger;

/// How many epochs a node can have applied before it removed the votes of the first: the archive passes on few blocks at a
/// time, and an epoch has two at least.
const LEFT_EPOCHS: u64 = 16;

type Application<W> =
    Inline<<W as World>::Runtime, Scheme, <W as World>::Application, Block, FixedEpocher>;
type Consensus<W> = simplex::Config<
    Scheme,
    RoundRobin<Sha256>,
    <W as World>::Oracle,
    sha256::Digest,
    Application<W>,
    Application<W>,
    Watched<Application<W>>,
    Sequential,
>;
type Strays = mpsc::Receiver<(Subchannel, Message<ed25519::PublicKey>)>;

/// What every epoch's engine needs.
pub(super) struct Epochs<W: World> {
    pub context: W::Runtime,
    pub ledger: Arc<Ledger>,
    pub application: W::Application,
    pub committees: Committees,
    pub blocks: Mailbox<Scheme, Standard<Block>>,
    pub oracle: W::Oracle,
    pub settled: BTreeMap<[u8; 32], SocketAddr>,
    pub limit: NonZeroUsize,
    pub epocher: FixedEpocher,
    pub idle: Duration,
    pub page_cache: CacheRef,
    pub genesis: sha256::Digest,
    /// Where it is said what the newest vote in this node's own files is.
    pub recalled: watch::Sender<Option<Place>>,
    /// A block that was certified before.
    pub expected: u64,
}

/// The engine's channels, divided by epoch.
pub(super) struct Lanes<W: World> {
    votes: MuxHandle<W::Sender>,
    certificates: MuxHandle<W::Sender>,
    requests: MuxHandle<W::Sender>,
    /// Votes of epochs that this node doesn't run.
    strays: Strays,
}

/// Divides the engine's channels by epoch.
pub(super) fn lanes<W: World>(
    context: &W::Runtime,
    votes: Channel<W>,
    certificates: Channel<W>,
    requests: Channel<W>,
) -> Lanes<W> {
    let muxer = Muxer::builder(context.child("votes"), votes.0, votes.1);
    let (muxer, votes, strays) = muxer.with_backup().build();
    muxer.start();
    let start = |name: &'static str, channel: Channel<W>| {
        let (muxer, handle) = Muxer::new(context.child(name), channel.0, channel.1);
        muxer.start();
        handle
    };
    Lanes {
        votes,
        certificates: start("certificates", certificates),
        requests: start("requests", requests),
        strays,
    }
}

impl<W: World> Epochs<W> {
    /// Runs the present epoch's engine until its last block is applied, then the next one's, until the process ends.
    pub(super) async fn run(mut self, mut lanes: Lanes<W>) -> anyhow::Result<()> {
        self.wait_for_state().await?;
        let mut applied = self.ledger.applied_heights();
        let mut tracked = 0;
        let mut epoch = self.ledger.epoch();
        // A node that stopped in between left them.
        for past in epoch.saturating_sub(LEFT_EPOCHS)..epoch {
            self.forget(past).await;
        }
        self.require_expected(epoch)?;
        let recalled = self.recall(epoch).await?;
        self.recalled.send_replace(Some(recalled));
        let mut known = self.ledger.votes_known();
        let mut engine = None;
        loop {
            let set = self.ledger.set();
            if set.version > tracked {
                tracked = set.version;
                network::track(
                    &mut self.oracle,
                    &set,
                    self.ledger.epoch(),
                    &self.settled,
                    self.limit,
                );
            }
            let now = self.ledger.epoch();
            if now > epoch {
                if let Some(engine) = engine.take() {
                    stop(engine).await;
                }
                self.forget(epoch).await;
                epoch = now;
            }
            if engine.is_none() && self.may_start(epoch) {
                engine = Some(self.start(epoch, &mut lanes).await?);
            }
            tokio::select! {
                biased;
                changed = applied.changed() => changed.context("the ledger is gone")?,
                changed = known.changed(), if engine.is_none() => changed.context("the ledger is gone")?,
                stray = lanes.strays.recv() => {
                    let (of, (peer, _)) = stray.context("the votes' channel ended")?;
                    self.catch_up(epoch, of, peer);
                }
                ended = ended(&mut engine) => {
                    ended.ok().context("consensus failed")?;
                    anyhow::bail!("consensus ended");
                }
            }
        }
    }

    /// Requires a validator that is alone, and has nobody to ask, to have the block that it is known to have certified.
    fn require_expected(&self, epoch: u64) -> anyhow::Result<()> {
        let height = self.ledger.applied().height;
        tracing::info!(height, "the state is there");
        let alone = self.committees.has_me(epoch) && self.ledger.set().keys_at(epoch).len() == 1;
        anyhow::ensure!(
            !alone || height >= self.expected,
            certified::explanation(self.expected, height)
        );
        Ok(())
    }

    /// Tells whether an epoch's engine can start: a validator must have been told first what it voted for before.
    fn may_start(&self, epoch: u64) -> bool {
        *self.ledger.votes_known().borrow() || !self.committees.has_me(epoch)
    }

    /// Asks a peer that is in a later epoch for the last block of this one.
    fn catch_up(&self, epoch: u64, of: u64, peer: ed25519::PublicKey) {
        let last = self.epocher.last(Epoch::new(epoch));
        if let (true, Some(last)) = (of > epoch, last) {
            self.blocks.hint_finalized(last, NonEmptyVec::new(peer));
        }
    }

    async fn start(&self, epoch: u64, lanes: &mut Lanes<W>) -> anyhow::Result<Handle<()>> {
        let (scheme, signs) = self.committees.scheme(epoch)?;
        if !signs && self.committees.has_me(epoch) {
            // The engine can't read votes of a key that it doesn't sign with, and these are never used again.
            self.forget(epoch).await;
        }
        let floor = self.floor(epoch).await?;
        let role = if signs { "validator" } else { "follower" };
        let validators = self.ledger.set().at(epoch).len();
        tracing::info!(epoch, role, validators, "an epoch begins");
        let context = self.context.child("epoch").with_attribute("epoch", epoch);
        let application = Inline::new(
            context.child("application"),
            self.application.clone(),
            self.blocks.clone(),
            self.epocher.clone(),
        );
        let reporter = Watched {
            inner: application.clone(),
            ledger: self.ledger.clone(),
            validators: Arc::new(self.ledger.committee(epoch).unwrap_or_default()),
        };
        let config = self.consensus(epoch, scheme, application, reporter, floor);
        let engine = Engine::new(context.child("simplex"), config);
        Ok(engine.start(
            lanes.votes.register(epoch).await?,
            lanes.certificates.register(epoch).await?,
            lanes.requests.register(epoch).await?,
        ))
    }

    /// What an epoch's engine starts from: the last block of the epoch before, or a later one that the state was fetched at.
    async fn floor(&self, epoch: u64) -> anyhow::Result<Floor<Scheme, sha256::Digest>> {
        let first = self.epocher.first(Epoch::new(epoch));
        let first = first.context("there is no such epoch")?.get();
        if let Some(start) = self.ledger.start() {
            let height = start.header.height;
            if height >= first {
                let start = finalization(start);
                let start = start.context("the first block's certificate can't be used")?;
                return Ok(Floor::Finalized(start));
            }
            if height + 1 == first {
                return Ok(Floor::Genesis(start.header.digest().into()));
            }
        }
        if first == 0 {
            return Ok(Floor::Genesis(self.genesis));
        }
        let info = self.blocks.get_info(Height::new(first - 1)).await;
        let info = info.context("the archive lacks the last block of the epoch before")?;
        Ok(Floor::Genesis(info.1))
    }

    /// The newest vote in this node's own files. It never votes below a finalized view, so a vote there doesn't matter any
    /// more. A state that was fetched may be of the epoch before the one that this node voted in.
    async fn recall(&self, epoch: u64) -> anyhow::Result<Place> {
        let mut newest = (epoch, 0, 0);
        for epoch in [epoch, epoch + 1] {
            if self.context.scan(&partition(epoch)).await.is_err() {
                continue;
            }
            let config = variable::Config {
                partition: partition(epoch),
                compression: None,
                codec_config: Scheme::certificate_codec_config_unbounded(),
                page_cache: self.page_cache.clone(),
                write_buffer: BUFFER,
            };
            let context = self.context.child("recall").with_attribute("epoch", epoch);
            let journal =
                variable::Journal::<_, Artifact<Scheme, sha256::Digest>>::init(context, config)
                    .await;
            let journal = journal.context(UNREADABLE)?;
            let mut replay = journal
                .replay(0, 0, BUFFER, ReadOptions::DONT_CACHE)
                .await
                .context(UNREADABLE)?;
            while let Some(read) = replay.next().await {
                newest = newest.max(voted(&read.context(UNREADABLE)?.3).unwrap_or(newest));
            }
        }
        Ok(newest)
    }

    /// Waits until the state has all blocks that the archive has passed on: the votes of their epochs are removed, and must
    /// not be made again.
    async fn wait_for_state(&self) -> anyhow::Result<()> {
        let Some(processed) = self.blocks.get_processed().await else {
            return Ok(());
        };
        let mut applied = self.ledger.applied_heights();
        let reached = applied.wait_for(|height| *height >= processed.height().get());
        reached.await.map(drop).context("the ledger is gone")
    }

    /// Removes the votes of an epoch that is over.
    async fn forget(&self, epoch: u64) {
        if let Err(error) = self.context.remove(&partition(epoch), None).await {
            tracing::debug!(%error, epoch, "the votes of the last epoch stay on disk");
        }
    }

    /// Sets consensus so that a leader may hold its proposal for as long as the registry may be idle.
    fn consensus(
        &self,
        epoch: u64,
        scheme: Scheme,
        application: Application<W>,
        reporter: Watched<Application<W>>,
        floor: Floor<Scheme, sha256::Digest>,
    ) -> Consensus<W> {
        let leader_timeout = self.idle + Duration::from_millis(1_500);
        let certification_timeout = leader_timeout + Duration::from_secs(1);
        let skip_timeout = certification_timeout + Duration::from_secs(2);
        simplex::Config {
            scheme,
            elector: RoundRobin::default(),
            blocker: self.oracle.clone(),
            automaton: application.clone(),
            relay: application,
            reporter,
            track_historical_votes: false,
            strategy: Sequential,
            partition: partition(epoch),
            mailbox_size: MAILBOX,
            epoch: Epoch::new(epoch),
            floor,
            replay_buffer: BUFFER,
            write_buffer: BUFFER,
            page_cache: self.page_cache.clone(),
            leader_timeout,
            certification_timeout,
            timeout_retry: Duration::from_secs(2),
            view_retention: ViewDelta::new(256),
            skip: SkipPolicy::Enabled {
                timeout: skip_timeout,
                budget: SkipBudget::Participants,
            },
            fetch_timeout: NZDuration!(Duration::from_secs(1)),
            fetch_retry_delay: Duration::from_millis(100),
            forward: ForwardPolicy::SilentVoters,
        }
    }
}

const UNREADABLE: &str = "cannot read this validator's votes";

/// The place of one of this node's votes, or of the last that it can have made below a finalized view.
fn voted(artifact: &Artifact<Scheme, sha256::Digest>) -> Option<Place> {
    match artifact {
        Artifact::Notarize(vote) => Some(past::place(&Vote::Notarize(vote.clone()))),
        Artifact::Nullify(vote) => Some(past::place(&Vote::Nullify(vote.clone()))),
        Artifact::Finalize(vote) => Some(past::place(&Vote::Finalize(vote.clone()))),
        Artifact::Finalization(one) => Some((one.epoch().get(), one.view().get(), u8::MAX)),
        _ => None,
    }
}

/// Ends an engine: its tasks are gone once its handle is.
async fn stop(engine: Handle<()>) {
    engine.abort();
    let _ = engine.await;
}

/// Waits until an engine ends, for ever while there is none.
async fn ended(engine: &mut Option<Handle<()>>) -> Result<(), commonware_runtime::Error> {
    match engine {
        Some(engine) => engine.await,
        None => std::future::pending().await,
    }
}

/// Where the engine keeps an epoch's votes.
fn partition(epoch: u64) -> String {
    format!("simplex-{epoch}")
}
