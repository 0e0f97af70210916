//! Signing in and out.

use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};

use super::browser::{Browser, PASSWORD, issuer};
use crate::console::put_account;
use crate::testing::{TestIssuer, pass};

pub async fn actions(issuer: &TestIssuer) -> Vec<(String, String, String)> {
    let entries = issuer.app.store.audit_entries(None, 100).await.unwrap();
    let mut actions: Vec<_> = entries
        .into_iter()
        .map(|entry| (entry.actor, entry.action, entry.subject))
        .collect();
    actions.reverse();
    actions
}

#[tokio::test]
async fn console_without_an_account_says_so() {
    let issuer = TestIssuer::new().await;
    let mut browser = Browser::new(&issuer);
    let asked = browser.get("/v1/session").await;
    assert_eq!(
        (asked.status, asked.code()),
        (StatusCode::UNAUTHORIZED, "no_account")
    );
    assert_eq!(
        browser.sign_in("admin", PASSWORD).await.code(),
        "no_account"
    );
}

#[tokio::test]
async fn session_lasts_until_it_is_signed_out() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    assert_eq!(browser.get("/v1/overview").await.code(), "unauthorized");
    let signed_in = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(signed_in.status, StatusCode::OK, "{signed_in:?}");
    assert_eq!(signed_in.body["account"], "admin");
    let cookie = signed_in.headers[header::SET_COOKIE].to_str().unwrap();
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert_eq!(browser.get("/v1/session").await.body, signed_in.body);
    assert_eq!(browser.get("/v1/overview").await.status, StatusCode::OK);
    let out = browser
        .send(Method::DELETE, "/v1/session", Value::Null)
        .await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(
        out.headers[header::SET_COOKIE]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    assert_eq!(
        browser.get("/v1/overview").await.code(),
        "unauthorized",
        "the cookie is worthless"
    );
    let actions = actions(&issuer).await;
    let names: Vec<&str> = actions
        .iter()
        .map(|(_, action, _)| action.as_str())
        .collect();
    assert_eq!(
        names,
        ["account.set", "session.sign-in", "session.sign-out"]
    );
}

#[tokio::test]
async fn session_ends_when_idle_for_fifteen_minutes() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    browser.sign_in("admin", PASSWORD).await;
    for _ in 0..3 {
        pass(14 * 60);
        assert_eq!(browser.get("/v1/overview").await.status, StatusCode::OK);
    }
    pass(14 * 60);
    assert_eq!(browser.get("/v1/session").await.status, StatusCode::OK);
    pass(60);
    let ended = browser.get("/v1/session").await;
    assert_eq!(
        ended.code(),
        "unauthorized",
        "asking for the session doesn't use it"
    );
    assert_eq!(browser.get("/v1/overview").await.code(), "unauthorized");
}

#[tokio::test]
async fn session_ends_after_eight_hours_of_use() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    browser.sign_in("admin", PASSWORD).await;
    for _ in 0..47 {
        pass(600);
        assert_eq!(browser.get("/v1/overview").await.status, StatusCode::OK);
    }
    pass(600);
    assert_eq!(browser.get("/v1/overview").await.code(), "unauthorized");
    issuer.app.forget_ended_sessions().await.unwrap();
}

#[tokio::test]
async fn new_sign_in_ends_the_browsers_old_session() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    browser.sign_in("admin", PASSWORD).await;
    let old = browser.cookie.clone();
    browser.sign_in("admin", PASSWORD).await;
    assert_ne!(browser.cookie, old);
    assert_eq!(browser.get("/v1/overview").await.status, StatusCode::OK);
    browser.cookie = old;
    assert_eq!(browser.get("/v1/overview").await.code(), "unauthorized");
}

#[tokio::test]
async fn new_password_ends_all_sessions() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    browser.sign_in("admin", PASSWORD).await;
    let app = &issuer.app;
    put_account(&app.store, "admin", "another horse battery", app.now())
        .await
        .unwrap();
    assert_eq!(browser.get("/v1/overview").await.code(), "unauthorized");
    assert_eq!(
        browser.sign_in("admin", PASSWORD).await.code(),
        "wrong_credentials"
    );
    let answer = browser.sign_in("admin", "another horse battery").await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn account_names_and_passwords_have_a_form() {
    let issuer = issuer().await;
    let app = &issuer.app;
    for name in [
        "",
        "Admin",
        "관리자",
        "token",
        "wallet",
        "a b",
        &"a".repeat(33),
    ] {
        assert!(
            put_account(&app.store, name, PASSWORD, app.now())
                .await
                .is_err(),
            "{name}"
        );
    }
    assert!(
        put_account(&app.store, "admin", "short", app.now())
            .await
            .is_err()
    );
    let mut browser = Browser::new(&issuer);
    let malformed = browser
        .send(Method::POST, "/v1/session", json!({ "account": "admin" }))
        .await;
    assert_eq!(malformed.code(), "malformed_json");
    assert_eq!(
        browser.sign_in("admin", &"x".repeat(8000)).await.code(),
        "wrong_credentials"
    );
}
