use serde_json::json;
use sqlx::{Row, SqliteConnection};
use thiserror::Error;

use super::{Store, StoreError, audit, digest, signed, unsigned};
use crate::audit::Event;
use crate::secret::{Secret, same};

/// Wrong transaction codes after which an offer is dead (OID4VCI 1.0 §13.6.3).
pub(super) const MAX_TX_CODE_TRIES: i64 = 5;
/// Refused credential requests after which an access token has ended, and its offer with it.
pub(super) const MAX_REFUSED: i64 = 5;

/// An offer as it is stored: nothing in it opens anything.
pub struct NewOffer<'a> {
    pub resident: &'a str,
    pub configuration: &'a str,
    /// Names it to the staff.
    pub handle: &'a str,
    pub id: &'a Secret,
    pub actor: &'a str,
    pub tx_code: &'a str,
    /// Seconds since the Unix epoch.
    pub expires: u64,
}

/// Why a pre-authorized code gives no token.
#[derive(Debug, Error)]
pub enum RedeemError {
    #[error("the pre-authorized code is unknown")]
    Unknown,
    #[error("the offer was used before")]
    Used,
    #[error("the offer has expired")]
    Expired,
    #[error("the transaction code was wrong too often; the offer is dead")]
    Dead,
    #[error("the transaction code is wrong; {left} tries are left")]
    WrongTxCode { left: u64 },
    #[error("the offer is for another credential configuration than authorization_details names")]
    OtherConfiguration,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request to exchange a pre-authorized code for a token.
pub struct Redemption<'a> {
    pub code: &'a Secret,
    pub tx_code: &'a str,
    /// The configurations that the request's `authorization_details` name, if it has that parameter.
    pub configurations: Option<&'a [String]>,
    pub token: &'a Secret,
    /// Seconds since the Unix epoch.
    pub token_expires: u64,
}

/// What an access token allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    pub offer: u64,
    pub resident: String,
    pub configuration: String,
    /// The token response named a `credential_identifier`, so the request must use it.
    pub by_identifier: bool,
}

impl Store {
    /// Stores an offer and records who was offered what.
    pub async fn add_offer(&self, offer: &NewOffer<'_>, now: u64) -> Result<(), StoreError> {
        let code = offer.id.code_of_offer();
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO offers
             (resident, configuration, offer_digest, code_digest, tx_code_digest, expires, handle, made)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(offer.resident)
        .bind(offer.configuration)
        .bind(&offer.id.digest()[..])
        .bind(&code.digest()[..])
        .bind(&code.tx_code_digest(offer.tx_code)[..])
        .bind(signed(offer.expires))
        .bind(offer.handle)
        .bind(signed(now))
        .execute(&mut *transaction)
        .await?;
        let event = Event {
            at: now,
            actor: offer.actor,
            action: "offer.create",
            subject: offer.resident,
            detail: json!({
                "offer": offer.handle,
                "configuration": offer.configuration,
                "expires": offer.expires,
            }),
        };
        audit::append(&mut transaction, &event).await?;
        Ok(transaction.commit().await?)
    }

    /// Names what the offer with this id offers, while it can still be used.
    pub async fn open_offer(&self, id: &Secret, now: u64) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "SELECT configuration FROM offers
             WHERE offer_digest = ? AND redeemed IS NULL AND expires > ? AND tx_code_tries < ?",
        )
        .bind(&id.digest()[..])
        .bind(signed(now))
        .bind(MAX_TX_CODE_TRIES)
        .fetch_optional(&self.reader)
        .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Exchanges a pre-authorized code for a token, once, if the transaction code is right; returns what it is for.
    ///
    /// A wrong transaction code is counted; after five of them the offer is dead.
    pub async fn redeem(
        &self,
        redemption: &Redemption<'_>,
        now: u64,
    ) -> Result<String, RedeemError> {
        // Who guesses codes waits for nobody's write, and nobody waits for theirs.
        OpenOffer::read(&mut *self.reader().await?, redemption)
            .await?
            .check_usable(now)?;
        let mut transaction = self.begin().await?;
        let offer = OpenOffer::read(&mut transaction, redemption).await?;
        offer.check_usable(now)?;
        if !offer.offers_only(redemption.configurations) {
            return Err(RedeemError::OtherConfiguration);
        }
        let tx_code_digest = redemption.code.tx_code_digest(redemption.tx_code);
        if !same(&offer.tx_code_digest, &tx_code_digest) {
            return Err(offer.count_wrong_tx_code(transaction, now).await?);
        }
        sqlx::query(
            "UPDATE offers SET redeemed = ?, token_digest = ?, token_expires = ?, by_identifier = ?
             WHERE id = ?",
        )
        .bind(signed(now))
        .bind(&redemption.token.digest()[..])
        .bind(signed(redemption.token_expires))
        .bind(redemption.configurations.is_some())
        .bind(offer.id)
        .execute(&mut *transaction)
        .await
        .map_err(StoreError::from)?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(offer.configuration)
    }

    /// Reads what an access token allows, if it is known, unexpired and unused.
    pub async fn authorize(
        &self,
        token: &Secret,
        now: u64,
    ) -> Result<Option<Authorization>, StoreError> {
        let row = sqlx::query(
            "SELECT id, resident, configuration, by_identifier FROM offers
             WHERE token_digest = ? AND token_expires > ? AND issued IS NULL AND refused < ?",
        )
        .bind(&token.digest()[..])
        .bind(signed(now))
        .bind(MAX_REFUSED)
        .fetch_optional(&self.reader)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(Authorization {
            offer: unsigned(row.try_get(0)?)?,
            resident: row.try_get(1)?,
            configuration: row.try_get(2)?,
            by_identifier: row.try_get(3)?,
        }))
    }

    /// Counts a refused credential request against its token; says whether that was the last it may have.
    pub async fn count_refused(&self, offer: u64, now: u64) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query(
            "UPDATE offers SET refused = refused + 1
             WHERE id = ?1 AND issued IS NULL AND refused < ?2
             RETURNING resident, configuration, refused",
        )
        .bind(signed(offer))
        .bind(MAX_REFUSED)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else { return Ok(false) };
        let ended = row.try_get::<i64, _>("refused")? >= MAX_REFUSED;
        if ended {
            let configuration: &str = row.try_get("configuration")?;
            let event = Event {
                at: now,
                actor: "wallet",
                action: "offer.dead",
                subject: row.try_get("resident")?,
                detail: json!({ "configuration": configuration, "refused_requests": MAX_REFUSED }),
            };
            audit::append(&mut transaction, &event).await?;
        }
        transaction.commit().await?;
        Ok(ended)
    }

    /// Forgets offers and nonces that ended more than a day ago.
    pub async fn forget_expired(&self, now: u64) -> Result<(), StoreError> {
        let day_ago = signed(now.saturating_sub(86_400));
        let mut transaction = self.begin().await?;
        for statement in [
            "DELETE FROM offers WHERE expires < ? AND coalesce(token_expires, 0) < ?1",
            "DELETE FROM used_nonces WHERE expires < ?",
        ] {
            sqlx::query(statement)
                .bind(day_ago)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction.commit().await?)
    }
}

struct OpenOffer {
    id: i64,
    resident: String,
    configuration: String,
    tx_code_digest: [u8; 32],
    tries: i64,
    expires: u64,
    redeemed: bool,
}

impl OpenOffer {
    async fn read(
        connection: &mut SqliteConnection,
        redemption: &Redemption<'_>,
    ) -> Result<Self, RedeemError> {
        let row = sqlx::query(
            "SELECT id, resident, configuration, tx_code_digest, tx_code_tries, expires, redeemed
             FROM offers WHERE code_digest = ?",
        )
        .bind(&redemption.code.digest()[..])
        .fetch_optional(connection)
        .await
        .map_err(StoreError::from)?
        .ok_or(RedeemError::Unknown)?;
        Ok(Self::from_row(&row)?)
    }

    fn from_row(row: &sqlx::sqlite::SqliteRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.try_get("id")?,
            resident: row.try_get("resident")?,
            configuration: row.try_get("configuration")?,
            tx_code_digest: digest(row.try_get("tx_code_digest")?)?,
            tries: row.try_get("tx_code_tries")?,
            expires: unsigned(row.try_get("expires")?)?,
            redeemed: row.try_get::<Option<i64>, _>("redeemed")?.is_some(),
        })
    }

    fn check_usable(&self, now: u64) -> Result<(), RedeemError> {
        if self.redeemed {
            return Err(RedeemError::Used);
        }
        if self.expires <= now {
            return Err(RedeemError::Expired);
        }
        if self.tries >= MAX_TX_CODE_TRIES {
            return Err(RedeemError::Dead);
        }
        Ok(())
    }

    fn offers_only(&self, configurations: Option<&[String]>) -> bool {
        configurations.is_none_or(|asked| asked.iter().all(|one| *one == self.configuration))
    }

    async fn count_wrong_tx_code(
        &self,
        mut transaction: sqlx::Transaction<'static, sqlx::Sqlite>,
        now: u64,
    ) -> Result<RedeemError, StoreError> {
        sqlx::query("UPDATE offers SET tx_code_tries = tx_code_tries + 1 WHERE id = ?")
            .bind(self.id)
            .execute(&mut *transaction)
            .await?;
        let left = unsigned(MAX_TX_CODE_TRIES - self.tries - 1)?;
        if left == 0 {
            let event = Event {
                at: now,
                actor: "wallet",
                action: "offer.dead",
                subject: &self.resident,
                detail: json!({ "configuration": self.configuration, "wrong_tx_codes": MAX_TX_CODE_TRIES }),
            };
            audit::append(&mut transaction, &event).await?;
        }
        transaction.commit().await?;
        Ok(match left {
            0 => RedeemError::Dead,
            left => RedeemError::WrongTxCode { left },
        })
    }
}
