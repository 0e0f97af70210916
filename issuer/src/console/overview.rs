//! Counts for the console's first page.

use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::register::Date;
use crate::store::StoreError;

const DAYS: u64 = 30;
const DAY: u64 = 86_400;
/// Korea is nine hours ahead of UTC and has no summer time.
const KOREA: u64 = 9 * 3600;

/// What happened on one day in Korea.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct DayCount {
    /// `YYYY-MM-DD`.
    pub day: String,
    pub issued: u64,
    pub revoked: u64,
    pub suspended: u64,
}

/// How the agency's credentials stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct Overview {
    pub valid: u64,
    pub suspended: u64,
    pub revoked: u64,
    /// Batches with a change that the ledger hasn't finalized.
    pub pending: u64,
    pub open_offers: u64,
    pub residents: u64,
    /// Entries of the audit of the last 24 hours that somebody should look into.
    pub alerts: u64,
    /// The last 30 days, the oldest first, today last.
    pub days: Vec<DayCount>,
}

impl App {
    /// Counts what there is and what the last 30 days brought.
    pub async fn overview(&self) -> Result<Overview, StoreError> {
        let now = self.now();
        let today = (now + KOREA) / DAY;
        let first = today.saturating_sub(DAYS - 1);
        let since = (first * DAY).saturating_sub(KOREA);
        let tally = self.store.tally(since, KOREA).await?;
        let standing = self.store.standing().await?;
        let days = (first..=today).map(|day| {
            let count = tally.get(&day).copied().unwrap_or_default();
            DayCount {
                day: Date::from_days(day).to_string(),
                issued: count.issued,
                revoked: count.revoked,
                suspended: count.suspended,
            }
        });
        Ok(Overview {
            valid: standing.valid,
            suspended: standing.suspended,
            revoked: standing.revoked,
            pending: standing.pending,
            open_offers: self.store.count_open_offers(now).await?,
            residents: self.store.count_residents().await?,
            alerts: self.store.count_alerts(now.saturating_sub(DAY)).await?,
            days: days.collect(),
        })
    }
}
