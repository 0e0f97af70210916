//! Resident cards of made-up citizens, issued and presented through the public interface.

use std::sync::LazyLock;

use jumin_identity::{
    CodecContext, Did, DidUrl, FileKey, IssuanceRequest, Signer, StatusReference,
    UnverifiedCredential, VerifiedCredential, VpToken, b64url, builtin_types, issue_credential,
    present, sha256, template, train_dictionary,
};
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Map, Value, json};

pub const NOW: u64 = 1_790_000_000;

/// Makes the same key for the same number, so that vectors can be rebuilt.
pub fn key(number: u8) -> FileKey {
    let secret = p256::SecretKey::from_slice(&[number; 32]).expect("a scalar");
    FileKey::from_pkcs8_der(secret.to_pkcs8_der().expect("DER").as_bytes()).expect("a key")
}

pub fn did(name: &str) -> Did {
    let network = "dev".parse().expect("a network");
    Did::from_digest(&network, &sha256(name.as_bytes()))
}

pub fn audience() -> String {
    format!("decentralized_identifier:{}", did("counter"))
}

/// Stretches a seed to as many bytes as are asked for, none of which compress.
pub fn noise(seed: &str, length: usize) -> Vec<u8> {
    (0u32..)
        .flat_map(|counter| sha256(format!("{seed}{counter}").as_bytes()))
        .take(length)
        .collect()
}

/// Is a certificate in size, not in content: the codec does not look inside.
fn certificate() -> String {
    base64(&noise("certificate", 520))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

pub fn claims(person: usize) -> Map<String, Value> {
    let sido = [
        "서울특별시",
        "부산광역시",
        "경기도",
        "전북특별자치도",
        "제주특별자치도",
    ];
    let sigungu = [
        "종로구",
        "해운대구",
        "수원시 영통구",
        "전주시 덕진구",
        "서귀포시",
    ];
    let pick = |all: [&'static str; 5]| all[person % 5];
    let claims = json!({
        "name": {"hangul": pick(["홍길동", "김서연", "이도윤", "박지우", "남궁민수"]), "hanja": "洪吉童", "roman": "HONG GILDONG"},
        "resident_registration_number": format!("{:02}0{:01}1{}-{}{:06}", 60 + person % 40, 1 + person % 9, person % 9, 1 + person % 2, 123_457 * (person + 3) % 1_000_000),
        "birthdate": format!("19{:02}-0{}-1{}", 60 + person % 40, 1 + person % 9, person % 9),
        "sex": if person.is_multiple_of(2) { "male" } else { "female" },
        "address": {
            "sido": pick(sido), "sigungu": pick(sigungu),
            "eupmyeondong": pick(["청운효자동", "우제1동", "영통1동", "금암1동", "대륜동"]),
            "road": format!("{} {}", pick(["자하문로", "해운대로", "청명남로", "백제대로", "신서로"]), 7 + 31 * person % 400),
            "detail": format!("{}동 {}호", 101 + person % 7, 302 + 100 * (person % 11)),
        },
        "age_equal_or_over": {"14": true, "19": true, "65": person.is_multiple_of(3)},
        "portrait": format!("data:image/jpeg;base64,{}", base64(&noise("portrait", 4000))),
        "issuing_authority": format!("{} {}장", pick(sido), pick(sigungu)),
        "issue_date": format!("20{:02}-03-0{}", 10 + person % 16, 1 + person % 9),
    });
    claims.as_object().expect("an object").clone()
}

/// Issues the card of a citizen with one copy's own key, salts and status index.
pub fn card(person: usize, claims: &Map<String, Value>) -> VerifiedCredential {
    let types = builtin_types();
    let (issuer, holder) = (did("issuer"), key(10 + person as u8));
    let kid = DidUrl::new(&issuer, "key-1").expect("a DID URL");
    let request = IssuanceRequest {
        credential_type: types.first().expect("the resident card"),
        issuer: issuer.as_str(),
        kid: &kid,
        x5c: &[certificate()],
        claims,
        iat: NOW - 86_400 - 977 * person as u64,
        nbf: NOW - 86_400 - 977 * person as u64,
        exp: NOW - 86_400 - 977 * person as u64 + 315_360_000,
        holder: holder.public_key(),
        status: StatusReference {
            uri: "https://issuer.seoul.example/status/3".to_owned(),
            idx: 524_287 + 7919 * person as u32,
        },
    };
    let mut counter = 0;
    let mut salts = || {
        counter += 1;
        let salt = sha256(format!("salt {person} {counter}").as_bytes());
        *salt.first_chunk().expect("16 bytes")
    };
    let compact = issue_credential(&request, &mut salts, &key(1)).expect("a credential");
    UnverifiedCredential::parse(&compact)
        .and_then(|credential| credential.verify(key(1).public_key(), NOW))
        .expect("a valid credential")
}

/// Presents claims of a citizen's card, given as dotted paths.
pub fn presentation(person: usize, query_id: &str, paths: &[&str]) -> String {
    let paths: Vec<_> = paths
        .iter()
        .map(|path| path.parse().expect("a path"))
        .collect();
    let card = card(person, &claims(person));
    let nonce = b64url(&noise(&format!("nonce {person}"), 16));
    let holder = key(10 + person as u8);
    let compact = present(&card, &paths, &audience(), &nonce, NOW - 2, &holder).expect("presents");
    VpToken::new(query_id, compact).to_json()
}

/// Presents what a registered template asks for.
pub fn template_presentation(person: usize, id: &str) -> String {
    let template = template(id).expect("a template");
    let claims = claims(person);
    let selection = template
        .query()
        .select(&[("urn:jumin:resident-card:1", &claims)])
        .expect("the card answers");
    let paths: Vec<String> = selection[0]
        .disclose
        .iter()
        .map(ToString::to_string)
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    presentation(person, id, &paths)
}

/// Is what an issuer publishes: learnt from other citizens than those who present in the tests.
pub fn dictionary() -> Vec<u8> {
    let samples: Vec<String> = (20..26)
        .flat_map(|person| {
            ["identity-portrait", "address", "age-19", "identity"]
                .map(|id| template_presentation(person, id))
        })
        .collect();
    train_dictionary(&samples)
}

/// Is what a counter knows that has synchronized.
pub fn context() -> &'static CodecContext {
    static CONTEXT: LazyLock<CodecContext> = LazyLock::new(|| {
        let mut context = CodecContext::new();
        context.add_dictionary(dictionary()).expect("a dictionary");
        context
    });
    &CONTEXT
}

/// Is what a counter knows that has the issuer's header, but no dictionary.
pub fn context_with_header(token: &str) -> CodecContext {
    let header = token.split(['"', '.']).nth(3).expect("a header");
    let header = jumin_identity::b64url_decode(header).expect("base64url");
    let mut context = CodecContext::new();
    context.add_header(&header).expect("a header");
    context
}
