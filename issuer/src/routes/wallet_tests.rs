use axum::http::StatusCode;
use jumin_identity::{Signer, UnverifiedCredential};
use serde_json::{Value, json};

use crate::testing::{TestIssuer, URL, card_request, keys, pass};

#[tokio::test]
async fn wallet_gets_a_batch_bound_to_its_keys() {
    let issuer = TestIssuer::new().await;
    let token = issuer.access_token().await;
    let keys = keys(10);
    let request = card_request(&issuer.nonce().await, &keys);
    let answer = issuer.credential(&token, &request).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let credentials = answer.body["credentials"].as_array().unwrap();
    assert_eq!(credentials.len(), 10);
    for (credential, key) in credentials.iter().zip(&keys) {
        let compact = credential["credential"].as_str().unwrap();
        let unverified = UnverifiedCredential::parse(compact).unwrap();
        let signer = issuer.app.issuer.signer.public_key();
        let verified = unverified.verify(signer, issuer.app.now()).unwrap();
        assert_eq!(verified.holder_key(), key.public_key());
        assert_eq!(verified.status().uri, format!("{URL}/status/1"));
    }
    let listed = issuer
        .console("GET", "/v1/credentials?resident_id=r000001", Value::Null)
        .await;
    assert_eq!(listed.body["credentials"][0]["copies"], 10);
    let audit = issuer.console("GET", "/v1/audit/verify", Value::Null).await;
    assert_eq!(audit.body["broken_at"], Value::Null);
}

#[tokio::test]
async fn fifth_wrong_transaction_code_kills_the_offer() {
    let issuer = TestIssuer::new().await;
    let (code, tx_code) = issuer.offer().await;
    let wrong = if tx_code == "000000" {
        "000001"
    } else {
        "000000"
    };
    for _ in 0..5 {
        let answer = issuer.token(&code, wrong).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "invalid_grant")
        );
    }
    let answer = issuer.token(&code, &tx_code).await;
    assert_eq!(
        answer.code(),
        "invalid_grant",
        "the right code no longer helps"
    );
    let audit = issuer
        .console("GET", "/v1/audit?limit=1", Value::Null)
        .await;
    assert_eq!(audit.body["entries"][0]["action"], "offer.dead");
}

#[tokio::test]
async fn transaction_code_may_be_wrong_four_times() {
    let issuer = TestIssuer::new().await;
    let (code, tx_code) = issuer.offer().await;
    for _ in 0..4 {
        issuer.token(&code, "x").await;
    }
    assert_eq!(issuer.token(&code, &tx_code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn offer_is_good_once_and_for_ten_minutes() {
    let issuer = TestIssuer::new().await;
    let (code, tx_code) = issuer.offer().await;
    assert_eq!(issuer.token(&code, &tx_code).await.status, StatusCode::OK);
    assert_eq!(issuer.token(&code, &tx_code).await.code(), "invalid_grant");
    let (code, tx_code) = issuer.offer().await;
    pass(600);
    assert_eq!(issuer.token(&code, &tx_code).await.code(), "invalid_grant");
}

#[tokio::test]
async fn offer_that_is_not_open_is_not_found() {
    let issuer = TestIssuer::new().await;
    let answer = issuer
        .get("/offers/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::NOT_FOUND, "offer_not_open")
    );
}

#[tokio::test]
async fn token_request_without_what_it_needs_is_refused() {
    let issuer = TestIssuer::new().await;
    let form = "application/x-www-form-urlencoded";
    let grant = format!("grant_type={}", crate::metadata::PRE_AUTHORIZED_CODE);
    for (kind, body, error) in [
        (form, "".to_owned(), "invalid_request"),
        (
            form,
            "grant_type=authorization_code".to_owned(),
            "unsupported_grant_type",
        ),
        (
            form,
            format!("{grant}&pre-authorized_code=x"),
            "invalid_request",
        ),
        (
            form,
            format!("{grant}&pre-authorized_code=x&tx_code=1&tx_code=2"),
            "invalid_request",
        ),
        (
            form,
            format!("{grant}&pre-authorized_code=x&tx_code=1"),
            "invalid_grant",
        ),
        ("application/json", "{}".to_owned(), "invalid_request"),
    ] {
        let answer = issuer.post("/token", kind, body.clone(), None).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, error),
            "{body}"
        );
    }
}

#[tokio::test]
async fn authorization_details_lead_to_credential_identifiers() {
    let issuer = TestIssuer::new().await;
    let (code, tx_code) = issuer.offer().await;
    let details = |id: &str| {
        let details = json!([{ "type": "openid_credential", "credential_configuration_id": id }]);
        let encoded: String =
            url::form_urlencoded::byte_serialize(details.to_string().as_bytes()).collect();
        format!("&authorization_details={encoded}")
    };
    let other = issuer
        .token_with(&code, &tx_code, &details("household-register"))
        .await;
    assert_eq!(other.code(), "invalid_authorization_details");
    let answer = issuer
        .token_with(&code, &tx_code, &details("resident-card"))
        .await;
    let identifier = &answer.body["authorization_details"][0]["credential_identifiers"][0];
    let token = answer.body["access_token"].as_str().unwrap();
    let mut request = card_request(&issuer.nonce().await, &keys(1));
    let by_configuration = issuer.credential(token, &request).await;
    assert_eq!(by_configuration.code(), "invalid_credential_request");
    request
        .as_object_mut()
        .unwrap()
        .remove("credential_configuration_id");
    request["credential_identifier"] = json!("another");
    assert_eq!(
        issuer.credential(token, &request).await.code(),
        "unknown_credential_identifier"
    );
    request["credential_identifier"] = identifier.clone();
    assert_eq!(
        issuer.credential(token, &request).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn nonce_is_good_for_one_request() {
    let issuer = TestIssuer::new().await;
    let nonce = issuer.nonce().await;
    let first = issuer.access_token().await;
    let second = issuer.access_token().await;
    let request = card_request(&nonce, &keys(1));
    assert_eq!(
        issuer.credential(&first, &request).await.status,
        StatusCode::OK
    );
    let replayed = issuer.credential(&second, &request).await;
    assert_eq!(
        (replayed.status, replayed.code()),
        (StatusCode::BAD_REQUEST, "invalid_nonce")
    );
    let with_other_key = issuer
        .credential(&second, &card_request(&nonce, &keys(1)))
        .await;
    assert_eq!(with_other_key.code(), "invalid_nonce");
    let fresh = card_request(&issuer.nonce().await, &keys(1));
    assert_eq!(
        issuer.credential(&second, &fresh).await.status,
        StatusCode::OK,
        "nothing was lost"
    );
}

#[tokio::test]
async fn holder_key_is_bound_to_one_credential_only() {
    let issuer = TestIssuer::new().await;
    let keys = keys(1);
    let first = issuer.access_token().await;
    let request = card_request(&issuer.nonce().await, &keys);
    assert_eq!(
        issuer.credential(&first, &request).await.status,
        StatusCode::OK
    );
    let second = issuer.access_token().await;
    let again = card_request(&issuer.nonce().await, &keys);
    assert_eq!(
        issuer.credential(&second, &again).await.code(),
        "invalid_proof"
    );
}

#[tokio::test]
async fn access_token_is_good_once_and_for_ten_minutes() {
    let issuer = TestIssuer::new().await;
    let token = issuer.access_token().await;
    let request = card_request(&issuer.nonce().await, &keys(1));
    assert_eq!(
        issuer.credential(&token, &request).await.status,
        StatusCode::OK
    );
    let again = card_request(&issuer.nonce().await, &keys(1));
    let refused = issuer.credential(&token, &again).await;
    assert_eq!(
        (refused.status, refused.code()),
        (StatusCode::UNAUTHORIZED, "invalid_token")
    );
    assert!(refused.challenge.unwrap().starts_with("Bearer"));
    let token = issuer.access_token().await;
    pass(600);
    let late = card_request(&issuer.nonce().await, &keys(1));
    assert_eq!(
        issuer.credential(&token, &late).await.code(),
        "invalid_token"
    );
    assert_eq!(
        issuer.credential("nonsense", &late).await.code(),
        "invalid_token"
    );
}

#[tokio::test]
async fn oversized_body_is_refused() {
    let issuer = TestIssuer::new().await;
    let body = "x".repeat(64 * 1024 + 1);
    let answer = issuer
        .post("/credential", "application/json", body, Some("x"))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn metadata_describes_what_is_served() {
    let issuer = TestIssuer::new().await;
    let metadata = issuer
        .get("/.well-known/openid-credential-issuer")
        .await
        .body;
    assert_eq!(metadata["credential_issuer"], URL);
    assert_eq!(metadata["batch_credential_issuance"]["batch_size"], 10);
    let card = &metadata["credential_configurations_supported"]["resident-card"];
    assert_eq!(card["format"], "dc+sd-jwt");
    assert_eq!(card["credential_metadata"]["display"][0]["locale"], "ko-KR");
    let server = issuer
        .get("/.well-known/oauth-authorization-server")
        .await
        .body;
    assert_eq!(
        server["pre-authorized_grant_anonymous_access_supported"],
        true
    );
    let keys = issuer.get("/.well-known/jwt-vc-issuer").await.body;
    assert_eq!(keys["issuer"], URL);
    assert_eq!(keys["jwks"]["keys"][0]["crv"], "P-256");
    let definition = issuer.get("/types/urn:jumin:resident-card:1").await;
    assert_eq!(definition.body["vct"], "urn:jumin:resident-card:1");
    assert_eq!(
        issuer.get("/types/urn:jumin:other:1").await.status,
        StatusCode::NOT_FOUND
    );
    let api = issuer.get("/openapi.json").await.body;
    assert!(api["paths"]["/credential"]["post"].is_object());
}
