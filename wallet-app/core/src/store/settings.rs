//! Settings: the network, its nodes, what was last seen of the ledger.

use std::path::PathBuf;

use jumin_registry::NetworkTrust;
use rusqlite::{OptionalExtension, params};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::vault::{Database, StoreError};

const SETUP: &str = "setup";
const REMEMBERED: &str = "last-checkpoint";
const BUNDLE: &str = "bundle";
const FOLLOWED: &str = "followed-trust";

/// Is what a wallet is told once, when it is made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub nodes: Vec<String>,
    pub trust: NetworkTrust,
    /// What the network was followed to since; kept apart from what was told once.
    #[serde(skip)]
    pub followed: Option<NetworkTrust>,
    pub trust_anchors: Option<PathBuf>,
}

/// Is the newest state of the ledger that this wallet ever verified; nothing older is believed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub height: u64,
    pub time_ms: u64,
    pub digest: [u8; 32],
}

impl Database {
    pub(crate) fn setup(&self) -> Result<Option<Setup>, StoreError> {
        self.read_json(SETUP)
    }

    pub(crate) fn set_setup(&self, setup: &Setup) -> Result<(), StoreError> {
        self.write_json(SETUP, setup)
    }

    pub(crate) fn remembered(&self) -> Result<Option<Remembered>, StoreError> {
        self.read_json(REMEMBERED)
    }

    /// Remembers a checkpoint unless a newer one is remembered already.
    pub(crate) fn remember(&self, seen: Remembered) -> Result<(), StoreError> {
        match self.remembered()? {
            Some(before) if before.height >= seen.height => Ok(()),
            _ => self.write_json(REMEMBERED, &seen),
        }
    }

    /// Returns the validators that the network was last known to have, if it was followed since the setup.
    pub(crate) fn followed(&self) -> Result<Option<NetworkTrust>, StoreError> {
        self.read_json(FOLLOWED)
    }

    /// Keeps the validators that the network has come to, never going back.
    pub(crate) fn set_followed(&self, trust: &NetworkTrust) -> Result<(), StoreError> {
        match self.followed()? {
            Some(before) if (before.epoch, before.as_of) >= (trust.epoch, trust.as_of) => Ok(()),
            _ => self.write_json(FOLLOWED, trust),
        }
    }

    /// Returns the bundle for offline use, as it was fetched.
    pub(crate) fn bundle(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.read_setting(BUNDLE)
    }

    pub(crate) fn set_bundle(&self, bytes: &[u8]) -> Result<(), StoreError> {
        self.write_setting(BUNDLE, bytes)
    }

    /// Reads a setting. One that can't be read is an error: the newest state of the ledger that was seen, for example, must
    /// not be forgotten as if nothing had been seen.
    fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, StoreError> {
        let bytes = self.read_setting(name)?;
        let value = bytes
            .map(|bytes| serde_json::from_slice(&bytes))
            .transpose();
        let unreadable = |error: serde_json::Error| {
            rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, error.into())
        };
        Ok(value.map_err(unreadable)?)
    }

    fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<(), StoreError> {
        let bytes = serde_json::to_vec(value)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        self.write_setting(name, &bytes)
    }

    fn read_setting(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self
            .0
            .query_row("SELECT value FROM setting WHERE name = ?1", [name], |row| {
                row.get(0)
            })
            .optional()?)
    }

    fn write_setting(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO setting (name, value) VALUES (?1, ?2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            params![name, value],
        )?;
        Ok(())
    }
}
