//! Credentials of the three types that come with Jumin, from issuing to presenting.

mod support;

use jumin_identity::{
    ClaimPath, CredentialType, DidUrl, IssuanceRequest, IssueError, PresentError, Signer,
    StatusReference, TypeMismatch, UnverifiedCredential, VerifiedCredential, builtin_types,
    issue_credential, present,
};
use serde_json::{Map, Value, json};
use support::{AUDIENCE, NONCE, NOW, holder, issuer, key, verify};

fn card_claims() -> Map<String, Value> {
    let claims = json!({
        "name": {"hangul": "김지우", "hanja": "金智友", "roman": "KIM JIWOO"},
        "resident_registration_number": "900101-2345678", "birthdate": "1990-01-01", "sex": "female",
        "address": {"sido": "서울특별시", "sigungu": "종로구", "eupmyeondong": "청운동", "road": "자하문로 1", "detail": "2층"},
        "age_equal_or_over": {"14": true, "19": true, "65": false},
        "portrait": "data:image/jpeg;base64,AAAA", "issuing_authority": "종로구청", "issue_date": "2026-09-21",
    });
    claims.as_object().cloned().unwrap()
}

fn register_claims() -> Map<String, Value> {
    let member = |name: &str| json!({"name": name, "relation": "자녀", "birthdate": "2010-01-01"});
    let claims = json!({
        "household_head": "김지우", "composition": {"reason": "전입", "date": "2020-01-01"},
        "address": {"sido": "서울특별시"}, "members": [member("가"), member("나"), member("다")],
        "issuing_authority": "종로구청", "issue_date": "2026-09-21",
    });
    claims.as_object().cloned().unwrap()
}

fn kid() -> DidUrl {
    "did:jumin:dev:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#key-1"
        .parse()
        .unwrap()
}

fn issue(
    credential_type: &CredentialType,
    claims: &Map<String, Value>,
) -> Result<String, IssueError> {
    let (mut count, kid, holder) = (0u8, kid(), holder());
    let mut salts = || {
        count += 1;
        [count; 16]
    };
    let request = IssuanceRequest {
        credential_type,
        issuer: kid.did().as_str(),
        kid: &kid,
        x5c: &[],
        claims,
        iat: NOW,
        nbf: NOW,
        exp: NOW + 1000,
        holder: holder.public_key(),
        status: StatusReference {
            uri: support::LIST.to_owned(),
            idx: 7,
        },
    };
    issue_credential(&request, &mut salts, &issuer())
}

fn hold(kind: usize, claims: &Map<String, Value>) -> VerifiedCredential {
    let compact = issue(&builtin_types()[kind], claims).unwrap();
    UnverifiedCredential::parse(&compact)
        .unwrap()
        .verify(issuer().public_key(), NOW)
        .unwrap()
}

fn paths(texts: &[&str]) -> Vec<ClaimPath> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn shown(credential: &VerifiedCredential, disclose: &[&str]) -> Map<String, Value> {
    let text = present(
        credential,
        &paths(disclose),
        AUDIENCE,
        NONCE,
        NOW,
        &holder(),
    )
    .unwrap();
    verify(&text).unwrap().credential().claims().clone()
}

#[test]
fn three_types_come_with_jumin() {
    let types = builtin_types();
    let names: Vec<_> = types
        .iter()
        .map(|kind| (kind.vct(), kind.name("ko"), kind.name("en-GB")))
        .collect();
    let expected = [
        (
            "urn:jumin:resident-card:1",
            "주민등록증",
            "Resident Registration Card",
        ),
        (
            "urn:jumin:household-register:1",
            "주민등록표 등본",
            "Household Register Copy",
        ),
        (
            "urn:jumin:individual-register:1",
            "주민등록표 초본",
            "Individual Register Abstract",
        ),
    ];
    assert_eq!(names, expected);
    let label = types[0]
        .claim(&paths(&["address.sido"])[0])
        .map(|claim| (claim.label("ko"), claim.mandatory));
    assert_eq!(label, Some(("시·도", true)));
    assert!(
        types
            .iter()
            .all(|kind| kind.claims().iter().all(|claim| claim.labels().len() == 2))
    );
    assert!(types.iter().all(|kind| {
        kind.card()
            .fields
            .iter()
            .all(|path| kind.claim(path).is_some())
    }));
}

#[test]
fn holder_sees_every_claim_that_was_issued() {
    let credential = hold(0, &card_claims());
    for (name, value) in card_claims() {
        assert_eq!(credential.claims()[&name], value, "{name}");
    }
    assert_eq!(credential.disclosures().len(), 15);
    assert_eq!(
        (credential.issuer(), credential.kid()),
        (kid().did().as_str(), Some(kid().to_string().as_str()))
    );
    assert_eq!(
        credential.vct_integrity(),
        Some(builtin_types()[0].integrity().as_str())
    );
    assert_eq!(
        (credential.status().idx, credential.expires()),
        (7, NOW + 1000)
    );
    assert_eq!(credential.holder_key(), holder().public_key());
}

#[test]
fn presentation_shows_only_what_was_chosen() {
    let claims = shown(&hold(0, &card_claims()), &["age_equal_or_over.19"]);
    assert_eq!(claims["age_equal_or_over"], json!({"19": true}));
    assert_eq!(
        (&claims["name"], &claims["address"]),
        (&json!({}), &json!({}))
    );
    assert!(
        !claims.contains_key("birthdate") && !claims.contains_key("resident_registration_number")
    );
    assert_eq!(claims["issuing_authority"], "종로구청");
}

#[test]
fn path_to_an_object_shows_all_of_it() {
    let claims = shown(
        &hold(0, &card_claims()),
        &["address", "name.hangul", "name.hangul"],
    );
    assert_eq!(
        (&claims["address"], &claims["name"]),
        (&card_claims()["address"], &json!({"hangul": "김지우"}))
    );
}

#[test]
fn presentation_without_disclosures_is_possible() {
    let claims = shown(&hold(0, &card_claims()), &[]);
    assert!(!claims.contains_key("sex"));
}

#[test]
fn household_member_is_disclosed_alone() {
    let credential = hold(1, &register_claims());
    let claims = shown(&credential, &["members[1].name", "household_head"]);
    assert_eq!(claims["members"].as_array().unwrap().len(), 1);
    assert_eq!(claims["members"][0]["name"], "나");
    assert_eq!(
        shown(&credential, &["members[*].name"])["members"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn address_history_entry_is_disclosed_alone() {
    let entry = |address: &str| json!({"address": address, "move_in_date": "2020-01-01"});
    let claims = json!({
        "name": {"hangul": "김지우"}, "resident_registration_number": "900101-2345678", "birthdate": "1990-01-01",
        "address_history": [entry("서울"), entry("부산")], "issuing_authority": "종로구청", "issue_date": "2026-09-21",
    });
    let credential = hold(2, claims.as_object().unwrap());
    assert_eq!(
        shown(&credential, &["address_history[0]"])["address_history"],
        json!([entry("서울")])
    );
}

#[test]
fn order_of_digests_does_not_follow_the_order_of_claims() {
    let compact = issue(&builtin_types()[0], &card_claims()).unwrap();
    let payload = compact.split('.').nth(1).unwrap();
    let payload: Value =
        serde_json::from_slice(&jumin_identity::b64url_decode(payload).unwrap()).unwrap();
    let sorted = |value: &Value| {
        value
            .as_array()
            .unwrap()
            .is_sorted_by_key(|digest| digest.as_str().unwrap().to_owned())
    };
    assert!(sorted(&payload["_sd"]) && sorted(&payload["address"]["_sd"]));
    assert!(payload["address"]["_sd"].as_array().unwrap().len() <= 8);
}

#[test]
fn credential_with_key_binding_is_no_credential_to_hold() {
    let text = present(
        &hold(0, &card_claims()),
        &[],
        AUDIENCE,
        NONCE,
        NOW,
        &holder(),
    )
    .unwrap();
    assert_eq!(
        UnverifiedCredential::parse(&text).unwrap_err().code(),
        "malformed"
    );
}

#[test]
fn presenting_needs_the_key_and_a_claim_that_exists() {
    let credential = hold(0, &card_claims());
    let refusal = |disclose: &[&str], signer: &dyn Signer| {
        present(&credential, &paths(disclose), "a", "n", NOW, signer).unwrap_err()
    };
    assert!(matches!(refusal(&[], &key(9)), PresentError::WrongKey));
    assert!(matches!(
        refusal(&["blood_type"], &holder()),
        PresentError::UnknownClaim(_)
    ));
    assert!(matches!(
        refusal(&["sex.x"], &holder()),
        PresentError::UnknownClaim(_)
    ));
}

#[test]
fn claims_that_the_type_does_not_know_are_not_issued() {
    let card = &builtin_types()[0];
    let with = |name: &str, value: Value| {
        let mut claims = card_claims();
        claims.insert(name.to_owned(), value);
        issue(card, &claims).unwrap_err().code()
    };
    assert_eq!(with("iss", json!("did:jumin:dev:other")), "unknown_claim");
    assert_eq!(with("_sd", json!([])), "unknown_claim");
    assert_eq!(
        with("address", json!({"sido": "서울", "planet": "x"})),
        "unknown_claim"
    );
    assert_eq!(with("address", json!({})), "missing_claim");
    assert_eq!(with("address", json!("서울")), "wrong_kind");
    assert_eq!(with("portrait", json!({"...": "x"})), "reserved_name");
    assert_eq!(with("portrait", json!("x".repeat(200_000))), "too_large");
    let mut claims = card_claims();
    claims.remove("birthdate");
    assert_eq!(issue(card, &claims).unwrap_err().code(), "missing_claim");
}

#[test]
fn issued_credentials_are_what_their_types_say() {
    let types = builtin_types();
    let (card, register) = (hold(0, &card_claims()), hold(1, &register_claims()));
    assert_eq!(
        (
            types[0].check_issued(&card),
            types[1].check_issued(&register)
        ),
        (Ok(()), Ok(()))
    );
    assert_eq!(types[1].check_issued(&card), Err(TypeMismatch::OtherType));
}

#[test]
fn credential_that_differs_from_its_type_is_noticed() {
    let text = String::from_utf8(builtin_types()[0].bytes().to_vec()).unwrap();
    let same = |text: &str| CredentialType::from_json(text.as_bytes()).unwrap();
    let issued_as = |from: &str, to: &str| {
        let compact = issue(&same(&text.replacen(from, to, 1)), &card_claims()).unwrap();
        let integrity = |text: &str| same(text).integrity();
        // The issuer claims the published definition but follows another one.
        let (old, new) = (integrity(&text.replacen(from, to, 1)), integrity(&text));
        let (head, rest) = compact.split_once('.').unwrap();
        let (payload, rest) = rest.split_once('.').unwrap();
        let header = String::from_utf8(jumin_identity::b64url_decode(head).unwrap()).unwrap();
        let payload = String::from_utf8(jumin_identity::b64url_decode(payload).unwrap()).unwrap();
        let jwt = support::raw_jws(&header, &payload.replace(&old, &new), &issuer());
        let compact = format!("{jwt}~{}", rest.split_once('~').unwrap().1);
        UnverifiedCredential::parse(&compact)
            .unwrap()
            .verify(issuer().public_key(), NOW)
            .unwrap()
    };
    let never = issued_as("\"sd\": \"always\"", "\"sd\": \"never\"");
    assert_eq!(
        same(&text).check_issued(&never),
        Err(TypeMismatch::Disclosure(paths(&["name.hangul"])[0].clone()))
    );
    let whole = issued_as("\"sd\": \"never\"", "\"sd\": \"always\"");
    assert_eq!(
        same(&text).check_issued(&whole),
        Err(TypeMismatch::Disclosure(paths(&["name"])[0].clone()))
    );
}

#[test]
fn disclosure_comes_before_those_that_lie_in_it() {
    let text = String::from_utf8(builtin_types()[0].bytes().to_vec()).unwrap();
    let recursive = CredentialType::from_json(
        text.replacen("\"sd\": \"never\"", "\"sd\": \"always\"", 1)
            .as_bytes(),
    )
    .unwrap();
    let compact = issue(&recursive, &card_claims()).unwrap();
    let credential = UnverifiedCredential::parse(&compact)
        .unwrap()
        .verify(issuer().public_key(), NOW)
        .unwrap();
    let order: Vec<_> = credential
        .disclosures()
        .iter()
        .take(3)
        .map(|d| d.path.to_string())
        .collect();
    assert_eq!(order, ["name", "name.hangul", "name.hanja"]);
    // Showing the inner one shows the way to it, and nothing beside it.
    assert_eq!(
        shown(&credential, &["name.roman"])["name"],
        json!({"roman": "KIM JIWOO"})
    );
    assert_eq!(shown(&credential, &["name"])["name"], card_claims()["name"]);
}

#[test]
fn debug_output_has_no_personal_data() {
    let credential = hold(0, &card_claims());
    let text = present(
        &credential,
        &paths(&["birthdate", "address"]),
        AUDIENCE,
        NONCE,
        NOW,
        &holder(),
    )
    .unwrap();
    let unverified = jumin_identity::UnverifiedPresentation::parse(&text).unwrap();
    let printed = format!(
        "{credential:?} {:?} {unverified:?} {:?}",
        credential.disclosures(),
        verify(&text).unwrap()
    );
    assert!(printed.contains("resident-card") && printed.contains("address.sido"));
    assert!(
        !printed.contains("1990") && !printed.contains("서울") && !printed.contains('~'),
        "{printed}"
    );
}

#[test]
fn type_that_defines_a_claim_of_the_format_is_refused() {
    let text = String::from_utf8(builtin_types()[0].bytes().to_vec()).unwrap();
    for name in ["iss", "exp", "cnf", "status", "vct", "_sd", "...", "iat"] {
        let changed = text.replace("[\"sex\"]", &format!("[\"{name}\"]"));
        assert_eq!(
            CredentialType::from_json(changed.as_bytes())
                .unwrap_err()
                .code(),
            "malformed",
            "{name}"
        );
    }
    assert!(
        CredentialType::from_json(text.replace("[\"sex\"]", "[\"birthdate\"]").as_bytes()).is_err()
    );
    assert!(CredentialType::from_json(&[b' '; 65 * 1024]).is_err());
    assert!(CredentialType::from_json(b"{}").is_err());
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(32))]

    #[test]
    fn every_choice_of_claims_shows_exactly_that_choice(chosen in proptest::collection::vec(proptest::bool::ANY, 15)) {
        let credential = hold(0, &card_claims());
        let all = credential.disclosures().iter().map(|disclosure| disclosure.path.clone());
        let disclose: Vec<_> = all.zip(chosen).filter(|(_, chosen)| *chosen).map(|(path, _)| path).collect();
        let text = present(&credential, &disclose, AUDIENCE, NONCE, NOW, &holder()).unwrap();
        let shown = verify(&text).unwrap();
        let paths: Vec<_> = shown.credential().disclosures().iter().map(|shown| shown.path.clone()).collect();
        proptest::prop_assert_eq!(&paths, &disclose);
        let issued = card_claims();
        for path in disclose {
            proptest::prop_assert_eq!(path.select(shown.credential().claims()), path.select(&issued));
        }
    }
}
