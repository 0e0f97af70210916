use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::offers::{MAX_REFUSED, MAX_TX_CODE_TRIES};
use super::{Store, StoreError, signed, unsigned};

/// How far an offer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
#[serde(rename_all = "lowercase")]
pub enum OfferState {
    /// No wallet has given the transaction code yet.
    Open,
    /// A wallet is collecting the credential.
    Taken,
    /// The credential was issued.
    Accepted,
    /// Its time ran out.
    Expired,
    /// The transaction code was wrong, or the wallet's request refused, too often.
    Locked,
}

/// An offer as the staff sees it; nothing in it opens anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema, ts_rs::TS)]
pub struct OfferSummary {
    pub id: String,
    pub resident_id: String,
    pub credential_configuration_id: String,
    /// Seconds since the Unix epoch.
    pub made_at: u64,
    /// Seconds since the Unix epoch.
    pub expires_at: u64,
    pub state: OfferState,
    /// The credential that came of it.
    pub credential_id: Option<String>,
}

const COLUMNS: &str =
    "SELECT handle, resident, configuration, coalesce(made, 0) AS made, expires, credential,
                              issued, redeemed, token_expires, tx_code_tries, refused FROM offers";

fn state(row: &SqliteRow, now: u64) -> Result<OfferState, StoreError> {
    let time = |name: &str| -> Result<Option<u64>, StoreError> {
        row.try_get::<Option<i64>, _>(name)?
            .map(unsigned)
            .transpose()
    };
    let passed = |time: Option<u64>| time.is_none_or(|time| time <= now);
    let count = |name: &str| row.try_get::<i64, _>(name);
    Ok(if time("issued")?.is_some() {
        OfferState::Accepted
    } else if count("tx_code_tries")? >= MAX_TX_CODE_TRIES || count("refused")? >= MAX_REFUSED {
        OfferState::Locked
    } else if time("redeemed")?.is_some() {
        match passed(time("token_expires")?) {
            true => OfferState::Expired,
            false => OfferState::Taken,
        }
    } else if passed(time("expires")?) {
        OfferState::Expired
    } else {
        OfferState::Open
    })
}

fn summary(row: &SqliteRow, now: u64) -> Result<OfferSummary, StoreError> {
    Ok(OfferSummary {
        id: row.try_get("handle")?,
        resident_id: row.try_get("resident")?,
        credential_configuration_id: row.try_get("configuration")?,
        made_at: unsigned(row.try_get("made")?)?,
        expires_at: unsigned(row.try_get("expires")?)?,
        state: state(row, now)?,
        credential_id: row.try_get("credential")?,
    })
}

impl Store {
    /// Reads the offer with this handle, as it stands at `now`.
    pub async fn offer(&self, handle: &str, now: u64) -> Result<Option<OfferSummary>, StoreError> {
        sqlx::query(sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE handle = ?")))
            .bind(handle)
            .fetch_optional(&self.reader)
            .await?
            .map(|row| summary(&row, now))
            .transpose()
    }

    /// Lists the offers to a resident that aren't forgotten yet, the newest first.
    pub async fn offers(
        &self,
        resident: &str,
        limit: u32,
        now: u64,
    ) -> Result<Vec<OfferSummary>, StoreError> {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "{COLUMNS} WHERE resident = ? ORDER BY made DESC, id DESC LIMIT ?"
        )))
        .bind(resident)
        .bind(limit)
        .fetch_all(&self.reader)
        .await?
        .iter()
        .map(|row| summary(row, now))
        .collect()
    }

    /// Counts the offers that a wallet can still take.
    pub async fn count_open_offers(&self, now: u64) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT count(*) FROM offers
             WHERE redeemed IS NULL AND expires > ? AND tx_code_tries < ?",
        )
        .bind(signed(now))
        .bind(MAX_TX_CODE_TRIES)
        .fetch_one(&self.reader)
        .await?;
        unsigned(row.try_get(0)?)
    }
}
