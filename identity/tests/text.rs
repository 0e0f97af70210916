//! Which texts people can read as they are, against each kind of character that hides.

use jumin_identity::text::{Illegible, require_legible, seen_part, tidied};
use jumin_identity::{
    CredentialType, CredentialTypeError, Did, DidUrl, FileKey, IssuanceRequest, Signer,
    StatusReference, builtin_types, issue_credential, sha256,
};
use serde_json::{Map, Value, json};

#[test]
fn names_that_can_not_be_seen_are_refused_by_what_they_hide() {
    for (hidden, what) in [
        ('\u{200b}', "zero width space"),
        ('\u{feff}', "byte order mark"),
        ('\u{202e}', "right-to-left override"),
        ('\u{2066}', "left-to-right isolate"),
        ('\u{3164}', "hangul filler"),
        ('\u{ffa0}', "halfwidth hangul filler"),
        ('\u{115f}', "hangul choseong filler"),
        ('\u{1160}', "hangul jungseong filler"),
        ('\u{2800}', "braille pattern blank"),
        ('\u{ad}', "soft hyphen"),
        ('\u{34f}', "combining grapheme joiner"),
        ('\u{180e}', "mongolian vowel separator"),
        ('\u{200d}', "zero width joiner"),
        ('\u{2060}', "word joiner"),
        ('\u{fe0f}', "variation selector"),
        ('\u{e0100}', "variation selector for ideographs"),
        ('\u{e0041}', "tag"),
        ('\u{fff9}', "interlinear annotation"),
        ('\u{1d159}', "null notehead"),
        ('\u{13441}', "full blank among hieroglyphs"),
        ('\u{13442}', "half blank among hieroglyphs"),
        ('\u{fffc}', "object replacement character"),
        ('\u{2028}', "line separator"),
        ('\u{3000}', "ideographic space"),
        ('\u{a0}', "no-break space"),
        ('\u{200a}', "hair space"),
        ('\u{85}', "next line"),
        ('\t', "tab"),
        ('\0', "nul"),
        ('\u{e000}', "private use"),
        ('\u{378}', "unassigned"),
        ('\u{10ffff}', "noncharacter"),
    ] {
        for text in [format!("홍{hidden}길동"), hidden.to_string()] {
            assert_eq!(require_legible(&text), Err(Illegible::Unseen), "{what}");
        }
    }
    for blank in ["", " ", "\u{301}", " \u{5b0}"] {
        let refused = require_legible(blank).unwrap_err();
        assert_eq!(refused, Illegible::Blank, "{blank:?}");
    }
    for stray in [" 종로구", "종로구 ", "종로구  민원실"] {
        assert_eq!(require_legible(stray), Err(Illegible::StraySpace));
    }
    // The same syllable as letters, and a hanja by the code point of one of its readings.
    for other in ["\u{1112}\u{1169}\u{11bc}길동", "\u{f95c}"] {
        assert_eq!(require_legible(other), Err(Illegible::NotComposed));
    }
}

#[test]
fn names_as_people_have_them_are_legible() {
    for name in [
        "홍길동",
        "洪吉童",
        "Hong Gil-dong",
        "O’Neill, Siân",
        "서울특별시 종로구청장 (제2청사)",
        "Nguyễn Thị Minh Khai",
        "עברית العربية فارسی",
        "<img src=x onerror=alert(1)>",
        "ㅎ",
        "119",
        "👩",
    ] {
        assert_eq!(require_legible(name), Ok(()), "{name}");
        assert_eq!(tidied(name), name);
        assert_eq!(seen_part(name), name);
    }
}

#[test]
fn what_looks_the_same_becomes_the_same() {
    assert_eq!(tidied("\u{1112}\u{1169}\u{11bc}길동"), "홍길동");
    assert_eq!(tidied("\u{3000}종로\u{a0}구 "), "종로 구");
    assert_eq!(tidied("종로구 \u{a0}  민원실"), "종로구 민원실");
    assert_eq!(tidied("\u{f95c}"), "樂");
    // What can't be seen is left for the check to refuse.
    assert_eq!(tidied("홍\u{200b}길동"), "홍\u{200b}길동");
    assert_eq!(seen_part("\u{202e}홍\u{3164}길동\u{a0}씨\n"), "홍길동 씨");
}

/// Validators must agree on what a legible name is: a newer table is a change of the ledger's rules.
#[test]
fn legible_characters_are_those_of_the_frozen_table() {
    let every = (0..=u32::from(char::MAX)).filter_map(char::from_u32);
    let kind = |character: char| match require_legible(character.encode_utf8(&mut [0; 4])) {
        Ok(()) => b'.',
        Err(Illegible::Unseen) => b'u',
        Err(Illegible::Blank) => b'b',
        Err(Illegible::StraySpace) => b's',
        Err(Illegible::NotComposed) => b'n',
    };
    let kinds: Vec<u8> = every.map(kind).collect();
    let digest: String = sha256(&kinds).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(
        digest,
        "9fe5fc1116176a45a2a66d8588252a5189544920165de8c65d0c027eea88d001"
    );
}

fn definition(name: &str, label: &str, claim: &str) -> Vec<u8> {
    let definition = json!({
        "vct": "urn:test:1",
        "display": [{"locale": "ko-KR", "name": name}],
        "claims": [{"path": [claim], "sd": "always", "display": [{"locale": "ko-KR", "label": label}]}],
        "validity_seconds": 1_000,
        "card": {"background_color": "#000000", "text_color": "#ffffff", "title": [claim], "fields": []},
    });
    definition.to_string().into_bytes()
}

#[test]
fn names_in_a_type_definition_must_be_legible() {
    let read = |name: &str, label: &str, claim: &str| {
        CredentialType::from_json(&definition(name, label, claim)).err()
    };
    assert_eq!(read("주민등록증", "성명", "name"), None);
    for hidden in ["\u{3164}", "성\u{200b}명", "성명\u{e0041}", "", "\u{2800}"] {
        let refused = Some(CredentialTypeError::Illegible);
        assert_eq!(read(hidden, "성명", "name"), refused, "{hidden:?}");
        assert_eq!(read("주민등록증", hidden, "name"), refused, "{hidden:?}");
        assert_eq!(read("주민등록증", "성명", hidden), refused, "{hidden:?}");
    }
    assert_eq!(builtin_types().len(), 3);
}

#[test]
fn text_that_can_not_be_seen_is_not_signed() {
    let kind = CredentialType::from_json(&definition("이름", "성명", "name")).unwrap();
    let (issuer, holder) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
    let did = Did::from_digest(&"dev".parse().unwrap(), &[9; 32]);
    let issue = |value: Value| {
        let mut claims = Map::new();
        claims.insert("name".to_owned(), value);
        let request = IssuanceRequest {
            credential_type: &kind,
            issuer: did.as_str(),
            kid: &DidUrl::new(&did, "key-1").unwrap(),
            x5c: &[],
            claims: &claims,
            iat: 1,
            nbf: 1,
            exp: 2,
            holder: holder.public_key(),
            status: StatusReference {
                uri: "https://issuer.example/1".to_owned(),
                idx: 1,
            },
        };
        issue_credential(&request, &mut || [7; 16], &issuer)
    };
    for legible in [json!("홍길동"), json!(""), json!({"parts": ["洪", "吉童"]})] {
        assert!(issue(legible.clone()).is_ok(), "{legible}");
    }
    for hidden in [
        json!("\u{3164}"),
        json!("홍\u{200b}안보"),
        json!({"parts": ["김\u{202e}역순"]}),
        json!(["홍안보\u{feff}"]),
    ] {
        let refused = issue(hidden.clone()).unwrap_err();
        assert_eq!(refused.code(), "text_unseen", "{hidden}");
    }
}
