//! The issuer's commands for its keys and its DID: those of every agency, and what became of the documents that an ended key
//! signed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jumin_identity::builtin_types;
use jumin_keys::{
    Agency, ChangeArgs, Changed, EndedKey, KeyCommand, KeysError, Wanted, parse_time, show_time,
};
use jumin_registry::DidRecord;
use serde_json::json;
use thiserror::Error;

use crate::address::address_in;
use crate::audit::Event;
use crate::home::{Home, HomeError};
use crate::settings::{Settings, SettingsError, without_slash};
use crate::setup::{SIGNING_KEYS, SetupError, agency, services};
use crate::store::{SeenDocument, Store, StoreError};

const DAY: u64 = 86_400;

/// Why keys were not changed, or not all was said about it.
#[derive(Debug, Error)]
pub enum KeyChangeFailed {
    #[error("the home can't be used")]
    Home(#[from] HomeError),
    #[error("the settings can't be used")]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("{0:#}")]
    Change(anyhow::Error),
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    #[error(
        "the ledger has version {0} of the DID document, which this home didn't write: run `jumin-issuer recover` first"
    )]
    LedgerAhead(u64),
}

/// Looks at and changes the issuer's keys and its DID.
#[derive(Debug, Subcommand)]
pub enum IssuerKeyCommand {
    #[command(flatten)]
    Change(KeyCommand<KeyPlace>),
    /// Has the DID document name another address for wallets.
    Address {
        #[command(flatten)]
        place: KeyPlace,
        /// What wallets and verifiers call the issuer.
        #[arg(long)]
        public_url: String,
        #[command(flatten)]
        args: ChangeArgs,
    },
    /// Lists the documents dated in a period: id, type, date, status.
    Documents {
        #[command(flatten)]
        place: KeyPlace,
        /// The first date: a day in Korea or a time.
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        since: u64,
        /// The first date that is not listed any more.
        #[arg(long, value_parser = parse_time, value_name = "TIME")]
        until: Option<u64>,
    },
}

/// Whose keys.
#[derive(Debug, Args)]
pub struct KeyPlace {
    /// The issuer's folder.
    #[arg(long, env = "JUMIN_ISSUER_HOME")]
    home: PathBuf,
}

impl IssuerKeyCommand {
    /// Does what the command says at `now` (Unix seconds); a change is recorded in the audit.
    pub async fn run(self, now: u64) -> Result<(), KeyChangeFailed> {
        let home = Home::existing(&self.place().home)?;
        let settings = Settings::read(&home.path("issuer.toml"))?;
        if let Self::Documents { since, until, .. } = self {
            return list(&home, since, until).await;
        }
        let agency = agency(&home, &settings)?;
        let looks = matches!(
            self,
            Self::Change(KeyCommand::List { .. } | KeyCommand::Forget { .. })
        );
        if !looks {
            require_latest(&home, &agency).await?;
        }
        let note = async |changed: &Changed, document: &DidRecord| {
            take_down(&home, settings, document).await?;
            Ok(record(&home, changed, now).await?)
        };
        let changed = match self {
            Self::Change(command) => command.run_noting(&agency, now, note).await,
            Self::Address {
                public_url, args, ..
            } => {
                let wanted = Wanted::Services(services(Some(&without_slash(&public_url))));
                agency.change_noting(&wanted, &args, now, note).await
            }
            Self::Documents { .. } => return Ok(()),
        };
        changed.map_err(KeyChangeFailed::Change)?;
        Ok(())
    }

    fn place(&self) -> &KeyPlace {
        match self {
            Self::Change(command) => command.place(),
            Self::Address { place, .. } | Self::Documents { place, .. } => place,
        }
    }
}

/// Refuses to change a DID that somebody else changed since this home last did, unless a change of its own waits here.
async fn require_latest(home: &Home, agency: &Agency) -> Result<(), KeyChangeFailed> {
    let store = Store::open(&home.database()).await?;
    let seen = store.seen_document().await;
    store.close().await;
    let record = agency.record().await.map_err(KeyChangeFailed::Change)?;
    let overtaken = seen?.is_some_and(|seen| seen.version < record.version);
    if overtaken && !agency.is_changing().map_err(KeyChangeFailed::Change)? {
        return Err(KeyChangeFailed::LedgerAhead(record.version));
    }
    Ok(())
}

/// Takes the changed document down as this home's own, and its address into the settings.
async fn take_down(
    home: &Home,
    mut settings: Settings,
    record: &DidRecord,
) -> Result<(), KeyChangeFailed> {
    let seen = SeenDocument {
        version: record.version,
        public_url: address_in(&record.document),
    };
    let store = Store::open(&home.database()).await?;
    let noted = store.see_document(&seen).await;
    store.close().await;
    noted?;
    if settings.public_url.is_some() && settings.public_url != seen.public_url {
        settings.public_url = seen.public_url;
        let text = toml::to_string(&settings).map_err(SetupError::from)?;
        home.write("issuer.toml", text.as_bytes())?;
    }
    Ok(())
}

async fn list(home: &Home, since: u64, until: Option<u64>) -> Result<(), KeyChangeFailed> {
    let store = Store::open(&home.database()).await?;
    for row in store.dated_between(&validities(), since, until).await? {
        let (dated, status) = (show_time(row.dated), row.status.as_str());
        println!("{}  {}  {dated}  {status}", row.id, row.vct);
    }
    store.close().await;
    Ok(())
}

async fn record(home: &Home, changed: &Changed, now: u64) -> Result<(), KeyChangeFailed> {
    let store = Store::open(&home.database()).await?;
    let event = Event {
        at: now,
        actor: "operator",
        action: "did.changed",
        subject: "did",
        detail: json!({ "in_use": changed.in_use, "ended": changed.ended }),
    };
    store.audit(&event).await?;
    for ended in &changed.ended {
        if is_signing(ended) && ended.since <= now {
            tell_refused(&store, ended).await?;
        }
    }
    store.close().await;
    Ok(())
}

fn is_signing(ended: &EndedKey) -> bool {
    let series = ended.key.rsplit_once('-').map(|(series, _)| series);
    series == Some(SIGNING_KEYS)
}

/// Tells how many documents are refused, and what a date can't show: documents are dated to the day.
async fn tell_refused(store: &Store, ended: &EndedKey) -> Result<(), StoreError> {
    let since = ended.since.max(ended.from);
    let refused = store
        .dated_between(&validities(), since, ended.until)
        .await?;
    match refused.len() {
        0 => println!(
            "none of the documents that this issuer gave out with {} is dated {} or later",
            ended.key,
            show_time(since),
        ),
        number => println!(
            "{number} of the documents that this issuer gave out with {} are dated {} or later: they are refused from now on. \
             Revoke them and offer them anew; `jumin-issuer key documents --since {}` lists them.",
            ended.key,
            show_time(since),
            show_time(since),
        ),
    }
    let day = since - since % DAY;
    if since > ended.from && day != since {
        println!(
            "Documents are dated to the start of their day, forged ones perhaps too: what is dated {} stays good, whenever it \
             was signed. `key end {} --since {}` refuses that day's as well.",
            show_time(day),
            ended.key,
            show_time(day),
        );
    }
    Ok(())
}

/// For how long documents of each type are good: dates of issuance are found from the dates of expiry.
fn validities() -> Vec<(String, u64)> {
    let types = builtin_types();
    types
        .iter()
        .map(|one| (one.vct().to_owned(), one.validity_seconds()))
        .collect()
}
