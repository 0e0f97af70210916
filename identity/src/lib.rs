//! DIDs, keys, credentials, presentations, status lists and their QR form.
//!
//! Nothing here reads a clock, a socket or a file: the time, the randomness and the bytes are arguments.

mod claim_path;
mod conformance;
mod credential;
mod credential_type;
mod did;
mod encoding;
mod file_key;
mod issuance;
mod json;
mod jws;
mod key;
mod key_binding;
mod nonce;
mod present;
mod presentation;
pub mod qr;
mod query;
mod request;
mod sd_jwt;
mod status;
pub mod text;
mod vp_token;

pub use claim_path::{ClaimPath, NotAClaimPath, PathSegment};
pub use conformance::TypeMismatch;
pub use credential::{CredentialError, StatusReference, UnverifiedCredential, VerifiedCredential};
pub use credential_type::{
    ClaimDefinition, ClaimLabel, CredentialType, CredentialTypeError, DisplayCard, builtin_types,
};
pub use did::{Did, DidError, DidUrl, NetworkName};
pub use encoding::{NotBase64Url, b64url, b64url_decode, sha256};
pub use file_key::FileKey;
pub use issuance::{IssuanceRequest, IssueError, issue_credential};
pub use json::{MalformedJson, parse_json_strict, parse_object_strict};
pub use jws::{JwsError, UnverifiedJws, sign_jws};
pub use key::{Jwk, KeyError, PublicKey, SignError, SignatureInvalid, Signer, random_bytes};
pub use key_binding::{KeyBindingExpectation, NonceCheck};
pub use nonce::{NotOneWayNonce, ONE_WAY_MAX_AGE_SECONDS, ONE_WAY_WINDOW_SECONDS, OneWayNonce};
pub use present::{PresentError, present};
pub use presentation::{
    IssuerVerified, PresentationError, UnverifiedPresentation, VerifiedPresentation,
};
pub use qr::{
    Assembler, CodeDrawing, CodecContext, ContextError, DictionaryId, EncodeError, Frame,
    FrameError, Message, Progress, encode_presentation, encode_request, qr_version,
    train_dictionary,
};
pub use query::{
    ClaimsQuery, CredentialQuery, DcqlQuery, FORMAT_SD_JWT_VC, QueryError, Selection, TEMPLATES,
    Template, TrustedAuthority, template,
};
pub use request::{
    AuthorizationRequest, ClientIdentifier, REQUEST_AUDIENCE, REQUEST_MAX_BYTES, REQUEST_TYP,
    RESPONSE_MODE_QR, RequestError, ResponseEncryption, ResponseMode, UnverifiedRequest,
    sign_request,
};
pub use sd_jwt::Disclosure;
pub use status::{
    Status, StatusError, StatusList, UnverifiedStatusListToken, VerifiedStatusList, compact_status,
    sign_status_list,
};
pub use vp_token::{VP_TOKEN_MAX_BYTES, VpToken, VpTokenError};
