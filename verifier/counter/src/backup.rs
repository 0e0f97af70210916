//! Copies of the counter's database that say that they are copies, so that no code used since counts as unused.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use jumin_identity::ONE_WAY_WINDOW_SECONDS;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection};

use crate::store::{Store, StoreError, signed};

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
        make_private(path).map_err(failed)?;
        let copied = self.copy_into(path, now).await;
        if copied.is_err() {
            // Half a backup must not pass for one.
            fs::remove_file(path).map_err(failed)?;
        }
        copied?;
        let file = OpenOptions::new().write(true).open(path);
        file.and_then(|file| file.sync_all()).map_err(failed)
    }

    async fn copy_into(&self, path: &Path, now: u64) -> Result<(), StoreError> {
        sqlx::query("VACUUM INTO ?")
            .bind(path.to_string_lossy().as_ref())
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

    /// Ends what may have been used after the backup was made, if the database was put back from one.
    pub(crate) async fn settle_backup(&self, now: u64) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let marked = sqlx::query("DELETE FROM backup_mark")
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if marked == 0 {
            return Ok(());
        }
        for statement in [
            "DELETE FROM clerk_decision WHERE decision IS NULL AND ?1 >= 0",
            "DELETE FROM request WHERE ?1 >= 0",
            // A code may come from a clock that is one window ahead.
            "UPDATE forgotten SET before = max(before, ?1)",
        ] {
            sqlx::query(statement)
                .bind(signed(now.saturating_add(ONE_WAY_WINDOW_SECONDS + 1)))
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
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
