//! What the staff can do, with the console's token.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::issued;
use crate::testing::TestIssuer;

#[tokio::test]
async fn console_is_closed_without_its_token() {
    let issuer = TestIssuer::new().await;
    let search = json!({ "query": "" });
    for token in [None, Some("wrong")] {
        let answer = issuer
            .console_as("POST", "/v1/residents/search", search.clone(), token)
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "unauthorized")
        );
    }
    assert_eq!(
        issuer.get("/v1/overview").await.status,
        StatusCode::NOT_FOUND,
        "the public listener has no console"
    );
}

#[tokio::test]
async fn console_finds_residents_by_name_and_number() {
    let issuer = TestIssuer::new().await;
    let search = async |wish: Value| issuer.console("POST", "/v1/residents/search", wish).await;
    let all = search(json!({ "limit": 50 })).await.body;
    assert_eq!(all["residents"].as_array().unwrap().len(), 50);
    let found = search(json!({ "query": all["residents"][0]["name"] })).await;
    assert_eq!(found.body["residents"][0]["id"], "r000001");
    let detail = issuer
        .console("GET", "/v1/residents/r000001", Value::Null)
        .await
        .body;
    assert_eq!(detail["eligible"][0], "resident-card");
    let missing = issuer
        .console("GET", "/v1/residents/nobody", Value::Null)
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    let answer = search(json!({ "query": "x".repeat(61) })).await;
    assert_eq!(answer.code(), "query_too_long");
}

#[tokio::test]
async fn offer_for_nobody_or_nothing_is_refused() {
    let issuer = TestIssuer::new().await;
    for (resident, configuration, code) in [
        ("nobody", "resident-card", "not_found"),
        ("r000001", "passport", "unknown_credential_configuration"),
    ] {
        let wish = json!({ "resident_id": resident, "credential_configuration_id": configuration });
        assert_eq!(
            issuer.console("POST", "/v1/offers", wish).await.code(),
            code
        );
    }
    let answer = issuer.console("POST", "/v1/offers", json!([1])).await;
    assert_eq!(answer.code(), "malformed_json");
}

#[tokio::test]
async fn status_change_without_a_ledger_stays_pending_and_says_why() {
    let issuer = TestIssuer::new().await;
    let id = issued(&issuer).await;
    tokio::spawn(std::sync::Arc::clone(&issuer.app.publisher).run());
    let reason = json!({ "reason": "분실 신고" });
    let path = format!("/v1/credentials/{id}/suspend");
    let answer = issuer.console("POST", &path, reason.clone()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{answer:?}");
    assert_eq!(answer.body["status"], "valid");
    assert_eq!(answer.body["pending"], "suspended");
    assert!(
        answer.body["pending_reason"]
            .as_str()
            .unwrap()
            .contains("ledger")
    );
    let again = issuer.console("POST", &path, reason.clone()).await;
    assert_eq!(
        (again.status, again.code()),
        (StatusCode::CONFLICT, "status_change_not_allowed")
    );
    let revoke = issuer
        .console(
            "POST",
            &format!("/v1/credentials/{id}/revoke"),
            reason.clone(),
        )
        .await;
    assert_eq!(revoke.body["pending"], "revoked");
    for change in ["suspend", "reinstate", "revoke"] {
        let path = format!("/v1/credentials/{id}/{change}");
        let answer = issuer.console("POST", &path, reason.clone()).await;
        assert_eq!(
            answer.code(),
            "status_change_not_allowed",
            "revoked is final"
        );
    }
    let shown = issuer
        .console("GET", &format!("/v1/credentials/{id}"), Value::Null)
        .await;
    assert_eq!(
        shown.body["credential"]["status"], "valid",
        "the ledger has not finalized anything"
    );
}

#[tokio::test]
async fn status_change_needs_a_reason_and_a_credential() {
    let issuer = TestIssuer::new().await;
    let id = issued(&issuer).await;
    for reason in ["", "  ", &"가".repeat(501)] {
        let path = format!("/v1/credentials/{id}/suspend");
        let answer = issuer
            .console("POST", &path, json!({ "reason": reason }))
            .await;
        assert_eq!(answer.code(), "bad_reason");
    }
    let reason = json!({ "reason": "x" });
    for path in [
        "/v1/credentials/nothing/suspend",
        &format!("/v1/credentials/{id}/delete"),
    ] {
        let answer = issuer.console("POST", path, reason.clone()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn audit_names_no_person_and_repeats_no_reason() {
    let issuer = TestIssuer::new().await;
    let id = issued(&issuer).await;
    tokio::spawn(std::sync::Arc::clone(&issuer.app.publisher).run());
    let reason = json!({ "reason": "홍길동 사망" });
    issuer
        .console("POST", &format!("/v1/credentials/{id}/revoke"), reason)
        .await;
    let audit = issuer
        .console("GET", "/v1/audit", Value::Null)
        .await
        .body
        .to_string();
    assert!(audit.contains("credential.revoke") && audit.contains("credential.issue"));
    let subject = issuer
        .app
        .store
        .subject("r000001")
        .await
        .unwrap()
        .unwrap()
        .resident;
    for personal in ["홍길동", &subject.name.hangul, subject.number.as_str()] {
        assert!(!audit.contains(personal));
    }
}
