use jumin_identity::{CredentialError, PresentationError};

use crate::Verdict;
use crate::trail::Failure;

impl From<PresentationError> for Failure {
    fn from(error: PresentationError) -> Failure {
        let verdict = verdict_of(&error);
        Failure::because(verdict, "The presentation is refused", &error)
    }
}

/// Returns the verdict that an unreadable or unacceptable presentation leads to.
pub fn verdict_of(error: &PresentationError) -> Verdict {
    match error {
        PresentationError::Credential(error) => credential_verdict(error),
        PresentationError::KeyBindingUnsupported => Verdict::Unsupported,
        PresentationError::WrongNonce | PresentationError::WrongAudience => {
            Verdict::RequestMismatch
        }
        PresentationError::TooOld | PresentationError::InFuture => Verdict::PresentationExpired,
        PresentationError::KeyBindingMissing
        | PresentationError::KeyBindingMalformed
        | PresentationError::HolderSignatureInvalid
        | PresentationError::WrongHash => Verdict::HolderBindingInvalid,
    }
}

fn credential_verdict(error: &CredentialError) -> Verdict {
    match error.code() {
        "signature_invalid" => Verdict::SignatureInvalid,
        "expired" => Verdict::Expired,
        "not_yet_valid" => Verdict::NotYetValid,
        "unsupported" => Verdict::Unsupported,
        _ => Verdict::Malformed,
    }
}
