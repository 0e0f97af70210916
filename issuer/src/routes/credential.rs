use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use jumin_identity::{parse_object_strict, random_bytes};
use serde_json::{Map, Value, json};

use super::json_text;
use super::oauth_error::OauthError;
use crate::app::App;
use crate::claims::Configuration;
use crate::issuance::{IssuanceError, WalletRequest};
use crate::secret::Secret;
use crate::store::Authorization;

/// Gives a fresh nonce for key proofs (OID4VCI 1.0 §7).
#[utoipa::path(post, path = "/nonce", responses((status = 200, description = "c_nonce, good for five minutes and one request")))]
pub async fn nonce(State(app): State<Arc<App>>) -> Response {
    let nonce = app.nonces.issue(app.now(), random_bytes());
    let body = json!({ "c_nonce": nonce }).to_string();
    ([(header::CACHE_CONTROL, "no-store")], json_text(body)).into_response()
}

/// Issues a batch of credentials, one for each key proof (OID4VCI 1.0 §8); the fifth refusal ends the token.
#[utoipa::path(post, path = "/credential", request_body(content = Object, content_type = "application/json"),
    responses((status = 200, description = "Credential response (OID4VCI 1.0 section 8.3)"),
        (status = 400, description = "Credential error (section 8.3.1.2)"),
        (status = 401, description = "invalid_token"), (status = 403, description = "insufficient_scope")))]
pub async fn credential(State(app): State<Arc<App>>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&app, &headers, &body).await {
        Ok(text) => ([(header::CACHE_CONTROL, "no-store")], json_text(text)).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn answer(app: &App, headers: &HeaderMap, body: &[u8]) -> Result<String, OauthError> {
    let token = bearer(headers).ok_or_else(OauthError::invalid_token)?;
    let authorization = app
        .store
        .authorize(&token, app.now())
        .await?
        .ok_or_else(OauthError::invalid_token)?;
    let issued = issue(app, &authorization, body).await;
    if let Err(error) = &issued
        && error.is_refusal()
        && app
            .store
            .count_refused(authorization.offer, app.now())
            .await?
    {
        return issued.map_err(OauthError::and_token_ended);
    }
    issued
}

async fn issue(
    app: &App,
    authorization: &Authorization,
    body: &[u8],
) -> Result<String, OauthError> {
    let request =
        parse_object_strict(body, 8).map_err(|_| invalid("the body must be one JSON object"))?;
    let configuration = requested(&request, authorization)?;
    let request = WalletRequest {
        configuration,
        authorization,
        proofs: proofs(&request)?,
    };
    let credentials = app.issue(&request).await.map_err(refused)?;
    app.counts.issued();
    let credentials: Vec<Value> = credentials
        .into_iter()
        .map(|credential| json!({ "credential": credential }))
        .collect();
    Ok(json!({ "credentials": credentials }).to_string())
}

/// RFC 6750 §2.1.
pub(super) fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::presented(token.trim()))
}

fn invalid(description: &str) -> OauthError {
    OauthError::bad_request("invalid_credential_request", description)
}

/// §8.2: a request names what it wants in one of two ways, and the token response decides in which.
fn requested(
    request: &Map<String, Value>,
    authorization: &Authorization,
) -> Result<Configuration, OauthError> {
    if request.contains_key("credential_response_encryption") {
        return Err(OauthError::bad_request(
            "invalid_encryption_parameters",
            "this issuer does not encrypt credential responses; leave credential_response_encryption out",
        ));
    }
    let text = |name: &str| match request.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(invalid(&format!("{name} must be a string"))),
    };
    let wanted = match (
        text("credential_identifier")?,
        text("credential_configuration_id")?,
        authorization.by_identifier,
    ) {
        (Some(identifier), None, true) => {
            if identifier != authorization.configuration {
                return Err(OauthError::bad_request(
                    "unknown_credential_identifier",
                    "use a credential_identifier of the token response",
                ));
            }
            identifier
        }
        (None, Some(configuration), false) => configuration,
        (_, _, true) => {
            return Err(invalid(
                "the request must have credential_identifier, as the token response had credential_identifiers",
            ));
        }
        (_, _, false) => {
            return Err(invalid(
                "the request must have credential_configuration_id and no credential_identifier",
            ));
        }
    };
    let configuration = Configuration::find(wanted).ok_or_else(|| {
        OauthError::bad_request(
            "unknown_credential_configuration",
            "see credential_configurations_supported in the issuer metadata",
        )
    })?;
    if wanted != authorization.configuration {
        return Err(OauthError::insufficient_scope());
    }
    Ok(configuration)
}

/// §8.2: `proofs` has exactly one member, named as the proof type.
fn proofs(request: &Map<String, Value>) -> Result<Vec<String>, OauthError> {
    let invalid_proof = |what: &str| OauthError::bad_request("invalid_proof", what);
    let proofs = request
        .get("proofs")
        .ok_or_else(|| invalid_proof("proofs is missing; prove a key with proofs.jwt"))?
        .as_object()
        .ok_or_else(|| invalid_proof("proofs must be an object"))?;
    let jwts = match (proofs.len(), proofs.get("jwt")) {
        (1, Some(Value::Array(jwts))) => jwts,
        _ => {
            return Err(invalid_proof(
                "proofs must have exactly one member, the array jwt",
            ));
        }
    };
    jwts.iter()
        .map(|jwt| jwt.as_str().map(str::to_owned))
        .collect::<Option<_>>()
        .ok_or_else(|| invalid_proof("proofs.jwt must be an array of strings"))
}

fn refused(error: IssuanceError) -> OauthError {
    match &error {
        IssuanceError::Proof(proof) => OauthError::bad_request(proof.code(), proof.to_string()),
        IssuanceError::NonceUsed => OauthError::bad_request(
            "invalid_nonce",
            "the nonce was used before; get a new one from the nonce endpoint",
        ),
        IssuanceError::KeyUsed => OauthError::bad_request(
            "invalid_proof",
            "a key is bound to another credential already; make a new key for each copy",
        ),
        IssuanceError::TokenUsed => OauthError::invalid_token(),
        IssuanceError::NotEligible(reason) => {
            OauthError::bad_request("credential_request_denied", reason.to_string())
        }
        IssuanceError::UnknownResident => OauthError::bad_request(
            "credential_request_denied",
            "the resident is no longer in the register",
        ),
        IssuanceError::NoStatusList => OauthError::unavailable(
            "no status list is open for new credentials now; try again in a minute",
        ),
        IssuanceError::NotVouchedFor => OauthError::unavailable(
            "the ledger could not be asked about this issuer yet; try again in a minute",
        ),
        IssuanceError::Issue(_) | IssuanceError::Store(_) => OauthError::internal(&error),
    }
}
