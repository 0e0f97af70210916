//! Takes over what the ledger has into a database that is older than it.

use std::collections::HashMap;

use serde_json::{Value, json};
use sqlx::{Row, Sqlite, Transaction};

use super::{Block, CredentialStatus, DictionaryRow, Store, StoreError, VersionRow};
use super::{audit, signed, unsigned};
use crate::audit::Event;

/// What the history of a credential says of a change that came from the ledger's list.
const REASON: &str = "원장의 상태 목록에서 복구 (recovered from the ledger's status list)";

const REASON_LOST: &str = "상태 목록 유실 (the status list is lost)";

/// The DID document that this home wrote or took over last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenDocument {
    pub version: u64,
    /// The issuer's address in it.
    pub public_url: Option<String>,
}

/// A list's anchored version that the database didn't know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Without a token if the list is lost.
    pub row: VersionRow,
    pub block: Block,
    /// Every index whose status isn't valid; none at all if no copy of the list was found.
    pub not_valid: Option<Vec<(u32, CredentialStatus)>>,
}

/// A list at the end of the recovery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveredList {
    pub number: u32,
    pub uri: String,
    /// None where the database agrees with the ledger.
    pub carried: Option<Carried>,
}

/// Everything that a recovery changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// All lists, those that the database didn't know included.
    pub lists: Vec<RecoveredList>,
    /// The dictionaries that the database didn't know; without bytes if no copy was found.
    pub dictionaries: Vec<DictionaryRow>,
    pub document: SeenDocument,
}

/// What a recovery came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Batches whose status is now what the ledger's list says.
    pub batches: u64,
    /// Entries that aren't valid and whose credential the database doesn't know.
    pub unknown: u64,
    /// Changes that the database had waiting and that the ledger's list overtook.
    pub overtaken: u64,
}

/// A change that waited when the copy was made may be older than what the ledger's list says: it still makes an entry's status
/// stricter, and never milder.
const OVERTAKEN: &str = "list = ? AND pending IS NOT NULL
    AND (pending = 'valid' OR pending = status OR status = 'revoked')";

impl Store {
    /// Reads which DID document this home wrote or took over last.
    pub async fn seen_document(&self) -> Result<Option<SeenDocument>, StoreError> {
        let row = sqlx::query("SELECT version, public_url FROM ledger_document")
            .fetch_optional(&self.reader)
            .await?;
        row.map(|row| {
            Ok(SeenDocument {
                version: unsigned(row.try_get(0)?)?,
                public_url: row.try_get(1)?,
            })
        })
        .transpose()
    }

    /// Notes the DID document that this home wrote or took over.
    pub async fn see_document(&self, seen: &SeenDocument) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        see_document(&mut transaction, seen).await?;
        Ok(transaction.commit().await?)
    }

    /// Takes over what the ledger has, closes every list for new credentials, and ends what may have been used since the
    /// backup: offers and sessions. All of it or nothing, with an entry in the audit.
    pub async fn recover(&self, recovery: &Recovery, now: u64) -> Result<Recovered, StoreError> {
        let made = self.backup_mark().await?;
        let mut transaction = self.begin().await?;
        let mut recovered = Recovered::default();
        let mut details = Vec::new();
        for list in &recovery.lists {
            let (one, detail) = recover_list(&mut transaction, list, now).await?;
            recovered.batches += one.batches;
            recovered.unknown += one.unknown;
            recovered.overtaken += one.overtaken;
            details.push(detail);
        }
        for row in &recovery.dictionaries {
            recover_dictionary(&mut transaction, row, now).await?;
        }
        see_document(&mut transaction, &recovery.document).await?;
        end_what_may_be_used(&mut transaction, now).await?;
        let event = Event {
            at: now,
            actor: "operator",
            action: "database.recover",
            subject: "issuer",
            detail: json!({
                "backup_made": made,
                "lists": details,
                "document": recovery.document.version,
                "dictionaries": recovery.dictionaries.len(),
            }),
        };
        audit::append(&mut transaction, &event).await?;
        transaction.commit().await?;
        Ok(recovered)
    }
}

async fn see_document(
    transaction: &mut Transaction<'static, Sqlite>,
    seen: &SeenDocument,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO ledger_document (one, version, public_url) VALUES (1, ?, ?)",
    )
    .bind(signed(seen.version))
    .bind(&seen.public_url)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn recover_dictionary(
    transaction: &mut Transaction<'static, Sqlite>,
    row: &DictionaryRow,
    now: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO dictionaries (vct, public_url, bytes, version, anchored)
         VALUES (?, ?, ?, ?, ?)",
    )
    .bind(&row.vct)
    .bind(&row.public_url)
    .bind(&row.bytes)
    .bind(signed(row.version))
    .bind(signed(now))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// An offer or session that the copy has open may have been used or ended after it was made.
async fn end_what_may_be_used(
    transaction: &mut Transaction<'static, Sqlite>,
    now: u64,
) -> Result<(), StoreError> {
    for statement in [
        "UPDATE offers SET expires = min(expires, ?1), token_expires = min(token_expires, ?1)",
        "DELETE FROM sessions WHERE ?1 >= 0",
        "DELETE FROM backup_mark WHERE ?1 >= 0",
    ] {
        sqlx::query(statement)
            .bind(signed(now.saturating_sub(1)))
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

async fn recover_list(
    transaction: &mut Transaction<'static, Sqlite>,
    list: &RecoveredList,
    now: u64,
) -> Result<(Recovered, Value), StoreError> {
    sqlx::query(
        "INSERT INTO status_lists (number, uri, closed) VALUES (?1, ?2, ?3)
         ON CONFLICT (number) DO UPDATE SET closed = coalesce(closed, ?3)",
    )
    .bind(list.number)
    .bind(&list.uri)
    .bind(signed(now))
    .execute(&mut **transaction)
    .await?;
    let Some(carried) = &list.carried else {
        let detail = json!({ "list": list.number, "closed": true });
        return Ok((Recovered::default(), detail));
    };
    take_version(transaction, carried).await?;
    let recovered = match &carried.not_valid {
        Some(not_valid) => carry_entries(transaction, carried, not_valid, now).await?,
        None => {
            lose(transaction, list.number, now).await?;
            Recovered::default()
        }
    };
    let detail = json!({
        "list": list.number,
        "closed": true,
        "version": carried.row.version,
        "sha256": jumin_identity::b64url(&carried.row.digest),
        "lost": carried.not_valid.is_none(),
        "batches": recovered.batches,
        "unknown": recovered.unknown,
        "overtaken": recovered.overtaken,
    });
    Ok((recovered, detail))
}

/// Puts the anchored version in the place of those that the database took for the latest.
async fn take_version(
    transaction: &mut Transaction<'static, Sqlite>,
    carried: &Carried,
) -> Result<(), StoreError> {
    let row = &carried.row;
    for statement in [
        "UPDATE status_versions SET state = 'replaced' WHERE list = ?",
        "UPDATE credentials SET pending_version = NULL WHERE list = ?",
        "UPDATE unknown_entries SET pending_version = NULL WHERE list = ?",
    ] {
        sqlx::query(statement)
            .bind(row.list)
            .execute(&mut **transaction)
            .await?;
    }
    let state = if row.token.is_empty() {
        "replaced"
    } else {
        "current"
    };
    sqlx::query(
        "INSERT OR REPLACE INTO status_versions (list, version, digest, token, signed, expires, state)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.list)
    .bind(signed(row.version))
    .bind(&row.digest[..])
    .bind(&row.token)
    .bind(signed(row.signed))
    .bind(signed(row.expires))
    .bind(state)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Gives batches and unknown entries the statuses of the list.
async fn carry_entries(
    transaction: &mut Transaction<'static, Sqlite>,
    carried: &Carried,
    not_valid: &[(u32, CredentialStatus)],
    now: u64,
) -> Result<Recovered, StoreError> {
    let list = carried.row.list;
    sqlx::query(
        "UPDATE unknown_entries SET status = 'valid' WHERE list = ? AND status = 'suspended'",
    )
    .bind(list)
    .execute(&mut **transaction)
    .await?;
    let owners: HashMap<u32, String> =
        sqlx::query("SELECT idx, credential FROM copies WHERE list = ?")
            .bind(list)
            .fetch_all(&mut **transaction)
            .await?
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, StoreError>>()?;
    let mut batches: HashMap<&str, CredentialStatus> = HashMap::new();
    let mut recovered = Recovered::default();
    for (index, status) in not_valid {
        match owners.get(index) {
            // Copies change together; should they differ, the stricter status is the batch's.
            Some(id) => {
                let known = batches.entry(id).or_insert(*status);
                if *status == CredentialStatus::Revoked {
                    *known = *status;
                }
            }
            None => {
                carry_unknown(transaction, list, *index, *status).await?;
                recovered.unknown += 1;
            }
        }
    }
    let known = sqlx::query("SELECT id, status FROM credentials WHERE list = ?")
        .bind(list)
        .fetch_all(&mut **transaction)
        .await?;
    for row in &known {
        let (id, from): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let from = CredentialStatus::read(&from)?;
        let target = batches.get(id.as_str()).copied();
        let target = target.unwrap_or(CredentialStatus::Valid);
        if from.may_become(target) {
            carry_batch(transaction, &id, target, carried, now).await?;
            recovered.batches += 1;
        }
    }
    recovered.overtaken = drop_overtaken(transaction, list, now).await?;
    Ok(recovered)
}

/// Drops the changes of a list that the ledger overtook; they end without a block.
async fn drop_overtaken(
    transaction: &mut Transaction<'static, Sqlite>,
    list: u32,
    now: u64,
) -> Result<u64, StoreError> {
    let mut dropped = 0;
    for table in ["credentials", "unknown_entries"] {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "UPDATE {table} SET pending = NULL, pending_version = NULL WHERE {OVERTAKEN}"
        )));
        dropped += rows
            .bind(list)
            .execute(&mut **transaction)
            .await?
            .rows_affected();
    }
    sqlx::query(
        "UPDATE status_changes SET finalized = ? WHERE finalized IS NULL AND credential IN
         (SELECT id FROM credentials WHERE list = ? AND pending IS NULL)",
    )
    .bind(signed(now))
    .bind(list)
    .execute(&mut **transaction)
    .await?;
    Ok(dropped)
}

/// Notes that a list is lost, and that with all of its entries the batches that are known are to be revoked.
async fn lose(
    transaction: &mut Transaction<'static, Sqlite>,
    list: u32,
    now: u64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE status_lists SET lost = ? WHERE number = ?")
        .bind(signed(now))
        .bind(list)
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "INSERT INTO status_changes (id, credential, target, reason, asked, actor)
         SELECT lower(hex(randomblob(16))), id, 'revoked', ?, ?, 'operator' FROM credentials
         WHERE list = ? AND coalesce(pending, status) <> 'revoked'",
    )
    .bind(REASON_LOST)
    .bind(signed(now))
    .bind(list)
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "UPDATE credentials SET pending = 'revoked', pending_version = NULL
         WHERE list = ? AND status <> 'revoked'",
    )
    .bind(list)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

async fn carry_unknown(
    transaction: &mut Transaction<'static, Sqlite>,
    list: u32,
    index: u32,
    status: CredentialStatus,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO unknown_entries (list, idx, status, reason) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (list, idx) DO UPDATE SET status = ?3
         WHERE status <> 'revoked'",
    )
    .bind(list)
    .bind(index)
    .bind(status.as_str())
    .bind(REASON)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Gives a batch the status that the ledger has.
async fn carry_batch(
    transaction: &mut Transaction<'static, Sqlite>,
    id: &str,
    target: CredentialStatus,
    carried: &Carried,
    now: u64,
) -> Result<(), StoreError> {
    sqlx::query("UPDATE credentials SET status = ? WHERE id = ?")
        .bind(target.as_str())
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    sqlx::query(
        "INSERT INTO status_changes
             (id, credential, target, reason, asked, actor, finalized, version, block_height, block_at)
         VALUES (?1, ?2, ?3, ?4, ?5, 'operator', ?5, ?6, ?7, ?8)",
    )
    .bind(jumin_identity::b64url(&jumin_identity::random_bytes::<16>()))
    .bind(id)
    .bind(target.as_str())
    .bind(REASON)
    .bind(signed(now))
    .bind(signed(carried.row.version))
    .bind(signed(carried.block.height))
    .bind(signed(carried.block.at))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
