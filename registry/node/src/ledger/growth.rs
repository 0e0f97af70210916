//! How a ledger grows that has nothing to do, measured where a file has exactly what was written to it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jumin_identity::FileKey;
use jumin_registry::{Certificate, Checkpoint};
use redb::backends::InMemoryBackend;
use redb::{Database, StorageBackend};

use super::Ledger;
use super::tests::{accredit_somebody, genesis};
use crate::execution::operation_hash;
use crate::genesis::Genesis;
use crate::mempool::{Capacity, Outcome, Share, Waiting};
use crate::snapshot::Chunk;
use crate::store::{Restorer, Store};
use crate::upkeep::Upkeep;

const IDLE_MS: u64 = 10_000;
const BLOCKS_A_YEAR: u64 = 365 * 24 * 3_600 * 1_000 / IDLE_MS;
const BLOCKS_OF_30_DAYS: u64 = 30 * 24 * 3_600 * 1_000 / IDLE_MS;

/// A file in memory that counts.
#[derive(Clone, Debug, Default)]
struct Counted {
    file: Arc<InMemoryBackend>,
    written: Arc<AtomicU64>,
}

impl StorageBackend for Counted {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.written.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.file.write(offset, data)
    }
}

struct Idle {
    governor: FileKey,
    genesis: Genesis,
    file: Counted,
    ledger: Ledger,
}

impl Idle {
    fn new(upkeep: Upkeep) -> Self {
        let governor = FileKey::generate().unwrap();
        let genesis = genesis(&governor);
        let file = Counted::default();
        let store = open(&genesis, file.clone());
        let ledger = Ledger::open(&genesis, store, Capacity::default()).unwrap();
        Self {
            governor,
            genesis,
            file,
            ledger: ledger.keeping(upkeep),
        }
    }

    /// Applies so many empty blocks, each certified by three of four.
    fn run(&self, blocks: u64) {
        for _ in 0..blocks {
            let view = self.ledger.applied_view();
            let time_ms = view.tip.time_ms + IDLE_MS;
            let block = self.ledger.build(&view, time_ms, || false).unwrap();
            drop(view);
            let height = block.header().height;
            let votes = [0, 1, 3].map(|index| (index, [7; 64])).to_vec();
            let round = (block.header().epoch, height, height - 1);
            let certificate = Certificate::new(round, 4, votes).unwrap();
            self.ledger.apply(&block, Some(certificate)).unwrap();
        }
    }

    fn size(&self) -> u64 {
        self.file.len().unwrap()
    }

    /// What the tables hold, without room that nothing uses.
    fn stored(&self) -> u64 {
        self.ledger.store.stored_bytes().unwrap()
    }

    fn first(&self) -> u64 {
        self.ledger.kept_from().unwrap().unwrap()
    }

    /// What a joining node fetches.
    fn snapshot(&self) -> (Checkpoint, Vec<u8>) {
        let checkpoint = self.ledger.snapshot_checkpoint().unwrap();
        let checkpoint = Checkpoint::from_bytes(&checkpoint).unwrap();
        let root = checkpoint.header.state_root;
        let chunk = self.ledger.snapshot_chunk(&root, None).unwrap();
        (checkpoint, chunk)
    }
}

fn open(genesis: &Genesis, file: impl StorageBackend) -> Store {
    let database = Database::builder().create_with_backend(file).unwrap();
    Store::new(database, &genesis.block().unwrap().header().digest()).unwrap()
}

fn keeping(blocks: u64) -> Upkeep {
    Upkeep {
        keep: Some(Duration::from_millis(blocks * IDLE_MS)),
        at_least: 100,
        room_every: Duration::from_secs(24 * 3_600),
        room_at: Duration::ZERO,
    }
}

#[test]
fn idle_blocks_fit_into_a_gigabyte_a_year() {
    let idle = Idle::new(Upkeep::archive());
    idle.run(200);
    let (stored, written) = (idle.stored(), idle.file.written.load(Ordering::Relaxed));
    idle.run(1_000);
    let stored = (idle.stored() - stored) / 1_000;
    let written = (idle.file.written.load(Ordering::Relaxed) - written) / 1_000;
    println!("an idle block: {stored} bytes stored, {written} bytes written to the state database");
    let kept = stored * BLOCKS_OF_30_DAYS / 1_000_000;
    let archived = stored * BLOCKS_A_YEAR / 1_000_000;
    println!("30 days: {kept} MB; an archive: {archived} MB a year");
    assert!(stored < 1_200, "{stored} bytes for an idle block");
}

#[test]
fn idle_blocks_with_pruning_leave_the_disk_bounded() {
    let idle = Idle::new(keeping(500));
    idle.run(2_000);
    let (size, stored) = (idle.size(), idle.stored());
    assert_eq!(idle.first(), 1_500);
    idle.run(4_000);
    assert_eq!(idle.first(), 5_500);
    assert!(idle.size() <= size, "{} after {size}", idle.size());
    assert!(
        idle.stored() <= stored + 4_096,
        "{} after {stored}",
        idle.stored()
    );
}

#[test]
fn ledger_of_many_blocks_starts_and_is_fetched_as_a_young_one() {
    let (young, old) = (Idle::new(keeping(500)), Idle::new(keeping(500)));
    young.run(700);
    old.run(5_000);
    let (_, chunk) = young.snapshot();
    let (checkpoint, fetched) = old.snapshot();
    assert_eq!(chunk.len(), fetched.len());

    // It starts from its file as it is.
    let Idle {
        governor,
        genesis,
        file,
        ledger,
    } = old;
    let height = ledger.applied().height;
    drop(ledger);
    let store = open(&genesis, file.clone());
    let ledger = Ledger::open(&genesis, store, Capacity::default()).unwrap();
    let old = Idle {
        governor,
        ledger: ledger.keeping(keeping(500)),
        genesis,
        file,
    };
    assert_eq!(old.ledger.applied().height, height);
    old.run(1);

    // Another fetches it, and goes on with its next block.
    let store = Arc::new(open(&old.genesis, InMemoryBackend::new()));
    let mut restorer = Restorer::open(store.clone(), &checkpoint).unwrap();
    let chunk = Chunk::parse(&fetched).unwrap();
    assert!(chunk.is_last);
    restorer.add(chunk.entries, chunk.proof).unwrap();
    let restored = restorer.finish().unwrap();
    store.adopt(restored, &checkpoint, &[]).unwrap();
    let ledger = Ledger::open(&old.genesis, store, Capacity::default()).unwrap();
    assert_eq!(ledger.applied().height, height);
    let joined = Idle {
        governor: FileKey::generate().unwrap(),
        ledger: ledger.keeping(keeping(500)),
        genesis: old.genesis.clone(),
        file: Counted::default(),
    };
    joined.run(1);
    assert_eq!(joined.ledger.applied().digest, old.ledger.applied().digest);
}

#[test]
fn operation_of_a_forgotten_block_is_unknown_and_not_taken_again() {
    let idle = Idle::new(keeping(500));
    let signed = accredit_somebody(&idle.genesis, &idle.governor);
    let (hash, bytes) = (operation_hash(&signed), signed.to_bytes());
    let share = Share::of_submitter(&signed);
    let waiting = Waiting::new(hash, bytes.as_slice().into(), signed);
    idle.ledger.mempool().add(waiting, share).unwrap();
    idle.run(400);
    let outcome = |ledger: &Ledger| ledger.outcome(&hash).unwrap();
    assert_eq!(outcome(&idle.ledger), Some(Outcome::Finalized(1)));
    let snapshot = idle.ledger.snapshot();
    let history = snapshot.history();
    assert_eq!(history.operations(1).unwrap().len(), 1);
    let did = match history.operations(1).unwrap()[0].record_key() {
        jumin_registry::RecordKey::Accreditation { subject, .. } => subject,
        other => panic!("{other}"),
    };
    assert_eq!(history.about(&did, (u64::MAX, 0), 9).unwrap(), [(1, 0)]);
    assert_eq!(history.minutes(0).unwrap().len(), 1);
    drop(snapshot);

    idle.run(400);
    assert_eq!(outcome(&idle.ledger), None);
    let snapshot = idle.ledger.snapshot();
    let history = snapshot.history();
    assert!(history.block(1).unwrap().is_none());
    assert!(history.operations(1).unwrap().is_empty());
    assert!(history.about(&did, (u64::MAX, 0), 9).unwrap().is_empty());
    assert!(history.minutes(0).unwrap().is_empty());
    let again = jumin_registry::SignedOperation::parse(&bytes).unwrap();
    let refused = idle.ledger.admit(&again, idle.ledger.applied().time_ms);
    assert_eq!(refused.unwrap_err().code(), "stale_version");
}
