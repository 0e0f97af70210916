//! Words and marks of the compact form. They are part of the format: entries are only ever added at an end.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::query::TEMPLATES;

/// Are simple values that stand for bytes taken from the message's second part.
pub(super) mod simple {
    /// 32 bytes, written as base64url.
    pub const BYTES_32: u8 = 0;
    /// 16 bytes, written as base64url.
    pub const BYTES_16: u8 = 1;
    /// 4 bytes, an integer.
    pub const INTEGER_32: u8 = 2;
    /// A CBOR text string.
    pub const TEXT: u8 = 3;
    /// 33 bytes, a compressed P-256 point, written as a JWK.
    pub const JWK: u8 = 4;
    /// 2 bytes, days since 1900-01-01, written as `YYYY-MM-DD`.
    pub const DATE: u8 = 5;
    /// No bytes: the `sd_hash` of this presentation.
    pub const SD_HASH: u8 = 6;
    /// 6 bytes, a number of 13 digits, written as `NNNNNN-NNNNNNN`.
    pub const REGISTRATION_NUMBER: u8 = 7;
}

/// Are tags around what stands in the first part.
pub(super) mod tag {
    /// A word of [`super::WORDS`], by its number.
    pub const WORD: u64 = 6;
    /// A JOSE header, by the first 8 bytes of its SHA-256.
    pub const HEADER: u64 = 7;
    /// The digest of a disclosure of this presentation, by its number from 0.
    pub const DIGEST: u64 = 8;
    /// As many bytes from the second part, written as base64url.
    pub const BYTES: u64 = 9;
    /// A text with the digest of a DID in it: `[start, network, digest, rest]`.
    pub const DID: u64 = 10;
    /// A JSON value of [`super::fragment`], by its number.
    pub const FRAGMENT: u64 = 11;
    /// The last `iat` plus so many seconds.
    pub const AFTER_IAT: u64 = 12;
    /// Bytes written as base64 with padding after a text: `[text, bytes or count]`.
    pub const BASE64: u64 = 13;
    /// A sorted array of digests: `[hidden, disclosures …]`.
    pub const SORTED: u64 = 14;
}

/// Are the words that stand as numbers, as names of members and as texts.
#[rustfmt::skip]
const WORDS: [&str; 109] = [
    // 0..24 take one byte as a name.
    "alg", "typ", "kid", "iss", "iat", "nbf", "exp", "vct", "vct#integrity", "cnf", "jwk", "status",
    "status_list", "idx", "uri", "_sd", "_sd_alg", "...", "aud", "nonce", "sd_hash", "x5c", "name", "path",
    // 24..
    "kty", "crv", "x", "y", "sub", "jti", "ES256", "EC", "P-256", "sha-256", "dc+sd-jwt", "kb+jwt",
    "oauth-authz-req+jwt", "response_type", "vp_token", "client_id", "response_mode", "jumin-qr",
    "https://self-issued.me/v2", "dcql_query", "client_metadata", "vp_formats_supported", "sd-jwt_alg_values",
    "kb-jwt_alg_values", "state", "response_uri", "direct_post", "direct_post.jwt", "jwks", "keys", "use", "enc",
    "ECDH-ES", "A128GCM", "A256GCM", "encrypted_response_enc_values_supported", "credentials", "id", "format",
    "meta", "vct_values", "claims", "values", "claim_sets", "credential_sets", "options", "required",
    "urn:jumin:resident-card:1", "urn:jumin:household-register:1", "urn:jumin:individual-register:1",
    "age-19", "address", "identity", "identity-portrait",
    "hangul", "hanja", "roman", "resident_registration_number", "birthdate", "sex", "sido", "sigungu",
    "eupmyeondong", "road", "detail", "issuing_authority", "issue_date", "portrait", "age_equal_or_over",
    "14", "19", "65", "members", "relation", "move_in_date", "household_head", "composition",
    "relation_to_head", "address_history", "name_changes", "reason", "after", "before", "date", "report_date",
];

/// Are the numbers of [`WORDS`].
static NUMBERS: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    WORDS
        .iter()
        .enumerate()
        .map(|(at, word)| (*word, at))
        .collect()
});

/// Is the verifier metadata of a request whose answer is a QR code.
const CLIENT_METADATA: &str = r#"{"vp_formats_supported":{"dc+sd-jwt":{"sd-jwt_alg_values":["ES256"],"kb-jwt_alg_values":["ES256"]}}}"#;

pub(super) fn number_of(word: &str) -> Option<u64> {
    NUMBERS.get(word).and_then(|at| u64::try_from(*at).ok())
}

pub(super) fn word(number: u64) -> Option<&'static str> {
    WORDS.get(usize::try_from(number).ok()?).copied()
}

/// Returns a JSON text that stands as a number: 0 is the verifier metadata, the registered templates follow from 1.
pub(super) fn fragment(number: u64) -> Option<&'static str> {
    match number.checked_sub(1) {
        None => Some(CLIENT_METADATA),
        Some(at) => TEMPLATES
            .get(usize::try_from(at).ok()?)
            .map(|template| template.json()),
    }
}

pub(super) fn number_of_fragment(json: &str) -> Option<u64> {
    (0..)
        .map_while(|number| Some((number, fragment(number)?)))
        .find_map(|(number, text)| (text == json).then_some(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_stands_once() {
        assert_eq!(NUMBERS.len(), WORDS.len());
        for (at, word) in WORDS.iter().enumerate() {
            assert_eq!(number_of(word), Some(at as u64));
        }
        assert_eq!(word(WORDS.len() as u64), None);
    }

    #[test]
    fn fragments_are_the_metadata_and_the_four_templates() {
        for number in 0..5 {
            let json = fragment(number).unwrap();
            assert_eq!(number_of_fragment(json), Some(number));
            let value: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(value.to_string(), json);
        }
        assert_eq!(fragment(5), None);
    }
}
