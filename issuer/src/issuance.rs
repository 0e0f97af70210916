//! Issues to a wallet: checks its proofs, draws indexes, signs, and records the batch before it is handed out.

use jumin_identity::{IssueError, b64url, random_bytes};
use thiserror::Error;

use crate::app::App;
use crate::claims::{Configuration, NotEligible};
use crate::indexes::{NoOpenList, Reservation};
use crate::issue::{Batch, BatchError, Order, issue};
use crate::proof::{ProofError, ProvenKeys, check_proofs};
use crate::store::{Authorization, NewCredential, RecordError, StoreError};

/// Replicas that draw the same index are rare; three in a row would be a fault.
const TRIES: usize = 3;

/// What a wallet asks for, and what its token allows.
pub struct WalletRequest<'a> {
    pub configuration: Configuration,
    pub authorization: &'a Authorization,
    pub proofs: Vec<String>,
}

/// Why nothing was issued.
#[derive(Debug, Error)]
pub enum IssuanceError {
    #[error("a key proof was refused")]
    Proof(#[source] ProofError),
    #[error("the nonce was used before")]
    NonceUsed,
    #[error("a holder key was used before")]
    KeyUsed,
    #[error("the access token was used before")]
    TokenUsed,
    #[error("the resident isn't in the register")]
    UnknownResident,
    #[error("the resident can't get this credential")]
    NotEligible(#[source] NotEligible),
    #[error("no status list is open")]
    NoStatusList,
    #[error("the credential could not be made")]
    Issue(#[source] IssueError),
    #[error("the batch could not be recorded")]
    Store(#[source] StoreError),
}

impl From<StoreError> for IssuanceError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<NoOpenList> for IssuanceError {
    fn from(_: NoOpenList) -> Self {
        Self::NoStatusList
    }
}

impl From<BatchError> for IssuanceError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::NotEligible(reason) => Self::NotEligible(reason),
            BatchError::Issue(error) => Self::Issue(error),
        }
    }
}

impl App {
    /// Issues one credential for each proof of the request.
    pub async fn issue(&self, request: &WalletRequest<'_>) -> Result<Vec<String>, IssuanceError> {
        let now = self.now();
        let proven = check_proofs(&request.proofs, &self.public_url, &self.nonces, now)
            .map_err(IssuanceError::Proof)?;
        let resident = &request.authorization.resident;
        let subject = self
            .store
            .subject(resident)
            .await?
            .ok_or(IssuanceError::UnknownResident)?;
        let definition = self
            .credential_type(request.configuration)
            .ok_or(IssuanceError::UnknownResident)?;
        for _ in 0..TRIES {
            let count = proven.holders.len();
            let reservation = self.indexes.reserve(count, &mut random_bytes)?;
            let order = Order {
                configuration: request.configuration,
                credential_type: definition,
                holders: &proven.holders,
                list_uri: &reservation.uri,
                indexes: &reservation.indexes,
            };
            let batch = issue(&self.issuer, &order, &subject, now, &mut random_bytes)?;
            let recorded = self
                .record(request, &proven, &reservation, &batch, now)
                .await;
            match recorded {
                Ok(()) => return Ok(batch.credentials),
                Err(RecordError::IndexTaken) => {}
                Err(RecordError::NonceUsed) => return Err(IssuanceError::NonceUsed),
                Err(RecordError::KeyUsed) => return Err(IssuanceError::KeyUsed),
                Err(RecordError::TokenUsed) => return Err(IssuanceError::TokenUsed),
                Err(RecordError::Store(error)) => return Err(error.into()),
            }
        }
        Err(IssuanceError::NoStatusList)
    }

    async fn record(
        &self,
        request: &WalletRequest<'_>,
        proven: &ProvenKeys,
        reservation: &Reservation,
        batch: &Batch,
        now: u64,
    ) -> Result<(), RecordError> {
        let copies: Vec<(u32, [u8; 32])> = reservation
            .indexes
            .iter()
            .zip(&proven.holders)
            .map(|(index, holder)| (*index, holder.thumbprint()))
            .collect();
        let new = NewCredential {
            id: &b64url(&random_bytes::<16>()),
            offer: request.authorization.offer,
            resident: &request.authorization.resident,
            configuration: request.configuration.id(),
            vct: request.configuration.vct(),
            list: reservation.list,
            copies: &copies,
            issued: now,
            expires: batch.expires,
            nonce_digest: proven.nonce_digest,
            nonce_expires: proven.nonce_expires,
        };
        self.store.record_credential(&new).await
    }
}
