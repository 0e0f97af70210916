//! The block header that validators finalize.

use std::str::FromStr;

use jumin_identity::NetworkName;

use crate::encoding::{Malformed, Reader, domain_hash};

/// The header version that this code writes and reads.
pub const HEADER_VERSION: u8 = 1;

const HEADER_DOMAIN: &[u8] = b"jumin-header-v1";
const VALIDATORS_DOMAIN: &[u8] = b"jumin-validators-v1";

/// What a finalization certificate commits to: a reader never needs a block's operations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Version of this layout, [`HEADER_VERSION`].
    pub version: u8,
    /// The network this block belongs to.
    pub network: NetworkName,
    /// Validator-set period; 0 from genesis on.
    pub epoch: u64,
    /// Number of the block; genesis is 0.
    pub height: u64,
    /// When the block was proposed, in milliseconds since the Unix epoch, UTC.
    pub time_ms: u64,
    /// Digest of the parent's header.
    pub parent: [u8; 32],
    /// Root of the state tree after this block.
    pub state_root: [u8; 32],
    /// Digest of the block's body (operations and whatever else the node puts there).
    pub body_hash: [u8; 32],
    /// [`validator_set_hash`] of the validators that finalize the block after this one.
    pub next_validators: [u8; 32],
}

impl Header {
    /// Encodes the header: version, name length, name, then big-endian numbers and digests.
    pub fn encode(&self) -> Vec<u8> {
        let name = self.network.to_string();
        let mut bytes = Vec::with_capacity(2 + name.len() + 3 * 8 + 4 * 32);
        bytes.push(self.version);
        bytes.push(name.len() as u8); // NetworkName is at most 24 bytes
        bytes.extend_from_slice(name.as_bytes());
        for number in [self.epoch, self.height, self.time_ms] {
            bytes.extend_from_slice(&number.to_be_bytes());
        }
        for digest in [
            &self.parent,
            &self.state_root,
            &self.body_hash,
            &self.next_validators,
        ] {
            bytes.extend_from_slice(digest);
        }
        bytes
    }

    /// Decodes exactly one header.
    ///
    /// # Errors
    /// [`Malformed`] for another version, a bad network name, or bytes missing or left over.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let header = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(header)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let version = reader.u8("header version")?;
        if version != HEADER_VERSION {
            return Err(Malformed("header version"));
        }
        let length = reader.u8("network name")?;
        let name = reader.take(usize::from(length), "network name")?;
        let name = std::str::from_utf8(name).map_err(|_| Malformed("network name"))?;
        Ok(Self {
            version,
            network: NetworkName::from_str(name).map_err(|_| Malformed("network name"))?,
            epoch: reader.u64("header epoch")?,
            height: reader.u64("header height")?,
            time_ms: reader.u64("header time")?,
            parent: reader.array("header parent")?,
            state_root: reader.array("header state root")?,
            body_hash: reader.array("header body hash")?,
            next_validators: reader.array("header next validators")?,
        })
    }

    /// Computes the digest that validators sign and children name as their parent.
    pub fn digest(&self) -> [u8; 32] {
        domain_hash(HEADER_DOMAIN, &self.encode())
    }
}

/// Hashes a validator set: its ed25519 keys in ascending order.
pub fn validator_set_hash(validators: &[[u8; 32]]) -> [u8; 32] {
    domain_hash(VALIDATORS_DOMAIN, validators.as_flattened())
}
