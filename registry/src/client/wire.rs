//! The nodes' answers, as JSON.

use jumin_http::Url;
use jumin_identity::b64url_decode;
use serde::{Deserialize, de::DeserializeOwned};

use super::NodeFailure;
use crate::{
    encoding::{bytes_b64, optional_bytes_b64},
    handover::Handover,
    key::RecordKey,
};

#[derive(Deserialize)]
pub(super) struct CheckpointAnswer {
    #[serde(with = "bytes_b64")]
    pub(super) checkpoint: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct HandoversAnswer {
    handovers: Vec<String>,
}

impl HandoversAnswer {
    pub(super) fn handovers(&self) -> Result<Vec<Handover>, NodeFailure> {
        let decoded = self.handovers.iter().map(|text| {
            let bytes = b64url_decode(text).map_err(|_| NodeFailure::Malformed)?;
            Handover::from_bytes(&bytes).map_err(NodeFailure::Handover)
        });
        decoded.collect()
    }
}

#[derive(Deserialize)]
pub(super) struct RecordAnswer {
    pub(super) key: RecordKey,
    #[serde(with = "optional_bytes_b64")]
    pub(super) value: Option<Vec<u8>>,
    #[serde(with = "bytes_b64")]
    pub(super) proof: Vec<u8>,
    #[serde(with = "bytes_b64")]
    pub(super) checkpoint: Vec<u8>,
}

#[derive(Deserialize)]
pub(super) struct OperationAnswer {
    pub(super) status: OperationStatus,
    pub(super) height: Option<u64>,
    pub(super) code: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum OperationStatus {
    Pending,
    Finalized,
    Rejected,
    Unknown,
}

#[derive(Deserialize)]
pub(super) struct ProblemAnswer {
    pub(super) code: String,
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, NodeFailure> {
    serde_json::from_slice(body).map_err(|_| NodeFailure::Malformed)
}

/// Appends path segments, percent-encoding what is in them, slashes too.
pub(super) fn join(node: &Url, segments: &[&str]) -> Result<Url, NodeFailure> {
    let mut url = node.clone();
    url.path_segments_mut()
        .map_err(|()| NodeFailure::Malformed)?
        .pop_if_empty()
        .extend(segments);
    Ok(url)
}
