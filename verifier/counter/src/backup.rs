//! Copies of the counter's database that say that they are copies, so that no code used since counts as unused.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jumin_identity::ONE_WAY_WINDOW_SECONDS;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use crate::store::{Store, StoreError, signed};

/// Stands in the mark of a backup whose requests were ended.
const REQUESTS_ENDED: i64 = 0;

/// Says why there is no backup.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The file cannot be made.
    #[error("cannot make {0}")]
    File(PathBuf, #[source] io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Copies the database as it is at one moment into a new file that only its owner may read, while others use it.
    pub async fn back_up(&self, path: &Path, now: u64) -> Result<(), BackupError> {
        let failed = |error| BackupError::File(path.to_owned(), error);
        // The database would write to another file than the private one.
        let name = path.to_str().ok_or_else(|| {
            failed(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the file's name isn't UTF-8",
            ))
        })?;
        make_private(path).map_err(failed)?;
        let copied = self.copy_into(name, now).await;
        if copied.is_err() {
            // Half a backup must not pass for one.
            fs::remove_file(path).map_err(failed)?;
        }
        copied?;
        let file = OpenOptions::new().write(true).open(path);
        file.and_then(|file| file.sync_all()).map_err(failed)
    }

    async fn copy_into(&self, path: &str, now: u64) -> Result<(), StoreError> {
        sqlx::query("VACUUM INTO ?")
            .bind(path)
            .execute(self.pool())
            .await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Delete);
        let mut copy = options.connect().await?;
        sqlx::query("INSERT OR REPLACE INTO backup_mark (only_row, made) VALUES (1, ?)")
            .bind(signed(now))
            .execute(&mut copy)
            .await?;
        Ok(copy.close().await?)
    }

    /// Ends the requests that may have been answered after the backup was made, if the database was put back from one. Its
    /// one-way codes wait until [`Store::told_time`]: by this machine's clock nobody knows which were used.
    pub(crate) async fn end_requests_of_backup(&self) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let marked = sqlx::query("UPDATE backup_mark SET made = ? WHERE made <> ?")
            .bind(REQUESTS_ENDED)
            .bind(REQUESTS_ENDED)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if marked == 0 {
            return Ok(());
        }
        for statement in [
            "DELETE FROM clerk_decision WHERE decision IS NULL",
            "DELETE FROM request",
        ] {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Takes one-way codes again from `time` on (seconds since the epoch), if the database was put back from a backup; the
    /// ledger vouches for that time: a clock that is years ahead would else refuse every code for as long.
    pub(crate) async fn told_time(&self, time: u64) -> Result<(), StoreError> {
        if !self.is_of_backup().await? {
            return Ok(());
        }
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM backup_mark")
            .execute(&mut *transaction)
            .await?;
        sqlx::query("UPDATE forgotten SET before = max(before, ?)")
            // A code may come from a clock that is one window ahead.
            .bind(signed(time.saturating_add(ONE_WAY_WINDOW_SECONDS + 1)))
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn is_of_backup(&self) -> Result<bool, StoreError> {
        let mark = sqlx::query("SELECT 1 FROM backup_mark");
        Ok(mark.fetch_optional(self.pool()).await?.is_some())
    }
}

/// Makes an empty file that only its owner may read; an existing one is left alone.
fn make_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use jumin_identity::OneWayNonce;

    use super::*;
    use crate::used::{Use, use_up};

    /// Years before this machine's time, as the ledger's is for a machine whose clock is years ahead.
    const LEDGER_TIME: u64 = 1_700_000_000;

    async fn used(store: &Store, made: u64) -> Use {
        let nonce = OneWayNonce::new(made, [7; 16]).to_string();
        let mut transaction = store.begin().await.unwrap();
        let found = use_up(&mut transaction, &nonce, made).await.unwrap();
        transaction.commit().await.unwrap();
        found
    }

    #[tokio::test]
    async fn counter_put_back_under_a_clock_that_is_years_ahead_takes_codes_once_the_ledger_tells_the_time()
     {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(&home.path().join("counter.db")).await.unwrap();
        let copy = home.path().join("copy.db");
        store.back_up(&copy, LEDGER_TIME).await.unwrap();
        let used_since = LEDGER_TIME + 60;
        assert_eq!(used(&store, used_since).await, Use::First);

        let store = Store::open(&copy).await.unwrap();
        // Nobody knows yet, in the next process neither.
        assert_eq!(used(&store, used_since).await, Use::Forgotten);
        let store = Store::open(&copy).await.unwrap();
        assert_eq!(used(&store, used_since + 600).await, Use::Forgotten);
        store.told_time(LEDGER_TIME + 120).await.unwrap();
        assert_eq!(used(&store, used_since).await, Use::Forgotten);
        assert_eq!(used(&store, LEDGER_TIME + 600).await, Use::First);
    }
}
