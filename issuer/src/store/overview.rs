use std::collections::BTreeMap;

use sqlx::Row;

use super::{CredentialStatus, Store, StoreError, signed, unsigned};

/// How many batches stand how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub valid: u64,
    pub suspended: u64,
    pub revoked: u64,
    pub pending: u64,
}

/// What happened on one day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DayTally {
    pub issued: u64,
    pub revoked: u64,
    pub suspended: u64,
}

impl Store {
    /// Counts all batches by their status.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        let rows =
            sqlx::query("SELECT status, count(*), count(pending) FROM credentials GROUP BY status")
                .fetch_all(&self.reader)
                .await?;
        let mut standing = Standing::default();
        for row in &rows {
            let count = unsigned(row.try_get(1)?)?;
            standing.pending += unsigned(row.try_get(2)?)?;
            match CredentialStatus::read(row.try_get(0)?)? {
                CredentialStatus::Valid => standing.valid = count,
                CredentialStatus::Suspended => standing.suspended = count,
                CredentialStatus::Revoked => standing.revoked = count,
            }
        }
        Ok(standing)
    }

    /// Counts by day what was issued, and asked to be revoked or suspended, since `since` (Unix seconds).
    ///
    /// A day is a number of 24 hours since the Unix epoch in a time zone that is `offset` seconds ahead of UTC.
    pub async fn tally(
        &self,
        since: u64,
        offset: u64,
    ) -> Result<BTreeMap<u64, DayTally>, StoreError> {
        let rows = sqlx::query(
            "SELECT (issued + ?2) / 86400 AS day, 'issued' AS what, count(*) FROM credentials
             WHERE issued >= ?1 GROUP BY day
             UNION ALL
             SELECT (asked + ?2) / 86400 AS day, target, count(*) FROM status_changes
             WHERE asked >= ?1 GROUP BY day, target",
        )
        .bind(signed(since))
        .bind(signed(offset))
        .fetch_all(&self.reader)
        .await?;
        let mut days: BTreeMap<u64, DayTally> = BTreeMap::new();
        for row in &rows {
            let day = days.entry(unsigned(row.try_get(0)?)?).or_default();
            let count = unsigned(row.try_get(2)?)?;
            match row.try_get::<&str, _>(1)? {
                "issued" => day.issued = count,
                "revoked" => day.revoked = count,
                "suspended" => day.suspended = count,
                _ => {}
            }
        }
        Ok(days)
    }
}
