//! The issuer's database: SQLite in WAL mode, every commit synced, one writer.

mod accounts;
mod audit;
mod backup;
mod changes;
mod credentials;
mod dated;
mod dictionaries;
mod looks;
mod offer_views;
mod offers;
mod overview;
mod recovery;
mod residents;
mod status;
#[cfg(test)]
mod tests;
mod unknown;

use std::path::Path;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Sqlite, Transaction};
use thiserror::Error;

pub use accounts::{SessionRow, Tries};
pub use audit::AuditReport;
pub use changes::{Block, ChangeRefused, NewChange, StatusChange};
pub use credentials::{
    CredentialFilter, CredentialRow, CredentialStatus, NewCredential, RecordError,
};
pub use dictionaries::DictionaryRow;
pub use looks::LookOutcome;
#[cfg(test)]
pub use offer_views::OfferState;
pub use offer_views::OfferSummary;
pub use offers::{Authorization, NewOffer, RedeemError, Redemption};
pub use recovery::{Carried, Recovered, RecoveredList, Recovery, SeenDocument};
pub use residents::{ResidentSummary, Subject};
pub use status::{ListEntries, ListRow, VersionRow, VersionState};
pub use unknown::{EntryChange, EntryOwner};

/// A failure of the database itself, or a row that no version of this program writes.
#[derive(Debug, Error)]
pub enum StoreError {
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("the database can't be kept its owner's alone")]
    Private(#[source] std::io::Error),
    #[error("the database can't be brought up to date")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("the database contains a row that can't be read")]
    Row(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    fn row(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Row(source.into())
    }
}

/// The issuer's database.
#[derive(Clone, Debug)]
pub struct Store {
    /// One connection: SQLite has one writer, and waiting here is fairer than being told that it's busy.
    writer: SqlitePool,
    reader: SqlitePool,
}

impl Store {
    /// Opens the database, making it if there is none, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        jumin_http::keep_private(path).map_err(StoreError::Private)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was answered as done must outlive a power cut.
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(10));
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await?;
        sqlx::migrate!().run(&writer).await?;
        let reader = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true))
            .await?;
        Ok(Self { writer, reader })
    }

    /// Answers whether the database can be read.
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.reader).await?;
        Ok(())
    }

    /// Waits for open transactions and closes the files.
    pub async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        Ok(self.reader.acquire().await?)
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin_with("BEGIN IMMEDIATE").await?)
    }
}

/// Reads a count, a time or an id, none of which is ever negative.
fn unsigned(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(StoreError::row)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn digest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::row("a digest isn't 32 bytes"))
}
