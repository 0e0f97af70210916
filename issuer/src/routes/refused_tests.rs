//! What a refused request costs: nothing that lasts, and a few of them end the token.

use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::indexes::most_used;
use crate::testing::{TestIssuer, card_request, keys, pass};

/// Everything that wallets ever took from the first list.
async fn used(issuer: &TestIssuer) -> u64 {
    issuer.app.store.lists().await.unwrap()[0].used
}

fn with(request: &Value, name: &str, value: Value) -> Value {
    let mut request = request.clone();
    request[name] = value;
    request
}

#[tokio::test]
async fn each_defect_of_a_credential_request_has_its_own_error() {
    let issuer = TestIssuer::new().await;
    let good = card_request(&issuer.nonce().await, &keys(1));
    let with = |name: &str, value: Value| with(&good, name, value);
    let proof = good["proofs"]["jwt"][0].clone();
    for (request, status, error) in [
        (json!([]), 400, "invalid_credential_request"),
        (
            with("credential_configuration_id", json!("x")),
            400,
            "unknown_credential_configuration",
        ),
        (
            with("credential_configuration_id", json!(1)),
            400,
            "invalid_credential_request",
        ),
        (
            with("credential_identifier", json!("x")),
            400,
            "invalid_credential_request",
        ),
        (with("proofs", Value::Null), 400, "invalid_proof"),
        (with("proofs", json!({})), 400, "invalid_proof"),
        (with("proofs", json!({ "jwt": [] })), 400, "invalid_proof"),
        (with("proofs", json!({ "jwt": [1] })), 400, "invalid_proof"),
        (
            with("proofs", json!({ "jwt": [proof], "di_vp": [] })),
            400,
            "invalid_proof",
        ),
        (
            with("proofs", json!({ "jwt": vec![proof.clone(); 11] })),
            400,
            "invalid_proof",
        ),
        (
            with("proofs", json!({ "jwt": [proof, proof] })),
            400,
            "invalid_proof",
        ),
        (
            with("credential_response_encryption", json!({})),
            400,
            "invalid_encryption_parameters",
        ),
        (
            with("credential_configuration_id", json!("household-register")),
            403,
            "insufficient_scope",
        ),
    ] {
        let token = issuer.access_token().await;
        let answer = issuer.credential(&token, &request).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, error),
            "{request}"
        );
        assert_eq!(used(&issuer).await, 0);
    }
}

#[tokio::test]
async fn token_outlives_four_refusals_and_ends_with_the_fifth() {
    let issuer = TestIssuer::new().await;
    let (token, ended) = (issuer.access_token().await, issuer.access_token().await);
    let good = card_request(&issuer.nonce().await, &keys(1));
    let wrong = with(&good, "proofs", json!({}));
    for _ in 0..4 {
        for token in [&token, &ended] {
            assert_eq!(
                issuer.credential(token, &wrong).await.code(),
                "invalid_proof"
            );
        }
    }
    let last = issuer.credential(&ended, &wrong).await;
    assert_eq!(last.code(), "invalid_proof");
    let told = last.body["error_description"].as_str().unwrap();
    assert!(told.ends_with("ask for a new offer"), "{told}");
    let after = issuer.credential(&ended, &good).await;
    assert_eq!(
        (after.status, after.code()),
        (StatusCode::UNAUTHORIZED, "invalid_token")
    );
    assert_eq!(
        issuer.credential(&token, &good).await.status,
        StatusCode::OK
    );
    let audit = issuer.app.store.audit_entries(None, 100).await.unwrap();
    let dead: Vec<_> = audit
        .iter()
        .filter(|one| one.action == "offer.dead")
        .collect();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].subject, "r000001");
    let resident = issuer.console("GET", "/v1/residents/r000001", Value::Null);
    assert_eq!(resident.await.body["offers"][0]["state"], "locked");
}

/// The list has room for one batch of ten. On a list that a refused request takes from, the other citizen finds none.
#[tokio::test]
async fn one_citizen_cannot_move_everybody_to_the_next_list() {
    let issuer = TestIssuer::new().await;
    issuer.app.store.set_used(1, most_used() - 10).await;
    let (spent, held) = (issuer.nonce().await, keys(10));
    let before = issuer.access_token().await;
    let own = card_request(&spent, &keys(10));
    assert_eq!(
        issuer.credential(&before, &own).await.status,
        StatusCode::OK
    );
    issuer.app.store.set_used(1, most_used() - 10).await;
    let again = card_request(&spent, &held);
    for _ in 0..40 {
        let token = issuer.access_token().await;
        for _ in 0..5 {
            let refused = issuer.credential(&token, &again).await;
            assert_eq!(refused.code(), "invalid_nonce");
        }
        let ended = issuer.credential(&token, &again).await;
        assert_eq!(ended.code(), "invalid_token");
    }
    assert_eq!(used(&issuer).await, most_used() - 10);
    let other = issuer.access_token().await;
    let request = card_request(&issuer.nonce().await, &keys(10));
    let answer = issuer.credential(&other, &request).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
}

#[tokio::test]
async fn requests_at_once_with_one_token_take_one_batch() {
    let issuer = TestIssuer::new().await;
    let token = issuer.access_token().await;
    let requests: Vec<Value> = {
        let mut requests = Vec::new();
        for _ in 0..6 {
            requests.push(card_request(&issuer.nonce().await, &keys(2)));
        }
        requests
    };
    let ask = |at: usize| issuer.credential(&token, &requests[at]);
    let answers = tokio::join!(ask(0), ask(1), ask(2), ask(3), ask(4), ask(5));
    let answers: [_; 6] = answers.into();
    let issued = answers.iter().filter(|one| one.status == StatusCode::OK);
    assert_eq!(issued.count(), 1);
    assert_eq!(used(&issuer).await, 2);
}

#[tokio::test]
async fn many_refusals_are_counted_and_one_entry_of_the_audit() {
    let issuer = TestIssuer::new().await;
    for n in 0..150 {
        let answer = issuer.token(&format!("guess-{n}"), "000000").await;
        assert_eq!(answer.code(), "invalid_grant");
    }
    let entries = issuer.app.store.audit_entries(None, 100).await.unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        (entries[0].action.as_str(), entries[0].subject.as_str()),
        ("alert.many-refused", "/token")
    );
    assert!(entries[0].detail.contains(r#""invalid_grant":100"#));
    let metrics = issuer.console("GET", "/metrics", Value::Null).await;
    let text = metrics.body.as_str().unwrap();
    let counted = r#"jumin_issuer_refused_total{route="/token",code="invalid_grant"} 150"#;
    assert!(text.contains(counted), "{text}");
    assert!(!text.contains("guess"), "no label comes from a request");
    pass(3600);
    for _ in 0..100 {
        issuer.token("guess", "000000").await;
    }
    let entries = issuer.app.store.audit_entries(None, 100).await.unwrap();
    assert_eq!(entries.len(), 2, "another hour has its own");
}

#[tokio::test]
async fn metrics_are_on_the_consoles_listener_and_for_its_users_only() {
    let issuer = TestIssuer::new().await;
    let open = issuer.get("/metrics").await;
    assert_eq!(open.status, StatusCode::NOT_FOUND);
    let nobody = issuer.console_as("GET", "/metrics", Value::Null, None);
    assert_eq!(nobody.await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn request_for_another_configuration_costs_no_try_of_the_transaction_code() {
    let issuer = TestIssuer::new().await;
    let (code, tx_code) = issuer.offer().await;
    let details = json!([{ "type": "openid_credential", "credential_configuration_id": "household-register" }]);
    let encoded: String =
        url::form_urlencoded::byte_serialize(details.to_string().as_bytes()).collect();
    let more = format!("&authorization_details={encoded}");
    for _ in 0..6 {
        let refused = issuer.token_with(&code, "wrong", &more).await;
        assert_eq!(refused.code(), "invalid_authorization_details");
    }
    assert_eq!(issuer.token(&code, &tx_code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn nothing_is_issued_before_the_ledger_was_asked_about_the_issuer() {
    let issuer = TestIssuer::new().await;
    let token = issuer.access_token().await;
    let request = card_request(&issuer.nonce().await, &keys(1));
    let vouched_from = &issuer.app.issuer.vouched_from;
    let known = vouched_from.swap(0, Ordering::Relaxed);
    let answer = issuer.credential(&token, &request).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(used(&issuer).await, 0);

    vouched_from.store(known, Ordering::Relaxed);
    let answer = issuer.credential(&token, &request).await;
    assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
}
