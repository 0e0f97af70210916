//! What the agency's staff does: offers credentials and changes their status.

use std::time::Duration;

use jumin_identity::{b64url, random_bytes};
use serde::Serialize;
use thiserror::Error;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::app::App;
use crate::claims::Configuration;
use crate::metadata::TX_CODE_DIGITS;
use crate::secret::{Secret, random_tx_code};
use crate::store::{ChangeRefused, CredentialRow, CredentialStatus, NewOffer, StoreError};

/// How long an offer can be used, in seconds.
const OFFER_LIFETIME: u64 = 600;
/// How long a status change waits for the ledger before it is answered as pending.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(10);

/// An offer, for the citizen's eyes only.
#[derive(Serialize, ToSchema)]
pub struct OfferAnswer {
    /// `openid-credential-offer://` with the address of the offer: draw it as a QR code.
    pub credential_offer_uri: String,
    /// To be said, not shown beside the code.
    pub tx_code: String,
    /// Seconds since the Unix epoch.
    pub expires_at: u64,
}

/// What came of a status change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChangeAnswer {
    pub id: String,
    /// What the anchored status list says.
    pub status: CredentialStatus,
    /// What it will say; absent once that is finalized on the ledger.
    pub pending: Option<CredentialStatus>,
    /// Why it is still pending.
    pub pending_reason: Option<String>,
}

/// Why a status wasn't changed.
#[derive(Debug, Error)]
pub enum StatusChangeError {
    #[error("the change was refused")]
    Refused(#[from] ChangeRefused),
    #[error("the credential could not be read")]
    Store(#[from] StoreError),
}

impl App {
    /// Makes an offer for a resident: good once, for ten minutes, with a transaction code.
    pub async fn offer(
        &self,
        resident: &str,
        configuration: Configuration,
    ) -> Result<OfferAnswer, StoreError> {
        let now = self.now();
        let (id, tx_code) = (Secret::random(), random_tx_code(TX_CODE_DIGITS));
        let expires_at = now + OFFER_LIFETIME;
        let offer = NewOffer {
            resident,
            configuration: configuration.id(),
            id: &id,
            tx_code: &tx_code,
            expires: expires_at,
        };
        self.store.add_offer(&offer, now).await?;
        let address = format!("{}/offers/{}", self.public_url, id.reveal());
        let encoded: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
        Ok(OfferAnswer {
            credential_offer_uri: format!(
                "openid-credential-offer://?credential_offer_uri={encoded}"
            ),
            tx_code,
            expires_at,
        })
    }

    /// Changes the status of a batch and waits a while for the ledger to finalize it.
    pub async fn change_status(
        &self,
        id: &str,
        target: CredentialStatus,
        reason: &str,
    ) -> Result<ChangeAnswer, StatusChangeError> {
        let change = b64url(&random_bytes::<16>());
        let mut rounds = self.publisher.rounds();
        self.store
            .ask_status(id, target, &change, reason, self.now())
            .await?;
        self.publisher.wake();
        let waited = tokio::time::timeout(PUBLISH_PATIENCE, self.until_settled(id, &mut rounds));
        let row = match waited.await {
            Ok(row) => row?,
            Err(_) => self.credential_row(id).await?,
        };
        Ok(self.change_answer(row))
    }

    /// Waits until nothing of the batch is pending or a round of the publisher has failed.
    async fn until_settled(
        &self,
        id: &str,
        rounds: &mut watch::Receiver<u64>,
    ) -> Result<CredentialRow, StatusChangeError> {
        loop {
            let ended = rounds.changed().await.is_err();
            let row = self.credential_row(id).await?;
            if ended || row.pending.is_none() || self.publisher.problem().is_some() {
                return Ok(row);
            }
        }
    }

    async fn credential_row(&self, id: &str) -> Result<CredentialRow, StatusChangeError> {
        let row = self.store.credential(id).await?;
        Ok(row.ok_or(ChangeRefused::Unknown)?)
    }

    fn change_answer(&self, row: CredentialRow) -> ChangeAnswer {
        let pending_reason = row.pending.map(|_| {
            self.publisher
                .problem()
                .unwrap_or_else(|| "the ledger hasn't finalized the new status list yet".to_owned())
        });
        ChangeAnswer {
            id: row.id,
            status: row.status,
            pending: row.pending,
            pending_reason,
        }
    }
}
