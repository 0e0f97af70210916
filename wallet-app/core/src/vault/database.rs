//! The SQLCipher database: opened by raw key, checked page by page, brought to the newest schema.

use rusqlite::{Connection, ErrorCode, OpenFlags};
use zeroize::Zeroizing;

use super::VaultError;
use super::secret::SecretKey;
use crate::home::Home;

/// Each step brings the schema from `user_version` = its index to the next; steps are never edited, only added.
const MIGRATIONS: [&str; 1] = [include_str!("schema-1.sql")];

/// Says that the database failed.
#[derive(Debug, thiserror::Error)]
#[error("the wallet's database failed")]
pub struct StoreError(#[source] pub(crate) rusqlite::Error);

impl StoreError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        if matches!(self.0, rusqlite::Error::FromSqlConversionFailure(..)) {
            return "vault_damaged";
        }
        match self.0.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => "disk_full",
            Some(ErrorCode::ReadOnly) => "storage_read_only",
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => "vault_damaged",
            _ => "storage_failed",
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

/// Is the open database of an unlocked wallet; dropping it locks the wallet.
pub(crate) struct Database(pub(crate) Connection);

impl Database {
    /// Makes the database file, which must not exist.
    pub(super) fn create(
        home: &Home,
        name: &'static str,
        key: &SecretKey,
    ) -> Result<Self, VaultError> {
        home.make_empty(name).map_err(VaultError::Storage)?;
        let connection = connect(home, name, key).map_err(StoreError)?;
        migrate(connection, name)
    }

    /// Opens an existing database; a file with a single changed byte is refused and left as it is.
    pub(super) fn open(
        home: &Home,
        name: &'static str,
        key: &SecretKey,
    ) -> Result<Self, VaultError> {
        let damaged = || VaultError::Damaged { file: name };
        let size = std::fs::metadata(home.file(name)).map_err(|_| damaged())?;
        if size.len() == 0 {
            return Err(damaged());
        }
        let connection = connect(home, name, key).map_err(|error| told_apart(error, name))?;
        if !intact(&connection).map_err(|error| told_apart(error, name))? {
            return Err(damaged());
        }
        migrate(connection, name)
    }
}

fn connect(home: &Home, name: &str, key: &SecretKey) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(home.file(name), flags)?;
    // What is wrong with a database is the caller's to say.
    connection.execute_batch("PRAGMA cipher_log_level = NONE;")?;
    let statement = Zeroizing::new(format!("PRAGMA key = \"{}\";", *key.to_raw_key_literal()));
    connection.execute_batch(&statement)?;
    connection.execute_batch(
        "PRAGMA cipher_memory_security = ON; PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; \
         PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
    )?;
    Ok(connection)
}

/// Checks every page's HMAC (SQLCipher's `cipher_integrity_check` gives a row for each bad page).
fn intact(connection: &Connection) -> Result<bool, rusqlite::Error> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let mut check = connection.prepare("PRAGMA cipher_integrity_check")?;
    Ok(check.query([])?.next()?.is_none())
}

fn told_apart(error: rusqlite::Error, name: &'static str) -> VaultError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            VaultError::Damaged { file: name }
        }
        _ => StoreError(error).into(),
    }
}

fn migrate(mut connection: Connection, name: &'static str) -> Result<Database, VaultError> {
    let version: usize = connection
        .query_row("PRAGMA user_version", [], |row| row.get::<_, u32>(0))
        .map_err(|error| told_apart(error, name))? as usize;
    let steps = MIGRATIONS.get(version..).ok_or(VaultError::Newer)?;
    for (index, step) in steps.iter().enumerate() {
        let transaction = connection.transaction().map_err(StoreError)?;
        transaction.execute_batch(step).map_err(StoreError)?;
        transaction
            .pragma_update(None, "user_version", version + index + 1)
            .map_err(StoreError)?;
        transaction.commit().map_err(StoreError)?;
    }
    Ok(Database(connection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_of_a_newer_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (home, key) = (Home::new(folder.path()), SecretKey::random());
        let database = Database::create(&home, "wallet.db", &key).unwrap();
        database
            .0
            .pragma_update(None, "user_version", MIGRATIONS.len() + 1)
            .unwrap();
        drop(database);
        let before = std::fs::read(home.file("wallet.db")).unwrap();
        let error = Database::open(&home, "wallet.db", &key).err().unwrap();
        assert!(matches!(error, VaultError::Newer));
        assert_eq!(std::fs::read(home.file("wallet.db")).unwrap(), before);
    }
}
