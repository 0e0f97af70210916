//! Secrets as types of their own: wiped when dropped and never printed.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// Is the PIN or passphrase as the citizen typed it.
#[derive(Clone)]
pub struct UnlockSecret(Zeroizing<String>);

impl UnlockSecret {
    /// Takes over what was typed.
    pub fn new(typed: String) -> Self {
        Self(Zeroizing::new(typed))
    }

    /// Says whether two entries are the same.
    pub fn same_as(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }

    /// Counts characters, not bytes: a Korean passphrase is as long as it looks.
    pub(crate) fn characters(&self) -> usize {
        self.0.chars().count()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for UnlockSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnlockSecret(..)")
    }
}

/// Is a 256-bit key: of the database, or one that wraps it, or the part of one that the device keeps.
pub(crate) struct SecretKey([u8; 32]);

impl SecretKey {
    #[cfg(test)]
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    pub(crate) fn random() -> Self {
        Self(jumin_identity::random_bytes())
    }

    /// Takes exactly 32 bytes.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Writes the key as SQLCipher's raw key literal, which skips its own key derivation.
    pub(crate) fn to_raw_key_literal(&self) -> Zeroizing<String> {
        let mut out = Zeroizing::new(String::with_capacity(67));
        out.push_str("x'");
        for byte in self.0 {
            for digit in [byte >> 4, byte & 15] {
                out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        out.push('\'');
        out
    }
}

impl Drop for SecretKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_no_secret() {
        assert_eq!(
            format!("{:?}", UnlockSecret::new("135790".into())),
            "UnlockSecret(..)"
        );
        assert_eq!(format!("{:?}", SecretKey::new([7; 32])), "SecretKey(..)");
    }

    #[test]
    fn raw_key_literal_is_hexadecimal() {
        let literal = SecretKey::new([0xa5; 32]).to_raw_key_literal();
        assert_eq!(*literal, format!("x'{}'", "a5".repeat(32)));
    }
}
