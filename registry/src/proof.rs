//! Proofs that a record has a value, or doesn't exist, at a checkpoint.
//!
//! The state is a Jellyfish Merkle tree: a 256-bit sparse tree over key hashes in which a subtree with one leaf is that leaf
//! and an empty one is a constant. A proof is, in this order: one byte for what the path ends in (0 nothing, 1 the key's own
//! leaf, 2 another key's leaf), for 2 that leaf's key hash and value hash, one byte with the number of siblings less than 256,
//! a bitmap with one bit for each sibling, lowest first, that is not empty, and the hashes of those, deepest first.

use jumin_identity::sha256;
use serde::{Deserialize, Serialize};

use crate::{
    checkpoint::VerifiedCheckpoint,
    encoding::{Malformed, Reader, bytes_b64, optional_bytes_b64},
    key::RecordKey,
    record::Record,
};

/// Hash of an empty subtree (jmt `SPARSE_MERKLE_PLACEHOLDER_HASH`).
pub(crate) const EMPTY: [u8; 32] = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

const LEAF_DOMAIN: &[u8] = b"JMT::LeafNode";
const INTERNAL_DOMAIN: &[u8] = b"JMT::IntrnalNode";

/// A record's value, or its absence, with the proof; as JSON, `value` and `proof` are base64url.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenRecord {
    /// The record that the answer claims to be about.
    pub key: RecordKey,
    /// The record's bytes; none if it doesn't exist.
    #[serde(with = "optional_bytes_b64")]
    pub value: Option<Vec<u8>>,
    /// The proof.
    #[serde(with = "bytes_b64")]
    pub proof: Vec<u8>,
}

/// Why a record is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The answer is about another record than the one asked for.
    #[error("the proof is of another record")]
    WrongKey,
    /// The proof doesn't lead to the checkpoint's state root.
    #[error("the proof doesn't lead to the checkpoint's state root")]
    Invalid,
    /// The proof or the proven value can't be read.
    #[error("the proof is malformed")]
    Malformed(#[source] Malformed),
}

impl ProofError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::WrongKey => "wrong_key",
            Self::Invalid => "proof_invalid",
            Self::Malformed(_) => "malformed",
        }
    }
}

impl From<Malformed> for ProofError {
    fn from(error: Malformed) -> Self {
        Self::Malformed(error)
    }
}

impl ProvenRecord {
    /// Checks that this is the value of `expected` at `checkpoint`; none if the record provably doesn't exist.
    ///
    /// The expected key is the caller's: an absence proof holds for whatever key is absent, so the answer's own key proves
    /// nothing.
    ///
    /// # Errors
    /// [`ProofError`].
    pub fn verify(
        &self,
        expected: &RecordKey,
        checkpoint: &VerifiedCheckpoint,
    ) -> Result<Option<Record>, ProofError> {
        if self.key != *expected {
            return Err(ProofError::WrongKey);
        }
        verify_proof(
            checkpoint.state_root(),
            &expected.hash(),
            self.value.as_deref(),
            &self.proof,
        )?;
        let Some(value) = &self.value else {
            return Ok(None);
        };
        let record = Record::from_bytes(value)?;
        if record.belongs_to(expected) {
            Ok(Some(record))
        } else {
            Err(ProofError::Malformed(Malformed("record of another kind")))
        }
    }
}

/// Checks that the tree with `root` holds `value` under `key_hash`, or holds nothing there if `value` is none.
///
/// # Errors
/// [`ProofError::Malformed`] when the proof can't be read, [`ProofError::Invalid`] when it doesn't prove that.
pub fn verify_proof(
    root: &[u8; 32],
    key_hash: &[u8; 32],
    value: Option<&[u8]>,
    proof: &[u8],
) -> Result<(), ProofError> {
    let path = Path::decode(proof)?;
    let leaf = match (value, &path.end) {
        (Some(value), End::Own) => leaf_hash(key_hash, &sha256(value)),
        (None, End::Empty) => EMPTY,
        // Another key's leaf takes the place where this key would be: they must agree on the way down to it.
        (None, End::Other { key, value })
            if key != key_hash && common_bits(key, key_hash) >= path.siblings.len() =>
        {
            leaf_hash(key, value)
        }
        _ => return Err(ProofError::Invalid),
    };
    if path.root_from(leaf, key_hash) == *root {
        Ok(())
    } else {
        Err(ProofError::Invalid)
    }
}

/// What the way down the tree ends in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Empty,
    Own,
    Other { key: [u8; 32], value: [u8; 32] },
}

/// The way from a leaf up to the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) end: End,
    /// Deepest first.
    pub(crate) siblings: Vec<[u8; 32]>,
}

impl Path {
    #[cfg(feature = "tree")]
    pub(crate) fn encode(&self) -> Option<Vec<u8>> {
        let mut bytes = match &self.end {
            End::Empty => vec![0],
            End::Own => vec![1],
            End::Other { key, value } => [&[2], key.as_slice(), value].concat(),
        };
        bytes.push(u8::try_from(self.siblings.len()).ok()?);
        let mut bitmap = vec![0_u8; self.siblings.len().div_ceil(8)];
        for (index, _) in self
            .siblings
            .iter()
            .enumerate()
            .filter(|(_, hash)| **hash != EMPTY)
        {
            if let Some(byte) = bitmap.get_mut(index / 8) {
                *byte |= 1 << (index % 8);
            }
        }
        bytes.extend_from_slice(&bitmap);
        self.siblings
            .iter()
            .filter(|hash| **hash != EMPTY)
            .for_each(|hash| bytes.extend_from_slice(hash));
        Some(bytes)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let end = match reader.u8("end of the path")? {
            0 => End::Empty,
            1 => End::Own,
            2 => End::Other {
                key: reader.array("leaf")?,
                value: reader.array("leaf")?,
            },
            _ => return Err(Malformed("end of the path")),
        };
        let count = usize::from(reader.u8("siblings")?);
        let bitmap = reader.take(count.div_ceil(8), "siblings")?;
        let is_set = |index: usize| {
            bitmap
                .get(index / 8)
                .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
        };
        // One proof, one form: unused bits are 0, and an empty sibling is never written out.
        if (count..bitmap.len() * 8).any(is_set) {
            return Err(Malformed("siblings"));
        }
        let mut siblings = Vec::with_capacity(count);
        for index in 0..count {
            siblings.push(if is_set(index) {
                reader.array("sibling")?
            } else {
                EMPTY
            });
            if is_set(index) && siblings.last() == Some(&EMPTY) {
                return Err(Malformed("sibling"));
            }
        }
        reader.finish()?;
        Ok(Self { end, siblings })
    }

    fn root_from(&self, leaf: [u8; 32], key_hash: &[u8; 32]) -> [u8; 32] {
        let depth = self.siblings.len();
        self.siblings
            .iter()
            .enumerate()
            .fold(leaf, |hash, (index, sibling)| {
                if bit(key_hash, depth - 1 - index) {
                    internal_hash(sibling, &hash)
                } else {
                    internal_hash(&hash, sibling)
                }
            })
    }
}

/// Returns the bit at `index`, counted from the most significant bit of the first byte.
fn bit(hash: &[u8; 32], index: usize) -> bool {
    hash.get(index / 8)
        .is_some_and(|byte| byte >> (7 - index % 8) & 1 == 1)
}

fn common_bits(one: &[u8; 32], other: &[u8; 32]) -> usize {
    (0..256)
        .take_while(|index| bit(one, *index) == bit(other, *index))
        .count()
}

pub(crate) fn leaf_hash(key_hash: &[u8; 32], value_hash: &[u8; 32]) -> [u8; 32] {
    sha256(&[LEAF_DOMAIN, key_hash, value_hash].concat())
}

pub(crate) fn internal_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[INTERNAL_DOMAIN, left, right].concat())
}
