//! Status lists (draft-ietf-oauth-status-list-20) of 2 bits an entry.

pub mod compact_status;
mod token;

pub use token::{UnverifiedStatusListToken, VerifiedStatusList, sign_status_list};

use crate::encoding::sha256;
use crate::json::MalformedJson;
use crate::jws::JwsError;
use crate::key::SignError;

/// Is the highest number of entries of a list: 2^22, which are 1 MiB.
pub(crate) const MAX_ENTRIES: u32 = 1 << 22;

/// Is the status of one credential (draft-ietf-oauth-status-list-20 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Is 0: the credential is good.
    Valid,
    /// Is 1: the credential is revoked for ever.
    Invalid,
    /// Is 2: the credential is not good for now.
    Suspended,
    /// Is 3, whose meaning is the issuer's own.
    ApplicationSpecific(u8),
}

impl Status {
    fn from_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Valid,
            1 => Self::Invalid,
            2 => Self::Suspended,
            other => Self::ApplicationSpecific(other),
        }
    }

    fn to_bits(self) -> Option<u8> {
        match self {
            Self::Valid => Some(0),
            Self::Invalid => Some(1),
            Self::Suspended => Some(2),
            Self::ApplicationSpecific(3) => Some(3),
            Self::ApplicationSpecific(_) => None,
        }
    }
}

/// Says why a status list is refused.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// The text or the list is larger than a reader accepts.
    #[error("the status list is too large")]
    TooLarge,
    /// The text is no status list token, or its list does not inflate.
    #[error("malformed status list")]
    Malformed,
    /// The token is signed with another algorithm than ES256, or has another number of bits than 2.
    #[error("the status list is of a kind that is not supported")]
    Unsupported,
    /// The signature of the token does not verify.
    #[error("the signature of the status list does not verify")]
    SignatureInvalid,
    /// `sub` is another URI than the credential's.
    #[error("the status list is another one")]
    WrongSubject,
    /// `exp` has passed.
    #[error("the status list has expired")]
    Expired,
    /// `iat` is in the future.
    #[error("the status list comes from the future")]
    InFuture,
    /// The list has no such entry.
    #[error("the status list has no such entry")]
    OutOfRange,
    /// The status does not fit into 2 bits.
    #[error("the status does not fit into the list")]
    UnknownStatus,
    /// The signer failed.
    #[error("the status list could not be signed")]
    Sign(#[from] SignError),
}

impl StatusError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge | Self::Malformed => "malformed",
            Self::Unsupported => "unsupported",
            Self::SignatureInvalid => "signature_invalid",
            Self::WrongSubject => "wrong_status_list",
            Self::Expired => "status_stale",
            Self::InFuture => "not_yet_valid",
            Self::OutOfRange => "index_out_of_range",
            Self::UnknownStatus => "unknown_status",
            Self::Sign(error) => error.code(),
        }
    }
}

impl From<JwsError> for StatusError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLarge,
            JwsError::Malformed | JwsError::WrongType => Self::Malformed,
            JwsError::UnsupportedAlgorithm | JwsError::UnsupportedExtension => Self::Unsupported,
            JwsError::SignatureInvalid => Self::SignatureInvalid,
        }
    }
}

impl From<MalformedJson> for StatusError {
    fn from(_: MalformedJson) -> Self {
        Self::Malformed
    }
}

/// Is an uncompressed status list of 2 bits an entry, the first entry in the lowest bits
/// (draft-ietf-oauth-status-list-20 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusList(Vec<u8>);

impl StatusList {
    /// Makes a list of valid entries: `entries`, rounded up to whole bytes of four, and at most 2^22.
    pub fn new(entries: u32) -> Self {
        Self(vec![0; entries.min(MAX_ENTRIES).div_ceil(4) as usize])
    }

    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Self, StatusError> {
        if bytes.len() > (MAX_ENTRIES / 4) as usize {
            Err(StatusError::TooLarge)
        } else {
            Ok(Self(bytes))
        }
    }

    /// Returns how many entries the list has.
    pub fn entries(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(MAX_ENTRIES / 4) * 4
    }

    /// Returns the status at an index, or `None` where the list has no such entry: then nothing is known about it.
    pub fn get(&self, index: u32) -> Option<Status> {
        let byte = self.0.get((index / 4) as usize)?;
        Some(Status::from_bits(byte >> (index % 4 * 2)))
    }

    /// Sets the status at an index.
    pub fn set(&mut self, index: u32, status: Status) -> Result<(), StatusError> {
        let bits = status.to_bits().ok_or(StatusError::UnknownStatus)?;
        let byte = self
            .0
            .get_mut((index / 4) as usize)
            .ok_or(StatusError::OutOfRange)?;
        let shift = index % 4 * 2;
        *byte = (*byte & !(3 << shift)) | (bits << shift);
        Ok(())
    }

    /// Returns the SHA-256 of the uncompressed list, which is what the ledger anchors.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&self.0)
    }

    /// Returns the uncompressed list.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// draft-ietf-oauth-status-list-20 §4.1, the example with 2 bits.
    #[test]
    fn entries_lie_where_the_draft_puts_them() {
        let mut list = StatusList::new(12);
        for (index, bits) in [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3].into_iter().enumerate() {
            list.set(index as u32, Status::from_bits(bits)).unwrap();
        }
        assert_eq!(list.as_bytes(), [0xc9, 0x44, 0xf9]);
        assert_eq!(list.get(3), Some(Status::ApplicationSpecific(3)));
        assert_eq!(list.get(9), Some(Status::Suspended));
    }

    #[test]
    fn index_out_of_range_has_no_status() {
        let mut list = StatusList::new(5);
        assert_eq!(list.entries(), 8);
        assert_eq!(list.get(7), Some(Status::Valid));
        assert_eq!(list.get(8), None);
        assert_eq!(list.get(u32::MAX), None);
        assert!(matches!(
            list.set(8, Status::Invalid),
            Err(StatusError::OutOfRange)
        ));
        assert!(matches!(
            list.set(0, Status::ApplicationSpecific(4)),
            Err(StatusError::UnknownStatus)
        ));
    }

    #[test]
    fn entry_can_be_set_back_without_touching_its_neighbours() {
        let mut list = StatusList::new(4);
        for index in 0..4 {
            list.set(index, Status::ApplicationSpecific(3)).unwrap();
        }
        list.set(2, Status::Valid).unwrap();
        assert_eq!(list.as_bytes(), [0b1100_1111]);
    }
}
