//! Offers from being made to being accepted.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::testing::{TestIssuer, card_request, keys, pass};

/// Makes an offer and gives the answer of the console.
async fn made(issuer: &TestIssuer) -> Value {
    let wish = json!({ "resident_id": "r000001", "credential_configuration_id": "resident-card" });
    let answer = issuer.console("POST", "/v1/offers", wish).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.body
}

async fn state(issuer: &TestIssuer, offer: &Value) -> String {
    let path = format!("/v1/offers/{}", offer["id"].as_str().unwrap());
    let answer = issuer.console("GET", &path, Value::Null).await;
    answer.body["state"].as_str().unwrap().to_owned()
}

/// Fetches the offer as a wallet and gives its pre-authorized code.
async fn code(issuer: &TestIssuer, offer: &Value) -> String {
    let uri = url::Url::parse(offer["credential_offer_uri"].as_str().unwrap()).unwrap();
    let (_, address) = uri.query_pairs().next().unwrap();
    let fetched = issuer
        .get(address.strip_prefix(crate::testing::URL).unwrap())
        .await;
    let grant = &fetched.body["grants"][crate::metadata::PRE_AUTHORIZED_CODE];
    grant["pre-authorized_code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn offer_is_open_then_taken_then_accepted() {
    let issuer = TestIssuer::new().await;
    let offer = made(&issuer).await;
    assert!(offer["code"]["modules"].as_u64().unwrap() >= 21);
    assert_eq!(state(&issuer, &offer).await, "open");
    let code = code(&issuer, &offer).await;
    assert_eq!(state(&issuer, &offer).await, "open", "a look isn't a grip");
    let token = issuer
        .token(&code, offer["tx_code"].as_str().unwrap())
        .await;
    assert_eq!(state(&issuer, &offer).await, "taken");
    let request = card_request(&issuer.nonce().await, &keys(1));
    let token = token.body["access_token"].as_str().unwrap().to_owned();
    assert_eq!(
        issuer.credential(&token, &request).await.status,
        StatusCode::OK
    );
    let path = format!("/v1/offers/{}", offer["id"].as_str().unwrap());
    let accepted = issuer.console("GET", &path, Value::Null).await.body;
    assert_eq!(accepted["state"], "accepted");
    let credential = accepted["credential_id"].as_str().unwrap();
    let detail = issuer
        .console("GET", &format!("/v1/credentials/{credential}"), Value::Null)
        .await;
    assert_eq!(detail.body["credential"]["resident_id"], "r000001");
    let resident = issuer
        .console("GET", "/v1/residents/r000001", Value::Null)
        .await
        .body;
    assert_eq!(resident["offers"][0], accepted);
    assert_eq!(resident["credentials"][0]["id"], credential);
}

#[tokio::test]
async fn offer_is_locked_after_five_wrong_codes() {
    let issuer = TestIssuer::new().await;
    let offer = made(&issuer).await;
    let code = code(&issuer, &offer).await;
    for _ in 0..5 {
        issuer.token(&code, "x").await;
    }
    assert_eq!(state(&issuer, &offer).await, "locked");
}

#[tokio::test]
async fn offer_expires_open_or_taken() {
    let issuer = TestIssuer::new().await;
    let (open, taken) = (made(&issuer).await, made(&issuer).await);
    let code = code(&issuer, &taken).await;
    issuer
        .token(&code, taken["tx_code"].as_str().unwrap())
        .await;
    pass(600);
    assert_eq!(state(&issuer, &open).await, "expired");
    assert_eq!(state(&issuer, &taken).await, "expired");
}

#[tokio::test]
async fn handle_of_an_offer_opens_nothing() {
    let issuer = TestIssuer::new().await;
    let offer = made(&issuer).await;
    let handle = offer["id"].as_str().unwrap();
    assert!(
        !offer["credential_offer_uri"]
            .as_str()
            .unwrap()
            .contains(handle)
    );
    let as_wallet = issuer.get(&format!("/offers/{handle}")).await;
    assert_eq!(as_wallet.code(), "offer_not_open");
    assert_eq!(
        issuer
            .token(handle, offer["tx_code"].as_str().unwrap())
            .await
            .code(),
        "invalid_grant"
    );
    let shown = issuer
        .console("GET", &format!("/v1/offers/{handle}"), Value::Null)
        .await;
    for secret in ["credential_offer_uri", "tx_code", "code"] {
        assert_eq!(shown.body.get(secret), None, "shown once");
    }
    let unknown = issuer
        .console("GET", "/v1/offers/unknown", Value::Null)
        .await;
    assert_eq!(
        (unknown.status, unknown.code()),
        (StatusCode::NOT_FOUND, "not_found")
    );
}
