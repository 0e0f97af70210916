//! The part of CBOR (RFC 8949) in which messages are written: definite lengths, shortest heads.

use super::error::FrameError;

/// Is the head of a data item, with the length or value that stands in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Item {
    Unsigned(u64),
    Negative(u64),
    Bytes(usize),
    Text(usize),
    Array(usize),
    Map(usize),
    Tag(u64),
    /// A simple value, `false`, `true` and `null` (20 to 22) among them.
    Simple(u8),
    Float(f64),
}

pub(super) const FALSE: u8 = 20;
pub(super) const TRUE: u8 = 21;
pub(super) const NULL: u8 = 22;

/// Writes the head of a data item, as short as can be (RFC 8949 §4.2.1).
pub(super) fn put(out: &mut Vec<u8>, item: Item) {
    let length = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    match item {
        Item::Unsigned(value) => head(out, 0, value),
        Item::Negative(value) => head(out, 1, value),
        Item::Bytes(count) => head(out, 2, length(count)),
        Item::Text(count) => head(out, 3, length(count)),
        Item::Array(count) => head(out, 4, length(count)),
        Item::Map(count) => head(out, 5, length(count)),
        Item::Tag(number) => head(out, 6, number),
        Item::Simple(value) => head(out, 7, u64::from(value)),
        Item::Float(value) => {
            out.push(0xfb);
            out.extend(value.to_bits().to_be_bytes());
        }
    }
}

fn head(out: &mut Vec<u8>, major: u8, argument: u64) {
    let major = major << 5;
    let bytes = argument.to_be_bytes();
    let (info, width) = match argument {
        0..=23 => return out.push(major | bytes[7]),
        24..=0xff => (24, 1),
        0x100..=0xffff => (25, 2),
        0x1_0000..=0xffff_ffff => (26, 4),
        _ => (27, 8),
    };
    out.push(major | info);
    out.extend(bytes.iter().skip(8 - width));
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, Item::Text(text.len()));
    out.extend(text.as_bytes());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, Item::Bytes(bytes.len()));
    out.extend(bytes);
}

/// Reads items from bytes that nobody has vouched for.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Takes the next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], FrameError> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(FrameError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Takes the next `N` bytes.
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(FrameError::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Looks at the next head without taking it.
    pub(super) fn peek(&self) -> Result<Item, FrameError> {
        self.clone().item()
    }

    /// Takes the next head; longer heads than needed are refused (RFC 8949 §4.2.1).
    pub(super) fn item(&mut self) -> Result<Item, FrameError> {
        let [initial] = self.array()?;
        let (major, info) = (initial >> 5, initial & 31);
        if major == 7 {
            return self.simple(info);
        }
        let (argument, least) = match info {
            0..=23 => (u64::from(info), 0),
            24 => (u64::from(u8::from_be_bytes(self.array()?)), 24),
            25 => (u64::from(u16::from_be_bytes(self.array()?)), 0x100),
            26 => (u64::from(u32::from_be_bytes(self.array()?)), 0x1_0000),
            27 => (u64::from_be_bytes(self.array()?), 0x1_0000_0000),
            _ => return Err(FrameError::Malformed),
        };
        if argument < least {
            return Err(FrameError::Malformed);
        }
        // A length beyond what is left is refused here, before anybody sets memory aside for it.
        let length = || {
            usize::try_from(argument)
                .ok()
                .filter(|length| *length <= self.0.len())
                .ok_or(FrameError::Malformed)
        };
        Ok(match major {
            0 => Item::Unsigned(argument),
            1 => Item::Negative(argument),
            2 => Item::Bytes(length()?),
            3 => Item::Text(length()?),
            4 => Item::Array(length()?),
            5 => Item::Map(length()?),
            _ => Item::Tag(argument),
        })
    }

    fn simple(&mut self, info: u8) -> Result<Item, FrameError> {
        match info {
            0..=22 => Ok(Item::Simple(info)),
            27 => Ok(Item::Float(f64::from_be_bytes(self.array()?))),
            _ => Err(FrameError::Malformed),
        }
    }

    /// Takes an unsigned integer.
    pub(super) fn unsigned(&mut self) -> Result<u64, FrameError> {
        match self.item()? {
            Item::Unsigned(value) => Ok(value),
            _ => Err(FrameError::Malformed),
        }
    }

    /// Takes an unsigned integer that counts bytes or parts.
    pub(super) fn count(&mut self) -> Result<usize, FrameError> {
        usize::try_from(self.unsigned()?).map_err(|_| FrameError::Malformed)
    }

    /// Takes the head of an array and returns how many items follow.
    pub(super) fn array_head(&mut self) -> Result<usize, FrameError> {
        match self.item()? {
            Item::Array(count) => Ok(count),
            _ => Err(FrameError::Malformed),
        }
    }

    /// Takes a text string.
    pub(super) fn text(&mut self) -> Result<&'a str, FrameError> {
        match self.item()? {
            Item::Text(length) => {
                std::str::from_utf8(self.take(length)?).map_err(|_| FrameError::Malformed)
            }
            _ => Err(FrameError::Malformed),
        }
    }

    /// Takes a byte string.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], FrameError> {
        match self.item()? {
            Item::Bytes(length) => self.take(length),
            _ => Err(FrameError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_those_of_rfc_8949_appendix_a() {
        for (item, hex) in [
            (Item::Unsigned(0), "00"),
            (Item::Unsigned(23), "17"),
            (Item::Unsigned(24), "1818"),
            (Item::Unsigned(1000), "1903e8"),
            (Item::Unsigned(1_000_000), "1a000f4240"),
            (Item::Unsigned(1_000_000_000_000), "1b000000e8d4a51000"),
            (Item::Negative(99), "3863"),
            (Item::Simple(TRUE), "f5"),
            (Item::Simple(NULL), "f6"),
            (Item::Tag(1), "c1"),
            (Item::Float(1.1), "fb3ff199999999999a"),
        ] {
            let mut out = Vec::new();
            put(&mut out, item);
            let written: String = out.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(written, hex);
            assert_eq!(Reader::new(&out).item(), Ok(item));
        }
    }

    #[test]
    fn heads_longer_than_needed_or_unfinished_are_refused() {
        for bytes in [
            &[0x18, 0x17][..],
            &[0x19, 0, 1],
            &[0x1a, 0, 0, 0, 1],
            &[0x1c],
            &[0x5f],
            &[0x9f],
            &[0xf8, 0xff],
            &[0xf9, 0, 0],
            &[0x19],
            &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[0x63, b'a'],
            &[],
        ] {
            assert_eq!(
                Reader::new(bytes).item(),
                Err(FrameError::Malformed),
                "{bytes:?}"
            );
        }
    }
}
