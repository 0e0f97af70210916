use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};
use thiserror::Error;

use super::{Store, StoreError, audit, signed, unsigned};
use crate::audit::Event;

/// The status of an issued batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CredentialStatus {
    Valid,
    Suspended,
    Revoked,
}

impl CredentialStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Suspended => "suspended",
            Self::Revoked => "revoked",
        }
    }

    pub(super) fn read(text: &str) -> Result<Self, StoreError> {
        match text {
            "valid" => Ok(Self::Valid),
            "suspended" => Ok(Self::Suspended),
            "revoked" => Ok(Self::Revoked),
            _ => Err(StoreError::row("unknown credential status")),
        }
    }

    /// Says whether a credential may go from this status to `target`: revoked is final, and a change must change something.
    pub fn may_become(self, target: Self) -> bool {
        self != Self::Revoked && self != target
    }
}

/// One issued batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CredentialRow {
    pub id: String,
    pub resident_id: String,
    pub credential_configuration_id: String,
    pub vct: String,
    /// How many copies the batch has.
    pub copies: u64,
    /// Seconds since the Unix epoch.
    pub issued_at: u64,
    /// Seconds since the Unix epoch.
    pub expires_at: u64,
    /// What the current, anchored status list says.
    pub status: CredentialStatus,
    /// What it was asked to become; the ledger hasn't finalized that yet.
    pub pending: Option<CredentialStatus>,
}

/// A batch to be recorded, with what it uses up.
pub struct NewCredential<'a> {
    pub id: &'a str,
    pub offer: u64,
    pub resident: &'a str,
    pub configuration: &'a str,
    pub vct: &'a str,
    pub list: u32,
    /// Status index and holder key thumbprint of every copy.
    pub copies: &'a [(u32, [u8; 32])],
    pub issued: u64,
    pub expires: u64,
    pub nonce_digest: [u8; 32],
    pub nonce_expires: u64,
}

/// Why a signed batch wasn't recorded, so that it must not be handed out.
#[derive(Debug, Error)]
pub enum RecordError {
    #[error("the nonce was used before")]
    NonceUsed,
    #[error("the access token was used before")]
    TokenUsed,
    #[error("a holder key is bound to another credential already")]
    KeyUsed,
    #[error("a status index was taken by another replica")]
    IndexTaken,
    #[error(transparent)]
    Store(#[from] StoreError),
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

const COLUMNS: &str = "SELECT c.*, (SELECT count(*) FROM copies WHERE credential = c.id) AS copies
                       FROM credentials AS c";

fn credential(row: &SqliteRow) -> Result<CredentialRow, StoreError> {
    let pending: Option<&str> = row.try_get("pending")?;
    Ok(CredentialRow {
        id: row.try_get("id")?,
        resident_id: row.try_get("resident")?,
        credential_configuration_id: row.try_get("configuration")?,
        vct: row.try_get("vct")?,
        copies: unsigned(row.try_get("copies")?)?,
        issued_at: unsigned(row.try_get("issued")?)?,
        expires_at: unsigned(row.try_get("expires")?)?,
        status: CredentialStatus::read(row.try_get("status")?)?,
        pending: pending.map(CredentialStatus::read).transpose()?,
    })
}

fn is_unique_violation(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

impl Store {
    /// Records an issued batch and uses up its nonce and its token, all or nothing.
    pub async fn record_credential(&self, new: &NewCredential<'_>) -> Result<(), RecordError> {
        let mut transaction = self.begin().await?;
        use_up(&mut transaction, new).await?;
        sqlx::query(
            "INSERT INTO credentials (id, resident, configuration, vct, list, issued, expires)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(new.id)
        .bind(new.resident)
        .bind(new.configuration)
        .bind(new.vct)
        .bind(new.list)
        .bind(signed(new.issued))
        .bind(signed(new.expires))
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::from)?;
        insert_copies(&mut transaction, new).await?;
        let event = Event {
            at: new.issued,
            actor: "wallet",
            action: "credential.issue",
            subject: new.id,
            detail: json!({
                "resident": new.resident,
                "configuration": new.configuration,
                "copies": new.copies.len(),
                "list": new.list,
            }),
        };
        audit::append(&mut transaction, &event).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(())
    }

    /// Reads one batch.
    pub async fn credential(&self, id: &str) -> Result<Option<CredentialRow>, StoreError> {
        sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE c.id = ?")))
            .bind(id)
            .fetch_optional(&self.reader)
            .await?
            .as_ref()
            .map(credential)
            .transpose()
    }

    /// Lists batches, newest first, of one resident or of all.
    pub async fn credentials(
        &self,
        resident: Option<&str>,
        limit: u32,
    ) -> Result<Vec<CredentialRow>, StoreError> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE ?1 IS NULL OR c.resident = ?1 ORDER BY c.issued DESC, c.id LIMIT ?2"
        )))
        .bind(resident)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?
        .iter()
        .map(credential)
        .collect()
    }

    /// Notes that a batch is to become `target`; it is pending until a list that says so is finalized on the ledger.
    pub async fn ask_status(
        &self,
        id: &str,
        target: CredentialStatus,
        change: &str,
        reason: &str,
        now: u64,
    ) -> Result<(), ChangeRefused> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("SELECT coalesce(pending, status) FROM credentials WHERE id = ?")
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(StoreError::from)?
            .ok_or(ChangeRefused::Unknown)?;
        let from = CredentialStatus::read(row.try_get(0).map_err(StoreError::from)?)?;
        if !from.may_become(target) {
            return Err(ChangeRefused::NotAllowed { from, target });
        }
        note_change(&mut transaction, id, target, change, reason, now).await?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(())
    }
}

async fn note_change(
    transaction: &mut Transaction<'static, Sqlite>,
    id: &str,
    target: CredentialStatus,
    change: &str,
    reason: &str,
    now: u64,
) -> Result<(), StoreError> {
    // A list already on its way carries an earlier change: without its version this one waits for the next list.
    sqlx::query("UPDATE credentials SET pending = ?, pending_version = NULL WHERE id = ?")
        .bind(target.as_str())
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "INSERT INTO status_changes (id, credential, target, reason, asked) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(change)
    .bind(id)
    .bind(target.as_str())
    .bind(reason)
    .bind(signed(now))
    .execute(&mut **transaction)
    .await?;
    // The reason is free text and may name people: the trail commits to it without repeating it.
    let commitment = jumin_identity::sha256(format!("{change}\0{reason}").as_bytes());
    let action = match target {
        CredentialStatus::Valid => "credential.reinstate",
        CredentialStatus::Suspended => "credential.suspend",
        CredentialStatus::Revoked => "credential.revoke",
    };
    let event = Event {
        at: now,
        actor: "console",
        action,
        subject: id,
        detail: json!({ "change": change, "reason_sha256": jumin_identity::b64url(&commitment) }),
    };
    audit::append(transaction, &event).await?;
    Ok(())
}

async fn use_up(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewCredential<'_>,
) -> Result<(), RecordError> {
    sqlx::query("INSERT INTO used_nonces (digest, expires) VALUES (?, ?)")
        .bind(&new.nonce_digest[..])
        .bind(signed(new.nonce_expires))
        .execute(&mut **transaction)
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => RecordError::NonceUsed,
            false => StoreError::from(error).into(),
        })?;
    let used = sqlx::query("UPDATE offers SET issued = ? WHERE id = ? AND issued IS NULL")
        .bind(signed(new.issued))
        .bind(signed(new.offer))
        .execute(&mut **transaction)
        .await
        .map_err(StoreError::from)?;
    if used.rows_affected() == 1 {
        Ok(())
    } else {
        Err(RecordError::TokenUsed)
    }
}

async fn insert_copies(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewCredential<'_>,
) -> Result<(), RecordError> {
    for (index, thumbprint) in new.copies {
        sqlx::query("INSERT INTO copies (list, idx, credential, thumbprint) VALUES (?, ?, ?, ?)")
            .bind(new.list)
            .bind(index)
            .bind(new.id)
            .bind(&thumbprint[..])
            .execute(&mut **transaction)
            .await
            .map_err(|error| match is_unique_violation(&error) {
                true if error.to_string().contains("thumbprint") => RecordError::KeyUsed,
                true => RecordError::IndexTaken,
                false => StoreError::from(error).into(),
            })?;
    }
    sqlx::query("UPDATE status_lists SET used = used + ? WHERE number = ?")
        .bind(signed(new.copies.len() as u64))
        .bind(new.list)
        .execute(&mut **transaction)
        .await
        .map_err(StoreError::from)?;
    Ok(())
}
