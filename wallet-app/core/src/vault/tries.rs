//! Limits on guessing: the count of wrong tries is on disk before a try is checked, and in the keyring too.

use serde::{Deserialize, Serialize};

use super::device::DeviceStore;
use super::{VaultError, device_name};
use crate::home::Home;

pub(super) const FILE: &str = "tries.json";
pub(super) const ENTRY: &str = "tries";
const FILE_MAX: u64 = 1024;
/// So many wrong tries in a row cost nothing.
const FREE: u32 = 5;
/// After so many wrong tries in a row the vault stays shut.
pub(crate) const LIMIT: u32 = 10;
/// Seconds to wait after the 5th, 6th, 7th, 8th and 9th wrong try.
const WAITS: [u64; 5] = [30, 60, 300, 900, 3600];

/// Is the state of guessing: wrong tries in a row, and when the last was made (seconds since 1970).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Tries {
    failed: u32,
    last: u64,
}

impl Tries {
    /// Says whether a try may be made now.
    pub(super) fn allow(&self, now: u64) -> Result<(), VaultError> {
        if self.failed >= LIMIT {
            return Err(VaultError::LockedOut);
        }
        let Some(wait) = self
            .failed
            .checked_sub(FREE)
            .and_then(|step| WAITS.get(step as usize))
        else {
            return Ok(());
        };
        // A clock set back must not open the gate, nor keep it shut for longer than the wait.
        let waited = now.saturating_sub(self.last);
        match wait.saturating_sub(waited) {
            0 => Ok(()),
            seconds => Err(VaultError::TooSoon { seconds }),
        }
    }

    pub(super) fn left(&self) -> u32 {
        LIMIT.saturating_sub(self.failed)
    }

    /// Counts a try that is about to be made; the wait runs from it.
    pub(super) fn count(self, now: u64) -> Self {
        Self {
            failed: self.failed + 1,
            last: now,
        }
    }

    /// Takes the worse of two records, so that resetting one of them gains nothing.
    fn worse(self, other: Self) -> Self {
        match self.failed.cmp(&other.failed) {
            std::cmp::Ordering::Less => other,
            std::cmp::Ordering::Greater => self,
            std::cmp::Ordering::Equal => Self {
                failed: self.failed,
                last: self.last.max(other.last),
            },
        }
    }
}

/// Keeps the record in the wallet's folder and, where there is one, in the keyring.
pub(super) struct TryBook<'a> {
    pub(super) home: &'a Home,
    pub(super) device: Option<&'a dyn DeviceStore>,
    pub(super) vault_id: &'a str,
}

impl TryBook<'_> {
    /// Reads the record; a missing or damaged file counts as used-up free tries.
    pub(super) fn read(&self, now: u64) -> Result<Tries, VaultError> {
        let suspicious = Tries {
            failed: FREE,
            last: now,
        };
        let on_disk = match self.home.read(FILE, FILE_MAX) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or(suspicious),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => suspicious,
            Err(error) => return Err(VaultError::Storage(error)),
        };
        let Some(device) = self.device else {
            return Ok(on_disk);
        };
        let kept = device.read(&device_name(self.vault_id, ENTRY))?;
        let kept = match kept {
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or(suspicious),
            None => Tries::default(),
        };
        Ok(on_disk.worse(kept))
    }

    /// Writes the record in both places and waits until the disk has it.
    pub(super) fn write(&self, tries: Tries) -> Result<(), VaultError> {
        let bytes = serde_json::to_vec(&tries).map_err(|_| VaultError::Derivation)?;
        self.home.write(FILE, &bytes).map_err(VaultError::Storage)?;
        if let Some(device) = self.device {
            device.write(&device_name(self.vault_id, ENTRY), &bytes)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_after_five_wrong_tries_and_end_in_a_lock() {
        let at = |failed| Tries { failed, last: 1000 };
        assert!(at(4).allow(1000).is_ok());
        for (failed, wait) in [(5, 30), (6, 60), (7, 300), (8, 900), (9, 3600)] {
            let tries = at(failed);
            assert!(
                matches!(tries.allow(1000), Err(VaultError::TooSoon { seconds }) if seconds == wait)
            );
            assert!(tries.allow(1000 + wait).is_ok());
        }
        assert!(matches!(at(10).allow(u64::MAX), Err(VaultError::LockedOut)));
    }

    #[test]
    fn clock_set_back_does_not_open_the_gate() {
        let tries = Tries {
            failed: 5,
            last: 1000,
        };
        assert!(matches!(
            tries.allow(10),
            Err(VaultError::TooSoon { seconds: 30 })
        ));
    }
}
