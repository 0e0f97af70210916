//! Statuses of indexes whose credential the database doesn't know, because it was put back from a copy older than it.

use serde_json::json;
use sqlx::{Row, Sqlite, Transaction};
use thiserror::Error;

use super::{CredentialStatus, Store, StoreError, audit, signed};
use crate::audit::Event;

/// A status change of an entry that no known credential has.
#[derive(Debug, Clone, Copy)]
pub struct EntryChange<'a> {
    pub list: u32,
    pub index: u32,
    pub target: CredentialStatus,
    pub reason: &'a str,
    pub actor: &'a str,
    /// Seconds since the Unix epoch.
    pub asked: u64,
}

/// Whose an entry of a status list is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryOwner {
    /// The batch with this id.
    Credential(String),
    /// A credential that the database may have lost.
    Unknown,
    /// Nobody: the list's indexes are all accounted for, and this one was never handed out.
    Nobody,
}

/// Why the status of an entry wasn't changed.
#[derive(Debug, Error)]
pub enum EntryRefused {
    #[error("the entry is {} and can't become {}", .from.as_str(), .target.as_str())]
    NotAllowed {
        from: CredentialStatus,
        target: CredentialStatus,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Says whose an entry is; nothing if the issuer has no such list.
    pub async fn entry_owner(
        &self,
        list: u32,
        index: u32,
    ) -> Result<Option<EntryOwner>, StoreError> {
        let row = sqlx::query(
            "SELECT closed, (SELECT credential FROM copies WHERE list = ?1 AND idx = ?2)
             FROM status_lists WHERE number = ?1",
        )
        .bind(list)
        .bind(index)
        .fetch_optional(&self.reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let closed: Option<i64> = row.try_get(0)?;
        let credential: Option<String> = row.try_get(1)?;
        Ok(Some(match (credential, closed) {
            (Some(id), _) => EntryOwner::Credential(id),
            (None, Some(_)) => EntryOwner::Unknown,
            (None, None) => EntryOwner::Nobody,
        }))
    }

    /// Notes that an entry without a known credential is to change, as [`Store::ask_status`] does for a batch.
    pub async fn ask_entry_status(&self, new: &EntryChange<'_>) -> Result<(), EntryRefused> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(
            "SELECT coalesce(pending, status) FROM unknown_entries WHERE list = ? AND idx = ?",
        )
        .bind(new.list)
        .bind(new.index)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(StoreError::from)?;
        let from = match row {
            Some(row) => CredentialStatus::read(row.try_get(0).map_err(StoreError::from)?)?,
            None => CredentialStatus::Valid,
        };
        let target = new.target;
        if !from.may_become(target) {
            return Err(EntryRefused::NotAllowed { from, target });
        }
        note_change(&mut transaction, new).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

impl Store {
    /// Notes that every entry of a closed list is to be revoked whose credential isn't known; says whether it is one.
    pub async fn revoke_unknown(
        &self,
        list: u32,
        reason: &str,
        actor: &str,
        now: u64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let closed = sqlx::query(
            "UPDATE status_lists SET unknown_revoked = coalesce(unknown_revoked, ?)
             WHERE number = ? AND closed IS NOT NULL",
        )
        .bind(signed(now))
        .bind(list)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        let event = Event {
            at: now,
            actor,
            action: CredentialStatus::Revoked.action(),
            subject: &format!("list {list} all unknown"),
            detail: json!({ "reason_sha256": jumin_identity::b64url(&jumin_identity::sha256(reason.as_bytes())) }),
        };
        audit::append(&mut transaction, &event).await?;
        if closed == 0 {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }
}

async fn note_change(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &EntryChange<'_>,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO unknown_entries (list, idx, pending, reason) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (list, idx) DO UPDATE SET pending = ?3, pending_version = NULL, reason = ?4",
    )
    .bind(new.list)
    .bind(new.index)
    .bind(new.target.as_str())
    .bind(new.reason)
    .execute(&mut **transaction)
    .await?;
    // As for a batch, the trail commits to the reason without repeating it.
    let commitment = format!("{}\0{}\0{}", new.list, new.index, new.reason);
    let commitment = jumin_identity::sha256(commitment.as_bytes());
    let event = Event {
        at: new.asked,
        actor: new.actor,
        action: new.target.action(),
        subject: &format!("list {} index {}", new.list, new.index),
        detail: json!({ "reason_sha256": jumin_identity::b64url(&commitment) }),
    };
    audit::append(transaction, &event).await?;
    Ok(())
}

/// Assigns every change of a list's entries that isn't final to the version that will carry it.
pub(super) async fn assign_version(
    transaction: &mut Transaction<'static, Sqlite>,
    list: u32,
    version: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE unknown_entries SET pending_version = ? WHERE list = ? AND pending IS NOT NULL",
    )
    .bind(signed(version))
    .bind(list)
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "UPDATE status_lists SET unknown_version = coalesce(unknown_version, ?)
         WHERE number = ? AND unknown_revoked IS NOT NULL",
    )
    .bind(signed(version))
    .bind(list)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Makes the changes that a version of a list carries final, and says how many entries they changed.
pub(super) async fn finalize_changes(
    transaction: &mut Transaction<'static, Sqlite>,
    list: u32,
    version: u64,
) -> Result<u64, StoreError> {
    let changed = sqlx::query(
        "UPDATE unknown_entries SET status = pending, pending = NULL, pending_version = NULL
         WHERE list = ? AND pending_version = ?",
    )
    .bind(list)
    .bind(signed(version))
    .execute(&mut **transaction)
    .await?;
    Ok(changed.rows_affected())
}
