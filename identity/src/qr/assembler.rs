//! Puts scanned texts together to a message.

use std::collections::BTreeSet;

use raptorq::{Decoder, EncodingPacket, PayloadId};

use super::context::{CodecContext, short_hash};
use super::error::FrameError;
use super::frames::{FountainFrame, MessageId, symbols, transmission};
use super::message::{Message, decode};
use super::text::{self, Part};

/// Is how many symbols beyond the least are taken; with 5 more than that the message is all but certain to be whole.
const SPARE_SYMBOLS: usize = 64;
/// Is how many frames in a row of another message mean that the citizen now shows that one.
const TAKEOVER: u8 = 3;

/// Collects scanned texts until they make up a message.
///
/// Its memory is bounded: it holds one message of at most 64 KiB at a time. Frames of two messages are never put
/// together: a frame of another message is refused as [`FrameError::Mixed`] and changes nothing, until three of them in a
/// row show that the first message is gone.
#[derive(Default)]
pub struct Assembler {
    assembly: Option<Assembly>,
    rival: Option<(MessageId, u8)>,
    finished: Option<MessageId>,
}

struct Assembly {
    id: MessageId,
    length: usize,
    seen: BTreeSet<u16>,
    decoder: Decoder,
}

/// Says how far a message has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The message is whole.
    Complete(Message),
    /// More frames are needed.
    Partial {
        /// Is how many different frames were taken.
        received: usize,
        /// Is how many it takes if none is lost; rarely one or two more.
        needed: usize,
    },
    /// The frame was taken before.
    Ignored,
}

impl Assembler {
    /// Makes an assembler that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes the text of one scanned QR code.
    ///
    /// After an error the message can still be completed by other frames, save after [`FrameError::TooManyFrames`] and
    /// [`FrameError::MessageDamaged`], which start anew.
    pub fn push(&mut self, text: &str, context: &CodecContext) -> Result<Progress, FrameError> {
        match text::read(text)? {
            (Part::Whole, packed) => decode(&packed, context).map(Progress::Complete),
            (Part::Frame, bytes) => self.frame(FountainFrame::from_bytes(&bytes)?, context),
        }
    }

    fn frame(
        &mut self,
        frame: FountainFrame,
        context: &CodecContext,
    ) -> Result<Progress, FrameError> {
        if self.finished == Some(frame.id) {
            return Ok(Progress::Ignored);
        }
        self.settle_rivalry(&frame)?;
        let assembly = self.assembly.get_or_insert_with(|| Assembly::new(&frame));
        let packed = match assembly.take(frame) {
            Ok(Taken::Whole(packed)) => packed,
            Ok(Taken::Waiting(progress)) => return Ok(progress),
            Err(error) => {
                if error == FrameError::TooManyFrames {
                    self.reset();
                }
                return Err(error);
            }
        };
        let id = assembly.id;
        self.reset();
        if short_hash(&packed) != id {
            return Err(FrameError::MessageDamaged);
        }
        let message = decode(&packed, context)?;
        self.finished = Some(id);
        Ok(Progress::Complete(message))
    }

    /// Refuses a frame of another message than the one under way, or drops the latter if it is gone.
    fn settle_rivalry(&mut self, frame: &FountainFrame) -> Result<(), FrameError> {
        match &self.assembly {
            Some(assembly) if assembly.id != frame.id => {}
            _ => {
                self.rival = None;
                return Ok(());
            }
        }
        let count = match self.rival {
            Some((id, count)) if id == frame.id => count + 1,
            _ => 1,
        };
        if count < TAKEOVER {
            self.rival = Some((frame.id, count));
            return Err(FrameError::Mixed);
        }
        self.reset();
        Ok(())
    }
}

enum Taken {
    Whole(Vec<u8>),
    Waiting(Progress),
}

impl Assembly {
    fn new(frame: &FountainFrame) -> Self {
        Self {
            id: frame.id,
            length: frame.length,
            seen: BTreeSet::new(),
            decoder: Decoder::new(transmission(frame.length)),
        }
    }

    fn take(&mut self, frame: FountainFrame) -> Result<Taken, FrameError> {
        // The name is a hash of the message, so two lengths under one name cannot both be true.
        if frame.length != self.length {
            return Err(FrameError::FrameDamaged);
        }
        if !self.seen.insert(frame.symbol_number) {
            return Ok(Taken::Waiting(Progress::Ignored));
        }
        let needed = symbols(self.length);
        if self.seen.len() > needed + SPARE_SYMBOLS {
            return Err(FrameError::TooManyFrames);
        }
        let number = PayloadId::new(0, u32::from(frame.symbol_number));
        match self
            .decoder
            .decode(EncodingPacket::new(number, frame.symbol))
        {
            Some(packed) => Ok(Taken::Whole(packed)),
            None => Ok(Taken::Waiting(Progress::Partial {
                received: self.seen.len(),
                needed,
            })),
        }
    }
}

impl std::fmt::Debug for Assembler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Assembler")
            .field("frames", &self.assembly.as_ref().map(|all| all.seen.len()))
            .finish_non_exhaustive()
    }
}
