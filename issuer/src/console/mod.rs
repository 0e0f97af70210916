//! What the agency's staff does: signs in, looks residents up, offers credentials and changes their status.

mod agency;
mod agency_answer;
mod device;
mod overview;
mod password;
mod sessions;
mod throttle;
#[cfg(test)]
mod types;
mod views;

use std::time::Duration;

use jumin_identity::{b64url, random_bytes};
use serde::Serialize;
use thiserror::Error;
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::app::App;
use crate::audit::Entry;
use crate::claims::Configuration;
use crate::metadata::TX_CODE_DIGITS;
use crate::secret::{Secret, random_tx_code};
use crate::store::{
    Block, ChangeRefused, CredentialRow, CredentialStatus, NewChange, NewOffer, StatusChange,
    StoreError,
};

pub use agency::AgencyView;
pub use agency_answer::{Agency, Localized};
pub use device::DeviceKey;
pub use overview::Overview;
pub use password::{PasswordError, Passwords};
pub use sessions::{AccountError, Actor, Attempt, Session, SignInError, put_account};
#[cfg(test)]
pub use throttle::count as count_try;
pub use throttle::{Bucket, Source};
pub use views::{Look, LookError, RecentViews};

/// How long an offer can be used, in seconds.
const OFFER_LIFETIME: u64 = 600;
/// How long a status change waits for the ledger before it is answered as pending.
const PUBLISH_PATIENCE: Duration = Duration::from_secs(10);

/// A QR code as one SVG path, its unit a module, without the quiet zone.
#[derive(Debug, Serialize, ToSchema, ts_rs::TS)]
pub struct CodeDrawing {
    /// Modules a side.
    pub modules: u32,
    pub path: String,
}

impl From<jumin_identity::CodeDrawing> for CodeDrawing {
    fn from(drawing: jumin_identity::CodeDrawing) -> Self {
        Self {
            modules: drawing.modules,
            path: drawing.path,
        }
    }
}

/// An offer, for the citizen's eyes only: shown once, to be handed over.
#[derive(Serialize, ToSchema, ts_rs::TS)]
#[schema(as = NewOffer)]
#[ts(rename = "NewOffer")]
pub struct OfferAnswer {
    /// Names the offer afterwards; opens nothing.
    pub id: String,
    /// `openid-credential-offer://` with the address of the offer.
    pub credential_offer_uri: String,
    /// The same as a QR code.
    pub code: CodeDrawing,
    /// To be said, not shown beside the code.
    pub tx_code: String,
    /// Seconds since the Unix epoch.
    pub expires_at: u64,
}

/// What came of a status change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct ChangeAnswer {
    pub id: String,
    /// What the anchored status list says.
    pub status: CredentialStatus,
    /// What it will say; absent once that is finalized on the ledger.
    pub pending: Option<CredentialStatus>,
    /// Why it is still pending.
    pub pending_reason: Option<String>,
    /// The ledger's block that made it final.
    pub block: Option<Block>,
}

/// A batch with everything that was done about its status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct CredentialDetail {
    pub credential: CredentialRow,
    /// The newest first.
    pub changes: Vec<StatusChange>,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct AuditEntry {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// Seconds since the Unix epoch.
    pub at: u64,
    pub actor: String,
    pub action: String,
    pub subject: String,
    /// JSON, as it was hashed.
    pub detail: String,
    /// Chains the entry to the one before it; base64url.
    pub hash: String,
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq,
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
            hash: b64url(&entry.hash),
        }
    }
}

/// Why no offer was made.
#[derive(Debug, Error)]
pub enum OfferError {
    #[error("the offer's address doesn't fit a QR code")]
    Drawing(#[from] jumin_identity::EncodeError),
    #[error("the offer could not be stored")]
    Store(#[from] StoreError),
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
        actor: &Actor,
        resident: &str,
        configuration: Configuration,
    ) -> Result<OfferAnswer, OfferError> {
        let now = self.now();
        let (id, tx_code) = (Secret::random(), random_tx_code(TX_CODE_DIGITS));
        let handle = b64url(&random_bytes::<16>());
        let address = format!("{}/offers/{}", self.public_url, id.reveal());
        let encoded: String = url::form_urlencoded::byte_serialize(address.as_bytes()).collect();
        let uri = format!("openid-credential-offer://?credential_offer_uri={encoded}");
        let code = jumin_identity::CodeDrawing::of(&uri)?.into();
        let expires_at = now + OFFER_LIFETIME;
        let offer = NewOffer {
            resident,
            configuration: configuration.id(),
            handle: &handle,
            id: &id,
            actor: actor.name(),
            tx_code: &tx_code,
            expires: expires_at,
        };
        self.store.add_offer(&offer, now).await?;
        Ok(OfferAnswer {
            id: handle,
            credential_offer_uri: uri,
            code,
            tx_code,
            expires_at,
        })
    }

    /// Changes the status of a batch and waits a while for the ledger to finalize it.
    pub async fn change_status(
        &self,
        actor: &Actor,
        id: &str,
        target: CredentialStatus,
        reason: &str,
    ) -> Result<ChangeAnswer, StatusChangeError> {
        let change = b64url(&random_bytes::<16>());
        let mut rounds = self.publisher.rounds();
        let new = NewChange {
            id: &change,
            credential: id,
            target,
            reason,
            actor: actor.name(),
            asked: self.now(),
        };
        self.store.ask_status(&new).await?;
        self.publisher.wake();
        let waited = tokio::time::timeout(PUBLISH_PATIENCE, self.until_settled(id, &mut rounds));
        let row = match waited.await {
            Ok(row) => row?,
            Err(_) => self.credential_row(id).await?,
        };
        let block = self.store.block_of_change(&change).await?;
        Ok(self.change_answer(row, block))
    }

    /// Reads a batch with its changes.
    pub async fn credential_detail(
        &self,
        id: &str,
    ) -> Result<Option<CredentialDetail>, StoreError> {
        let Some(credential) = self.store.credential(id).await? else {
            return Ok(None);
        };
        let changes = self.store.status_changes(id).await?;
        Ok(Some(CredentialDetail {
            credential,
            changes,
        }))
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

    fn change_answer(&self, row: CredentialRow, block: Option<Block>) -> ChangeAnswer {
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
            block,
        }
    }
}
