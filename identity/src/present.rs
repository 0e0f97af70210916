//! Presenting a credential (RFC 9901 §4.3, §7.2).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::claim_path::ClaimPath;
use crate::credential::VerifiedCredential;
use crate::encoding::{b64url, sha256};
use crate::jws::sign_jws;
use crate::key::{SignError, Signer};

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
