use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::changes::{assign_version, finalize_changes};
use super::{Block, CredentialStatus, Store, StoreError, audit, digest, signed, unsigned};
use crate::audit::Event;

/// How far the publication of a list version has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VersionState {
    /// Signed; its anchor isn't known to be finalized.
    Pending,
    /// What the list's URI gives.
    Current,
}

/// One signed version of a status list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    pub list: u32,
    pub version: u64,
    /// SHA-256 of the uncompressed list: what the ledger anchors.
    pub digest: [u8; 32],
    pub token: String,
    /// Seconds since the Unix epoch.
    pub signed: u64,
    /// Seconds since the Unix epoch.
    pub expires: u64,
}

/// One status list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRow {
    pub number: u32,
    /// What the list's credentials carry, and the name of its anchor.
    pub uri: String,
    /// How many of its indexes are taken.
    pub used: u64,
    /// New credentials get their indexes from it: it is the last one, and not closed.
    pub open: bool,
}

/// What the next version of a list has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListEntries {
    pub version: u64,
    /// Where set, every index but these is to be revoked.
    pub only: Option<Vec<u32>>,
    /// Every index whose status isn't valid.
    pub not_valid: Vec<(u32, CredentialStatus)>,
}

fn version(row: &SqliteRow) -> Result<VersionRow, StoreError> {
    Ok(VersionRow {
        list: row.try_get("list")?,
        version: unsigned(row.try_get("version")?)?,
        digest: digest(row.try_get("digest")?)?,
        token: row.try_get("token")?,
        signed: unsigned(row.try_get("signed")?)?,
        expires: unsigned(row.try_get("expires")?)?,
    })
}

async fn known_indexes(
    from: impl sqlx::Executor<'_, Database = sqlx::Sqlite>,
    list: u32,
) -> Result<Vec<u32>, StoreError> {
    let rows = sqlx::query("SELECT idx FROM copies WHERE list = ?")
        .bind(list)
        .fetch_all(from)
        .await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

impl Store {
    /// Reads all lists, by number.
    pub async fn lists(&self) -> Result<Vec<ListRow>, StoreError> {
        sqlx::query(
            "SELECT number, uri, used,
                    closed IS NULL AND number = (SELECT max(number) FROM status_lists) AS open
             FROM status_lists ORDER BY number",
        )
        .fetch_all(&self.reader)
        .await?
        .iter()
        .map(|row| {
            Ok(ListRow {
                number: row.try_get(0)?,
                uri: row.try_get(1)?,
                used: unsigned(row.try_get(2)?)?,
                open: row.try_get(3)?,
            })
        })
        .collect()
    }

    /// Opens a new list.
    pub async fn add_list(&self, number: u32, uri: &str) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO status_lists (number, uri) VALUES (?, ?)")
            .bind(number)
            .bind(uri)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Reads the version of a list that is in `state`.
    pub async fn version_in(
        &self,
        list: u32,
        state: VersionState,
    ) -> Result<Option<VersionRow>, StoreError> {
        let state = match state {
            VersionState::Pending => "pending",
            VersionState::Current => "current",
        };
        sqlx::query("SELECT * FROM status_versions WHERE list = ? AND state = ? ")
            .bind(list)
            .bind(state)
            .fetch_optional(&self.reader)
            .await?
            .as_ref()
            .map(version)
            .transpose()
    }

    /// Reads a version of a list, whatever its state.
    pub async fn version(&self, list: u32, number: u64) -> Result<Option<VersionRow>, StoreError> {
        sqlx::query("SELECT * FROM status_versions WHERE list = ? AND version = ?")
            .bind(list)
            .bind(signed(number))
            .fetch_optional(&self.reader)
            .await?
            .as_ref()
            .map(version)
            .transpose()
    }

    /// Says whether any change of a list waits for a version that carries it.
    pub async fn has_unsigned_changes(&self, list: u32) -> Result<bool, StoreError> {
        let row = sqlx::query(
            "SELECT EXISTS (SELECT 1 FROM credentials
                WHERE list = ?1 AND pending IS NOT NULL AND pending_version IS NULL)
             OR EXISTS (SELECT 1 FROM unknown_entries
                WHERE list = ?1 AND pending IS NOT NULL AND pending_version IS NULL)
             OR EXISTS (SELECT 1 FROM status_lists
                WHERE number = ?1 AND unknown_revoked IS NOT NULL AND unknown_version IS NULL)",
        )
        .bind(list)
        .fetch_one(&self.reader)
        .await?;
        Ok(row.try_get(0)?)
    }

    /// Assigns all pending changes of a list to its next version, and reads what that version must say.
    pub async fn next_version(&self, list: u32) -> Result<ListEntries, StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(
            "SELECT coalesce(max(version), 0),
                    (SELECT lost FROM status_lists WHERE number = ?1),
                    (SELECT unknown_revoked FROM status_lists WHERE number = ?1)
             FROM status_versions WHERE list = ?1",
        )
        .bind(list)
        .fetch_one(&mut *transaction)
        .await?;
        let version = unsigned(row.try_get(0)?)? + 1;
        let (lost, unknown): (Option<i64>, Option<i64>) = (row.try_get(1)?, row.try_get(2)?);
        let only = match (lost, unknown) {
            (Some(_), _) => Some(Vec::new()),
            (None, Some(_)) => Some(known_indexes(&mut *transaction, list).await?),
            (None, None) => None,
        };
        assign_version(&mut transaction, list, version).await?;
        let rows = sqlx::query(
            "SELECT p.idx, coalesce(c.pending, c.status) AS status
             FROM credentials AS c JOIN copies AS p ON p.credential = c.id
             WHERE c.list = ?1 AND (c.status <> 'valid' OR c.pending IS NOT NULL)
               AND coalesce(c.pending, c.status) <> 'valid'
             UNION ALL
             SELECT idx, coalesce(pending, status) FROM unknown_entries
             WHERE list = ?1 AND coalesce(pending, status) <> 'valid'",
        )
        .bind(list)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let not_valid = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, CredentialStatus::read(row.try_get(1)?)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(ListEntries {
            version,
            only,
            not_valid,
        })
    }

    /// Stores a signed version as pending, in place of one that got too old before the ledger had it.
    ///
    /// The earlier one is kept: should the ledger have it after all, it is known as this issuer's own.
    pub async fn add_version(&self, row: &VersionRow) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "UPDATE status_versions SET state = 'replaced' WHERE list = ? AND state = 'pending'",
        )
        .bind(row.list)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO status_versions (list, version, digest, token, signed, expires, state)
             VALUES (?, ?, ?, ?, ?, ?, 'pending')",
        )
        .bind(row.list)
        .bind(signed(row.version))
        .bind(&row.digest[..])
        .bind(&row.token)
        .bind(signed(row.signed))
        .bind(signed(row.expires))
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// Makes a version current once its anchor is finalized, and with it the changes that it carries.
    pub async fn version_finalized(
        &self,
        row: &VersionRow,
        block: Block,
        now: u64,
    ) -> Result<u64, StoreError> {
        let mut transaction = self.begin().await?;
        for (state, condition) in [
            ("replaced", "state = 'current'"),
            ("current", "version = ?2"),
        ] {
            sqlx::query(sqlx::AssertSqlSafe(format!(
                "UPDATE status_versions SET state = '{state}' WHERE list = ?1 AND {condition}"
            )))
            .bind(row.list)
            .bind(signed(row.version))
            .execute(&mut *transaction)
            .await?;
        }
        let carried = (row.list, row.version);
        let changed = finalize_changes(&mut transaction, carried, block, now).await?;
        let event = Event {
            at: now,
            actor: "issuer",
            action: "status-list.publish",
            subject: &format!("list {}", row.list),
            detail: json!({
                "version": row.version,
                "sha256": jumin_identity::b64url(&row.digest),
                "changed": changed,
                "block": block.height,
            }),
        };
        audit::append(&mut transaction, &event).await?;
        transaction.commit().await?;
        Ok(changed)
    }
}
