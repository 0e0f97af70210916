//! Issuing SD-JWT VC credentials (RFC 9901 §4; draft-ietf-oauth-sd-jwt-vc).

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::credential::StatusReference;
use crate::credential_type::{CredentialType, Node, is_reserved};
use crate::did::DidUrl;
use crate::encoding::{b64url, sha256};
use crate::jws::sign_jws;
use crate::key::{PublicKey, SignError, Signer};
use crate::sd_jwt::{MAX_BYTES, MAX_DEPTH, MAX_DISCLOSURES};
use crate::text::{Illegible, require_legible};

/// Is how many digests may stand at one level; the compact QR form counts on it.
const MAX_DIGESTS_PER_LEVEL: usize = 8;
const MAX_ARRAY: usize = 100;

/// Says why a credential can't be issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The type does not define this claim.
    #[error("the type does not define the claim {0}")]
    UnknownClaim(String),
    /// The type says that every credential has this claim.
    #[error("the claim {0} is missing")]
    MissingClaim(String),
    /// The type says that this claim is an object or an array.
    #[error("the claim {0} is not of the kind that the type says")]
    WrongKind(String),
    /// A claim is called `_sd`, `...` or `_sd_alg`.
    #[error("a claim has a reserved name")]
    ReservedName,
    /// A text in the claims holds what people can't see, or shows nothing.
    #[error("a text in the claims can't be read as it is")]
    Illegible(#[source] Illegible),
    /// The credential would be larger or deeper than a reader accepts.
    #[error("the claims are too large")]
    TooLarge,
    /// `nbf` is not before `exp`.
    #[error("the validity is empty")]
    EmptyValidity,
    /// The signer failed.
    #[error("the credential could not be signed")]
    Sign(#[from] SignError),
}

impl IssueError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownClaim(_) => "unknown_claim",
            Self::MissingClaim(_) => "missing_claim",
            Self::WrongKind(_) => "wrong_kind",
            Self::ReservedName => "reserved_name",
            Self::Illegible(error) => error.code(),
            Self::TooLarge => "too_large",
            Self::EmptyValidity => "empty_validity",
            Self::Sign(error) => error.code(),
        }
    }
}

/// Is what an issuer decides about one credential.
pub struct IssuanceRequest<'a> {
    /// Defines which claims there are and which are disclosures.
    pub credential_type: &'a CredentialType,
    /// Is the `iss` claim: the issuer's DID.
    pub issuer: &'a str,
    /// Is the DID URL of the issuer's key, for the `kid` header.
    pub kid: &'a DidUrl,
    /// Is the chain of certificates for the `x5c` header, in base64 of DER, the signer's first; may be empty.
    pub x5c: &'a [String],
    /// Are the claims about the subject.
    pub claims: &'a Map<String, Value>,
    /// Is the time of issuance, in seconds.
    pub iat: u64,
    /// Is the first second of validity.
    pub nbf: u64,
    /// Is the first second after validity.
    pub exp: u64,
    /// Is the key to which the credential is bound.
    pub holder: &'a PublicKey,
    /// Is where the status will be kept.
    pub status: StatusReference,
}

/// Issues a credential as a compact SD-JWT that ends in `~`.
///
/// `salts` gives 128 fresh random bits at each call (RFC 9901 §9.3). Digests are sorted, so that their order says nothing
/// about the claims (RFC 9901 §4.2.4.1).
pub fn issue_credential(
    request: &IssuanceRequest<'_>,
    salts: &mut dyn FnMut() -> [u8; 16],
    signer: &dyn Signer,
) -> Result<String, IssueError> {
    if request.nbf >= request.exp {
        return Err(IssueError::EmptyValidity);
    }
    let mut builder = Builder {
        salts,
        disclosures: String::with_capacity(2048),
        count: 0,
        buffer: Vec::new(),
    };
    let claims = builder.object(
        request.claims,
        request.credential_type.root(),
        "",
        MAX_DEPTH,
    )?;
    let mut payload = registered_claims(request);
    payload.extend(claims);
    if builder.count > 0 {
        payload.insert("_sd_alg".to_owned(), Value::from("sha-256"));
    }
    let payload = serde_json::to_vec(&payload).map_err(|_| IssueError::TooLarge)?;
    let mut compact = sign_jws(&header(request), &payload, signer)?;
    compact.reserve_exact(builder.disclosures.len() + 1);
    compact.push('~');
    compact.push_str(&builder.disclosures);
    if compact.len() > MAX_BYTES || builder.count > MAX_DISCLOSURES {
        return Err(IssueError::TooLarge);
    }
    Ok(compact)
}

fn header(request: &IssuanceRequest<'_>) -> Map<String, Value> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), Value::from("dc+sd-jwt"));
    header.insert("kid".to_owned(), Value::from(request.kid.to_string()));
    if !request.x5c.is_empty() {
        header.insert("x5c".to_owned(), Value::from(request.x5c));
    }
    header
}

fn registered_claims(request: &IssuanceRequest<'_>) -> Map<String, Value> {
    let jwk = request.holder.to_jwk();
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), Value::from(request.issuer));
    claims.insert("iat".to_owned(), Value::from(request.iat));
    claims.insert("nbf".to_owned(), Value::from(request.nbf));
    claims.insert("exp".to_owned(), Value::from(request.exp));
    claims.insert("vct".to_owned(), Value::from(request.credential_type.vct()));
    claims.insert(
        "vct#integrity".to_owned(),
        Value::from(request.credential_type.integrity()),
    );
    claims.insert(
        "cnf".to_owned(),
        json!({"jwk": {"kty": jwk.kty, "crv": jwk.crv, "x": jwk.x, "y": jwk.y}}),
    );
    let status = &request.status;
    claims.insert(
        "status".to_owned(),
        json!({"status_list": {"idx": status.idx, "uri": status.uri}}),
    );
    claims
}

struct Builder<'a> {
    salts: &'a mut dyn FnMut() -> [u8; 16],
    disclosures: String,
    count: usize,
    buffer: Vec<u8>,
}

impl Builder<'_> {
    fn value<'v>(
        &mut self,
        value: &'v Value,
        node: &Node,
        path: &str,
        depth: usize,
    ) -> Result<Cow<'v, Value>, IssueError> {
        match value {
            _ if node.is_leaf() => {
                check_leaf(value, depth)?;
                Ok(Cow::Borrowed(value))
            }
            Value::Object(object) if !node.members.is_empty() => self
                .object(object, node, path, depth)
                .map(|object| Cow::Owned(Value::Object(object))),
            Value::Array(array) => match &node.items {
                Some(items) => self
                    .array(array, items, path, depth)
                    .map(|array| Cow::Owned(Value::Array(array))),
                None => Err(IssueError::WrongKind(path.to_owned())),
            },
            _ => Err(IssueError::WrongKind(path.to_owned())),
        }
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        node: &Node,
        path: &str,
        depth: usize,
    ) -> Result<Map<String, Value>, IssueError> {
        let depth = depth.checked_sub(1).ok_or(IssueError::TooLarge)?;
        let known = |name: &String| node.members.iter().any(|(own, _)| own == name);
        if let Some(name) = object.keys().find(|name| !known(name)) {
            return Err(IssueError::UnknownClaim(join(path, name)));
        }
        let (mut plain, mut digests) = (Map::new(), Vec::new());
        for (name, member) in &node.members {
            let Some(value) = object.get(name) else {
                if member.mandatory {
                    return Err(IssueError::MissingClaim(join(path, name)));
                }
                continue;
            };
            let inner = if member.is_leaf() {
                String::new()
            } else {
                join(path, name)
            };
            let at = self.disclosures.len();
            let value = self.value(value, member, &inner, depth)?;
            if member.disclosable {
                digests.push(self.disclose(at, Some(name), &value)?);
            } else {
                plain.insert(name.clone(), value.into_owned());
            }
        }
        if digests.len() > MAX_DIGESTS_PER_LEVEL {
            return Err(IssueError::TooLarge);
        }
        if !digests.is_empty() {
            digests.sort_unstable();
            plain.insert("_sd".to_owned(), Value::from(digests));
        }
        Ok(plain)
    }

    fn array(
        &mut self,
        array: &[Value],
        items: &Node,
        path: &str,
        depth: usize,
    ) -> Result<Vec<Value>, IssueError> {
        let depth = depth.checked_sub(1).ok_or(IssueError::TooLarge)?;
        if array.len() > MAX_ARRAY {
            return Err(IssueError::TooLarge);
        }
        let mut elements = Vec::with_capacity(array.len());
        for (index, value) in array.iter().enumerate() {
            let at = self.disclosures.len();
            let value = self.value(value, items, &format!("{path}[{index}]"), depth)?;
            elements.push(match items.disclosable {
                true => json!({"...": self.disclose(at, None, &value)?}),
                false => value.into_owned(),
            });
        }
        Ok(elements)
    }

    /// Puts a disclosure (RFC 9901 §4.2.1, §4.2.2) before those that lie in it, which start at `at`, and returns its
    /// digest (§4.2.3).
    fn disclose(
        &mut self,
        at: usize,
        name: Option<&str>,
        value: &Value,
    ) -> Result<String, IssueError> {
        let salt = b64url(&(self.salts)());
        self.buffer.clear();
        let written = match name {
            Some(name) => serde_json::to_writer(&mut self.buffer, &(salt, name, value)),
            None => serde_json::to_writer(&mut self.buffer, &(salt, value)),
        };
        written.map_err(|_| IssueError::TooLarge)?;
        let mut text = b64url(&self.buffer);
        let digest = b64url(&sha256(text.as_bytes()));
        text.push('~');
        self.disclosures.insert_str(at, &text);
        self.count += 1;
        Ok(digest)
    }
}

/// Checks that a value of the register can be read as it is, can't be taken for digests, and doesn't nest deeper than a reader
/// accepts.
fn check_leaf(value: &Value, depth: usize) -> Result<(), IssueError> {
    let inner = || depth.checked_sub(1).ok_or(IssueError::TooLarge);
    match value {
        Value::Object(object) if object.keys().any(|name| is_reserved(name)) => {
            Err(IssueError::ReservedName)
        }
        Value::Object(object) => object
            .values()
            .try_for_each(|value| check_leaf(value, inner()?)),
        Value::Array(array) => array
            .iter()
            .try_for_each(|value| check_leaf(value, inner()?)),
        Value::String(text) if !text.is_empty() => {
            require_legible(text).map_err(IssueError::Illegible)
        }
        _ => Ok(()),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}
