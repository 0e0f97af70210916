//! The state of the window as a whole.

use jumin_wallet_core::CheckedAgainst;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::CommandError;

/// Is a language of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    Ko,
    En,
}

/// Is the window's look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Theme {
    System,
    Light,
    Dark,
}

/// Is what the citizen likes; `null` for the desktop's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preferences {
    pub language: Option<Language>,
    pub theme: Theme,
    pub lock_minutes: u32,
}

/// Says how far the wallet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WalletState {
    NoNetwork,
    New,
    Locked,
    Unlocked,
    Unusable,
}

/// Says what protects a wallet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Protection {
    Keyring,
    Passphrase,
}

impl From<jumin_wallet_core::Protection> for Protection {
    fn from(protection: jumin_wallet_core::Protection) -> Self {
        match protection {
            jumin_wallet_core::Protection::Keyring => Self::Keyring,
            jumin_wallet_core::Protection::Passphrase => Self::Passphrase,
        }
    }
}

/// Is what the page starts with.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct AppState {
    pub state: WalletState,
    /// Why the wallet is unusable: `wallet_in_use`, `vault_damaged`, `vault_newer`, `no_keyring` …
    pub problem: Option<CommandError>,
    /// What protects the wallet, once there is one.
    pub protection: Option<Protection>,
    /// Whether a new wallet could use the desktop's keyring.
    pub keyring_available: bool,
    pub network: Option<String>,
    pub preferences: Preferences,
}

/// Is what a citizen may want to know about the program.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct About {
    pub version: String,
    pub network: String,
    pub nodes: Vec<String>,
    pub folder: String,
    pub protection: Protection,
    /// The wallet's own copy of the ledger's records; `null` while it has none, or is locked.
    pub records: Option<Checked>,
}

/// Says against which state of the ledger something was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub(crate) struct Checked {
    pub online: bool,
    pub block: u64,
    pub age_seconds: u64,
}

impl From<CheckedAgainst> for Checked {
    fn from(checked: CheckedAgainst) -> Self {
        Self {
            online: checked.online,
            block: checked.checkpoint_height,
            age_seconds: checked.checkpoint_age_seconds,
        }
    }
}
