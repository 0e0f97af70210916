use serde_json::json;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, Sqlite, Transaction};
use thiserror::Error;

use super::{CredentialStatus, Store, StoreError, audit, signed, unknown, unsigned};
use crate::audit::Event;

/// A status change to be noted.
#[derive(Debug, Clone, Copy)]
pub struct NewChange<'a> {
    pub id: &'a str,
    pub credential: &'a str,
    pub target: CredentialStatus,
    pub reason: &'a str,
    pub actor: &'a str,
    /// Seconds since the Unix epoch.
    pub asked: u64,
}

/// The ledger's block that made a status final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct Block {
    pub height: u64,
    /// The block's time, in seconds since the Unix epoch.
    pub at: u64,
}

/// A status change as it was asked for, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct StatusChange {
    /// When it was asked for, in seconds since the Unix epoch.
    pub at: u64,
    pub actor: String,
    pub to: CredentialStatus,
    pub reason: String,
    /// Nothing of it is pending any more.
    pub r#final: bool,
    /// Absent while it is pending, where a later change overtook it, and for changes older than this record.
    pub block: Option<Block>,
}

/// Why a status change wasn't noted.
#[derive(Debug, Error)]
pub enum ChangeRefused {
    #[error("there is no such credential")]
    Unknown,
    #[error("the credential is {} and can't become {}", .from.as_str(), .target.as_str())]
    NotAllowed {
        from: CredentialStatus,
        target: CredentialStatus,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn change(row: &SqliteRow) -> Result<StatusChange, StoreError> {
    let height: Option<i64> = row.try_get("block_height")?;
    let at: Option<i64> = row.try_get("block_at")?;
    let block = height.zip(at).map(|(height, at)| {
        Ok::<_, StoreError>(Block {
            height: unsigned(height)?,
            at: unsigned(at)?,
        })
    });
    Ok(StatusChange {
        at: unsigned(row.try_get("asked")?)?,
        actor: row.try_get("actor")?,
        to: CredentialStatus::read(row.try_get("target")?)?,
        reason: row.try_get("reason")?,
        r#final: row.try_get::<Option<i64>, _>("finalized")?.is_some(),
        block: block.transpose()?,
    })
}

impl Store {
    /// Notes that a batch is to change; it is pending until a list that says so is finalized on the ledger.
    pub async fn ask_status(&self, new: &NewChange<'_>) -> Result<(), ChangeRefused> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("SELECT coalesce(pending, status) FROM credentials WHERE id = ?")
            .bind(new.credential)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(StoreError::from)?
            .ok_or(ChangeRefused::Unknown)?;
        let from = CredentialStatus::read(row.try_get(0).map_err(StoreError::from)?)?;
        let target = new.target;
        if !from.may_become(target) {
            return Err(ChangeRefused::NotAllowed { from, target });
        }
        note_change(&mut transaction, new).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Reads the block that made a change final, once there is one.
    pub async fn block_of_change(&self, id: &str) -> Result<Option<Block>, StoreError> {
        let row = sqlx::query("SELECT * FROM status_changes WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.reader)
            .await?;
        Ok(row
            .as_ref()
            .map(change)
            .transpose()?
            .and_then(|change| change.block))
    }

    /// Lists the changes of a batch, the newest first.
    pub async fn status_changes(&self, credential: &str) -> Result<Vec<StatusChange>, StoreError> {
        sqlx::query("SELECT * FROM status_changes WHERE credential = ? ORDER BY rowid DESC")
            .bind(credential)
            .fetch_all(&self.reader)
            .await?
            .iter()
            .map(change)
            .collect()
    }
}

async fn note_change(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewChange<'_>,
) -> Result<(), StoreError> {
    // A list already on its way carries an earlier change: without its version this one waits for the next list.
    sqlx::query("UPDATE credentials SET pending = ?, pending_version = NULL WHERE id = ?")
        .bind(new.target.as_str())
        .bind(new.credential)
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "INSERT INTO status_changes (id, credential, target, reason, asked, actor)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(new.id)
    .bind(new.credential)
    .bind(new.target.as_str())
    .bind(new.reason)
    .bind(signed(new.asked))
    .bind(new.actor)
    .execute(&mut **transaction)
    .await?;
    // The reason is free text and may name people: the trail commits to it without repeating it.
    let commitment = jumin_identity::sha256(format!("{}\0{}", new.id, new.reason).as_bytes());
    let event = Event {
        at: new.asked,
        actor: new.actor,
        action: new.target.action(),
        subject: new.credential,
        detail: json!({ "change": new.id, "reason_sha256": jumin_identity::b64url(&commitment) }),
    };
    audit::append(transaction, &event).await?;
    Ok(())
}

/// Assigns every change of a list that isn't final to the version that will carry it.
pub(super) async fn assign_version(
    transaction: &mut Transaction<'static, Sqlite>,
    list: u32,
    version: u64,
) -> Result<(), StoreError> {
    for statement in [
        "UPDATE credentials SET pending_version = ?1 WHERE list = ?2 AND pending IS NOT NULL",
        "UPDATE status_changes SET version = ?1 WHERE finalized IS NULL AND credential IN
         (SELECT id FROM credentials WHERE list = ?2 AND pending IS NOT NULL)",
    ] {
        sqlx::query(statement)
            .bind(signed(version))
            .bind(list)
            .execute(&mut **transaction)
            .await?;
    }
    unknown::assign_version(transaction, list, version).await
}

/// Makes the changes that a version of a list carries final, and says how many batches and unknown entries they changed.
pub(super) async fn finalize_changes(
    transaction: &mut Transaction<'static, Sqlite>,
    (list, version): (u32, u64),
    block: Block,
    now: u64,
) -> Result<u64, StoreError> {
    const CARRIED: &str = "finalized IS NULL AND version = ?2 AND credential IN
                           (SELECT id FROM credentials WHERE list = ?1)";
    let last = format!("SELECT max(rowid) FROM status_changes WHERE {CARRIED} GROUP BY credential");
    let changed = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE credentials SET status = (SELECT target FROM status_changes
            WHERE credential = credentials.id AND version = ?2 ORDER BY rowid DESC LIMIT 1)
         WHERE id IN (SELECT credential FROM status_changes WHERE {CARRIED})"
    )));
    let blocks = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE status_changes SET block_height = ?3, block_at = ?4 WHERE rowid IN ({last})"
    )));
    let finals = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE status_changes SET finalized = ?3 WHERE {CARRIED}"
    )));
    let settled = sqlx::query(
        "UPDATE credentials SET pending = NULL, pending_version = NULL
         WHERE list = ?1 AND pending_version = ?2",
    );
    let entries = unknown::finalize_changes(transaction, list, version).await?;
    let (list, version) = (i64::from(list), signed(version));
    let changed = changed
        .bind(list)
        .bind(version)
        .execute(&mut **transaction)
        .await?
        .rows_affected();
    let (height, at) = (signed(block.height), signed(block.at));
    blocks
        .bind(list)
        .bind(version)
        .bind(height)
        .bind(at)
        .execute(&mut **transaction)
        .await?;
    finals
        .bind(list)
        .bind(version)
        .bind(signed(now))
        .execute(&mut **transaction)
        .await?;
    settled
        .bind(list)
        .bind(version)
        .execute(&mut **transaction)
        .await?;
    Ok(changed + entries)
}
