//! Whoever sees personal data is in the audit, with whom they saw.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::issued;
use crate::audit::Entry;
use crate::register::synthetic_register;
use crate::store::Store;
use crate::testing::{Answer, TestIssuer, card_request, keys, pass};

/// What a route of the console gives away.
enum Gives {
    /// Personal data, or something of it: the request to try, and the entry that it leaves about the resident `r000001`.
    Personal(Wish, &'static str),
    /// Nothing about anybody, and why.
    Nothing(&'static str),
}
use Gives::{Nothing, Personal};

/// A request; `{credential}` and `{offer}` stand for the resident's own.
struct Wish(&'static str, &'static str, Option<Value>);

fn get(path: &'static str) -> Wish {
    Wish("GET", path, None)
}

fn post(path: &'static str, body: Value) -> Wish {
    Wish("POST", path, Some(body))
}

/// Every route of the console: a new one doesn't pass until it stands here.
fn routes() -> Vec<(&'static str, Gives)> {
    let reason = json!({ "reason": "x" });
    let offer = json!({ "resident_id": "r000001", "credential_configuration_id": "resident-card" });
    vec![
        (
            "POST /v1/residents/search",
            Personal(
                post("/v1/residents/search", json!({ "query": "r000001" })),
                "resident.search",
            ),
        ),
        (
            "GET /v1/residents/{id}",
            Personal(get("/v1/residents/r000001"), "resident.view"),
        ),
        (
            "GET /v1/credentials",
            Personal(
                get("/v1/credentials?resident_id=r000001"),
                "credential.list",
            ),
        ),
        (
            "GET /v1/credentials/{id}",
            Personal(get("/v1/credentials/{credential}"), "credential.view"),
        ),
        (
            "POST /v1/credentials/{id}/{change}",
            Personal(
                post("/v1/credentials/{credential}/reinstate", reason),
                "credential.view",
            ),
        ),
        (
            "POST /v1/offers",
            Personal(post("/v1/offers", offer), "offer.create"),
        ),
        (
            "GET /v1/offers/{id}",
            Personal(get("/v1/offers/{offer}"), "offer.view"),
        ),
        ("GET /v1/audit", Personal(get("/v1/audit"), "audit.list")),
        (
            "GET /v1/audit/verify",
            Nothing("how many entries hold together"),
        ),
        ("GET /v1/overview", Nothing("counts of everybody")),
        ("GET /v1/agency", Nothing("the agency itself")),
        ("GET /metrics", Nothing("counts of requests")),
        ("POST /v1/session", Nothing("who asks, and has an entry")),
        ("GET /v1/session", Nothing("who asks")),
        ("DELETE /v1/session", Nothing("who asks, and has an entry")),
    ]
}

async fn ask(issuer: &TestIssuer, wish: &Wish, credential: &str, offer: &str) -> Answer {
    let path = wish.1.replace("{credential}", credential);
    let path = path.replace("{offer}", offer);
    let body = wish.2.clone().unwrap_or_default();
    issuer.console(wish.0, &path, body).await
}

async fn trail(issuer: &TestIssuer) -> Vec<Entry> {
    let mut entries = issuer.app.store.audit_entries(None, 5000).await.unwrap();
    entries.reverse();
    entries
}

/// The residents that an entry names.
fn residents(entry: &Entry) -> BTreeSet<String> {
    let detail: Value = serde_json::from_str(&entry.detail).unwrap();
    let listed = detail["residents"].as_array().cloned().unwrap_or_default();
    listed
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

fn set(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

/// Issues a card to each of these residents.
async fn cards(issuer: &TestIssuer, ids: &[&str]) {
    for id in ids {
        let (code, tx_code) = issuer.offer_to(id).await;
        let token = issuer.token(&code, &tx_code).await;
        let token = token.body["access_token"].as_str().unwrap().to_owned();
        let request = card_request(&issuer.nonce().await, &keys(1));
        let answer = issuer.credential(&token, &request).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    }
}

/// Residents who can have a card.
async fn adults(issuer: &TestIssuer, count: usize) -> Vec<String> {
    let all = issuer.app.store.find_residents("", 500).await.unwrap();
    let adults = all.into_iter().filter(|one| {
        let born = one.number.birth_date().to_string();
        one.address().is_some() && born.as_str() < "2000"
    });
    adults.map(|one| one.id).take(count).collect()
}

#[tokio::test]
async fn every_route_of_the_console_is_known_for_what_it_gives_away() {
    let issuer = TestIssuer::new().await;
    let api = issuer.console_as("GET", "/openapi.json", Value::Null, None);
    let api = api.await.body;
    let mut served = BTreeSet::new();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            served.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let known = routes();
    let known: BTreeSet<String> = known.iter().map(|(route, _)| (*route).to_owned()).collect();
    assert_eq!(
        served, known,
        "add the new route here, and record its looks"
    );
}

#[tokio::test]
async fn every_route_with_personal_data_records_the_look() {
    let issuer = TestIssuer::new().await;
    let credential = issued(&issuer).await;
    let offers = issuer.app.store.offers("r000001", 1, issuer.app.now());
    let offer = offers.await.unwrap().remove(0).id;
    for (route, gives) in routes() {
        let before = trail(&issuer).await.len();
        pass(60);
        let (wish, action) = match gives {
            Personal(wish, action) => (wish, action),
            Nothing(why) => {
                assert!(!why.is_empty());
                continue;
            }
        };
        let answer = ask(&issuer, &wish, &credential, &offer).await;
        assert!(answer.status.as_u16() < 500, "{route}: {answer:?}");
        let entries = trail(&issuer).await;
        assert_eq!(entries.len(), before + 1, "{route}");
        let entry = &entries[before];
        assert_eq!(
            (entry.actor.as_str(), entry.action.as_str()),
            ("token", action),
            "{route}"
        );
        let named = entry.subject == "r000001" || residents(entry).contains("r000001");
        assert!(named || action == "audit.list", "{route}: {entry:?}");
    }
}

#[tokio::test]
async fn list_narrowed_to_one_resident_is_a_look_at_that_one() {
    let issuer = TestIssuer::new().await;
    issued(&issuer).await;
    let before = trail(&issuer).await.len();
    for path in [
        "/v1/credentials?resident_id=r000001",
        "/v1/credentials?resident_id=r000001&status=revoked",
        "/v1/credentials?resident_id=r000002",
        "/v1/credentials?resident_id=r000002&configuration=household-register",
    ] {
        issuer.console("GET", path, Value::Null).await;
    }
    let entries = &trail(&issuer).await[before..];
    let subjects: Vec<_> = entries.iter().map(|entry| entry.subject.as_str()).collect();
    assert_eq!(
        subjects,
        ["r000001", "r000001", "r000002", "r000002"],
        "each within a minute, an empty one too"
    );
    assert!(entries[1].detail.contains(r#""status":"revoked""#));
    let unknown = "/v1/credentials?resident_id=%ED%99%8D%EA%B8%B8%EB%8F%99";
    issuer.console("GET", unknown, Value::Null).await;
    let entry = trail(&issuer).await.pop().unwrap();
    assert_eq!(entry.subject, "credentials");
    assert!(!entry.detail.contains("홍길동"), "it may be a name");
}

#[tokio::test]
async fn every_page_of_a_list_is_recorded_with_whom_it_shows() {
    let issuer = TestIssuer::new().await;
    let ids = adults(&issuer, 5).await;
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    cards(&issuer, &ids).await;
    let before = trail(&issuer).await.len();
    let mut path = "/v1/credentials?limit=2".to_owned();
    loop {
        let page = issuer.console("GET", &path, Value::Null).await.body;
        let page = page["credentials"].as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        path = format!(
            "/v1/credentials?limit=2&before={}",
            last["id"].as_str().unwrap()
        );
    }
    let entries = &trail(&issuer).await[before..];
    let pages: Vec<_> = entries.iter().map(residents).collect();
    assert_eq!(
        pages,
        [
            set(&[ids[4], ids[3]]),
            set(&[ids[2], ids[1]]),
            set(&[ids[0]]),
            set(&[]),
        ]
    );
    assert_eq!(entries[2].subject, ids[0]);
}

#[tokio::test]
async fn search_is_recorded_with_whom_it_found_and_not_with_its_words() {
    let issuer = TestIssuer::new().await;
    let before = trail(&issuer).await.len();
    let all = issuer.app.store.find_residents("", 100).await.unwrap();
    let first = &all[0];
    for query in [
        "",
        &first.name.hangul,
        &first.number.as_str()[..8],
        "없는이",
    ] {
        let search = json!({ "query": query, "limit": 50 });
        let found = issuer.console("POST", "/v1/residents/search", search).await;
        let shown = found.body["residents"].as_array().unwrap().clone();
        let shown: BTreeSet<_> = shown
            .iter()
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect();
        let entry = trail(&issuer).await.pop().unwrap();
        assert_eq!(entry.action, "resident.search");
        assert_eq!(residents(&entry), shown, "{query}");
        let said = format!("{}{}", entry.subject, entry.detail);
        assert!(query.is_empty() || !said.contains(query), "{said}");
    }
    assert_eq!(trail(&issuer).await.len(), before + 4);
}

#[tokio::test]
async fn opening_a_resident_is_a_look_at_the_household_too() {
    let issuer = TestIssuer::new().await;
    let opened = issuer.console("GET", "/v1/residents/r000001", Value::Null);
    let members = opened.await.body["members"].as_array().unwrap().len();
    assert!(members > 1);
    let entry = trail(&issuer).await.pop().unwrap();
    assert_eq!(residents(&entry).len(), members);
}

#[tokio::test]
async fn refused_offer_tells_an_age_and_is_recorded() {
    let issuer = TestIssuer::new().await;
    let all = issuer.app.store.find_residents("", 500).await.unwrap();
    let child = all
        .iter()
        .find(|one| one.number.birth_date().to_string().as_str() > "2015")
        .unwrap();
    let wish = json!({ "resident_id": child.id, "credential_configuration_id": "resident-card" });
    let refused = issuer.console("POST", "/v1/offers", wish).await;
    assert_eq!(refused.code(), "resident_too_young");
    let entry = trail(&issuer).await.pop().unwrap();
    assert_eq!(
        (entry.action.as_str(), entry.subject.as_str()),
        ("offer.refused", child.id.as_str())
    );
}

#[tokio::test]
async fn lists_are_bounded_and_say_so() {
    let issuer = TestIssuer::new().await;
    let search = json!({ "query": "", "limit": 51 });
    let answers = [
        issuer.console("POST", "/v1/residents/search", search).await,
        issuer
            .console("GET", "/v1/credentials?limit=101", Value::Null)
            .await,
        issuer
            .console("GET", "/v1/audit?limit=501", Value::Null)
            .await,
    ];
    for answer in answers {
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::BAD_REQUEST, "limit_too_large")
        );
    }
    let all = issuer
        .console("POST", "/v1/residents/search", json!({ "query": "" }))
        .await
        .body;
    assert_eq!(all["residents"].as_array().unwrap().len(), 20);
    assert_eq!(all["more"], true);
}

/// An issuer whose register has more residents than anybody may look at within an hour.
async fn large_issuer() -> TestIssuer {
    let issuer = TestIssuer::new().await;
    let mut register = synthetic_register(2, 1100);
    for household in &mut register.households {
        household.id = format!("x{}", household.id);
    }
    for (at, resident) in register.residents.iter_mut().enumerate() {
        resident.id = format!("x{at:04}");
        resident.household = format!("x{}", resident.household);
    }
    let store: &Store = &issuer.app.store;
    store.add_register(&register, &[]).await.unwrap();
    issuer
}

#[tokio::test]
async fn reading_the_register_is_flagged_and_then_refused() {
    let issuer = large_issuer().await;
    let mut refused = None;
    for tens in 0..110 {
        let search = json!({ "query": format!("x{tens:03}"), "limit": 50 });
        let answer = issuer.console("POST", "/v1/residents/search", search).await;
        if answer.status != StatusCode::OK {
            refused = Some((tens, answer));
            break;
        }
        assert_eq!(answer.body["residents"].as_array().unwrap().len(), 10);
        pass(10);
    }
    let (tens, answer) = refused.unwrap();
    assert_eq!(tens, 100, "a thousand residents");
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::TOO_MANY_REQUESTS, "too_many_residents")
    );
    assert_eq!(answer.body.get("residents"), None);
    let wait: u64 = answer.headers["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(wait, 3600 - 1000);
    let alerts = |entries: &[Entry]| -> Vec<String> {
        let alerts = entries.iter().map(|entry| entry.action.clone());
        alerts
            .filter(|action| action.starts_with("alert."))
            .collect()
    };
    let found = alerts(&trail(&issuer).await);
    assert_eq!(found, ["alert.many-looks", "alert.looks-refused"]);
    let overview = issuer.console("GET", "/v1/overview", Value::Null).await;
    assert_eq!(overview.body["alerts"], 2);
    let seen = json!({ "query": "x0000", "limit": 50 });
    let again = issuer.console("POST", "/v1/residents/search", seen).await;
    assert_eq!(
        again.status,
        StatusCode::OK,
        "who was seen may be seen again"
    );
    pass(wait + 10);
    let search = json!({ "query": "x100", "limit": 50 });
    let later = issuer.console("POST", "/v1/residents/search", search).await;
    assert_eq!(later.status, StatusCode::OK, "{later:?}");
}
