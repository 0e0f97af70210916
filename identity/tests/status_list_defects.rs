//! Every defect of a status list token is refused with its own error, in a fresh forgery and in a frozen vector.

mod support;

use jumin_identity::{
    Signer, Status, StatusError, StatusList, UnverifiedStatusListToken, VerifiedStatusList, b64url,
    sign_status_list,
};
use libdeflater::{CompressionLvl, Compressor};
use serde_json::{Value, json};
use support::{LIST, NOW, issuer, key, raw_jws, spoil_after};

type Defect = (&'static str, fn() -> String, &'static str, &'static str);

macro_rules! defects {
    ($($name:ident: $text:expr => $error:literal, $code:literal;)*) => {
        const DEFECTS: &[Defect] = &[$((stringify!($name), || $text, $error, $code)),*];
        mod refused {
            $(#[test] fn $name() { super::assert_refused(stringify!($name)); })*
        }
    };
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = Compressor::new(CompressionLvl::best());
    let mut out = vec![0; compressor.zlib_compress_bound(bytes.len())];
    let length = compressor.zlib_compress(bytes, &mut out).unwrap();
    out.truncate(length);
    out
}

fn payload() -> Value {
    let list = json!({"bits": 2, "lst": b64url(&deflate(&[0xc9, 0x44, 0xf9]))});
    json!({"sub": LIST, "iat": NOW - 10, "exp": NOW + 100, "ttl": 60, "status_list": list})
}

fn token(change: impl FnOnce(&mut Value)) -> String {
    let mut payload = payload();
    change(&mut payload);
    raw_jws(
        r#"{"alg":"ES256","typ":"statuslist+jwt"}"#,
        &payload.to_string(),
        &issuer(),
    )
}

fn token_of(bytes: &[u8]) -> String {
    token(|p| p["status_list"]["lst"] = json!(b64url(bytes)))
}

fn verify(text: &str) -> Result<VerifiedStatusList, StatusError> {
    UnverifiedStatusListToken::parse(text)?.verify(issuer().public_key(), LIST, NOW)
}

defects! {
    typ_of_another_kind: raw_jws(r#"{"alg":"ES256","typ":"JWT"}"#, &payload().to_string(), &issuer()) => "Malformed", "malformed";
    alg_none: raw_jws(r#"{"alg":"none","typ":"statuslist+jwt"}"#, &payload().to_string(), &issuer()) => "Unsupported", "unsupported";
    crit_unknown: raw_jws(r#"{"alg":"ES256","typ":"statuslist+jwt","crit":["x"]}"#, &payload().to_string(), &issuer())
        => "Unsupported", "unsupported";
    signature_tampered: spoil_after(&token(|_| ()), '.') => "SignatureInvalid", "signature_invalid";
    signed_by_another_key: raw_jws(r#"{"alg":"ES256","typ":"statuslist+jwt"}"#, &payload().to_string(), &key(9))
        => "SignatureInvalid", "signature_invalid";
    sub_of_another_list: token(|p| p["sub"] = json!("https://issuer.example/status/2")) => "WrongSubject", "wrong_status_list";
    sub_missing: token(|p| p["sub"] = json!(null)) => "Malformed", "malformed";
    expired: token(|p| p["exp"] = json!(NOW)) => "Expired", "status_stale";
    iat_in_the_future: token(|p| p["iat"] = json!(NOW + 301)) => "InFuture", "not_yet_valid";
    iat_missing: token(|p| { p.as_object_mut().unwrap().remove("iat"); }) => "Malformed", "malformed";
    ttl_zero: token(|p| p["ttl"] = json!(0)) => "Malformed", "malformed";
    bits_of_another_width: token(|p| p["status_list"]["bits"] = json!(1)) => "Unsupported", "unsupported";
    bits_impossible: token(|p| p["status_list"]["bits"] = json!(3)) => "Malformed", "malformed";
    list_missing: token(|p| p["status_list"] = json!({"bits": 2})) => "Malformed", "malformed";
    list_not_base64url: token(|p| p["status_list"]["lst"] = json!("++++")) => "Malformed", "malformed";
    list_not_zlib: token_of(b"not zlib at all") => "Malformed", "malformed";
    list_truncated: token_of(&deflate(&[7; 5000])[..12]) => "Malformed", "malformed";
    list_with_wrong_checksum: token_of(&{ let mut b = deflate(&[7; 50]); *b.last_mut().unwrap() ^= 1; b }) => "Malformed", "malformed";
    list_is_a_zip_bomb: token_of(&deflate(&vec![0; 16 * 1024 * 1024])) => "TooLarge", "malformed";
    payload_member_twice: raw_jws(r#"{"alg":"ES256","typ":"statuslist+jwt"}"#,
        &payload().to_string().replacen("\"ttl\"", "\"exp\":1,\"ttl\"", 1), &issuer()) => "Malformed", "malformed";
    text_empty: String::new() => "Malformed", "malformed";
}

fn assert_refused(name: &str) {
    let (_, forge, error, code) = DEFECTS.iter().find(|defect| defect.0 == name).unwrap();
    let refusal = verify(&forge()).unwrap_err();
    assert_eq!(
        (format!("{refusal:?}").as_str(), refusal.code()),
        (*error, *code)
    );
}

#[test]
fn token_without_defect_gives_its_list() {
    let verified = verify(&token(|_| ())).unwrap();
    assert_eq!(verified.list.as_bytes(), [0xc9, 0x44, 0xf9]);
    assert_eq!(
        (verified.issued_at, verified.expires, verified.ttl),
        (NOW - 10, Some(NOW + 100), Some(60))
    );
    assert_eq!(verified.list.get(1), Some(Status::Suspended));
    assert_eq!(verified.list.get(12), None);
}

#[test]
fn token_over_3_mib_is_refused() {
    assert!(matches!(
        UnverifiedStatusListToken::parse(&"a".repeat(3 * 1024 * 1024 + 1)),
        Err(StatusError::TooLarge)
    ));
}

#[test]
fn signed_list_of_2_to_the_20_comes_back_exactly() {
    let mut list = StatusList::new(1 << 20);
    list.set(1 << 19, Status::Invalid).unwrap();
    list.set((1 << 20) - 1, Status::Suspended).unwrap();
    let kid = "did:jumin:dev:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#key-1"
        .parse()
        .unwrap();
    let token = sign_status_list(&list, LIST, NOW, NOW + 60, 30, &kid, &[], &issuer()).unwrap();
    let parsed = UnverifiedStatusListToken::parse(&token).unwrap();
    assert_eq!(
        parsed.dangerous_kid_unverified(),
        Some(kid.to_string().as_str())
    );
    let verified = parsed.verify(issuer().public_key(), LIST, NOW).unwrap();
    assert_eq!(
        (verified.list.digest(), &verified.list),
        (list.digest(), &list)
    );
}

mod vectors {
    use super::*;
    use std::{fs, path::PathBuf};

    fn directory() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/status_list")
    }

    fn expected(name: &str, error: &str, code: &str, text: String) -> Value {
        let jwk = issuer().public_key().to_jwk();
        json!({"defect": name, "error": error, "code": code, "issuer_jwk": jwk, "now": NOW, "uri": LIST, "token": text})
    }

    #[test]
    fn every_frozen_status_list_is_judged_as_before() {
        let mut names: Vec<_> = DEFECTS
            .iter()
            .map(|defect| (defect.0, defect.2, defect.3))
            .collect();
        names.push(("none", "", "valid"));
        for (name, error, code) in names {
            let file = fs::read(directory().join(format!("{name}.json")))
                .unwrap_or_else(|_| panic!("no vector {name}"));
            let vector: Value = serde_json::from_slice(&file).unwrap();
            let text = vector["token"].as_str().unwrap();
            let refusal = verify(text).err();
            assert_eq!(
                refusal.as_ref().map_or("valid", |refusal| refusal.code()),
                code,
                "{name}"
            );
            assert_eq!(
                refusal.map_or(String::new(), |refusal| format!("{refusal:?}")),
                error,
                "{name}"
            );
            assert_eq!(
                vector,
                expected(name, error, code, text.to_owned()),
                "{name}"
            );
        }
    }

    /// Writes the vectors that are not there yet; run it by hand after adding a defect.
    #[test]
    #[ignore = "writes into the source tree"]
    fn write_missing_vectors() {
        fs::create_dir_all(directory()).unwrap();
        let right: Defect = ("none", || token(|_| ()), "", "valid");
        for (name, forge, error, code) in DEFECTS.iter().chain([&right]) {
            let path = directory().join(format!("{name}.json"));
            if !path.exists() {
                let vector =
                    serde_json::to_string_pretty(&expected(name, error, code, forge())).unwrap();
                fs::write(path, vector + "\n").unwrap();
            }
        }
    }
}
