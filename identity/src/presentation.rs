//! Presentations as a verifier receives them (RFC 9901 §4, §7.3).

use std::fmt;

use crate::credential::{
    CredentialError, StatusReference, UnverifiedCredential, VerifiedCredential,
};
use crate::key::PublicKey;
use crate::key_binding::{KeyBinding, KeyBindingExpectation};
use crate::sd_jwt::MAX_BYTES;

/// Says why a presentation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PresentationError {
    /// The credential in it is refused.
    #[error("the credential is refused")]
    Credential(#[from] CredentialError),
    /// There is no key binding JWT (RFC 9901 §7.3 step 2).
    #[error("the presentation is not bound to its holder")]
    KeyBindingMissing,
    /// The key binding JWT is not one, or lacks `iat`, `aud`, `nonce` or `sd_hash`.
    #[error("malformed key binding")]
    KeyBindingMalformed,
    /// The key binding JWT is signed with another algorithm than ES256 or asks for an unknown extension.
    #[error("the key binding is signed in a way that is not supported")]
    KeyBindingUnsupported,
    /// The key binding JWT is not signed by the holder's key.
    #[error("the holder's signature does not verify")]
    HolderSignatureInvalid,
    /// `sd_hash` is over something else.
    #[error("the key binding belongs to other disclosures")]
    WrongHash,
    /// `nonce` is another one.
    #[error("the presentation answers another request")]
    WrongNonce,
    /// `aud` is another one.
    #[error("the presentation is for another verifier")]
    WrongAudience,
    /// `iat` is too long ago, or `exp` has passed.
    #[error("the presentation is too old")]
    TooOld,
    /// `iat` or `nbf` is in the future.
    #[error("the presentation comes from the future")]
    InFuture,
}

impl PresentationError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Credential(error) => error.code(),
            Self::KeyBindingUnsupported => "unsupported",
            Self::WrongNonce | Self::WrongAudience => "request_mismatch",
            Self::TooOld | Self::InFuture => "presentation_expired",
            _ => "holder_binding_invalid",
        }
    }
}

/// Is a presentation of which nothing has been checked but its outer form.
#[derive(Clone)]
pub struct UnverifiedPresentation {
    raw: String,
    credential: UnverifiedCredential,
    binding: KeyBinding,
}

impl fmt::Debug for UnverifiedPresentation {
    /// Leaves out what may be somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedPresentation({:?})", self.credential)
    }
}

impl UnverifiedPresentation {
    /// Parses an SD-JWT+KB in compact form, of at most 256 KiB.
    pub fn parse(text: &str) -> Result<Self, PresentationError> {
        if text.len() > MAX_BYTES {
            return Err(CredentialError::TooLong.into());
        }
        let end = text.rfind('~').ok_or(CredentialError::Malformed)? + 1;
        let (sd_jwt, binding) = text.split_at(end);
        // RFC 9901 §7.3 step 2.
        if binding.is_empty() {
            return Err(PresentationError::KeyBindingMissing);
        }
        let credential = UnverifiedCredential::parse(sd_jwt)?;
        Ok(Self {
            raw: text.to_owned(),
            credential,
            binding: KeyBinding::parse(binding)?,
        })
    }

    /// Returns the credential, of which nothing has been checked either.
    pub fn dangerous_credential_unverified(&self) -> &UnverifiedCredential {
        &self.credential
    }

    /// Returns `iss`, only to find the key with which to check the signature.
    pub fn dangerous_issuer_unverified(&self) -> &str {
        self.credential.dangerous_issuer_unverified()
    }

    /// Returns the `kid` header, only to find the key with which to check the signature.
    pub fn dangerous_kid_unverified(&self) -> Option<&str> {
        self.credential.dangerous_kid_unverified()
    }

    /// Returns `vct`, only to find whether the issuer may issue that type.
    pub fn dangerous_vct_unverified(&self) -> &str {
        self.credential.dangerous_vct_unverified()
    }

    /// Returns the time of issuance in seconds, only to find the key and the accreditation of that time.
    pub fn dangerous_issued_at_unverified(&self) -> Option<u64> {
        self.credential.dangerous_issued_at_unverified()
    }

    /// Returns the nonce of the key binding, only to find the request that it answers.
    pub fn dangerous_nonce_unverified(&self) -> &str {
        self.binding.text("nonce").unwrap_or_default()
    }

    /// Returns the audience of the key binding, only to tell a presentation for somebody else.
    pub fn dangerous_audience_unverified(&self) -> &str {
        self.binding.text("aud").unwrap_or_default()
    }

    /// Checks type, issuer's signature and disclosures (RFC 9901 §7.1), but neither validity nor holder yet.
    pub fn verify_issuer(
        self,
        issuer_key: &PublicKey,
    ) -> Result<IssuerVerified, PresentationError> {
        let credential = self.credential.verify_signature(issuer_key)?;
        Ok(IssuerVerified {
            raw: self.raw,
            credential,
            binding: self.binding,
        })
    }
}

/// Is a presentation whose credential is the issuer's; who presents it is not known yet.
#[derive(Clone)]
pub struct IssuerVerified {
    raw: String,
    credential: VerifiedCredential,
    binding: KeyBinding,
}

impl fmt::Debug for IssuerVerified {
    /// Leaves out what may be somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerVerified({:?})", self.credential)
    }
}

impl IssuerVerified {
    /// Checks that the credential is valid at `now`, in seconds.
    pub fn check_validity(&self, now: u64) -> Result<(), PresentationError> {
        Ok(self.credential.check_validity(now)?)
    }

    /// Returns the issuer, as signed.
    pub fn issuer(&self) -> &str {
        self.credential.issuer()
    }

    /// Returns the credential type, as signed.
    pub fn vct(&self) -> &str {
        self.credential.vct()
    }

    /// Returns the time of issuance in seconds, as signed.
    pub fn issued_at(&self) -> u64 {
        self.credential.issued_at()
    }

    /// Returns where the status is kept, as signed.
    pub fn status(&self) -> &StatusReference {
        self.credential.status()
    }

    /// Checks the key binding JWT (RFC 9901 §7.3 step 5) and, once more, that the credential is valid.
    pub fn verify_key_binding(
        self,
        expected: &KeyBindingExpectation<'_>,
    ) -> Result<VerifiedPresentation, PresentationError> {
        self.check_validity(expected.now)?;
        self.binding.check_signature(self.credential.holder_key())?;
        let issued_at = self.binding.check_time(expected)?;
        self.binding.check_transaction(expected)?;
        self.binding.check_hash(self.credential.compact())?;
        let nonce = self.binding.text("nonce").unwrap_or_default().to_owned();
        Ok(VerifiedPresentation {
            raw: self.raw,
            credential: self.credential,
            nonce,
            issued_at,
        })
    }
}

/// Is a presentation whose credential is the issuer's and whose presenter holds its key.
#[derive(Clone)]
pub struct VerifiedPresentation {
    raw: String,
    credential: VerifiedCredential,
    nonce: String,
    issued_at: u64,
}

impl fmt::Debug for VerifiedPresentation {
    /// Leaves out what may be somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedPresentation({:?})", self.credential)
    }
}

impl VerifiedPresentation {
    /// Returns the credential with what was disclosed of it.
    pub fn credential(&self) -> &VerifiedCredential {
        &self.credential
    }

    /// Returns the nonce that the holder signed.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// Returns when the holder signed, in seconds.
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// Returns the SD-JWT+KB as it was received.
    pub fn raw(&self) -> &str {
        &self.raw
    }
}
