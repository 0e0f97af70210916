//! Names as an import may bring them: long, from right to left, full of markup.

use axum::http::StatusCode;
use jumin_identity::UnverifiedCredential;
use serde_json::{Value, json};

use crate::register::{Date, read_csv};
use crate::testing::{TestIssuer, card_request, keys};

const HEADER: &str = "household,relation,name_hangul,name_hanja,name_roman,resident_registration_number,sido,sigungu,eupmyeondong,road,detail";

/// The longest name that an import takes: 120 characters.
fn longest() -> String {
    "가나다라마바사아자차카타".repeat(10)
}

fn names() -> [(String, &'static str); 4] {
    [
        (longest(), "Endless"),
        ("עברית العربية فارسی".to_owned(), "Right To Left"),
        (
            "<img src=x onerror=alert(1)>".to_owned(),
            "<script>alert(1)</script>",
        ),
        ("'; DROP TABLE residents; --\"\\".to_owned(), "👩👩👧 Z͑ͫ̓ͪ̂ͫ̽"),
    ]
}

async fn import(issuer: &TestIssuer) -> Vec<String> {
    let rows = names().into_iter().enumerate().map(|(n, (name, roman))| {
        let name = name.replace('"', "\"\"");
        format!(
            "h{n},본인,\"{name}\",,\"{roman}\",90010{}-1234567,서울특별시,종로구,사직동,사직로 1,",
            n + 1
        )
    });
    let text = format!("{HEADER}\n{}\n", rows.collect::<Vec<_>>().join("\n"));
    let register = read_csv(text.as_bytes(), "i1-", Date::in_korea(issuer.app.now())).unwrap();
    issuer.app.store.add_register(&register, &[]).await.unwrap();
    register
        .residents
        .into_iter()
        .map(|resident| resident.id)
        .collect()
}

/// Issues a resident's card and gives its name claim.
async fn name_on_card(issuer: &TestIssuer, resident: &str) -> Value {
    let (code, tx_code) = issuer.offer_to(resident).await;
    let token = issuer.token(&code, &tx_code).await;
    let token = token.body["access_token"].as_str().unwrap().to_owned();
    let request = card_request(&issuer.nonce().await, &keys(1));
    let answer = issuer.credential(&token, &request).await;
    assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
    let compact = answer.body["credentials"][0]["credential"]
        .as_str()
        .unwrap();
    assert!(compact.len() < 16 * 1024, "{}", compact.len());
    let signer = issuer.app.issuer.signer.public_key();
    let credential = UnverifiedCredential::parse(compact).unwrap();
    let credential = credential.verify(signer, issuer.app.now()).unwrap();
    credential.claims()["name"].clone()
}

#[tokio::test]
async fn unusual_names_reach_the_card_and_the_console_unharmed() {
    let issuer = TestIssuer::new().await;
    let ids = import(&issuer).await;
    for ((name, roman), id) in names().into_iter().zip(&ids) {
        let on_card = name_on_card(&issuer, id).await;
        assert_eq!(on_card["hangul"], json!(name));
        assert_eq!(on_card["roman"], json!(roman));
        let query: String = name.chars().take(60).collect();
        let search = json!({ "query": query });
        let found = issuer
            .console("POST", "/v1/residents/search", search)
            .await
            .body;
        assert_eq!(found["residents"][0]["name"], json!(name), "{found}");
        let detail = issuer
            .console("GET", &format!("/v1/residents/{id}"), Value::Null)
            .await
            .body;
        assert_eq!(detail["resident"]["name"]["hangul"], json!(name));
        assert_eq!(detail["credentials"][0]["resident_name"], json!(name));
    }
    let audit = issuer
        .console("GET", "/v1/audit?limit=500", Value::Null)
        .await
        .body
        .to_string();
    for personal in ["가나다", "עברית", "<img", "DROP"] {
        assert!(!audit.contains(personal), "{personal}");
    }
}

#[test]
fn longer_names_and_characters_that_can_not_be_seen_are_refused_at_the_import() {
    let today = Date::in_korea(1_795_000_000);
    for name in [
        format!("{}가", longest()),
        "김\u{0}민".to_owned(),
        "김\u{1b}[2J".to_owned(),
        "\u{202e}\u{2066}뒤집힌이름".to_owned(),
        "김\u{34f}민".to_owned(),
    ] {
        let row = format!("h,본인,{name},,Kim,900101-1234567,서울특별시,종로구,사직동,사직로 1,");
        let text = format!("{HEADER}\n{row}\n");
        assert!(read_csv(text.as_bytes(), "i1-", today).is_err());
    }
}
