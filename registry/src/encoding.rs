//! Reads and writes the small binary forms, and base64url members of JSON.

use jumin_identity::sha256;

/// Input that is not in the form it should have; the text says which part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed: {0}")]
pub struct Malformed(pub &'static str);

impl Malformed {
    /// Returns the stable code, `malformed`.
    pub fn code(&self) -> &'static str {
        "malformed"
    }
}

/// Hashes `parts` with SHA-256 behind a domain, so that no digest of one kind can stand for another.
pub(crate) fn domain_hash(domain: &[u8], message: &[u8]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(domain.len() + 1 + message.len());
    bytes.extend_from_slice(domain);
    bytes.push(0);
    bytes.extend_from_slice(message);
    sha256(&bytes)
}

/// A cursor over untrusted bytes; every read says what it expected when the input ends early.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn take(&mut self, count: usize, what: &'static str) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(Malformed(what))?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], Malformed> {
        self.take(N, what)?.try_into().map_err(|_| Malformed(what))
    }

    pub(crate) fn u8(&mut self, what: &'static str) -> Result<u8, Malformed> {
        Ok(u8::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn u16(&mut self, what: &'static str) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(self.array(what)?))
    }

    pub(crate) fn u64(&mut self, what: &'static str) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array(what)?))
    }

    /// Returns all bytes that are left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Ends the reading: bytes left over are an error.
    pub(crate) fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Malformed("bytes after the end"))
        }
    }
}

/// (De)serializes byte strings as base64url without padding.
pub(crate) mod bytes_b64 {
    use jumin_identity::{b64url, b64url_decode};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&b64url(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        b64url_decode(&text).map_err(|_| D::Error::custom("not base64url without padding"))
    }
}

/// (De)serializes optional byte strings; `null` is none.
pub(crate) mod optional_bytes_b64 {
    use jumin_identity::{b64url, b64url_decode};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&b64url(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| b64url_decode(&text))
            .transpose()
            .map_err(|_| D::Error::custom("not base64url without padding"))
    }
}

/// (De)serializes a 32-byte value.
pub(crate) mod digest_b64 {
    use serde::{Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        bytes: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        super::bytes_b64::serialize(bytes, serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<[u8; 32], D::Error> {
        super::bytes_b64::deserialize(deserializer)?
            .try_into()
            .map_err(|_| D::Error::custom("not 32 bytes"))
    }
}

/// (De)serializes a list of 32-byte values.
pub(crate) mod digests_b64 {
    use jumin_identity::{b64url, b64url_decode};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(crate) fn serialize<S: Serializer>(
        digests: &[[u8; 32]],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(digests.iter().map(|digest| b64url(digest)))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<[u8; 32]>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|text| {
                b64url_decode(text)
                    .ok()
                    .and_then(|bytes| bytes.try_into().ok())
            })
            .collect::<Option<_>>()
            .ok_or_else(|| D::Error::custom("not a list of 32-byte values"))
    }
}
