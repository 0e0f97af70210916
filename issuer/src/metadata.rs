//! The documents that tell wallets and verifiers about the issuer. They change only with the configuration.

use jumin_identity::{ClaimDefinition, CredentialType, DidUrl, PublicKey};
use serde_json::{Map, Value, json};

use crate::claims::Configuration;
use crate::proof::BATCH_SIZE;

/// The grant type of OID4VCI 1.0 §3.5.
pub const PRE_AUTHORIZED_CODE: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
/// Digits of a transaction code.
pub const TX_CODE_DIGITS: usize = 6;

/// The issuing agency's name in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub ko: String,
    pub en: String,
}

/// Describes the credential issuer (OID4VCI 1.0 §12.2).
pub fn credential_issuer(
    url: &str,
    names: &Names,
    types: &[(Configuration, CredentialType)],
) -> Value {
    let configurations: Map<String, Value> = types
        .iter()
        .map(|(configuration, definition)| {
            (
                configuration.id().to_owned(),
                describe(*configuration, definition),
            )
        })
        .collect();
    json!({
        "credential_issuer": url,
        "credential_endpoint": format!("{url}/credential"),
        "nonce_endpoint": format!("{url}/nonce"),
        "batch_credential_issuance": { "batch_size": BATCH_SIZE },
        "display": [
            { "name": names.ko, "locale": "ko-KR" },
            { "name": names.en, "locale": "en-US" },
        ],
        "credential_configurations_supported": configurations,
    })
}

fn describe(configuration: Configuration, definition: &CredentialType) -> Value {
    let card = definition.card();
    let display: Vec<Value> = ["ko-KR", "en-US"]
        .into_iter()
        .map(|locale| {
            json!({
                "name": definition.name(locale),
                "locale": locale,
                "description": definition.description(locale),
                "background_color": card.background_color,
                "text_color": card.text_color,
            })
        })
        .collect();
    let claims: Vec<Value> = definition.claims().iter().map(describe_claim).collect();
    json!({
        "format": "dc+sd-jwt",
        "vct": definition.vct(),
        "scope": configuration.id(),
        "cryptographic_binding_methods_supported": ["jwk"],
        "credential_signing_alg_values_supported": ["ES256"],
        "proof_types_supported": {
            "jwt": { "proof_signing_alg_values_supported": ["ES256"] }
        },
        "credential_metadata": { "display": display, "claims": claims },
    })
}

fn describe_claim(claim: &ClaimDefinition) -> Value {
    let display: Vec<Value> = claim
        .labels()
        .iter()
        .map(|label| json!({ "name": label.label, "locale": label.locale }))
        .collect();
    json!({ "path": claim.path.to_json(), "mandatory": claim.mandatory, "display": display })
}

/// Describes the authorization server, which the issuer is itself (RFC 8414; OID4VCI 1.0 §12.3).
pub fn authorization_server(url: &str) -> Value {
    json!({
        "issuer": url,
        "token_endpoint": format!("{url}/token"),
        "grant_types_supported": [PRE_AUTHORIZED_CODE],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_details_types_supported": ["openid_credential"],
        "pre-authorized_grant_anonymous_access_supported": true,
    })
}

/// Publishes the signing key for verifiers that look it up by the issuer's URL (SD-JWT VC, JWT VC issuer metadata).
///
/// `iss` in the credentials is the DID; the document names both, so that a reader can tell that they belong together.
pub fn jwt_vc_issuer(url: &str, kid: &DidUrl, key: &PublicKey) -> Value {
    let mut jwk = json!(key.to_jwk());
    jwk["kid"] = json!(kid.to_string());
    jwk["alg"] = json!("ES256");
    jwk["use"] = json!("sig");
    json!({ "issuer": url, "did": kid.did().to_string(), "jwks": { "keys": [jwk] } })
}

/// The offer that a wallet fetches (OID4VCI 1.0 §4.1.1).
pub fn credential_offer(url: &str, configuration: Configuration, code: &str) -> Value {
    json!({
        "credential_issuer": url,
        "credential_configuration_ids": [configuration.id()],
        "grants": {
            PRE_AUTHORIZED_CODE: {
                "pre-authorized_code": code,
                "tx_code": {
                    "input_mode": "numeric",
                    "length": TX_CODE_DIGITS,
                    "description": "창구에서 안내받은 6자리 숫자 (the six digits you were told at the counter)",
                }
            }
        }
    })
}
