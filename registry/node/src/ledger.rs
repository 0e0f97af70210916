mod past;
mod room;

#[cfg(test)]
mod growth;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jumin_registry::{
    BlockContext, Certificate, Checkpoint, HEADER_VERSION, Handover, Header, MAX_HANDOVERS,
    NetworkTrust, Rejection, SignedOperation, ValidatorsRecord,
};
use tokio::sync::watch;

use crate::block::{Block, MAX_BLOCK_OPERATIONS, MAX_BODY_BYTES, body_hash};
use crate::execution::{Executed, ExecutionError, View, Working, execute};
use crate::genesis::Genesis;
use crate::history::BlockEntry;
use crate::mempool::{Capacity, Mempool, Outcome};
use crate::proofs::Bundled;
use crate::snapshot::Snapshots;
use crate::store::{Applied, Changes, Snapshot, Store, StoreError, StoredCheckpoint};
use crate::upkeep::Upkeep;
use crate::validator::past::Seen;

/// How many heights below the applied one executed blocks are still known.
const KEPT_HEIGHTS: u64 = 64;

/// The registry as this node holds it: applied state, executed candidates and waiting operations.
pub(crate) struct Ledger {
    trust: NetworkTrust,
    genesis: Block,
    store: Arc<Store>,
    mempool: Mempool,
    chain: Mutex<Chain>,
    applied: watch::Sender<u64>,
    snapshots: Snapshots,
    start: Option<Checkpoint>,
    outgrown: AtomicBool,
    upkeep: Upkeep,
    seen: Seen,
    /// Whether the others have said what they saw of this node's votes.
    votes_known: watch::Sender<bool>,
}

struct Chain {
    applied: Applied,
    /// The store as of `applied`.
    snapshot: Arc<Snapshot>,
    checkpoint: Option<StoredCheckpoint>,
    /// The validators in `snapshot`.
    set: Arc<ValidatorsRecord>,
    handovers: Vec<Arc<Handover>>,
    /// This node only follows in epochs that may have begun before, in milliseconds.
    follows_until: Option<u64>,
    executed: HashMap<[u8; 32], Arc<Executed>>,
    bundle: Option<Arc<Bundled>>,
    /// Room is to be given back once nobody reads.
    is_roomy: bool,
}

impl Ledger {
    /// Opens the state, writing genesis at first.
    pub(crate) fn open(
        genesis: &Genesis,
        store: impl Into<Arc<Store>>,
        capacity: Capacity,
    ) -> Result<Self, ExecutionError> {
        let store = store.into();
        let start = genesis.block()?;
        let applied = match store.applied()? {
            Some(applied) => applied,
            None => {
                let executed = genesis.execute(start.header())?;
                let history = BlockEntry::of(&start, None)?;
                store.commit(&changes(&executed, None, None, &history))?;
                executed.applied
            }
        };
        let checkpoint = store.checkpoint()?;
        let snapshot = Arc::new(store.snapshot()?);
        let set = Arc::new(snapshot.validators()?);
        let handovers = store.handovers()?.into_iter().map(Arc::new).collect();
        Ok(Self {
            trust: genesis.trust(start.header()),
            genesis: start,
            mempool: Mempool::new(capacity, applied.height),
            applied: watch::channel(applied.height).0,
            snapshots: Snapshots::default(),
            start: store.start()?,
            outgrown: AtomicBool::new(false),
            upkeep: Upkeep::archive(),
            seen: Seen::of(store.votes_seen()?),
            votes_known: watch::channel(false).0,
            chain: Mutex::new(Chain {
                snapshot,
                applied,
                checkpoint,
                set,
                handovers,
                follows_until: store.follows_until()?,
                executed: HashMap::new(),
                bundle: None,
                is_roomy: false,
            }),
            store,
        })
    }

    /// Keeps of the past what `upkeep` says instead of all.
    pub(crate) fn keeping(self, upkeep: Upkeep) -> Self {
        Self { upkeep, ..self }
    }

    fn chain(&self) -> MutexGuard<'_, Chain> {
        // Nothing that can panic happens between two changes that belong together.
        self.chain.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn trust(&self) -> &NetworkTrust {
        &self.trust
    }

    pub(crate) fn genesis(&self) -> &Block {
        &self.genesis
    }

    /// The certified header that this node's blocks start from, when that is not genesis.
    pub(crate) fn start(&self) -> Option<&Checkpoint> {
        self.start.as_ref()
    }

    pub(crate) fn snapshots(&self) -> &Snapshots {
        &self.snapshots
    }

    pub(crate) fn mempool(&self) -> &Mempool {
        &self.mempool
    }

    /// The last block whose effects are stored.
    pub(crate) fn applied(&self) -> Applied {
        self.chain().applied.clone()
    }

    /// Changes with every applied block.
    pub(crate) fn applied_heights(&self) -> watch::Receiver<u64> {
        self.applied.subscribe()
    }

    /// The blocks applied last, newest first, as far as they are kept.
    #[cfg(test)]
    pub(crate) fn recent(&self) -> Vec<Arc<Executed>> {
        let chain = self.chain();
        let newest = chain.executed.get(&chain.applied.digest);
        let before = |block: &&Arc<Executed>| chain.executed.get(&block.parent);
        std::iter::successors(newest, before).cloned().collect()
    }

    /// Tells whether the state after the block with this digest is known.
    pub(crate) fn knows(&self, digest: &[u8; 32]) -> bool {
        let chain = self.chain();
        chain.applied.digest == *digest || chain.executed.contains_key(digest)
    }

    /// The state after the block with this digest, if the chain from the applied block to it is known.
    pub(crate) fn view(&self, digest: &[u8; 32]) -> Result<Option<View>, StoreError> {
        let chain = self.chain();
        let mut overlays: Vec<Arc<Executed>> = Vec::new();
        let mut cursor = *digest;
        while cursor != chain.applied.digest {
            let Some(block) = chain.executed.get(&cursor) else {
                return Ok(None);
            };
            if block.applied.height <= chain.applied.height {
                return Ok(None);
            }
            cursor = block.parent;
            overlays.push(block.clone());
        }
        let tip = overlays
            .first()
            .map_or(&chain.applied, |block| &block.applied);
        Ok(Some(View {
            tip: tip.clone(),
            set: overlays
                .first()
                .map_or(&chain.set, |block| &block.set)
                .clone(),
            snapshot: chain.snapshot.clone(),
            overlays,
        }))
    }

    /// The state after the applied block.
    fn applied_view(&self) -> View {
        let chain = self.chain();
        View {
            tip: chain.applied.clone(),
            set: chain.set.clone(),
            snapshot: chain.snapshot.clone(),
            overlays: Vec::new(),
        }
    }

    /// Remembers what an unfinalized block does.
    pub(crate) fn remember(&self, executed: Executed) {
        let digest = executed.applied.digest;
        self.chain().executed.insert(digest, Arc::new(executed));
    }

    /// Executes a block on its parent's state and remembers the result.
    pub(crate) fn execute(&self, view: &View, block: &Block) -> Result<(), ExecutionError> {
        self.check_header(view, block.header())?;
        let (header, operations) = (block.header(), block.operations());
        self.remember(execute(view, header, operations, &self.mempool)?);
        Ok(())
    }

    fn check_header(&self, view: &View, header: &Header) -> Result<(), ExecutionError> {
        let fits = header.network == self.trust.network
            && header.height == view.tip.height + 1
            && header.parent == view.tip.digest
            && header.time_ms > view.tip.time_ms;
        fits.then_some(()).ok_or(ExecutionError::HeaderMismatch)
    }

    /// Builds a block on `view` from the waiting operations; those that the state refuses stop waiting.
    ///
    /// It takes no more of them once `is_late` says so: whoever is slow to propose is passed over, and operations that are slow to
    /// check would wait for ever, and everybody with them.
    pub(crate) fn build(
        &self,
        view: &View,
        now_ms: u64,
        is_late: impl Fn() -> bool,
    ) -> Result<Block, ExecutionError> {
        let mut header = Header {
            version: HEADER_VERSION,
            network: self.trust.network.clone(),
            epoch: view.set.epoch_of(view.tip.height + 1),
            height: view.tip.height + 1,
            time_ms: now_ms.max(view.tip.time_ms + 1),
            parent: view.tip.digest,
            state_root: [0; 32],
            body_hash: [0; 32],
            next_validators: [0; 32],
        };
        let mut working = Working::new(view, context(&header));
        let mut operations = Vec::new();
        let (mut size, mut tried) = (0, 0);
        let taken: usize = view
            .overlays
            .iter()
            .map(|block| block.operations.len())
            .sum();
        for candidate in self.mempool.candidates(MAX_BLOCK_OPERATIONS + taken) {
            if operations.len() == MAX_BLOCK_OPERATIONS
                || size + candidate.bytes.len() > MAX_BODY_BYTES
            {
                break;
            }
            if working.contains(&candidate.hash)? {
                continue;
            }
            // One is tried in any case, so that the network goes on.
            if tried > 0 && is_late() {
                break;
            }
            tried += 1;
            match working.apply(&candidate.operation) {
                Ok(()) => {
                    size += candidate.bytes.len();
                    operations.push(candidate.bytes.to_vec());
                }
                // Blocks that may yet be abandoned don't decide for good.
                Err(rejection)
                    if rejection.is_verdict()
                        && self.admit(&candidate.operation, now_ms).is_ok() => {}
                Err(rejection) if rejection.is_verdict() => {
                    crate::api::refused(rejection.code());
                    self.mempool.reject(&candidate, rejection.code());
                }
                Err(rejection) => return Err(ExecutionError::Refused(rejection)),
            }
        }
        let effects = working.finish()?;
        header.state_root = effects.state_root;
        header.body_hash = body_hash(&operations);
        header.next_validators = effects.set.next_hash(header.height);
        self.remember(effects.under(&header)?);
        Ok(Block::new(header, operations))
    }

    /// Tells whether a waiting operation is not yet in the chain of `view`.
    pub(crate) fn has_work(&self, view: &View) -> Result<bool, StoreError> {
        let taken: usize = view
            .overlays
            .iter()
            .map(|block| block.operations.len())
            .sum();
        for candidate in self.mempool.candidates(taken + 1) {
            if !view.contains(&candidate.hash)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Checks an operation against the applied state, as the next block would.
    pub(crate) fn admit(&self, operation: &SignedOperation, now_ms: u64) -> Result<(), Rejection> {
        let view = self.applied_view();
        let context = BlockContext {
            network: self.trust.network.clone(),
            height: view.tip.height + 1,
            time_ms: now_ms.max(view.tip.time_ms + 1),
            epoch: view.set.epoch_of(view.tip.height + 1),
        };
        Working::new(&view, context).apply(operation)
    }

    /// What became of an operation.
    pub(crate) fn outcome(&self, hash: &[u8; 32]) -> Result<Option<Outcome>, StoreError> {
        // The mempool first: an operation leaves it only after it is stored.
        let waiting = self.mempool.outcome(hash);
        let snapshot = self.chain().snapshot.clone();
        let finalized = snapshot.operation(hash)?;
        Ok(finalized.map(Outcome::Finalized).or(waiting))
    }

    /// Stores a finalized block's effects, once: a block that is applied already is left alone.
    pub(crate) fn apply(
        &self,
        block: &Block,
        certificate: Option<Certificate>,
    ) -> Result<(), ExecutionError> {
        let header = block.header();
        let digest = header.digest();
        if header.height <= self.applied().height {
            return Ok(());
        }
        let known = self.chain().executed.get(&digest).cloned();
        let executed = match known {
            Some(executed) => executed,
            None => {
                let view = self
                    .view(&header.parent)?
                    .ok_or(ExecutionError::HeaderMismatch)?;
                self.check_header(&view, header)?;
                Arc::new(execute(&view, header, block.operations(), &self.mempool)?)
            }
        };
        let certified = certificate.map(|certificate| Checkpoint {
            header: header.clone(),
            certificate,
        });
        let checkpoint = certified.as_ref().map(|checkpoint| StoredCheckpoint {
            height: header.height,
            time_ms: header.time_ms,
            tree_version: executed.applied.tree_version,
            bytes: checkpoint.to_bytes(),
        });
        let handover = handover(header, &executed.set, certified.as_ref());
        let certified = checkpoint.as_ref().map(|one| one.bytes.as_slice());
        let history = BlockEntry::of(block, certified)?;
        let mut changes = changes(&executed, checkpoint.as_ref(), handover.as_ref(), &history);
        let begins = executed
            .set
            .ends_epoch(header.height)
            .then_some(header.time_ms);
        changes.votes_again = self.votes_again(begins);
        changes.forget = self.upkeep.limit(header, &executed.set);
        let before_ms = self.applied().time_ms;
        let seen = self.votes_seen(&executed.set, header);
        changes.votes_seen = &seen;
        self.store.commit(&changes)?;
        if changes.votes_again {
            self.chain().follows_until = None;
        }
        let snapshot = Arc::new(self.store.snapshot()?);
        self.advance(snapshot, checkpoint, handover, &executed);
        crate::api::finalized(executed.operations.len());
        self.mempool.applied(&executed.operations, header.height);
        self.snapshots.expire(Instant::now());
        self.give_room_back(before_ms, header.time_ms)?;
        self.applied.send_replace(header.height);
        Ok(())
    }

    fn advance(
        &self,
        snapshot: Arc<Snapshot>,
        checkpoint: Option<StoredCheckpoint>,
        handover: Option<Handover>,
        executed: &Arc<Executed>,
    ) {
        let mut chain = self.chain();
        let applied = &executed.applied;
        chain.applied = applied.clone();
        chain.snapshot = snapshot;
        chain.set = executed.set.clone();
        chain.handovers.extend(handover.map(Arc::new));
        if checkpoint.is_some() {
            chain.checkpoint = checkpoint;
        }
        chain.executed.insert(applied.digest, executed.clone());
        let oldest = applied.height.saturating_sub(KEPT_HEIGHTS);
        let executed = &mut chain.executed;
        executed.retain(|_, block| block.applied.height > oldest);
    }

    /// The validators as the applied block left them.
    pub(crate) fn set(&self) -> Arc<ValidatorsRecord> {
        self.chain().set.clone()
    }

    /// The epoch of the block after the applied one.
    pub(crate) fn epoch(&self) -> u64 {
        let chain = self.chain();
        chain.set.epoch_of(chain.applied.height + 1)
    }

    /// The changes of validators from `epoch` on, oldest first.
    pub(crate) fn handovers(&self, epoch: u64) -> Vec<Arc<Handover>> {
        let chain = self.chain();
        let from = |handover: &&Arc<Handover>| handover.checkpoint.header.epoch >= epoch;
        let found = chain.handovers.iter().filter(from);
        found.take(MAX_HANDOVERS).cloned().collect()
    }

    /// Tells whether the holder of this key finalizes the next block.
    pub(crate) fn is_validator(&self, key: &[u8; 32]) -> bool {
        self.may_vote() && self.set().keys_at(self.epoch()).contains(key)
    }

    /// What a reader is to trust as of the newest checkpoint.
    pub(crate) fn current_trust(&self) -> NetworkTrust {
        let chain = self.chain();
        // Also where the validators never changed: a trust as of genesis would be refused one day.
        let confirmed = chain.checkpoint.as_ref().map_or(0, |last| last.time_ms);
        let trust = match chain.handovers.last() {
            None => self.trust.clone(),
            Some(last) => NetworkTrust {
                epoch: last.checkpoint.header.epoch + 1,
                validators: last.validators.clone(),
                ..self.trust.clone()
            },
        };
        NetworkTrust {
            as_of: trust.as_of.max(confirmed / 1000),
            ..trust
        }
    }

    /// The keys of the validators of `epoch`, unless they are not known yet.
    pub(crate) fn committee(&self, epoch: u64) -> Option<Vec<[u8; 32]>> {
        if epoch > self.epoch() {
            return None;
        }
        let chain = self.chain();
        let before = |handover: &&Arc<Handover>| handover.checkpoint.header.epoch < epoch;
        let last = chain.handovers.iter().rev().find(before);
        Some(
            last.map_or(&self.trust.validators, |handover| &handover.validators)
                .clone(),
        )
    }

    /// The store as of the applied block.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.chain().snapshot.clone()
    }

    /// The newest checkpoint, and a store that has its state.
    pub(crate) fn certified(&self) -> Option<(StoredCheckpoint, Arc<Snapshot>)> {
        let chain = self.chain();
        Some((chain.checkpoint.clone()?, chain.snapshot.clone()))
    }

    /// The bundle made last.
    pub(crate) fn last_bundle(&self) -> Option<Arc<Bundled>> {
        self.chain().bundle.clone()
    }

    /// Tells whether the registry was found to have more than a bundle holds.
    pub(crate) fn outgrew_bundles(&self) -> bool {
        self.outgrown.load(Ordering::Relaxed)
    }

    pub(crate) fn outgrow_bundles(&self) {
        self.outgrown.store(true, Ordering::Relaxed);
    }

    pub(crate) fn keep_bundle(&self, bundle: Arc<Bundled>) {
        self.chain().bundle = Some(bundle);
    }
}

fn context(header: &Header) -> BlockContext {
    BlockContext {
        network: header.network.clone(),
        height: header.height,
        time_ms: header.time_ms,
        epoch: header.epoch,
    }
}

/// The handover that a certified header makes, if the block after it has other validators.
fn handover(
    header: &Header,
    set: &ValidatorsRecord,
    certified: Option<&Checkpoint>,
) -> Option<Handover> {
    let next = set.keys_at(set.epoch_of(header.height + 1));
    (next != set.keys_at(header.epoch)).then_some(Handover {
        checkpoint: certified?.clone(),
        validators: next,
    })
}

fn changes<'a>(
    executed: &'a Executed,
    checkpoint: Option<&'a StoredCheckpoint>,
    handover: Option<&'a Handover>,
    history: &'a BlockEntry,
) -> Changes<'a> {
    Changes {
        applied: &executed.applied,
        tree: executed.tree.as_ref(),
        records: &executed.records,
        operations: &executed.operations,
        checkpoint,
        handover,
        votes_again: false,
        history: Some(history),
        forget: None,
        votes_seen: &[],
    }
}
