//! Sends the answer: `direct_post` in the clear or `direct_post.jwt` as a JWE (OpenID4VP 1.0 §8.2, §8.3).

use josekit::jwe::{ECDH_ES, JweHeader, serialize_compact};
use josekit::jwk::Jwk;
use jumin_http::{Client, Response, Url};
use jumin_identity::{AuthorizationRequest, ResponseEncryption, ResponseMode};
use serde_json::{Map, Value, json};

use crate::issuance::{on_this_machine, secure_url};
use crate::present::PresentError;

const MAX_ANSWER: usize = 64 * 1024;
const MAX_REDIRECT: usize = 2048;

/// Sends a VP Token; returns where the verifier sends the citizen's browser next.
pub(crate) async fn respond(
    request: &AuthorizationRequest,
    vp_token: &str,
    http: &Client,
) -> Result<Option<String>, PresentError> {
    let state = request.state.as_deref();
    match &request.response {
        ResponseMode::QrCode => Err(PresentError::NotARequest),
        ResponseMode::DirectPost { response_uri } => {
            let mut form = vec![("vp_token", vp_token)];
            form.extend(state.map(|state| ("state", state)));
            post(response_uri, &form, http).await
        }
        ResponseMode::DirectPostJwt {
            response_uri,
            encryption,
        } => {
            let token: Value =
                serde_json::from_str(vp_token).map_err(|error| PresentError::Make(error.into()))?;
            let mut payload = Map::from_iter([("vp_token".to_owned(), token)]);
            payload.extend(state.map(|state| ("state".to_owned(), Value::from(state))));
            let jwe = encrypt(&Value::Object(payload), encryption)
                .map_err(|error| PresentError::Make(error.into()))?;
            post(response_uri, &[("response", jwe.as_str())], http).await
        }
    }
}

/// Tells the verifier that the citizen said no (OpenID4VP 1.0 §8.5); that it may not hear it changes nothing.
pub(crate) async fn decline(request: &AuthorizationRequest, http: &Client) {
    let uri = match &request.response {
        ResponseMode::QrCode => return,
        ResponseMode::DirectPost { response_uri }
        | ResponseMode::DirectPostJwt { response_uri, .. } => response_uri,
    };
    let mut form = vec![("error", "access_denied")];
    form.extend(request.state.as_deref().map(|state| ("state", state)));
    let _ = post(uri, &form, http).await;
}

async fn post(
    uri: &str,
    form: &[(&str, &str)],
    http: &Client,
) -> Result<Option<String>, PresentError> {
    let url = Url::parse(uri).map_err(|_| PresentError::NotARequest)?;
    let headers = [("accept", "application/json")];
    let answer = http.post_form(&url, form, &headers, MAX_ANSWER).await?;
    if !answer.is_success() {
        return Err(PresentError::Refused {
            status: answer.status,
        });
    }
    Ok(redirect_uri(&answer, &url))
}

/// Reads `redirect_uri` of the verifier's answer (OpenID4VP 1.0 §8.2); anything but a safe link is left out.
///
/// Only a verifier on this machine may send the browser to another program on it, and none may dress the link up with a
/// user name, which browsers show before the server's.
fn redirect_uri(answer: &Response, asked_by: &Url) -> Option<String> {
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let uri = body.get("redirect_uri")?.as_str()?;
    let url = secure_url(uri).filter(|_| uri.len() <= MAX_REDIRECT)?;
    let plain = url.username().is_empty() && url.password().is_none();
    let outward = url.scheme() == "https" && !on_this_machine(&url);
    (plain && (outward || on_this_machine(asked_by))).then(|| url.to_string())
}

/// Encrypts to the verifier's key of this request; the header repeats its `kid` (OpenID4VP 1.0 §8.3).
fn encrypt(payload: &Value, encryption: &ResponseEncryption) -> Result<String, josekit::JoseError> {
    let prefer = |enc: &&String| *enc == "A256GCM";
    let enc = encryption
        .enc
        .iter()
        .find(prefer)
        .or(encryption.enc.first());
    let mut header = JweHeader::new();
    header.set_content_encryption(enc.map_or("A128GCM", String::as_str));
    header.set_key_id(&encryption.kid);
    let jwk = encryption.key.to_jwk();
    let jwk = json!({"kty": jwk.kty, "crv": jwk.crv, "x": jwk.x, "y": jwk.y});
    let jwk = Jwk::from_map(jwk.as_object().cloned().unwrap_or_default())?;
    let encrypter = ECDH_ES.encrypter_from_jwk(&jwk)?;
    serialize_compact(payload.to_string().as_bytes(), &header, &encrypter)
}

#[cfg(test)]
mod tests {
    use josekit::jwk::alg::ec::EcCurve;

    use super::*;

    #[test]
    fn verifier_leads_on_to_safe_links_alone() {
        let told = |uri: &str, asked_by: &str| {
            let answer = Response {
                status: 200,
                content_type: None,
                headers: Default::default(),
                body: json!({"redirect_uri": uri}).to_string().into_bytes(),
            };
            redirect_uri(&answer, &asked_by.parse().unwrap()).is_some()
        };
        let (far, here) = ("https://verifier.example/r", "http://127.0.0.1:7300/r");
        assert!(told("https://verifier.example/done#x", far));
        assert!(told("http://localhost:7300/done", here));
        let long = format!("https://verifier.example/{}", "a".repeat(2048));
        for uri in [
            "http://verifier.example/",
            "http://127.0.0.1:7200/console",
            "https://localhost/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://bank.example@verifier.example/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            &long,
        ] {
            assert!(!told(uri, far), "{uri:.60}");
        }
    }

    #[test]
    fn encrypted_answer_opens_with_the_verifiers_key_and_names_it() {
        for (offered, chosen) in [
            (vec!["A128GCM"], "A128GCM"),
            (vec!["A128GCM", "A256GCM"], "A256GCM"),
        ] {
            let pair = ECDH_ES.generate_ec_key_pair(EcCurve::P256).unwrap();
            let public = pair.to_jwk_public_key();
            let member = |name| public.parameter(name).cloned().unwrap_or_default();
            let jwk = serde_json::from_value(json!({
                "kty": "EC", "crv": "P-256", "x": member("x"), "y": member("y"),
            }))
            .unwrap();
            let encryption = ResponseEncryption {
                key: jumin_identity::PublicKey::from_jwk(&jwk).unwrap(),
                kid: "key-1".to_owned(),
                enc: offered.into_iter().map(str::to_owned).collect(),
            };
            let payload = json!({"vp_token": {"q": ["x"]}, "state": "s"});
            let jwe = encrypt(&payload, &encryption).unwrap();
            let decrypter = ECDH_ES
                .decrypter_from_jwk(&pair.to_jwk_private_key())
                .unwrap();
            let (opened, header) = josekit::jwe::deserialize_compact(&jwe, &decrypter).unwrap();
            assert_eq!(serde_json::from_slice::<Value>(&opened).unwrap(), payload);
            assert_eq!(header.content_encryption(), Some(chosen));
            assert_eq!(header.key_id(), Some("key-1"));
            assert_eq!(header.claim("alg"), Some(&json!("ECDH-ES")));
        }
    }
}
