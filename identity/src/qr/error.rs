//! What can go wrong on the way into and out of a QR code.

/// Says why a message cannot be shown as QR codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The message is too large even for frames.
    #[error("the message is too large for QR codes")]
    TooLarge,
    /// The compressor failed, which only a lack of memory explains.
    #[error("the message could not be compressed")]
    Compression,
}

impl EncodeError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "qr_too_large",
            Self::Compression => "qr_compression_failed",
        }
    }
}

/// Says why scanned text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The text is not one of ours.
    #[error("this is not a QR code of this system")]
    Foreign,
    /// The text is of a later version of the format.
    #[error("the QR code is of a version that is not supported")]
    Version,
    /// The end of the text is missing.
    #[error("the QR code was read only in part")]
    Truncated,
    /// The text is longer than any QR code.
    #[error("the text is longer than a QR code")]
    TooLong,
    /// The text or the message in it breaks the format.
    #[error("the QR code is damaged")]
    Malformed,
    /// A frame is damaged.
    #[error("the frame is damaged")]
    FrameDamaged,
    /// The frame belongs to another message than the frames before it.
    #[error("the frame belongs to another message")]
    Mixed,
    /// More frames came than the message can need.
    #[error("too many frames for one message")]
    TooManyFrames,
    /// The frames do not make up the message that they name.
    #[error("the frames do not make up their message")]
    MessageDamaged,
    /// The message would inflate beyond the limit.
    #[error("the message inflates beyond the limit")]
    Inflates,
    /// The message has more parts, or is nested deeper, than the limits allow.
    #[error("the message is beyond the limits")]
    Limit,
    /// The message needs a dictionary that is not at hand.
    #[error("the dictionary of the issuer is not known here")]
    DictionaryUnknown,
    /// The message needs an issuer's header that is not at hand.
    #[error("the header of the issuer is not known here")]
    HeaderUnknown,
}

impl FrameError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Foreign => "qr_foreign",
            Self::Version => "qr_version",
            Self::Truncated => "qr_truncated",
            Self::TooLong => "qr_too_long",
            Self::Malformed => "qr_malformed",
            Self::FrameDamaged => "qr_frame_damaged",
            Self::Mixed => "qr_frames_mixed",
            Self::TooManyFrames => "qr_too_many_frames",
            Self::MessageDamaged => "qr_message_damaged",
            Self::Inflates => "qr_inflates",
            Self::Limit => "qr_limit",
            Self::DictionaryUnknown => "qr_dictionary_unknown",
            Self::HeaderUnknown => "qr_header_unknown",
        }
    }
}
