use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jumin_http::Client;
use jumin_identity::Did;
use jumin_registry::client::{ClientError, LedgerClient};
use jumin_registry::{AnchorKind, Bundle, BundleError, MAX_BUNDLE_BYTES, NetworkTrust};
use jumin_verifier::{LedgerView, Verdict};
use serde::Serialize;
use tokio::sync::{OwnedMutexGuard, Semaphore, watch};
use url::Url;

use crate::agencies::{Agencies, AgencyTrouble};
use crate::evidence::EvidenceFiles;
use crate::gather::{DOUBTFUL_AT_ONCE, SOUND_AT_ONCE, load_evidence};
use crate::parties::{Item, Parties, Trouble};

/// How long a failed attempt counts as "the network is gone" without another one.
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// How long a successful attempt counts as the newest there is.
const FRESH_FOR: Duration = Duration::from_secs(1);
/// How long [`Ledger::sync`] waits for lists and dictionaries after the bundle.
const GATHER_WITHIN: Duration = Duration::from_secs(10);

/// Says how long a check waits for the network; what comes later serves the next one.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a node, when something is known of the ledger already.
    pub node: Duration,
    /// For a node, when nothing is known yet.
    pub first: Duration,
    /// For the one list or dictionary that the check needs.
    pub list: Duration,
}

impl Patience {
    /// Is that of somebody at the command line, who waits for one answer.
    pub const COMMAND: Patience = Patience {
        node: Duration::from_secs(3),
        first: Duration::from_secs(5),
        list: Duration::from_secs(3),
    };
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            node: Duration::from_secs(1),
            first: Duration::from_secs(3),
            list: Duration::from_millis(1_500),
        }
    }
}

/// Says why fresher evidence could not be had. What was there before stays in use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError {
    /// No node gave a bundle that its certificate proves.
    #[error("no ledger node gave a usable bundle")]
    Ledger(#[source] ClientError),
    /// Files cannot be read or written.
    #[error("the evidence on disk cannot be read or written")]
    Files(#[source] io::Error),
}

impl SyncError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SyncError::Ledger(_) => "sync_ledger",
            SyncError::Files(_) => "sync_files",
        }
    }
}

/// Says what a sync came to.
#[derive(Clone, Debug, Serialize, ts_rs::TS)]
pub struct SyncReport {
    /// Height of the checkpoint in use now.
    pub checkpoint_height: u64,
    /// Time of that checkpoint, in milliseconds since the epoch.
    pub checkpoint_time_ms: u64,
    /// Status lists at hand as anchored.
    pub status_lists: usize,
    /// Dictionaries at hand as anchored.
    pub dictionaries: usize,
    /// Agencies that publish lists or dictionaries.
    pub agencies: usize,
    /// Those of which something could not be had.
    pub troubled: Vec<AgencyTrouble>,
    /// What could not be had, one line each.
    pub missing: Vec<String>,
}

/// Tells whether the network was there when a check was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ts_rs::TS)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    /// A node answered just now.
    Online,
    /// None did: the evidence on disk decides, with its age.
    Offline,
}

impl Network {
    /// Returns the stable code.
    pub fn code(self) -> &'static str {
        match self {
            Network::Online => "online",
            Network::Offline => "offline",
        }
    }
}

/// Holds the counter's view of the ledger, loads it from disk and keeps it fresh.
///
/// What comes in is taken into the view and onto the disk piece by piece, in the background: nobody who waits for one
/// piece, or stops waiting, keeps another from it.
pub struct Ledger {
    shared: Arc<Shared>,
    patience: Patience,
    damaged: Option<BundleError>,
}

/// Is what the ledger's background tasks share.
pub(crate) struct Shared {
    pub(crate) files: EvidenceFiles,
    pub(crate) http: Client,
    pub(crate) parties: Mutex<Parties>,
    /// Room for agencies to be asked.
    pub(crate) sound: Semaphore,
    pub(crate) doubtful: Semaphore,
    client: LedgerClient,
    view: RwLock<Option<Arc<LedgerView>>>,
    /// Held by whoever replaces the view.
    writer: Mutex<()>,
    lied_to: AtomicBool,
    last: Mutex<Option<Attempt>>,
    /// Held while nodes are asked: one attempt at a time.
    asking: Arc<tokio::sync::Mutex<()>>,
    /// Counts attempts that ended.
    attempts: watch::Sender<u64>,
    /// Counts changes of the view, and of what is being fetched.
    changes: watch::Sender<u64>,
}

#[derive(Clone, Copy)]
struct Attempt {
    at: Instant,
    network: Network,
}

impl Attempt {
    /// Tells whether it is time for another one, by whoever wants an answer of the last `refresh_after` seconds.
    fn is_over(self, refresh_after: u64) -> bool {
        let good_for = match self.network {
            Network::Online => FRESH_FOR.max(Duration::from_secs(refresh_after)),
            Network::Offline => RETRY_AFTER,
        };
        self.at.elapsed() > good_for
    }
}

impl Ledger {
    /// Opens the evidence on disk and verifies it again, from the certificate down.
    ///
    /// A bundle that does not verify is not used: [`Ledger::damage`] says why.
    pub fn open(
        files: EvidenceFiles,
        nodes: Vec<Url>,
        trust: NetworkTrust,
        http: Client,
    ) -> Result<Ledger, SyncError> {
        let bytes = files.bundle(MAX_BUNDLE_BYTES).map_err(SyncError::Files)?;
        let verified = bytes.map(|bytes| Bundle::from_bytes(&bytes)?.verify(&trust));
        let (view, damaged) = match verified {
            None => (None, None),
            Some(Ok(bundle)) => (Some(LedgerView::new(bundle)), None),
            Some(Err(error)) => (None, Some(error)),
        };
        let view = view.map(|mut view| {
            load_evidence(&mut view, &files);
            Arc::new(view)
        });
        let client = LedgerClient::new(nodes, trust, http.clone()).with_followed(files.followed());
        let shared = Shared {
            files,
            http,
            parties: Mutex::default(),
            sound: Semaphore::new(SOUND_AT_ONCE),
            doubtful: Semaphore::new(DOUBTFUL_AT_ONCE),
            client,
            view: RwLock::new(view),
            writer: Mutex::default(),
            lied_to: AtomicBool::new(false),
            last: Mutex::new(None),
            asking: Arc::default(),
            attempts: watch::Sender::new(0),
            changes: watch::Sender::new(0),
        };
        Ok(Ledger {
            shared: Arc::new(shared),
            patience: Patience::default(),
            damaged,
        })
    }

    /// Sets how long checks wait.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Ledger {
        self.patience = patience;
        self
    }

    /// Returns what is known now; none before the first successful sync.
    pub fn view(&self) -> Option<Arc<LedgerView>> {
        self.shared.view()
    }

    /// Says why the bundle on disk was not believed, if it was not.
    pub fn damage(&self) -> Option<&BundleError> {
        self.damaged.as_ref()
    }

    /// Says what kept the counter from knowing anything of the ledger.
    pub fn why_no_view(&self) -> (Verdict, &'static str) {
        if self.damaged.is_some() || self.shared.lied_to.load(Ordering::Relaxed) {
            let reason = "What was said of the ledger does not follow from its certificate.";
            (Verdict::LedgerProofInvalid, reason)
        } else {
            let reason = "Nothing is known of the ledger yet, and no node can be reached.";
            (Verdict::LedgerStale, reason)
        }
    }

    /// Says whether the network was there at the last attempt; without one, it was not.
    pub fn known_network(&self) -> Network {
        self.shared
            .last()
            .map_or(Network::Offline, |attempt| attempt.network)
    }

    /// Counts the agencies and names those of which something is missing, at `now` in seconds since the epoch.
    pub fn agencies(&self, now: u64) -> Agencies {
        self.shared.agencies(now)
    }

    /// Says what is wrong with the server that a list comes from, if something is.
    pub fn trouble(&self, issuer: &Did, uri: &str) -> Option<Trouble> {
        let told = self.shared.parties().told(&list(issuer, uri));
        told.map(|told| told.trouble)
    }

    /// Asks the nodes for news if the last answer is more than `refresh_after` seconds old, and waits for it within the
    /// [`Patience`]; says whether the network was there. What comes later is taken in all the same.
    pub async fn refresh(&self, refresh_after: u64) -> Network {
        let last = self.shared.last();
        if let Some(last) = last.filter(|last| !last.is_over(refresh_after)) {
            return last.network;
        }
        let mut attempts = self.shared.attempts.subscribe();
        let begun = self.shared.begin_attempt();
        // Another attempt is under way and the one before failed: a desk does not wait for it.
        if let (false, Some(last)) = (begun, last)
            && last.network == Network::Offline
        {
            return last.network;
        }
        let patience = match self.view() {
            Some(_) => self.patience.node,
            None => self.patience.first,
        };
        match tokio::time::timeout(patience, attempts.changed()).await {
            Ok(_) => self.known_network(),
            Err(_) => Network::Offline,
        }
    }

    /// Waits within the [`Patience`] until a list is at hand as the ledger anchors it.
    pub async fn await_list(&self, issuer: &Did, uri: &str) {
        let list = list(issuer, uri);
        // What is missing after that time is missing in the verdict, too.
        let _ = tokio::time::timeout(self.patience.list, self.shared.list_at_hand(&list)).await;
    }

    /// Waits within the [`Patience`] while something is being fetched, until `done` at one of its arrivals.
    pub async fn await_arrivals(&self, mut done: impl FnMut() -> bool) {
        let mut changes = self.shared.changes();
        let arrivals = async {
            while !done() && !self.shared.parties().is_idle() {
                if changes.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(self.patience.list, arrivals).await;
    }

    /// Gets the newest bundle from any node, and then the lists and dictionaries that it anchors from their issuers, also
    /// from those that failed lately. Never goes back in height; what cannot be had stays as it was.
    pub async fn sync(&self) -> Result<SyncReport, SyncError> {
        let turn = Arc::clone(&self.shared.asking).lock_owned().await;
        self.shared.attempt(turn).await?;
        self.shared.gather(true);
        let mut changes = self.shared.changes();
        let all =
            async { while !self.shared.parties().is_idle() && changes.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(GATHER_WITHIN, all).await;
        Ok(self.shared.report(crate::clock::unix_now()))
    }
}

fn list(issuer: &Did, uri: &str) -> Item {
    Item {
        issuer: issuer.clone(),
        kind: AnchorKind::StatusList,
        name: uri.to_owned(),
    }
}

impl Shared {
    pub(crate) fn view(&self) -> Option<Arc<LedgerView>> {
        match self.view.read() {
            Ok(view) => view.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Keeps others from replacing the view.
    pub(crate) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the view; the caller is its writer.
    pub(crate) fn replace(&self, view: LedgerView) {
        let view = Some(Arc::new(view));
        match self.view.write() {
            Ok(mut slot) => *slot = view,
            Err(poisoned) => *poisoned.into_inner() = view,
        }
        self.changed();
    }

    pub(crate) fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn last(&self) -> Option<Attempt> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the nodes in the background; false if they are being asked.
    fn begin_attempt(self: &Arc<Self>) -> bool {
        let Ok(turn) = Arc::clone(&self.asking).try_lock_owned() else {
            return false;
        };
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = shared.attempt(turn).await {
                tracing::warn!(code = error.code(), "no fresher evidence can be had");
            }
        });
        true
    }

    /// Asks the nodes, then the agencies: also without news some of their lists may be due.
    async fn attempt(self: &Arc<Self>, _turn: OwnedMutexGuard<()>) -> Result<(), SyncError> {
        let began = Instant::now();
        let fetched = self.fetch_bundle().await;
        let attempt = match fetched {
            // What was true when the nodes were asked is as old as the question.
            Ok(()) | Err(SyncError::Files(_)) => Attempt {
                at: began,
                network: Network::Online,
            },
            Err(SyncError::Ledger(_)) => Attempt {
                at: Instant::now(),
                network: Network::Offline,
            },
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(attempt);
        self.gather(false);
        self.attempts.send_modify(|count| *count += 1);
        fetched
    }

    /// Gets the newest bundle, uses it at once, and keeps it on disk before anything else is asked for.
    async fn fetch_bundle(&self) -> Result<(), SyncError> {
        let (bytes, bundle) = self.client.bundle().await.map_err(|error| {
            let lie = error.code() == "ledger_proof_invalid";
            self.lied_to.store(lie, Ordering::Relaxed);
            SyncError::Ledger(error)
        })?;
        {
            let _writing = self.writing();
            let view = match self.view() {
                Some(known) if known.checkpoint().height() > bundle.checkpoint().height() => {
                    return Ok(());
                }
                Some(known) => known.succeeded_by(bundle),
                None => {
                    let mut view = LedgerView::new(bundle);
                    load_evidence(&mut view, &self.files);
                    view
                }
            };
            self.replace(view);
        }
        self.files.save_bundle(&bytes).map_err(SyncError::Files)?;
        let followed = self.client.followed();
        self.files
            .save_followed(&followed)
            .map_err(SyncError::Files)
    }

    fn report(&self, now: u64) -> SyncReport {
        let view = self.view();
        let view = view.as_deref();
        let agencies = self.agencies(now);
        SyncReport {
            checkpoint_height: view.map_or(0, |view| view.checkpoint().height()),
            checkpoint_time_ms: view.map_or(0, |view| view.checkpoint().time_ms()),
            status_lists: view.map_or(0, LedgerView::current_lists),
            dictionaries: view.map_or(0, LedgerView::dictionaries),
            agencies: agencies.count,
            troubled: agencies.troubled,
            missing: agencies.missing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_that_answered_just_now_are_not_asked_again_however_old_their_last_block_is() {
        let answered = |ago, network| Attempt {
            at: Instant::now()
                .checked_sub(Duration::from_secs(ago))
                .unwrap(),
            network,
        };
        assert!(!answered(2, Network::Online).is_over(3));
        assert!(answered(4, Network::Online).is_over(3));
        assert!(!answered(0, Network::Online).is_over(0));
        assert!(answered(2, Network::Online).is_over(0));
        assert!(!answered(2, Network::Offline).is_over(0));
        assert!(answered(4, Network::Offline).is_over(60));
    }
}
