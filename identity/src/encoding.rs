//! The text encodings that every other module uses: base64url, base32 and hashing.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Says that a text is not base64url without padding (RFC 4648 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not base64url without padding")]
pub struct NotBase64Url;

/// Encodes bytes as base64url without padding (RFC 7515 §2).
pub fn b64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url without padding.
///
/// Padding, white space, the standard alphabet's `+` and `/`, and trailing bits that are not zero are refused, so that
/// one sequence of bytes has one text.
pub fn b64url_decode(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBase64Url)
}

/// Decodes base64url into exactly `N` bytes.
pub(crate) fn b64url_array<const N: usize>(text: &str) -> Result<[u8; N], NotBase64Url> {
    b64url_decode(text)?.try_into().map_err(|_| NotBase64Url)
}

/// Encodes bytes as base64 with padding, as `x5c` and integrity strings have it.
pub(crate) fn b64_standard(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Hashes bytes with SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// Encodes 32 bytes as 52 characters of lower-case base32 without padding (RFC 4648 §6).
pub(crate) fn base32_encode(bytes: &[u8; 32]) -> String {
    let (mut text, mut buffer, mut bits) = (String::with_capacity(52), 0u32, 0u32);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(base32_char(buffer >> bits));
        }
    }
    text.push(base32_char(buffer << (5 - bits)));
    text
}

fn base32_char(value: u32) -> char {
    char::from(BASE32[(value & 31) as usize])
}

/// Decodes what [`base32_encode`] writes, and nothing else.
pub(crate) fn base32_decode(text: &str) -> Option<[u8; 32]> {
    let (mut out, mut filled, mut buffer, mut bits) = ([0u8; 32], 0usize, 0u32, 0u32);
    if text.len() != 52 {
        return None;
    }
    for character in text.bytes() {
        let value = BASE32.iter().position(|symbol| *symbol == character)?;
        buffer = ((buffer << 5) | u32::try_from(value).ok()?) & 0xfff;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            *out.get_mut(filled)? = (buffer >> bits) as u8;
            filled += 1;
        }
    }
    // The last character carries one bit of the digest; its other four must be zero.
    (buffer & ((1 << bits) - 1) == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_the_alphabet_of_rfc_4648() {
        let text = base32_encode(&[0xff; 32]);
        assert_eq!(text.len(), 52);
        assert!(text.starts_with("777777") && text.ends_with('q'));
        assert_eq!(base32_decode(&text), Some([0xff; 32]));
    }

    #[test]
    fn base32_with_trailing_bits_set_is_refused() {
        let text = format!("{}b", "a".repeat(51));
        assert_eq!(base32_decode(&text), None);
    }

    #[test]
    fn base64url_has_one_text_for_one_sequence_of_bytes() {
        assert_eq!(b64url_decode("AA"), Ok(vec![0]));
        for text in ["AB", "AA==", "A A", "A+/", "A"] {
            assert_eq!(b64url_decode(text), Err(NotBase64Url), "{text}");
        }
    }
}
