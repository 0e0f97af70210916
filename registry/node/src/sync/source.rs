//! One node that gives its state out, none of whose answers is believed here.

use std::fmt;
use std::time::Duration;

use jumin_http::{Client, HttpError, Url};
use jumin_identity::{b64url, b64url_decode};
use jumin_registry::{Checkpoint, CheckpointError, Handover, HandoverError};
use serde::Deserialize;

use crate::snapshot::MAX_CHUNK_BYTES;
use crate::store::StoreError;

/// How often a source that serves others is asked again, and how long after.
const PATIENCE: (u32, Duration) = (30, Duration::from_millis(500));
const MAX_ANSWER_BYTES: usize = 512 * 1024;

/// Why a source is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    #[error("it can't be asked")]
    Http(#[source] HttpError),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer is malformed: {0}")]
    Malformed(&'static str),
    #[error("a change of validators is not valid")]
    Handover(#[source] HandoverError),
    #[error("its checkpoint is not valid")]
    Checkpoint(#[source] CheckpointError),
    #[error("its checkpoint is of before this node's trust file")]
    Behind,
    #[error("its checkpoint is too old to be followed")]
    Old,
    #[error("its validators are not those of this node's trust file")]
    OtherValidators,
    #[error("it sends its records in chunks that are too small")]
    SmallChunk,
    #[error("its records are not those under the certified state root: {0}")]
    NotInState(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl SourceError {
    /// Tells whether the block to start from is at fault, or not to be had here any more, rather than what came after it.
    pub(super) fn is_about_start(&self) -> bool {
        matches!(
            self,
            Self::Status(404)
                | Self::Handover(_)
                | Self::Checkpoint(_)
                | Self::Behind
                | Self::Old
                | Self::OtherValidators
        )
    }

    /// Returns the stable code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Http(source) => source.code(),
            Self::Status(_) => "status",
            Self::Malformed(_) => "malformed",
            Self::Handover(source) => source.code(),
            Self::Checkpoint(source) => source.code(),
            Self::Behind => "behind",
            Self::Old => "ledger_stale",
            Self::OtherValidators => "not_this_committee",
            Self::SmallChunk => "small_chunk",
            Self::NotInState(_) => "not_in_state",
            Self::Store(_) => "store_failed",
        }
    }
}

/// A node's address.
pub(super) struct Source<'a> {
    http: &'a Client,
    url: &'a Url,
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

#[derive(Deserialize)]
struct SnapshotAnswer {
    checkpoint: String,
}

#[derive(Deserialize)]
struct HandoversAnswer {
    handovers: Vec<String>,
}

impl<'a> Source<'a> {
    pub(super) fn new(http: &'a Client, url: &'a Url) -> Self {
        Self { http, url }
    }

    /// The certified header whose state the node gives out.
    pub(super) async fn checkpoint(&self) -> Result<Checkpoint, SourceError> {
        let body = self
            .get(&["v1", "snapshot"], None, MAX_ANSWER_BYTES)
            .await?;
        let answer: SnapshotAnswer = parsed(&body)?;
        Checkpoint::from_bytes(&decoded(&answer.checkpoint)?).map_err(SourceError::Checkpoint)
    }

    /// The changes of validators from an epoch on; more may follow.
    pub(super) async fn handovers(&self, from: u64) -> Result<Vec<Handover>, SourceError> {
        let from = ("from", from.to_string());
        let body = self
            .get(&["v1", "handovers"], Some(from), MAX_ANSWER_BYTES)
            .await?;
        let answer: HandoversAnswer = parsed(&body)?;
        let handover =
            |text: &String| Handover::from_bytes(&decoded(text)?).map_err(SourceError::Handover);
        answer.handovers.iter().map(handover).collect()
    }

    /// The encoded records after the key with the hash `after`.
    pub(super) async fn chunk(
        &self,
        root: &[u8; 32],
        after: Option<[u8; 32]>,
    ) -> Result<Vec<u8>, SourceError> {
        let after = after.map(|after| ("after", b64url(&after)));
        let path = ["v1", "snapshot", &b64url(root)];
        for _ in 0..PATIENCE.0 {
            match self.get(&path, after.clone(), MAX_CHUNK_BYTES).await {
                // Others are being served: that's no reason to lose what this source holds.
                Err(SourceError::Status(503)) => tokio::time::sleep(PATIENCE.1).await,
                answered => return answered,
            }
        }
        Err(SourceError::Status(503))
    }

    async fn get(
        &self,
        path: &[&str],
        query: Option<(&str, String)>,
        max_bytes: usize,
    ) -> Result<Vec<u8>, SourceError> {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if let Some((name, value)) = query {
            url.query_pairs_mut().append_pair(name, &value);
        }
        let answer = self.http.get(&url, "*/*", max_bytes).await;
        let answer = answer.map_err(SourceError::Http)?;
        if answer.is_success() {
            Ok(answer.body)
        } else {
            Err(SourceError::Status(answer.status))
        }
    }
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, SourceError> {
    serde_json::from_slice(body).map_err(|_| SourceError::Malformed("JSON"))
}

fn decoded(text: &str) -> Result<Vec<u8>, SourceError> {
    b64url_decode(text).map_err(|_| SourceError::Malformed("base64url"))
}
