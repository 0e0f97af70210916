use std::collections::BTreeSet;

use serde_json::json;
use sqlx::{Row, SqliteConnection};

use super::{Store, StoreError, audit, signed, unsigned};
use crate::audit::Event;

/// How long a resident who was looked at counts, in seconds.
const WINDOW: u64 = 3600;
/// More different residents than these within the hour are an entry of their own in the audit.
const FLAGGED_ABOVE: u64 = 300;
/// More than these are not shown.
const REFUSED_ABOVE: u64 = 1000;

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookOutcome {
    Recorded,
    /// Not recorded and not to be shown; some residents stop counting at this second, since the Unix epoch.
    TooMany {
        until: u64,
    },
}

impl Store {
    /// Records a look and counts the residents that its actor looked at within the hour, in one transaction.
    pub async fn record_look(
        &self,
        event: &Event<'_>,
        residents: &BTreeSet<String>,
    ) -> Result<LookOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        let before = forget_old(&mut transaction, event).await?;
        for resident in residents {
            sqlx::query("INSERT OR REPLACE INTO looks (actor, resident, at) VALUES (?, ?, ?)")
                .bind(event.actor)
                .bind(resident)
                .bind(signed(event.at))
                .execute(&mut *transaction)
                .await?;
        }
        let (seen, oldest) = seen(&mut transaction, event.actor).await?;
        if seen > REFUSED_ABOVE && seen > before {
            transaction.rollback().await?;
            self.flag(event, REFUSED_ABOVE, "alert.looks-refused", before)
                .await?;
            return Ok(LookOutcome::TooMany {
                until: oldest.saturating_add(WINDOW),
            });
        }
        audit::append(&mut transaction, event).await?;
        transaction.commit().await?;
        if seen > FLAGGED_ABOVE {
            self.flag(event, FLAGGED_ABOVE, "alert.many-looks", seen)
                .await?;
        }
        Ok(LookOutcome::Recorded)
    }

    /// Writes down, once an hour, that somebody looks at more residents than `level`.
    async fn flag(
        &self,
        event: &Event<'_>,
        level: u64,
        action: &str,
        seen: u64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let flagged = sqlx::query(
            "INSERT INTO look_flags (actor, level, at) VALUES (?1, ?2, ?3)
             ON CONFLICT (actor, level) DO UPDATE SET at = ?3 WHERE at <= ?4 OR at > ?3",
        )
        .bind(event.actor)
        .bind(signed(level))
        .bind(signed(event.at))
        .bind(signed(event.at.saturating_sub(WINDOW)))
        .execute(&mut *transaction)
        .await?;
        if flagged.rows_affected() == 0 {
            return Ok(());
        }
        let flag = Event {
            at: event.at,
            actor: event.actor,
            action,
            subject: "register",
            detail: json!({ "seen": seen, "seconds": WINDOW }),
        };
        audit::append(&mut transaction, &flag).await?;
        Ok(transaction.commit().await?)
    }

    /// Counts the entries since `since` (Unix seconds) that somebody should look into.
    pub async fn count_alerts(&self, since: u64) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FROM audit WHERE substr(action, 1, 6) = 'alert.' AND at >= ?",
        )
        .bind(signed(since))
        .fetch_one(&self.reader)
        .await?;
        unsigned(row.try_get(0)?)
    }
}

/// Forgets looks that no longer count; says how many residents still do.
async fn forget_old(
    connection: &mut SqliteConnection,
    event: &Event<'_>,
) -> Result<u64, StoreError> {
    // A clock that was set back must not keep looks for ever.
    sqlx::query("DELETE FROM looks WHERE actor = ? AND (at <= ? OR at > ?)")
        .bind(event.actor)
        .bind(signed(event.at.saturating_sub(WINDOW)))
        .bind(signed(event.at))
        .execute(&mut *connection)
        .await?;
    Ok(seen(connection, event.actor).await?.0)
}

async fn seen(connection: &mut SqliteConnection, actor: &str) -> Result<(u64, u64), StoreError> {
    let row = sqlx::query("SELECT count(*), coalesce(min(at), 0) FROM looks WHERE actor = ?")
        .bind(actor)
        .fetch_one(connection)
        .await?;
    Ok((unsigned(row.try_get(0)?)?, unsigned(row.try_get(1)?)?))
}
