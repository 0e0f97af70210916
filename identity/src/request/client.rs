//! Client identifiers of verifiers and their prefixes (OpenID4VP 1.0 §5.9).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::RequestError;
use crate::UnverifiedJws;
use crate::encoding::{b64url_array, sha256};

/// Says who the verifier is, and so where its key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientIdentifier {
    /// `decentralized_identifier:`: the key is the one that `kid` names in the DID document.
    Did(String),
    /// `x509_hash:`: the key is that of the first certificate in `x5c`, whose SHA-256 this is.
    X509Hash([u8; 32]),
}

impl ClientIdentifier {
    /// Reads a full client identifier with its prefix; other prefixes are not supported.
    pub fn parse(client_id: &str) -> Result<Self, RequestError> {
        if let Some(did) = client_id.strip_prefix("decentralized_identifier:") {
            return match did.starts_with("did:") && !did.contains(['#', '?', '/']) {
                true => Ok(Self::Did(did.to_owned())),
                false => Err(RequestError::Malformed("client_id")),
            };
        }
        if let Some(hash) = client_id.strip_prefix("x509_hash:") {
            let hash = b64url_array(hash).map_err(|_| RequestError::Malformed("client_id"))?;
            return Ok(Self::X509Hash(hash));
        }
        Err(RequestError::Unsupported("the client identifier prefix"))
    }

    /// Checks that the key named in the header is one of this client's.
    pub(super) fn check_header(&self, jws: &UnverifiedJws) -> Result<(), RequestError> {
        let belongs = match self {
            // §5.9.3: the key is identified by `kid`, a DID URL of the client's DID.
            Self::Did(did) => jws
                .kid()
                .and_then(|kid| kid.strip_prefix(did.as_str()))
                .is_some_and(|rest| rest.starts_with('#') && rest.len() > 1),
            // §5.9.3: the SHA-256 of the leaf certificate, which comes first (RFC 7515 §4.1.6).
            Self::X509Hash(hash) => {
                leaf_certificate(jws).is_some_and(|leaf| sha256(&leaf) == *hash)
            }
        };
        match belongs {
            true => Ok(()),
            false => Err(RequestError::ClientMismatch),
        }
    }
}

fn leaf_certificate(jws: &UnverifiedJws) -> Option<Vec<u8>> {
    let leaf = jws.header().get("x5c")?.as_array()?.first()?.as_str()?;
    STANDARD.decode(leaf).ok()
}
