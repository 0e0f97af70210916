//! The finalization certificate, checked without the consensus engine.
//!
//! The engine (commonware simplex with its ed25519 scheme) has each validator sign
//! `varint(len(ns)) ‖ ns ‖ varint(epoch) ‖ varint(view) ‖ varint(parent view) ‖ header digest` with
//! `ns` = [`consensus_namespace`](crate::consensus_namespace) ‖ `_FINALIZE`, and counts a quorum of `n − ⌊(n − 1) / 3⌋`.
//! This module restates just that. AWS-LC checks ed25519 without the cofactor where the engine multiplies by it: a
//! signature of an honest validator passes both, and this check is never the laxer one.

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

use crate::encoding::{Malformed, Reader};

/// The largest validator set a reader accepts.
pub const MAX_VALIDATORS: usize = 256;

const FINALIZE_SUFFIX: &[u8] = b"_FINALIZE";

/// Signatures of a quorum of validators over one header digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Epoch of the finalized proposal.
    pub epoch: u64,
    /// View of the finalized proposal.
    pub view: u64,
    /// View of the proposal's parent.
    pub parent_view: u64,
    /// Number of validators in the set that signed.
    pub committee: u16,
    /// One bit for each validator, lowest bit first, in the order of [`NetworkTrust`](crate::NetworkTrust); unused bits are 0.
    pub signers: Vec<u8>,
    /// One ed25519 signature for each bit set, in that order.
    pub signatures: Vec<[u8; 64]>,
}

impl Certificate {
    /// Assembles a certificate from (validator's index, signature) pairs in any order.
    ///
    /// # Errors
    /// [`Malformed`] when the committee is empty or too large, an index is outside it, or one occurs twice.
    pub fn new(
        (epoch, view, parent_view): (u64, u64, u64),
        committee: usize,
        votes: impl IntoIterator<Item = (usize, [u8; 64])>,
    ) -> Result<Self, Malformed> {
        if !(1..=MAX_VALIDATORS).contains(&committee) {
            return Err(Malformed("committee size"));
        }
        let mut votes: Vec<_> = votes.into_iter().collect();
        votes.sort_by_key(|(index, _)| *index);
        if !votes.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Malformed("signer occurs twice"));
        }
        let mut signers = vec![0_u8; committee.div_ceil(8)];
        for (index, _) in &votes {
            if *index >= committee {
                return Err(Malformed("signer outside the committee"));
            }
            if let Some(byte) = signers.get_mut(index / 8) {
                *byte |= 1 << (index % 8);
            }
        }
        Ok(Self {
            epoch,
            view,
            parent_view,
            committee: committee as u16, // at most MAX_VALIDATORS
            signers,
            signatures: votes.into_iter().map(|(_, signature)| signature).collect(),
        })
    }

    /// Returns the signers' indices in ascending order.
    pub fn signer_indices(&self) -> impl Iterator<Item = usize> + '_ {
        (0..usize::from(self.committee)).filter(|index| {
            self.signers
                .get(index / 8)
                .is_some_and(|byte| byte >> (index % 8) & 1 == 1)
        })
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        for number in [self.epoch, self.view, self.parent_view] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        bytes.extend_from_slice(&self.committee.to_be_bytes());
        bytes.extend_from_slice(&self.signers);
        bytes.extend_from_slice(self.signatures.as_flattened());
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let (epoch, view, parent_view) = (
            reader.u64("epoch")?,
            reader.u64("view")?,
            reader.u64("parent view")?,
        );
        let committee = reader.u16("committee size")?;
        if !(1..=MAX_VALIDATORS).contains(&usize::from(committee)) {
            return Err(Malformed("committee size"));
        }
        let signers = reader
            .take(usize::from(committee).div_ceil(8), "signers")?
            .to_vec();
        let count: u32 = signers.iter().map(|byte| byte.count_ones()).sum();
        let mut certificate = Self {
            epoch,
            view,
            parent_view,
            committee,
            signers,
            signatures: Vec::new(),
        };
        if certificate.signer_indices().count() != count as usize {
            return Err(Malformed("signer outside the committee"));
        }
        for _ in 0..count {
            certificate.signatures.push(reader.array("signature")?);
        }
        Ok(certificate)
    }

    /// Checks that a quorum of `validators` signed `digest` under `namespace`.
    pub(crate) fn verify(
        &self,
        namespace: &[u8],
        validators: &[[u8; 32]],
        digest: &[u8; 32],
    ) -> Result<(), CertificateError> {
        let signers: Vec<usize> = self.signer_indices().collect();
        if usize::from(self.committee) != validators.len() || signers.len() != self.signatures.len()
        {
            return Err(CertificateError::NotThisCommittee);
        }
        if signers.len() < quorum(validators.len()) {
            return Err(CertificateError::TooFewSigners);
        }
        let message =
            finalization_message(namespace, (self.epoch, self.view, self.parent_view), digest);
        for (index, signature) in signers.iter().zip(&self.signatures) {
            let key = validators
                .get(*index)
                .ok_or(CertificateError::NotThisCommittee)?;
            UnparsedPublicKey::new(&ED25519, key)
                .verify(&message, signature)
                .map_err(|_| CertificateError::Signature)?;
        }
        Ok(())
    }
}

/// Why a certificate doesn't finalize a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CertificateError {
    NotThisCommittee,
    TooFewSigners,
    Signature,
}

/// Returns how many of `validators` must sign: all but `⌊(n − 1) / 3⌋`.
pub fn quorum(validators: usize) -> usize {
    validators - validators.saturating_sub(1) / 3
}

/// Builds the bytes that a validator signs to finalize a header: `round` is (epoch, view, parent view).
pub fn finalization_message(
    namespace: &[u8],
    (epoch, view, parent_view): (u64, u64, u64),
    digest: &[u8; 32],
) -> Vec<u8> {
    let mut message = Vec::with_capacity(namespace.len() + 80);
    write_varint(
        &mut message,
        (namespace.len() + FINALIZE_SUFFIX.len()) as u64,
    );
    message.extend_from_slice(namespace);
    message.extend_from_slice(FINALIZE_SUFFIX);
    for number in [epoch, view, parent_view] {
        write_varint(&mut message, number);
    }
    message.extend_from_slice(digest);
    message
}

/// Writes an unsigned LEB128 varint, as commonware-codec's `UInt`.
fn write_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80); // the low seven bits
        value >>= 7;
    }
    bytes.push(value as u8);
}
