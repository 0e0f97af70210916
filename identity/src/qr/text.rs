//! The text of a QR code: a prefix, base45 (RFC 9285) and an end mark.

use super::error::FrameError;

const FORMAT: &str = "JM";
const VERSION: &str = "1";
/// Ends the text, because scanners trim the space that base45 may end in, and so that a cut text is known as such.
const END: char = '.';

/// Is the length of the longest text that any QR code holds (version 40-L, alphanumeric mode), in characters.
pub(super) const TEXT_MAX: usize = 4296;
/// Is the length of the longest text that is made here (version 22-L), in characters.
pub(super) const SINGLE_MAX: usize = 1460;

/// Is the number of alphanumeric characters that a QR code of each version holds at error correction level L
/// (ISO/IEC 18004, table 7).
const CAPACITY: [u16; 40] = [
    25, 47, 77, 114, 154, 195, 224, 279, 335, 395, 468, 535, 619, 667, 758, 854, 938, 1046, 1153,
    1249, 1352, 1460, 1588, 1704, 1853, 1990, 2132, 2223, 2369, 2520, 2677, 2840, 3009, 3183, 3351,
    3537, 3729, 3927, 4087, 4296,
];

/// Returns the smallest QR version (1 to 40) that holds so many alphanumeric characters at level L.
pub fn qr_version(characters: usize) -> Option<u8> {
    let index = CAPACITY
        .iter()
        .position(|capacity| usize::from(*capacity) >= characters)?;
    u8::try_from(index + 1).ok()
}

/// Says what the bytes of a text are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// A whole message.
    Whole,
    /// One of several frames.
    Frame,
}

impl Part {
    fn mark(self) -> char {
        match self {
            Self::Whole => ':',
            Self::Frame => '/',
        }
    }
}

/// Writes bytes as text of the QR alphanumeric alphabet.
pub(super) fn write(part: Part, bytes: &[u8]) -> String {
    format!(
        "{FORMAT}{VERSION}{}{}{END}",
        part.mark(),
        base45::encode(bytes)
    )
}

/// Reads what [`write`] writes, and nothing else; line ends around it are ignored.
pub(super) fn read(text: &str) -> Result<(Part, Vec<u8>), FrameError> {
    let text = text.trim_matches(['\r', '\n', '\t', '\u{0}']);
    if text.len() > TEXT_MAX {
        return Err(FrameError::TooLong);
    }
    let rest = text.strip_prefix(FORMAT).ok_or(FrameError::Foreign)?;
    let (version, rest) = rest.split_at_checked(1).ok_or(FrameError::Foreign)?;
    let part = match rest.chars().next() {
        Some(':') => Part::Whole,
        Some('/') => Part::Frame,
        _ => return Err(FrameError::Foreign),
    };
    if version != VERSION {
        return Err(FrameError::Version);
    }
    let rest = rest.get(1..).ok_or(FrameError::Truncated)?;
    let digits = rest.strip_suffix(END).ok_or(FrameError::Truncated)?;
    let bytes = base45::decode(digits).map_err(|_| FrameError::Malformed)?;
    // The decoder lets the last pair of characters exceed one byte; one sequence of bytes has one text here.
    match base45::encode(&bytes) == digits {
        true => Ok((part, bytes)),
        false => Err(FrameError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_reads_back_through_line_ends() {
        for part in [Part::Whole, Part::Frame] {
            for bytes in [&b""[..], b"\xff", b"\x00\x24\x24", b"Hello!!"] {
                let text = write(part, bytes);
                assert_eq!(read(&text), Ok((part, bytes.to_vec())), "{text}");
                assert_eq!(read(&format!("{text}\r\n")), Ok((part, bytes.to_vec())));
            }
        }
    }

    #[test]
    fn foreign_text_is_told_from_damaged_text() {
        for (text, error) in [
            ("", FrameError::Foreign),
            ("https://example.com", FrameError::Foreign),
            ("JM", FrameError::Foreign),
            ("JMé:", FrameError::Foreign),
            ("JM1", FrameError::Foreign),
            ("jm1:AAA.", FrameError::Foreign),
            ("JM2:ABC.", FrameError::Version),
            ("JM1:", FrameError::Truncated),
            ("JM1:ABC", FrameError::Truncated),
            ("JM1:A.", FrameError::Malformed),
            ("JM1:a00.", FrameError::Malformed),
            ("JM1::::.", FrameError::Malformed),
            ("JM1:::.", FrameError::Malformed),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
        assert_eq!(read(&"JM1:".repeat(1100)), Err(FrameError::TooLong));
    }

    #[test]
    fn version_follows_the_capacity_table() {
        for (characters, version) in [(0, 1), (25, 1), (26, 2), (1153, 19), (1154, 20), (4296, 40)]
        {
            assert_eq!(qr_version(characters), Some(version));
        }
        assert_eq!(qr_version(4297), None);
    }
}
