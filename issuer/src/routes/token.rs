use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::json_text;
use super::oauth_error::OauthError;
use crate::app::App;
use crate::metadata::PRE_AUTHORIZED_CODE;
use crate::secret::Secret;
use crate::store::{RedeemError, Redemption};

/// How long an access token may be used, in seconds.
const TOKEN_LIFETIME: u64 = 600;

/// Exchanges a pre-authorized code and its transaction code for an access token (OID4VCI 1.0 §6).
#[utoipa::path(post, path = "/token", request_body(content = String, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "Token response (OID4VCI 1.0 section 6.2)"), (status = 400, description = "OAuth error")))]
pub async fn token(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&app, &headers, &body).await {
        Ok(text) => {
            // RFC 6749 §5.1 asks for both.
            let no_store = [
                (header::CACHE_CONTROL, "no-store"),
                (header::PRAGMA, "no-cache"),
            ];
            (no_store, json_text(text)).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn answer(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<String, OauthError> {
    let form = read_form(headers, body)?;
    let required = |name: &str| {
        form.get(name)
            .ok_or_else(|| OauthError::bad_request("invalid_request", format!("{name} is missing")))
    };
    if required("grant_type")? != PRE_AUTHORIZED_CODE {
        return Err(OauthError::bad_request(
            "unsupported_grant_type",
            format!("the only grant type is {PRE_AUTHORIZED_CODE}"),
        ));
    }
    let code = Secret::presented(required("pre-authorized_code")?);
    let details = form
        .get("authorization_details")
        .map(|text| requested_configurations(text))
        .transpose()?;
    let token = Secret::random();
    let now = app.now();
    let redemption = Redemption {
        code: &code,
        tx_code: required("tx_code")?,
        configurations: details.as_deref(),
        token: &token,
        token_expires: now + TOKEN_LIFETIME,
    };
    let configuration = app.store.redeem(&redemption, now).await.map_err(refused)?;
    let mut answer = json!({
        "access_token": token.reveal(),
        "token_type": "Bearer",
        "expires_in": TOKEN_LIFETIME,
    });
    if details.is_some() {
        // §6.2: required when the request used authorization_details.
        answer["authorization_details"] = json!([{
            "type": "openid_credential",
            "credential_configuration_id": configuration,
            "credential_identifiers": [configuration],
        }]);
    }
    Ok(answer.to_string())
}

/// RFC 6749 §3.2: parameters without a value count as absent, and none may be there twice.
fn read_form(headers: &HeaderMap, body: &[u8]) -> Result<BTreeMap<String, String>, OauthError> {
    let invalid = |what: &str| OauthError::bad_request("invalid_request", what);
    let form_encoded = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"));
    if !form_encoded {
        return Err(invalid(
            "the body must be application/x-www-form-urlencoded",
        ));
    }
    let mut form = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(body) {
        if value.is_empty() {
            continue;
        }
        if form.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(invalid("a parameter is there twice"));
        }
    }
    Ok(form)
}

#[derive(Deserialize)]
struct AuthorizationDetail {
    r#type: String,
    credential_configuration_id: String,
}

fn requested_configurations(text: &str) -> Result<Vec<String>, OauthError> {
    let invalid = || {
        OauthError::bad_request(
            "invalid_authorization_details",
            "authorization_details must be a JSON array of openid_credential objects",
        )
    };
    let details: Vec<AuthorizationDetail> = serde_json::from_str(text).map_err(|_| invalid())?;
    if details.is_empty()
        || details
            .iter()
            .any(|detail| detail.r#type != "openid_credential")
    {
        return Err(invalid());
    }
    let ids = details.into_iter();
    Ok(ids
        .map(|detail| detail.credential_configuration_id)
        .collect())
}

fn refused(error: RedeemError) -> OauthError {
    match error {
        RedeemError::Store(error) => error.into(),
        RedeemError::OtherConfiguration => {
            OauthError::bad_request("invalid_authorization_details", error.to_string())
        }
        RedeemError::WrongTxCode { .. } => {
            OauthError::bad_request("invalid_grant", error.to_string())
        }
        RedeemError::Unknown | RedeemError::Used | RedeemError::Expired | RedeemError::Dead => {
            let advice = format!("{error}; ask the agency for a new offer");
            OauthError::bad_request("invalid_grant", advice)
        }
    }
}
