use bytes::BufMut;
use commonware_codec::{
    Buf, EncodeSize, Error, MaxEncodeSize, RangeCfg, Read, Write, varint::UInt,
};
use commonware_consensus::{BoundedBlock, Heightable, types::Height};
use commonware_cryptography::{Digestible, sha256};
use jumin_registry::Header;
use sha2::{Digest as _, Sha256};

/// The largest encoded header in bytes.
const MAX_HEADER_BYTES: usize = 1024;
/// The largest operation in bytes, as `registry` bounds it.
pub(crate) const MAX_OPERATION_BYTES: usize = 16 * 1024;
/// How many operations one block may carry.
pub(crate) const MAX_BLOCK_OPERATIONS: usize = 512;
/// How many bytes of operations one block may carry.
pub(crate) const MAX_BODY_BYTES: usize = 1024 * 1024;

const BODY_DOMAIN: &[u8] = b"jumin-registry/body/1";

/// Hashes the operations of a block in their order.
pub(crate) fn body_hash(operations: &[Vec<u8>]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(BODY_DOMAIN);
    hasher.update((operations.len() as u64).to_be_bytes());
    for operation in operations {
        hasher.update((operation.len() as u64).to_be_bytes());
        hasher.update(operation);
    }
    hasher.finalize().into()
}

/// A header with the signed operations it commits to.
///
/// Consensus agrees on the header's digest, so a reader that holds only the header can check the certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    header: Header,
    operations: Vec<Vec<u8>>,
    digest: sha256::Digest,
}

impl Block {
    /// Puts a header and its operations together; the header must already commit to them.
    pub(crate) fn new(header: Header, operations: Vec<Vec<u8>>) -> Self {
        let digest = sha256::Digest::from(header.digest());
        Self {
            header,
            operations,
            digest,
        }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// The operations as they came, JWS JSON each.
    pub(crate) fn operations(&self) -> &[Vec<u8>] {
        &self.operations
    }
}

impl Write for Block {
    fn write(&self, buf: &mut impl BufMut) {
        self.header.encode().write(buf);
        self.operations.write(buf);
    }
}

impl EncodeSize for Block {
    fn encode_size(&self) -> usize {
        self.header.encode().encode_size() + self.operations.encode_size()
    }
}

impl Read for Block {
    type Cfg = ();

    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        let encoded = Vec::<u8>::read_cfg(buf, &(RangeCfg::from(..=MAX_HEADER_BYTES), ()))?;
        let header = Header::decode(&encoded).map_err(|_| Error::Invalid("Block", "header"))?;
        if header.encode() != encoded {
            return Err(Error::Invalid("Block", "header not canonical"));
        }
        let one = (RangeCfg::from(1..=MAX_OPERATION_BYTES), ());
        let operations =
            Vec::<Vec<u8>>::read_cfg(buf, &(RangeCfg::from(..=MAX_BLOCK_OPERATIONS), one))?;
        if operations.iter().map(Vec::len).sum::<usize>() > MAX_BODY_BYTES {
            return Err(Error::Invalid("Block", "body too large"));
        }
        if body_hash(&operations) != header.body_hash {
            return Err(Error::Invalid("Block", "body hash"));
        }
        Ok(Self::new(header, operations))
    }
}

impl Digestible for Block {
    type Digest = sha256::Digest;

    fn digest(&self) -> sha256::Digest {
        self.digest
    }
}

impl Heightable for Block {
    fn height(&self) -> Height {
        Height::new(self.header.height)
    }
}

impl commonware_consensus::Block for Block {
    fn parent(&self) -> sha256::Digest {
        sha256::Digest::from(self.header.parent)
    }
}

impl BoundedBlock for Block {
    fn max_encode_size((): &()) -> usize {
        let length = UInt::<u32>::MAX_ENCODE_SIZE;
        MAX_HEADER_BYTES + MAX_BODY_BYTES + length * (MAX_BLOCK_OPERATIONS + 2)
    }
}

#[cfg(test)]
mod tests {
    use commonware_codec::{DecodeExt as _, Encode as _};
    use jumin_registry::HEADER_VERSION;

    use super::*;

    fn block(operations: Vec<Vec<u8>>) -> Block {
        let header = Header {
            version: HEADER_VERSION,
            network: "test".parse().unwrap(),
            epoch: 0,
            height: 7,
            time_ms: 1,
            parent: [1; 32],
            state_root: [2; 32],
            body_hash: body_hash(&operations),
            next_validators: [3; 32],
        };
        Block::new(header, operations)
    }

    #[test]
    fn block_survives_its_encoding() {
        let block = block(vec![b"one".to_vec(), b"two".to_vec()]);
        let encoded = block.encode();
        assert_eq!(encoded.len(), block.encode_size());
        assert!(encoded.len() <= Block::max_encode_size(&()));
        assert_eq!(Block::decode(encoded).unwrap(), block);
    }

    #[test]
    fn body_that_the_header_does_not_commit_to_is_refused() {
        let mut block = block(vec![b"one".to_vec()]);
        block.operations.push(b"smuggled".to_vec());
        assert!(Block::decode(block.encode()).is_err());
    }

    #[test]
    fn damaged_block_is_refused_without_a_panic() {
        let encoded = block(vec![b"one".to_vec()]).encode();
        for end in 0..encoded.len() {
            assert!(Block::decode(encoded.slice(..end)).is_err());
        }
        assert!(Block::decode(bytes::Bytes::from_static(&[0xff; 64])).is_err());
    }

    #[test]
    fn order_of_operations_changes_the_body_hash() {
        let (one, two) = (b"one".to_vec(), b"two".to_vec());
        assert_ne!(
            body_hash(&[one.clone(), two.clone()]),
            body_hash(&[two, one])
        );
    }
}
