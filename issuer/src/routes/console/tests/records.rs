//! What the console shows besides residents, and what it writes down about who looked.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::issued;
use crate::testing::{TestIssuer, pass};

#[tokio::test]
async fn overview_counts_today_in_korea_and_the_days_without_anything() {
    let issuer = TestIssuer::new().await;
    issued(&issuer).await;
    issuer.offer().await;
    let overview = issuer
        .console("GET", "/v1/overview", Value::Null)
        .await
        .body;
    assert_eq!(
        (&overview["valid"], &overview["open_offers"]),
        (&json!(1), &json!(1))
    );
    let days = overview["days"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    // 1,795,000,000 is 2026-11-18 08:06:40 in UTC and the same day in Korea.
    assert_eq!(
        days[29],
        json!({ "day": "2026-11-18", "issued": 1, "revoked": 0, "suspended": 0 })
    );
    assert_eq!(days[0]["day"], "2026-10-20");
    assert_eq!(days[28]["issued"], 0);
    pass(7 * 3600);
    let tomorrow = issuer
        .console("GET", "/v1/overview", Value::Null)
        .await
        .body;
    assert_eq!(
        tomorrow["days"][29]["day"], "2026-11-19",
        "after midnight in Korea"
    );
    assert_eq!(tomorrow["days"][28]["issued"], 1);
}

#[tokio::test]
async fn agency_says_that_the_ledger_is_out_of_reach() {
    let issuer = TestIssuer::new().await;
    let agency = issuer.console("GET", "/v1/agency", Value::Null).await;
    assert_eq!(agency.status, StatusCode::OK);
    assert_eq!(agency.body["proof"], "unreachable");
    assert_eq!(agency.body["proof_problem"], "ledger_unreachable");
    assert_eq!(agency.body["checkpoint"], Value::Null);
    assert_eq!(agency.body["keys"], json!([]));
    assert_eq!(agency.body["network"], "dev");
}

#[tokio::test]
async fn credentials_are_narrowed_and_paged() {
    let issuer = TestIssuer::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(issued(&issuer).await);
    }
    ids.reverse();
    let listed = async |query: &str| {
        let answer = issuer
            .console("GET", &format!("/v1/credentials?{query}"), Value::Null)
            .await;
        let rows = answer.body["credentials"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| row["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(listed("").await, ids);
    assert_eq!(listed("limit=2").await, ids[..2]);
    assert_eq!(listed(&format!("before={}", ids[1])).await, ids[2..]);
    assert_eq!(
        listed("status=valid&configuration=resident-card&resident_id=r000001").await,
        ids
    );
    assert!(listed("status=revoked").await.is_empty());
    assert!(listed("resident_id=r000002").await.is_empty());
    assert!(listed("before=unknown").await.is_empty());
}

#[tokio::test]
async fn every_refusal_is_problem_details() {
    let issuer = TestIssuer::new().await;
    for (method, path, status, code) in [
        ("GET", "/v1/audit?before=x", 400, "malformed_request"),
        ("GET", "/v1/audit?limit=-1", 400, "malformed_request"),
        (
            "GET",
            "/v1/credentials?status=lost",
            400,
            "malformed_request",
        ),
        ("GET", "/v1/residents/%ff", 400, "malformed_request"),
        ("GET", "/v1/residents", 404, "not_found"),
        ("GET", "/v1/nothing/at/all", 404, "not_found"),
        ("GET", "/nothing", 404, "not_found"),
        ("PUT", "/v1/overview", 405, "method_not_allowed"),
        ("GET", "/v1/credentials/unknown", 404, "not_found"),
    ] {
        let answer = issuer.console(method, path, Value::Null).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (status, code),
            "{method} {path}"
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
    let large = json!({ "query": "x".repeat(20_000) });
    let answer = issuer.console("POST", "/v1/residents/search", large).await;
    assert_eq!(
        (answer.status.as_u16(), answer.code()),
        (413, "body_too_large")
    );
}

#[tokio::test]
async fn page_is_served_without_a_session() {
    let issuer = TestIssuer::new().await;
    let page = issuer.console_as("GET", "/", Value::Null, None).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/html")
    );
    let api = issuer
        .console_as("GET", "/openapi.json", Value::Null, None)
        .await
        .body;
    for path in [
        "/v1/session",
        "/v1/residents/search",
        "/v1/offers/{id}",
        "/v1/overview",
        "/v1/agency",
    ] {
        assert!(api["paths"][path].is_object(), "{path}");
    }
}

#[tokio::test]
async fn who_looked_at_whom_is_in_the_audit_and_words_are_not() {
    let issuer = TestIssuer::new().await;
    let search = json!({ "query": "홍길동" });
    issuer.console("POST", "/v1/residents/search", search).await;
    for _ in 0..3 {
        issuer
            .console("GET", "/v1/residents/r000001", Value::Null)
            .await;
    }
    issuer
        .console("GET", "/v1/residents/nobody", Value::Null)
        .await;
    let entries = issuer.app.store.audit_entries(None, 100).await.unwrap();
    let looks: Vec<_> = entries
        .iter()
        .rev()
        .map(|entry| {
            (
                entry.actor.as_str(),
                entry.action.as_str(),
                entry.subject.as_str(),
            )
        })
        .collect();
    assert_eq!(
        looks,
        [
            ("token", "resident.search", "register"),
            ("token", "resident.view", "r000001"),
        ],
        "one look, however often the page asks, and none at nobody"
    );
    let id = issued(&issuer).await;
    pass(60);
    issuer
        .console("GET", &format!("/v1/credentials/{id}"), Value::Null)
        .await;
    issuer
        .console("GET", "/v1/residents/r000001", Value::Null)
        .await;
    let entries = issuer.app.store.audit_entries(None, 2).await.unwrap();
    assert_eq!(
        entries[0].action, "resident.view",
        "a minute later it is another look"
    );
    assert_eq!(entries[1].action, "credential.view");
    assert_eq!(entries[1].detail, r#"{"residents":["r000001"]}"#);
    assert_eq!(
        issuer.app.store.verify_audit().await.unwrap().broken_at,
        None
    );
}
