use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use jumin_http::Client;
use jumin_registry::client::{ClientError, LedgerClient};
use jumin_registry::{AnchorKind, Bundle, BundleError, MAX_BUNDLE_BYTES, NetworkTrust};
use jumin_verifier::{LedgerView, Verdict};
use serde::Serialize;
use url::Url;

use crate::evidence::EvidenceFiles;
use crate::gather::{anchors, load_evidence};

/// How long a desk waits for fresher evidence before it decides with what it has.
const REFRESH_WITHIN: Duration = Duration::from_secs(3);
/// How long a failed attempt counts as "the network is gone" without another one.
const RETRY_AFTER: Duration = Duration::from_secs(3);
/// How long a successful attempt counts as the newest there is.
const FRESH_FOR: Duration = Duration::from_secs(1);

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
pub struct Ledger {
    pub(crate) files: EvidenceFiles,
    client: LedgerClient,
    pub(crate) http: Client,
    view: RwLock<Option<Arc<LedgerView>>>,
    damaged: Option<BundleError>,
    lied_to: AtomicBool,
    last: Mutex<Option<Attempt>>,
    /// One attempt at a time.
    syncing: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy)]
struct Attempt {
    at: Instant,
    network: Network,
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
        Ok(Ledger {
            client: LedgerClient::new(nodes, trust, http.clone()).with_followed(files.followed()),
            files,
            http,
            view: RwLock::new(view),
            damaged,
            lied_to: AtomicBool::new(false),
            last: Mutex::new(None),
            syncing: tokio::sync::Mutex::new(()),
        })
    }

    /// Returns what is known now; none before the first successful sync.
    pub fn view(&self) -> Option<Arc<LedgerView>> {
        match self.view.read() {
            Ok(view) => view.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    /// Says why the bundle on disk was not believed, if it was not.
    pub fn damage(&self) -> Option<&BundleError> {
        self.damaged.as_ref()
    }

    /// Says what kept the counter from knowing anything of the ledger.
    pub fn why_no_view(&self) -> (Verdict, &'static str) {
        if self.damaged.is_some() || self.lied_to.load(Ordering::Relaxed) {
            let reason = "What was said of the ledger does not follow from its certificate.";
            (Verdict::LedgerProofInvalid, reason)
        } else {
            let reason = "Nothing is known of the ledger yet, and no node can be reached.";
            (Verdict::LedgerStale, reason)
        }
    }

    /// Says whether the network was there at the last attempt; without one, it was not.
    pub fn known_network(&self) -> Network {
        self.last()
            .map_or(Network::Offline, |attempt| attempt.network)
    }

    /// Gets fresher evidence if what is here is older than `refresh_after` seconds at `now`, but
    /// waits no longer than three seconds; says whether the network was there.
    pub async fn refresh(&self, refresh_after: u64, now: u64) -> Network {
        let age = self.view().map(|v| v.checkpoint().age_seconds(now));
        let _turn = match (self.syncing.try_lock(), self.last()) {
            (Ok(turn), _) => turn,
            // Another attempt is under way and the one before failed: a desk does not wait for it.
            (Err(_), Some(last)) if last.network == Network::Offline => return last.network,
            (Err(_), _) => self.syncing.lock().await,
        };
        if let Some(attempt) = self.last() {
            let recent = match attempt.network {
                Network::Online => FRESH_FOR,
                Network::Offline => RETRY_AFTER,
            };
            let young = age.is_some_and(|age| age <= refresh_after);
            if young || attempt.at.elapsed() < recent {
                return attempt.network;
            }
        }
        let network = match tokio::time::timeout(REFRESH_WITHIN, self.fetch()).await {
            Ok(Ok(_)) => Network::Online,
            Ok(Err(error)) => {
                tracing::warn!(code = error.code(), "no fresher evidence can be had");
                Network::Offline
            }
            Err(_) => Network::Offline,
        };
        self.attempted(network);
        network
    }

    /// Gets the newest bundle from any node, and the lists and dictionaries that it anchors
    /// from their issuers. Never goes back in height; what cannot be had stays as it was.
    pub async fn sync(&self) -> Result<SyncReport, SyncError> {
        let _turn = self.syncing.lock().await;
        let report = self.fetch().await;
        self.attempted(match &report {
            Ok(_) => Network::Online,
            Err(_) => Network::Offline,
        });
        report
    }

    fn last(&self) -> Option<Attempt> {
        match self.last.lock() {
            Ok(last) => *last,
            Err(poisoned) => *poisoned.into_inner(),
        }
    }

    fn attempted(&self, network: Network) {
        let attempt = Some(Attempt {
            at: Instant::now(),
            network,
        });
        match self.last.lock() {
            Ok(mut last) => *last = attempt,
            Err(poisoned) => *poisoned.into_inner() = attempt,
        }
    }

    async fn fetch(&self) -> Result<SyncReport, SyncError> {
        let (bytes, bundle) = self.client.bundle().await.map_err(|error| {
            let lie = error.code() == "ledger_proof_invalid";
            self.lied_to.store(lie, Ordering::Relaxed);
            SyncError::Ledger(error)
        })?;
        let known = self.view();
        let behind = known
            .as_ref()
            .is_some_and(|known| known.checkpoint().height() > bundle.checkpoint().height());
        if let (true, Some(known)) = (behind, known) {
            return Ok(report(&known, Vec::new()));
        }
        let mut view = LedgerView::new(bundle);
        let missing = self.gather(&mut view).await;
        self.files.save_bundle(&bytes).map_err(SyncError::Files)?;
        let followed = self.client.followed();
        self.files
            .save_followed(&followed)
            .map_err(SyncError::Files)?;
        for (issuer, uri, anchor) in anchors(&view, AnchorKind::StatusList) {
            self.files.forget_older_lists(&issuer, &uri, &anchor);
        }
        let report = report(&view, missing);
        let view = Some(Arc::new(view));
        match self.view.write() {
            Ok(mut slot) => *slot = view,
            Err(poisoned) => *poisoned.into_inner() = view,
        }
        Ok(report)
    }
}

fn report(view: &LedgerView, missing: Vec<String>) -> SyncReport {
    SyncReport {
        checkpoint_height: view.checkpoint().height(),
        checkpoint_time_ms: view.checkpoint().time_ms(),
        status_lists: view.current_lists(),
        dictionaries: view.dictionaries(),
        missing,
    }
}
