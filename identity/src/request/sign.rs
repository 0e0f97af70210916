//! Makes signed request objects.

use serde_json::{Map, Value, json};

use super::{AuthorizationRequest, REQUEST_AUDIENCE, REQUEST_TYP, RESPONSE_MODE_QR, ResponseMode};
use crate::{DidUrl, SignError, Signer, sign_jws};

/// Signs a request as a request object, a compact JWS (RFC 9101 §4).
///
/// `kid` names the signing key in the DID document of a `decentralized_identifier:` client, `x5c` is the certificate
/// chain (base64 DER, leaf first) of an `x509_hash:` client; `iat` is in seconds since the Unix epoch.
pub fn sign_request(
    request: &AuthorizationRequest,
    kid: Option<&DidUrl>,
    x5c: &[String],
    iat: u64,
    signer: &dyn Signer,
) -> Result<String, SignError> {
    let mut header = Map::new();
    header.insert("typ".to_owned(), REQUEST_TYP.into());
    if let Some(kid) = kid {
        header.insert("kid".to_owned(), kid.to_string().into());
    }
    if !x5c.is_empty() {
        header.insert("x5c".to_owned(), x5c.into());
    }
    let payload = serde_json::to_vec(&payload(request, iat)).map_err(SignError::new)?;
    sign_jws(&header, &payload, signer)
}

fn payload(request: &AuthorizationRequest, iat: u64) -> Value {
    let mut payload = Map::new();
    let mut put = |name: &str, value: Value| payload.insert(name.to_owned(), value);
    put("response_type", "vp_token".into());
    put("client_id", request.client_id.as_str().into());
    put("response_mode", response_mode(&request.response).into());
    if let Some(uri) = response_uri(&request.response) {
        put("response_uri", uri.into());
    }
    put("aud", REQUEST_AUDIENCE.into());
    put("nonce", request.nonce.as_str().into());
    if let Some(state) = &request.state {
        put("state", state.as_str().into());
    }
    put("dcql_query", request.query.to_json());
    put("client_metadata", client_metadata(&request.response));
    put("iat", iat.into());
    put("exp", request.expires.into());
    Value::Object(payload)
}

fn response_mode(response: &ResponseMode) -> &'static str {
    match response {
        ResponseMode::QrCode => RESPONSE_MODE_QR,
        ResponseMode::DirectPost { .. } => "direct_post",
        ResponseMode::DirectPostJwt { .. } => "direct_post.jwt",
    }
}

fn response_uri(response: &ResponseMode) -> Option<&str> {
    match response {
        ResponseMode::QrCode => None,
        ResponseMode::DirectPost { response_uri }
        | ResponseMode::DirectPostJwt { response_uri, .. } => Some(response_uri),
    }
}

/// Makes the verifier metadata (OpenID4VP 1.0 §5.1 and §11.1).
fn client_metadata(response: &ResponseMode) -> Value {
    let mut metadata = json!({"vp_formats_supported": {
        "dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]},
    }});
    if let (ResponseMode::DirectPostJwt { encryption, .. }, Some(object)) =
        (response, metadata.as_object_mut())
    {
        let jwk = encryption.key.to_jwk();
        let key = json!({
            "kty": jwk.kty, "crv": jwk.crv, "x": jwk.x, "y": jwk.y,
            "kid": encryption.kid, "use": "enc", "alg": "ECDH-ES",
        });
        object.insert("jwks".to_owned(), json!({"keys": [key]}));
        object.insert(
            "encrypted_response_enc_values_supported".to_owned(),
            encryption.enc.clone().into(),
        );
    }
    metadata
}
