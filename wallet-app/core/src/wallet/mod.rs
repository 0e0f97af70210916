//! The wallet as a shell or the command line drives it: made, unlocked, asked, locked.

mod accept;
mod agencies;
mod connect;
mod history;
mod preview;
mod renew;
mod show;
mod status;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jumin_registry::NetworkTrust;

use crate::documents::{self, DocumentDetail, DocumentSummary};
use crate::face::{self, CardFace};
use crate::store::{ActivityEntry, ActivityKind, NewActivity, Setup};
use crate::vault::{
    self, Database, DeviceStore, Protection, StoreError, UnlockSecret, Vault, VaultError,
};

pub use self::connect::{NetworkSettings, SettingsError};
use self::connect::{Source, nodes_over_http};
pub use self::history::{ActivityFilter, ActivityLine};
pub use self::preview::{IssuerParty, OfferPreview, OfferedDocument};
pub use self::renew::RenewError;
pub use self::status::{DocumentStatus, Standing};

/// Is a citizen's wallet in a folder of its own; shared by reference between threads and tasks.
///
/// Times are seconds since 1970, given by the caller. Making and unlocking take a noticeable time on purpose and block;
/// what talks to servers is async.
pub struct Wallet {
    vault: Mutex<Vault>,
    database: Mutex<Option<Database>>,
    source: Source,
}

impl Wallet {
    /// Makes a wallet in a new or empty folder and unlocks it.
    ///
    /// `device` keeps one half of the vault's key, [`SecretService`](crate::SecretService) on a desktop; without one the
    /// secret has to be a passphrase.
    pub fn create(
        home: &Path,
        secret: &UnlockSecret,
        device: Option<Arc<dyn DeviceStore>>,
        network: &NetworkSettings,
    ) -> Result<Self, VaultError> {
        let (vault, database) = Vault::create(home, secret, device)?;
        database.set_setup(&Setup::of(network))?;
        Ok(Self::new(vault, Some(database)))
    }

    /// Takes an existing wallet for this process; it stays locked.
    pub fn open(home: &Path) -> Result<Self, VaultError> {
        Ok(Self::new(Vault::open(home)?, None))
    }

    fn new(vault: Vault, database: Option<Database>) -> Self {
        Self {
            vault: Mutex::new(vault),
            database: Mutex::new(database),
            source: nodes_over_http(),
        }
    }

    /// Destroys the wallet in a folder, with its part in the keyring; nothing brings it back.
    pub fn erase(home: &Path) -> Result<(), VaultError> {
        vault::erase(home)
    }

    /// Unlocks the wallet with its PIN or passphrase; wrong tries are counted and limited.
    pub fn unlock(&self, secret: &UnlockSecret, now: u64) -> Result<(), VaultError> {
        let opened = self.vault().unlock(secret, now)?;
        *self.database() = Some(opened);
        Ok(())
    }

    /// Locks the wallet: the database is closed and its key wiped.
    pub fn lock(&self) {
        *self.database() = None;
    }

    /// Says whether the wallet is locked.
    pub fn is_locked(&self) -> bool {
        self.database().is_none()
    }

    /// Says what besides the PIN protects the wallet.
    pub fn protection(&self) -> Protection {
        self.vault().protection()
    }

    /// Returns the wallet's folder.
    pub fn home(&self) -> PathBuf {
        self.vault().path().to_owned()
    }

    /// Sets a new PIN or passphrase; the old one is checked and counted like any try.
    pub fn change_secret(
        &self,
        old: &UnlockSecret,
        new: &UnlockSecret,
        now: u64,
    ) -> Result<(), VaultError> {
        self.vault().change_secret(old, new, now)
    }

    /// Lists the documents, the newest first.
    pub fn documents(&self, now: u64) -> Result<Vec<DocumentSummary>, VaultError> {
        let documents = self.with(|database| database.documents())?;
        Ok(documents
            .iter()
            .map(|document| documents::summary(document, now))
            .collect())
    }

    /// Returns a document with all that it says; `None` if there is none of this identifier.
    pub fn document(&self, id: &str, now: u64) -> Result<Option<DocumentDetail>, VaultError> {
        let found = self.with(|database| {
            let document = database.document(id)?;
            Ok((document, database.next_copy(id, 0)?))
        })?;
        let (Some(document), Some(copy)) = found else {
            return Ok(None);
        };
        // An expired document can still be read by its holder.
        let damaged = |_| VaultError::Damaged { file: "wallet.db" };
        let credential = documents::verified(&copy, document.not_before).map_err(damaged)?;
        let definition = documents::definition(&document);
        Ok(Some(DocumentDetail {
            summary: documents::summary(&document, now),
            claims: documents::claims(&credential, definition.as_ref()),
        }))
    }

    /// Draws the face of a document's card; `None` if there is no document of this identifier.
    pub fn face(&self, id: &str) -> Result<Option<CardFace>, VaultError> {
        let found = self.with(|database| {
            let document = database.document(id)?;
            Ok((document, database.next_copy(id, 0)?))
        })?;
        let (Some(document), Some(copy)) = found else {
            return Ok(None);
        };
        let damaged = |_| VaultError::Damaged { file: "wallet.db" };
        let credential = documents::verified(&copy, document.not_before).map_err(damaged)?;
        let definition = documents::definition(&document);
        Ok(definition.map(|definition| face::face(&definition, Some(&credential))))
    }

    /// Deletes a document with its keys; says whether there was one.
    pub fn delete(&self, id: &str, now: u64) -> Result<bool, VaultError> {
        self.with(|database| {
            let vct = database.document(id)?.map(|document| document.vct);
            let activity = NewActivity {
                kind: ActivityKind::Deleted,
                vct,
                party: None,
                claims: Vec::new(),
                outcome: "done",
            };
            database.delete_document(id, &activity, now)
        })
    }

    /// Returns the newest lines of the activity log, the newest first.
    pub fn activity(&self, limit: u32) -> Result<Vec<ActivityEntry>, VaultError> {
        self.with(|database| database.activity(None, limit))
    }

    /// Returns the network this wallet belongs to.
    pub fn network(&self) -> Result<NetworkTrust, VaultError> {
        Ok(self.setup()?.trust)
    }

    fn setup(&self) -> Result<Setup, VaultError> {
        self.with(|database| database.setup())?
            .ok_or(VaultError::Damaged { file: "wallet.db" })
    }

    fn vault(&self) -> MutexGuard<'_, Vault> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn database(&self) -> MutexGuard<'_, Option<Database>> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(
        &self,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError>,
    ) -> Result<T, VaultError> {
        let mut database = self.database();
        let database = database.as_mut().ok_or(VaultError::Locked)?;
        Ok(work(database)?)
    }
}

impl std::fmt::Debug for Wallet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wallet").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod preview_tests;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod status_tests;
#[cfg(test)]
mod tests;
