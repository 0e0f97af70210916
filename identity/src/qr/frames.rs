//! Cuts a packed message into QR codes: one, or fountain frames (RFC 6330) to be shown in turn.

use raptorq::{Encoder, ObjectTransmissionInformation};

use super::context::short_hash;
use super::error::{EncodeError, FrameError};
use super::text::{self, Part};

/// Is the length of the longest packed message that frames carry, in bytes.
pub(super) const PACKED_MAX: usize = 64 * 1024;
const SYMBOL_BYTES: u16 = 232;
const SYMBOL: usize = SYMBOL_BYTES as usize;
const LENGTH_BYTES: usize = 3;

/// Is the text of one QR code, in the QR alphanumeric alphabet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame(String);

impl Frame {
    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.0
    }

    /// Returns the smallest QR version (1 to 40) that holds the text at error correction level L.
    pub fn version(&self) -> u8 {
        text::qr_version(self.0.len()).unwrap_or(40)
    }
}

/// Names a message among frames: the first 8 bytes of the SHA-256 of its packed form.
pub(super) type MessageId = [u8; 8];

/// Is what a frame says: `id (8) ‖ length (3) ‖ symbol number (2) ‖ symbol (232) ‖ check (4)`, big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FountainFrame {
    pub(super) id: MessageId,
    /// Is the length of the packed message in bytes.
    pub(super) length: usize,
    pub(super) symbol_number: u16,
    pub(super) symbol: Vec<u8>,
}

pub(super) fn transmission(length: usize) -> ObjectTransmissionInformation {
    let length = u64::try_from(length).unwrap_or(u64::MAX);
    ObjectTransmissionInformation::new(length, SYMBOL_BYTES, 1, 1, 1)
}

/// Counts the symbols into which a packed message is cut.
pub(super) fn symbols(length: usize) -> usize {
    length.div_ceil(SYMBOL)
}

/// Writes a packed message as one frame, or as all its source symbols and half as many repair symbols.
pub(super) fn frames(packed: &[u8]) -> Result<Vec<Frame>, EncodeError> {
    let whole = text::write(Part::Whole, packed);
    if whole.len() <= text::SINGLE_MAX {
        return Ok(vec![Frame(whole)]);
    }
    if packed.len() > PACKED_MAX {
        return Err(EncodeError::TooLarge);
    }
    let id = short_hash(packed);
    let repair = u32::try_from(symbols(packed.len()).div_ceil(2) + 2).unwrap_or(u32::MAX);
    let encoder = Encoder::new(packed, transmission(packed.len()));
    encoder
        .get_encoded_packets(repair)
        .into_iter()
        .map(|packet| {
            let (number, symbol) = packet.split();
            let symbol_number =
                u16::try_from(number.encoding_symbol_id()).map_err(|_| EncodeError::TooLarge)?;
            let part = FountainFrame {
                id,
                length: packed.len(),
                symbol_number,
                symbol,
            };
            Ok(Frame(text::write(Part::Frame, &part.to_bytes())))
        })
        .collect()
}

impl FountainFrame {
    fn to_bytes(&self) -> Vec<u8> {
        let length = self.length.to_be_bytes();
        let mut bytes = self.id.to_vec();
        bytes.extend(length.iter().skip(length.len() - LENGTH_BYTES));
        bytes.extend(self.symbol_number.to_be_bytes());
        bytes.extend(&self.symbol);
        bytes.extend(check(&bytes));
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let (content, given) = bytes
            .split_last_chunk::<4>()
            .ok_or(FrameError::FrameDamaged)?;
        if check(content) != *given {
            return Err(FrameError::FrameDamaged);
        }
        let mut reader = super::cbor::Reader::new(content);
        let id = reader.array()?;
        let length: [u8; LENGTH_BYTES] = reader.array()?;
        let length = length
            .iter()
            .fold(0, |length, byte| (length << 8) | usize::from(*byte));
        let symbol_number = u16::from_be_bytes(reader.array()?);
        let symbol = reader.rest().to_vec();
        if symbol.len() != SYMBOL || length == 0 || length > PACKED_MAX {
            return Err(FrameError::Malformed);
        }
        Ok(Self {
            id,
            length,
            symbol_number,
            symbol,
        })
    }
}

/// Guards a frame against a misread: the first 4 bytes of its SHA-256.
fn check(content: &[u8]) -> [u8; 4] {
    let [a, b, c, d, ..] = short_hash(content);
    [a, b, c, d]
}
