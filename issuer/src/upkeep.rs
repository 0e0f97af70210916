//! The commands that keep an issuer's database: backups, recovery, and statuses by index.

use std::io::{IsTerminal as _, Write as _, stdin, stdout};
use std::path::PathBuf;

use anyhow::{Context as _, bail, ensure};
use clap::{ArgGroup, Args};
use jumin_identity::{b64url, random_bytes};

use crate::home::Home;
use crate::indexes::LIST_ENTRIES;
use crate::recover::{Source, prepare};
use crate::settings::Settings;
use crate::store::{CredentialStatus, EntryChange, EntryOwner, NewChange, Store};

/// Longest reason that a command takes, in characters.
const MAX_REASON: usize = 500;
/// Who the audit says did it.
const ACTOR: &str = "operator";

/// Where the issuer's home is.
#[derive(Debug, Args)]
pub struct HomeArgs {
    /// The issuer's folder.
    #[arg(long, env = "JUMIN_ISSUER_HOME")]
    home: PathBuf,
}

impl HomeArgs {
    fn open(&self) -> anyhow::Result<Home> {
        Ok(Home::existing(&self.home)?)
    }
}

/// What to back up, and where to.
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    home: HomeArgs,
    /// The file to make; it must not be there yet.
    #[arg(long)]
    out: PathBuf,
}

impl Backup {
    /// Copies the database as it is at one moment; the server may run.
    pub async fn run(self, now: u64) -> anyhow::Result<()> {
        let store = open_store(&self.home.open()?).await?;
        let made = store.back_up(&self.out, now).await;
        let audit = store.verify_audit().await;
        store.close().await;
        made?;
        let audit = audit?;
        println!("{}", self.out.display());
        println!("audit: {} entries, head {}", audit.entries, audit.head);
        Ok(())
    }
}

/// How to bring a restored database up to the ledger.
#[derive(Debug, Args)]
pub struct Recover {
    #[command(flatten)]
    home: HomeArgs,
    /// A copy of what the issuer published last: a file, a folder of files (such as ledger/lists of a counter's home) or a
    /// URL; may be given more than once. What isn't anchored on the ledger is not used.
    #[arg(long = "from", value_name = "FILE, DIR OR URL")]
    sources: Vec<Source>,
    /// A list of which no copy is left anywhere: all of its credentials are revoked.
    #[arg(long, value_name = "NUMBER")]
    lost: Vec<u32>,
    /// Recovers without asking.
    #[arg(long)]
    yes: bool,
}

impl Recover {
    /// Takes over what the ledger has, once the person at the terminal agrees; the server must not run.
    pub async fn run(self, now: u64) -> anyhow::Result<()> {
        let home = self.home.open()?;
        let _lock = home.lock()?;
        let settings = Settings::read(&home.path("issuer.toml"))?;
        let prepared = prepare(&home, &settings, &self.sources, &self.lost).await?;
        for line in &prepared.lines {
            println!("{line}");
        }
        println!("open offers and sessions end; accounts have the passwords of the backup");
        if !self.yes && !agreed("Recover the database like this?")? {
            println!("nothing was changed");
            return Ok(());
        }
        let recovered = prepared.write(now).await?;
        println!(
            "recovered: {} batches have the ledger's status now, {} entries aren't valid whose credential isn't known",
            recovered.batches, recovered.unknown
        );
        if recovered.overtaken > 0 {
            println!(
                "{} changes that waited in the backup are dropped, since the ledger may have had them and others after them: ask for \
                 them again if they are still wanted",
                recovered.overtaken
            );
        }
        println!(
            "start the server; credentials issued after the backup: jumin-issuer revoke --list N --index I"
        );
        Ok(())
    }
}

/// Which entry of a status list to change, and why.
#[derive(Debug, Args)]
pub struct EntryArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Number of the status list: the last part of its URI.
    #[arg(long)]
    list: u32,
    /// The entry's index.
    #[arg(long)]
    index: u32,
    /// Kept with the change; the audit has its digest.
    #[arg(long)]
    reason: String,
}

impl EntryArgs {
    /// Notes that the entry is to change; a running server publishes it within a minute, another when it starts.
    pub async fn run(self, target: CredentialStatus, now: u64) -> anyhow::Result<()> {
        checked(&self.reason)?;
        let store = open_store(&self.home.open()?).await?;
        let done = self.change(&store, target, now).await;
        store.close().await;
        done
    }

    async fn change(
        &self,
        store: &Store,
        target: CredentialStatus,
        now: u64,
    ) -> anyhow::Result<()> {
        let (list, index) = (self.list, self.index);
        ensure!(
            index < LIST_ENTRIES,
            "a list has {LIST_ENTRIES} entries, from 0 on"
        );
        let reason = checked(&self.reason)?;
        let owner = store.entry_owner(list, index).await?;
        match owner.with_context(|| format!("this issuer has no list {list}"))? {
            EntryOwner::Credential(id) => {
                let change = NewChange {
                    id: &b64url(&random_bytes::<16>()),
                    credential: &id,
                    target,
                    reason,
                    actor: ACTOR,
                    asked: now,
                };
                store.ask_status(&change).await?;
                println!(
                    "credential {id}, all of its copies: to be {}",
                    target.as_str()
                );
            }
            EntryOwner::Unknown => {
                let change = EntryChange {
                    list,
                    index,
                    target,
                    reason,
                    actor: ACTOR,
                    asked: now,
                };
                store.ask_entry_status(&change).await?;
                println!("list {list}, index {index}: to be {}", target.as_str());
                println!(
                    "its credential isn't known here: other copies of the same batch have indexes of their own"
                );
            }
            EntryOwner::Nobody => bail!("no credential has index {index} of list {list}"),
        }
        println!("in force once it is on the ledger: within a minute while the server runs");
        Ok(())
    }
}

/// Which entries of a status list to revoke, and why.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("entries").required(true).args(["index", "all_unknown"]))]
pub struct RevokeArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Number of the status list: the last part of its URI.
    #[arg(long)]
    list: u32,
    /// The entry's index.
    #[arg(long)]
    index: Option<u32>,
    /// Every entry whose credential isn't known here: all that was issued in the list after the backup.
    #[arg(long)]
    all_unknown: bool,
    /// Kept with the change; the audit has its digest.
    #[arg(long)]
    reason: String,
}

impl RevokeArgs {
    /// Notes that the entries are to be revoked; a running server publishes it within a minute, another when it starts.
    pub async fn run(self, now: u64) -> anyhow::Result<()> {
        let Self {
            home, list, reason, ..
        } = self;
        if let Some(index) = self.index {
            let entry = EntryArgs {
                home,
                list,
                index,
                reason,
            };
            return entry.run(CredentialStatus::Revoked, now).await;
        }
        let reason = checked(&reason)?;
        let store = open_store(&home.open()?).await?;
        let done = store.revoke_unknown(list, reason, ACTOR, now).await;
        store.close().await;
        ensure!(
            done?,
            "list {list} isn't closed by a recovery: all of its credentials are known"
        );
        println!("list {list}: every credential that isn't known here is to be revoked");
        println!("in force once it is on the ledger: within a minute while the server runs");
        Ok(())
    }
}

/// Takes a reason of a length that can be kept.
fn checked(reason: &str) -> anyhow::Result<&str> {
    let reason = reason.trim();
    ensure!(
        (1..=MAX_REASON).contains(&reason.chars().count()),
        "the reason must have 1 to {MAX_REASON} characters"
    );
    Ok(reason)
}

async fn open_store(home: &Home) -> anyhow::Result<Store> {
    let path = home.database();
    ensure!(path.is_file(), "there is no database {}", path.display());
    Ok(Store::open(&path).await?)
}

/// Asks whether to go on.
pub fn agreed(question: &str) -> anyhow::Result<bool> {
    ensure!(
        stdin().is_terminal(),
        "there is no terminal to ask: read what would change, and say --yes"
    );
    print!("{question} [y/N] ");
    stdout().flush()?;
    let mut answer = String::new();
    stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}
