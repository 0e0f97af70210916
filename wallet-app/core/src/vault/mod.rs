//! The vault: an SQLCipher database whose random key is sealed under the PIN and a secret in the desktop's keyring.
//!
//! A folder holds `vault.json` (the sealed key), `tries.json` (wrong tries in a row), `wallet.db` and `wallet.lock`.

mod database;
mod device;
mod envelope;
mod error;
mod moment;
mod secret;
mod tries;

use std::io;
use std::path::Path;
use std::sync::Arc;

use jumin_identity::{b64url, random_bytes};

use self::envelope::{Cost, Envelope, EnvelopeError};
use self::moment::{Moment, Uptime, system_uptime};
use self::secret::SecretKey;
use self::tries::TryBook;
use crate::home::{Home, HomeLock};

pub(crate) use self::database::Database;
pub use self::database::StoreError;
#[cfg(test)]
pub(crate) use self::device::testing::MemoryStore;
pub use self::device::{DeviceError, DeviceStore, SecretService};
pub use self::envelope::Protection;
pub use self::error::VaultError;
pub use self::secret::UnlockSecret;

const KEY_FILE: &str = "vault.json";
const KEY_FILE_MAX: u64 = 16 * 1024;
const DATABASE_FILE: &str = "wallet.db";
const DEVICE_ENTRY: &str = "secret";
/// The keyring's secret protects a short PIN; a passphrase has to stand alone.
const PIN_MIN: usize = 6;
const PASSPHRASE_MIN: usize = 10;
const SECRET_MAX: usize = 1024;

/// Is a vault whose folder this process holds; its database is open only while the citizen is there.
pub(crate) struct Vault {
    home: Home,
    envelope: Envelope,
    device: Option<Arc<dyn DeviceStore>>,
    uptime: fn() -> Option<Uptime>,
    _lock: HomeLock,
}

impl Vault {
    /// Makes a vault in an empty or new folder; with a `device` its secret goes there, without one a passphrase stands alone.
    pub(crate) fn create(
        path: &Path,
        secret: &UnlockSecret,
        device: Option<Arc<dyn DeviceStore>>,
    ) -> Result<(Self, Database), VaultError> {
        let protection = match device {
            Some(_) => Protection::Keyring,
            None => Protection::Passphrase,
        };
        let cost = Cost::for_new(protection);
        let (mut vault, database) = Self::create_at_cost(path, secret, device, cost)?;
        vault.uptime = system_uptime;
        Ok((vault, database))
    }

    fn create_at_cost(
        path: &Path,
        secret: &UnlockSecret,
        device: Option<Arc<dyn DeviceStore>>,
        cost: Cost,
    ) -> Result<(Self, Database), VaultError> {
        long_enough(secret, device.is_some())?;
        let home = Home::new(path);
        home.make().map_err(VaultError::Storage)?;
        let lock = home
            .lock()
            .map_err(VaultError::Storage)?
            .ok_or(VaultError::InUse)?;
        if home.has(KEY_FILE) {
            return Err(VaultError::Exists);
        }
        if home.has(DATABASE_FILE) {
            return Err(VaultError::Unfinished);
        }
        let id = b64url(&random_bytes::<12>());
        let key = SecretKey::random();
        let part = device.as_deref().map(|device| keep_part(device, &id));
        let part = part.transpose()?;
        let envelope = Envelope::seal(&id, cost, &key, secret, part.as_ref())?;
        let vault = Self {
            home,
            envelope,
            device,
            uptime: || None,
            _lock: lock,
        };
        vault.tries(part.as_ref())?.begin(vault.moment(0))?;
        let database = Database::create(&vault.home, DATABASE_FILE, &key)?;
        // The key file comes last: a crash before it leaves a folder that nobody mistakes for a wallet.
        let bytes = vault.envelope.to_bytes()?;
        vault
            .home
            .write(KEY_FILE, &bytes)
            .map_err(VaultError::Storage)?;
        Ok((vault, database))
    }

    /// Takes an existing vault's folder for this process; it stays locked. The keyring is connected to where the vault needs it.
    pub(crate) fn open(path: &Path) -> Result<Self, VaultError> {
        let mut vault = Self::open_with(path, || {
            SecretService::connect_unprobed().map(|service| Arc::new(service) as _)
        })?;
        vault.uptime = system_uptime;
        Ok(vault)
    }

    pub(crate) fn open_with(
        path: &Path,
        connect: impl FnOnce() -> Result<Arc<dyn DeviceStore>, DeviceError>,
    ) -> Result<Self, VaultError> {
        let home = Home::new(path);
        if !home.has(KEY_FILE) {
            return Err(match home.has(DATABASE_FILE) {
                true => VaultError::Unfinished,
                false => VaultError::Missing,
            });
        }
        let lock = home
            .lock()
            .map_err(VaultError::Storage)?
            .ok_or(VaultError::InUse)?;
        let bytes = home
            .read(KEY_FILE, KEY_FILE_MAX)
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => VaultError::Damaged { file: KEY_FILE },
                _ => VaultError::Storage(error),
            })?;
        let envelope = Envelope::from_bytes(&bytes)?;
        let device = match envelope.protection() {
            Protection::Keyring => Some(connect()?),
            Protection::Passphrase => None,
        };
        Ok(Self {
            home,
            envelope,
            device,
            uptime: || None,
            _lock: lock,
        })
    }

    /// Opens the database; `now` in seconds since 1970. The try is counted on disk before it is checked.
    pub(crate) fn unlock(&self, secret: &UnlockSecret, now: u64) -> Result<Database, VaultError> {
        let key = self.key(secret, now)?;
        Database::open(&self.home, DATABASE_FILE, &key)
    }

    fn key(&self, secret: &UnlockSecret, now: u64) -> Result<SecretKey, VaultError> {
        let part = self.part()?;
        let book = self.tries(part.as_ref())?;
        // Where memory is short nothing is compared: then no try is made, and a right PIN uses none up.
        let derived = self.envelope.derive(secret, part.as_ref())?;
        let counted = book.count(&self.moment(now))?;
        match derived.open() {
            Ok(key) => {
                book.clear(&counted, self.moment(now))?;
                Ok(key)
            }
            Err(EnvelopeError::WrongSecret) => Err(book.wrong(&counted)),
            Err(error) => Err(error.into()),
        }
    }

    /// Seals the database key under a new PIN or passphrase; the old one is checked and counted like any try.
    pub(crate) fn change_secret(
        &mut self,
        old: &UnlockSecret,
        new: &UnlockSecret,
        now: u64,
    ) -> Result<(), VaultError> {
        long_enough(new, self.device.is_some())?;
        let key = self.key(old, now)?;
        let part = self.part()?;
        let (id, cost) = (self.envelope.id(), self.envelope.cost());
        let envelope = Envelope::seal(id, cost, &key, new, part.as_ref())?;
        self.home
            .write(KEY_FILE, &envelope.to_bytes()?)
            .map_err(VaultError::Storage)?;
        self.envelope = envelope;
        Ok(())
    }

    pub(crate) fn protection(&self) -> Protection {
        self.envelope.protection()
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    fn part(&self) -> Result<Option<SecretKey>, VaultError> {
        let Some(device) = &self.device else {
            return Ok(None);
        };
        let kept = device
            .read(&device_name(self.envelope.id(), DEVICE_ENTRY))?
            .ok_or(VaultError::KeyringEntryMissing)?;
        SecretKey::from_slice(&kept)
            .map(Some)
            .ok_or(VaultError::KeyringEntryMissing)
    }

    fn tries(&self, part: Option<&SecretKey>) -> Result<TryBook<'_>, VaultError> {
        let keyring = self.device.as_deref().zip(part);
        TryBook::new(&self.home, self.envelope.id(), keyring)
    }

    fn moment(&self, clock: u64) -> Moment {
        Moment {
            clock,
            uptime: (self.uptime)(),
        }
    }
}

/// Destroys the wallet in a folder, damaged or locked out as it may be: the sealed key first, then all the rest.
pub(crate) fn erase(path: &Path) -> Result<(), VaultError> {
    let home = Home::new(path);
    if !home.has(KEY_FILE) && !home.has(DATABASE_FILE) {
        return Err(VaultError::Missing);
    }
    let _lock = home
        .lock()
        .map_err(VaultError::Storage)?
        .ok_or(VaultError::InUse)?;
    let envelope = home
        .read(KEY_FILE, KEY_FILE_MAX)
        .ok()
        .and_then(|bytes| Envelope::from_bytes(&bytes).ok());
    if let Some(envelope) = envelope.filter(|e| e.protection() == Protection::Keyring) {
        // A keyring that is gone has nothing left to remove.
        if let Ok(device) = SecretService::connect_unprobed() {
            for entry in [DEVICE_ENTRY, tries::ENTRY] {
                let _ = device.remove(&device_name(envelope.id(), entry));
            }
        }
    }
    for file in [KEY_FILE, DATABASE_FILE, "wallet.db-journal", tries::FILE] {
        home.remove(file).map_err(VaultError::Storage)?;
    }
    Ok(())
}

fn long_enough(secret: &UnlockSecret, keyring: bool) -> Result<(), VaultError> {
    match (keyring, secret.characters()) {
        _ if secret.bytes().len() > SECRET_MAX => Err(VaultError::SecretTooLong),
        (true, count) if count < PIN_MIN => Err(VaultError::PinTooShort),
        (false, count) if count < PASSPHRASE_MIN => Err(VaultError::PassphraseTooShort),
        _ => Ok(()),
    }
}

fn device_name(vault_id: &str, entry: &str) -> String {
    format!("{vault_id}.{entry}")
}

/// Makes the keyring's part and reads it back: a keyring that forgets would lose the vault.
fn keep_part(device: &dyn DeviceStore, id: &str) -> Result<SecretKey, VaultError> {
    let (name, part) = (device_name(id, DEVICE_ENTRY), SecretKey::random());
    device.write(&name, part.bytes())?;
    match device.read(&name)? {
        Some(kept) if kept.as_slice() == part.bytes() => Ok(part),
        _ => Err(VaultError::KeyringEntryMissing),
    }
}

/// Makes a cheap vault for tests of what lies in it.
#[cfg(test)]
pub(crate) fn testing_vault(path: &Path, secret: &UnlockSecret) -> (Vault, Database) {
    let cost = Cost {
        memory_kib: 64,
        passes: 1,
        lanes: 1,
    };
    Vault::create_at_cost(path, secret, None, cost).unwrap()
}

#[cfg(test)]
mod tests;
