//! The finalized last block of an epoch, by which its validators hand over to the next ones.

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    encoding::{Malformed, Reader},
    header::validator_set_hash,
    trust::NetworkTrust,
};

/// The most handovers in one answer or bundle.
pub const MAX_HANDOVERS: usize = 256;

/// A checkpoint whose block hands over to other validators, and who they are; nothing checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// The last block of an epoch.
    pub checkpoint: Checkpoint,
    /// The validators that it commits to, ascending.
    pub validators: Vec<[u8; 32]>,
}

/// Why a handover, or a list of them, is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HandoverError {
    /// The bytes are not a handover.
    #[error("a handover is malformed")]
    Malformed(#[source] Malformed),
    /// The trusted validators did not finalize it.
    #[error("the checkpoint of a handover is not valid")]
    Checkpoint(#[source] CheckpointError),
    /// The validators named are not those that the header commits to, or not a set.
    #[error("the validators of a handover are not those that its header commits to")]
    Validators,
    /// The header hands over to nobody else.
    #[error("the header hands over to nobody else")]
    NoHandover,
    /// More than [`MAX_HANDOVERS`].
    #[error("too many handovers")]
    TooMany,
    /// A handover comes before an earlier one, or twice.
    #[error("the handovers are not in order")]
    Unordered,
}

impl HandoverError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Checkpoint(source) => source.code(),
            Self::Validators => "not_this_committee",
            Self::NoHandover => "no_handover",
            Self::TooMany => "too_large",
            Self::Unordered => "unordered",
        }
    }
}

impl Handover {
    /// Encodes the handover: checkpoint's length, checkpoint, then the validators' keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        let checkpoint = self.checkpoint.to_bytes();
        let mut bytes = Vec::with_capacity(4 + checkpoint.len() + 32 * self.validators.len());
        bytes.extend_from_slice(&(checkpoint.len() as u32).to_be_bytes()); // at most a few kilobytes
        bytes.extend_from_slice(&checkpoint);
        bytes.extend_from_slice(self.validators.as_flattened());
        bytes
    }

    /// Decodes exactly one handover.
    ///
    /// # Errors
    /// [`HandoverError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HandoverError> {
        let malformed = |what| HandoverError::Malformed(Malformed(what));
        let mut reader = Reader::new(bytes);
        let length = reader
            .array("length")
            .map(u32::from_be_bytes)
            .map_err(HandoverError::Malformed)?;
        let length = usize::try_from(length).map_err(|_| malformed("length"))?;
        let checkpoint = reader
            .take(length, "checkpoint")
            .map_err(HandoverError::Malformed)?;
        let (validators, left) = reader.rest().as_chunks::<32>();
        if !left.is_empty() {
            return Err(malformed("validators"));
        }
        Ok(Self {
            checkpoint: Checkpoint::from_bytes(checkpoint).map_err(HandoverError::Checkpoint)?,
            validators: validators.to_vec(),
        })
    }
}

impl NetworkTrust {
    /// Moves on to the validators that the trusted ones hand over to.
    ///
    /// # Errors
    /// [`HandoverError`]; this trust stays as it is then.
    pub fn follow(&self, handover: &Handover) -> Result<Self, HandoverError> {
        let checkpoint = handover
            .checkpoint
            .verify(self)
            .map_err(HandoverError::Checkpoint)?;
        let header = checkpoint.header();
        if header.next_validators != validator_set_hash(&handover.validators) {
            return Err(HandoverError::Validators);
        }
        if handover.validators == self.validators {
            return Err(HandoverError::NoHandover);
        }
        let next = Self {
            epoch: header.epoch.saturating_add(1),
            validators: handover.validators.clone(),
            as_of: self.as_of.max(checkpoint.time_ms() / 1000),
            ..self.clone()
        };
        if next.has_valid_committee() {
            Ok(next)
        } else {
            Err(HandoverError::Validators)
        }
    }

    /// Follows those of `handovers` that lie after this trust, in their order.
    ///
    /// # Errors
    /// [`HandoverError`] when one of them is not believed, or they are too many or not in ascending order.
    pub fn follow_all(&self, handovers: &[Handover]) -> Result<Self, HandoverError> {
        if handovers.len() > MAX_HANDOVERS {
            return Err(HandoverError::TooMany);
        }
        let epoch = |handover: &Handover| handover.checkpoint.header.epoch;
        if !handovers.is_sorted_by(|a, b| epoch(a) < epoch(b)) {
            return Err(HandoverError::Unordered);
        }
        let mut ahead = handovers.iter().filter(|one| epoch(one) >= self.epoch);
        ahead.try_fold(self.clone(), |trust, handover| trust.follow(handover))
    }
}
