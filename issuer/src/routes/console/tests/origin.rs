//! What other pages, and names that only lead here, may not do.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

use super::browser::{Browser, PASSWORD, issuer};
use crate::testing::{HOST, TestIssuer};

#[tokio::test]
async fn changes_from_another_page_are_refused() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    browser.sign_in("admin", PASSWORD).await;
    let search = json!({ "query": "" });
    let path = "/v1/residents/search";
    for origin in [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("http://127.0.0.1:7202"),
        Some("http://localhost:7201"),
    ] {
        browser.origin = origin.map(str::to_owned);
        let answer = browser.send(Method::POST, path, search.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::FORBIDDEN, "wrong_origin"),
            "{origin:?}"
        );
        let out = browser
            .send(Method::DELETE, "/v1/session", serde_json::Value::Null)
            .await;
        assert_eq!(out.code(), "wrong_origin");
    }
    browser.origin = Some(format!("http://{HOST}"));
    for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
        browser.kind = kind;
        let answer = browser.send(Method::POST, path, search.clone()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json")
        );
    }
    browser.kind = "application/json; charset=utf-8";
    assert_eq!(
        browser.send(Method::POST, path, search).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn sign_in_is_not_taken_from_another_page() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    browser.origin = Some("https://evil.example".to_owned());
    assert_eq!(
        browser.sign_in("admin", PASSWORD).await.code(),
        "wrong_origin"
    );
    browser.origin = Some(format!("http://{HOST}"));
    browser.kind = "text/plain";
    assert_eq!(browser.sign_in("admin", PASSWORD).await.code(), "not_json");
}

#[tokio::test]
async fn names_that_only_lead_here_are_refused() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    browser.sign_in("admin", PASSWORD).await;
    for host in [
        "evil.example",
        "evil.example:7201",
        "127.0.0.1.evil.example:7201",
        "10.0.0.1:7201",
        "127.0.0.1",
        "127.0.0.1:7200",
        "",
        "@",
    ] {
        browser.host = host;
        for path in ["/v1/overview", "/v1/session", "/", "/openapi.json"] {
            let answer = browser.get(path).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::FORBIDDEN, "wrong_host"),
                "{host} {path}"
            );
        }
    }
    for host in ["localhost:7201", "[::1]:7201", "127.0.0.9:7201"] {
        browser.host = host;
        assert_eq!(
            browser.get("/v1/overview").await.status,
            StatusCode::OK,
            "{host}"
        );
    }
}

#[tokio::test]
async fn nothing_is_taken_through_a_proxy_not_even_the_right_token() {
    let issuer = TestIssuer::new().await;
    let token = issuer.app.console_token.reveal();
    for header in [
        "forwarded",
        "via",
        "x-real-ip",
        "x-forwarded-for",
        "x-forwarded-proto",
    ] {
        for path in ["/v1/overview", "/v1/session", "/", "/healthz"] {
            let request = Request::get(path)
                .header("host", HOST)
                .header("authorization", format!("Bearer {token}"))
                .header(header, "127.0.0.1");
            let request = request.body(Body::empty()).unwrap();
            let answer = issuer.ask_console(request).await;
            assert_eq!(
                (answer.status, answer.code()),
                (StatusCode::FORBIDDEN, "proxied"),
                "{header} {path}"
            );
        }
    }
}
