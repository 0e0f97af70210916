//! Reads from and writes to the ledger's nodes, believing none of them.
//!
//! Every answer is checked: the checkpoint's certificate and age, that the ledger doesn't go back to before what this client
//! has seen, and the record's proof. A node that fails or lies is replaced by the next in the list, and beside one that says
//! nothing for most of a second the next is asked. The one that answered is asked first the next time.

mod error;
mod race;
mod submit;
mod wire;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jumin_http::{Client, HttpError, Url};
use jumin_identity::Did;
use tokio::time::Instant;

use crate::{
    Bundle, BundleError, Checkpoint, DidRecord, MAX_BUNDLE_BYTES, NetworkTrust, ProvenRecord,
    Record, RecordKey, VerifiedBundle, VerifiedCheckpoint,
};

pub use error::{ClientError, NodeFailure};
use race::{Heard, first_answer};
pub use submit::Receipt;

const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// How old a node's newest checkpoint may be, in seconds, if not set otherwise.
pub const MAX_AGE_SECONDS: u64 = 120;
const MAX_AHEAD_SECONDS: u64 = 60;
/// How long a node may take until its answer begins.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long nodes that are only behind are asked again.
const CATCH_UP_WITHIN: Duration = Duration::from_secs(2);
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// A reader of and writer to one network's ledger.
#[derive(Debug)]
pub struct LedgerClient {
    nodes: Vec<Url>,
    /// What this client was set up with.
    origin: NetworkTrust,
    /// The validators that the network has come to since; only ever moves forwards.
    followed: Mutex<NetworkTrust>,
    http: Client,
    max_age: u64,
    preferred: PreferredNode,
    /// The highest block that was proven to this client.
    seen: AtomicU64,
}

/// What a node is asked.
struct Question<'a> {
    path: &'a [&'a str],
    query: Option<(&'a str, u64)>,
    max_bytes: usize,
}

/// The node that answered last, which is asked first; clients of the same nodes may share it.
#[derive(Debug, Clone, Default)]
pub struct PreferredNode(Arc<AtomicUsize>);

/// A record's proven value; none if the record provably doesn't exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// The checkpoint that the value is proven at.
    pub checkpoint: VerifiedCheckpoint,
    /// The value.
    pub record: Option<Record>,
}

impl LedgerClient {
    /// Makes a client of the network that `trust` describes, through `nodes` (base URLs), asked in this order.
    pub fn new(nodes: Vec<Url>, trust: NetworkTrust, http: Client) -> Self {
        Self {
            nodes,
            followed: Mutex::new(trust.clone()),
            origin: trust,
            http,
            max_age: MAX_AGE_SECONDS,
            preferred: PreferredNode::default(),
            seen: AtomicU64::new(0),
        }
    }

    /// Sets how old a checkpoint may be, in seconds; 120 if not set.
    #[must_use]
    pub fn with_max_age(mut self, seconds: u64) -> Self {
        self.max_age = seconds;
        self
    }

    /// Shares with other clients of the same nodes which of them answered last.
    #[must_use]
    pub fn with_preferred(mut self, preferred: PreferredNode) -> Self {
        self.preferred = preferred;
        self
    }

    /// Starts from a trust that an earlier client had [`followed`](Self::followed), if it is of this network and further on.
    #[must_use]
    pub fn with_followed(self, followed: Option<NetworkTrust>) -> Self {
        if let Some(followed) = followed {
            self.advance(followed);
        }
        self
    }

    /// Returns what this client was set up with.
    pub fn trust(&self) -> &NetworkTrust {
        &self.origin
    }

    /// Returns the validators that the network has come to, to be kept for the next client.
    pub fn followed(&self) -> NetworkTrust {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, NetworkTrust> {
        // The trust is replaced as a whole, so a panic elsewhere doesn't spoil it.
        self.followed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a newer trust of this network on; an older one changes nothing.
    fn advance(&self, trust: NetworkTrust) {
        let mut followed = self.lock();
        let same = trust.network == followed.network && trust.genesis == followed.genesis;
        if same && (trust.epoch, trust.as_of) >= (followed.epoch, followed.as_of) {
            *followed = trust;
        }
    }

    /// Fetches the newest checkpoint.
    ///
    /// # Errors
    /// [`ClientError`] when no node gives a valid and fresh one.
    pub async fn checkpoint(&self) -> Result<VerifiedCheckpoint, ClientError> {
        self.first(&["v1", "checkpoint"], MAX_ANSWER_BYTES, |body| {
            let answer: wire::CheckpointAnswer = wire::parse(body)?;
            self.believe(&answer.checkpoint)
        })
        .await
    }

    /// Fetches a record with its proof; a record that doesn't exist is proven absent.
    ///
    /// # Errors
    /// [`ClientError`] when no node gives a valid and fresh proof.
    pub async fn record(&self, key: &RecordKey) -> Result<Proven, ClientError> {
        let name = key.to_string();
        self.first(&["v1", "records", &name], MAX_ANSWER_BYTES, |body| {
            let answer: wire::RecordAnswer = wire::parse(body)?;
            let checkpoint = self.believe(&answer.checkpoint)?;
            let proven = ProvenRecord {
                key: answer.key,
                value: answer.value,
                proof: answer.proof,
            };
            let record = proven
                .verify(key, &checkpoint)
                .map_err(NodeFailure::Proof)?;
            Ok(Proven { checkpoint, record })
        })
        .await
    }

    /// Fetches a DID's record with its proof; none if the DID provably doesn't exist.
    ///
    /// # Errors
    /// As [`record`](Self::record).
    pub async fn did_record(&self, did: &Did) -> Result<Option<DidRecord>, ClientError> {
        match self.record(&RecordKey::Did(did.clone())).await?.record {
            None => Ok(None),
            Some(Record::Did(record)) => Ok(Some(record)),
            // A proof of another kind of record under this key is none.
            Some(_) => Err(ClientError::Nodes(NodeFailure::Malformed)),
        }
    }

    /// Fetches the bundle for offline use, as bytes to keep and as checked.
    ///
    /// # Errors
    /// [`ClientError`] when no node gives a valid and fresh one.
    pub async fn bundle(&self) -> Result<(Vec<u8>, VerifiedBundle), ClientError> {
        // From the first trust on, so that the bytes can be checked again with nothing but the trust file.
        let from = ("from_epoch", self.origin.epoch);
        self.ask(&["v1", "bundle"], Some(from), MAX_BUNDLE_BYTES, |body| {
            let bundle = Bundle::from_bytes(body).map_err(NodeFailure::Bundle)?;
            self.origin
                .follow_all(&bundle.handovers)
                .map_err(|error| NodeFailure::Bundle(BundleError::Handover(error)))?;
            let trust = self.recent()?;
            let verified = bundle.verify(&trust).map_err(NodeFailure::Bundle)?;
            self.require_current(verified.checkpoint())?;
            self.advance(verified.trust().clone());
            Ok((body.to_vec(), verified))
        })
        .await
    }

    /// Asks the nodes until one gives an answer that passes `check`; waits for nodes that are only behind.
    async fn first<T>(
        &self,
        path: &[&str],
        max_bytes: usize,
        check: impl Fn(&[u8]) -> Result<T, NodeFailure>,
    ) -> Result<T, ClientError> {
        self.ask(path, None, max_bytes, check).await
    }

    async fn ask<T>(
        &self,
        path: &[&str],
        query: Option<(&str, u64)>,
        max_bytes: usize,
        check: impl Fn(&[u8]) -> Result<T, NodeFailure>,
    ) -> Result<T, ClientError> {
        // No answer could be believed, so nobody is asked.
        self.recent().map_err(ClientError::Nodes)?;
        let question = Question {
            path,
            query,
            max_bytes,
        };
        let (question, check) = (&question, &check);
        let started = Instant::now();
        loop {
            let asked = first_answer(self.in_order(), |(index, node), heard| async move {
                let answer = self.checked(node, question, check, &heard).await?;
                Ok((index, answer))
            });
            let mut failures = match asked.await {
                Ok((index, answer)) => {
                    self.prefer(index);
                    return Ok(answer);
                }
                Err(failures) => failures,
            };
            let is_behind = |failure: &NodeFailure| matches!(failure, NodeFailure::Behind);
            if !failures.iter().any(is_behind) || started.elapsed() > CATCH_UP_WITHIN {
                let last = failures.pop();
                return Err(last.map_or(ClientError::NoNodes, ClientError::Nodes));
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
    }

    /// Asks one node; when its answer is of validators not known yet, follows the network to them and checks again.
    async fn checked<T>(
        &self,
        node: &Url,
        question: &Question<'_>,
        check: &impl Fn(&[u8]) -> Result<T, NodeFailure>,
        heard: &Heard,
    ) -> Result<T, NodeFailure> {
        let body = self.get(node, question, heard).await?;
        match check(&body) {
            Err(NodeFailure::Checkpoint(_)) if self.follow(node).await.unwrap_or(false) => {
                check(&body)
            }
            result => result,
        }
    }

    /// Follows the changes of validators that a node knows of; tells whether there were any.
    async fn follow(&self, node: &Url) -> Result<bool, NodeFailure> {
        let start = self.recent()?.epoch;
        loop {
            let trust = self.recent()?;
            let question = Question {
                path: &["v1", "handovers"],
                query: Some(("from", trust.epoch)),
                max_bytes: MAX_ANSWER_BYTES,
            };
            let body = self.get(node, &question, &Heard::default()).await?;
            let answer: wire::HandoversAnswer = wire::parse(&body)?;
            let handovers = answer.handovers()?;
            let followed = trust
                .follow_all(&handovers)
                .map_err(NodeFailure::Handover)?;
            if followed.epoch == trust.epoch {
                return Ok(trust.epoch > start);
            }
            self.advance(followed);
        }
    }

    /// Returns what is trusted now, unless that was too long ago.
    fn recent(&self) -> Result<NetworkTrust, NodeFailure> {
        let trust = self.followed();
        trust
            .require_recent(unix_now())
            .map_err(NodeFailure::Expired)?;
        Ok(trust)
    }

    /// Returns the nodes, starting with the one that answered last.
    fn in_order(&self) -> impl Iterator<Item = (usize, &Url)> {
        let start = self.preferred.0.load(Ordering::Relaxed);
        self.nodes
            .iter()
            .enumerate()
            .cycle()
            .skip(start)
            .take(self.nodes.len())
    }

    fn prefer(&self, index: usize) {
        self.preferred.0.store(index, Ordering::Relaxed);
    }

    async fn get(
        &self,
        node: &Url,
        question: &Question<'_>,
        heard: &Heard,
    ) -> Result<Vec<u8>, NodeFailure> {
        let mut url = wire::join(node, question.path)?;
        if let Some((name, number)) = question.query {
            url.query_pairs_mut().append_pair(name, &number.to_string());
        }
        let opened = self.http.open(&url, "application/json");
        let opened = tokio::time::timeout(ANSWER_WITHIN, opened).await;
        let answer = opened
            .unwrap_or(Err(HttpError::Timeout))
            .map_err(NodeFailure::Http)?;
        heard.mark();
        let read = answer.read(question.max_bytes).await;
        let response = read.map_err(NodeFailure::Http)?;
        if response.is_success() {
            Ok(response.body)
        } else {
            Err(NodeFailure::Status(response.status))
        }
    }

    fn believe(&self, checkpoint: &[u8]) -> Result<VerifiedCheckpoint, NodeFailure> {
        let trust = self.recent()?;
        let checkpoint = Checkpoint::from_bytes(checkpoint).map_err(NodeFailure::Checkpoint)?;
        if checkpoint.header.network == trust.network && checkpoint.header.epoch < trust.epoch {
            return Err(NodeFailure::Behind);
        }
        let checkpoint = checkpoint.verify(&trust).map_err(NodeFailure::Checkpoint)?;
        self.require_current(&checkpoint)?;
        self.advance(trust.confirmed_by(&checkpoint));
        Ok(checkpoint)
    }

    fn require_current(&self, checkpoint: &VerifiedCheckpoint) -> Result<(), NodeFailure> {
        checkpoint
            .require_fresh(unix_now(), self.max_age, MAX_AHEAD_SECONDS)
            .map_err(NodeFailure::Stale)?;
        let seen = self.seen.fetch_max(checkpoint.height(), Ordering::Relaxed);
        if checkpoint.height() < seen {
            Err(NodeFailure::Behind)
        } else {
            Ok(())
        }
    }
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs())
}
