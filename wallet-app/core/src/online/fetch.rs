//! Fetches the signed request that a link refers to (OpenID4VP 1.0 §5.10, RFC 9101 §5.2).

use jumin_http::{Client, Url};
use jumin_identity::{UnverifiedJws, b64url, parse_object_strict, random_bytes};
use serde_json::{Value, json};

use crate::issuance::secure_url;
use crate::present::PresentError;

const SCHEMES: [&str; 4] = ["openid4vp", "haip-vp", "haip", "mdoc-openid4vp"];
const MAX_LINK: usize = 64 * 1024;
const MAX_REQUEST: usize = 32 * 1024;
const MEDIA_TYPE: &str = "application/oauth-authz-req+jwt";
const DEPTH: usize = 16;

/// Is a request object as it came, with the nonce that it must repeat if it was asked for by POST.
pub(crate) struct Fetched {
    pub request_object: String,
    pub client_id: String,
    pub wallet_nonce: Option<String>,
}

/// Says whether a text is a link to a request of OpenID4VP, and not a code of our own.
pub(crate) fn is_link(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    SCHEMES
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known))
        || (scheme.eq_ignore_ascii_case("https") && text.contains("client_id="))
}

/// Takes the request object out of a link, or from where the link says.
pub(crate) async fn fetch_request(link: &str, http: &Client) -> Result<Fetched, PresentError> {
    if link.len() > MAX_LINK {
        return Err(PresentError::NotARequest);
    }
    let url = Url::parse(link).map_err(|_| PresentError::NotARequest)?;
    let client_id = parameter(&url, "client_id")?.ok_or(PresentError::NotARequest)?;
    let by_value = parameter(&url, "request")?;
    let by_reference = parameter(&url, "request_uri")?;
    let (request_object, wallet_nonce) = match (by_value, by_reference) {
        // RFC 9101 §5: one of the two, never both.
        (Some(_), Some(_)) => return Err(PresentError::NotARequest),
        (None, None) => return Err(PresentError::Unsigned),
        (Some(request), None) => (request, None),
        (None, Some(uri)) => {
            let uri = secure_url(&uri).ok_or(PresentError::NotARequest)?;
            match parameter(&url, "request_uri_method")?.as_deref() {
                // OpenID4VP 1.0 §5.10: the method is case-sensitive, `get` is the default.
                None | Some("get") => (by_get(&uri, http).await?, None),
                Some("post") => by_post(&uri, http).await?,
                Some(_) => return Err(PresentError::NotARequest),
            }
        }
    };
    Ok(Fetched {
        request_object,
        client_id,
        wallet_nonce,
    })
}

/// Reads a parameter that may be there once (RFC 6749 §3.1).
fn parameter(url: &Url, name: &str) -> Result<Option<String>, PresentError> {
    let mut found = url.query_pairs().filter(|(key, _)| key == name);
    match (found.next(), found.next()) {
        (Some(_), Some(_)) => Err(PresentError::NotARequest),
        (first, _) => Ok(first.map(|(_, value)| value.into_owned())),
    }
}

async fn by_get(uri: &Url, http: &Client) -> Result<String, PresentError> {
    request_object(http.get(uri, MEDIA_TYPE, MAX_REQUEST).await?)
}

async fn by_post(uri: &Url, http: &Client) -> Result<(String, Option<String>), PresentError> {
    let nonce = b64url(&random_bytes::<16>());
    let metadata = wallet_metadata().to_string();
    let form = [
        ("wallet_metadata", metadata.as_str()),
        ("wallet_nonce", nonce.as_str()),
    ];
    let headers = [("accept", MEDIA_TYPE)];
    let answer = http.post_form(uri, &form, &headers, MAX_REQUEST).await?;
    Ok((request_object(answer)?, Some(nonce)))
}

fn request_object(answer: jumin_http::Response) -> Result<String, PresentError> {
    if !answer.is_success() {
        return Err(match answer.status {
            404 | 410 => PresentError::Expired,
            status => PresentError::Refused { status },
        });
    }
    let text = String::from_utf8(answer.body).map_err(|_| PresentError::NotARequest)?;
    Ok(text.trim().to_owned())
}

/// Says what this wallet can do (OpenID4VP 1.0 §10).
fn wallet_metadata() -> Value {
    json!({
        "vp_formats_supported": {
            "dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]},
        },
        "client_id_prefixes_supported": ["decentralized_identifier", "x509_hash"],
        "response_types_supported": ["vp_token"],
        "response_modes_supported": ["direct_post", "direct_post.jwt"],
        "request_object_signing_alg_values_supported": ["ES256"],
        "authorization_encryption_alg_values_supported": ["ECDH-ES"],
        "authorization_encryption_enc_values_supported": ["A128GCM", "A256GCM"],
    })
}

/// Says whether a request object, whose signature is checked elsewhere, repeats the wallet's nonce (OpenID4VP 1.0 §5.10).
pub(crate) fn repeats_nonce(request_object: &str, nonce: &str) -> bool {
    let payload = UnverifiedJws::parse(request_object, MAX_REQUEST)
        .ok()
        .and_then(|jws| parse_object_strict(jws.dangerous_payload_unverified(), DEPTH).ok());
    payload
        .as_ref()
        .and_then(|payload| payload.get("wallet_nonce"))
        .is_some_and(|found| found == nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_told_from_codes() {
        assert!(is_link("openid4vp://?client_id=a&request_uri=b"));
        assert!(is_link("https://wallet.example/?client_id=a&request_uri=b"));
        assert!(!is_link("https://example.com/"));
        assert!(!is_link("J1ABC:DEF"));
        assert!(!is_link("eyJhbGciOi.J9.x"));
    }

    #[tokio::test]
    async fn unsigned_and_ambiguous_links_are_refused() {
        let http = Client::new().unwrap();
        let unsigned = "openid4vp://?client_id=redirect_uri%3Ahttps%3A%2F%2Fv.example&nonce=n";
        for (link, code) in [
            (unsigned, "request_unsigned"),
            ("openid4vp://?request=x", "not_a_request"),
            (
                "openid4vp://?client_id=a&client_id=b&request=x",
                "not_a_request",
            ),
            (
                "openid4vp://?client_id=a&request=x&request_uri=https%3A%2F%2Fv.example",
                "not_a_request",
            ),
            (
                "openid4vp://?client_id=a&request_uri=http%3A%2F%2Fv.example",
                "not_a_request",
            ),
            (
                "openid4vp://?client_id=a&request_uri=https%3A%2F%2Fv.example&request_uri_method=PUT",
                "not_a_request",
            ),
        ] {
            let error = fetch_request(link, &http).await.err().unwrap();
            assert_eq!(error.code(), code, "{link}");
        }
    }
}
