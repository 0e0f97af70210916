use serde::Serialize;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::{Store, StoreError, digest, signed, unsigned};
use crate::audit::{ChainCheck, Entry, Event, GENESIS};

/// What following the whole trail found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct AuditReport {
    /// Entries that hold together, counted from the first.
    pub entries: u64,
    /// Hash of the last entry that holds, base64url: keep it elsewhere to notice a cut-off end.
    pub head: String,
    /// Sequence number of the first broken link.
    pub broken_at: Option<u64>,
}

/// Adds an entry behind the last one, in the transaction of what it records.
pub(super) async fn append(
    connection: &mut SqliteConnection,
    event: &Event<'_>,
) -> Result<Entry, StoreError> {
    let last = sqlx::query("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let (seq, prev) = match last {
        None => (0, GENESIS),
        Some(row) => (unsigned(row.try_get(0)?)?, digest(row.try_get(1)?)?),
    };
    let entry = Entry::chain(seq + 1, prev, event);
    sqlx::query(
        "INSERT INTO audit (seq, at, actor, action, subject, detail, prev, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(signed(entry.seq))
    .bind(signed(entry.at))
    .bind(&entry.actor)
    .bind(&entry.action)
    .bind(&entry.subject)
    .bind(&entry.detail)
    .bind(&entry.prev[..])
    .bind(&entry.hash[..])
    .execute(connection)
    .await?;
    Ok(entry)
}

fn entry(row: &SqliteRow) -> Result<Entry, StoreError> {
    Ok(Entry {
        seq: unsigned(row.try_get("seq")?)?,
        at: unsigned(row.try_get("at")?)?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
        prev: digest(row.try_get("prev")?)?,
        hash: digest(row.try_get("hash")?)?,
    })
}

impl Store {
    /// Records an event that changes nothing else.
    pub async fn audit(&self, event: &Event<'_>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        append(&mut transaction, event).await?;
        Ok(transaction.commit().await?)
    }

    /// Lists up to `limit` entries before the entry `before`, the newest first.
    pub async fn audit_entries(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        sqlx::query("SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ?")
            .bind(before.map_or(i64::MAX, signed))
            .bind(limit)
            .fetch_all(&self.reader)
            .await?
            .iter()
            .map(entry)
            .collect()
    }

    /// Follows the trail from its first entry to the first broken link or the end.
    pub async fn verify_audit(&self) -> Result<AuditReport, StoreError> {
        let mut check = ChainCheck::default();
        let mut broken = None;
        'trail: loop {
            let rows = sqlx::query("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT 1000")
                .bind(signed(check.head().0))
                .fetch_all(&self.reader)
                .await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                if let Err(link) = check.follow(&entry(row)?) {
                    broken = Some(link);
                    break 'trail;
                }
            }
        }
        let (entries, head) = check.head();
        Ok(AuditReport {
            entries,
            head: jumin_identity::b64url(&head),
            broken_at: broken.map(|link| link.seq()),
        })
    }
}
