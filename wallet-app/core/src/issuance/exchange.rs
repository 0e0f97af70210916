//! Token, nonce, proofs and credential (OpenID4VCI 1.0 §6 to §8, Appendix F.1).

use jumin_http::{Client, Response};
use jumin_identity::{FileKey, Signer, parse_object_strict, sign_jws};
use serde_json::{Map, Value, json};

use super::{IssuanceError, PRE_AUTHORIZED, ProvenOffer, printable};

const PROOF_TYP: &str = "openid4vci-proof+jwt";
const SMALL: usize = 64 * 1024;
/// A batch of copies with portraits (8 MiB).
const MAX_CREDENTIALS: usize = 8 * 1024 * 1024;
const DEPTH: usize = 16;
const TOKEN_MAX: usize = 8 * 1024;

/// Is what came from the issuer: copies of one document, not checked yet, and the keys that were proven.
pub(crate) struct Received {
    pub copies: Vec<String>,
    pub keys: Vec<FileKey>,
    pub token: String,
    pub notification_id: Option<String>,
}

/// Asks for one of the offered documents, in as many copies as the issuer gives at once.
pub(crate) async fn fetch(
    proven: &ProvenOffer<'_>,
    transaction_code: Option<&str>,
    http: &Client,
    now: u64,
) -> Result<Received, IssuanceError> {
    let keys = (0..proven.open().metadata.batch_size)
        .map(|_| FileKey::generate())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| IssuanceError::Key(error.into()))?;
    let token = token(proven, transaction_code, http).await?;
    let mut asked = ask(proven, &token, &keys, http, now).await;
    // OpenID4VCI 1.0 §8.3.1.2: after `invalid_nonce` the wallet fetches a new one.
    if matches!(&asked, Err(IssuanceError::IssuerError { error, .. }) if error == "invalid_nonce") {
        asked = ask(proven, &token, &keys, http, now).await;
    }
    let answer = asked?;
    if answer.contains_key("transaction_id") {
        return Err(IssuanceError::Unsupported(
            "documents that are issued later",
        ));
    }
    Ok(Received {
        copies: copies(&answer)?,
        notification_id: text(&answer, "notification_id"),
        token: token.value,
        keys,
    })
}

struct Token {
    value: String,
    /// OpenID4VCI 1.0 §6.2: where the server names identifiers, the request has to use one.
    identifier: Option<String>,
}

/// Sends the codes for a token: to no server whose agency's standing is not proven.
async fn token(
    proven: &ProvenOffer<'_>,
    transaction_code: Option<&str>,
    http: &Client,
) -> Result<Token, IssuanceError> {
    let open = proven.open();
    let mut form = vec![
        ("grant_type", PRE_AUTHORIZED),
        ("pre-authorized_code", open.offer.code.as_str()),
    ];
    if let (Some(_), Some(code)) = (&open.offer.transaction_code, transaction_code) {
        form.push(("tx_code", code));
    }
    let headers = [("accept", "application/json")];
    let answer = http
        .post_form(&open.metadata.token_endpoint, &form, &headers, SMALL)
        .await?;
    let answer = successful(&answer)?;
    let value = text(&answer, "access_token").filter(|token| token.len() <= TOKEN_MAX);
    let bearer =
        text(&answer, "token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
    match value {
        Some(value) if bearer => Ok(Token {
            value,
            identifier: credential_identifier(&answer),
        }),
        Some(_) => Err(IssuanceError::Unsupported(
            "a token other than a bearer token",
        )),
        None => Err(IssuanceError::WrongAnswer("access_token")),
    }
}

fn credential_identifier(answer: &Map<String, Value>) -> Option<String> {
    let details = answer.get("authorization_details")?.as_array()?;
    let identifiers = details.first()?.get("credential_identifiers")?.as_array()?;
    Some(identifiers.first()?.as_str()?.to_owned())
}

async fn ask(
    proven: &ProvenOffer<'_>,
    token: &Token,
    keys: &[FileKey],
    http: &Client,
    now: u64,
) -> Result<Map<String, Value>, IssuanceError> {
    let open = proven.open();
    let nonce = nonce(proven, http).await?;
    let proofs = keys
        .iter()
        .map(|key| proof(&open.offer.issuer, nonce.as_deref(), now, key))
        .collect::<Result<Vec<_>, _>>()?;
    let mut request = json!({"proofs": {"jwt": proofs}});
    match &token.identifier {
        Some(identifier) => request["credential_identifier"] = json!(identifier),
        None => request["credential_configuration_id"] = json!(proven.configuration().id),
    }
    let authorization = format!("Bearer {}", token.value);
    let headers = [
        ("authorization", authorization.as_str()),
        ("accept", "application/json"),
    ];
    let answer = http
        .post_json(
            &open.metadata.credential_endpoint,
            &request,
            &headers,
            MAX_CREDENTIALS,
        )
        .await?;
    successful(&answer)
}

async fn nonce(proven: &ProvenOffer<'_>, http: &Client) -> Result<Option<String>, IssuanceError> {
    let Some(endpoint) = &proven.open().metadata.nonce_endpoint else {
        return Ok(None);
    };
    let answer = http
        .post_bytes(endpoint, "application/json", Vec::new(), &[], SMALL)
        .await?;
    text(&successful(&answer)?, "c_nonce")
        .map(Some)
        .ok_or(IssuanceError::WrongAnswer("c_nonce"))
}

/// Proves possession of one holder key; `iss` stays out because the code's bearer is anonymous (Appendix F.1).
fn proof(
    issuer: &str,
    nonce: Option<&str>,
    now: u64,
    key: &FileKey,
) -> Result<String, IssuanceError> {
    let failed = |error: Box<dyn std::error::Error + Send + Sync>| IssuanceError::Key(error);
    let jwk = serde_json::to_value(key.public_key()).map_err(|error| failed(error.into()))?;
    let header = Map::from_iter([
        ("typ".to_owned(), Value::from(PROOF_TYP)),
        ("jwk".to_owned(), jwk),
    ]);
    let mut payload = json!({"aud": issuer, "iat": now});
    if let Some(nonce) = nonce {
        payload["nonce"] = json!(nonce);
    }
    sign_jws(&header, payload.to_string().as_bytes(), key).map_err(|error| failed(error.into()))
}

fn copies(answer: &Map<String, Value>) -> Result<Vec<String>, IssuanceError> {
    let wrong = || IssuanceError::WrongAnswer("credentials");
    let credentials = answer
        .get("credentials")
        .and_then(Value::as_array)
        .ok_or_else(wrong)?;
    credentials
        .iter()
        .map(|one| {
            let compact = one.get("credential").and_then(Value::as_str);
            compact.map(str::to_owned).ok_or_else(wrong)
        })
        .collect()
}

/// Tells the issuer how it went (OpenID4VCI 1.0 §11); that it may not hear it changes nothing.
pub(crate) async fn notify(
    proven: &ProvenOffer<'_>,
    received: &Received,
    accepted: bool,
    http: &Client,
) {
    let (Some(endpoint), Some(id)) = (
        &proven.open().metadata.notification_endpoint,
        &received.notification_id,
    ) else {
        return;
    };
    let event = match accepted {
        true => "credential_accepted",
        false => "credential_failure",
    };
    let authorization = format!("Bearer {}", received.token);
    let body = json!({"notification_id": id, "event": event});
    let headers = [("authorization", authorization.as_str())];
    let _ = http.post_json(endpoint, &body, &headers, SMALL).await;
}

/// Reads an answer, telling OAuth's and OpenID4VCI's errors apart.
fn successful(answer: &Response) -> Result<Map<String, Value>, IssuanceError> {
    let object = parse_object_strict(&answer.body, DEPTH);
    if answer.is_success() {
        return object.map_err(|_| IssuanceError::WrongAnswer("it is not a JSON object"));
    }
    let object = object.unwrap_or_default();
    let description = ["error_description", "detail"]
        .iter()
        .find_map(|name| text(&object, name))
        .map(|text| printable(&text));
    let error = text(&object, "error")
        .or_else(|| text(&object, "code"))
        .map_or_else(
            || format!("HTTP {}", answer.status),
            |text| printable(&text),
        );
    Err(match error.as_str() {
        // OpenID4VCI 1.0 §6.3: wrong or used code, and wrong transaction code alike.
        "invalid_grant" => IssuanceError::Refused { description },
        _ => IssuanceError::IssuerError { error, description },
    })
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use jumin_identity::UnverifiedJws;

    use super::*;

    #[test]
    fn proof_names_issuer_nonce_and_its_own_key() {
        let key = FileKey::generate().unwrap();
        let proof = proof("https://issuer.example", Some("n"), 7, &key).unwrap();
        let jws = UnverifiedJws::parse(&proof, 4096).unwrap();
        jws.require_typ(PROOF_TYP).unwrap();
        let payload: Value = serde_json::from_slice(jws.verify(key.public_key()).unwrap()).unwrap();
        assert_eq!(
            payload,
            json!({"aud": "https://issuer.example", "iat": 7, "nonce": "n"})
        );
        let jwk = serde_json::from_value(jws.header()["jwk"].clone()).unwrap();
        assert_eq!(
            jumin_identity::PublicKey::from_jwk(&jwk).unwrap(),
            *key.public_key()
        );
    }

    #[test]
    fn wrong_transaction_code_is_told_apart_from_other_errors() {
        let answer = |status: u16, body: &str| Response {
            status,
            content_type: None,
            headers: Default::default(),
            body: body.as_bytes().to_vec(),
        };
        let refused = successful(&answer(
            400,
            r#"{"error":"invalid_grant","error_description":"2 tries left\u0007"}"#,
        ))
        .unwrap_err();
        assert_eq!(refused.code(), "offer_refused");
        assert!(refused.to_string().ends_with("it says: 2 tries left"));
        let other = successful(&answer(503, "<html>")).unwrap_err();
        assert_eq!(other.code(), "issuer_error");
    }
}
