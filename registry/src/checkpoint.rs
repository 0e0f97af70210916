//! A finalized header: the point of the ledger that proofs refer to.

use jumin_identity::NetworkName;

use crate::{
    certificate::{Certificate, CertificateError},
    encoding::{Malformed, Reader},
    header::Header,
    trust::NetworkTrust,
};

/// A header with its certificate, not yet checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The finalized header.
    pub header: Header,
    /// The validators' signatures over it.
    pub certificate: Certificate,
}

/// Why a checkpoint is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// The bytes are not a checkpoint.
    #[error("the checkpoint is malformed")]
    Malformed(#[source] Malformed),
    /// The header names another network.
    #[error("the checkpoint belongs to another network")]
    WrongNetwork,
    /// The header lies before the trusted validators' epoch, or its certificate is of another epoch.
    #[error("the checkpoint belongs to another epoch")]
    WrongEpoch,
    /// The trusted validators are not an ascending set.
    #[error("the trusted validators are not a set")]
    InvalidTrust,
    /// The certificate was made for a committee of another size.
    #[error("the certificate is not of this network's validators")]
    NotThisCommittee,
    /// Fewer validators signed than a quorum.
    #[error("too few validators signed the checkpoint")]
    TooFewSigners,
    /// A signature is not that validator's over this header in this network.
    #[error("a validator's signature is invalid")]
    SignatureInvalid,
}

impl CheckpointError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::WrongNetwork => "wrong_network",
            Self::WrongEpoch => "wrong_epoch",
            Self::InvalidTrust => "invalid_trust",
            Self::NotThisCommittee => "not_this_committee",
            Self::TooFewSigners => "too_few_signers",
            Self::SignatureInvalid => "signature_invalid",
        }
    }
}

impl Checkpoint {
    /// Encodes the checkpoint: header, then certificate.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.header.encode();
        self.certificate.write(&mut bytes);
        bytes
    }

    /// Decodes exactly one checkpoint.
    ///
    /// # Errors
    /// [`CheckpointError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        Self::read(bytes).map_err(CheckpointError::Malformed)
    }

    fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let header = Header::read(&mut reader)?;
        let certificate = Certificate::read(&mut reader)?;
        reader.finish()?;
        Ok(Self {
            header,
            certificate,
        })
    }

    /// Checks that a quorum of the trusted validators finalized this header in this network, in their epoch or a later one.
    ///
    /// The checkpoint's age is left to the caller: [`VerifiedCheckpoint::require_fresh`].
    ///
    /// # Errors
    /// [`CheckpointError`], one variant for each way it can fail.
    pub fn verify(&self, trust: &NetworkTrust) -> Result<VerifiedCheckpoint, CheckpointError> {
        if self.header.network != trust.network {
            return Err(CheckpointError::WrongNetwork);
        }
        // A later epoch without a handover in between has the same validators: those who left never sign again.
        if self.header.epoch < trust.epoch || self.certificate.epoch != self.header.epoch {
            return Err(CheckpointError::WrongEpoch);
        }
        if !trust.has_valid_committee() {
            return Err(CheckpointError::InvalidTrust);
        }
        self.certificate
            .verify(&trust.namespace(), &trust.validators, &self.header.digest())
            .map_err(|error| match error {
                CertificateError::NotThisCommittee => CheckpointError::NotThisCommittee,
                CertificateError::TooFewSigners => CheckpointError::TooFewSigners,
                CertificateError::Signature => CheckpointError::SignatureInvalid,
            })?;
        Ok(VerifiedCheckpoint {
            header: self.header.clone(),
        })
    }
}

/// A header that a quorum of the trusted validators finalized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedCheckpoint {
    header: Header,
}

/// A checkpoint whose time is not within what the caller accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointStale {
    /// The checkpoint is older than accepted; its age in seconds.
    #[error("the checkpoint is {0} seconds old")]
    TooOld(u64),
    /// The checkpoint lies further ahead of the caller's clock than accepted; by how many seconds.
    #[error("the checkpoint is {0} seconds ahead of this clock")]
    Ahead(u64),
}

impl CheckpointStale {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooOld(_) => "ledger_stale",
            Self::Ahead(_) => "clock_behind",
        }
    }
}

impl VerifiedCheckpoint {
    /// Returns the network's name.
    pub fn network(&self) -> &NetworkName {
        &self.header.network
    }

    /// Returns the block's number.
    pub fn height(&self) -> u64 {
        self.header.height
    }

    /// Returns when the block was proposed, in milliseconds since the Unix epoch.
    pub fn time_ms(&self) -> u64 {
        self.header.time_ms
    }

    /// Returns the root of the state tree after the block.
    pub fn state_root(&self) -> &[u8; 32] {
        &self.header.state_root
    }

    /// Returns the finalized header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns how many seconds before `now` (Unix seconds) the block was proposed; 0 when it lies ahead of `now`.
    pub fn age_seconds(&self, now: u64) -> u64 {
        now.saturating_sub(self.header.time_ms / 1000)
    }

    /// Requires the checkpoint to be at most `max_age` seconds old at `now` and at most `max_ahead` seconds ahead of it.
    ///
    /// # Errors
    /// [`CheckpointStale`] with the age or lead in seconds.
    pub fn require_fresh(
        &self,
        now: u64,
        max_age: u64,
        max_ahead: u64,
    ) -> Result<(), CheckpointStale> {
        let time = self.header.time_ms / 1000;
        if time.saturating_sub(now) > max_ahead {
            return Err(CheckpointStale::Ahead(time.saturating_sub(now)));
        }
        if now.saturating_sub(time) > max_age {
            return Err(CheckpointStale::TooOld(now.saturating_sub(time)));
        }
        Ok(())
    }
}
