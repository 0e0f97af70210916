//! Publishes status lists: signs a version, anchors it on the ledger, and only then calls it current.
//!
//! Every step is in the database before the next one is taken, so that a killed issuer goes on where it was.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jumin_identity::{
    Status, StatusError, StatusList, UnverifiedStatusListToken, sign_status_list,
};
use jumin_registry::{AnchorKind, AnchorRecord};
use thiserror::Error;
use tokio::sync::{Notify, watch};

use crate::indexes::{LIST_ENTRIES, StatusIndexes, is_nearly_full};
use crate::issue::IssuerKey;
use crate::ledger::{Anchoring, IssuerLedger, LedgerError};
use crate::store::{Block, CredentialStatus, Store, StoreError, VersionRow, VersionState};

/// How long a signed list may be used, in seconds.
const LIST_LIFETIME: u64 = 24 * 3600;
/// How long a verifier may keep a list before it asks again, in seconds.
const LIST_TTL: u64 = 300;
/// A list is signed anew when this much of its life is over, in seconds.
const RENEW_AFTER: u64 = 12 * 3600;
const IDLE: Duration = Duration::from_secs(60);
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(30);

/// Why a list isn't published yet.
#[derive(Debug, Error)]
pub enum PublishError {
    #[error("the list can't be anchored on the ledger now")]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the list can't be signed")]
    Sign(#[from] StatusError),
}

/// What to do about a signed version, given what the ledger has.
#[derive(Debug, PartialEq, Eq)]
enum Settlement {
    /// The ledger has it since this block.
    Finalized(Block),
    /// The ledger doesn't have it yet.
    Submit,
    /// The ledger has gone past it with other content, so it needs a higher number.
    Renumber { floor: u64 },
}

fn settle(pending: &VersionRow, anchored: Option<&AnchorRecord>) -> Settlement {
    match anchored {
        Some(anchor) if anchor.version == pending.version && anchor.sha256 == pending.digest => {
            Settlement::Finalized(Block {
                height: anchor.height,
                at: anchor.updated,
            })
        }
        Some(anchor) if anchor.version >= pending.version => Settlement::Renumber {
            floor: anchor.version + 1,
        },
        _ => Settlement::Submit,
    }
}

/// Publishes the issuer's status lists in the background.
pub struct Publisher {
    store: Store,
    ledger: IssuerLedger,
    issuer: Arc<IssuerKey>,
    public_url: String,
    indexes: Arc<StatusIndexes>,
    now: fn() -> u64,
    wake: Notify,
    rounds: watch::Sender<u64>,
    problem: Mutex<Option<String>>,
}

impl Publisher {
    pub fn new(
        store: Store,
        ledger: IssuerLedger,
        issuer: Arc<IssuerKey>,
        public_url: String,
        indexes: Arc<StatusIndexes>,
        now: fn() -> u64,
    ) -> Self {
        Self {
            store,
            ledger,
            issuer,
            public_url,
            indexes,
            now,
            wake: Notify::new(),
            rounds: watch::Sender::new(0),
            problem: Mutex::new(None),
        }
    }

    /// Asks for a round now, because something has changed.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Counts finished rounds; changes after each.
    pub fn rounds(&self) -> watch::Receiver<u64> {
        self.rounds.subscribe()
    }

    /// Why the last round didn't publish everything, if it didn't.
    pub fn problem(&self) -> Option<String> {
        self.problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Publishes whatever is due, again and again, until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let mut retry = FIRST_RETRY;
        loop {
            let pause = match self.round().await {
                Ok(()) => {
                    retry = FIRST_RETRY;
                    IDLE
                }
                Err(_) => {
                    retry = (retry * 2).min(LAST_RETRY);
                    retry
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Publishes whatever is due, once.
    pub async fn round(&self) -> Result<(), PublishError> {
        let result = self.publish_all().await;
        let problem = result.as_ref().err().map(|error| {
            tracing::warn!(problem = %crate::app::chain(error), "status lists aren't all published");
            format!("{error}; the issuer keeps trying")
        });
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        self.rounds.send_modify(|rounds| *rounds += 1);
        result
    }

    async fn publish_all(&self) -> Result<(), PublishError> {
        let known = self.store.lists().await?;
        let mut lists: Vec<u32> = known.iter().map(|(number, _)| *number).collect();
        if known.last().is_none_or(|(_, used)| is_nearly_full(*used)) {
            let number = lists.last().map_or(1, |last| last + 1);
            let uri = format!("{}/status/{number}", self.public_url);
            self.store.add_list(number, &uri).await?;
            lists.push(number);
        }
        // One list that can't be published must not keep the others from it.
        let mut result = Ok(());
        for number in &lists {
            if let Err(error) = self.publish(*number).await {
                result = Err(error);
            }
        }
        result?;
        match lists.last() {
            Some(last) if self.indexes.number() != Some(*last) => self.open(*last).await,
            _ => Ok(()),
        }
    }

    async fn open(&self, number: u32) -> Result<(), PublishError> {
        let uri = self.uri(number).await?;
        self.indexes.open(number, &uri);
        Ok(())
    }

    async fn uri(&self, number: u32) -> Result<String, StoreError> {
        let stored = self.store.list_uri(number).await?;
        Ok(stored.unwrap_or_else(|| format!("{}/status/{number}", self.public_url)))
    }

    /// Brings one list to the point where the current version says everything that was asked for.
    async fn publish(&self, number: u32) -> Result<(), PublishError> {
        let uri = self.uri(number).await?;
        loop {
            let pending = self.store.version_in(number, VersionState::Pending).await?;
            let pending = match pending {
                Some(pending) if !self.is_by_key_in_use(&pending) => {
                    self.sign(number, &uri, pending.version + 1).await?
                }
                Some(pending) => pending,
                None if self.is_due(number).await? => self.sign(number, &uri, 1).await?,
                None => return Ok(()),
            };
            self.anchor(&pending, &uri).await?;
        }
    }

    async fn is_due(&self, number: u32) -> Result<bool, StoreError> {
        let current = self.store.version_in(number, VersionState::Current).await?;
        let old = current.is_none_or(|current| {
            (self.now)() >= current.signed + RENEW_AFTER || !self.is_by_key_in_use(&current)
        });
        Ok(old || self.store.has_unsigned_changes(number).await?)
    }

    /// Says whether a version was signed with the key that the issuer signs with now: verifiers refuse what an ended key signed.
    fn is_by_key_in_use(&self, version: &VersionRow) -> bool {
        let token = UnverifiedStatusListToken::parse(&version.token);
        token.is_ok_and(|token| {
            token.dangerous_kid_unverified() == Some(self.issuer.kid.to_string().as_str())
        })
    }

    async fn sign(&self, number: u32, uri: &str, floor: u64) -> Result<VersionRow, PublishError> {
        let entries = self.store.next_version(number, floor).await?;
        let mut list = StatusList::new(LIST_ENTRIES);
        for (index, status) in &entries.not_valid {
            let status = match status {
                CredentialStatus::Valid => Status::Valid,
                CredentialStatus::Suspended => Status::Suspended,
                CredentialStatus::Revoked => Status::Invalid,
            };
            list.set(*index, status)?;
        }
        let now = (self.now)();
        let expires = now + LIST_LIFETIME;
        let issuer = &self.issuer;
        let token = sign_status_list(
            &list,
            uri,
            now,
            expires,
            LIST_TTL,
            &issuer.kid,
            &issuer.x5c,
            issuer.signer.as_ref(),
        )?;
        let row = VersionRow {
            list: number,
            version: entries.version,
            digest: list.digest(),
            token,
            signed: now,
            expires,
        };
        self.store.add_version(&row).await?;
        Ok(row)
    }

    /// Submits the anchor and reads back, with proof, what the ledger has under the list's name.
    async fn anchor(&self, pending: &VersionRow, uri: &str) -> Result<(), PublishError> {
        let anchoring = Anchoring {
            kind: AnchorKind::StatusList,
            name: uri.to_owned(),
            version: pending.version,
            sha256: pending.digest,
            next_update: Some(pending.expires),
        };
        let submitted = self.ledger.anchor(&anchoring).await;
        let anchored = self.ledger.anchored(AnchorKind::StatusList, uri).await?;
        match settle(pending, anchored.as_ref()) {
            Settlement::Finalized(block) => {
                let now = (self.now)();
                self.store.version_finalized(pending, block, now).await?;
            }
            Settlement::Submit => submitted.and(Err(LedgerError::NotAnchored))?,
            Settlement::Renumber { floor } => {
                self.sign(pending.list, uri, floor).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(version: u64, digest: [u8; 32]) -> VersionRow {
        VersionRow {
            list: 1,
            version,
            digest,
            token: String::new(),
            signed: 0,
            expires: 0,
        }
    }

    fn anchored(version: u64, sha256: [u8; 32]) -> AnchorRecord {
        AnchorRecord {
            version,
            sha256,
            next_update: None,
            updated: 0,
            height: 1,
        }
    }

    #[test]
    fn version_killed_after_its_anchor_is_found_finalized() {
        let found = settle(&pending(3, [1; 32]), Some(&anchored(3, [1; 32])));
        let block = Block { height: 1, at: 0 };
        assert_eq!(found, Settlement::Finalized(block));
    }

    #[test]
    fn version_killed_before_its_anchor_is_submitted_again() {
        assert_eq!(settle(&pending(1, [1; 32]), None), Settlement::Submit);
        let found = settle(&pending(3, [1; 32]), Some(&anchored(2, [1; 32])));
        assert_eq!(found, Settlement::Submit);
    }

    #[test]
    fn version_that_the_ledger_has_with_other_content_gets_a_higher_number() {
        let found = settle(&pending(3, [1; 32]), Some(&anchored(3, [2; 32])));
        assert_eq!(found, Settlement::Renumber { floor: 4 });
        let found = settle(&pending(3, [1; 32]), Some(&anchored(9, [1; 32])));
        assert_eq!(found, Settlement::Renumber { floor: 10 });
    }
}
