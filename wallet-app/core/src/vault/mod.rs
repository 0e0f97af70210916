//! The vault: an SQLCipher database whose random key is sealed under the PIN and a secret in the desktop's keyring.
//!
//! A folder holds `vault.json` (the sealed key), `tries.json` (wrong tries in a row), `wallet.db` and `wallet.lock`.

mod database;
mod device;
mod envelope;
mod secret;
mod tries;

use std::io;
use std::path::Path;
use std::sync::Arc;

use jumin_identity::{b64url, random_bytes};

use self::envelope::{Cost, Envelope, EnvelopeError};
use self::secret::SecretKey;
use self::tries::{Tries, TryBook};
use crate::home::{Home, HomeLock};

pub(crate) use self::database::Database;
pub use self::database::StoreError;
#[cfg(test)]
pub(crate) use self::device::testing::MemoryStore;
pub use self::device::{DeviceError, DeviceStore, SecretService};
pub use self::envelope::Protection;
pub use self::secret::UnlockSecret;

const KEY_FILE: &str = "vault.json";
const KEY_FILE_MAX: u64 = 16 * 1024;
const DATABASE_FILE: &str = "wallet.db";
const DEVICE_ENTRY: &str = "secret";
/// The keyring's secret protects a short PIN; a passphrase has to stand alone.
const PIN_MIN: usize = 6;
const PASSPHRASE_MIN: usize = 10;
const SECRET_MAX: usize = 1024;

/// Says why a vault could not be made, opened or unlocked.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The folder already holds a wallet; nothing was changed.
    #[error("there is a wallet in this folder already")]
    Exists,
    /// The folder holds a database without its key file, which only erasing can put right.
    #[error(
        "this folder holds a wallet's database without its key file; use another folder or `erase` it"
    )]
    Unfinished,
    /// The folder holds no wallet.
    #[error("there is no wallet in this folder; make one with `init`")]
    Missing,
    /// Another process has this wallet open.
    #[error("another process is using this wallet")]
    InUse,
    /// The PIN is too short.
    #[error("the PIN needs at least {PIN_MIN} characters")]
    PinTooShort,
    /// The passphrase is too short.
    #[error("without a keyring the passphrase needs at least {PASSPHRASE_MIN} characters")]
    PassphraseTooShort,
    /// The PIN or passphrase is longer than anybody types.
    #[error("the PIN or passphrase is longer than {SECRET_MAX} bytes")]
    SecretTooLong,
    /// The PIN or passphrase is not the vault's.
    #[error("wrong PIN or passphrase; {left} tries left")]
    WrongSecret {
        /// Tries until the vault stays shut.
        left: u32,
    },
    /// A wrong try was made too short a time ago.
    #[error("too many wrong tries; wait {seconds} seconds")]
    TooSoon {
        /// Seconds until the next try is allowed.
        seconds: u64,
    },
    /// The tries are used up.
    #[error(
        "locked after {} wrong tries; the documents can't be opened any more: `erase` this wallet, make a new one, and have your documents issued again",
        tries::LIMIT
    )]
    LockedOut,
    /// No Secret Service answers, or it is locked.
    #[error(
        "the desktop's keyring (Secret Service) could not be used; unlock it, or make a passphrase-only wallet with `init --no-keyring`"
    )]
    NoKeyring(#[from] DeviceError),
    /// The keyring answers but has lost the vault's secret.
    #[error(
        "the desktop's keyring no longer has this wallet's secret; if it can't be restored, `erase` this wallet and have your documents issued again"
    )]
    KeyringEntryMissing,
    /// A file of the vault is not as it was written; nothing was changed.
    #[error(
        "the wallet's {file} is damaged; nothing was changed. Put back a copy of the folder, or `erase` it and have your documents issued again"
    )]
    Damaged {
        /// Name of the file in the wallet's folder.
        file: &'static str,
    },
    /// The vault was made by a newer version of this program.
    #[error("this wallet was made by a newer version of this program")]
    Newer,
    /// The cryptographic library failed, for want of memory for example.
    #[error("the key could not be derived")]
    Derivation,
    /// The wallet is locked.
    #[error("the wallet is locked")]
    Locked,
    /// The folder could not be read or written.
    #[error("the wallet's folder could not be read or written")]
    Storage(#[source] io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl VaultError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Exists => "wallet_exists",
            Self::Unfinished => "wallet_unfinished",
            Self::Missing => "wallet_missing",
            Self::InUse => "wallet_in_use",
            Self::PinTooShort => "pin_too_short",
            Self::PassphraseTooShort => "passphrase_too_short",
            Self::SecretTooLong => "secret_too_long",
            Self::WrongSecret { .. } => "wrong_pin",
            Self::TooSoon { .. } => "pin_too_soon",
            Self::LockedOut => "pin_locked_out",
            Self::NoKeyring(_) => "no_keyring",
            Self::KeyringEntryMissing => "keyring_entry_missing",
            Self::Damaged { .. } => "vault_damaged",
            Self::Newer => "vault_newer",
            Self::Derivation => "key_failed",
            Self::Locked => "wallet_locked",
            Self::Storage(_) => "storage_failed",
            Self::Store(error) => error.code(),
        }
    }
}

impl From<EnvelopeError> for VaultError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Damaged => Self::Damaged { file: KEY_FILE },
            EnvelopeError::Newer => Self::Newer,
            // The caller that knows the count says so itself.
            EnvelopeError::WrongSecret => Self::WrongSecret { left: 0 },
            EnvelopeError::Derivation => Self::Derivation,
        }
    }
}

/// Is a vault whose folder this process holds; its database is open only while the citizen is there.
pub(crate) struct Vault {
    home: Home,
    envelope: Envelope,
    device: Option<Arc<dyn DeviceStore>>,
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
        Self::create_at_cost(path, secret, device, Cost::for_new(protection))
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
            _lock: lock,
        };
        vault.tries().write(Tries::default())?;
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
        Self::open_with(path, || {
            SecretService::connect_unprobed().map(|service| Arc::new(service) as _)
        })
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
            _lock: lock,
        })
    }

    /// Opens the database; `now` in seconds since 1970. The try is counted on disk before it is checked.
    pub(crate) fn unlock(&self, secret: &UnlockSecret, now: u64) -> Result<Database, VaultError> {
        let key = self.key(secret, now)?;
        Database::open(&self.home, DATABASE_FILE, &key)
    }

    fn key(&self, secret: &UnlockSecret, now: u64) -> Result<SecretKey, VaultError> {
        let book = self.tries();
        let before = book.read(now)?;
        before.allow(now)?;
        let part = self.part()?;
        let counted = before.count(now);
        book.write(counted)?;
        match self.envelope.open(secret, part.as_ref()) {
            Ok(key) => {
                book.write(Tries::default())?;
                Ok(key)
            }
            Err(EnvelopeError::WrongSecret) => Err(VaultError::WrongSecret {
                left: counted.left(),
            }),
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

    fn tries(&self) -> TryBook<'_> {
        TryBook {
            home: &self.home,
            device: self.device.as_deref(),
            vault_id: self.envelope.id(),
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
