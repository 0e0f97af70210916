//! No parser panics, whatever it is given.

mod support;

use jumin_identity::{
    ClaimPath, CredentialType, Did, DidUrl, FileKey, Jwk, PublicKey, Signer, Status, StatusList,
    UnverifiedCredential, UnverifiedJws, UnverifiedPresentation, UnverifiedStatusListToken, b64url,
    b64url_decode, compact_status, parse_json_strict,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use support::{Forge, disclosure, issuer, raw_jws, verify};

fn read_as_everything(text: &str) {
    let _ = text.parse::<Did>();
    let _ = text.parse::<DidUrl>();
    let _ = text.parse::<ClaimPath>().map(|path| path.to_string());
    let _ = b64url_decode(text);
    let _ = FileKey::from_pkcs8_pem(text);
    let _ = UnverifiedJws::parse(text, 1 << 16);
    let _ = UnverifiedCredential::parse(text);
    let _ = UnverifiedPresentation::parse(text);
    let _ = UnverifiedStatusListToken::parse(text);
    let _ = serde_json::from_str::<Jwk>(text).map(|jwk| PublicKey::from_jwk(&jwk));
}

/// JSON of all kinds, with the names that mean something here more often than others.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(Value::from(b64url(&[7; 32]))),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let name = prop_oneof![
            "[a-z]{1,3}",
            Just("_sd".to_owned()),
            Just("...".to_owned()),
            Just("_sd_alg".to_owned())
        ];
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((name, inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn arbitrary_text_is_read_or_refused(text in ".{0,300}") {
        read_as_everything(&text);
    }

    #[test]
    fn arbitrary_text_of_the_right_alphabet_is_read_or_refused(text in "[A-Za-z0-9_~.:#-]{0,300}") {
        read_as_everything(&text);
    }

    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300)) {
        let _ = parse_json_strict(&bytes, 8);
        let _ = PublicKey::from_sec1(&bytes);
        let _ = FileKey::from_pkcs8_der(&bytes);
        let _ = CredentialType::from_json(&bytes);
        let _ = compact_status::decode(&bytes);
    }

    #[test]
    fn arbitrary_claims_and_disclosures_are_read_or_refused(
        claims in vec(("[a-z_.]{1,4}", json()), 0..4),
        disclosures in vec(json(), 0..4),
    ) {
        let mut forge = Forge::right();
        for (name, value) in claims {
            forge = forge.claim(&name, value);
        }
        for parts in disclosures {
            forge = forge.disclose(parts);
        }
        let _ = verify(&forge.text());
    }

    #[test]
    fn arbitrary_signed_payloads_are_read_or_refused(header in json(), payload in json(), extra in json()) {
        let jws = raw_jws(r#"{"alg":"ES256","typ":"statuslist+jwt"}"#, &payload.to_string(), &issuer());
        let _ = UnverifiedStatusListToken::parse(&jws).map(|token| token.verify(issuer().public_key(), "x", 0));
        read_as_everything(&raw_jws(&header.to_string(), &payload.to_string(), &issuer()));
        let jws = raw_jws(r#"{"alg":"ES256","typ":"dc+sd-jwt"}"#, &payload.to_string(), &issuer());
        let _ = UnverifiedCredential::parse(&format!("{jws}~{}~", disclosure(&extra)))
            .map(|credential| credential.verify(issuer().public_key(), 0));
    }

    #[test]
    fn one_changed_character_is_never_accepted(at in any::<prop::sample::Index>(), other in "[A-Za-z0-9_~.-]") {
        let text = support_text();
        let at = at.index(text.len());
        let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
        prop_assert!(changed == text || verify(&changed).is_err(), "{at}");
    }

    #[test]
    fn compact_form_of_a_list_is_lossless(set in vec((0u32..4096, 0u8..4), 0..300)) {
        let mut list = StatusList::new(4096);
        for (index, bits) in set {
            let status = [Status::Valid, Status::Invalid, Status::Suspended, Status::ApplicationSpecific(3)];
            list.set(index, status[usize::from(bits)]).unwrap();
        }
        prop_assert_eq!(compact_status::decode(&compact_status::encode(&list)), Ok(list));
    }
}

fn support_text() -> &'static str {
    static TEXT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    TEXT.get_or_init(|| Forge::right().text())
}
