//! Checks that the state on disk is the one that the validators certified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::Args;
use jmt::KeyHash;
use jumin_registry::{Checkpoint, NetworkTrust, RecordKey, VerifiedCheckpoint, tree};

use crate::home::Home;
use crate::ledger::Ledger;
use crate::store::{Entry, Integrity, Snapshot, Store};

/// How many records are checked at every start.
const SAMPLE: usize = 64;
/// How many records are read at once.
const PAGE_BYTES: usize = 1024 * 1024;

/// Checks the whole state of a node that doesn't run: the file's checksums, and every record against the certified root.
#[derive(Args)]
pub struct VerifyStore {
    /// The validator's directory.
    #[arg(long)]
    home: PathBuf,
    /// Gives the room back that the file doesn't use, once all is checked.
    #[arg(long)]
    compact: bool,
}

impl VerifyStore {
    /// Checks, and prints what was checked.
    ///
    /// # Errors
    /// With what is wrong and how to recover.
    pub fn run(&self) -> anyhow::Result<()> {
        let home = Home::load(&self.home)?;
        let path = home.state();
        ensure!(path.exists(), "there is no {}", path.display());
        let genesis = home.genesis.block()?.header().digest();
        let store = Store::open_checked(&path, &genesis, Integrity::Whole);
        let store = Arc::new(store.with_context(|| recovery(&path))?);
        let ledger = Ledger::open(&home.genesis, store.clone(), home.config.capacity());
        let ledger = ledger.with_context(|| recovery(&path))?;
        let records = whole(&ledger).with_context(|| recovery(&path))?;
        let applied = ledger.applied();
        let (height, root) = (applied.height, hex::encode(applied.state_root));
        println!("ok: {records} records at block {height}, state root {root}");
        // What reads is gone.
        drop(ledger);
        if self.compact {
            store.compact()?;
            let size = std::fs::metadata(&path)?.len();
            println!("{} has {size} bytes now", path.display());
        }
        Ok(())
    }
}

/// Says what to do about a state that can't be used.
pub(crate) fn recovery(path: &Path) -> String {
    format!(
        "{} can't be used. If it is damaged, name nodes under `sync` in config.toml, remove this file, and nothing else, and start \
         again: the node fetches the state, or builds it anew if it still has all blocks. Leave data/engine where it is: it has \
         this validator's votes",
        path.display()
    )
}

/// Checks the certified header, the root under it and some records.
pub(crate) fn sample(ledger: &Ledger) -> anyhow::Result<()> {
    let Some(state) = Certified::of(ledger)? else {
        return Ok(());
    };
    for _ in 0..SAMPLE {
        let random = KeyHash(jumin_identity::random_bytes());
        for entry in state.snapshot.entries(state.version, Some(random), 1)? {
            state.require(&entry)?;
        }
    }
    Ok(())
}

fn whole(ledger: &Ledger) -> anyhow::Result<usize> {
    let Some(state) = Certified::of(ledger)? else {
        // Nothing but genesis, which was made here.
        return Ok(0);
    };
    let (mut after, mut count) = (None, 0);
    loop {
        let page = state.snapshot.entries(state.version, after, PAGE_BYTES)?;
        let Some(last) = page.last() else { break };
        after = Some(last.hash);
        count += page.len();
        for entry in &page {
            state.require(entry)?;
        }
    }
    let leaves = tree::count(&*state.snapshot, state.version)?;
    ensure!(
        leaves == count && state.snapshot.record_count()? >= count as u64,
        "the state has {count} records where its tree has {leaves}"
    );
    Ok(count)
}

/// The newest certified state.
struct Certified {
    checkpoint: VerifiedCheckpoint,
    snapshot: Arc<Snapshot>,
    version: u64,
    /// No later block changed anything.
    is_newest: bool,
}

impl Certified {
    fn of(ledger: &Ledger) -> anyhow::Result<Option<Self>> {
        let applied = ledger.applied();
        let Some((stored, snapshot)) = ledger.certified() else {
            return Ok(None);
        };
        let checkpoint = Checkpoint::from_bytes(&stored.bytes)?;
        let epoch = checkpoint.header.epoch;
        let trust = NetworkTrust {
            epoch,
            validators: ledger
                .committee(epoch)
                .context("the validators are missing")?,
            ..ledger.trust().clone()
        };
        let checkpoint = checkpoint.verify(&trust)?;
        for (version, expected) in [
            (stored.tree_version, checkpoint.state_root()),
            (applied.tree_version, &applied.state_root),
        ] {
            let root = tree::root(&*snapshot, version)?;
            ensure!(
                root == *expected,
                "the state's root is not the certified one"
            );
        }
        Ok(Some(Self {
            checkpoint,
            snapshot,
            version: stored.tree_version,
            is_newest: stored.tree_version == applied.tree_version,
        }))
    }

    fn require(&self, entry: &Entry) -> anyhow::Result<()> {
        let name = &entry.name;
        let key: RecordKey = name.parse()?;
        ensure!(
            key.hash() == entry.hash.0,
            "record {name} is not in its place"
        );
        let proven = tree::prove(&*self.snapshot, self.version, &key)?;
        let read = proven.verify(&key, &self.checkpoint);
        read.with_context(|| format!("record {name} is not under the certified root"))?;
        let listed = self.snapshot.record(name)?;
        ensure!(
            !self.is_newest || listed.as_deref() == Some(&entry.value),
            "record {name} has two values"
        );
        Ok(())
    }
}
