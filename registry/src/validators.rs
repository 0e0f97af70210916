//! The validators on the ledger: who finalizes blocks now, and who from the next epoch on.

use std::net::SocketAddr;

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use jumin_identity::NetworkName;
use serde::{Deserialize, Serialize};

use crate::{
    encoding::{bytes_b64, digest_b64},
    header::validator_set_hash,
};

/// The most validators that a network may have.
pub const MAX_NETWORK_VALIDATORS: usize = 64;

/// The namespace under which a new validator signs its [`possession_statement`].
pub const POSSESSION_NAMESPACE: &[u8] = b"jumin-validator-possession-v1";

/// A validator and where the others reach it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validator {
    /// Its ed25519 public key.
    #[serde(with = "digest_b64")]
    pub key: [u8; 32],
    /// Where it listens for the other validators.
    pub address: SocketAddr,
    /// The agency that runs it, as people call it.
    pub name: String,
}

/// A validator to add, with the proof that it holds its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewValidator {
    /// Its ed25519 public key.
    #[serde(with = "digest_b64")]
    pub key: [u8; 32],
    /// Where it listens for the other validators.
    pub address: SocketAddr,
    /// The agency that runs it, as people call it.
    pub name: String,
    /// Its ed25519 signature over [`possession_message`].
    #[serde(with = "bytes_b64")]
    pub proof: Vec<u8>,
}

/// Who finalizes blocks, and from which epoch on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValidatorsRecord {
    /// Counts the changes; 1 at genesis.
    pub version: u64,
    /// How many blocks an epoch has; fixed at genesis.
    pub epoch_blocks: u64,
    /// The validators up to the epoch that `next` names; ascending by key.
    pub current: Vec<Validator>,
    /// The change made last.
    pub next: Option<NextValidators>,
}

/// A set of validators that takes over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NextValidators {
    /// The first epoch that they finalize.
    pub epoch: u64,
    /// The validators, ascending by key.
    pub validators: Vec<Validator>,
}

/// Builds the bytes that a new validator's signature covers: the namespace's length, [`POSSESSION_NAMESPACE`], and the
/// [`possession_statement`].
pub fn possession_message(network: &NetworkName, key: &[u8; 32], address: SocketAddr) -> Vec<u8> {
    let mut message = vec![POSSESSION_NAMESPACE.len() as u8]; // a varint of one byte
    message.extend_from_slice(POSSESSION_NAMESPACE);
    message.extend(possession_statement(network, key, address));
    message
}

/// Builds what a new validator states: that it holds its key and listens at this address, in this network.
pub fn possession_statement(network: &NetworkName, key: &[u8; 32], address: SocketAddr) -> Vec<u8> {
    let network = network.to_string();
    let mut message = vec![network.len() as u8]; // NetworkName is at most 24 bytes
    message.extend_from_slice(network.as_bytes());
    message.extend_from_slice(key);
    message.extend_from_slice(address.to_string().as_bytes());
    message
}

impl NewValidator {
    /// Tells whether whoever holds the key signed for this network and address.
    pub fn holds_key(&self, network: &NetworkName) -> bool {
        let message = possession_message(network, &self.key, self.address);
        UnparsedPublicKey::new(&ED25519, &self.key)
            .verify(&message, &self.proof)
            .is_ok()
    }

    pub(crate) fn validator(&self) -> Validator {
        Validator {
            key: self.key,
            address: self.address,
            name: self.name.clone(),
        }
    }
}

impl ValidatorsRecord {
    /// Returns the epoch of a block: each has `epoch_blocks` heights, epoch 0 starts with genesis.
    pub fn epoch_of(&self, height: u64) -> u64 {
        height / self.epoch_blocks.max(1)
    }

    /// Tells whether the block is the last of its epoch.
    pub fn ends_epoch(&self, height: u64) -> bool {
        height
            .checked_add(1)
            .is_none_or(|next| next % self.epoch_blocks.max(1) == 0)
    }

    /// Returns who finalizes the blocks of `epoch`, as far as this state tells.
    pub fn at(&self, epoch: u64) -> &[Validator] {
        match &self.next {
            Some(next) if next.epoch <= epoch => &next.validators,
            _ => &self.current,
        }
    }

    /// Returns the keys of [`at`](Self::at), ascending.
    pub fn keys_at(&self, epoch: u64) -> Vec<[u8; 32]> {
        self.at(epoch)
            .iter()
            .map(|validator| validator.key)
            .collect()
    }

    /// Returns what the header of block `height` commits to when this is the state after it: the hash of the validators
    /// that finalize the block after it.
    pub fn next_hash(&self, height: u64) -> [u8; 32] {
        validator_set_hash(&self.keys_at(self.epoch_of(height.saturating_add(1))))
    }

    /// Tells whether a change waits for the end of `epoch`.
    pub fn is_pending(&self, epoch: u64) -> bool {
        self.next.as_ref().is_some_and(|next| next.epoch > epoch)
    }
}
