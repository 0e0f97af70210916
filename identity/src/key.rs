//! P-256 keys and ES256 signatures (RFC 7518 §3.4) behind one small trait for whoever holds the private key.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::encoding::{b64url, b64url_array, sha256};

/// A P-256 SubjectPublicKeyInfo ends with the 65 bytes of the uncompressed point (RFC 5480 §2).
const SPKI_POINT_AT: usize = 26;

/// Says why something is not a P-256 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The JWK is of another kind than `EC` / `P-256`.
    #[error("not a P-256 key")]
    UnsupportedKey,
    /// A JWK that should be public has the private member `d`.
    #[error("a private key was given where a public one belongs")]
    PrivateKey,
    /// The bytes are not a point on the curve, or not an encoded key at all.
    #[error("malformed key")]
    Malformed,
    /// The cryptographic library failed.
    #[error("the key could not be made")]
    Failed,
}

impl KeyError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnsupportedKey => "unsupported",
            Self::PrivateKey | Self::Malformed => "malformed",
            Self::Failed => "key_failed",
        }
    }
}

/// Says that a signature does not belong to a message and a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct SignatureInvalid;

/// Says that a signer could not sign.
#[derive(Debug, thiserror::Error)]
#[error("the signer failed")]
pub struct SignError(#[source] pub(crate) Option<Box<dyn std::error::Error + Send + Sync>>);

impl SignError {
    /// Makes the error of a signer that failed for some reason of its own.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(Some(source.into()))
    }

    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        "sign_failed"
    }
}

/// Is a public P-256 key in the form of RFC 7517; coordinates are base64url of 32 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// Is always `EC`.
    pub kty: String,
    /// Is always `P-256`.
    pub crv: String,
    /// Is the x coordinate.
    pub x: String,
    /// Is the y coordinate.
    pub y: String,
    /// Says that there was a `d`, which a public key never has, so that it can be refused.
    #[serde(default, rename = "d", skip_serializing, deserialize_with = "is_there")]
    private: bool,
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    de::IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// Is a public P-256 key, parsed once and cheap to clone.
#[derive(Clone)]
pub struct PublicKey(Arc<Parsed>);

struct Parsed {
    point: [u8; 65],
    key: ParsedPublicKey,
}

impl PublicKey {
    /// Takes a key from its JWK (RFC 7518 §6.2.1); the point must be on the curve.
    pub fn from_jwk(jwk: &Jwk) -> Result<Self, KeyError> {
        if jwk.kty != "EC" || jwk.crv != "P-256" {
            return Err(KeyError::UnsupportedKey);
        }
        if jwk.private {
            return Err(KeyError::PrivateKey);
        }
        let coordinate = |text: &str| b64url_array::<32>(text).map_err(|_| KeyError::Malformed);
        let mut point = [4; 65];
        point[1..33].copy_from_slice(&coordinate(&jwk.x)?);
        point[33..].copy_from_slice(&coordinate(&jwk.y)?);
        Self::from_point(point)
    }

    /// Takes a key from a SEC 1 point: 33 bytes compressed or 65 bytes uncompressed.
    pub fn from_sec1(bytes: &[u8]) -> Result<Self, KeyError> {
        match (bytes.first(), bytes.len()) {
            (Some(4), 65) => Self::from_point(bytes.try_into().map_err(|_| KeyError::Malformed)?),
            (Some(2 | 3), 33) => Self::from_point(decompress(bytes)?),
            _ => Err(KeyError::Malformed),
        }
    }

    fn from_point(point: [u8; 65]) -> Result<Self, KeyError> {
        let key = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .map_err(|_| KeyError::Malformed)?;
        Ok(Self(Arc::new(Parsed { point, key })))
    }

    /// Returns the key as a JWK.
    pub fn to_jwk(&self) -> Jwk {
        let (kty, crv) = ("EC".to_owned(), "P-256".to_owned());
        Jwk {
            kty,
            crv,
            x: b64url(&self.0.point[1..33]),
            y: b64url(&self.0.point[33..]),
            private: false,
        }
    }

    /// Returns the compressed SEC 1 point.
    pub fn to_sec1_compressed(&self) -> [u8; 33] {
        let mut out = [0; 33];
        out[0] = 2 + (self.0.point[64] & 1);
        out[1..].copy_from_slice(&self.0.point[1..33]);
        out
    }

    /// Returns the uncompressed SEC 1 point.
    pub fn to_sec1_uncompressed(&self) -> [u8; 65] {
        self.0.point
    }

    /// Returns the SHA-256 JWK thumbprint (RFC 7638 §3).
    pub fn thumbprint(&self) -> [u8; 32] {
        let jwk = self.to_jwk();
        let canonical = format!(
            r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#,
            jwk.x, jwk.y
        );
        sha256(canonical.as_bytes())
    }

    /// Checks an ES256 signature, `r || s` in 64 bytes, over the SHA-256 of `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SignatureInvalid> {
        self.0
            .key
            .verify_sig(message, signature)
            .map_err(|_| SignatureInvalid)
    }
}

fn decompress(bytes: &[u8]) -> Result<[u8; 65], KeyError> {
    let key =
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes).map_err(|_| KeyError::Malformed)?;
    let der = key.as_der().map_err(|_| KeyError::Malformed)?;
    let point = der
        .as_ref()
        .get(SPKI_POINT_AT..)
        .ok_or(KeyError::Malformed)?;
    point.try_into().map_err(|_| KeyError::Malformed)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.point == other.0.point
    }
}

impl Eq for PublicKey {}

impl std::hash::Hash for PublicKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.point.hash(state);
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", b64url(&self.to_sec1_compressed()))
    }
}

impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_jwk().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_jwk(&Jwk::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Signs with ES256; a file, a PKCS#11 token or a vault stands behind it.
pub trait Signer: Send + Sync {
    /// Returns the public half of the key.
    fn public_key(&self) -> &PublicKey;

    /// Returns `r || s` over the SHA-256 of `message`.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

/// Draws bytes from the system's random number generator, for the edges that own a clock and a generator, and for tests.
///
/// # Panics
/// If the system has no working generator: nothing safe can be done without one.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    rand::fill(&mut out).expect("the system's random number generator works");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileKey;

    #[test]
    fn both_sec1_forms_and_the_jwk_are_one_key() {
        let key = FileKey::generate().unwrap();
        let public = key.public_key();
        assert_eq!(
            PublicKey::from_sec1(&public.to_sec1_compressed()),
            Ok(public.clone())
        );
        assert_eq!(
            PublicKey::from_sec1(&public.to_sec1_uncompressed()),
            Ok(public.clone())
        );
        assert_eq!(PublicKey::from_jwk(&public.to_jwk()), Ok(public.clone()));
        let json = serde_json::to_string(public).unwrap();
        assert_eq!(serde_json::from_str::<PublicKey>(&json).unwrap(), *public);
    }

    #[test]
    fn signature_of_another_message_or_key_does_not_verify() {
        let (key, other) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
        let signature = key.sign(b"message").unwrap();
        assert_eq!(key.public_key().verify(b"message", &signature), Ok(()));
        assert_eq!(
            key.public_key().verify(b"Message", &signature),
            Err(SignatureInvalid)
        );
        assert_eq!(
            other.public_key().verify(b"message", &signature),
            Err(SignatureInvalid)
        );
        assert_eq!(
            key.public_key().verify(b"message", &signature[..63]),
            Err(SignatureInvalid)
        );
        assert_eq!(
            key.public_key().verify(b"message", &[0; 64]),
            Err(SignatureInvalid)
        );
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let mut point = FileKey::generate()
            .unwrap()
            .public_key()
            .to_sec1_uncompressed();
        point[64] ^= 1;
        for bytes in [&point[..], &[4; 65], &[0], &[], &[2; 33][..32], &[0xff; 33]] {
            assert_eq!(PublicKey::from_sec1(bytes), Err(KeyError::Malformed));
        }
    }

    #[test]
    fn foreign_and_private_jwks_are_refused() {
        let jwk = serde_json::to_value(FileKey::generate().unwrap().public_key()).unwrap();
        let refusal = |name: &str, value: &str| {
            let mut jwk = jwk.clone();
            jwk[name] = value.into();
            PublicKey::from_jwk(&serde_json::from_value(jwk).unwrap()).err()
        };
        assert_eq!(refusal("kty", "RSA"), Some(KeyError::UnsupportedKey));
        assert_eq!(refusal("crv", "P-384"), Some(KeyError::UnsupportedKey));
        assert_eq!(refusal("d", "AAAA"), Some(KeyError::PrivateKey));
        assert_eq!(refusal("x", "AAAA"), Some(KeyError::Malformed));
        assert_eq!(refusal("use", "sig"), None);
    }

    /// RFC 7638 §3.1 has an RSA example only; this is the key of RFC 7515 appendix A.3.
    #[test]
    fn thumbprint_is_over_the_required_members_in_order() {
        let jwk = r#"{"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"x","crv":"P-256","kty":"EC",
            "x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}"#;
        let key: PublicKey = serde_json::from_str(jwk).unwrap();
        assert_eq!(
            b64url(&key.thumbprint()),
            "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"
        );
    }
}
