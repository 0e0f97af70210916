//! Presentations: an SD-JWT with chosen disclosures and a key binding JWT (RFC 9901 §4.3, §7.2, §7.3).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::claim_path::ClaimPath;
use crate::credential::{
    CredentialError, StatusReference, UnverifiedCredential, VerifiedCredential,
};
use crate::encoding::{b64url, sha256};
use crate::json::parse_object_strict;
use crate::jws::{JwsError, UnverifiedJws, sign_jws};
use crate::key::{PublicKey, SignError, Signer};
use crate::sd_jwt::MAX_BYTES;

const KB_MAX: usize = 8 * 1024;
const KB_DEPTH: usize = 4;

/// Says why a presentation can't be made.
#[derive(Debug, thiserror::Error)]
pub enum PresentError {
    /// The credential has no such claim.
    #[error("the credential has no claim {0}")]
    UnknownClaim(ClaimPath),
    /// The signer holds another key than the one to which the credential is bound.
    #[error("the credential is bound to another key")]
    WrongKey,
    /// The signer failed.
    #[error("the presentation could not be signed")]
    Sign(#[from] SignError),
}

impl PresentError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownClaim(_) => "unknown_claim",
            Self::WrongKey => "wrong_key",
            Self::Sign(error) => error.code(),
        }
    }
}

/// Presents a credential to `audience`, disclosing what lies at the given paths, and signs `nonce` with the holder's key.
///
/// A path to an object discloses everything in it; a path to something inside a disclosure discloses that too. `iat` is
/// in seconds. The result is an SD-JWT+KB in compact form.
pub fn present(
    credential: &VerifiedCredential,
    disclose: &[ClaimPath],
    audience: &str,
    nonce: &str,
    iat: u64,
    holder: &dyn Signer,
) -> Result<String, PresentError> {
    if holder.public_key() != credential.holder_key() {
        return Err(PresentError::WrongKey);
    }
    let mut presentation = selected(credential, disclose)?;
    let payload = json!({
        "iat": iat,
        "aud": audience,
        "nonce": nonce,
        // RFC 9901 §4.3.1: over the issuer-signed JWT and the disclosures, with the last tilde.
        "sd_hash": b64url(&sha256(presentation.as_bytes())),
    });
    let payload = serde_json::to_vec(&payload).map_err(SignError::new)?;
    let header = Map::from_iter([("typ".to_owned(), Value::from("kb+jwt"))]);
    presentation.push_str(&sign_jws(&header, &payload, holder)?);
    Ok(presentation)
}

fn selected(
    credential: &VerifiedCredential,
    disclose: &[ClaimPath],
) -> Result<String, PresentError> {
    let mut chosen = BTreeMap::new();
    for path in disclose {
        if path.select(credential.claims()).is_empty() {
            return Err(PresentError::UnknownClaim(path.clone()));
        }
        chosen.extend(credential.disclosures_on(path));
    }
    let mut presentation = format!("{}~", credential.issuer_jwt());
    for text in chosen.values() {
        presentation.push_str(text);
        presentation.push('~');
    }
    Ok(presentation)
}

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
            Self::TooOld => "presentation_expired",
            _ => "holder_binding_invalid",
        }
    }
}

/// Says which nonce a verifier accepts.
#[derive(Clone, Copy)]
pub enum NonceCheck<'a> {
    /// Accepts the nonce of one request.
    Exact(&'a str),
    /// Accepts what a rule accepts, as for a one-way presentation.
    Rule(&'a dyn Fn(&str) -> bool),
}

/// Is what a verifier expects of a key binding JWT.
#[derive(Clone, Copy)]
pub struct KeyBindingExpectation<'a> {
    /// Is the client identifier of the verifier.
    pub audience: &'a str,
    /// Says which nonce is accepted.
    pub nonce: NonceCheck<'a>,
    /// Is the time, in seconds.
    pub now: u64,
    /// Is for how many seconds a presentation is accepted.
    pub max_age: u64,
    /// Is by how many seconds the holder's clock may be ahead.
    pub max_ahead: u64,
}

/// Is a presentation of which nothing has been checked but its outer form.
#[derive(Debug, Clone)]
pub struct UnverifiedPresentation {
    raw: String,
    credential: UnverifiedCredential,
    binding: KeyBinding,
}

#[derive(Debug, Clone)]
struct KeyBinding {
    jws: UnverifiedJws,
    payload: Map<String, Value>,
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
#[derive(Debug, Clone)]
pub struct IssuerVerified {
    raw: String,
    credential: VerifiedCredential,
    binding: KeyBinding,
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

impl KeyBinding {
    fn parse(text: &str) -> Result<Self, PresentationError> {
        let jws = UnverifiedJws::parse(text, KB_MAX).map_err(binding_error)?;
        // RFC 9901 §7.3 step 5.d.
        jws.require_typ("kb+jwt").map_err(binding_error)?;
        let payload = parse_object_strict(jws.dangerous_payload_unverified(), KB_DEPTH);
        Ok(Self {
            jws,
            payload: payload.map_err(|_| PresentationError::KeyBindingMalformed)?,
        })
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.payload.get(name)?.as_str()
    }

    fn required(&self, name: &str) -> Result<&str, PresentationError> {
        self.text(name)
            .ok_or(PresentationError::KeyBindingMalformed)
    }

    fn time(&self, name: &str) -> Result<Option<u64>, PresentationError> {
        let number = |value: &Value| value.as_u64().ok_or(PresentationError::KeyBindingMalformed);
        self.payload.get(name).map(number).transpose()
    }

    /// Does RFC 9901 §7.3 steps 5.a to 5.c.
    fn check_signature(&self, holder: &PublicKey) -> Result<(), PresentationError> {
        self.jws.verify(holder).map(|_| ()).map_err(binding_error)
    }

    /// Does RFC 9901 §7.3 step 5.e, and RFC 7519 §4.1.4 and §4.1.5 where a key binding has `exp` or `nbf`.
    fn check_time(&self, expected: &KeyBindingExpectation<'_>) -> Result<u64, PresentationError> {
        let issued_at = self
            .time("iat")?
            .ok_or(PresentationError::KeyBindingMalformed)?;
        let latest = expected.now.saturating_add(expected.max_ahead);
        if issued_at > latest || self.time("nbf")?.is_some_and(|nbf| nbf > latest) {
            return Err(PresentationError::InFuture);
        }
        let too_old = issued_at.saturating_add(expected.max_age) < expected.now;
        if too_old || self.time("exp")?.is_some_and(|exp| exp <= expected.now) {
            return Err(PresentationError::TooOld);
        }
        Ok(issued_at)
    }

    /// Does RFC 9901 §7.3 step 5.f; `aud` is a single string (§4.3).
    fn check_transaction(
        &self,
        expected: &KeyBindingExpectation<'_>,
    ) -> Result<(), PresentationError> {
        let (nonce, audience) = (self.required("nonce")?, self.required("aud")?);
        let accepted = match expected.nonce {
            NonceCheck::Exact(wanted) => nonce == wanted,
            NonceCheck::Rule(rule) => rule(nonce),
        };
        if !accepted {
            return Err(PresentationError::WrongNonce);
        }
        if audience != expected.audience {
            Err(PresentationError::WrongAudience)
        } else {
            Ok(())
        }
    }

    /// Does RFC 9901 §7.3 step 5.g.
    fn check_hash(&self, sd_jwt: &str) -> Result<(), PresentationError> {
        let hash = b64url(&sha256(sd_jwt.as_bytes()));
        if self.required("sd_hash")? != hash {
            Err(PresentationError::WrongHash)
        } else {
            Ok(())
        }
    }
}

fn binding_error(error: JwsError) -> PresentationError {
    match error {
        JwsError::UnsupportedAlgorithm | JwsError::UnsupportedExtension => {
            PresentationError::KeyBindingUnsupported
        }
        JwsError::SignatureInvalid => PresentationError::HolderSignatureInvalid,
        JwsError::TooLong | JwsError::Malformed | JwsError::WrongType => {
            PresentationError::KeyBindingMalformed
        }
    }
}

/// Is a presentation whose credential is the issuer's and whose presenter holds its key.
#[derive(Debug, Clone)]
pub struct VerifiedPresentation {
    raw: String,
    credential: VerifiedCredential,
    nonce: String,
    issued_at: u64,
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
