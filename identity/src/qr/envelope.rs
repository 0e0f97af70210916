//! The packed form of a message: what it is, how it is compressed, and its bytes.

use zstd::bulk::{Compressor, Decompressor};
use zstd::zstd_safe::{self, CParameter};

use super::context::{CodecContext, Dictionary, DictionaryId};
use super::error::{EncodeError, FrameError};
use super::message::TEXT_MAX;

/// Starts every zstd frame (RFC 8878 §3.1.1), so it is left out.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
const LEVEL: i32 = 19;

/// Says what a message is, and whether it is in the compact form or the text itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Presentation,
    RequestText,
    PresentationText,
}

const KINDS: [Kind; 4] = [
    Kind::Request,
    Kind::Presentation,
    Kind::RequestText,
    Kind::PresentationText,
];

const STORED: u8 = 0;
const COMPRESSED: u8 = 1;
const WITH_DICTIONARY: u8 = 2;

/// Is an unpacked message.
pub(super) struct Envelope {
    pub(super) kind: Kind,
    pub(super) body: Vec<u8>,
}

impl Envelope {
    /// Packs a body, compressed if that makes it smaller.
    pub(super) fn pack(kind: Kind, body: &[u8]) -> Result<Vec<u8>, EncodeError> {
        let compressed = compress(body, &[])?;
        let (packing, body) = match compressed.len() < body.len() {
            true => (COMPRESSED, compressed.as_slice()),
            false => (STORED, body),
        };
        Ok([&[first_byte(packing, kind)], body].concat())
    }

    /// Packs a body, compressed with a dictionary.
    pub(super) fn pack_with(
        kind: Kind,
        body: &[u8],
        dictionary: &Dictionary,
    ) -> Result<Vec<u8>, EncodeError> {
        let compressed = compress(body, &dictionary.bytes)?;
        let first = [first_byte(WITH_DICTIONARY, kind)];
        Ok([&first[..], &dictionary.id, &compressed].concat())
    }

    /// Unpacks a message; a body of more than 256 KiB is refused before anything is inflated.
    pub(super) fn unpack(bytes: &[u8], context: &CodecContext) -> Result<Self, FrameError> {
        let (first, rest) = bytes.split_first().ok_or(FrameError::Malformed)?;
        let kind = usize::from(*first & 0x0f);
        let kind = *KINDS.get(kind).ok_or(FrameError::Malformed)?;
        let body = match first >> 4 {
            STORED if rest.len() > TEXT_MAX => return Err(FrameError::Inflates),
            STORED => rest.to_vec(),
            COMPRESSED => inflate(rest, &[])?,
            WITH_DICTIONARY => {
                let (id, rest): (&DictionaryId, _) =
                    rest.split_first_chunk().ok_or(FrameError::Malformed)?;
                let dictionary = context.dictionary(id);
                inflate(
                    rest,
                    &dictionary.ok_or(FrameError::DictionaryUnknown)?.bytes,
                )?
            }
            _ => return Err(FrameError::Malformed),
        };
        Ok(Self { kind, body })
    }
}

fn first_byte(packing: u8, kind: Kind) -> u8 {
    let kind = KINDS.iter().position(|known| *known == kind).unwrap_or(0);
    (packing << 4) | (kind as u8)
}

fn compress(body: &[u8], dictionary: &[u8]) -> Result<Vec<u8>, EncodeError> {
    let run = || {
        let mut compressor = Compressor::with_dictionary(LEVEL, dictionary)?;
        compressor.set_parameter(CParameter::ChecksumFlag(false))?;
        compressor.set_parameter(CParameter::ContentSizeFlag(true))?;
        compressor.compress(body)
    };
    let frame = run().map_err(|_: std::io::Error| EncodeError::Compression)?;
    frame
        .strip_prefix(&MAGIC)
        .map(<[u8]>::to_vec)
        .ok_or(EncodeError::Compression)
}

fn inflate(frame: &[u8], dictionary: &[u8]) -> Result<Vec<u8>, FrameError> {
    let frame = [&MAGIC[..], frame].concat();
    // The size stands in the frame's header; the decompressor holds the content to it.
    let size = match zstd_safe::get_frame_content_size(&frame) {
        Ok(Some(size)) => usize::try_from(size).map_err(|_| FrameError::Inflates)?,
        _ => return Err(FrameError::Malformed),
    };
    if size > TEXT_MAX {
        return Err(FrameError::Inflates);
    }
    if zstd_safe::find_frame_compressed_size(&frame) != Ok(frame.len()) {
        return Err(FrameError::Malformed);
    }
    let run = || Decompressor::with_dictionary(dictionary)?.decompress(&frame, size);
    run().map_err(|_: std::io::Error| FrameError::Malformed)
}
