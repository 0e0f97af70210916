//! Signed authorization requests of verifiers (OpenID4VP 1.0 §5, RFC 9101).

mod client;
mod parse;
mod sign;

use crate::query::DcqlQuery;
use crate::{JwsError, KeyError, PublicKey, UnverifiedJws};

pub use client::ClientIdentifier;
pub use sign::sign_request;

/// Is the `typ` of a request object (OpenID4VP 1.0 §5).
pub const REQUEST_TYP: &str = "oauth-authz-req+jwt";
/// Is the `aud` of a request object for wallets found by static discovery (OpenID4VP 1.0 §5.8).
pub const REQUEST_AUDIENCE: &str = "https://self-issued.me/v2";
/// Is the `response_mode` of a request whose answer is shown as a QR code (`docs/qr-presentation.md`).
pub const RESPONSE_MODE_QR: &str = "jumin-qr";

/// Is the greatest length of a request object that is read, in bytes.
pub const REQUEST_MAX_BYTES: usize = 32 * 1024;

/// Asks a wallet for a presentation.
#[derive(Debug, Clone, PartialEq)]
pub struct AuthorizationRequest {
    /// Is the full client identifier with its prefix: `decentralized_identifier:did:…` or `x509_hash:…`. It is also the
    /// `aud` of the key binding (OpenID4VP 1.0 §5.9).
    pub client_id: String,
    /// Is the nonce that the key binding must repeat.
    pub nonce: String,
    /// Says what is asked for.
    pub query: DcqlQuery,
    /// Is when the request ends, in seconds since the Unix epoch.
    pub expires: u64,
    /// Says how the answer travels.
    pub response: ResponseMode,
    /// Is repeated in an answer that travels by HTTP.
    pub state: Option<String>,
}

/// Says how the answer to a request travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResponseMode {
    /// By QR code: `response_mode` is `jumin-qr`.
    QrCode,
    /// By HTTP POST in the clear (OpenID4VP 1.0 §8.2).
    DirectPost {
        /// Is the URL to post to.
        response_uri: String,
    },
    /// By HTTP POST as a JWE (OpenID4VP 1.0 §8.3.1).
    DirectPostJwt {
        /// Is the URL to post to.
        response_uri: String,
        /// Says to which key and how to encrypt.
        encryption: ResponseEncryption,
    },
}

/// Says to which key and how an answer is encrypted (OpenID4VP 1.0 §8.3); the key agreement is ECDH-ES.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseEncryption {
    /// Is the verifier's key, made for this request.
    pub key: PublicKey,
    /// Names the key; the JWE header repeats it.
    pub kid: String,
    /// Are the content encryptions the verifier understands, of `A128GCM` and `A256GCM`, at least one.
    pub enc: Vec<String>,
}

/// Says why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The request object is not a JWS, or a parameter is missing or malformed.
    #[error("malformed request: {0}")]
    Malformed(&'static str),
    /// The request object is not a well-formed ES256 JWS.
    #[error("malformed request object")]
    Jws(#[source] JwsError),
    /// The query is refused.
    #[error("malformed request: dcql_query")]
    Query(#[source] crate::query::QueryError),
    /// The key for the encrypted answer is not a P-256 key.
    #[error("malformed request: the encryption key")]
    EncryptionKey(#[source] KeyError),
    /// The request needs something that is not supported.
    #[error("the request needs what is not supported: {0}")]
    Unsupported(&'static str),
    /// The client identifier is not the one whose key signed.
    #[error("the client identifier does not belong to the key that signed")]
    ClientMismatch,
    /// The signature does not verify.
    #[error("the signature of the request does not verify")]
    SignatureInvalid,
    /// The request has ended.
    #[error("the request has expired")]
    Expired,
    /// The request was made in the future.
    #[error("the request is not valid yet")]
    NotYetValid,
}

impl RequestError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Jws(source) if source.code() == "unsupported" => "request_unsupported",
            Self::Malformed(_) | Self::Jws(_) | Self::Query(_) | Self::EncryptionKey(_) => {
                "request_malformed"
            }
            Self::Unsupported(_) => "request_unsupported",
            Self::ClientMismatch => "request_client_mismatch",
            Self::SignatureInvalid => "request_signature_invalid",
            Self::Expired => "request_expired",
            Self::NotYetValid => "request_not_yet_valid",
        }
    }
}

/// Is a request object whose signature has not been checked.
#[derive(Debug, Clone)]
pub struct UnverifiedRequest {
    jws: UnverifiedJws,
    payload: serde_json::Map<String, serde_json::Value>,
    client_id: String,
    client: ClientIdentifier,
}
