//! Status list tokens in JWT form (draft-ietf-oauth-status-list-20 §5.1, §8.3).

use libdeflater::{CompressionLvl, Compressor, DecompressionError, Decompressor};
use serde_json::{Map, Value, json};

use super::{MAX_ENTRIES, StatusError, StatusList};
use crate::did::DidUrl;
use crate::encoding::{b64url, b64url_decode};
use crate::json::parse_object_strict;
use crate::jws::{UnverifiedJws, sign_jws};
use crate::key::{PublicKey, Signer};

const TYP: &str = "statuslist+jwt";
const MAX_TOKEN: usize = 3 * 1024 * 1024;
const MAX_DEPTH: usize = 4;
const MAX_URI: usize = 2048;
/// Is by how many seconds the issuer's clock may be ahead.
const MAX_AHEAD: u64 = 300;
const LEVEL: i32 = 9;
const FIRST_BUFFER: usize = 256 * 1024;

/// Signs a status list as a token for `uri`; `iat` and `exp` are times and `ttl` a duration, in seconds.
#[allow(clippy::too_many_arguments)]
pub fn sign_status_list(
    list: &StatusList,
    uri: &str,
    iat: u64,
    exp: u64,
    ttl: u64,
    kid: &DidUrl,
    x5c: &[String],
    signer: &dyn Signer,
) -> Result<String, StatusError> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), Value::from(TYP));
    header.insert("kid".to_owned(), Value::from(kid.to_string()));
    if !x5c.is_empty() {
        header.insert("x5c".to_owned(), Value::from(x5c));
    }
    let list = json!({"bits": 2, "lst": b64url(&deflate(list.as_bytes())?)});
    let payload = json!({"sub": uri, "iat": iat, "exp": exp, "ttl": ttl, "status_list": list});
    let payload = serde_json::to_vec(&payload).map_err(|_| StatusError::Malformed)?;
    Ok(sign_jws(&header, &payload, signer)?)
}

/// Is a status list token of which nothing has been checked but its outer form.
#[derive(Debug, Clone)]
pub struct UnverifiedStatusListToken {
    jws: UnverifiedJws,
    payload: Map<String, Value>,
}

impl UnverifiedStatusListToken {
    /// Parses a token of at most 3 MiB.
    pub fn parse(compact: &str) -> Result<Self, StatusError> {
        let jws = UnverifiedJws::parse(compact, MAX_TOKEN)?;
        jws.require_typ(TYP)?;
        let payload = parse_object_strict(jws.dangerous_payload_unverified(), MAX_DEPTH)?;
        Ok(Self { jws, payload })
    }

    /// Returns the `kid` header, only to find the key with which to check the signature.
    pub fn dangerous_kid_unverified(&self) -> Option<&str> {
        self.jws.kid()
    }

    /// Returns `iat` in seconds, only to find the key of that time.
    pub fn dangerous_issued_at_unverified(&self) -> Option<u64> {
        self.payload.get("iat")?.as_u64()
    }

    /// Returns the header, only to find the key with which to check the signature.
    pub fn dangerous_header_unverified(&self) -> &Map<String, Value> {
        self.jws.header()
    }

    /// Checks the token by draft-ietf-oauth-status-list-20 §8.3 steps 3 to 5: signature, required claims, `sub` equal to
    /// `uri`, `exp` against `now` (in seconds), and inflates the list.
    pub fn verify(
        self,
        key: &PublicKey,
        uri: &str,
        now: u64,
    ) -> Result<VerifiedStatusList, StatusError> {
        self.jws.verify(key)?;
        let subject = self
            .payload
            .get("sub")
            .and_then(Value::as_str)
            .ok_or(StatusError::Malformed)?;
        if subject != uri || uri.len() > MAX_URI {
            return Err(StatusError::WrongSubject);
        }
        let issued_at = self.number("iat")?.ok_or(StatusError::Malformed)?;
        let (expires, ttl) = (self.number("exp")?, self.number("ttl")?);
        if issued_at > now.saturating_add(MAX_AHEAD) {
            return Err(StatusError::InFuture);
        }
        if expires.is_some_and(|expires| now >= expires) {
            return Err(StatusError::Expired);
        }
        if ttl == Some(0) {
            return Err(StatusError::Malformed);
        }
        Ok(VerifiedStatusList {
            list: self.list()?,
            issued_at,
            expires,
            ttl,
        })
    }

    fn number(&self, name: &str) -> Result<Option<u64>, StatusError> {
        self.payload
            .get(name)
            .map(|value| value.as_u64().ok_or(StatusError::Malformed))
            .transpose()
    }

    /// Reads the `status_list` claim (draft-ietf-oauth-status-list-20 §4.2).
    fn list(&self) -> Result<StatusList, StatusError> {
        let claim = self
            .payload
            .get("status_list")
            .and_then(Value::as_object)
            .ok_or(StatusError::Malformed)?;
        match claim.get("bits").and_then(Value::as_u64) {
            Some(2) => {}
            Some(1 | 4 | 8) => return Err(StatusError::Unsupported),
            _ => return Err(StatusError::Malformed),
        }
        let text = claim
            .get("lst")
            .and_then(Value::as_str)
            .ok_or(StatusError::Malformed)?;
        let bytes = b64url_decode(text).map_err(|_| StatusError::Malformed)?;
        StatusList::from_bytes(inflate(&bytes)?)
    }
}

/// Is a status list that its issuer signed.
#[derive(Debug, Clone)]
pub struct VerifiedStatusList {
    /// Is the list.
    pub list: StatusList,
    /// Is when the list was signed, in seconds.
    pub issued_at: u64,
    /// Is the first second in which the list counts no more.
    pub expires: Option<u64>,
    /// Is after how many seconds a fresh copy should be fetched.
    pub ttl: Option<u64>,
}

/// Compresses with DEFLATE in the ZLIB format (draft-ietf-oauth-status-list-20 §4.1 step 4).
fn deflate(bytes: &[u8]) -> Result<Vec<u8>, StatusError> {
    let level = CompressionLvl::new(LEVEL).map_err(|_| StatusError::Malformed)?;
    let mut compressor = Compressor::new(level);
    let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let length = compressor
        .zlib_compress(bytes, &mut out)
        .map_err(|_| StatusError::Malformed)?;
    out.truncate(length);
    Ok(out)
}

/// Inflates into at most the 1 MiB of the largest list; the size that a sender promises is never believed.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, StatusError> {
    let most = (MAX_ENTRIES / 4) as usize;
    let mut decompressor = Decompressor::new();
    let mut size = FIRST_BUFFER;
    loop {
        let mut out = vec![0; size];
        match decompressor.zlib_decompress(bytes, &mut out) {
            Ok(length) => {
                out.truncate(length);
                return Ok(out);
            }
            Err(DecompressionError::InsufficientSpace) if size < most => {
                size = (size * 4).min(most)
            }
            Err(DecompressionError::InsufficientSpace) => return Err(StatusError::TooLarge),
            Err(DecompressionError::BadData) => return Err(StatusError::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// draft-ietf-oauth-status-list-20 §4.1, the example with 2 bits.
    #[test]
    fn list_of_the_draft_inflates() {
        let compressed = [
            0x78, 0xda, 0x3b, 0xe9, 0xf2, 0x13, 0x00, 0x03, 0xdf, 0x02, 0x07,
        ];
        assert_eq!(inflate(&compressed).unwrap(), [0xc9, 0x44, 0xf9]);
    }

    #[test]
    fn list_inflates_to_what_was_deflated() {
        let bytes: Vec<u8> = (0..300_000u32).map(|at| (at % 251) as u8).collect();
        assert_eq!(inflate(&deflate(&bytes).unwrap()).unwrap(), bytes);
    }

    #[test]
    fn zip_bomb_is_refused() {
        let bomb = deflate(&vec![0; 64 * 1024 * 1024]).unwrap();
        assert!(bomb.len() < 100_000);
        assert!(matches!(inflate(&bomb), Err(StatusError::TooLarge)));
    }
}
