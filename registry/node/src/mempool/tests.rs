use std::sync::LazyLock;

use jumin_identity::sha256;
use jumin_registry::Operation;
use jumin_registry::testing::TestLedger;

use super::*;

const SMALL: Capacity = Capacity {
    operations: 4,
    per_submitter: 2,
};

static OPERATION: LazyLock<SignedOperation> = LazyLock::new(|| {
    let ledger = TestLedger::new(1_700_000_000);
    let integrity = format!("sha256-{}=", "A".repeat(43));
    ledger.governed(&Operation::AnchorCredentialType {
        by: Accreditor::Governance,
        vct: "urn:test:card:1".to_owned(),
        integrity,
        version: 0,
    })
});

fn operation() -> SignedOperation {
    OPERATION.clone()
}

fn waiting(name: u8, bytes: usize) -> Waiting {
    Waiting::new([name; 32], vec![0; bytes].into(), operation())
}

fn numbered(index: usize) -> Waiting {
    let hash = sha256(&index.to_be_bytes());
    Waiting::new(hash, [0].as_slice().into(), operation())
}

fn agency(name: u8) -> Share {
    let network = "test".parse().unwrap();
    let did = jumin_identity::Did::from_digest(&network, &sha256(&[name]));
    Share::Submitter(Accreditor::Did(did))
}

fn peer() -> Share {
    Share::Peer(vec![7; 32])
}

fn mempool() -> Mempool {
    Mempool::new(Capacity::default(), 0)
}

fn add(mempool: &Mempool, name: u8) -> (watch::Receiver<Outcome>, bool) {
    mempool
        .add(waiting(name, 1), Share::of_submitter(&operation()))
        .unwrap()
}

fn apply_empty(mempool: &Mempool, heights: std::ops::RangeInclusive<u64>) {
    heights.for_each(|height| mempool.applied(&HashSet::new(), height));
}

#[test]
fn duplicate_waits_for_the_same_outcome() {
    let mempool = mempool();
    let (first, new) = add(&mempool, 1);
    assert!(new);
    let (second, new) = add(&mempool, 1);
    assert!(!new);
    mempool.applied(&HashSet::from([[1; 32]]), 9);
    assert_eq!(*first.borrow(), Outcome::Finalized(9));
    assert_eq!(*second.borrow(), Outcome::Finalized(9));
    assert_eq!(mempool.len(), 0);
}

#[test]
fn rejection_is_told_to_who_waits_and_remembered() {
    let mempool = mempool();
    let (outcome, _) = add(&mempool, 1);
    mempool.reject(&mempool.candidates(1)[0], "stale_version");
    assert_eq!(*outcome.borrow(), Outcome::Rejected("stale_version"));
    let known = mempool.outcome(&[1; 32]);
    assert_eq!(known, Some(Outcome::Rejected("stale_version")));
    assert_eq!(mempool.outcome(&[2; 32]), None);
}

#[test]
fn rejections_beyond_the_bound_are_forgotten_oldest_first() {
    let mempool = mempool();
    (0..=MAX_REJECTED).for_each(|index| mempool.reject(&numbered(index), "stale_version"));
    assert_eq!(mempool.outcome(&numbered(0).hash), None);
    assert!(mempool.outcome(&numbered(MAX_REJECTED).hash).is_some());
    assert_eq!(mempool.pool().rejected_count(), MAX_REJECTED);
}

#[test]
fn oldest_operations_are_proposed_first() {
    let mempool = mempool();
    let names = [3, 1, 2];
    names.iter().for_each(|name| drop(add(&mempool, *name)));
    let candidates = mempool.candidates(2);
    let order: Vec<_> = candidates.iter().map(|waiting| waiting.hash[0]).collect();
    assert_eq!(order, [3, 1]);
}

#[test]
fn bytes_are_bounded() {
    let mempool = mempool();
    for name in 0..16 {
        mempool
            .add(waiting(name, MAX_SHARE_BYTES), agency(name))
            .unwrap();
        let more = mempool.add(waiting(100, 1), agency(name));
        let full = if name < 15 {
            Busy::Submitter
        } else {
            Busy::Full
        };
        assert_eq!(more.err(), Some(full));
    }
    mempool.applied(&HashSet::from([[3; 32]]), 1);
    mempool.add(waiting(100, 1), agency(3)).unwrap();
}

#[test]
fn submitter_past_its_share_is_refused_and_others_are_not() {
    let mempool = Mempool::new(SMALL, 0);
    for name in 0..2 {
        mempool.add(waiting(name, 1), agency(1)).unwrap();
    }
    let refused = mempool.add(waiting(2, 1), agency(1));
    assert_eq!(refused.err(), Some(Busy::Submitter));
    assert_eq!(mempool.outcome(&[2; 32]), None);
    mempool.add(waiting(3, 1), agency(2)).unwrap();
    mempool.add(waiting(4, 1), agency(3)).unwrap();
    let refused = mempool.add(waiting(5, 1), agency(4));
    assert_eq!(refused.err(), Some(Busy::Full));
    mempool.applied(&HashSet::from([[0; 32], [3; 32]]), 1);
    mempool.add(waiting(2, 1), agency(1)).unwrap();
    mempool.reject(&mempool.candidates(9)[1], "stale_version");
    mempool.add(waiting(5, 1), agency(4)).unwrap();
}

#[test]
fn operation_is_forgotten_after_its_blocks_and_never_while_none_come() {
    let mempool = Mempool::new(Capacity::default(), 1_000);
    let (outcome, _) = add(&mempool, 1);
    apply_empty(&mempool, 1_001..=1_000 + MAX_AGE_BLOCKS - 1);
    let (later, _) = add(&mempool, 2);
    assert_eq!(*outcome.borrow(), Outcome::Pending);
    apply_empty(&mempool, 1_000 + MAX_AGE_BLOCKS..=1_000 + MAX_AGE_BLOCKS);
    assert_eq!(*outcome.borrow(), Outcome::Forgotten);
    assert_eq!(*later.borrow(), Outcome::Pending);
    assert_eq!(mempool.outcome(&[1; 32]), None);
}

#[test]
fn doubtful_operations_take_no_agency_s_share_and_are_few() {
    let mempool = mempool();
    for index in 0..MAX_DOUBTFUL_OF_PEER {
        mempool.add(numbered(index), peer()).unwrap();
    }
    let more = mempool.add(numbered(MAX_DOUBTFUL_OF_PEER), peer());
    assert_eq!(more.err(), Some(Busy::Submitter));
    add(&mempool, 1);
}

#[test]
fn forged_twin_does_not_keep_the_real_operation_out() {
    let mempool = mempool();
    let twin = Waiting::new([1; 32], b"forged".as_slice().into(), operation());
    let (outcome, _) = mempool.add(twin, peer()).unwrap();
    let real = Waiting::new([1; 32], b"real".as_slice().into(), operation());
    let (_, new) = mempool.add(real, agency(1)).unwrap();
    assert!(!new);
    assert_eq!(mempool.candidates(9)[0].bytes.as_ref(), b"real");
    let twin = Waiting::new([1; 32], b"forged".as_slice().into(), operation());
    mempool.add(twin, peer()).unwrap();
    assert_eq!(mempool.candidates(9)[0].bytes.as_ref(), b"real");
    mempool.applied(&HashSet::from([[1; 32]]), 1);
    assert_eq!(*outcome.borrow(), Outcome::Finalized(1));
    assert_eq!(mempool.len(), 0);
}

#[test]
fn refusal_of_a_forged_twin_leaves_the_real_operation_waiting() {
    let mempool = mempool();
    mempool.add(waiting(1, 1), peer()).unwrap();
    let twin = mempool.candidates(1).remove(0);
    let (outcome, _) = mempool.add(waiting(1, 1), agency(1)).unwrap();
    mempool.reject(&twin, "bad_signature");
    assert_eq!(*outcome.borrow(), Outcome::Pending);
    assert_eq!(mempool.len(), 1);
}

#[test]
fn parsed_operation_is_found_by_its_exact_bytes_while_it_waits() {
    let mempool = mempool();
    let twin = Waiting::new([1; 32], b"forged".as_slice().into(), operation());
    mempool.add(twin, peer()).unwrap();
    let real = Waiting::new([1; 32], b"real".as_slice().into(), operation());
    let parsed = real.operation.clone();
    mempool.add(real, agency(1)).unwrap();
    let found = mempool.parsed(&[b"real".to_vec(), b"forged".to_vec(), b"rea".to_vec()]);
    assert!(
        found[0]
            .as_ref()
            .is_some_and(|one| Arc::ptr_eq(one, &parsed))
    );
    assert!(found[1].is_none() && found[2].is_none());
    mempool.applied(&HashSet::from([[1; 32]]), 1);
    assert!(mempool.parsed(&[b"real".to_vec()])[0].is_none());
}

#[test]
fn what_came_before_a_mark_is_told_oldest_first_and_without_the_doubtful() {
    let mempool = mempool();
    add(&mempool, 2);
    add(&mempool, 1);
    mempool.add(waiting(3, 1), peer()).unwrap();
    let mark = mempool.mark();
    add(&mempool, 4);
    let names = |mark, count| -> Vec<u8> {
        let overdue = mempool.before(mark, count);
        overdue.iter().map(|one| one.hash[0]).collect()
    };
    assert!(names(0, 10).is_empty());
    assert_eq!(names(mark, 10), [2, 1]);
    assert_eq!(names(mark, 1), [2]);
    assert_eq!(names(mempool.mark(), 10), [2, 1, 4]);
}
