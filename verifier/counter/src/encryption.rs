use josekit::jwe::{self, ECDH_ES};
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::EcCurve;
use jumin_identity::{PublicKey, b64url_decode};
use serde_json::{Map, Value};

/// Longest encrypted response, in characters.
pub const MAX_RESPONSE_CHARACTERS: usize = 1024 * 1024;

/// Says why an encrypted response could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptionError {
    /// Not a compact JWE, or larger than 1 MiB.
    #[error("the response is not a compact JWE")]
    Malformed,
    /// An algorithm, or compression, that was not offered.
    #[error("the response is encrypted in a way that was not offered")]
    Unsupported,
    /// The key does not open it.
    #[error("the response cannot be decrypted")]
    Decrypt(#[source] josekit::JoseError),
    /// The key has no public half.
    #[error("the key of the response is not a P-256 key")]
    NoPublicKey,
    /// A key could not be made or read.
    #[error("the key of the response cannot be used")]
    Key(#[source] josekit::JoseError),
}

impl EncryptionError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            EncryptionError::Malformed => "response_malformed",
            EncryptionError::Unsupported => "response_unsupported",
            EncryptionError::Decrypt(_) => "response_undecryptable",
            EncryptionError::NoPublicKey | EncryptionError::Key(_) => "response_key",
        }
    }
}

/// Opens the encrypted response of one request: an ephemeral P-256 key that is forgotten when
/// the request is answered.
pub struct ResponseKey {
    private: Jwk,
}

impl ResponseKey {
    /// Makes a fresh key; `kid` names it to the wallet.
    pub fn generate(kid: &str) -> Result<ResponseKey, EncryptionError> {
        let mut private = Jwk::generate_ec_key(EcCurve::P256).map_err(EncryptionError::Key)?;
        private.set_key_id(kid);
        Ok(ResponseKey { private })
    }

    /// Reads the key back from its stored form.
    pub fn from_json(json: &str) -> Result<ResponseKey, EncryptionError> {
        let private = Jwk::from_bytes(json).map_err(EncryptionError::Key)?;
        Ok(ResponseKey { private })
    }

    /// Returns the private JWK, to be stored until the request is answered.
    pub fn to_json(&self) -> String {
        Value::Object(self.private.as_ref().clone()).to_string()
    }

    /// Returns the name by which the wallet refers to the key.
    pub fn kid(&self) -> &str {
        self.private.key_id().unwrap_or_default()
    }

    /// Returns the public half, for `client_metadata.jwks`.
    pub fn public_key(&self) -> Result<PublicKey, EncryptionError> {
        let member = |name| match self.private.parameter(name) {
            Some(Value::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let coordinates = member("x").zip(member("y"));
        let (x, y) = coordinates.ok_or(EncryptionError::NoPublicKey)?;
        let mut point = vec![4];
        point.extend(b64url_decode(x).map_err(|_| EncryptionError::NoPublicKey)?);
        point.extend(b64url_decode(y).map_err(|_| EncryptionError::NoPublicKey)?);
        PublicKey::from_sec1(&point).map_err(|_| EncryptionError::NoPublicKey)
    }

    /// Decrypts a response (compact JWE) and returns its payload.
    pub fn open(&self, response: &str) -> Result<Vec<u8>, EncryptionError> {
        check_header(response, self.private.key_id())?;
        let decrypter = ECDH_ES
            .decrypter_from_jwk(&self.private)
            .map_err(EncryptionError::Key)?;
        let (payload, _) =
            jwe::deserialize_compact(response, &decrypter).map_err(EncryptionError::Decrypt)?;
        Ok(payload)
    }
}

/// Lets only what was offered through, before any library decides by the header: no `zip` (a
/// small response would inflate without bound), no `crit`, no other key's name.
fn check_header(response: &str, kid: Option<&str>) -> Result<(), EncryptionError> {
    if response.len() > MAX_RESPONSE_CHARACTERS || response.split('.').count() != 5 {
        return Err(EncryptionError::Malformed);
    }
    let header = response.split('.').next().unwrap_or_default();
    let header = b64url_decode(header).map_err(|_| EncryptionError::Malformed)?;
    let header: Map<String, Value> =
        serde_json::from_slice(&header).map_err(|_| EncryptionError::Malformed)?;
    let text = |name: &str| header.get(name).and_then(Value::as_str);
    let offered = text("alg") == Some("ECDH-ES")
        && matches!(text("enc"), Some("A128GCM" | "A256GCM"))
        && !header.contains_key("zip")
        && !header.contains_key("crit")
        // OpenID4VP 1.0 §8.3: the JWE names the key by the same `kid`.
        && text("kid") == kid;
    if offered {
        Ok(())
    } else {
        Err(EncryptionError::Unsupported)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use josekit::jwe::JweHeader;

    fn seal(key: &ResponseKey, enc: &str, change: impl FnOnce(&mut JweHeader)) -> String {
        let mut public = serde_json::to_value(key.public_key().unwrap()).unwrap();
        public["kid"] = Value::from(key.kid());
        let public = Jwk::from_bytes(public.to_string()).unwrap();
        let mut header = JweHeader::new();
        header.set_content_encryption(enc);
        header.set_key_id(public.key_id().unwrap());
        change(&mut header);
        let encrypter = ECDH_ES.encrypter_from_jwk(&public).unwrap();
        jwe::serialize_compact(br#"{"vp_token":{}}"#, &header, &encrypter).unwrap()
    }

    #[test]
    fn a_response_to_the_key_opens_also_after_the_key_was_stored() {
        let key = ResponseKey::generate("1").unwrap();
        let stored = ResponseKey::from_json(&key.to_json()).unwrap();
        for enc in ["A128GCM", "A256GCM"] {
            let response = seal(&key, enc, |_| ());
            assert_eq!(stored.open(&response).unwrap(), br#"{"vp_token":{}}"#);
        }
    }

    #[test]
    fn the_public_key_has_no_private_member() {
        let key = ResponseKey::generate("1").unwrap().public_key().unwrap();
        assert!(serde_json::to_value(key).unwrap().get("d").is_none());
    }

    #[test]
    fn compression_foreign_algorithms_and_other_keys_are_refused() {
        let key = ResponseKey::generate("1").unwrap();
        let zipped = seal(&key, "A128GCM", |h| h.set_compression("DEF"));
        assert_eq!(
            key.open(&zipped).unwrap_err().code(),
            "response_unsupported"
        );
        let cbc = seal(&key, "A128CBC-HS256", |_| ());
        assert_eq!(key.open(&cbc).unwrap_err().code(), "response_unsupported");
        let named = seal(&key, "A128GCM", |h| h.set_key_id("2"));
        assert_eq!(key.open(&named).unwrap_err().code(), "response_unsupported");
        let other = ResponseKey::generate("1").unwrap();
        let sealed = seal(&other, "A128GCM", |_| ());
        assert_eq!(
            key.open(&sealed).unwrap_err().code(),
            "response_undecryptable"
        );
        for text in ["", "a.b.c", "....", "e30....", "%.a.b.c.d"] {
            assert!(key.open(text).is_err(), "{text}");
        }
    }
}
