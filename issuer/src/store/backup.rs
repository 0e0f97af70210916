//! Copies of the database that say that they are copies.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, Row};
use thiserror::Error;

use super::{Store, StoreError, signed, unsigned};

/// Why there is no backup.
#[derive(Debug, Error)]
pub enum BackupError {
    #[error("can't make {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Copies the database as it is at one moment into a new file that only its owner may read, while others use it.
    ///
    /// The copy says that it is one, so that an issuer started from it doesn't take it for the latest.
    pub async fn back_up(&self, path: &Path, now: u64) -> Result<(), BackupError> {
        let failed = |source| BackupError::File {
            path: path.to_owned(),
            source,
        };
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
        let name = path.to_str();
        let name = name.ok_or_else(|| StoreError::row("the file's name isn't UTF-8"))?;
        sqlx::query("VACUUM INTO ?")
            .bind(name)
            .execute(&self.writer)
            .await?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Delete);
        let mut copy = options.connect().await?;
        sqlx::query("INSERT OR REPLACE INTO backup_mark (one, made) VALUES (1, ?)")
            .bind(signed(now))
            .execute(&mut copy)
            .await?;
        Ok(copy.close().await?)
    }

    /// When the backup was made that this database was put back from, if nothing was recovered into it yet.
    pub async fn backup_mark(&self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query("SELECT made FROM backup_mark")
            .fetch_optional(&self.reader)
            .await?;
        row.map(|row| unsigned(row.try_get(0)?)).transpose()
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
