//! Limits on guessing: the count of wrong tries is on disk before a try is checked, and in the keyring too.
//!
//! The record is bound to its vault: by a key from the keyring's secret, which a thief of the files lacks. Without a keyring
//! nothing is secret before the passphrase is right, so there the tag shows damage, and no forgery by who knows this code.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use aws_lc_rs::hmac;
use jumin_identity::{b64url, b64url_decode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::device::DeviceStore;
use super::moment::Moment;
use super::secret::SecretKey;
use super::{VaultError, device_name};
use crate::home::Home;

pub(super) const FILE: &str = "tries.json";
pub(super) const ENTRY: &str = "tries";
const FILE_MAX: u64 = 1024;
const TAG_INFO: &[u8] = b"jumin wallet vault 1: count of tries";
/// So many wrong tries in a row cost nothing.
const FREE: u32 = 5;
/// After so many wrong tries in a row a vault with a keyring stays shut.
pub(crate) const LIMIT: u32 = 10;
/// Seconds to wait after the 5th, 6th, 7th, 8th and 9th wrong try, and after each one more where nothing shuts for good.
const WAITS: [u64; 5] = [30, 60, 300, 900, 3600];

/// The state of guessing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tries {
    /// Grows with every change and never goes back: an older copy that is put back shows by it.
    sequence: u64,
    /// Wrong tries in a row.
    failed: u32,
    /// When the last was made, or when the record was found lost.
    since: Moment,
    /// Whether the record was lost, changed or put back; until the next try.
    suspicious: bool,
}

/// A record as it is kept, with its tag.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    tries: Tries,
    tag: String,
}

impl Tries {
    /// Returns the seconds that are to pass after the last try.
    fn wait(&self) -> u64 {
        let Some(step) = self.failed.checked_sub(FREE) else {
            return 0;
        };
        let wait = WAITS.get(step as usize).or(WAITS.last());
        wait.copied().unwrap_or_default()
    }

    /// Makes the record that follows this one.
    fn next(&self, failed: u32, since: Moment) -> Self {
        Self {
            sequence: self.sequence.saturating_add(1),
            failed,
            since,
            suspicious: false,
        }
    }
}

/// The record in the wallet's folder and, where there is one, in the keyring.
pub(super) struct TryBook<'a> {
    home: &'a Home,
    device: Option<&'a dyn DeviceStore>,
    vault_id: &'a str,
    key: hmac::Key,
}

impl<'a> TryBook<'a> {
    /// Opens the record of a vault; `part` is the keyring's secret, where the vault has a keyring.
    pub(super) fn new(
        home: &'a Home,
        vault_id: &'a str,
        keyring: Option<(&'a dyn DeviceStore, &SecretKey)>,
    ) -> Result<Self, VaultError> {
        let secret: &[u8] = keyring.map_or(&[], |(_, part)| part.bytes());
        let mut key = Zeroizing::new([0; 32]);
        Salt::new(HKDF_SHA256, vault_id.as_bytes())
            .extract(secret)
            .expand(&[TAG_INFO], Length(key.len()))
            .and_then(|okm| okm.fill(&mut *key))
            .map_err(|_| VaultError::Derivation)?;
        Ok(Self {
            home,
            device: keyring.map(|(device, _)| device),
            vault_id,
            key: hmac::Key::new(hmac::HMAC_SHA256, &*key),
        })
    }

    /// Writes the first record of a new vault.
    pub(super) fn begin(&self, now: Moment) -> Result<(), VaultError> {
        self.write(&Tries::default().next(0, now))
    }

    /// Counts a try that is about to be made, if one may be made now; the wait runs from it.
    pub(super) fn count(&self, now: &Moment) -> Result<Tries, VaultError> {
        let before = self.read(now)?;
        self.allow(&before, now)?;
        let counted = before.next(before.failed.saturating_add(1), now.clone());
        if let Err(error) = self.write(&counted) {
            // No try is made, so none is counted; where this fails too, the count is one too high, never too low.
            let _ = self.put(&counted.next(before.failed, before.since));
            return Err(error);
        }
        Ok(counted)
    }

    /// Forgets the wrong tries after a right one.
    pub(super) fn clear(&self, counted: &Tries, now: Moment) -> Result<(), VaultError> {
        self.write(&counted.next(0, now))
    }

    /// Says what a wrong try leaves: tries until the vault stays shut, if it ever does, and seconds until the next.
    pub(super) fn wrong(&self, counted: &Tries) -> VaultError {
        VaultError::WrongSecret {
            left: self.device.map(|_| LIMIT.saturating_sub(counted.failed)),
            seconds: counted.wait(),
        }
    }

    fn allow(&self, tries: &Tries, now: &Moment) -> Result<(), VaultError> {
        // Without a keyring whoever can reach the file can renew it: a lock for good would shut out its owner alone.
        if self.device.is_some() && tries.failed >= LIMIT {
            return Err(VaultError::LockedOut);
        }
        let waited = now.since(&tries.since).unwrap_or(0);
        match (tries.wait().saturating_sub(waited), tries.suspicious) {
            (0, _) => Ok(()),
            (seconds, true) => Err(VaultError::CountLost { seconds }),
            (seconds, false) => Err(VaultError::TooSoon { seconds }),
        }
    }

    /// Reads the record. What is wrong with it is written down at once, so that the wait it costs begins once and passes.
    fn read(&self, now: &Moment) -> Result<Tries, VaultError> {
        let on_disk = self.on_disk()?;
        let found = match self.device {
            None => on_disk.ok_or_else(|| suspicious(&[], now)),
            Some(device) => newest(on_disk, self.in_keyring(device)?, now),
        };
        let again = match found {
            Ok(found) if now.since(&found.since).is_some() => return Ok(found),
            // The clock was set back: the wait begins again, from the clock as it is now.
            Ok(found) => Tries {
                suspicious: found.suspicious,
                ..found.next(found.failed, now.clone())
            },
            Err(suspicious) => suspicious,
        };
        self.write(&again)?;
        Ok(again)
    }

    fn on_disk(&self) -> Result<Option<Tries>, VaultError> {
        match self.home.read(FILE, FILE_MAX) {
            Ok(bytes) => Ok(self.authentic(&bytes)),
            Err(error) => match error.kind() {
                std::io::ErrorKind::NotFound | std::io::ErrorKind::InvalidData => Ok(None),
                _ => Err(VaultError::Storage(error)),
            },
        }
    }

    fn in_keyring(&self, device: &dyn DeviceStore) -> Result<Option<Tries>, VaultError> {
        let kept = device.read(&device_name(self.vault_id, ENTRY))?;
        Ok(kept.and_then(|bytes| self.authentic(&bytes)))
    }

    /// Takes a record whose tag is this vault's.
    fn authentic(&self, bytes: &[u8]) -> Option<Tries> {
        let kept: Kept = serde_json::from_slice(bytes).ok()?;
        let tag = b64url_decode(&kept.tag).ok()?;
        hmac::verify(&self.key, &serde_json::to_vec(&kept.tries).ok()?, &tag).ok()?;
        Some(kept.tries)
    }

    /// Writes the record in both places and waits until the disk has it: a file behind the keyring's is an older copy.
    fn write(&self, tries: &Tries) -> Result<(), VaultError> {
        let bytes = self.put(tries)?;
        if let Some(device) = self.device {
            device.write(&device_name(self.vault_id, ENTRY), &bytes)?;
        }
        Ok(())
    }

    fn put(&self, tries: &Tries) -> Result<Vec<u8>, VaultError> {
        let text = serde_json::to_vec(tries).map_err(|_| VaultError::Derivation)?;
        let kept = Kept {
            tag: b64url(hmac::sign(&self.key, &text).as_ref()),
            tries: tries.clone(),
        };
        let bytes = serde_json::to_vec(&kept).map_err(|_| VaultError::Derivation)?;
        self.home.write(FILE, &bytes).map_err(VaultError::Storage)?;
        Ok(bytes)
    }
}

/// Takes the file's record where it is at least as new as the keyring's. It may be newer: it is written first, and the
/// keyring may fail then. Where one is lost, or the file is an older copy that was put back, the suspicion is the error.
fn newest(on_disk: Option<Tries>, kept: Option<Tries>, now: &Moment) -> Result<Tries, Tries> {
    match (on_disk, kept) {
        (Some(on_disk), Some(kept)) if on_disk.sequence >= kept.sequence => Ok(on_disk),
        (Some(on_disk), Some(kept)) => Err(suspicious(&[on_disk, kept], now)),
        (Some(known), None) | (None, Some(known)) => Err(suspicious(&[known], now)),
        (None, None) => Err(suspicious(&[], now)),
    }
}

/// Makes the record of one that was lost, changed or put back: what is still known of it counts on, and the free tries are
/// used up.
fn suspicious(known: &[Tries], now: &Moment) -> Tries {
    let failed = known.iter().map(|tries| tries.failed).max().unwrap_or(0);
    let sequence = known.iter().map(|tries| tries.sequence).max().unwrap_or(0);
    Tries {
        sequence: sequence.saturating_add(1),
        failed: failed.max(FREE),
        since: now.clone(),
        suspicious: true,
    }
}

/// The length of a derived key in bytes.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests;
