//! Requests and presentations as QR codes, as `docs/qr-presentation.md` specifies them.
//!
//! A message is written compactly (`shrink`), packed by zstd with the issuer's dictionary (`envelope`), and shown as one
//! QR code or as fountain frames (`frames`). Whatever the encoder writes it has read back first: the reader gets the very
//! bytes that were signed.

mod assembler;
mod calendar;
mod cbor;
mod context;
mod dictionary;
mod drawing;
mod envelope;
mod error;
mod expand;
mod frames;
mod message;
mod shrink;
mod text;
mod vocabulary;

pub use assembler::{Assembler, Progress};
pub use context::{CodecContext, ContextError, DictionaryId};
pub use dictionary::train_dictionary;
pub use drawing::CodeDrawing;
pub use error::{EncodeError, FrameError};
pub use frames::Frame;
pub use message::Message;
pub use text::qr_version;

use context::HeaderUse;
use envelope::{Envelope, Kind};

/// Encodes a VP Token of one presentation for a QR code.
///
/// The answer is one frame if it fits in a QR code of version 22-L, else frames to be shown in turn. Where the VP Token
/// is of a form that cannot be written compactly, its text is packed as it is.
pub fn encode_presentation(
    vp_token: &str,
    context: &CodecContext,
) -> Result<Vec<Frame>, EncodeError> {
    let envelope = smallest(&Message::Presentation(vp_token.to_owned()), context)?;
    frames::frames(&envelope)
}

/// Encodes a signed request object, a compact JWS, for a QR code.
pub fn encode_request(request: &str, context: &CodecContext) -> Result<Vec<Frame>, EncodeError> {
    let envelope = smallest(&Message::Request(request.to_owned()), context)?;
    frames::frames(&envelope)
}

/// Packs a message in every way the context allows and takes the smallest that reads back as the same message.
fn smallest(message: &Message, context: &CodecContext) -> Result<Vec<u8>, EncodeError> {
    if message.text().len() > message::TEXT_MAX {
        return Err(EncodeError::TooLarge);
    }
    let mut packed = Vec::new();
    if let Some(body) = message.shrink(context, HeaderUse::Interned) {
        packed.push(Envelope::pack(message.kind(), &body)?);
    }
    let inline = match context.has_dictionaries() {
        true => message.shrink(context, HeaderUse::Inline),
        false => None,
    };
    if let Some(body) = inline {
        for dictionary in context.dictionaries() {
            packed.push(Envelope::pack_with(message.kind(), &body, dictionary)?);
        }
    }
    packed.sort_by_key(Vec::len);
    let faithful = |bytes: &Vec<u8>| message::decode(bytes, context).as_ref() == Ok(message);
    match packed.into_iter().find(faithful) {
        Some(bytes) => Ok(bytes),
        None => Envelope::pack(message.kind().as_text(), message.text().as_bytes()),
    }
}

impl Kind {
    fn as_text(self) -> Self {
        match self {
            Self::Request | Self::RequestText => Self::RequestText,
            Self::Presentation | Self::PresentationText => Self::PresentationText,
        }
    }
}
