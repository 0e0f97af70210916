//! Reads and checks request objects.

use serde_json::{Map, Value};

use super::{
    AuthorizationRequest, ClientIdentifier, REQUEST_AUDIENCE, REQUEST_MAX_BYTES, REQUEST_TYP,
    RESPONSE_MODE_QR, RequestError, ResponseEncryption, ResponseMode, UnverifiedRequest,
};
use crate::json::parse_object_strict;
use crate::query::DcqlQuery;
use crate::{Jwk, JwsError, PublicKey, UnverifiedJws};

const DEPTH: usize = 16;
const TEXT_MAX: usize = 2048;
const MAX_AHEAD_SECONDS: u64 = 60;
/// Bounds a request that travels by HTTP and names no end itself.
const DEFAULT_LIFETIME_SECONDS: u64 = 300;
const CONTENT_ENCRYPTIONS: [&str; 2] = ["A128GCM", "A256GCM"];

impl UnverifiedRequest {
    /// Parses a request object of at most 32 KiB.
    ///
    /// That the client identifier and the header belong together is checked here; the signature is not.
    pub fn parse(compact: &str) -> Result<Self, RequestError> {
        let jws = UnverifiedJws::parse(compact, REQUEST_MAX_BYTES).map_err(RequestError::Jws)?;
        // OpenID4VP 1.0 §5: a request object of another type must not be processed.
        jws.require_typ(REQUEST_TYP).map_err(RequestError::Jws)?;
        let payload = parse_object_strict(jws.dangerous_payload_unverified(), DEPTH)
            .map_err(|_| RequestError::Malformed("the payload"))?;
        let client_id = required(&payload, "client_id")?.to_owned();
        let client = ClientIdentifier::parse(&client_id)?;
        client.check_header(&jws)?;
        Ok(Self {
            jws,
            payload,
            client_id,
            client,
        })
    }

    /// Returns the full client identifier; nobody has vouched for it yet.
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Returns who the verifier says it is; nobody has vouched for it yet.
    pub fn client(&self) -> &ClientIdentifier {
        &self.client
    }

    /// Returns the `kid` header; nobody has vouched for it yet.
    pub fn dangerous_kid_unverified(&self) -> Option<&str> {
        self.jws.kid()
    }

    /// Returns the JOSE header, `x5c` in it; nobody has vouched for it yet.
    pub fn header(&self) -> &Map<String, Value> {
        self.jws.header()
    }

    /// Checks the signature with the client's key, then the parameters and the time.
    pub fn verify(self, key: &PublicKey, now: u64) -> Result<AuthorizationRequest, RequestError> {
        self.jws.verify(key).map_err(|error| match error {
            JwsError::SignatureInvalid => RequestError::SignatureInvalid,
            other => RequestError::Jws(other),
        })?;
        let payload = &self.payload;
        check_fixed(payload)?;
        let response = response(payload)?;
        let expires = check_time(payload, &response, now)?;
        let query = payload
            .get("dcql_query")
            .ok_or(RequestError::Malformed("dcql_query"))?;
        Ok(AuthorizationRequest {
            nonce: url_safe(required(payload, "nonce")?, "nonce")?,
            query: DcqlQuery::parse(query).map_err(RequestError::Query)?,
            expires,
            response,
            state: match optional(payload, "state")? {
                Some(state) => Some(url_safe(state, "state")?),
                None => None,
            },
            client_id: self.client_id,
        })
    }
}

/// Checks the parameters that can have only one value here.
fn check_fixed(payload: &Map<String, Value>) -> Result<(), RequestError> {
    if required(payload, "response_type")? != "vp_token" {
        return Err(RequestError::Unsupported("response_type"));
    }
    // OpenID4VP 1.0 §5.8: the audience of wallets found by static discovery.
    let audience = match payload.get("aud") {
        Some(Value::Array(several)) => several.iter().any(|one| one == REQUEST_AUDIENCE),
        one => one.is_some_and(|one| one == REQUEST_AUDIENCE),
    };
    if !audience {
        return Err(RequestError::Malformed("aud"));
    }
    // OpenID4VP 1.0 §5.1: a transaction data type that is not understood is an error; none is understood here.
    for name in ["transaction_data", "scope"] {
        if payload.contains_key(name) {
            return Err(RequestError::Unsupported(name));
        }
    }
    // RFC 9101 §4 and OpenID4VP 1.0 §8.2: these would let a second, unsigned meaning in.
    for name in ["request", "request_uri", "redirect_uri"] {
        if payload.contains_key(name) {
            return Err(RequestError::Malformed(name));
        }
    }
    Ok(())
}

fn check_time(
    payload: &Map<String, Value>,
    response: &ResponseMode,
    now: u64,
) -> Result<u64, RequestError> {
    let issued = time(payload, "iat")?;
    let not_before = time(payload, "nbf")?;
    let latest = now.saturating_add(MAX_AHEAD_SECONDS);
    if [issued, not_before]
        .into_iter()
        .flatten()
        .any(|at| at > latest)
    {
        return Err(RequestError::NotYetValid);
    }
    let expires = match (time(payload, "exp")?, response) {
        (Some(expires), _) => expires,
        (None, ResponseMode::QrCode) => return Err(RequestError::Malformed("exp")),
        (None, _) => issued
            .unwrap_or(now)
            .saturating_add(DEFAULT_LIFETIME_SECONDS),
    };
    if expires <= now {
        return Err(RequestError::Expired);
    }
    Ok(expires)
}

fn response(payload: &Map<String, Value>) -> Result<ResponseMode, RequestError> {
    let uri = || response_uri(payload);
    match required(payload, "response_mode")? {
        RESPONSE_MODE_QR => Ok(ResponseMode::QrCode),
        "direct_post" => Ok(ResponseMode::DirectPost {
            response_uri: uri()?,
        }),
        "direct_post.jwt" => Ok(ResponseMode::DirectPostJwt {
            response_uri: uri()?,
            encryption: encryption(payload)?,
        }),
        _ => Err(RequestError::Unsupported("response_mode")),
    }
}

fn response_uri(payload: &Map<String, Value>) -> Result<String, RequestError> {
    let uri = required(payload, "response_uri")?;
    let parsed = url::Url::parse(uri).map_err(|_| RequestError::Malformed("response_uri"))?;
    if !matches!(parsed.scheme(), "https" | "http") || parsed.fragment().is_some() {
        return Err(RequestError::Malformed("response_uri"));
    }
    Ok(uri.to_owned())
}

/// Chooses the key to encrypt to: P-256 with `alg` ECDH-ES and not meant for another use (OpenID4VP 1.0 §8.3).
fn encryption(payload: &Map<String, Value>) -> Result<ResponseEncryption, RequestError> {
    let metadata = payload.get("client_metadata");
    let keys = metadata
        .and_then(|metadata| metadata.get("jwks")?.get("keys")?.as_array())
        .ok_or(RequestError::Malformed("jwks"))?;
    let member = |key: &Value, name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
    let fits = |key: &&Value| {
        let is = |name: &str, expected: &str| member(key, name).as_deref() == Some(expected);
        is("kty", "EC")
            && is("crv", "P-256")
            && is("alg", "ECDH-ES")
            && (key.get("use").is_none() || is("use", "enc"))
    };
    let chosen = keys
        .iter()
        .take(16)
        .find(fits)
        .ok_or(RequestError::Unsupported("the keys to encrypt to"))?;
    let jwk: Jwk =
        serde_json::from_value(chosen.clone()).map_err(|_| RequestError::Malformed("jwks"))?;
    Ok(ResponseEncryption {
        key: PublicKey::from_jwk(&jwk).map_err(RequestError::EncryptionKey)?,
        kid: member(chosen, "kid").ok_or(RequestError::Malformed("kid"))?,
        enc: content_encryptions(metadata)?,
    })
}

fn content_encryptions(metadata: Option<&Value>) -> Result<Vec<String>, RequestError> {
    let named = metadata.and_then(|all| all.get("encrypted_response_enc_values_supported"));
    let Some(named) = named else {
        // OpenID4VP 1.0 §5.1: the default.
        return Ok(vec!["A128GCM".to_owned()]);
    };
    let named = named.as_array().ok_or(RequestError::Malformed(
        "encrypted_response_enc_values_supported",
    ))?;
    let known: Vec<String> = CONTENT_ENCRYPTIONS
        .iter()
        .filter(|enc| named.iter().any(|name| name == **enc))
        .map(|enc| (*enc).to_owned())
        .collect();
    match known.is_empty() {
        true => Err(RequestError::Unsupported("the content encryption")),
        false => Ok(known),
    }
}

fn time(payload: &Map<String, Value>, name: &'static str) -> Result<Option<u64>, RequestError> {
    match payload.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or(RequestError::Malformed(name)),
    }
}

fn required<'a>(
    payload: &'a Map<String, Value>,
    name: &'static str,
) -> Result<&'a str, RequestError> {
    optional(payload, name)?.ok_or(RequestError::Malformed(name))
}

fn optional<'a>(
    payload: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, RequestError> {
    match payload.get(name) {
        None => Ok(None),
        Some(Value::String(text)) if !text.is_empty() && text.len() <= TEXT_MAX => Ok(Some(text)),
        Some(_) => Err(RequestError::Malformed(name)),
    }
}

/// Accepts the characters that OpenID4VP 1.0 §5.2 allows in `nonce` and `state`.
fn url_safe(text: &str, name: &'static str) -> Result<String, RequestError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    match text.bytes().all(allowed) {
        true => Ok(text.to_owned()),
        false => Err(RequestError::Malformed(name)),
    }
}
