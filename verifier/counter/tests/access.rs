//! Who is let in at the desk: nobody for where they come from, and nobody for what a wallet is told.

#[path = "stage/served.rs"]
mod served;
mod stage;

use std::collections::BTreeSet;

use jumin_http::{Response, Url};
use serde_json::{Value, json};
use served::{MAX, Served, wallets_name};

fn code(answer: &Response) -> (u16, String) {
    let body: Value = answer.json().unwrap_or_default();
    (
        answer.status,
        body["code"].as_str().unwrap_or_default().to_owned(),
    )
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// The counter's routes: those of the desk, and those of wallets.
async fn paths(served: &Served) -> (Vec<String>, Vec<String>) {
    let api: Value = served.get("/openapi.json").await.json().unwrap();
    let paths = api["paths"].as_object().unwrap().keys().cloned();
    let (desk, wallets): (Vec<_>, Vec<_>) = paths.partition(|path| path.starts_with("/v1/"));
    assert!(
        desk.len() >= 9 && wallets.len() == 4,
        "{desk:?} {wallets:?}"
    );
    (desk, wallets)
}

#[tokio::test]
async fn the_two_listeners_have_no_route_in_common() {
    let served = Served::new().await;
    let (desk, wallets) = paths(&served).await;
    let pages = ["/", "/openapi.json", "/icon.svg"].map(str::to_owned);
    for path in desk.iter().chain(&pages) {
        let url = served.at_wallets(&path.replace("{id}", "x"));
        let headers = [("authorization", served.token.as_str())];
        let got = served.http.get_with(&url, &headers, MAX).await.unwrap();
        assert_eq!(got.status, 404, "{path}");
        let posted = served.http.post_json(&url, &json!({}), &headers, MAX).await;
        assert_eq!(posted.unwrap().status, 404, "{path}");
    }
    for path in &wallets {
        let path = path.replace("{id}", "x");
        assert_eq!(served.get(&path).await.status, 404, "{path}");
        assert_ne!(served.post(&path, &json!({})).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn coming_from_this_machine_opens_nothing_without_a_secret() {
    let served = Served::new().await;
    for path in paths(&served).await.0 {
        let url = served.url(&path.replace("{id}", "x"));
        let wrong = [("authorization", "Bearer nobody-knows-this-one")];
        for headers in [&[][..], &wrong] {
            let got = served.http.get_with(&url, headers, MAX).await.unwrap();
            let posted = served.http.post_json(&url, &json!({}), headers, MAX).await;
            for answer in [got, posted.unwrap()] {
                let other_method = answer.status == 405;
                let not_json = path == "/v1/session" && answer.status >= 400;
                let out = code(&answer) == refused(401, "unauthorized");
                assert!(out || other_method || not_json, "{path} {}", answer.status);
            }
        }
    }
    let body = json!({"service": "address", "mode": "online"});
    let url = served.url("/v1/requests");
    let stranger = served.http.post_json(&url, &body, &[], MAX).await.unwrap();
    assert_eq!(code(&stranger), refused(401, "unauthorized"));
}

#[tokio::test]
async fn the_right_token_is_refused_through_a_proxy_and_under_another_name() {
    let served = Served::new().await;
    for header in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "via",
    ] {
        for path in ["/v1/status", "/", "/openapi.json"] {
            let answer = served.get_with(path, &[(header, "127.0.0.1")]).await;
            assert_eq!(code(&answer), refused(403, "proxied"), "{header} {path}");
        }
    }
    let port = served.url("/").port().unwrap();
    let foreign = ["evil.example".to_owned(), format!("evil.example:{port}")];
    let other_port = ["localhost".to_owned(), "127.0.0.1:1".to_owned()];
    for host in foreign.iter().chain(&other_port) {
        for path in ["/v1/status", "/", "/icon.svg"] {
            let answer = served.get_with(path, &[("host", host)]).await;
            assert_eq!(code(&answer), refused(403, "wrong_host"), "{host} {path}");
        }
    }
    let own = format!("localhost:{port}");
    assert_eq!(
        served
            .get_with("/v1/status", &[("host", &own)])
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn pages_from_elsewhere_cannot_use_the_desks_routes() {
    let served = Served::new().await;
    let from = async |origin: &str| {
        let answer = served.get_with("/v1/status", &[("origin", origin)]).await;
        code(&answer)
    };
    // The last two: a page that another program on this machine serves.
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:1",
        "http://localhost",
    ] {
        assert_eq!(from(origin).await, refused(403, "wrong_origin"), "{origin}");
    }
    let own = served.url("").origin().ascii_serialization();
    assert_eq!(from(&own).await.0, 200);
}

#[tokio::test]
async fn a_link_signs_one_browser_in_once_and_its_cookie_opens_the_desk() {
    let served = Served::new().await;
    let own = served.url("").origin().ascii_serialization();
    let link = served.desk.store().new_sign_in(stage::now()).await.unwrap();
    let body = json!({"code": link.as_str()});
    let sign_in = async |origin: &str| {
        let url = served.url("/v1/session");
        let headers = [("origin", origin)];
        served
            .http
            .post_json(&url, &body, &headers, MAX)
            .await
            .unwrap()
    };
    let elsewhere = sign_in("https://evil.example").await;
    assert_eq!(code(&elsewhere), refused(403, "wrong_origin"));
    let signed_in = sign_in(&own).await;
    assert_eq!(signed_in.status, 204);
    let cookie = signed_in.header("set-cookie").unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains(link.as_str()));
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(code(&sign_in(&own).await), refused(401, "link_over"));

    let status = served.url("/v1/status");
    let headers = [("cookie", cookie)];
    let read = served.http.get_with(&status, &headers, MAX).await.unwrap();
    assert_eq!(read.status, 200);
    // One that a page on another port of the host planted beside it lets nobody out.
    let (name, _) = cookie.split_once('=').unwrap();
    let beside = format!("{name}=planted; {cookie}");
    let read = served
        .http
        .get_with(&status, &[("cookie", &beside)], MAX)
        .await;
    assert_eq!(read.unwrap().status, 200);
    let requests = served.url("/v1/requests");
    let start = json!({"service": "address"});
    // What a form of another page sends has no origin of ours.
    let blind = served
        .http
        .post_json(&requests, &start, &headers, MAX)
        .await;
    assert_eq!(code(&blind.unwrap()), refused(403, "wrong_origin"));
    let headers = [("cookie", cookie), ("origin", own.as_str())];
    let started = served
        .http
        .post_json(&requests, &start, &headers, MAX)
        .await;
    assert_eq!(started.unwrap().status, 201);
}

/// Every text that a wallet learns: of its link, of the request object, and the parts of their addresses.
async fn told(served: &Served, started: &Value) -> BTreeSet<String> {
    fn gather(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => {
                into.insert(text.clone());
                into.extend(
                    text.split(['/', ':', '#', '?', '&', '='])
                        .map(str::to_owned),
                );
            }
            Value::Array(all) => all.iter().for_each(|one| gather(one, into)),
            Value::Object(all) => all.values().for_each(|one| gather(one, into)),
            _ => {}
        }
    }
    let mut told = BTreeSet::new();
    gather(&served.request_object(started).await, &mut told);
    let link = Url::parse(started["qr"][0].as_str().unwrap()).unwrap();
    for (_, value) in link.query_pairs() {
        gather(&json!(value), &mut told);
    }
    told.retain(|text| text.len() >= 8 && text.is_ascii());
    told
}

#[tokio::test]
async fn what_the_wallet_is_told_opens_nothing_at_the_desk() {
    let served = Served::new().await;
    let started = served.start("age-19", "online").await;
    let id = started["id"].as_str().unwrap();
    let told = told(&served, &started).await;
    assert!(
        told.contains(wallets_name(&started)) && told.len() > 8,
        "{told:?}"
    );
    assert!(!told.iter().any(|text| text.contains(id)));
    for text in &told {
        let path: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        // Not even with the token would it name a request of the desk.
        let read = served.get(&format!("/v1/requests/{path}")).await;
        assert_eq!(read.status, 404, "{text}");
        let token = format!("Bearer {text}");
        let url = served.url("/v1/status");
        let headers = [("authorization", token.as_str())];
        let read = served.http.get_with(&url, &headers, MAX).await.unwrap();
        assert_eq!(read.status, 401, "{text}");
    }
    let answer = served.stage.one_way("age-19");
    let scan = json!({"text": answer, "request": wallets_name(&started)});
    let scanned = served.post("/v1/scans", &scan).await;
    assert_eq!(code(&scanned), refused(404, "unknown_request"));
    let path = format!("/openid4vp/requests/{id}");
    assert_eq!(
        served.get_as_wallet(&path).await.status,
        404,
        "nor the other way round"
    );
}
