use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use jumin_registry::SignedOperation;
use tokio::sync::watch;

use super::{
    Busy, Capacity, MAX_AGE_BLOCKS, MAX_BYTES, MAX_DOUBTFUL, MAX_DOUBTFUL_OF_PEER, MAX_REJECTED,
    MAX_SHARE_BYTES, Outcome, Share, Waiting,
};

struct Pending {
    waiting: Waiting,
    share: Share,
    /// The last applied block when it came.
    since: u64,
    outcome: watch::Sender<Outcome>,
}

/// What one share holds.
#[derive(Clone, Copy, Default)]
struct Held {
    operations: usize,
    bytes: usize,
}

/// What a mempool holds, and the sums that bound it.
pub(super) struct Pool {
    capacity: Capacity,
    height: u64,
    next: u64,
    pending: BTreeMap<u64, Pending>,
    sequence: HashMap<[u8; 32], u64>,
    by_bytes: HashMap<Arc<[u8]>, u64>,
    shares: HashMap<Share, Held>,
    doubtful: usize,
    bytes: usize,
    rejected: HashMap<[u8; 32], &'static str>,
    rejected_order: VecDeque<[u8; 32]>,
}

impl Pool {
    pub(super) fn new(capacity: Capacity, height: u64) -> Self {
        Self {
            capacity,
            height,
            next: 0,
            pending: BTreeMap::new(),
            sequence: HashMap::new(),
            by_bytes: HashMap::new(),
            shares: HashMap::new(),
            doubtful: 0,
            bytes: 0,
            rejected: HashMap::new(),
            rejected_order: VecDeque::new(),
        }
    }

    pub(super) fn add(
        &mut self,
        waiting: Waiting,
        share: Share,
    ) -> Result<(watch::Receiver<Outcome>, bool), Busy> {
        if let Some(number) = self.sequence.get(&waiting.hash).copied() {
            return Ok((self.confirm(number, waiting, share), false));
        }
        self.require_room(waiting.bytes.len(), &share)?;
        let (outcome, receiver) = watch::channel(Outcome::Pending);
        let number = self.next;
        self.next += 1;
        self.sequence.insert(waiting.hash, number);
        self.by_bytes.insert(waiting.bytes.clone(), number);
        self.rejected.remove(&waiting.hash);
        self.charge(&share, waiting.bytes.len());
        let since = self.height;
        let pending = Pending {
            waiting,
            share,
            since,
            outcome,
        };
        self.pending.insert(number, pending);
        Ok((receiver, true))
    }

    /// Finds the operation that waits already. One with good signatures takes the place of a doubtful one: the hash doesn't
    /// cover signatures, so whoever sends a forged twin first must not keep the real one out.
    fn confirm(&mut self, number: u64, found: Waiting, share: Share) -> watch::Receiver<Outcome> {
        let Some(mut known) = self.pending.remove(&number) else {
            return watch::channel(Outcome::Forgotten).1;
        };
        let room = self.require_share(found.bytes.len(), &share).is_ok();
        if known.share.is_doubtful() && !share.is_doubtful() && room {
            self.release(&known);
            self.charge(&share, found.bytes.len());
            self.by_bytes.remove(&known.waiting.bytes);
            self.by_bytes.insert(found.bytes.clone(), number);
            known.waiting = found;
            known.share = share;
        }
        let outcome = known.outcome.subscribe();
        self.pending.insert(number, known);
        outcome
    }

    fn require_room(&self, bytes: usize, share: &Share) -> Result<(), Busy> {
        if self.pending.len() >= self.capacity.operations || self.bytes + bytes > MAX_BYTES {
            return Err(Busy::Full);
        }
        self.require_share(bytes, share)
    }

    fn require_share(&self, bytes: usize, share: &Share) -> Result<(), Busy> {
        let limit = match share {
            Share::Submitter(_) => self.capacity.per_submitter,
            Share::Peer(_) if self.doubtful >= MAX_DOUBTFUL => return Err(Busy::Full),
            Share::Peer(_) => MAX_DOUBTFUL_OF_PEER,
        };
        let held = self.shares.get(share).copied().unwrap_or_default();
        let fits = held.operations < limit && held.bytes + bytes <= MAX_SHARE_BYTES;
        fits.then_some(()).ok_or(Busy::Submitter)
    }

    fn charge(&mut self, share: &Share, bytes: usize) {
        self.bytes += bytes;
        self.doubtful += usize::from(share.is_doubtful());
        let held = self.shares.entry(share.clone()).or_default();
        held.operations += 1;
        held.bytes += bytes;
    }

    fn release(&mut self, pending: &Pending) {
        self.bytes -= pending.waiting.bytes.len();
        self.doubtful -= usize::from(pending.share.is_doubtful());
        if let Some(held) = self.shares.get_mut(&pending.share) {
            held.operations -= 1;
            held.bytes -= pending.waiting.bytes.len();
            if held.operations == 0 {
                self.shares.remove(&pending.share);
            }
        }
    }

    pub(super) fn parsed(&self, bytes: &[u8]) -> Option<Arc<SignedOperation>> {
        let pending = self.pending.get(self.by_bytes.get(bytes)?)?;
        Some(pending.waiting.operation.clone())
    }

    pub(super) fn oldest(&self, count: usize) -> Vec<Waiting> {
        let pending = self.pending.values().take(count);
        pending.map(|pending| pending.waiting.clone()).collect()
    }

    /// The oldest operations that this node's state accepted and that `blocks` blocks did not take.
    pub(super) fn mark(&self) -> u64 {
        self.next
    }

    pub(super) fn before(&self, mark: u64, count: usize) -> Vec<Waiting> {
        let old = self.pending.range(..mark).map(|(_, pending)| pending);
        let own = old.filter(|pending| !pending.share.is_doubtful());
        own.take(count).map(|one| one.waiting.clone()).collect()
    }

    pub(super) fn applied(&mut self, taken: &HashSet<[u8; 32]>, height: u64) {
        self.height = height;
        for hash in taken {
            self.rejected.remove(hash);
        }
        // In the order they came, so that who waits is told in an order that doesn't change from run to run.
        let known = taken.iter().filter_map(|hash| self.sequence.get(hash));
        let mut numbers: Vec<u64> = known.copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            self.settle(number, Outcome::Finalized(height));
        }
        while let Some((number, oldest)) = self.pending.first_key_value()
            && height.saturating_sub(oldest.since) >= MAX_AGE_BLOCKS
        {
            self.settle(*number, Outcome::Forgotten);
        }
    }

    fn settle(&mut self, number: u64, outcome: Outcome) {
        let Some(pending) = self.pending.remove(&number) else {
            return;
        };
        self.sequence.remove(&pending.waiting.hash);
        self.by_bytes.remove(&pending.waiting.bytes);
        self.release(&pending);
        pending.outcome.send_replace(outcome);
    }

    pub(super) fn reject(&mut self, refused: &Waiting, code: &'static str) {
        let hash = refused.hash;
        if let Some(number) = self.sequence.get(&hash).copied() {
            let known = self.pending.get(&number);
            // A doubtful twin was refused, and the real one has taken its place meanwhile.
            if known.is_some_and(|known| !Arc::ptr_eq(&known.waiting.bytes, &refused.bytes)) {
                return;
            }
            let doubtful = known.is_some_and(|known| known.share.is_doubtful());
            self.settle(number, Outcome::Rejected(code));
            // It may have been a forged twin: nothing is said about who signed rightly.
            if doubtful {
                return;
            }
        }
        if self.rejected.insert(hash, code).is_none() {
            self.rejected_order.push_back(hash);
        }
        // The order may name one twice that came again in between; it is bounded all the same.
        if self.rejected_order.len() > MAX_REJECTED
            && let Some(oldest) = self.rejected_order.pop_front()
        {
            self.rejected.remove(&oldest);
        }
    }

    pub(super) fn outcome(&self, hash: &[u8; 32]) -> Option<Outcome> {
        if self.sequence.contains_key(hash) {
            return Some(Outcome::Pending);
        }
        self.rejected.get(hash).map(|code| Outcome::Rejected(code))
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    #[cfg(test)]
    pub(super) fn rejected_count(&self) -> usize {
        self.rejected.len()
    }
}
