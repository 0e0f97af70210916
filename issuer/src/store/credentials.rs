use jumin_identity::IssueError;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use sqlx::{Sqlite, Transaction};
use thiserror::Error;

use super::offers::MAX_REFUSED;
use super::{Store, StoreError, audit, signed, unsigned};
use crate::audit::Event;
use crate::indexes::most_used;

/// The status of an issued batch.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, ts_rs::TS,
)]
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

    /// What the audit calls a change to this status.
    pub fn action(self) -> &'static str {
        match self {
            Self::Valid => "credential.reinstate",
            Self::Suspended => "credential.suspend",
            Self::Revoked => "credential.revoke",
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[schema(as = Credential)]
#[ts(rename = "Credential")]
pub struct CredentialRow {
    pub id: String,
    pub resident_id: String,
    /// As the register writes it now.
    pub resident_name: String,
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
    /// Holder key thumbprint of every copy.
    pub holders: &'a [[u8; 32]],
    pub issued: u64,
    pub expires: u64,
    pub nonce_digest: [u8; 32],
    pub nonce_expires: u64,
}

/// Why nothing was issued, and nothing taken.
#[derive(Debug, Error)]
pub enum RecordError {
    #[error("the nonce was used before")]
    NonceUsed,
    #[error("the access token was used before, or has ended")]
    TokenUsed,
    #[error("a holder key is bound to another credential already")]
    KeyUsed,
    #[error("the status list is full")]
    ListFull,
    #[error("the batch could not be signed")]
    Sign(#[from] IssueError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Draws of one index before the list counts as full; at nine tenths taken, a thousand fail once in 10^45 times.
const MAX_DRAWS: usize = 1000;

const COLUMNS: &str =
    "SELECT c.*, r.name_hangul, (SELECT count(*) FROM copies WHERE credential = c.id) AS copies
     FROM credentials AS c JOIN residents AS r ON r.id = c.resident";

/// Which batches to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct CredentialFilter<'a> {
    pub resident: Option<&'a str>,
    pub status: Option<CredentialStatus>,
    pub configuration: Option<&'a str>,
    /// Only batches issued before the one with this id.
    pub before: Option<&'a str>,
}

fn credential(row: &SqliteRow) -> Result<CredentialRow, StoreError> {
    let pending: Option<&str> = row.try_get("pending")?;
    Ok(CredentialRow {
        id: row.try_get("id")?,
        resident_id: row.try_get("resident")?,
        resident_name: row.try_get("name_hangul")?,
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
    /// Checks and uses up token, nonce and holder keys, takes an index for every copy from `draw`, has the copies signed,
    /// and records them: all in one transaction, so that whoever is refused or dies before its end has taken nothing.
    pub async fn issue<T>(
        &self,
        new: &NewCredential<'_>,
        draw: &mut (dyn FnMut() -> u32 + Send),
        sign: impl FnOnce(&[u32]) -> Result<T, IssueError> + Send,
    ) -> Result<T, RecordError> {
        let mut transaction = self.begin().await?;
        use_up(&mut transaction, new).await?;
        count_used(&mut transaction, new).await?;
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
        let mut indexes = Vec::with_capacity(new.holders.len());
        for thumbprint in new.holders {
            indexes.push(take_index(&mut transaction, new, thumbprint, draw).await?);
        }
        let event = Event {
            at: new.issued,
            actor: "wallet",
            action: "credential.issue",
            subject: new.id,
            detail: json!({
                "resident": new.resident,
                "configuration": new.configuration,
                "copies": new.holders.len(),
                "list": new.list,
            }),
        };
        audit::append(&mut transaction, &event).await?;
        let signed = sign(&indexes)?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(signed)
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

    /// Lists the batches that `filter` lets through, newest first.
    pub async fn credentials(
        &self,
        filter: &CredentialFilter<'_>,
        limit: u32,
    ) -> Result<Vec<CredentialRow>, StoreError> {
        // Row numbers grow with every issued batch, so that no second index has to be kept while issuing.
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COLUMNS}
             WHERE (?1 IS NULL OR c.resident = ?1) AND (?2 IS NULL OR c.status = ?2)
               AND (?3 IS NULL OR c.configuration = ?3)
               AND (?4 IS NULL OR c.rowid < (SELECT rowid FROM credentials WHERE id = ?4))
             ORDER BY c.rowid DESC LIMIT ?5"
        )))
        .bind(filter.resident)
        .bind(filter.status.map(CredentialStatus::as_str))
        .bind(filter.configuration)
        .bind(filter.before)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?
        .iter()
        .map(credential)
        .collect()
    }
}

async fn use_up(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewCredential<'_>,
) -> Result<(), RecordError> {
    let used = sqlx::query(
        "UPDATE offers SET issued = ?1, credential = ?2
         WHERE id = ?3 AND issued IS NULL AND token_expires > ?1 AND refused < ?4",
    )
    .bind(signed(new.issued))
    .bind(new.id)
    .bind(signed(new.offer))
    .bind(MAX_REFUSED)
    .execute(&mut **transaction)
    .await
    .map_err(StoreError::from)?;
    if used.rows_affected() != 1 {
        return Err(RecordError::TokenUsed);
    }
    sqlx::query("INSERT INTO used_nonces (digest, expires) VALUES (?, ?)")
        .bind(&new.nonce_digest[..])
        .bind(signed(new.nonce_expires))
        .execute(&mut **transaction)
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => RecordError::NonceUsed,
            false => StoreError::from(error).into(),
        })?;
    Ok(())
}

async fn count_used(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewCredential<'_>,
) -> Result<(), RecordError> {
    let counted = sqlx::query(
        "UPDATE status_lists SET used = used + ?1 WHERE number = ?2 AND used + ?1 <= ?3",
    )
    .bind(signed(new.holders.len() as u64))
    .bind(new.list)
    .bind(signed(most_used()))
    .execute(&mut **transaction)
    .await
    .map_err(StoreError::from)?;
    match counted.rows_affected() {
        1 => Ok(()),
        _ => Err(RecordError::ListFull),
    }
}

/// Takes an index that is free for the copy with this holder key.
async fn take_index(
    transaction: &mut Transaction<'static, Sqlite>,
    new: &NewCredential<'_>,
    thumbprint: &[u8; 32],
    draw: &mut (dyn FnMut() -> u32 + Send),
) -> Result<u32, RecordError> {
    for _ in 0..MAX_DRAWS {
        let index = draw();
        let taken = sqlx::query(
            "INSERT INTO copies (list, idx, credential, thumbprint) VALUES (?, ?, ?, ?)
             ON CONFLICT (list, idx) DO NOTHING",
        )
        .bind(new.list)
        .bind(index)
        .bind(new.id)
        .bind(&thumbprint[..])
        .execute(&mut **transaction)
        .await
        .map_err(|error| match is_unique_violation(&error) {
            true => RecordError::KeyUsed,
            false => StoreError::from(error).into(),
        })?;
        if taken.rows_affected() == 1 {
            return Ok(index);
        }
    }
    Err(RecordError::ListFull)
}
