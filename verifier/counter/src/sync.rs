use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use jumin_http::{Client, HttpError};
use jumin_identity::Did;
use jumin_registry::client::{ClientError, LedgerClient};
use jumin_registry::{
    AnchorKind, AnchorRecord, Bundle, BundleError, MAX_BUNDLE_BYTES, NetworkTrust, Record,
    RecordKey,
};
use jumin_verifier::{EvidenceError, LedgerView, Verdict};
use serde::Serialize;
use url::Url;

use crate::clock::unix_now;
use crate::evidence::{EvidenceFiles, MAX_DICTIONARY_BYTES, MAX_LIST_BYTES};

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

/// Says why one list or dictionary could not be had; the others are not held up by it.
#[derive(Debug, thiserror::Error)]
enum FetchError {
    #[error("its address is not a URL")]
    Address(#[source] url::ParseError),
    #[error("it cannot be fetched")]
    Http(#[source] HttpError),
    #[error("its server answers {0}")]
    Status(u16),
    #[error("it is not text")]
    Text,
    #[error("the issuer's document does not say where it is")]
    NoService,
    #[error("it is refused")]
    Refused(#[source] EvidenceError),
}

/// Says what a sync came to.
#[derive(Clone, Debug, Serialize)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    files: EvidenceFiles,
    client: LedgerClient,
    http: Client,
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
            files,
            client: LedgerClient::new(nodes, trust, http.clone()),
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
        let _turn = self.syncing.lock().await;
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

    /// Puts lists and dictionaries into a new view, from disk where they are the anchored ones,
    /// else from their issuers; returns a line for each that could not be had.
    async fn gather(&self, view: &mut LedgerView) -> Vec<String> {
        load_evidence(view, &self.files);
        let mut missing = Vec::new();
        for (issuer, uri, anchor) in anchors(view, AnchorKind::StatusList) {
            if view.has_current_list(&issuer, &uri, unix_now()) {
                continue;
            }
            if let Err(error) = self.fetch_list(view, &issuer, &uri, &anchor).await {
                missing.push(line("status list", &uri, &error));
            }
        }
        for (issuer, vct, _) in anchors(view, AnchorKind::Dictionary) {
            if view.has_dictionary(&issuer, &vct) {
                continue;
            }
            if let Err(error) = self.fetch_dictionary(view, &issuer, &vct).await {
                missing.push(line("dictionary", &vct, &error));
            }
        }
        for line in &missing {
            tracing::warn!("{line}");
        }
        missing
    }

    async fn fetch_list(
        &self,
        view: &mut LedgerView,
        issuer: &Did,
        uri: &str,
        anchor: &AnchorRecord,
    ) -> Result<(), FetchError> {
        let mut url = Url::parse(uri).map_err(FetchError::Address)?;
        url.query_pairs_mut()
            .append_pair("version", &anchor.version.to_string());
        let token = self
            .get(&url, "application/statuslist+jwt", MAX_LIST_BYTES)
            .await?;
        let token = String::from_utf8(token).map_err(|_| FetchError::Text)?;
        view.add_current_status_list(issuer, uri, &token)
            .map_err(FetchError::Refused)?;
        if let Err(error) = self.files.save_list(issuer, uri, anchor, &token) {
            tracing::warn!(%error, "a status list could not be kept");
        }
        Ok(())
    }

    async fn fetch_dictionary(
        &self,
        view: &mut LedgerView,
        issuer: &Did,
        vct: &str,
    ) -> Result<(), FetchError> {
        let base = view
            .service_endpoint(issuer, "OpenID4VCI")
            .ok_or(FetchError::NoService)?;
        let mut url = Url::parse(&base).map_err(FetchError::Address)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("dictionaries").push(vct);
        }
        let bytes = self
            .get(&url, "application/octet-stream", MAX_DICTIONARY_BYTES)
            .await?;
        view.add_dictionary(issuer, vct, &bytes)
            .map_err(FetchError::Refused)?;
        if let Err(error) = self.files.save_dictionary(issuer, vct, &bytes) {
            tracing::warn!(%error, "a dictionary could not be kept");
        }
        Ok(())
    }

    async fn get(&self, url: &Url, accept: &str, max: usize) -> Result<Vec<u8>, FetchError> {
        let answer = self
            .http
            .get(url, accept, max)
            .await
            .map_err(FetchError::Http)?;
        if answer.is_success() {
            Ok(answer.body)
        } else {
            Err(FetchError::Status(answer.status))
        }
    }
}

/// Puts what is on disk into a view; what the view's anchors do not vouch for is left out.
fn load_evidence(view: &mut LedgerView, files: &EvidenceFiles) {
    for (issuer, uri, anchor) in anchors(view, AnchorKind::StatusList) {
        if let Some(token) = files.list(&issuer, &uri, &anchor)
            && let Err(error) = view.add_status_list(&issuer, &uri, &token)
        {
            tracing::warn!(code = error.code(), %uri, "a kept status list is not usable");
        }
    }
    for (issuer, vct, _) in anchors(view, AnchorKind::Dictionary) {
        if let Some(bytes) = files.dictionary(&issuer, &vct)
            && let Err(error) = view.add_dictionary(&issuer, &vct, &bytes)
        {
            tracing::debug!(code = error.code(), %vct, "a kept dictionary is not usable");
        }
    }
}

fn anchors(view: &LedgerView, wanted: AnchorKind) -> Vec<(Did, String, AnchorRecord)> {
    view.ledger()
        .records()
        .filter_map(|(key, record)| match (key, record) {
            (RecordKey::Anchor { issuer, kind, name }, Record::Anchor(anchor))
                if *kind == wanted =>
            {
                Some((issuer.clone(), name.clone(), anchor.clone()))
            }
            _ => None,
        })
        .collect()
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

fn line(what: &str, name: &str, error: &FetchError) -> String {
    let mut text = format!("{what} {name}: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
