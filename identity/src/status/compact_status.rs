//! A status list as gaps in Golomb-Rice code, for the bundle of a counter.
//!
//! Byte 0 is the version, 1. Then a varint (LEB128) gives the length of the list in bytes. For each of the statuses 1, 2
//! and 3 in turn follow: a varint with the number of entries that have it; if there are any, a byte `k`, a varint with
//! the length of the code in bytes, and the code. It has, for each such entry in order, the number of entries skipped
//! since the last one, in Rice code: the quotient by 2^k in unary (ones, then a zero), the remainder in `k` bits, all
//! from the highest bit of a byte to the lowest; the last byte is filled up with zeros. One list has one encoding: `k` is
//! the smallest of those that give the shortest code.

use super::{MAX_ENTRIES, StatusList};

const VERSION: u8 = 1;
const MAX_K: u32 = 24;
const STATUSES: [u8; 3] = [1, 2, 3];

/// Says that bytes are not a status list in compact form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed compact status list")]
pub struct MalformedCompactStatus;

/// Encodes a list.
pub fn encode(list: &StatusList) -> Vec<u8> {
    let bytes = list.as_bytes();
    let mut out = vec![VERSION];
    write_varint(&mut out, bytes.len() as u64);
    for gaps in gaps(bytes) {
        write_varint(&mut out, gaps.len() as u64);
        if !gaps.is_empty() {
            write_gaps(&mut out, &gaps);
        }
    }
    out
}

/// Decodes what [`encode`] writes, and nothing else; a list is never larger than 1 MiB.
pub fn decode(bytes: &[u8]) -> Result<StatusList, MalformedCompactStatus> {
    let mut input = Input(bytes);
    if input.byte()? != VERSION {
        return Err(MalformedCompactStatus);
    }
    let length = input.varint()?;
    if length > u64::from(MAX_ENTRIES / 4) {
        return Err(MalformedCompactStatus);
    }
    let mut list = vec![0u8; length as usize];
    for status in STATUSES {
        read_gaps(&mut input, status, &mut list)?;
    }
    let list = StatusList::from_bytes(list).map_err(|_| MalformedCompactStatus)?;
    // One list has one encoding: a longer code, another `k` or filling that is not zero is not ours.
    if !input.0.is_empty() || encode(&list) != bytes {
        return Err(MalformedCompactStatus);
    }
    Ok(list)
}

/// Returns, for each status but the valid one, how many entries lie before each that has it since the last one.
fn gaps(bytes: &[u8]) -> [Vec<u32>; 3] {
    let mut gaps = [Vec::new(), Vec::new(), Vec::new()];
    let mut next = [0u32; 3];
    for (at, byte) in bytes.iter().enumerate().filter(|(_, byte)| **byte != 0) {
        for slot in 0..4 {
            let bits = usize::from((byte >> (slot * 2)) & 3);
            let entry = (at * 4 + slot) as u32;
            if let (Some(gaps), Some(next)) = (
                gaps.get_mut(bits.wrapping_sub(1)),
                next.get_mut(bits.wrapping_sub(1)),
            ) {
                gaps.push(entry - *next);
                *next = entry + 1;
            }
        }
    }
    gaps
}

fn write_gaps(out: &mut Vec<u8>, gaps: &[u32]) {
    let k = best_k(gaps);
    let mut code = Bits::default();
    for gap in gaps {
        code.unary(gap >> k);
        code.push(gap & ((1 << k) - 1), k);
    }
    let code = code.finish();
    out.push(k as u8);
    write_varint(out, code.len() as u64);
    out.extend_from_slice(&code);
}

fn best_k(gaps: &[u32]) -> u32 {
    let bits = |k: u32| {
        gaps.iter()
            .map(|gap| u64::from(gap >> k) + 1 + u64::from(k))
            .sum::<u64>()
    };
    (0..=MAX_K).min_by_key(|k| bits(*k)).unwrap_or(0)
}

fn read_gaps(
    input: &mut Input<'_>,
    status: u8,
    list: &mut [u8],
) -> Result<(), MalformedCompactStatus> {
    let (count, entries) = (input.varint()?, list.len() as u64 * 4);
    if count == 0 {
        return Ok(());
    }
    let k = u32::from(input.byte()?);
    if count > entries || k > MAX_K {
        return Err(MalformedCompactStatus);
    }
    let length = usize::try_from(input.varint()?).map_err(|_| MalformedCompactStatus)?;
    let mut code = BitReader {
        bytes: input.take(length)?,
        at: 0,
    };
    let mut entry = 0u64;
    for _ in 0..count {
        entry += (code.unary(entries >> k)? << k) + code.read(k)?;
        let byte = list
            .get_mut((entry / 4) as usize)
            .ok_or(MalformedCompactStatus)?;
        let shift = (entry % 4) * 2;
        if (*byte >> shift) & 3 != 0 {
            return Err(MalformedCompactStatus);
        }
        *byte |= status << shift;
        entry += 1;
    }
    Ok(())
}

fn write_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    buffer: u64,
    held: u32,
}

impl Bits {
    fn push(&mut self, value: u32, width: u32) {
        self.buffer = (self.buffer << width) | u64::from(value);
        self.held += width;
        while self.held >= 8 {
            self.held -= 8;
            self.bytes.push((self.buffer >> self.held) as u8);
        }
    }

    fn unary(&mut self, mut ones: u32) {
        while ones >= 16 {
            self.push(0xffff, 16);
            ones -= 16;
        }
        self.push(((1 << ones) - 1) << 1, ones + 1);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.held > 0 {
            self.push(0, 8 - self.held);
        }
        self.bytes
    }
}

struct BitReader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl BitReader<'_> {
    fn bit(&mut self) -> Result<u64, MalformedCompactStatus> {
        let byte = self.bytes.get(self.at / 8).ok_or(MalformedCompactStatus)?;
        let bit = (byte >> (7 - self.at % 8)) & 1;
        self.at += 1;
        Ok(u64::from(bit))
    }

    fn read(&mut self, width: u32) -> Result<u64, MalformedCompactStatus> {
        (0..width).try_fold(0, |value, _| Ok((value << 1) | self.bit()?))
    }

    fn unary(&mut self, most: u64) -> Result<u64, MalformedCompactStatus> {
        let mut ones = 0;
        while self.bit()? == 1 {
            ones += 1;
            if ones > most {
                return Err(MalformedCompactStatus);
            }
        }
        Ok(ones)
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], MalformedCompactStatus> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(MalformedCompactStatus)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, MalformedCompactStatus> {
        self.take(1)?.first().copied().ok_or(MalformedCompactStatus)
    }

    fn varint(&mut self) -> Result<u64, MalformedCompactStatus> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(MalformedCompactStatus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Status;

    fn list(entries: u32, set: &[(u32, Status)]) -> StatusList {
        let mut list = StatusList::new(entries);
        for (index, status) in set {
            list.set(*index, *status).unwrap();
        }
        list
    }

    #[test]
    fn encoding_is_frozen() {
        let set = [
            (0, Status::Invalid),
            (5, Status::Suspended),
            (9, Status::Invalid),
            (15, Status::Invalid),
        ];
        let bytes = encode(&list(16, &set));
        assert_eq!(bytes, FROZEN);
        assert_eq!(decode(&bytes), Ok(list(16, &set)));
    }

    const FROZEN: &[u8] = &[1, 4, 3, 1, 2, 0x3c, 0xd0, 1, 1, 1, 0xd0, 0];

    #[test]
    fn empty_and_full_lists_come_back() {
        for list in [
            StatusList::new(0),
            StatusList::new(1 << 20),
            StatusList(vec![0xff; 64]),
            StatusList(vec![0xe4; 9]),
        ] {
            assert_eq!(decode(&encode(&list)), Ok(list));
        }
    }

    #[test]
    fn one_percent_revoked_takes_less_than_1_03_times_the_entropy() {
        let mut list = StatusList::new(1 << 20);
        let (mut state, mut set) = (1u64, 0);
        for index in 0..1 << 20 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            if state >> 33 < (1 << 31) / 100 {
                list.set(index, Status::Invalid).unwrap();
                set += 1;
            }
        }
        let p = f64::from(set) / f64::from(1 << 20);
        let entropy = -(p * p.log2() + (1.0 - p) * (1.0 - p).log2()) * f64::from(1 << 20) / 8.0;
        let bytes = encode(&list);
        assert!(
            (bytes.len() as f64) < entropy * 1.03,
            "{} of {entropy}",
            bytes.len()
        );
        assert_eq!(decode(&bytes), Ok(list));
    }

    #[test]
    fn damaged_encodings_are_refused() {
        let good = encode(&list(64, &[(3, Status::Invalid), (40, Status::Suspended)]));
        for length in 0..good.len() {
            assert!(decode(&good[..length]).is_err(), "{length}");
        }
        assert!(decode(&[&good[..], &[0]].concat()).is_err());
        assert!(decode(&[&[2], &good[1..]].concat()).is_err());
        // A list of 2^32 bytes.
        assert!(decode(&[1, 0x80, 0x80, 0x80, 0x80, 0x10, 0, 0, 0]).is_err());
    }
}
