//! Records with proofs at one checkpoint, for counters that go offline.

use std::collections::BTreeMap;

use jumin_identity::{b64url, b64url_decode};
use serde::{Deserialize, Serialize};

use crate::{
    accreditation::{Lookup, LookupRecord},
    checkpoint::{Checkpoint, CheckpointError, VerifiedCheckpoint},
    encoding::bytes_b64,
    handover::{Handover, HandoverError, MAX_HANDOVERS},
    key::RecordKey,
    proof::{ProofError, ProvenRecord},
    record::Record,
    trust::NetworkTrust,
};

/// The longest bundle accepted, as JSON.
pub const MAX_BUNDLE_BYTES: usize = 64 * 1024 * 1024;

/// The most records that a bundle may have.
pub const MAX_BUNDLE_RECORDS: usize = 200_000;

/// A checkpoint and records proven at it, nothing checked yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// The checkpoint that all proofs refer to.
    pub checkpoint: Checkpoint,
    /// The changes of validators up to the checkpoint, oldest first, from the epoch that was asked for on.
    pub handovers: Vec<Handover>,
    /// The records, in ascending order of their keys' text.
    pub records: Vec<ProvenRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBundle {
    #[serde(with = "bytes_b64")]
    checkpoint: Vec<u8>,
    /// Each a [`Handover`] as base64url.
    handovers: Vec<String>,
    records: Vec<ProvenRecord>,
}

/// Why a bundle is not believed; one bad record spoils it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Longer than [`MAX_BUNDLE_BYTES`] or with too many records.
    #[error("the bundle is too large")]
    TooLarge,
    /// Cut off, or not a bundle.
    #[error("the bundle is malformed")]
    Malformed,
    /// A record occurs twice, or not in its place.
    #[error("the bundle's records are not in order")]
    Unordered,
    /// The checkpoint is not believed.
    #[error("the bundle's checkpoint is not valid")]
    Checkpoint(#[source] CheckpointError),
    /// A change of validators is not believed.
    #[error("the bundle's handovers are not valid")]
    Handover(#[source] HandoverError),
    /// A record's proof is not believed.
    #[error("the bundle's record {key} is not proven")]
    Record {
        /// The record.
        key: RecordKey,
        /// What is wrong with it.
        #[source]
        source: ProofError,
    },
}

impl BundleError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Unordered => "unordered",
            Self::Checkpoint(source) => source.code(),
            Self::Handover(source) => source.code(),
            Self::Record { source, .. } => source.code(),
        }
    }
}

impl Bundle {
    /// Puts records in order.
    pub fn new(checkpoint: Checkpoint, mut records: Vec<ProvenRecord>) -> Self {
        records.sort_by_cached_key(|record| record.key.to_string());
        Self {
            checkpoint,
            handovers: Vec::new(),
            records,
        }
    }

    /// Puts the changes of validators in, oldest first.
    #[must_use]
    pub fn with_handovers(mut self, handovers: Vec<Handover>) -> Self {
        self.handovers = handovers;
        self
    }

    /// Writes the bundle as JSON `{"checkpoint", "handovers", "records": [{"key", "value", "proof"}]}`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let wire = WireBundle {
            checkpoint: self.checkpoint.to_bytes(),
            handovers: self
                .handovers
                .iter()
                .map(|handover| b64url(&handover.to_bytes()))
                .collect(),
            records: self.records.clone(),
        };
        serde_json::to_vec(&wire).unwrap_or_default()
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// [`BundleError`] for its size or form; proofs are checked by [`verify`](Self::verify).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > MAX_BUNDLE_BYTES {
            return Err(BundleError::TooLarge);
        }
        let wire: WireBundle = serde_json::from_slice(bytes).map_err(|_| BundleError::Malformed)?;
        if wire.records.len() > MAX_BUNDLE_RECORDS || wire.handovers.len() > MAX_HANDOVERS {
            return Err(BundleError::TooLarge);
        }
        let checkpoint =
            Checkpoint::from_bytes(&wire.checkpoint).map_err(BundleError::Checkpoint)?;
        let handovers = wire.handovers.iter().map(|text| {
            let bytes = b64url_decode(text).map_err(|_| BundleError::Malformed)?;
            Handover::from_bytes(&bytes).map_err(BundleError::Handover)
        });
        Ok(Self {
            checkpoint,
            handovers: handovers.collect::<Result<_, _>>()?,
            records: wire.records,
        })
    }

    /// Follows the handovers that lie after `trust`, checks the checkpoint's certificate, the records' order and every proof.
    ///
    /// How old `trust` may be is left to the caller: [`NetworkTrust::require_recent`].
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn verify(&self, trust: &NetworkTrust) -> Result<VerifiedBundle, BundleError> {
        let trust = trust
            .follow_all(&self.handovers)
            .map_err(BundleError::Handover)?;
        let checkpoint = self
            .checkpoint
            .verify(&trust)
            .map_err(BundleError::Checkpoint)?;
        let names: Vec<String> = self
            .records
            .iter()
            .map(|record| record.key.to_string())
            .collect();
        if !names.is_sorted_by(|a, b| a < b) {
            return Err(BundleError::Unordered);
        }
        let mut records = BTreeMap::new();
        for proven in &self.records {
            let record =
                proven
                    .verify(&proven.key, &checkpoint)
                    .map_err(|source| BundleError::Record {
                        key: proven.key.clone(),
                        source,
                    })?;
            records.insert(proven.key.clone(), record);
        }
        Ok(VerifiedBundle {
            trust: trust.confirmed_by(&checkpoint),
            checkpoint,
            records,
        })
    }
}

/// Records that are proven at a verified checkpoint. What it doesn't hold is unknown, not absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedBundle {
    trust: NetworkTrust,
    checkpoint: VerifiedCheckpoint,
    records: BTreeMap<RecordKey, Option<Record>>,
}

impl VerifiedBundle {
    /// Returns the checkpoint that the records are proven at.
    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.checkpoint
    }

    /// Returns the validators of the checkpoint's epoch, to be trusted from now on.
    pub fn trust(&self) -> &NetworkTrust {
        &self.trust
    }

    /// Returns the records that exist, in order of their keys.
    pub fn records(&self) -> impl Iterator<Item = (&RecordKey, &Record)> {
        self.records
            .iter()
            .filter_map(|(key, record)| record.as_ref().map(|record| (key, record)))
    }
}

impl LookupRecord for VerifiedBundle {
    fn lookup(&self, key: &RecordKey) -> Lookup {
        match self.records.get(key) {
            Some(Some(record)) => Lookup::Present(record.clone()),
            Some(None) => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }
}
