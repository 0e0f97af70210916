use std::sync::Arc;
use std::time::{Duration, SystemTime};

use commonware_consensus::simplex::types::Context;
use commonware_consensus::{Application, marshal::ancestry::Ancestry};
use commonware_cryptography::{Digested, Digestible, ed25519, sha256};
use commonware_runtime::{Clock, Metrics, Spawner};
use futures::StreamExt;

use crate::Scheme;
use crate::block::Block;
use crate::execution::{ExecutionError, View};
use crate::ledger::Ledger;

/// How far ahead of this node's clock a block's time may be before it is voted for.
pub(crate) const MAX_AHEAD: Duration = Duration::from_millis(1500);
/// How long a proposer checks operations for one block; a leader has 2.5 seconds in all.
const BUILD_TIME: Duration = Duration::from_millis(300);
/// A node further behind than this many blocks waits for them before it executes candidates.
const MAX_GAP: u64 = 32;

/// Proposes and checks blocks for the consensus engine.
#[derive(Clone)]
pub(crate) struct Registry {
    ledger: Arc<Ledger>,
    idle: Duration,
}

impl Registry {
    /// Proposes at once when operations wait, and an empty block after `idle` when none do.
    pub(crate) fn new(ledger: Arc<Ledger>, idle: Duration) -> Self {
        Self { ledger, idle }
    }

    /// The state after the first block of `ancestry`, executing what is not known yet.
    ///
    /// `None` when that block can't be part of the chain any more, or its ancestors can't be had.
    async fn view_after(
        &self,
        mut ancestry: impl Ancestry<Block>,
    ) -> Result<Option<View>, ExecutionError> {
        let Some(newest) = ancestry.next().await else {
            return Ok(None);
        };
        self.wait_until_near(newest.inner().header().height).await;
        let target = newest.inner().header().digest();
        let mut unknown = Vec::new();
        let mut cursor = newest;
        while !self.ledger.knows(&cursor.inner().header().digest()) {
            if cursor.inner().header().height <= self.ledger.applied().height {
                return Ok(None);
            }
            unknown.push(cursor);
            let Some(parent) = ancestry.next().await else {
                return Ok(None);
            };
            cursor = parent;
        }
        for block in unknown.iter().rev() {
            let Some(view) = self.ledger.view(&block.inner().header().parent)? else {
                // Applied meanwhile: its effects are in the store.
                continue;
            };
            self.ledger.execute(&view, block.inner())?;
        }
        Ok(self.ledger.view(&target)?)
    }

    async fn wait_until_near(&self, height: u64) {
        let mut applied = self.ledger.applied_heights();
        // An error means that the ledger is gone, and then this task ends too.
        let _ = applied
            .wait_for(|applied| applied + MAX_GAP >= height)
            .await;
    }

    /// Waits until there is something to propose on `parent`, `idle` at most, and gives the state then.
    ///
    /// Nothing of the store is held meanwhile: what is read can't be removed.
    async fn pace(
        &self,
        clock: &impl Clock,
        parent: [u8; 32],
    ) -> Result<Option<View>, ExecutionError> {
        let Some(view) = self.ledger.view(&parent)? else {
            return Ok(None);
        };
        let mut arrivals = self.ledger.mempool().arrivals();
        let age = Duration::from_millis(unix_ms(clock.current()).saturating_sub(view.tip.time_ms));
        // The first block comes at once: without it there is no checkpoint to prove things under.
        // Validators that wait for the end of the epoch are not kept waiting for idle blocks.
        let next = view.tip.height + 1;
        let hurried = view.set.is_pending(view.set.epoch_of(next));
        let idle = if view.tip.height == 0 || hurried {
            Duration::ZERO
        } else {
            self.idle
        };
        let idle = clock.sleep(idle.saturating_sub(age));
        tokio::pin!(idle);
        let mut view = view;
        while !self.ledger.has_work(&view)? {
            drop(view);
            let is_over = tokio::select! {
                biased;
                () = &mut idle => true,
                changed = arrivals.changed() => changed.is_err(),
            };
            view = match self.ledger.view(&parent)? {
                Some(now) => now,
                None => return Ok(None),
            };
            if is_over {
                break;
            }
        }
        Ok(Some(view))
    }

    async fn build(
        &self,
        clock: &impl Clock,
        parent: impl Ancestry<Block>,
    ) -> Option<Digested<Block>> {
        let built = async {
            let parent = self.view_after(parent).await?;
            let Some(parent) = parent.map(|view| view.tip.digest) else {
                return Ok(None);
            };
            let Some(view) = self.pace(clock, parent).await? else {
                return Ok(None);
            };
            let now = clock.current();
            let is_late = || clock.current().duration_since(now).unwrap_or_default() > BUILD_TIME;
            self.ledger.build(&view, unix_ms(now), is_late).map(Some)
        };
        match built.await {
            Ok(block) => block.map(|block| {
                let digest = block.digest();
                Digested::precomputed(block, digest)
            }),
            Err(error) => {
                tracing::warn!(%error, "cannot propose");
                None
            }
        }
    }

    async fn check(&self, clock: &impl Clock, mut ancestry: impl Ancestry<Block>) -> Option<bool> {
        let block = ancestry.next().await?;
        let header = block.inner().header();
        if self.ledger.knows(&header.digest()) {
            return Some(true);
        }
        let ahead = Duration::from_millis(header.time_ms.saturating_sub(unix_ms(clock.current())));
        // A block from the future is voted for once its time is near: clocks decide when, never whether.
        clock.sleep(ahead.saturating_sub(MAX_AHEAD)).await;
        let verdict = match self.view_after(ancestry).await {
            Ok(Some(view)) => self.ledger.execute(&view, block.inner()),
            Ok(None) => return None,
            Err(error) => Err(error),
        };
        match verdict {
            Ok(()) => Some(true),
            Err(error) if error.is_permanent() => {
                tracing::warn!(%error, height = header.height, "refused a proposed block");
                Some(false)
            }
            Err(error) => {
                tracing::error!(%error, "cannot check a proposed block");
                None
            }
        }
    }
}

pub(crate) fn unix_ms(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl<E: Clock + Metrics + Spawner> Application<E> for Registry {
    type SigningScheme = Scheme;
    type Context = Context<sha256::Digest, ed25519::PublicKey>;
    type Block = Block;
    type Input = ();

    async fn propose(
        &mut self,
        (runtime, _): (E, Self::Context),
        ancestry: impl Ancestry<Block>,
        (): (),
    ) -> Option<Digested<Block>> {
        self.build(&runtime, ancestry).await
    }

    async fn verify(
        &mut self,
        (runtime, _): (E, Self::Context),
        ancestry: impl Ancestry<Block>,
    ) -> bool {
        match self.check(&runtime, ancestry).await {
            Some(verdict) => verdict,
            // No stable verdict can be given: abstain until consensus drops the question.
            None => std::future::pending().await,
        }
    }
}
