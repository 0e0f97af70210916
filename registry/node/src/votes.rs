//! Keeps a validator from voting when it may not know any more what it voted for.
//!
//! The engine writes every vote down under `data/engine` before it sends it. A validator that lost those files could sign
//! two blocks of one height. So a file beside the key says that the key has never been used, the engine's files carry a
//! name that the state knows too, and a node that finds neither the one nor the other doesn't start. Told that the votes
//! are lost, it follows until an epoch begins that it can't have voted in.

mod journal;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::application::unix_ms;
use crate::home::{Home, read, replace, sync, write};
use crate::store::Store;

const NEVER_RUN: &str = "never-run";
const NOTE: &str = "This validator's key has never been used. The node removes this file when it first runs; never copy it.\n";
const NAME: &str = "name.json";
/// How far the clocks of two validators may lie apart, and more.
pub(crate) const CLOCKS: Duration = Duration::from_secs(5);

/// Whose votes the files of an engine are.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    /// Random, in hexadecimal.
    name: String,
    /// The validator's public key in hexadecimal.
    key: String,
    /// The genesis header's digest in hexadecimal.
    genesis: String,
    /// When votes of before were lost, in milliseconds: they may be of any epoch that began until then.
    #[serde(default)]
    lost_ms: u64,
}

/// Says of a new home that its key has never been used.
pub(crate) fn mark_new(home: &Path) -> anyhow::Result<()> {
    write(&home.join(NEVER_RUN), NOTE.as_bytes())
}

/// What the operator says about the votes of a node that doesn't start with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Votes {
    /// They are gone for good: the node is to follow until an epoch begins that it can't have voted in.
    pub lost: bool,
    /// A power cut tore their files, and nothing else did: the node is to use what is left of them.
    pub torn: bool,
}

/// Requires the engine's files to be those that this validator's votes were written to, and as they were written.
pub(crate) fn require(home: &Home, store: &Store, votes: Votes) -> anyhow::Result<()> {
    let directory = home.data().join("engine");
    let known = store.engine()?;
    let new = home.path.join(NEVER_RUN).exists();
    let Some(found) = find(&directory)? else {
        if known.is_none() && new {
            return begin(home, store, &directory, 0);
        }
        ensure!(votes.lost, explanation(&directory));
        let lost_ms = follow(store)?;
        store.start_from_checkpoint()?;
        return begin(home, store, &directory, lost_ms);
    };
    let mine = expected(home, &found.name)?;
    ensure!(
        found.key == mine.key && found.genesis == mine.genesis,
        "{} belongs to another validator or another network; remove it and put this validator's own there",
        directory.display()
    );
    match known {
        Some(known) if known != found.name => bail!(
            "{} and state.redb are not of one node: one of them is a copy from elsewhere. Remove state.redb if the engine's files \
             are the ones that this validator ran with last",
            directory.display()
        ),
        Some(_) => {}
        // The state was removed: it is built again under the same votes.
        None => {
            if found.lost_ms > 0 {
                store.follow_until(found.lost_ms)?;
            }
            store.set_engine(&found.name)?;
        }
    }
    if let Some(path) = journal::find_damaged(&directory)? {
        ensure!(votes.lost || votes.torn, damage(&path));
        if votes.lost {
            let lost_ms = follow(store)?;
            write_name(&directory, &Name { lost_ms, ..found })?;
            // The engine doesn't read votes of a key that it doesn't sign with.
            journal::remove(&directory)?;
        }
    }
    used(home)
}

/// Has this node follow until an epoch begins later than now.
fn follow(store: &Store) -> anyhow::Result<u64> {
    let lost_ms = unix_ms(SystemTime::now() + CLOCKS);
    store.follow_until(lost_ms)?;
    tracing::warn!(
        "the votes are lost: this node follows until an epoch begins that it can't have voted in"
    );
    Ok(lost_ms)
}

fn damage(path: &Path) -> String {
    format!(
        "{} is damaged, and this validator may have forgotten a vote: it could sign another block than before. Put the file back \
         if you have it as it was last. Else start with --votes-lost: the node then follows, and votes again in the first epoch \
         that begins from now on. Only if a power cut tore the file, and too many members wait to begin that epoch, start with \
         --votes-torn",
        path.display()
    )
}

fn explanation(directory: &Path) -> String {
    format!(
        "this validator's votes are not in {}: it could sign another block than before. Put the files back if you have those it \
         ran with last (never older ones). If they are gone for good, start with --votes-lost: the node then follows, and votes \
         again in the first epoch that begins from now on; or join with a new key and have this one removed",
        directory.display()
    )
}

/// Names new files. The order matters: a crash in between must not look like lost votes.
fn begin(home: &Home, store: &Store, directory: &Path, lost_ms: u64) -> anyhow::Result<()> {
    let is_other = |name: std::ffi::OsString| name != "name.new";
    let leftovers = fs::read_dir(directory).map(|mut entries| {
        entries.any(|entry| entry.is_ok_and(|entry| is_other(entry.file_name())))
    });
    ensure!(
        !leftovers.unwrap_or(false),
        "{} has files of an engine but not {NAME}: it is damaged. Move it away; then start with --votes-lost",
        directory.display()
    );
    let random: [u8; 16] = jumin_identity::random_bytes();
    let name = Name {
        lost_ms,
        ..expected(home, &hex::encode(random))?
    };
    fs::create_dir_all(directory)
        .with_context(|| format!("cannot create {}", directory.display()))?;
    write_name(directory, &name)?;
    store.set_engine(&name.name)?;
    used(home)
}

fn write_name(directory: &Path, name: &Name) -> anyhow::Result<()> {
    replace(&path(directory), &serde_json::to_vec_pretty(name)?)
}

fn used(home: &Home) -> anyhow::Result<()> {
    let path = home.path.join(NEVER_RUN);
    if path.exists() {
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        sync(&home.path)?;
    }
    Ok(())
}

fn find(directory: &Path) -> anyhow::Result<Option<Name>> {
    let path = path(directory);
    if !path.exists() {
        return Ok(None);
    }
    let name = serde_json::from_slice(&read(&path)?);
    let advice = "is damaged: move the directory away; then start with --votes-lost";
    Ok(Some(
        name.with_context(|| format!("{} {advice}", path.display()))?,
    ))
}

fn expected(home: &Home, name: &str) -> anyhow::Result<Name> {
    Ok(Name {
        name: name.to_owned(),
        key: hex::encode(home.public_key()),
        genesis: hex::encode(home.genesis.block()?.header().digest()),
        lost_ms: 0,
    })
}

fn path(directory: &Path) -> PathBuf {
    directory.join(NAME)
}
