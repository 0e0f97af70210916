//! Passwords of console accounts: argon2id (RFC 9106), a few at a time, known devices and strangers in lines of their own.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use super::throttle::Source;

/// RFC 9106 §4, second recommended option, on one lane: 64 MiB, 3 passes (OWASP asks for 19 MiB and 2 at least).
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
/// Hashes at a time in each line: with two lines, sign-ins take 128 MiB at most.
const AT_ONCE: usize = 1;
/// How many wait in a line; one more is told to come again.
const MOST_IN_LINE: usize = 16;
/// How many of them come from one address.
const MOST_OF_ONE: usize = 4;
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

/// Compares passwords. However many strangers wait, a known device waits only behind known devices.
#[derive(Default)]
pub struct Passwords {
    known: Line,
    strangers: Line,
}

/// Some that take turns at hashing.
struct Line {
    turns: Arc<Semaphore>,
    waiting: Arc<Mutex<HashMap<Source, usize>>>,
}

/// A place in a line, given back when whoever has it leaves.
struct Place {
    waiting: Arc<Mutex<HashMap<Source, usize>>>,
    of: Source,
}

/// The turn to compare one password.
pub struct Turn {
    _permit: OwnedSemaphorePermit,
    _place: Place,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::default(),
        }
    }
}

impl Line {
    async fn turn(&self, of: Source) -> Result<Turn, PasswordError> {
        let place = self.enter(of).ok_or(PasswordError::Busy)?;
        let permit = Arc::clone(&self.turns).acquire_owned();
        let permit = tokio::time::timeout(PATIENCE, permit).await;
        let permit = permit
            .map_err(|_| PasswordError::Busy)?
            .map_err(|_| PasswordError::Busy)?;
        Ok(Turn {
            _permit: permit,
            _place: place,
        })
    }

    fn enter(&self, of: Source) -> Option<Place> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let own = waiting.get(&of).copied().unwrap_or_default();
        let most = match of {
            Source::Party(_) => MOST_OF_ONE,
            Source::Local => MOST_IN_LINE,
        };
        if own >= most || waiting.values().sum::<usize>() >= MOST_IN_LINE {
            return None;
        }
        waiting.insert(of, own + 1);
        drop(waiting);
        Some(Place {
            waiting: Arc::clone(&self.waiting),
            of,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get_mut(&self.of) {
            Some(own) if *own > 1 => *own -= 1,
            _ => drop(waiting.remove(&self.of)),
        }
    }
}

impl Passwords {
    /// Waits for the turn to compare a password; full lines are [`PasswordError::Busy`] at once.
    pub async fn turn(&self, known: bool, source: Source) -> Result<Turn, PasswordError> {
        let line = if known { &self.known } else { &self.strangers };
        line.turn(source).await
    }
}

impl Turn {
    /// Says whether `password` is the one that was hashed; without a hash it takes as long and says no.
    pub async fn matches(
        self,
        password: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let same = tokio::task::spawn_blocking(move || {
            // Kept until the work is done, also when nobody waits for it any more.
            let _turn = self;
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
impl Passwords {
    /// As many strangers as may wait.
    pub fn crowd_of_strangers(&self) -> Vec<impl Drop> {
        let places = (0..MOST_IN_LINE).map(|_| self.strangers.enter(Source::Local));
        places.map(Option::unwrap).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn party(last: u8) -> Source {
        Source::of(Some([192, 0, 2, last].into()))
    }

    #[tokio::test]
    async fn only_the_right_password_matches() {
        let hash = hash("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"));
        let passwords = Passwords::default();
        let matches = async |password: &str, hash: Option<&String>| {
            let password = Zeroizing::new(password.to_owned());
            let turn = passwords.turn(false, Source::Local).await.unwrap();
            turn.matches(password, hash.cloned()).await.unwrap()
        };
        assert!(matches("correct horse battery", Some(&hash)).await);
        assert!(!matches("correct horse batterz", Some(&hash)).await);
        assert!(!matches("correct horse battery", None).await);
    }

    #[tokio::test]
    async fn strangers_in_line_keep_no_known_device_waiting() {
        let passwords = Passwords::default();
        let _hashing = passwords.turn(false, party(1)).await.unwrap();
        let waiting: Vec<_> = (0..MOST_IN_LINE - 1)
            .filter_map(|n| passwords.strangers.enter(party(2 + n as u8 / 4)))
            .collect();
        assert_eq!(waiting.len(), MOST_IN_LINE - 1);
        let one_more = at_once(passwords.turn(false, party(200)));
        assert_eq!(one_more.err(), Some(PasswordError::Busy));
        assert!(at_once(passwords.turn(true, party(1))).is_ok());
    }

    /// The answer of what need not wait.
    fn at_once<F: Future>(future: F) -> F::Output {
        let mut context = Context::from_waker(Waker::noop());
        match pin!(future).poll(&mut context) {
            Poll::Ready(answer) => answer,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[tokio::test]
    async fn one_address_fills_no_line() {
        let passwords = Passwords::default();
        let places: Vec<_> = (0..20)
            .filter_map(|_| passwords.strangers.enter(party(1)))
            .collect();
        assert_eq!(places.len(), MOST_OF_ONE);
        assert!(passwords.strangers.enter(party(2)).is_some());
        drop(places);
        let waiting = passwords.strangers.waiting.lock().unwrap();
        assert!(waiting.is_empty(), "addresses are forgotten");
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
