//! Secrets that the issuer hands out and afterwards knows by their digest only.

use std::fmt;

use aws_lc_rs::hmac;
use jumin_identity::{b64url, b64url_decode, random_bytes, sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A random 256-bit text: an offer's id, a code, an access token or the console's token.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Draws a secret from the system's random numbers.
    pub fn random() -> Self {
        Self(b64url(&random_bytes::<32>()))
    }

    /// Takes a secret that somebody presents.
    pub fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Shows the secret, for handing it out.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The form in which the store knows it.
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }

    /// Derives the pre-authorized code of the offer with this id: who may read the offer may know the code, and the
    /// store needs neither.
    pub fn code_of_offer(&self) -> Self {
        let digest = sha256(&[b"jumin pre-authorized code\0", self.0.as_bytes()].concat());
        Self(b64url(&digest))
    }

    /// Binds a short transaction code to this pre-authorized code, so that its digest alone can't be searched.
    pub fn tx_code_digest(&self, tx_code: &str) -> [u8; 32] {
        let parts: [&[u8]; 4] = [
            b"jumin transaction code\0",
            self.0.as_bytes(),
            b"\0",
            tx_code.as_bytes(),
        ];
        sha256(&parts.concat())
    }

    /// Compares in a time that doesn't depend on where the texts differ.
    pub fn equals(&self, other: &Self) -> bool {
        same(&self.digest(), &other.digest())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Compares two digests in constant time.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Draws a transaction code: `digits` decimal digits, each as likely as any other.
pub fn random_tx_code(digits: usize) -> String {
    let mut code = String::with_capacity(digits);
    while code.len() < digits {
        // 250 is the largest multiple of 10 in a byte: larger ones would favour small digits.
        let fair = random_bytes::<32>().into_iter().filter(|byte| *byte < 250);
        code.extend(
            fair.take(digits - code.len())
                .map(|byte| char::from(b'0' + byte % 10)),
        );
    }
    code
}

/// Makes and recognizes `c_nonce` values (OID4VCI 1.0 §7).
///
/// A nonce is its time, 128 random bits and a MAC over both: asking for one writes nothing, so that an endpoint open to
/// everybody can't fill the store. The store remembers the digests of used ones until they expire.
pub struct NonceKey(hmac::Key);

/// Why a nonce isn't one to accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonceRefused {
    NotOurs,
    Expired,
}

impl NonceKey {
    /// How long a nonce may be used, in seconds.
    pub const LIFETIME: u64 = 300;
    const TEXT: usize = 54;
    const MAC: usize = 16;

    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Makes a nonce at `now` (Unix seconds).
    pub fn issue(&self, now: u64, random: [u8; 16]) -> String {
        let mut bytes = [&now.to_be_bytes()[..], &random[..]].concat();
        let mac = hmac::sign(&self.0, &bytes);
        bytes.extend_from_slice(&mac.as_ref()[..Self::MAC]);
        b64url(&bytes)
    }

    /// Checks that a nonce is one of ours and still fresh; returns when it expires.
    pub fn check(&self, nonce: &str, now: u64) -> Result<u64, NonceRefused> {
        let bytes = (nonce.len() == Self::TEXT)
            .then(|| b64url_decode(nonce).ok())
            .flatten()
            .ok_or(NonceRefused::NotOurs)?;
        let (body, mac) = bytes.split_at_checked(24).ok_or(NonceRefused::NotOurs)?;
        let expected = hmac::sign(&self.0, body);
        if !same(&expected.as_ref()[..Self::MAC], mac) {
            return Err(NonceRefused::NotOurs);
        }
        let made = body
            .first_chunk::<8>()
            .map(|time| u64::from_be_bytes(*time))
            .ok_or(NonceRefused::NotOurs)?;
        let expires = made.saturating_add(Self::LIFETIME);
        if now >= expires || made > now {
            return Err(NonceRefused::Expired);
        }
        Ok(expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonce_is_accepted_until_it_expires() {
        let key = NonceKey::new(&[7; 32]);
        let nonce = key.issue(1000, [1; 16]);
        assert_eq!(key.check(&nonce, 1000), Ok(1300));
        assert_eq!(key.check(&nonce, 1300), Err(NonceRefused::Expired));
        assert_eq!(key.check(&nonce, 999), Err(NonceRefused::Expired));
    }

    #[test]
    fn nonce_of_another_key_or_changed_is_refused() {
        let key = NonceKey::new(&[7; 32]);
        let nonce = NonceKey::new(&[8; 32]).issue(1000, [1; 16]);
        assert_eq!(key.check(&nonce, 1000), Err(NonceRefused::NotOurs));
        let mut changed = key.issue(1000, [1; 16]);
        changed.replace_range(3..4, if &changed[3..4] == "A" { "B" } else { "A" });
        assert_eq!(key.check(&changed, 1000), Err(NonceRefused::NotOurs));
        assert_eq!(key.check("", 1000), Err(NonceRefused::NotOurs));
        assert_eq!(key.check(&"é".repeat(27), 1000), Err(NonceRefused::NotOurs));
    }

    #[test]
    fn secrets_are_256_bits_and_hidden_from_debug_output() {
        let secret = Secret::random();
        assert_eq!(
            b64url_decode(secret.reveal()).map(|bytes| bytes.len()),
            Ok(32)
        );
        assert!(!format!("{secret:?}").contains(secret.reveal()));
        assert_ne!(secret.digest(), Secret::random().digest());
        assert!(secret.equals(&Secret::presented(secret.reveal())));
    }

    #[test]
    fn transaction_codes_have_the_asked_number_of_digits() {
        let code = random_tx_code(6);
        assert_eq!(code.len(), 6);
        assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
    }

    #[test]
    fn transaction_code_digest_depends_on_the_offer() {
        let (one, two) = (Secret::random(), Secret::random());
        assert_ne!(one.tx_code_digest("123456"), two.tx_code_digest("123456"));
        assert_ne!(one.code_of_offer().reveal(), one.reveal());
    }
}
