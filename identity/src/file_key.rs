//! Private keys in memory and in PKCS#8 files (RFC 5208, RFC 7468 §10).

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use p256::pkcs8::{LineEnding, SecretDocument};
use zeroize::Zeroizing;

use crate::key::{KeyError, PublicKey, SignError, Signer};

const PEM_LABEL: &str = "PRIVATE KEY";
const PEM_MAX: usize = 4096;

/// Is a private P-256 key held in memory, from or for a PKCS#8 file.
pub struct FileKey {
    pair: EcdsaKeyPair,
    public: PublicKey,
    der: Zeroizing<Vec<u8>>,
}

impl FileKey {
    /// Makes a fresh key with the system's random number generator.
    pub fn generate() -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .map_err(|_| KeyError::Failed)?;
        Self::from_pair(pair)
    }

    /// Reads an unencrypted PKCS#8 v1 key (RFC 5208) in DER.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, KeyError> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
            .map_err(|_| KeyError::Malformed)?;
        Self::from_pair(pair)
    }

    /// Reads an unencrypted PKCS#8 key in PEM (RFC 7468 §10).
    pub fn from_pkcs8_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.len() > PEM_MAX {
            return Err(KeyError::Malformed);
        }
        let (label, document) =
            SecretDocument::from_pem(pem.trim_start()).map_err(|_| KeyError::Malformed)?;
        if label != PEM_LABEL {
            return Err(KeyError::UnsupportedKey);
        }
        Self::from_pkcs8_der(document.as_bytes())
    }

    fn from_pair(pair: EcdsaKeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_sec1(pair.public_key().as_ref())?;
        let der = pair.to_pkcs8v1().map_err(|_| KeyError::Failed)?;
        Ok(Self {
            public,
            der: Zeroizing::new(der.as_ref().to_vec()),
            pair,
        })
    }

    /// Returns the key in PKCS#8 DER; the copy is wiped when dropped.
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        self.der.clone()
    }

    /// Returns the key in PKCS#8 PEM; the copy is wiped when dropped.
    pub fn to_pkcs8_pem(&self) -> Zeroizing<String> {
        SecretDocument::try_from(self.der.as_slice())
            .and_then(|document| document.to_pem(PEM_LABEL, LineEnding::LF))
            .unwrap_or_default()
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

impl Signer for FileKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let signature = self
            .pair
            .sign(&SystemRandom::new(), message)
            .map_err(|_| SignError(None))?;
        signature.as_ref().try_into().map_err(|_| SignError(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p256_verifies_what_aws_lc_signs() {
        use p256::ecdsa::{Signature, VerifyingKey, signature::Verifier};
        let key = FileKey::generate().unwrap();
        let verifying =
            VerifyingKey::from_sec1_bytes(&key.public_key().to_sec1_uncompressed()).unwrap();
        let signature = Signature::from_slice(&key.sign(b"message").unwrap()).unwrap();
        assert!(verifying.verify(b"message", &signature).is_ok());
    }

    #[test]
    fn private_key_survives_its_file_and_is_not_printed() {
        let key = FileKey::generate().unwrap();
        let read = FileKey::from_pkcs8_pem(&key.to_pkcs8_pem()).unwrap();
        assert_eq!(read.public_key(), key.public_key());
        assert!(
            key.to_pkcs8_pem()
                .starts_with("-----BEGIN PRIVATE KEY-----\n")
        );
        assert_eq!(read.to_pkcs8_der(), key.to_pkcs8_der());
        assert!(format!("{key:?}").len() < 100);
        assert_eq!(
            FileKey::from_pkcs8_pem("-----BEGIN PUBLIC KEY-----").unwrap_err(),
            KeyError::Malformed
        );
    }
}
