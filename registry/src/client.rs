//! Reads from and writes to the ledger's nodes, believing none of them.
//!
//! Every answer is checked: the checkpoint's certificate and age, that the ledger doesn't go back to before what this client
//! has seen, and the record's proof. A node that fails or lies is replaced by the next in the list.

mod error;
mod submit;
mod wire;

use std::{
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jumin_http::{Client, Url};

use crate::{
    Bundle, Checkpoint, MAX_BUNDLE_BYTES, NetworkTrust, ProvenRecord, Record, RecordKey,
    VerifiedBundle, VerifiedCheckpoint,
};

pub use error::{ClientError, NodeFailure};
pub use submit::Receipt;

const MAX_ANSWER_BYTES: usize = 256 * 1024;
const MAX_AGE_SECONDS: u64 = 120;
const MAX_AHEAD_SECONDS: u64 = 60;
const ROUNDS: u32 = 10;
const ROUND_PAUSE: Duration = Duration::from_millis(200);

/// A reader of and writer to one network's ledger.
#[derive(Debug)]
pub struct LedgerClient {
    nodes: Vec<Url>,
    trust: NetworkTrust,
    http: Client,
    max_age: u64,
    /// The node that answered last; asked first.
    preferred: AtomicUsize,
    /// The highest block that was proven to this client.
    seen: AtomicU64,
}

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
            trust,
            http,
            max_age: MAX_AGE_SECONDS,
            preferred: AtomicUsize::new(0),
            seen: AtomicU64::new(0),
        }
    }

    /// Sets how old a checkpoint may be, in seconds; 120 if not set.
    #[must_use]
    pub fn with_max_age(mut self, seconds: u64) -> Self {
        self.max_age = seconds;
        self
    }

    /// Returns what this client trusts.
    pub fn trust(&self) -> &NetworkTrust {
        &self.trust
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

    /// Fetches the bundle for offline use, as bytes to keep and as checked.
    ///
    /// # Errors
    /// [`ClientError`] when no node gives a valid and fresh one.
    pub async fn bundle(&self) -> Result<(Vec<u8>, VerifiedBundle), ClientError> {
        self.first(&["v1", "bundle"], MAX_BUNDLE_BYTES, |body| {
            let bundle = Bundle::from_bytes(body).map_err(NodeFailure::Bundle)?;
            let verified = bundle.verify(&self.trust).map_err(NodeFailure::Bundle)?;
            self.require_current(verified.checkpoint())?;
            Ok((body.to_vec(), verified))
        })
        .await
    }

    /// Asks the nodes in turn until one gives an answer that passes `check`; waits for nodes that are only behind.
    async fn first<T>(
        &self,
        path: &[&str],
        max_bytes: usize,
        check: impl Fn(&[u8]) -> Result<T, NodeFailure>,
    ) -> Result<T, ClientError> {
        let mut failure = None;
        for _ in 0..ROUNDS {
            let mut behind = false;
            for (index, node) in self.in_order() {
                let result = self.get(node, path, max_bytes).await;
                match result.and_then(|body| check(&body)) {
                    Ok(answer) => {
                        self.preferred.store(index, Ordering::Relaxed);
                        return Ok(answer);
                    }
                    Err(error) => {
                        behind |= matches!(error, NodeFailure::Behind);
                        failure = Some(error);
                    }
                }
            }
            if !behind {
                break;
            }
            tokio::time::sleep(ROUND_PAUSE).await;
        }
        Err(failure.map_or(ClientError::NoNodes, ClientError::Nodes))
    }

    /// Returns the nodes, starting with the one that answered last.
    fn in_order(&self) -> impl Iterator<Item = (usize, &Url)> {
        let start = self.preferred.load(Ordering::Relaxed);
        self.nodes
            .iter()
            .enumerate()
            .cycle()
            .skip(start)
            .take(self.nodes.len())
    }

    async fn get(
        &self,
        node: &Url,
        path: &[&str],
        max_bytes: usize,
    ) -> Result<Vec<u8>, NodeFailure> {
        let url = wire::join(node, path)?;
        let response = self
            .http
            .get(&url, "application/json", max_bytes)
            .await
            .map_err(NodeFailure::Http)?;
        if response.is_success() {
            Ok(response.body)
        } else {
            Err(NodeFailure::Status(response.status))
        }
    }

    fn believe(&self, checkpoint: &[u8]) -> Result<VerifiedCheckpoint, NodeFailure> {
        let checkpoint = Checkpoint::from_bytes(checkpoint)
            .and_then(|checkpoint| checkpoint.verify(&self.trust))
            .map_err(NodeFailure::Checkpoint)?;
        self.require_current(&checkpoint)?;
        Ok(checkpoint)
    }

    fn require_current(&self, checkpoint: &VerifiedCheckpoint) -> Result<(), NodeFailure> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        checkpoint
            .require_fresh(now, self.max_age, MAX_AHEAD_SECONDS)
            .map_err(NodeFailure::Stale)?;
        let seen = self.seen.fetch_max(checkpoint.height(), Ordering::Relaxed);
        if checkpoint.height() < seen {
            Err(NodeFailure::Behind)
        } else {
            Ok(())
        }
    }
}
