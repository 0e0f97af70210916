//! Issues to a wallet: checks its proofs, then takes indexes, signs and records the batch before it is handed out.

use jumin_identity::{IssueError, PublicKey, b64url, random_bytes};
use thiserror::Error;

use crate::app::App;
use crate::claims::{Configuration, NotEligible};
use crate::indexes::random_index;
use crate::issue::{Order, prepare};
use crate::proof::{ProofError, check_proofs};
use crate::store::{Authorization, NewCredential, RecordError, StoreError};

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
    #[error("it isn't known yet from when on the ledger vouches for the issuer")]
    NotVouchedFor,
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

impl From<RecordError> for IssuanceError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::NonceUsed => Self::NonceUsed,
            RecordError::KeyUsed => Self::KeyUsed,
            RecordError::TokenUsed => Self::TokenUsed,
            RecordError::ListFull => Self::NoStatusList,
            RecordError::Sign(error) => Self::Issue(error),
            RecordError::Store(error) => Self::Store(error),
        }
    }
}

impl App {
    /// Issues one credential for each proof of the request.
    ///
    /// All that can be known is checked before the transaction that takes anything begins.
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
        let credential_type = self
            .credential_type(request.configuration)
            .ok_or(IssuanceError::UnknownResident)?;
        // A credential dated to before its issuer's key or accreditation began is refused by every verifier.
        if !self.issuer.is_vouched_for() {
            return Err(IssuanceError::NotVouchedFor);
        }
        let list = self.indexes.current().ok_or(IssuanceError::NoStatusList)?;
        let order = Order {
            configuration: request.configuration,
            credential_type,
            holders: &proven.holders,
            list_uri: &list.uri,
        };
        let batch =
            prepare(&self.issuer, order, &subject, now).map_err(IssuanceError::NotEligible)?;
        let holders: Vec<[u8; 32]> = proven.holders.iter().map(PublicKey::thumbprint).collect();
        let new = NewCredential {
            id: &b64url(&random_bytes::<16>()),
            offer: request.authorization.offer,
            resident,
            configuration: request.configuration.id(),
            vct: request.configuration.vct(),
            list: list.number,
            holders: &holders,
            issued: now,
            expires: batch.expires,
            nonce_digest: proven.nonce_digest,
            nonce_expires: proven.nonce_expires,
        };
        let sign = |indexes: &[u32]| batch.sign(indexes, &mut random_bytes);
        Ok(self.store.issue(&new, &mut random_index, sign).await?)
    }
}
