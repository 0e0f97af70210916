//! The counter over HTTP: the desk's routes, a wallet that answers online, strangers.

#[path = "stage/served.rs"]
mod served;
mod stage;

use josekit::jwe::{self, ECDH_ES, JweHeader};
use josekit::jwk::Jwk;
use jumin_counter::picture::draw_code;
use jumin_http::Response;
use jumin_identity::qr::{CodecContext, encode_presentation};
use jumin_registry::{Claims, Role};
use serde_json::{Value, json};
use served::{MAX, Served, wallets_name};
use stage::world::CARD;

/// Encrypts a response to the key in the request's metadata (OpenID4VP 1.0 §8.3).
fn encrypt(request: &Value, payload: &Value, change: impl FnOnce(&mut JweHeader)) -> String {
    let metadata = &request["client_metadata"];
    let key = &metadata["jwks"]["keys"][0];
    assert_eq!(key["alg"], "ECDH-ES");
    assert_eq!(key["use"], "enc");
    let public = Jwk::from_bytes(key.to_string()).unwrap();
    let enc = &metadata["encrypted_response_enc_values_supported"][0];
    let mut header = JweHeader::new();
    header.set_content_encryption(enc.as_str().unwrap());
    header.set_key_id(public.key_id().unwrap());
    change(&mut header);
    let encrypter = ECDH_ES.encrypter_from_jwk(&public).unwrap();
    jwe::serialize_compact(payload.to_string().as_bytes(), &header, &encrypter).unwrap()
}

#[tokio::test]
async fn a_wallet_answers_online_and_the_desk_reads_the_verdict() {
    let served = Served::new().await;
    let started = served.start("age-19", "online").await;
    let link = started["qr"][0].as_str().unwrap();
    assert!(link.starts_with("openid4vp://?client_id=decentralized_identifier%3A"));
    let request = served.request_object(&started).await;
    assert_eq!(request["response_mode"], "direct_post.jwt");
    let response = encrypt(
        &request,
        &json!({"vp_token": served.vp_token(&request)}),
        |_| (),
    );
    let answer = served.respond(&started, &[("response", &response)]).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.content_type.as_deref(), Some("application/json"));
    assert_eq!(answer.json::<Value>().unwrap(), json!({}));
    let path = format!("/v1/requests/{}", started["id"].as_str().unwrap());
    let state: Value = served.get(&path).await.json().unwrap();
    assert_eq!(state["state"], "answered");
    assert_eq!(state["verdict"]["verdict"], "valid");
    assert_eq!(state["verdict"]["assurance"], "online");
    assert_eq!(
        state["verdict"]["claims"],
        json!({"age_equal_or_over": {"19": true}})
    );
    // The key is gone with the answer: the same response opens nothing any more.
    let again = served.respond(&started, &[("response", &response)]).await;
    assert_eq!(again.status, 404);
    let uri = format!("/openid4vp/requests/{}", wallets_name(&started));
    assert_eq!(served.get_as_wallet(&uri).await.status, 404);
}

#[tokio::test]
async fn an_answer_to_another_online_request_is_a_mismatch() {
    let served = Served::new().await;
    let (one, other) = (
        served.start("age-19", "online").await,
        served.start("age-19", "online").await,
    );
    let (first, second) = (
        served.request_object(&one).await,
        served.request_object(&other).await,
    );
    let stolen = json!({"vp_token": served.vp_token(&first)});
    let response = encrypt(&second, &stolen, |_| ());
    let answer = served.respond(&other, &[("response", &response)]).await;
    // The wallet is not told; the desk is.
    assert_eq!(answer.status, 200);
    let path = format!("/v1/requests/{}", other["id"].as_str().unwrap());
    let state: Value = served.get(&path).await.json().unwrap();
    assert_eq!(state["verdict"]["verdict"], "request_mismatch");
}

#[tokio::test]
async fn unreadable_responses_are_refused_and_leave_the_request_open() {
    let served = Served::new().await;
    let started = served.start("age-19", "online").await;
    let request = served.request_object(&started).await;
    let right = json!({"vp_token": served.vp_token(&request)});
    let zipped = encrypt(&request, &right, |header| header.set_compression("DEF"));
    let other_key = served
        .request_object(&served.start("age-19", "online").await)
        .await;
    let foreign = encrypt(&other_key, &right, |_| ());
    let no_token = encrypt(&request, &json!({"state": "x"}), |_| ());
    for response in ["", "a.b.c.d.e", &zipped, &foreign, &no_token] {
        let answer = served.respond(&started, &[("response", response)]).await;
        assert_eq!(answer.status, 400, "{response:.20}");
        assert_eq!(answer.json::<Value>().unwrap()["error"], "invalid_request");
    }
    let empty = served.respond(&started, &[("state", "x")]).await;
    assert_eq!(empty.status, 400);
    let response = encrypt(&request, &right, |_| ());
    let answer = served.respond(&started, &[("response", &response)]).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_wallet_that_declines_is_shown_as_such() {
    let served = Served::new().await;
    let started = served.start("age-19", "online").await;
    let answer = served
        .respond(&started, &[("error", "access_denied")])
        .await;
    assert_eq!(answer.status, 200);
    let path = format!("/v1/requests/{}", started["id"].as_str().unwrap());
    let state: Value = served.get(&path).await.json().unwrap();
    assert_eq!(state["state"], "declined");
    assert!(state["verdict"].is_null());
}

#[tokio::test]
async fn scans_take_texts_and_pictures() {
    let served = Served::new().await;
    let answer = served.stage.answered(&served.desk, "address").await;
    let frames = encode_presentation(&answer, &CodecContext::default()).unwrap();
    // Without a dictionary it takes several frames, each a picture of its own.
    assert!(frames.len() > 1);
    let url = served.url("/v1/scans?desk=window-3");
    let mut last = Value::Null;
    for frame in &frames {
        let picture = draw_code(frame.text()).unwrap();
        let headers = [("authorization", served.token.as_str())];
        let scanned = served
            .http
            .post_bytes(&url, "image/png", picture, &headers, MAX);
        last = scanned.await.unwrap().json().unwrap();
        if last.get("progress").is_none() {
            break;
        }
    }
    assert_eq!(last["verdict"], "valid", "{last}");
    let texts: Vec<_> = frames.iter().map(|frame| frame.text()).collect();
    let again = served.post("/v1/scans", &json!({ "texts": texts })).await;
    assert_eq!(again.status, 200);
    assert_eq!(again.json::<Value>().unwrap()["verdict"], "replayed");
}

#[tokio::test]
async fn bad_calls_get_problems_with_codes() {
    let served = Served::new().await;
    let code = |answer: &Response| answer.json::<Value>().unwrap()["code"].clone();
    let answer = served
        .post("/v1/requests", &json!({"service": "passport"}))
        .await;
    assert_eq!(
        (answer.status, code(&answer)),
        (404, json!("unknown_service"))
    );
    let body = json!({"service": "identity", "mode": "one-way"});
    let answer = served.post("/v1/requests", &body).await;
    assert_eq!(
        (answer.status, code(&answer)),
        (400, json!("start_one_way_not_allowed"))
    );
    let answer = served.get("/v1/requests/none").await;
    assert_eq!((answer.status, code(&answer)), (404, json!("not_found")));
    for body in [
        json!({}),
        json!([]),
        json!({"text": 5}),
        json!({"texts": []}),
    ] {
        let answer = served.post("/v1/scans", &body).await;
        assert_eq!(
            (answer.status, code(&answer)),
            (400, json!("scan_malformed")),
            "{body}"
        );
    }
    let url = served.url("/v1/scans");
    let headers = [("authorization", served.token.as_str())];
    let post =
        |kind: &'static str, body: Vec<u8>| served.http.post_bytes(&url, kind, body, &headers, MAX);
    let answer = post("image/png", b"not a picture".to_vec()).await.unwrap();
    assert_eq!(
        (answer.status, code(&answer)),
        (400, json!("picture_unsupported"))
    );
    let answer = post("application/json", vec![b' '; 2 << 20]).await.unwrap();
    assert_eq!(answer.status, 413);
    // The body limit may also close the connection while the client still writes.
    if let Ok(answer) = post("image/png", vec![0; 9 << 20]).await {
        assert_eq!(answer.status, 413);
    }
}

#[tokio::test]
async fn status_says_which_services_ask_for_more_than_the_office_may() {
    let served = Served::new().await;
    let standing = |status: &Value, name: &str| {
        let services = status["services"].as_array().unwrap().clone();
        let found = services.into_iter().find(|one| one["service"] == name);
        let found = found.unwrap();
        (found["standing"].clone(), found["beyond"].clone())
    };
    let before: Value = served.get("/v1/status").await.json().unwrap();
    assert_eq!(standing(&before, "address").0, "unknown");
    {
        let mut world = served.stage.world();
        let office = world.office.did.clone();
        let claims = ["age_equal_or_over", "address.sido"].map(|claim| claim.parse().unwrap());
        let granted = (&[CARD][..], Claims::Only(claims.to_vec()));
        let period = (world.now - 10, world.now + 1_000);
        let ledger = &mut world.ledger;
        ledger.accredit_for(&office, Role::Verifier, granted, period);
    }
    served.post("/v1/sync", &json!({})).await;
    let status: Value = served.get("/v1/status").await.json().unwrap();
    assert_eq!(
        standing(&status, "age-19"),
        (json!("accredited"), json!([]))
    );
    let (found, beyond) = standing(&status, "address");
    assert_eq!(found, "beyond");
    let beyond = beyond.as_array().unwrap();
    assert!(beyond.iter().all(|claim| claim["path"] != "address.sido"));
    assert!(
        beyond.iter().any(|claim| claim["label"]["ko"] == "도로명"),
        "{beyond:?}"
    );
}

#[tokio::test]
async fn state_health_and_description_are_served() {
    let served = Served::new().await;
    assert_eq!(served.get_as_wallet("/healthz").await.status, 200);
    assert_eq!(served.get_as_wallet("/readyz").await.status, 503);
    let synced: Value = served.post("/v1/sync", &json!({})).await.json().unwrap();
    assert_eq!(synced["status_lists"], 1);
    assert_eq!(served.get_as_wallet("/readyz").await.status, 200);
    let status: Value = served.get("/v1/status").await.json().unwrap();
    assert_eq!(status["network"], "online");
    assert_eq!(status["office"]["ko"], "종로구청 민원실");
    assert_eq!(status["clock"], "ok");
    assert_eq!(status["services"][0]["freshness"], "fresh");
    assert!(status["oldest_list_age_seconds"].is_u64());
    let services: Value = served.get("/v1/services").await.json().unwrap();
    assert_eq!(services.as_array().unwrap().len(), 4);
    let api: Value = served.get("/openapi.json").await.json().unwrap();
    for path in ["/v1/requests", "/v1/scans", "/openid4vp/responses/{id}"] {
        assert!(api["paths"].get(path).is_some(), "{path}");
    }
    served.stage.cut(true);
    let answer = served.post("/v1/sync", &json!({})).await;
    assert_eq!(answer.status, 503);
}

#[tokio::test]
async fn a_request_comes_with_its_drawn_code_and_is_forgotten_when_the_desk_is_done() {
    let served = Served::new().await;
    let started = served.start("address", "qr").await;
    assert!(started["codes"][0]["modules"].as_u64().unwrap() >= 21);
    assert!(
        started["codes"][0]["path"]
            .as_str()
            .unwrap()
            .starts_with('M')
    );
    let id = started["id"].as_str().unwrap();
    let stored = served.desk.store().request(id).await.unwrap().unwrap();
    let answer = served.stage.world().answer(&stored.pending);
    let body = json!({"text": answer, "showing": [id], "service": "address"});
    let outcome: Value = served.post("/v1/scans", &body).await.json().unwrap();
    assert_eq!(outcome["verdict"], "valid", "{outcome}");
    assert_eq!(outcome["issuer_proven"], true);
    let path = format!("/v1/requests/{id}");
    let state: Value = served.get(&path).await.json().unwrap();
    assert!(state["verdict"]["claims"]["name"].is_object());
    served.desk.forget(id);
    let state: Value = served.get(&path).await.json().unwrap();
    assert_eq!(state["verdict"]["verdict"], "valid");
    assert!(state["verdict"].get("claims").is_none());
}

#[tokio::test]
async fn what_is_the_clerks_to_decide_is_decided_over_http() {
    let served = Served::new().await;
    let lists_down = &served.stage.switches.lists_down;
    lists_down.store(true, std::sync::atomic::Ordering::Relaxed);
    let code = json!({"text": served.stage.one_way("age-19"), "service": "age-19"});
    let outcome: Value = served.post("/v1/scans", &code).await.json().unwrap();
    assert_eq!(outcome["clerk_may_accept"], true, "{outcome}");
    let path = format!("/v1/outcomes/{}/accept", outcome["id"].as_str().unwrap());
    let decision: Value = served.post(&path, &json!({})).await.json().unwrap();
    assert_eq!(decision["ruling"], "accepted");
    let again: Value = served.post("/v1/scans", &code).await.json().unwrap();
    assert_eq!(again["verdict"], "replayed");
    let answer = served.post("/v1/outcomes/none/refuse", &json!({})).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.json::<Value>().unwrap()["code"], "unknown_outcome");
}
