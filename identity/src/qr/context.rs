//! What a reader must know beforehand to read a message: dictionaries and headers of issuers.

use std::collections::BTreeMap;

use crate::encoding::sha256;

const DICTIONARY_MAX: usize = 64 * 1024;
const HEADER_MAX: usize = 16 * 1024;
const ENTRIES_MAX: usize = 4096;
/// Starts a formatted zstd dictionary (RFC 8878 §5), which would be read as tables instead of as raw content.
const FORMATTED: [u8; 4] = [0x37, 0xa4, 0x30, 0xec];

/// Names a dictionary: the first 8 bytes of its SHA-256.
pub type DictionaryId = [u8; 8];

/// Says why a dictionary or a header is not taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// It is empty, too large, or formatted in a way that is not allowed.
    #[error("not a dictionary or header that can be used")]
    Unusable,
    /// There are too many already.
    #[error("too many dictionaries or headers")]
    TooMany,
}

impl ContextError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unusable => "dictionary_unusable",
            Self::TooMany => "dictionary_too_many",
        }
    }
}

/// Is a raw content dictionary for zstd.
#[derive(Debug, Clone)]
pub(super) struct Dictionary {
    pub(super) id: DictionaryId,
    pub(super) bytes: Vec<u8>,
}

/// Says how an issuer's JOSE header is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum HeaderUse {
    /// By its hash, where the context has it.
    Interned,
    /// In full: a dictionary that holds it makes it as short, and the reader needs nothing else.
    Inline,
}

/// Holds the dictionaries and headers that a writer may use and a reader knows.
///
/// The two sides need not hold the same: a writer's must all be known to the reader.
#[derive(Debug, Clone, Default)]
pub struct CodecContext {
    dictionaries: BTreeMap<DictionaryId, Dictionary>,
    headers: BTreeMap<[u8; 8], Vec<u8>>,
}

impl CodecContext {
    /// Makes a context that holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a dictionary of at most 64 KiB, whose bytes the caller has checked against the ledger.
    pub fn add_dictionary(
        &mut self,
        bytes: impl Into<Vec<u8>>,
    ) -> Result<DictionaryId, ContextError> {
        let bytes = bytes.into();
        if bytes.len() < 8 || bytes.len() > DICTIONARY_MAX || bytes.starts_with(&FORMATTED) {
            return Err(ContextError::Unusable);
        }
        let id = short_hash(&bytes);
        if self.dictionaries.len() >= ENTRIES_MAX && !self.dictionaries.contains_key(&id) {
            return Err(ContextError::TooMany);
        }
        self.dictionaries.insert(id, Dictionary { id, bytes });
        Ok(id)
    }

    /// Takes in the JOSE header of an issuer, as the JSON bytes that stand base64url-encoded in its credentials.
    ///
    /// Only issuers without a dictionary need this, and then on both sides.
    pub fn add_header(&mut self, json: &[u8]) -> Result<(), ContextError> {
        if json.is_empty() || json.len() > HEADER_MAX {
            return Err(ContextError::Unusable);
        }
        if self.headers.len() >= ENTRIES_MAX {
            return Err(ContextError::TooMany);
        }
        self.headers.insert(short_hash(json), json.to_vec());
        Ok(())
    }

    pub(super) fn has_dictionaries(&self) -> bool {
        !self.dictionaries.is_empty()
    }

    /// Returns the dictionaries a writer tries: a wallet holds one for each issuer and type, so a few.
    pub(super) fn dictionaries(&self) -> impl Iterator<Item = &Dictionary> {
        self.dictionaries.values().take(8)
    }

    pub(super) fn dictionary(&self, id: &DictionaryId) -> Option<&Dictionary> {
        self.dictionaries.get(id)
    }

    pub(super) fn header(&self, hash: &[u8; 8]) -> Option<&[u8]> {
        self.headers.get(hash).map(Vec::as_slice)
    }
}

/// Shortens SHA-256 to 8 bytes: enough to find an entry, as the signature then proves that it was the right one.
pub(super) fn short_hash(bytes: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    short
        .iter_mut()
        .zip(sha256(bytes))
        .for_each(|(to, from)| *to = from);
    short
}
