//! What goes wrong with a vault, and what to do about it.

use std::io;

use super::envelope::EnvelopeError;
use super::{DeviceError, KEY_FILE, PASSPHRASE_MIN, PIN_MIN, SECRET_MAX, StoreError, tries};

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
    #[error("wrong PIN or passphrase{}", after_wrong(*left, *seconds))]
    WrongSecret {
        /// Tries until the vault stays shut; `None` where it never does, for want of a keyring.
        left: Option<u32>,
        /// Seconds until the next try is allowed.
        seconds: u64,
    },
    /// A wrong try was made too short a time ago.
    #[error("too many wrong tries; wait {seconds} seconds")]
    TooSoon {
        /// Seconds until the next try is allowed.
        seconds: u64,
    },
    /// The record of wrong tries was lost, changed or put back. It is written down once; the wait passes like any other.
    #[error(
        "the record of wrong tries was lost or changed, by damage or by somebody who wants to guess on; wait {seconds} seconds before the next try"
    )]
    CountLost {
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
            Self::CountLost { .. } => "pin_count_lost",
            Self::LockedOut => "pin_locked_out",
            Self::NoKeyring(_) => "no_keyring",
            Self::KeyringEntryMissing => "keyring_entry_missing",
            Self::Damaged { .. } => "vault_damaged",
            Self::Newer => "vault_newer",
            Self::Derivation => "key_failed",
            Self::Locked => "wallet_locked",
            Self::Storage(error) => match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk_full",
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                    "storage_read_only"
                }
                _ => "storage_failed",
            },
            Self::Store(error) => error.code(),
        }
    }
}

/// Says what a wrong try leads to.
fn after_wrong(left: Option<u32>, seconds: u64) -> String {
    let wait = match (left, seconds) {
        (Some(0), _) | (_, 0) => String::new(),
        _ => format!("; wait {seconds} seconds before the next try"),
    };
    let left = left.map(|left| format!("; {left} tries left"));
    left.unwrap_or_default() + &wait
}

impl From<EnvelopeError> for VaultError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Damaged => Self::Damaged { file: KEY_FILE },
            EnvelopeError::Newer => Self::Newer,
            // The caller that knows the count says so itself.
            EnvelopeError::WrongSecret => Self::WrongSecret {
                left: None,
                seconds: 0,
            },
            EnvelopeError::Derivation => Self::Derivation,
        }
    }
}
