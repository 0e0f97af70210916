//! Passwords of console accounts: argon2id (RFC 9106), a few at a time.

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// RFC 9106 §4, second recommended option, on one lane: 64 MiB, 3 passes (OWASP asks for 19 MiB and 2 at least).
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// Hashes at a time: bounds the memory that sign-ins can take.
const AT_ONCE: usize = 2;
const PATIENCE: Duration = Duration::from_secs(10);
/// The hash of no password, with the parameters above: what a try for an unknown account is compared with.
const NOBODY: &str = "$argon2id$v=19$m=65536,t=3,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Characters that a new password has at least, and bytes at most.
pub const MIN_CHARACTERS: usize = 12;
pub const MAX_BYTES: usize = 1024;

/// Why a password can't be hashed or compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    #[error("a password has at least {MIN_CHARACTERS} characters and at most {MAX_BYTES} bytes")]
    Length,
    #[error("too many sign-ins at once; try again")]
    Busy,
    #[error("the password could not be hashed")]
    Hash,
}

/// Hashes and compares passwords.
pub struct Passwords(Arc<Semaphore>);

impl Default for Passwords {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }
}

impl Passwords {
    /// Says whether `password` is the one that was hashed; without a hash it takes as long and says no.
    pub async fn matches(
        &self,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let permit = Arc::clone(&self.0).acquire_owned();
        let permit = tokio::time::timeout(PATIENCE, permit).await;
        let permit = permit
            .map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Busy)?;
        let known = hash.is_some();
        let same = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, also when nobody waits for it any more.
            let _permit = permit;
            let hash = hash.as_deref().unwrap_or(NOBODY);
            PasswordHash::new(hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            })
        });
        Ok(same.await.map_err(|_| PasswordError::Hash)? && known)
    }
}

/// Hashes a new password.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if password.chars().count() < MIN_CHARACTERS || password.len() > MAX_BYTES {
        return Err(PasswordError::Length);
    }
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Hash)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let salt = jumin_identity::random_bytes::<16>();
    argon2
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash: PasswordHash| hash.to_string())
        .map_err(|_| PasswordError::Hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let hash = hash("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
        let passwords = Passwords::default();
        let matches = async |password: &str, hash: Option<&String>| {
            let password = Zeroizing::new(password.to_owned());
            passwords.matches(password, hash.cloned()).await.unwrap()
        };
        assert!(matches("correct horse battery", Some(&hash)).await);
        assert!(!matches("correct horse batterz", Some(&hash)).await);
        assert!(!matches("correct horse battery", None).await);
    }

    #[test]
    fn unknown_account_costs_as_much_as_a_known_one() {
        let (nobody, somebody) = (
            PasswordHash::new(NOBODY).unwrap(),
            hash("x".repeat(12).as_str()).unwrap(),
        );
        let somebody = PasswordHash::new(&somebody).unwrap();
        assert_eq!(nobody.params, somebody.params);
        assert_eq!(
            nobody.hash.map(|hash| hash.len()),
            somebody.hash.map(|hash| hash.len())
        );
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert_eq!(hash("eleven char"), Err(PasswordError::Length));
        assert_eq!(hash(&"x".repeat(1025)), Err(PasswordError::Length));
        assert!(hash(&"가".repeat(12)).is_ok());
    }
}
