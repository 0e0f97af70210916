//! What a reader must know about a network beforehand.

use jumin_identity::NetworkName;
use serde::{Deserialize, Serialize};

use crate::{
    certificate::MAX_VALIDATORS,
    checkpoint::VerifiedCheckpoint,
    encoding::{digest_b64, digests_b64},
};

/// First part of the namespace under which validators sign; see [`consensus_namespace`].
pub const NAMESPACE: &[u8] = b"_JUMIN_REGISTRY_";

/// How long after it was last shown to be right a trust may be followed, in seconds: 180 days.
pub const TRUSTING_PERIOD: u64 = 180 * 86_400;

/// A network's identity and the validators whose certificates a reader believes; the content of `network.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetworkTrust {
    /// The network's name, as in its DIDs.
    pub network: NetworkName,
    /// Digest of the genesis header (height 0).
    #[serde(with = "digest_b64")]
    pub genesis: [u8; 32],
    /// Validator-set period that `validators` belong to.
    pub epoch: u64,
    /// ed25519 public keys in strictly ascending order, 1 to [`MAX_VALIDATORS`].
    #[serde(with = "digests_b64")]
    pub validators: Vec<[u8; 32]>,
    /// When these were known to be the network's validators, in Unix seconds.
    pub as_of: u64,
}

/// A trust that nobody may follow any further: validators of so long ago may have given their keys away since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the trust file is {days} days old; get a new one from the agency")]
pub struct TrustExpired {
    /// Its age in days.
    pub days: u64,
}

impl TrustExpired {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        "trust_expired"
    }
}

/// Why a trust file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// Not the JSON form of [`NetworkTrust`].
    #[error("the network's trust file is malformed")]
    Malformed(#[source] serde_json::Error),
    /// No validators, too many, or not in strictly ascending order.
    #[error("the network's validators are not an ascending set of 1 to 256 keys")]
    Validators,
}

impl TrustError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        "malformed"
    }
}

impl NetworkTrust {
    /// Reads `network.json`.
    ///
    /// # Errors
    /// [`TrustError`] when it is malformed or the validators are not an ascending set.
    pub fn from_json(bytes: &[u8]) -> Result<Self, TrustError> {
        let trust: Self = serde_json::from_slice(bytes).map_err(TrustError::Malformed)?;
        if trust.has_valid_committee() {
            Ok(trust)
        } else {
            Err(TrustError::Validators)
        }
    }

    /// Writes `network.json`.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    /// Requires the trust to be young enough at `now` (Unix seconds) to be followed; see [`TRUSTING_PERIOD`].
    ///
    /// # Errors
    /// [`TrustExpired`] with its age.
    pub fn require_recent(&self, now: u64) -> Result<(), TrustExpired> {
        let age = now.saturating_sub(self.as_of);
        if age <= TRUSTING_PERIOD {
            Ok(())
        } else {
            Err(TrustExpired { days: age / 86_400 })
        }
    }

    /// Takes note that `checkpoint`, which this trust verified, shows these validators to be right at its time.
    #[must_use]
    pub fn confirmed_by(&self, checkpoint: &VerifiedCheckpoint) -> Self {
        Self {
            as_of: self.as_of.max(checkpoint.time_ms() / 1000),
            ..self.clone()
        }
    }

    /// Returns the namespace under which this network's validators sign.
    pub fn namespace(&self) -> Vec<u8> {
        consensus_namespace(&self.network, &self.genesis)
    }

    /// Tells whether the validators are an ascending set of 1 to [`MAX_VALIDATORS`] keys: a key listed twice would be
    /// counted twice.
    pub(crate) fn has_valid_committee(&self) -> bool {
        (1..=MAX_VALIDATORS).contains(&self.validators.len())
            && self.validators.is_sorted_by(|a, b| a < b)
    }
}

/// Builds the namespace of a network's votes: [`NAMESPACE`], the network's name, `_`, and the genesis digest, so that a
/// certificate of one network means nothing in another, even between networks of the same name and validators.
pub fn consensus_namespace(network: &NetworkName, genesis: &[u8; 32]) -> Vec<u8> {
    let mut namespace = NAMESPACE.to_vec();
    namespace.extend_from_slice(network.to_string().as_bytes());
    namespace.push(b'_');
    namespace.extend_from_slice(genesis);
    namespace
}
