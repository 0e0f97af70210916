//! DIDs, keys, credentials, presentations, status lists and their QR form.
//!
//! Nothing here reads a clock, a socket or a file: the time, the randomness and the bytes are arguments.

mod did;
mod encoding;
mod json;
mod jws;
mod key;

pub use did::{Did, DidError, DidUrl, NetworkName};
pub use encoding::{NotBase64Url, b64url, b64url_decode, sha256};
pub use json::{MalformedJson, parse_json_strict, parse_object_strict};
pub use jws::{JwsError, UnverifiedJws, sign_jws};
pub use key::{
    FileKey, Jwk, KeyError, PublicKey, SignError, SignatureInvalid, Signer, random_bytes,
};
