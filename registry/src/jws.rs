//! The JWS JSON General Serialization (RFC 7515 §7.2.1) with ES256, as operations use it.

use std::sync::OnceLock;

use jumin_identity::{Jwk, PublicKey, Signer, b64url, b64url_decode};
use serde::{Deserialize, Serialize};

use crate::{encoding::Malformed, signed::MAX_SIGNATURES};

const TYPE: &str = "jumin-operation+jwt";
const MAX_HEADER_BYTES: usize = 1024;

/// The wire form. Unprotected headers are not accepted: nothing would vouch for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GeneralJws {
    pub(crate) payload: String,
    pub(crate) signatures: Vec<WireSignature>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireSignature {
    protected: String,
    signature: String,
}

/// The protected header; an unknown member, `crit` included, is refused (RFC 7515 §4.1.11).
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Protected {
    alg: String,
    typ: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    jwk: Option<Jwk>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
}

/// How a signature names its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyName {
    Jwk(PublicKey),
    Kid(String),
}

/// One signature, its header parsed but nothing verified.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) key: KeyName,
    signing_input: Vec<u8>,
    signature: Vec<u8>,
    verified_by: OnceLock<PublicKey>,
}

impl GeneralJws {
    /// Decodes the payload and each signature's header.
    pub(crate) fn decode(&self) -> Result<(Vec<u8>, Vec<Signature>), Malformed> {
        if !(1..=MAX_SIGNATURES).contains(&self.signatures.len()) {
            return Err(Malformed("number of signatures"));
        }
        let payload = b64url_decode(&self.payload).map_err(|_| Malformed("payload"))?;
        let signatures = self
            .signatures
            .iter()
            .map(|wire| wire.decode(&self.payload))
            .collect::<Result<_, _>>()?;
        Ok((payload, signatures))
    }
}

impl WireSignature {
    fn decode(&self, payload: &str) -> Result<Signature, Malformed> {
        let header = b64url_decode(&self.protected).map_err(|_| Malformed("protected header"))?;
        if header.len() > MAX_HEADER_BYTES {
            return Err(Malformed("protected header"));
        }
        let header: Protected =
            serde_json::from_slice(&header).map_err(|_| Malformed("protected header"))?;
        if header.alg != "ES256" {
            return Err(Malformed("signature algorithm"));
        }
        if header.typ != TYPE {
            return Err(Malformed("signature type"));
        }
        let key = match (header.jwk, header.kid) {
            (Some(jwk), None) => {
                KeyName::Jwk(PublicKey::from_jwk(&jwk).map_err(|_| Malformed("signature key"))?)
            }
            (None, Some(kid)) => KeyName::Kid(kid),
            _ => return Err(Malformed("signature key")),
        };
        Ok(Signature {
            key,
            signing_input: signing_input(&self.protected, payload),
            signature: b64url_decode(&self.signature).map_err(|_| Malformed("signature"))?,
            verified_by: OnceLock::new(),
        })
    }

    /// Signs `payload` (base64url) and names the key in the protected header.
    pub(crate) fn sign(
        payload: &str,
        kid: Option<&str>,
        signer: &dyn Signer,
    ) -> Result<Self, jumin_identity::SignError> {
        let header = Protected {
            alg: "ES256".to_owned(),
            typ: TYPE.to_owned(),
            jwk: kid.is_none().then(|| signer.public_key().to_jwk()),
            kid: kid.map(str::to_owned),
        };
        let protected = b64url(&serde_json::to_vec(&header).unwrap_or_default());
        let signature = signer.sign(&signing_input(&protected, payload))?;
        Ok(Self {
            protected,
            signature: b64url(&signature),
        })
    }
}

impl Signature {
    /// Tells whether `key` made this signature.
    ///
    /// A validator checks an operation when it comes, when it builds a block and when it executes one; what was verified is
    /// of these very bytes and this very key, so it needs no second look.
    pub(crate) fn is_by(&self, key: &PublicKey) -> bool {
        if self.verified_by.get() == Some(key) {
            return true;
        }
        let verified = key.verify(&self.signing_input, &self.signature).is_ok();
        if verified {
            // When it was verified by two keys, the first is remembered.
            let _ = self.verified_by.set(key.clone());
        }
        verified
    }
}

/// RFC 7515 §5.1 step 5.
fn signing_input(protected: &str, payload: &str) -> Vec<u8> {
    [protected, payload].join(".").into_bytes()
}

#[cfg(test)]
mod tests {
    use jumin_identity::FileKey;

    use super::*;

    fn signature(signer: &FileKey) -> Signature {
        let payload = b64url(b"payload");
        let wire = WireSignature::sign(&payload, Some("governance#0"), signer);
        wire.unwrap().decode(&payload).unwrap()
    }

    #[test]
    fn signature_that_was_verified_by_one_key_is_not_taken_for_another_s() {
        let (signer, other) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
        let signature = signature(&signer);
        for _ in 0..2 {
            assert!(signature.is_by(signer.public_key()));
            assert!(!signature.is_by(other.public_key()));
        }
    }

    #[test]
    fn false_signature_stays_false() {
        let signer = FileKey::generate().unwrap();
        let mut signature = signature(&signer);
        signature.signature[5] ^= 1;
        for _ in 0..2 {
            assert!(!signature.is_by(signer.public_key()));
        }
    }
}
