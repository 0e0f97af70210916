//! Compact JWS (RFC 7515 §3.1) with ES256 only.

use std::fmt;

use serde_json::{Map, Value};

use crate::encoding::{b64url, b64url_array, b64url_decode};
use crate::json::parse_object_strict;
use crate::key::{PublicKey, SignError, Signer};

const HEADER_MAX: usize = 32 * 1024;
const HEADER_DEPTH: usize = 6;

/// Says why a JWS is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwsError {
    /// The text is longer than the reader allows.
    #[error("the JWS is too long")]
    TooLong,
    /// The text is not three base64url parts, or the header is not a JSON object with each member once.
    #[error("malformed JWS")]
    Malformed,
    /// `alg` is another one than ES256.
    #[error("the JWS is not signed with ES256")]
    UnsupportedAlgorithm,
    /// The header has a `crit` or `b64` member, which nothing here understands.
    #[error("the JWS needs an extension that is not supported")]
    UnsupportedExtension,
    /// `typ` is another one than expected.
    #[error("the JWS is of another type")]
    WrongType,
    /// The signature does not verify with the given key.
    #[error("the signature of the JWS does not verify")]
    SignatureInvalid,
}

impl JwsError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong | Self::Malformed | Self::WrongType => "malformed",
            Self::UnsupportedAlgorithm | Self::UnsupportedExtension => "unsupported",
            Self::SignatureInvalid => "signature_invalid",
        }
    }
}

/// Is a compact JWS whose signature has not been checked.
#[derive(Clone)]
pub struct UnverifiedJws {
    signing_input: Box<str>,
    header: Map<String, Value>,
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl fmt::Debug for UnverifiedJws {
    /// Leaves out the payload, which may be somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnverifiedJws({:?})", self.typ().unwrap_or_default())
    }
}

impl UnverifiedJws {
    /// Parses a compact JWS of at most `max_bytes` characters.
    pub fn parse(compact: &str, max_bytes: usize) -> Result<Self, JwsError> {
        if compact.len() > max_bytes {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        let header = parse_header(header)?;
        // A `.` too many is no base64url character, so the payload of a text with four parts is refused here.
        let payload = b64url_decode(payload).map_err(|_| JwsError::Malformed)?;
        let signature = b64url_array(signature).map_err(|_| JwsError::Malformed)?;
        Ok(Self {
            signing_input: signing_input.into(),
            header,
            payload,
            signature,
        })
    }

    /// Returns the `typ` header, which nobody has vouched for yet.
    pub fn typ(&self) -> Option<&str> {
        self.header.get("typ")?.as_str()
    }

    /// Returns the `kid` header, which nobody has vouched for yet.
    pub fn kid(&self) -> Option<&str> {
        self.header.get("kid")?.as_str()
    }

    /// Returns the whole header, which nobody has vouched for yet.
    pub fn header(&self) -> &Map<String, Value> {
        &self.header
    }

    /// Checks that `typ` is exactly `typ` (RFC 8725 §3.11: explicit typing keeps one kind of JWT from passing as another).
    pub fn require_typ(&self, typ: &str) -> Result<(), JwsError> {
        if self.typ() == Some(typ) {
            Ok(())
        } else {
            Err(JwsError::WrongType)
        }
    }

    /// Returns the payload without having checked the signature; only for finding out which key to check it with.
    pub fn dangerous_payload_unverified(&self) -> &[u8] {
        &self.payload
    }

    /// Returns the payload if the signature verifies with `key`.
    pub fn verify(&self, key: &PublicKey) -> Result<&[u8], JwsError> {
        key.verify(self.signing_input.as_bytes(), &self.signature)
            .map_err(|_| JwsError::SignatureInvalid)?;
        Ok(&self.payload)
    }
}

fn parse_header(text: &str) -> Result<Map<String, Value>, JwsError> {
    if text.len() > HEADER_MAX {
        return Err(JwsError::TooLong);
    }
    let bytes = b64url_decode(text).map_err(|_| JwsError::Malformed)?;
    // RFC 7515 §4: header parameter names must be unique.
    let header = parse_object_strict(&bytes, HEADER_DEPTH).map_err(|_| JwsError::Malformed)?;
    match header.get("alg") {
        Some(Value::String(alg)) if alg == "ES256" => {}
        Some(Value::String(_)) => return Err(JwsError::UnsupportedAlgorithm),
        _ => return Err(JwsError::Malformed),
    }
    // RFC 7515 §4.1.11: an extension in `crit` that is not understood makes the JWS invalid; none is understood here.
    // RFC 7797 §6: `b64` must be in `crit`, so alone it is no less an extension.
    if header.contains_key("crit") || header.contains_key("b64") {
        return Err(JwsError::UnsupportedExtension);
    }
    if ["typ", "kid"]
        .iter()
        .any(|name| header.get(*name).is_some_and(|value| !value.is_string()))
    {
        return Err(JwsError::Malformed);
    }
    Ok(header)
}

/// Signs a payload as a compact JWS; `alg` is put before the given header members.
pub fn sign_jws(
    header: &Map<String, Value>,
    payload: &[u8],
    signer: &dyn Signer,
) -> Result<String, SignError> {
    let mut full = Map::with_capacity(header.len() + 1);
    full.insert("alg".to_owned(), Value::from("ES256"));
    full.extend(
        header
            .iter()
            .filter(|(name, _)| *name != "alg")
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    let header = serde_json::to_vec(&full).map_err(SignError::new)?;
    let mut compact = b64url(&header);
    compact.reserve(payload.len() * 4 / 3 + 96);
    compact.push('.');
    compact.push_str(&b64url(payload));
    let signature = signer.sign(compact.as_bytes())?;
    compact.push('.');
    compact.push_str(&b64url(&signature));
    Ok(compact)
}
