//! Documents by the date that they bear.

use sqlx::Row;

use super::{CredentialStatus, Store, StoreError, signed, unsigned};

/// A batch with the date that its documents bear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatedRow {
    pub id: String,
    pub vct: String,
    /// Seconds since the Unix epoch.
    pub dated: u64,
    pub status: CredentialStatus,
}

impl Store {
    /// Lists the batches whose documents are dated from `since` up to but without `until`, the oldest first.
    ///
    /// `validities` says for each type how many seconds lie between its date of issuance and its expiry, which is what is
    /// stored.
    pub async fn dated_between(
        &self,
        validities: &[(String, u64)],
        since: u64,
        until: Option<u64>,
    ) -> Result<Vec<DatedRow>, StoreError> {
        let mut found = Vec::new();
        for (vct, validity) in validities {
            let rows = sqlx::query(
                "SELECT id, expires - ?2 AS dated, status FROM credentials
                 WHERE vct = ?1 AND dated >= ?3 AND dated < ?4",
            )
            .bind(vct)
            .bind(signed(*validity))
            .bind(signed(since))
            .bind(signed(until.unwrap_or(u64::MAX)))
            .fetch_all(&self.reader)
            .await?;
            for row in &rows {
                found.push(DatedRow {
                    id: row.try_get(0)?,
                    vct: vct.clone(),
                    dated: unsigned(row.try_get(1)?)?,
                    status: CredentialStatus::read(row.try_get(2)?)?,
                });
            }
        }
        found.sort_by(|one, other| (one.dated, &one.id).cmp(&(other.dated, &other.id)));
        Ok(found)
    }
}
