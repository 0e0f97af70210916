//! SD-JWT VC credentials: from received text to checked claims.

use std::fmt;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::claim_path::ClaimPath;
use crate::json::MalformedJson;
use crate::jws::JwsError;
use crate::key::{Jwk, PublicKey};
use crate::sd_jwt::{Disclosure, Processed, SdJwt};

const MAX_TEXT: usize = 2048;
/// Is by how many seconds the issuer's clock may be ahead.
const MAX_AHEAD: u64 = 300;

/// Says why a credential is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The text is over 256 KiB, has over 200 disclosures, or a claim of the format is over 2,048 bytes.
    #[error("the credential is too large")]
    TooLong,
    /// The text is no SD-JWT, or a claim of the format is of the wrong kind.
    #[error("malformed credential")]
    Malformed,
    /// The claims nest more than 8 levels deep.
    #[error("the claims of the credential nest too deep")]
    TooDeep,
    /// `typ` is another one than `dc+sd-jwt`.
    #[error("not an SD-JWT VC")]
    WrongType,
    /// The credential is signed with another algorithm than ES256.
    #[error("the credential is not signed with ES256")]
    UnsupportedAlgorithm,
    /// The header asks for an extension that is not known.
    #[error("the credential needs an extension that is not supported")]
    UnsupportedExtension,
    /// `_sd_alg` is another one than `sha-256`.
    #[error("the credential uses another hash than SHA-256")]
    UnsupportedHash,
    /// The holder's key is no P-256 key in `cnf.jwk`, or the status is no status list.
    #[error("the credential binds its holder or its status in a way that is not supported")]
    UnsupportedBinding,
    /// The issuer's signature does not verify.
    #[error("the issuer's signature does not verify")]
    SignatureInvalid,
    /// A disclosure is not an array of the right length with a salt in front (RFC 9901 §7.1 step 3).
    #[error("malformed disclosure")]
    DisclosureMalformed,
    /// A disclosure belongs to no digest, as when it was changed (RFC 9901 §7.1 step 5).
    #[error("a disclosure was not signed by the issuer")]
    DisclosureUnreferenced,
    /// A digest or a disclosure is there twice (RFC 9901 §7.1 step 4).
    #[error("a digest or disclosure is there twice")]
    DigestRepeated,
    /// A disclosure has the name of a claim that is already there (RFC 9901 §7.1 step 3.c.ii).
    #[error("a disclosure shadows a claim")]
    ClaimShadowed,
    /// A disclosure carries a claim that decides about validity.
    #[error("a claim that decides about validity is in a disclosure")]
    ProtectedClaim,
    /// A claim is called `_sd`, `...` or `_sd_alg`.
    #[error("a claim has a reserved name")]
    ReservedName,
    /// A claim that the check needs is not there.
    #[error("the claim {0} is missing")]
    MissingClaim(&'static str),
    /// `exp` has passed.
    #[error("the credential has expired")]
    Expired,
    /// `nbf` has not come yet, or `iat` lies over 300 s ahead.
    #[error("the credential is not valid yet")]
    NotYetValid,
}

impl CredentialError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedAlgorithm
            | Self::UnsupportedExtension
            | Self::UnsupportedHash
            | Self::UnsupportedBinding => "unsupported",
            // A disclosure that the signature does not cover is a change to signed content.
            Self::SignatureInvalid | Self::DisclosureUnreferenced => "signature_invalid",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            _ => "malformed",
        }
    }
}

impl From<JwsError> for CredentialError {
    fn from(error: JwsError) -> Self {
        match error {
            JwsError::TooLong => Self::TooLong,
            JwsError::Malformed => Self::Malformed,
            JwsError::UnsupportedAlgorithm => Self::UnsupportedAlgorithm,
            JwsError::UnsupportedExtension => Self::UnsupportedExtension,
            JwsError::WrongType => Self::WrongType,
            JwsError::SignatureInvalid => Self::SignatureInvalid,
        }
    }
}

impl From<MalformedJson> for CredentialError {
    fn from(_: MalformedJson) -> Self {
        Self::Malformed
    }
}

/// Points at an entry of a status list (draft-ietf-oauth-status-list-20 §6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReference {
    /// Is the URI of the status list token.
    pub uri: String,
    /// Is the index of the entry.
    pub idx: u32,
}

/// Is a credential of which nothing has been checked but its outer form.
#[derive(Clone)]
pub struct UnverifiedCredential(SdJwt);

impl fmt::Debug for UnverifiedCredential {
    /// Leaves out what may be somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "UnverifiedCredential({:?})",
            self.dangerous_vct_unverified()
        )
    }
}

impl UnverifiedCredential {
    /// Parses an SD-JWT in compact form; one with a key binding JWT is refused, as RFC 9901 §7.2 asks.
    pub fn parse(compact: &str) -> Result<Self, CredentialError> {
        SdJwt::parse(compact).map(Self)
    }

    /// Returns `iss`, only to find the key with which to check the signature.
    pub fn dangerous_issuer_unverified(&self) -> &str {
        text(&self.0.payload, "iss").unwrap_or_default()
    }

    /// Returns the `kid` header, only to find the key with which to check the signature.
    pub fn dangerous_kid_unverified(&self) -> Option<&str> {
        self.0.jws.kid()
    }

    /// Returns `vct`, only to find whether the issuer may issue that type.
    pub fn dangerous_vct_unverified(&self) -> &str {
        text(&self.0.payload, "vct").unwrap_or_default()
    }

    /// Returns the time of issuance in seconds, only to find the key and the accreditation of that time.
    pub fn dangerous_issued_at_unverified(&self) -> Option<u64> {
        ["iat", "nbf"]
            .iter()
            .find_map(|name| self.0.payload.get(*name)?.as_u64())
    }

    /// Returns the header, only to find the key with which to check the signature.
    pub fn dangerous_header_unverified(&self) -> &Map<String, Value> {
        self.0.jws.header()
    }

    /// Checks type, signature, disclosures (RFC 9901 §7.1) and validity at `now`, in seconds since 1970.
    pub fn verify(
        self,
        issuer_key: &PublicKey,
        now: u64,
    ) -> Result<VerifiedCredential, CredentialError> {
        let credential = self.verify_signature(issuer_key)?;
        credential.check_validity(now)?;
        Ok(credential)
    }

    pub(crate) fn verify_signature(
        self,
        issuer_key: &PublicKey,
    ) -> Result<VerifiedCredential, CredentialError> {
        VerifiedCredential::from_processed(self.0.verify(issuer_key)?)
    }
}

/// Is a credential whose issuer's signature and disclosures are right.
#[derive(Clone)]
pub struct VerifiedCredential {
    compact: String,
    kid: Option<String>,
    claims: Map<String, Value>,
    disclosures: Vec<Disclosure>,
    status: StatusReference,
    holder: PublicKey,
    issued_at: u64,
    not_before: u64,
    expires: u64,
}

impl fmt::Debug for VerifiedCredential {
    /// Leaves out the claims, which are somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "VerifiedCredential({:?} of {:?})",
            self.vct(),
            self.issuer()
        )
    }
}

impl VerifiedCredential {
    fn from_processed(processed: Processed) -> Result<Self, CredentialError> {
        let Processed {
            compact,
            kid,
            claims,
            disclosures,
        } = processed;
        // RFC 9901 §9.7: what the check needs must be there.
        for name in ["iss", "vct"] {
            let value = text(&claims, name).ok_or(CredentialError::MissingClaim(name))?;
            bounded(value)?;
        }
        if claims
            .get("vct#integrity")
            .is_some_and(|value| !value.is_string())
        {
            return Err(CredentialError::Malformed);
        }
        let (iat, nbf) = (time(&claims, "iat")?, time(&claims, "nbf")?);
        let expires = time(&claims, "exp")?.ok_or(CredentialError::MissingClaim("exp"))?;
        let (issued_at, not_before) = (iat.or(nbf), nbf.or(iat));
        let issued_at = issued_at.ok_or(CredentialError::MissingClaim("iat"))?;
        let (status, holder) = (status_reference(&claims)?, holder_key(&claims)?);
        let not_before = not_before.unwrap_or(issued_at);
        Ok(Self {
            compact,
            kid,
            claims,
            disclosures,
            status,
            holder,
            issued_at,
            not_before,
            expires,
        })
    }

    /// Checks `nbf`, `exp` and `iat` against `now`, in seconds since 1970 (RFC 7519 §4.1.4 to §4.1.6).
    pub(crate) fn check_validity(&self, now: u64) -> Result<(), CredentialError> {
        if now >= self.expires {
            return Err(CredentialError::Expired);
        }
        // Key and accreditation are judged by the date of issuance: that must have come, whatever `nbf` says.
        if now < self.not_before || now.saturating_add(MAX_AHEAD) < self.issued_at {
            Err(CredentialError::NotYetValid)
        } else {
            Ok(())
        }
    }

    /// Returns `iss`.
    pub fn issuer(&self) -> &str {
        text(&self.claims, "iss").unwrap_or_default()
    }

    /// Returns the `kid` header: the DID URL of the issuer's key.
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// Returns the credential type.
    pub fn vct(&self) -> &str {
        text(&self.claims, "vct").unwrap_or_default()
    }

    /// Returns the hash of the type metadata, as `sha256-` and base64.
    pub fn vct_integrity(&self) -> Option<&str> {
        text(&self.claims, "vct#integrity")
    }

    /// Returns the processed payload (RFC 9901 §7.1): the issuer's claims with what was disclosed in its place.
    pub fn claims(&self) -> &Map<String, Value> {
        &self.claims
    }

    /// Returns what can be disclosed alone, in the order of the text.
    pub fn disclosures(&self) -> &[Disclosure] {
        &self.disclosures
    }

    /// Returns where the status of the credential is kept.
    pub fn status(&self) -> &StatusReference {
        &self.status
    }

    /// Returns the key to which the credential is bound.
    pub fn holder_key(&self) -> &PublicKey {
        &self.holder
    }

    /// Returns the time of issuance (`iat`, else `nbf`), in seconds.
    pub fn issued_at(&self) -> u64 {
        self.issued_at
    }

    /// Returns the first second of validity (`nbf`, else `iat`).
    pub fn not_before(&self) -> u64 {
        self.not_before
    }

    /// Returns the first second after validity (`exp`).
    pub fn expires(&self) -> u64 {
        self.expires
    }

    /// Returns the SD-JWT, ending in `~`.
    pub fn compact(&self) -> &str {
        &self.compact
    }

    /// Returns the issuer-signed JWT, without disclosures.
    pub(crate) fn issuer_jwt(&self) -> &str {
        self.compact.split('~').next().unwrap_or_default()
    }

    /// Returns the disclosures, with their text, that lie on a path, around it or inside it.
    pub(crate) fn disclosures_on<'a>(
        &'a self,
        path: &'a ClaimPath,
    ) -> impl Iterator<Item = (usize, &'a str)> {
        let on_path = |(_, disclosure): &(usize, &Disclosure)| path.meets(&disclosure.path);
        let all = self.disclosures.iter().enumerate().filter(on_path);
        all.map(|(at, disclosure)| {
            (
                at,
                self.compact
                    .get(disclosure.text.clone())
                    .unwrap_or_default(),
            )
        })
    }
}

fn text<'a>(claims: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

fn bounded(text: &str) -> Result<&str, CredentialError> {
    if text.len() > MAX_TEXT {
        Err(CredentialError::TooLong)
    } else {
        Ok(text)
    }
}

/// Reads a NumericDate (RFC 7519 §2); only whole seconds from 1970 on are accepted.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<u64>, CredentialError> {
    claims
        .get(name)
        .map(|value| value.as_u64().ok_or(CredentialError::Malformed))
        .transpose()
}

/// Reads `status.status_list` (draft-ietf-oauth-status-list-20 §6.2).
fn status_reference(claims: &Map<String, Value>) -> Result<StatusReference, CredentialError> {
    let status = claims
        .get("status")
        .ok_or(CredentialError::MissingClaim("status"))?;
    let status = status.as_object().ok_or(CredentialError::Malformed)?;
    let list = status
        .get("status_list")
        .ok_or(CredentialError::UnsupportedBinding)?;
    let idx = list
        .get("idx")
        .and_then(Value::as_u64)
        .and_then(|idx| u32::try_from(idx).ok());
    let uri = list
        .get("uri")
        .and_then(Value::as_str)
        .ok_or(CredentialError::Malformed)?;
    Ok(StatusReference {
        uri: bounded(uri)?.to_owned(),
        idx: idx.ok_or(CredentialError::Malformed)?,
    })
}

/// Reads `cnf.jwk` (RFC 7800 §3.2).
fn holder_key(claims: &Map<String, Value>) -> Result<PublicKey, CredentialError> {
    let confirmation = claims
        .get("cnf")
        .ok_or(CredentialError::MissingClaim("cnf"))?;
    let confirmation = confirmation.as_object().ok_or(CredentialError::Malformed)?;
    let jwk = confirmation
        .get("jwk")
        .ok_or(CredentialError::UnsupportedBinding)?;
    let jwk = Jwk::deserialize(jwk).map_err(|_| CredentialError::UnsupportedBinding)?;
    PublicKey::from_jwk(&jwk).map_err(|_| CredentialError::UnsupportedBinding)
}
