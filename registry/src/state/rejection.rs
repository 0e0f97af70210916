//! Why the ledger refuses an operation.

use super::StateUnavailable;
use crate::operation::OperationError;

/// Why an operation changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A signature is missing, wrong, of a key that isn't authorized, or counted twice.
    #[error("the operation is not signed as it must be")]
    BadSignature,
    /// The operation names another version than the record's; the record has this one (0: no record).
    #[error("the record is at version {0}")]
    StaleVersion(u64),
    /// The signer, or the subject, has no accreditation for this.
    #[error("not accredited for this")]
    NotAccredited,
    /// Nobody accredited the DID that is to be created, or no such grant stands.
    #[error("nobody has accredited this DID: have it accredited first, then create it")]
    NotAwaited,
    /// The operation is longer than allowed.
    #[error("the operation is too large")]
    TooLarge,
    /// A DID of the operation doesn't exist.
    #[error("a DID of the operation doesn't exist")]
    UnknownDid,
    /// A DID of the operation is deactivated.
    #[error("a DID of the operation is deactivated")]
    Deactivated,
    /// The operation, or a DID in it, belongs to another network.
    #[error("the operation is for another network")]
    WrongNetwork,
    /// The operation is malformed; the text says which part.
    #[error("the operation is malformed: {0}")]
    Malformed(&'static str),
    /// The DID exists.
    #[error("the DID exists")]
    Exists,
    /// The grant doesn't lie within the accreditor's own.
    #[error("the grant doesn't lie within the accreditor's own")]
    OutsideParent,
    /// Who is not accredited any more changed the record just now; it may again from this time on, in Unix seconds.
    #[error("who is not accredited any more may change this again only from Unix time {0} on")]
    TooSoon(u64),
    /// A count or length is over its limit.
    #[error("more {0} than allowed")]
    Limits(&'static str),
    /// The anchor's version is not greater than the anchored one, which is this.
    #[error("the anchored version is {0}")]
    NotIncreasing(u64),
    /// The named grant doesn't exist or has been ended.
    #[error("there is no such grant in force")]
    UnknownGrant,
    /// The next key is the one that signs.
    #[error("the next key is the key that signs")]
    KeyReused,
    /// A validator to add has not signed for its key, address and network.
    #[error("a new validator has not shown that it holds its key")]
    PossessionNotShown,
    /// A validator to remove is not one.
    #[error("a validator to remove is not one")]
    UnknownValidator,
    /// The change would leave no validator.
    #[error("the change would leave no validator")]
    NoValidators,
    /// The change would change nothing.
    #[error("the change would change nothing")]
    NoChange,
    /// The state could not be read: no verdict on the operation.
    #[error("the ledger's state could not be read")]
    StateUnavailable(#[source] StateUnavailable),
}

impl Rejection {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadSignature => "bad_signature",
            Self::StaleVersion(_) => "stale_version",
            Self::NotAccredited | Self::NotAwaited => "not_accredited",
            Self::TooLarge => "too_large",
            Self::UnknownDid => "unknown_did",
            Self::Deactivated => "deactivated",
            Self::WrongNetwork => "wrong_network",
            Self::Malformed(_) => "malformed",
            Self::Exists => "exists",
            Self::OutsideParent => "outside_parent",
            Self::TooSoon(_) => "too_soon",
            Self::Limits(_) => "limits",
            Self::NotIncreasing(_) => "not_increasing",
            Self::UnknownGrant => "unknown_grant",
            Self::KeyReused => "key_reused",
            Self::PossessionNotShown => "possession_not_shown",
            Self::UnknownValidator => "unknown_validator",
            Self::NoValidators => "no_validators",
            Self::NoChange => "no_change",
            Self::StateUnavailable(_) => "unavailable",
        }
    }

    /// Tells whether this is a verdict on the operation, rather than a failure to reach one.
    pub fn is_verdict(&self) -> bool {
        !matches!(self, Self::StateUnavailable(_))
    }
}

impl From<StateUnavailable> for Rejection {
    fn from(error: StateUnavailable) -> Self {
        Self::StateUnavailable(error)
    }
}

impl From<OperationError> for Rejection {
    fn from(error: OperationError) -> Self {
        match error {
            OperationError::TooLarge => Self::TooLarge,
            OperationError::Malformed(part) => Self::Malformed(part.0),
            OperationError::Limits(what) => Self::Limits(what),
        }
    }
}
