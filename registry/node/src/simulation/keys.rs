//! Keys and signatures that are the same in every run of a seed.

use jumin_identity::{PublicKey, SignError, Signer, sha256};
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};

/// A P-256 key made from a name; its signatures are deterministic (RFC 6979), those of the product are not.
pub(super) struct SeededKey {
    key: SigningKey,
    public: PublicKey,
}

impl SeededKey {
    pub(super) fn new(name: &str) -> Self {
        let key = SigningKey::from_slice(&sha256(name.as_bytes())).expect("a scalar in range");
        let point = key.verifying_key().to_sec1_point(true);
        Self {
            public: PublicKey::from_sec1(point.as_bytes()).expect("a point on the curve"),
            key,
        }
    }
}

impl Signer for SeededKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        let signature: Signature = self.key.sign(message);
        Ok(signature.to_bytes().into())
    }
}
