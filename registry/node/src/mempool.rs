use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jumin_registry::SignedOperation;
use tokio::sync::watch;

/// How many operations wait at most.
const MAX_PENDING: usize = 10_000;
/// How many bytes of operations wait at most.
const MAX_PENDING_BYTES: usize = 32 * 1024 * 1024;
/// How many rejections are remembered.
const MAX_REJECTED: usize = 10_000;
/// After this time an operation that no block took is forgotten.
const MAX_WAIT: Duration = Duration::from_secs(120);

/// What became of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Pending,
    Finalized(u64),
    /// With the rejection's stable code.
    Rejected(&'static str),
    /// Dropped after [`MAX_WAIT`].
    Forgotten,
}

/// The mempool holds as much as it may.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("too many operations are waiting")]
pub(crate) struct Full;

/// An operation waiting for a block.
#[derive(Clone)]
pub(crate) struct Waiting {
    pub hash: [u8; 32],
    pub bytes: Arc<[u8]>,
    pub operation: Arc<SignedOperation>,
}

struct Pending {
    waiting: Waiting,
    since: Instant,
    outcome: watch::Sender<Outcome>,
}

#[derive(Default)]
struct Inner {
    next: u64,
    pending: BTreeMap<u64, Pending>,
    sequence: HashMap<[u8; 32], u64>,
    bytes: usize,
    rejected: HashMap<[u8; 32], &'static str>,
    rejected_order: VecDeque<[u8; 32]>,
}

/// The operations that wait for a block, in the order they came, bounded in number and bytes.
pub(crate) struct Mempool {
    inner: Mutex<Inner>,
    arrivals: watch::Sender<u64>,
}

impl Mempool {
    pub(crate) fn new() -> Self {
        Self {
            inner: Mutex::default(),
            arrivals: watch::channel(0).0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // The state is valid after every statement, so a panic elsewhere doesn't spoil it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an operation, or finds the one that waits already; tells whether it is new.
    pub(crate) fn add(
        &self,
        hash: [u8; 32],
        bytes: Arc<[u8]>,
        operation: SignedOperation,
    ) -> Result<(watch::Receiver<Outcome>, bool), Full> {
        let mut inner = self.lock();
        if let Some(found) = inner.find(&hash) {
            return Ok((found.outcome.subscribe(), false));
        }
        if inner.pending.len() >= MAX_PENDING || inner.bytes + bytes.len() > MAX_PENDING_BYTES {
            return Err(Full);
        }
        let (outcome, receiver) = watch::channel(Outcome::Pending);
        let number = inner.next;
        inner.next += 1;
        inner.bytes += bytes.len();
        inner.sequence.insert(hash, number);
        inner.rejected.remove(&hash);
        let waiting = Waiting {
            hash,
            bytes,
            operation: Arc::new(operation),
        };
        let since = Instant::now();
        inner.pending.insert(
            number,
            Pending {
                waiting,
                since,
                outcome,
            },
        );
        drop(inner);
        self.arrivals.send_modify(|count| *count += 1);
        Ok((receiver, true))
    }

    /// The oldest waiting operations.
    pub(crate) fn candidates(&self, count: usize) -> Vec<Waiting> {
        let inner = self.lock();
        let waiting = inner.pending.values().take(count);
        waiting.map(|pending| pending.waiting.clone()).collect()
    }

    /// Ends the waiting of operations that a finalized block took.
    pub(crate) fn finalized(&self, hashes: &HashSet<[u8; 32]>, height: u64) {
        let mut inner = self.lock();
        for hash in hashes {
            inner.rejected.remove(hash);
            inner.settle(hash, Outcome::Finalized(height));
        }
        inner.forget_old();
    }

    /// Ends the waiting of an operation that the state refuses.
    pub(crate) fn reject(&self, hash: &[u8; 32], code: &'static str) {
        let mut inner = self.lock();
        inner.settle(hash, Outcome::Rejected(code));
        if inner.rejected.insert(*hash, code).is_none() {
            inner.rejected_order.push_back(*hash);
        }
        if inner.rejected_order.len() > MAX_REJECTED
            && let Some(oldest) = inner.rejected_order.pop_front()
        {
            inner.rejected.remove(&oldest);
        }
    }

    /// What is known here about an operation that no finalized block has.
    pub(crate) fn outcome(&self, hash: &[u8; 32]) -> Option<Outcome> {
        let inner = self.lock();
        if inner.sequence.contains_key(hash) {
            return Some(Outcome::Pending);
        }
        inner.rejected.get(hash).map(|code| Outcome::Rejected(code))
    }

    /// How many operations wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().pending.len()
    }

    /// Counts arrivals, for a proposer that waits for something to propose.
    pub(crate) fn arrivals(&self) -> watch::Receiver<u64> {
        self.arrivals.subscribe()
    }
}

impl Inner {
    fn find(&self, hash: &[u8; 32]) -> Option<&Pending> {
        self.pending.get(self.sequence.get(hash)?)
    }

    fn settle(&mut self, hash: &[u8; 32], outcome: Outcome) {
        let number = self.sequence.remove(hash);
        let Some(pending) = number.and_then(|number| self.pending.remove(&number)) else {
            return;
        };
        self.bytes -= pending.waiting.bytes.len();
        pending.outcome.send_replace(outcome);
    }

    fn forget_old(&mut self) {
        while let Some((_, oldest)) = self.pending.first_key_value()
            && oldest.since.elapsed() > MAX_WAIT
        {
            let hash = oldest.waiting.hash;
            self.settle(&hash, Outcome::Forgotten);
        }
    }
}

#[cfg(test)]
mod tests {
    use jumin_registry::testing::TestLedger;
    use jumin_registry::{Operation, OperationHash};

    use super::*;

    fn operation() -> SignedOperation {
        let ledger = TestLedger::new(1_700_000_000);
        let integrity = format!("sha256-{}=", "A".repeat(43));
        ledger.governed(&Operation::AnchorCredentialType {
            by: jumin_registry::Accreditor::Governance,
            vct: "urn:test:card:1".to_owned(),
            integrity,
            version: 0,
        })
    }

    fn add(mempool: &Mempool, name: u8) -> (watch::Receiver<Outcome>, bool) {
        let hash = OperationHash([name; 32]).0;
        mempool
            .add(hash, [name].as_slice().into(), operation())
            .unwrap()
    }

    #[test]
    fn duplicate_waits_for_the_same_outcome() {
        let mempool = Mempool::new();
        let (first, new) = add(&mempool, 1);
        assert!(new);
        let (second, new) = add(&mempool, 1);
        assert!(!new);
        mempool.finalized(&HashSet::from([[1; 32]]), 9);
        assert_eq!(*first.borrow(), Outcome::Finalized(9));
        assert_eq!(*second.borrow(), Outcome::Finalized(9));
        assert_eq!(mempool.len(), 0);
    }

    #[test]
    fn rejection_is_told_to_who_waits_and_remembered() {
        let mempool = Mempool::new();
        let (outcome, _) = add(&mempool, 1);
        mempool.reject(&[1; 32], "stale_version");
        assert_eq!(*outcome.borrow(), Outcome::Rejected("stale_version"));
        let known = mempool.outcome(&[1; 32]);
        assert_eq!(known, Some(Outcome::Rejected("stale_version")));
        assert_eq!(mempool.outcome(&[2; 32]), None);
    }

    #[test]
    fn oldest_operations_are_proposed_first() {
        let mempool = Mempool::new();
        let names = [3, 1, 2];
        names.iter().for_each(|name| drop(add(&mempool, *name)));
        let order: Vec<_> = mempool
            .candidates(2)
            .iter()
            .map(|waiting| waiting.hash[0])
            .collect();
        assert_eq!(order, [3, 1]);
    }

    #[test]
    fn full_mempool_refuses_more() {
        let mempool = Mempool::new();
        let large: Arc<[u8]> = vec![0; MAX_PENDING_BYTES].into();
        mempool.add([1; 32], large, operation()).unwrap();
        let more = mempool.add([2; 32], [0].as_slice().into(), operation());
        assert_eq!(more.err(), Some(Full));
    }
}
