//! Every defect of a presentation is refused with its own error, in a fresh forgery and in a frozen vector.

mod support;

use serde_json::json;
use support::{Forge, NOW, digest, disclosure, key, raw_jws, spoil_after, verify};

/// Is the name of a defect, how to forge it, the error and its code.
type Defect = (&'static str, fn() -> String, &'static str, &'static str);

macro_rules! defects {
    ($($name:ident: $text:expr => $error:literal, $code:literal;)*) => {
        const DEFECTS: &[Defect] = &[$((stringify!($name), || $text, $error, $code)),*];
        mod refused {
            $(#[test] fn $name() { super::assert_refused(stringify!($name)); })*
        }
    };
}

fn right() -> Forge {
    Forge::right()
}

/// Forges a presentation whose payload is given as text, `"iss"` being replaced.
fn with_iss_text(replacement: &str) -> String {
    let forge = right();
    let payload = forge
        .payload
        .to_string()
        .replacen("\"iss\":", replacement, 1);
    forge.bind(&forge.sd_jwt_of(&payload))
}

fn nested(levels: usize) -> serde_json::Value {
    (0..levels).fold(json!(1), |value, _| json!({"in": value}))
}

defects! {
    tampered_disclosure: right().with(|f| f.disclosures[0] = disclosure(&json!(["c2FsdDE", "birthdate", "other"]))).text()
        => "Credential(DisclosureUnreferenced)", "signature_invalid";
    tampered_issuer_signature: { let f = right(); let sd = f.sd_jwt(); let (jwt, rest) = sd.split_once('~').unwrap();
        f.bind(&format!("{}~{rest}", spoil_after(jwt, '.'))) } => "Credential(SignatureInvalid)", "signature_invalid";
    tampered_payload: { let f = right(); let sd = f.sd_jwt(); let other = right().claim("issue_date", json!("2020-01-01")).sd_jwt();
        let (own, theirs): (Vec<_>, Vec<_>) = (sd.split('.').collect(), other.split('.').collect());
        f.bind(&format!("{}.{}.{}", own[0], theirs[1], own[2])) } => "Credential(SignatureInvalid)", "signature_invalid";
    signed_by_another_key: right().with(|f| f.signer = key(9)).text()
        => "Credential(SignatureInvalid)", "signature_invalid";

    disclosure_unreferenced: right().with(|f| f.disclosures.push(disclosure(&json!(["c2FsdDk", "title", "king"])))).text()
        => "Credential(DisclosureUnreferenced)", "signature_invalid";
    disclosure_duplicated: right().with(|f| f.disclosures.push(f.disclosures[0].clone())).text()
        => "Credential(DigestRepeated)", "malformed";
    digest_duplicated: right().with(|f| f.digest_at_top(&digest(&f.disclosures[0].clone()))).text()
        => "Credential(DigestRepeated)", "malformed";
    digest_of_nothing_duplicated: right().with(|f| { f.digest_at_top(&digest("x")); f.digest_at_top(&digest("x")); }).text()
        => "Credential(DigestRepeated)", "malformed";
    digest_at_two_levels: right().with(|f| { let d = digest(&f.disclosures[0]); f.payload["address"]["_sd"][0] = json!(d); f.disclosures.remove(2); }).text()
        => "Credential(DigestRepeated)", "malformed";

    disclosure_shadows_iss: right().disclose(json!(["c2FsdDk", "iss", "did:jumin:dev:other"])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_shadows_exp: right().disclose(json!(["c2FsdDk", "exp", NOW * 2])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_shadows_nbf: right().disclose(json!(["c2FsdDk", "nbf", 0])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_shadows_cnf: right().disclose(json!(["c2FsdDk", "cnf", {}])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_shadows_status: right().disclose(json!(["c2FsdDk", "status", {}])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_shadows_vct: right().disclose(json!(["c2FsdDk", "vct", "urn:other"])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_shadows_vct_integrity: right().disclose(json!(["c2FsdDk", "vct#integrity", "sha256-AA=="])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_supplies_missing_exp: right().claim("exp", json!(null)).disclose(json!(["c2FsdDk", "exp", NOW * 2])).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_inside_cnf: right().with(|f| { let text = disclosure(&json!(["c2FsdDk", "jwk", f.payload["cnf"]["jwk"]]));
        f.payload["cnf"] = json!({"_sd": [digest(&text)]}); f.disclosures.push(text); }).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_inside_status: right().with(|f| { let text = disclosure(&json!(["c2FsdDk", "uri", support::LIST]));
        f.payload["status"] = json!({"status_list": {"idx": 1, "_sd": [digest(&text)]}}); f.disclosures.push(text); }).text()
        => "Credential(ProtectedClaim)", "malformed";
    disclosure_shadows_plain_claim: right().disclose(json!(["c2FsdDk", "issue_date", "2020-01-01"])).text()
        => "Credential(ClaimShadowed)", "malformed";
    disclosure_shadows_disclosed_claim: right().disclose(json!(["c2FsdDk", "sex", "other"])).text()
        => "Credential(ClaimShadowed)", "malformed";
    disclosure_shadows_nested_claim: right().disclose_in_address(json!(["c2FsdDk", "sido", "other"])).text()
        => "Credential(ClaimShadowed)", "malformed";

    disclosure_named_sd: right().disclose(json!(["c2FsdDk", "_sd", []])).text() => "Credential(ReservedName)", "malformed";
    disclosure_named_dots: right().disclose(json!(["c2FsdDk", "...", "x"])).text() => "Credential(ReservedName)", "malformed";
    disclosure_named_sd_alg: right().disclose(json!(["c2FsdDk", "_sd_alg", "sha-256"])).text()
        => "Credential(ReservedName)", "malformed";
    claim_named_dots: right().claim("...", json!("x")).text() => "Credential(ReservedName)", "malformed";
    sd_alg_inside_a_claim: right().with(|f| f.payload["address"]["_sd_alg"] = json!("sha-256")).text()
        => "Credential(ReservedName)", "malformed";
    array_digest_with_second_key: right().with(|f| f.payload["members"][0]["x"] = json!(1)).text()
        => "Credential(ReservedName)", "malformed";

    two_element_disclosure_in_object: right().disclose(json!(["c2FsdDk", "value"])).text()
        => "Credential(DisclosureMalformed)", "malformed";
    three_element_disclosure_in_array: right().disclose_member(json!(["c2FsdDk", "name", "value"])).text()
        => "Credential(DisclosureMalformed)", "malformed";
    one_element_disclosure: right().disclose(json!(["c2FsdDk"])).text() => "Credential(DisclosureMalformed)", "malformed";
    four_element_disclosure: right().disclose(json!(["c2FsdDk", "a", 1, 2])).text()
        => "Credential(DisclosureMalformed)", "malformed";
    disclosure_is_an_object: right().disclose(json!({"salt": "c2FsdDk"})).text()
        => "Credential(DisclosureMalformed)", "malformed";
    disclosure_without_salt: right().disclose(json!([1, "a", "b"])).text()
        => "Credential(DisclosureMalformed)", "malformed";
    disclosure_name_is_a_number: right().disclose(json!(["c2FsdDk", 1, "b"])).text()
        => "Credential(DisclosureMalformed)", "malformed";
    disclosure_name_too_long: right().disclose(json!(["c2FsdDk", "n".repeat(257), "b"])).text()
        => "Credential(DisclosureMalformed)", "malformed";
    disclosure_not_base64url: right().with(|f| f.disclosures.push("a+b/".to_owned())).text()
        => "Credential(DisclosureMalformed)", "malformed";
    disclosure_empty: right().with(|f| f.disclosures.push(String::new())).text()
        => "Credential(DisclosureMalformed)", "malformed";
    disclosure_value_with_member_twice: right().with(|f| f.disclosures.push(jumin_identity::b64url(br#"["c2FsdDk","a",{"b":1,"b":2}]"#))).text()
        => "Credential(DisclosureMalformed)", "malformed";

    sd_alg_sha_1: right().claim("_sd_alg", json!("sha-1")).text() => "Credential(UnsupportedHash)", "unsupported";
    sd_alg_not_a_string: right().claim("_sd_alg", json!(256)).text() => "Credential(Malformed)", "malformed";
    sd_not_an_array: right().claim("_sd", json!("x")).text() => "Credential(Malformed)", "malformed";
    digest_not_a_string: right().claim("_sd", json!([1])).text() => "Credential(Malformed)", "malformed";
    digest_too_short: right().claim("_sd", json!(["AAAA"])).text() => "Credential(Malformed)", "malformed";

    typ_of_another_kind: right().head("typ", json!("JWT")).text() => "Credential(WrongType)", "malformed";
    typ_missing: right().head("typ", json!(null)).text() => "Credential(WrongType)", "malformed";
    alg_none: right().head("alg", json!("none")).text() => "Credential(UnsupportedAlgorithm)", "unsupported";
    alg_hs256: right().head("alg", json!("HS256")).text() => "Credential(UnsupportedAlgorithm)", "unsupported";
    alg_es384: right().head("alg", json!("ES384")).text() => "Credential(UnsupportedAlgorithm)", "unsupported";
    alg_missing: right().head("alg", json!(null)).text() => "Credential(Malformed)", "malformed";
    crit_unknown: right().head("crit", json!(["exp"])).head("exp", json!(1)).text()
        => "Credential(UnsupportedExtension)", "unsupported";
    b64_false: right().head("b64", json!(false)).text() => "Credential(UnsupportedExtension)", "unsupported";
    header_member_twice: { let f = right(); let header = r#"{"alg":"ES256","typ":"dc+sd-jwt","typ":"dc+sd-jwt"}"#;
        f.bind(&format!("{}~", raw_jws(header, &f.payload.to_string(), &f.signer))) } => "Credential(Malformed)", "malformed";
    payload_member_twice: with_iss_text(r#""iss":"did:jumin:dev:other","iss":"#) => "Credential(Malformed)", "malformed";

    expired: right().claim("exp", json!(NOW)).text() => "Credential(Expired)", "expired";
    not_yet_valid: right().claim("nbf", json!(NOW + 1)).text() => "Credential(NotYetValid)", "not_yet_valid";
    exp_missing: right().claim("exp", json!(null)).text() => "Credential(MissingClaim(\"exp\"))", "malformed";
    exp_not_a_number: right().claim("exp", json!("1900000000")).text() => "Credential(Malformed)", "malformed";
    iss_missing: right().claim("iss", json!(null)).text() => "Credential(MissingClaim(\"iss\"))", "malformed";
    iss_too_long: right().claim("iss", json!("d".repeat(2049))).text() => "Credential(TooLong)", "malformed";
    vct_missing: right().claim("vct", json!(null)).text() => "Credential(MissingClaim(\"vct\"))", "malformed";
    cnf_missing: right().claim("cnf", json!(null)).text() => "Credential(MissingClaim(\"cnf\"))", "malformed";
    cnf_without_jwk: right().claim("cnf", json!({"kid": "x"})).text() => "Credential(UnsupportedBinding)", "unsupported";
    cnf_with_private_key: right().with(|f| f.payload["cnf"]["jwk"]["d"] = json!("AAAA")).text()
        => "Credential(UnsupportedBinding)", "unsupported";
    cnf_off_the_curve: right().with(|f| f.payload["cnf"]["jwk"]["y"] = f.payload["cnf"]["jwk"]["x"].clone()).text()
        => "Credential(UnsupportedBinding)", "unsupported";
    cnf_of_another_curve: right().with(|f| f.payload["cnf"]["jwk"]["crv"] = json!("secp256k1")).text()
        => "Credential(UnsupportedBinding)", "unsupported";
    status_missing: right().claim("status", json!(null)).text() => "Credential(MissingClaim(\"status\"))", "malformed";
    status_of_another_mechanism: right().claim("status", json!({"bitstring": {}})).text()
        => "Credential(UnsupportedBinding)", "unsupported";
    status_index_negative: right().with(|f| f.payload["status"]["status_list"]["idx"] = json!(-1)).text()
        => "Credential(Malformed)", "malformed";
    status_index_too_large: right().with(|f| f.payload["status"]["status_list"]["idx"] = json!(1u64 << 32)).text()
        => "Credential(Malformed)", "malformed";
    status_uri_too_long: right().with(|f| f.payload["status"]["status_list"]["uri"] = json!("u".repeat(2049))).text()
        => "Credential(TooLong)", "malformed";

    kb_missing: right().sd_jwt() => "KeyBindingMissing", "holder_binding_invalid";
    kb_signature_tampered: spoil_after(&right().text(), '.') => "HolderSignatureInvalid", "holder_binding_invalid";
    kb_signed_by_another_key: right().with(|f| f.kb_signer = key(9)).text()
        => "HolderSignatureInvalid", "holder_binding_invalid";
    kb_typ_of_another_kind: right().kb_head("typ", json!("JWT")).text() => "KeyBindingMalformed", "holder_binding_invalid";
    kb_alg_none: right().kb_head("alg", json!("none")).text() => "KeyBindingUnsupported", "unsupported";
    kb_crit_unknown: right().kb_head("crit", json!(["x"])).text() => "KeyBindingUnsupported", "unsupported";
    kb_nonce_of_another_request: right().kb("nonce", json!("other")).text() => "WrongNonce", "request_mismatch";
    kb_nonce_missing: right().kb("nonce", json!(null)).text() => "KeyBindingMalformed", "holder_binding_invalid";
    kb_audience_of_another_verifier: right().kb("aud", json!("x509_hash:other")).text()
        => "WrongAudience", "request_mismatch";
    kb_audience_is_a_list: right().kb("aud", json!([support::AUDIENCE])).text()
        => "KeyBindingMalformed", "holder_binding_invalid";
    kb_sd_hash_missing: right().kb("sd_hash", json!(null)).text() => "KeyBindingMalformed", "holder_binding_invalid";
    kb_sd_hash_over_issuer_jwt_only: right().with(|f| f.hashed = |sd| sd.split('~').next().unwrap().to_owned()).text()
        => "WrongHash", "holder_binding_invalid";
    kb_jwt_missing_last_tilde: right().with(|f| f.hashed = |sd| sd.strip_suffix('~').unwrap().to_owned()).text()
        => "WrongHash", "holder_binding_invalid";
    kb_of_other_disclosures: { let f = right(); let text = f.text(); let last = f.disclosures.last().unwrap().clone() + "~";
        text.replacen(&last, "", 1) } => "WrongHash", "holder_binding_invalid";
    kb_iat_too_old: right().kb("iat", json!(NOW - 61)).text() => "TooOld", "presentation_expired";
    kb_iat_in_the_future: right().kb("iat", json!(NOW + 11)).text() => "InFuture", "presentation_expired";
    kb_iat_missing: right().kb("iat", json!(null)).text() => "KeyBindingMalformed", "holder_binding_invalid";
    kb_expired: right().kb("exp", json!(NOW)).text() => "TooOld", "presentation_expired";
    kb_joined_without_tilde: right().text().rsplit_once('~').map(|(sd, kb)| format!("{sd}{kb}")).unwrap()
        => "KeyBindingMalformed", "holder_binding_invalid";
    kb_too_long: right().kb("x", json!("x".repeat(8192))).text() => "KeyBindingMalformed", "holder_binding_invalid";

    text_empty: String::new() => "Credential(Malformed)", "malformed";
    text_of_tildes: "~~~~x".to_owned() => "Credential(Malformed)", "malformed";
    jwt_of_two_parts: { let f = right(); let jwt = f.sd_jwt(); f.bind(&format!("{}~", jwt.rsplit_once('.').unwrap().0)) }
        => "Credential(Malformed)", "malformed";
    jwt_of_four_parts: { let f = right(); f.bind(&f.sd_jwt().replacen('.', ".AAAA.", 1)) } => "Credential(Malformed)", "malformed";
    payload_not_json: { let f = right(); f.bind(&f.sd_jwt_of("{\"iss\":")) } => "Credential(Malformed)", "malformed";
    payload_is_an_array: { let f = right(); f.bind(&f.sd_jwt_of("[]")) } => "Credential(Malformed)", "malformed";
    payload_too_deep: right().claim("deep", nested(8)).text() => "Credential(Malformed)", "malformed";
    disclosures_nest_too_deep: right().disclose_in_address(json!(["c2FsdDk", "deep", nested(6 + 1)])).text()
        => "Credential(TooDeep)", "malformed";
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
fn presentation_without_defect_is_accepted() {
    let presentation = verify(&right().text()).unwrap();
    let claims = presentation.credential().claims();
    assert_eq!(claims["members"], json!([{"name": "b"}]));
    assert_eq!(claims["address"], json!({"sido": "value", "road": "value"}));
    assert_eq!(
        (&claims["sex"], claims.get("portrait")),
        (&json!("value"), None)
    );
    let paths: Vec<_> = presentation
        .credential()
        .disclosures()
        .iter()
        .map(|d| d.path.to_string())
        .collect();
    assert_eq!(
        paths,
        [
            "birthdate",
            "sex",
            "address.sido",
            "address.road",
            "members[1]"
        ]
    );
    assert!(!claims.contains_key("_sd") && !claims.contains_key("_sd_alg"));
}

#[test]
fn sd_alg_may_be_left_out() {
    assert!(verify(&right().claim("_sd_alg", json!(null)).text()).is_ok());
}

#[test]
fn text_over_256_kib_is_refused() {
    let text = right()
        .disclose(json!(["c2FsdDk", "portrait2", "x".repeat(256 * 1024)]))
        .text();
    assert_eq!(
        format!("{:?}", verify(&text).unwrap_err()),
        "Credential(TooLong)"
    );
}

#[test]
fn over_200_disclosures_are_refused() {
    let many = |count: usize| {
        (0..count).fold(right().with(|f| f.disclosures.clear()), |f, at| {
            f.disclose(json!(["c2FsdDk", format!("c{at}"), 1]))
        })
    };
    assert!(verify(&many(200).text()).is_ok());
    assert_eq!(
        format!("{:?}", verify(&many(201).text()).unwrap_err()),
        "Credential(TooLong)"
    );
}

mod vectors {
    use super::*;
    use serde_json::Value;
    use std::{fs, path::PathBuf};

    fn directory() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/presentation")
    }

    fn expected(name: &str, error: &str, code: &str, text: String) -> Value {
        let issuer = jumin_identity::Signer::public_key(&support::issuer()).to_jwk();
        json!({
            "defect": name, "error": error, "code": code, "issuer_jwk": issuer, "now": NOW,
            "audience": support::AUDIENCE, "nonce": support::NONCE, "max_age": 60, "max_ahead": 10,
            "presentation": text,
        })
    }

    #[test]
    fn every_frozen_presentation_is_judged_as_before() {
        let mut names: Vec<_> = DEFECTS
            .iter()
            .map(|defect| (defect.0, defect.2, defect.3))
            .collect();
        names.push(("none", "", "valid"));
        for (name, error, code) in names {
            let file = fs::read(directory().join(format!("{name}.json")))
                .unwrap_or_else(|_| panic!("no vector {name}"));
            let vector: Value = serde_json::from_slice(&file).unwrap();
            let text = vector["presentation"].as_str().unwrap();
            let refusal = verify(text).err();
            assert_eq!(
                refusal.map_or("valid", |refusal| refusal.code()),
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
        let right: Defect = ("none", || right().text(), "", "valid");
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
