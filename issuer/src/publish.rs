//! Publishes status lists: signs a version, anchors it on the ledger, and only then calls it current.
//!
//! Every step is in the database before the next one is taken, so that a killed issuer goes on where it was. A version that
//! the ledger has and the database didn't sign is never written over: the issuer stops instead.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jumin_identity::{
    Status, StatusError, StatusList, UnverifiedStatusListToken, random_bytes, sign_status_list,
};
use jumin_registry::{AnchorKind, AnchorRecord};
use thiserror::Error;
use tokio::sync::{Notify, watch};

use crate::compare::{
    CompareError, Comparison, Conflict, LastStanding, Remedy, Standing, is_anchored, list_uri,
    unknown_version,
};
use crate::indexes::{LIST_ENTRIES, StatusIndexes, is_nearly_full};
use crate::issue::IssuerKey;
use crate::ledger::{Anchoring, IssuerLedger, LedgerError};
use crate::store::{
    Block, CredentialStatus, ListEntries, ListRow, Store, StoreError, VersionRow, VersionState,
};

/// How long a signed list may be used, in seconds.
const LIST_LIFETIME: u64 = 24 * 3600;
/// A signing ends up to so much earlier, by chance, in seconds: that tells it from another copy's of the same second.
const SPREAD: u64 = 2 * 3600;
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
    /// Trying again doesn't help.
    #[error("nothing is signed: {0}")]
    Conflict(Conflict),
}

impl From<CompareError> for PublishError {
    fn from(error: CompareError) -> Self {
        match error {
            CompareError::Ledger(error) => Self::Ledger(error),
            CompareError::Store(error) => Self::Store(error),
        }
    }
}

/// What to do about a signed version, given what the ledger has.
#[derive(Debug, PartialEq, Eq)]
enum Settlement {
    /// The ledger has it since this block.
    Finalized(Block),
    /// The ledger doesn't have it yet, and nothing that comes after it.
    Submit,
    /// It waited for the ledger until verifiers would take it for old.
    SignAnew,
}

/// Settles a version once it is known that the ledger has none but this database's.
fn settle(pending: &VersionRow, anchored: Option<&AnchorRecord>, now: u64) -> Settlement {
    match anchored {
        Some(anchor) if is_anchored(pending, anchor) => Settlement::Finalized(Block {
            height: anchor.height,
            at: anchor.updated,
        }),
        _ if now >= pending.signed + RENEW_AFTER => Settlement::SignAnew,
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
    /// When this process began to publish, in seconds since the Unix epoch.
    started: u64,
    standing: LastStanding,
    compared: Mutex<Option<Instant>>,
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
            started: now(),
            standing: LastStanding::default(),
            compared: Mutex::new(None),
            wake: Notify::new(),
            rounds: watch::Sender::new(0),
            problem: Mutex::new(None),
        }
    }

    /// How the database stands against the ledger.
    pub fn standing(&self) -> Standing {
        self.standing.get()
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
            match error {
                PublishError::Conflict(_) => error.to_string(),
                error => format!("{error}; the issuer keeps trying"),
            }
        });
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
        self.rounds.send_modify(|rounds| *rounds += 1);
        result
    }

    async fn publish_all(&self) -> Result<(), PublishError> {
        self.compare().await?;
        let mut lists = self.store.lists().await?;
        if lists
            .last()
            .is_none_or(|last| !last.open || is_nearly_full(last.used))
        {
            let number = lists.last().map_or(1, |last| last.number + 1);
            let uri = list_uri(&self.public_url, number);
            self.store.add_list(number, &uri).await?;
            lists = self.store.lists().await?;
        }
        // One list that can't be published must not keep the others from it.
        let mut result = Ok(());
        for list in &lists {
            if let Err(error) = self.publish(list).await {
                result = Err(error);
            }
        }
        result?;
        if let Some(last) = lists.last().filter(|last| last.open) {
            self.indexes.open(last.number, &last.uri);
        }
        Ok(())
    }

    /// Makes sure that the ledger has nothing that this database doesn't know; looks again once a minute.
    async fn compare(&self) -> Result<(), PublishError> {
        let compared = *self.compared.lock().unwrap_or_else(PoisonError::into_inner);
        let agreed = self.standing() == Standing::Agrees;
        if agreed && compared.is_some_and(|compared| compared.elapsed() < IDLE) {
            return Ok(());
        }
        let comparison = Comparison {
            store: &self.store,
            ledger: &self.ledger,
            issuer: &self.issuer,
            public_url: &self.public_url,
            now: (self.now)(),
        };
        let conflicts = comparison.conflicts().await?;
        *self.compared.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        match conflicts.first().cloned() {
            None => {
                self.standing.set(Standing::Agrees);
                Ok(())
            }
            Some(first) => {
                self.stop(conflicts);
                Err(PublishError::Conflict(first))
            }
        }
    }

    /// Stops signing: no list is published and no index handed out while the ledger is ahead.
    pub fn stop(&self, conflicts: Vec<Conflict>) {
        self.indexes.close();
        if self.standing() != Standing::Conflicts(conflicts.clone()) {
            for conflict in &conflicts {
                tracing::error!("{conflict}");
            }
            tracing::error!("{}", Remedy::of(&conflicts).text());
        }
        self.standing.set(Standing::Conflicts(conflicts));
    }

    /// Brings one list to the point where the current version says everything that was asked for.
    async fn publish(&self, list: &ListRow) -> Result<(), PublishError> {
        loop {
            let pending = self.store.version_in(list.number, VersionState::Pending);
            let pending = match pending.await? {
                Some(pending) if !self.is_by_key_in_use(&pending) => self.sign(list).await?,
                Some(pending) => pending,
                None if self.is_due(list).await? => self.sign(list).await?,
                None => return Ok(()),
            };
            self.anchor(&pending, list).await?;
        }
    }

    async fn is_due(&self, list: &ListRow) -> Result<bool, StoreError> {
        let current = self
            .store
            .version_in(list.number, VersionState::Current)
            .await?;
        let old = current.is_none_or(|current| {
            // The list for new credentials is signed anew at each start: should another copy of this database be in use,
            // it finds a version that isn't its own, and stops.
            let of_another_run = list.open && current.signed < self.started;
            of_another_run
                || (self.now)() >= current.signed + RENEW_AFTER
                || !self.is_by_key_in_use(&current)
        });
        Ok(old || self.store.has_unsigned_changes(list.number).await?)
    }

    /// Says whether a version was signed with the key that the issuer signs with now: verifiers refuse what an ended key signed.
    fn is_by_key_in_use(&self, version: &VersionRow) -> bool {
        let token = UnverifiedStatusListToken::parse(&version.token);
        token.is_ok_and(|token| {
            token.dangerous_kid_unverified() == Some(self.issuer.kid.to_string().as_str())
        })
    }

    async fn sign(&self, list: &ListRow) -> Result<VersionRow, PublishError> {
        let entries = self.store.next_version(list.number).await?;
        let content = content(&entries)?;
        let now = (self.now)();
        let expires = end_of_life(now, random_bytes());
        let issuer = &self.issuer;
        let token = sign_status_list(
            &content,
            &list.uri,
            now,
            expires,
            LIST_TTL,
            &issuer.kid,
            &issuer.x5c,
            issuer.signer.as_ref(),
        )?;
        let row = VersionRow {
            list: list.number,
            version: entries.version,
            digest: content.digest(),
            token,
            signed: now,
            expires,
        };
        self.store.add_version(&row).await?;
        Ok(row)
    }

    /// Submits the anchor unless the ledger has another's, and reads back, with proof, what it has under the list's name.
    async fn anchor(&self, pending: &VersionRow, list: &ListRow) -> Result<(), PublishError> {
        match settle(pending, self.anchored(list).await?.as_ref(), (self.now)()) {
            Settlement::Finalized(block) => return self.finalized(pending, block).await,
            Settlement::SignAnew => return self.sign(list).await.map(drop),
            Settlement::Submit => {}
        }
        let anchoring = Anchoring {
            kind: AnchorKind::StatusList,
            name: list.uri.clone(),
            version: pending.version,
            sha256: pending.digest,
            next_update: Some(pending.expires),
        };
        let submitted = self.ledger.anchor(&anchoring).await;
        match settle(pending, self.anchored(list).await?.as_ref(), (self.now)()) {
            Settlement::Finalized(block) => self.finalized(pending, block).await,
            _ => Ok(submitted.and(Err(LedgerError::NotAnchored))?),
        }
    }

    /// Reads what the ledger has of a list, and stops everything if that isn't this database's.
    async fn anchored(&self, list: &ListRow) -> Result<Option<AnchorRecord>, PublishError> {
        let anchor = self
            .ledger
            .anchored(AnchorKind::StatusList, &list.uri)
            .await?;
        match unknown_version(&self.store, list.number, &list.uri, anchor.as_ref()).await? {
            None => Ok(anchor),
            Some(conflict) => {
                self.stop(vec![conflict.clone()]);
                Err(PublishError::Conflict(conflict))
            }
        }
    }

    async fn finalized(&self, pending: &VersionRow, block: Block) -> Result<(), PublishError> {
        let now = (self.now)();
        self.store.version_finalized(pending, block, now).await?;
        Ok(())
    }
}

/// When what is signed now may no longer be used.
fn end_of_life(now: u64, random: [u8; 4]) -> u64 {
    now + LIST_LIFETIME - u64::from(u32::from_be_bytes(random)) % SPREAD
}

/// Writes out what a version has to say.
fn content(entries: &ListEntries) -> Result<StatusList, StatusError> {
    let mut list = StatusList::new(LIST_ENTRIES);
    if let Some(only) = &entries.only {
        for index in 0..LIST_ENTRIES {
            list.set(index, Status::Invalid)?;
        }
        for index in only {
            list.set(*index, Status::Valid)?;
        }
    }
    for (index, status) in &entries.not_valid {
        let status = match status {
            _ if list.get(*index) == Some(Status::Invalid) => Status::Invalid,
            CredentialStatus::Valid => Status::Valid,
            CredentialStatus::Suspended => Status::Suspended,
            CredentialStatus::Revoked => Status::Invalid,
        };
        list.set(*index, status)?;
    }
    Ok(list)
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
    fn copies_that_sign_the_same_in_the_same_second_are_told_apart() {
        let ends: std::collections::BTreeSet<u64> = (0..SPREAD as u32)
            .map(|random| end_of_life(1000, random.to_be_bytes()))
            .collect();
        assert_eq!(ends.len() as u64, SPREAD);
        assert!(ends.iter().all(|end| *end > 1000 + RENEW_AFTER));
        let mut mine = pending(3, [1; 32]);
        mine.expires = end_of_life(1000, [0; 4]);
        let theirs = AnchorRecord {
            next_update: Some(end_of_life(1000, [0, 0, 0, 1])),
            ..anchored(3, [1; 32])
        };
        assert!(!is_anchored(&mine, &theirs));
    }

    #[test]
    fn version_killed_after_its_anchor_is_found_finalized() {
        let found = settle(&pending(3, [1; 32]), Some(&anchored(3, [1; 32])), 0);
        let block = Block { height: 1, at: 0 };
        assert_eq!(found, Settlement::Finalized(block));
    }

    #[test]
    fn version_killed_before_its_anchor_is_submitted_again() {
        assert_eq!(settle(&pending(1, [1; 32]), None, 0), Settlement::Submit);
        let found = settle(&pending(3, [1; 32]), Some(&anchored(2, [1; 32])), 0);
        assert_eq!(found, Settlement::Submit);
    }

    #[test]
    fn version_that_waited_for_half_a_day_is_signed_anew() {
        let found = settle(&pending(1, [1; 32]), None, RENEW_AFTER);
        assert_eq!(found, Settlement::SignAnew);
        let found = settle(
            &pending(1, [1; 32]),
            Some(&anchored(1, [1; 32])),
            RENEW_AFTER,
        );
        assert!(matches!(found, Settlement::Finalized(_)));
    }

    #[test]
    fn every_entry_of_a_lost_list_is_revoked() {
        let entries = ListEntries {
            version: 2,
            only: Some(Vec::new()),
            not_valid: vec![(7, CredentialStatus::Suspended)],
        };
        let list = content(&entries).unwrap();
        let all = [0, 7, LIST_ENTRIES - 1];
        assert!(
            all.into_iter()
                .all(|one| list.get(one) == Some(Status::Invalid))
        );
    }

    #[test]
    fn credentials_that_are_known_keep_their_status_when_all_others_are_revoked() {
        let entries = ListEntries {
            version: 2,
            only: Some(vec![7, 8]),
            not_valid: vec![(7, CredentialStatus::Suspended)],
        };
        let list = content(&entries).unwrap();
        let statuses = [6, 7, 8, 9].map(|index| list.get(index));
        let expected = [
            Status::Invalid,
            Status::Suspended,
            Status::Valid,
            Status::Invalid,
        ];
        assert_eq!(statuses, expected.map(Some));
    }
}
