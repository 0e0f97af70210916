//! Requests of verifiers are read strictly, and each defect has its code.

use jumin_identity::{
    AuthorizationRequest, ClientIdentifier, DcqlQuery, Did, DidUrl, FileKey, RequestError,
    ResponseEncryption, ResponseMode, Signer, UnverifiedRequest, b64url, sha256, sign_jws,
    sign_request, template,
};
use serde_json::{Map, Value, json};

const NOW: u64 = 1_790_000_000;

fn did() -> Did {
    Did::from_digest(&"dev".parse().unwrap(), &sha256(b"counter"))
}

fn right() -> AuthorizationRequest {
    AuthorizationRequest {
        client_id: format!("decentralized_identifier:{}", did()),
        nonce: b64url(&[7; 16]),
        query: template("age-19").unwrap().query().clone(),
        expires: NOW + 120,
        response: ResponseMode::QrCode,
        state: None,
    }
}

fn sign(request: &AuthorizationRequest, key: &FileKey) -> String {
    let kid = DidUrl::new(&did(), "key-1").unwrap();
    sign_request(request, Some(&kid), &[], NOW, key).unwrap()
}

fn read(compact: &str, key: &FileKey, now: u64) -> Result<AuthorizationRequest, RequestError> {
    UnverifiedRequest::parse(compact)?.verify(key.public_key(), now)
}

/// Signs the right request with one change to its payload, and says how it is judged.
fn judge(
    change: impl FnOnce(&mut Map<String, Value>),
) -> Result<AuthorizationRequest, &'static str> {
    let key = FileKey::generate().unwrap();
    let compact = sign(&right(), &key);
    let unverified = UnverifiedRequest::parse(&compact).unwrap();
    let payload = compact.split('.').nth(1).unwrap();
    let payload = jumin_identity::b64url_decode(payload).unwrap();
    let mut payload: Map<String, Value> = serde_json::from_slice(&payload).unwrap();
    change(&mut payload);
    let payload = serde_json::to_vec(&payload).unwrap();
    let compact = sign_jws(unverified.header(), &payload, &key).unwrap();
    read(&compact, &key, NOW).map_err(|error| error.code())
}

fn code(name: &str, value: Value) -> &'static str {
    let change = |payload: &mut Map<String, Value>| match value {
        Value::Null => {
            payload.shift_remove(name);
        }
        value => {
            payload.insert(name.to_owned(), value);
        }
    };
    judge(change).err().unwrap_or("valid")
}

#[test]
fn request_reads_back_in_every_response_mode() {
    let key = FileKey::generate().unwrap();
    let uri = "https://counter.example/responses/1".to_owned();
    let encryption = ResponseEncryption {
        key: FileKey::generate().unwrap().public_key().clone(),
        kid: "1".to_owned(),
        enc: vec!["A128GCM".to_owned(), "A256GCM".to_owned()],
    };
    for response in [
        ResponseMode::QrCode,
        ResponseMode::DirectPost {
            response_uri: uri.clone(),
        },
        ResponseMode::DirectPostJwt {
            response_uri: uri,
            encryption,
        },
    ] {
        let state = Some("state-1".to_owned());
        let request = AuthorizationRequest {
            response,
            state,
            ..right()
        };
        assert_eq!(read(&sign(&request, &key), &key, NOW), Ok(request));
    }
}

#[test]
fn header_and_client_are_readable_before_the_signature_is_checked() {
    let key = FileKey::generate().unwrap();
    let unverified = UnverifiedRequest::parse(&sign(&right(), &key)).unwrap();
    assert_eq!(
        unverified.client(),
        &ClientIdentifier::Did(did().to_string())
    );
    assert_eq!(
        unverified.dangerous_kid_unverified(),
        Some(format!("{}#key-1", did()).as_str())
    );
    assert_eq!(unverified.header()["typ"], "oauth-authz-req+jwt");
}

#[test]
fn request_signed_by_another_key_is_refused() {
    let compact = sign(&right(), &FileKey::generate().unwrap());
    let other = FileKey::generate().unwrap();
    assert_eq!(
        read(&compact, &other, NOW),
        Err(RequestError::SignatureInvalid)
    );
}

#[test]
fn request_whose_kid_is_of_another_did_is_refused() {
    let key = FileKey::generate().unwrap();
    let other = Did::from_digest(&"dev".parse().unwrap(), &[1; 32]);
    for kid in [Some(DidUrl::new(&other, "key-1").unwrap()), None] {
        let compact = sign_request(&right(), kid.as_ref(), &[], NOW, &key).unwrap();
        assert_eq!(
            UnverifiedRequest::parse(&compact).unwrap_err(),
            RequestError::ClientMismatch
        );
    }
}

#[test]
fn client_named_by_the_hash_of_its_certificate_needs_that_certificate() {
    let key = FileKey::generate().unwrap();
    let certificate = "AAECAwQFBgc=".to_owned();
    let hash = sha256(&[0, 1, 2, 3, 4, 5, 6, 7]);
    let client_id = format!("x509_hash:{}", b64url(&hash));
    let request = AuthorizationRequest {
        client_id,
        ..right()
    };
    let compact = sign_request(&request, None, &[certificate], NOW, &key).unwrap();
    let unverified = UnverifiedRequest::parse(&compact).unwrap();
    assert_eq!(unverified.client(), &ClientIdentifier::X509Hash(hash));
    assert_eq!(
        unverified.verify(key.public_key(), NOW),
        Ok(request.clone())
    );
    for x5c in [vec![], vec!["AAECAwQFBgg=".to_owned()]] {
        let compact = sign_request(&request, None, &x5c, NOW, &key).unwrap();
        assert_eq!(
            UnverifiedRequest::parse(&compact).unwrap_err(),
            RequestError::ClientMismatch
        );
    }
}

#[test]
fn client_identifier_of_another_kind_is_unsupported() {
    for client_id in [
        "redirect_uri:https://a.example",
        "a",
        "origin:https://a.example",
    ] {
        let request = AuthorizationRequest {
            client_id: client_id.to_owned(),
            ..right()
        };
        let compact = sign(&request, &FileKey::generate().unwrap());
        let error = UnverifiedRequest::parse(&compact).unwrap_err();
        assert_eq!(error.code(), "request_unsupported", "{client_id}");
    }
}

#[test]
fn request_ends_when_it_says() {
    let key = FileKey::generate().unwrap();
    let compact = sign(&right(), &key);
    assert!(read(&compact, &key, NOW + 119).is_ok());
    assert_eq!(read(&compact, &key, NOW + 120), Err(RequestError::Expired));
    assert_eq!(
        read(&compact, &key, NOW - 61),
        Err(RequestError::NotYetValid)
    );
}

#[test]
fn jws_of_another_type_or_algorithm_is_refused() {
    let key = FileKey::generate().unwrap();
    let compact = sign(&right(), &key);
    let (_, rest) = compact.split_once('.').unwrap();
    let kid = format!("{}#key-1", did());
    for (header, code) in [
        (
            json!({"alg": "ES256", "typ": "JWT", "kid": kid}),
            "request_malformed",
        ),
        (json!({"alg": "ES256", "kid": kid}), "request_malformed"),
        (
            json!({"alg": "none", "typ": "oauth-authz-req+jwt", "kid": kid}),
            "request_unsupported",
        ),
        (
            json!({"alg": "ES384", "typ": "oauth-authz-req+jwt", "kid": kid}),
            "request_unsupported",
        ),
    ] {
        let compact = format!("{}.{rest}", b64url(header.to_string().as_bytes()));
        assert_eq!(
            UnverifiedRequest::parse(&compact).unwrap_err().code(),
            code,
            "{header}"
        );
    }
    for text in ["", "a.b", "a.b.c.d", &"a".repeat(40_000)] {
        assert_eq!(
            UnverifiedRequest::parse(text).unwrap_err().code(),
            "request_malformed"
        );
    }
}

#[test]
fn defects_of_the_payload_have_their_codes() {
    assert_eq!(code("unknown", json!(1)), "valid");
    for (name, value, expected) in [
        ("response_type", json!("code"), "request_unsupported"),
        ("response_type", Value::Null, "request_malformed"),
        ("response_mode", json!("fragment"), "request_unsupported"),
        ("response_mode", json!("direct_post"), "request_malformed"),
        (
            "response_mode",
            json!("direct_post.jwt"),
            "request_malformed",
        ),
        ("aud", json!("https://other.example"), "request_malformed"),
        ("aud", Value::Null, "request_malformed"),
        ("aud", json!(["https://self-issued.me/v2"]), "valid"),
        ("nonce", Value::Null, "request_malformed"),
        ("nonce", json!("has space"), "request_malformed"),
        ("nonce", json!("x".repeat(3000)), "request_malformed"),
        ("state", json!("é"), "request_malformed"),
        ("exp", Value::Null, "request_malformed"),
        ("exp", json!("soon"), "request_malformed"),
        ("exp", json!(NOW), "request_expired"),
        ("iat", json!(NOW + 61), "request_not_yet_valid"),
        ("nbf", json!(NOW + 61), "request_not_yet_valid"),
        ("dcql_query", Value::Null, "request_malformed"),
        (
            "dcql_query",
            json!({"credentials": []}),
            "request_malformed",
        ),
        ("scope", json!("age"), "request_unsupported"),
        ("transaction_data", json!(["e30"]), "request_unsupported"),
        (
            "request_uri",
            json!("https://a.example"),
            "request_malformed",
        ),
        (
            "redirect_uri",
            json!("https://a.example"),
            "request_malformed",
        ),
    ] {
        assert_eq!(code(name, value.clone()), expected, "{name} = {value}");
    }
}

#[test]
fn answer_is_encrypted_only_to_a_key_and_a_cipher_that_fit() {
    let jwk = FileKey::generate().unwrap().public_key().to_jwk();
    let online = |key: Value, enc: Value| {
        judge(|payload| {
            payload.insert("response_mode".to_owned(), json!("direct_post.jwt"));
            payload.insert("response_uri".to_owned(), json!("https://a.example/r"));
            payload.shift_remove("exp");
            let metadata = json!({"jwks": {"keys": [{"kty": "OKP"}, key]}, "encrypted_response_enc_values_supported": enc});
            payload.insert("client_metadata".to_owned(), metadata);
        })
    };
    let key = |alg: &str, usage: &str| json!({"kty": "EC", "crv": "P-256", "x": jwk.x, "y": jwk.y, "kid": "1", "alg": alg, "use": usage});
    let request = online(key("ECDH-ES", "enc"), json!(["A192GCM", "A256GCM"])).unwrap();
    assert_eq!(
        request.expires,
        NOW + 300,
        "a request without an end gets one"
    );
    let ResponseMode::DirectPostJwt { encryption, .. } = request.response else {
        panic!("encrypted");
    };
    assert_eq!(encryption.enc, ["A256GCM"]);
    for (key, enc) in [
        (key("ECDH-ES", "sig"), json!(["A128GCM"])),
        (key("ECDH-ES+A128KW", "enc"), json!(["A128GCM"])),
        (key("ECDH-ES", "enc"), json!(["A128CBC-HS256"])),
    ] {
        assert_eq!(online(key, enc), Err("request_unsupported"));
    }
}

const CARD: &str = "urn:jumin:resident-card:1";

fn query(claims: Value) -> DcqlQuery {
    let query = json!({"credentials": [{
        "id": "card", "format": "dc+sd-jwt", "meta": {"vct_values": [CARD]}, "claims": claims,
    }]});
    DcqlQuery::parse(&query).unwrap()
}

#[test]
fn selection_takes_only_what_was_asked_for() {
    let claims = json!({"name": {"hangul": "홍길동", "roman": "HONG"}, "sex": "male", "birthdate": "1990-01-01"});
    let claims = claims.as_object().unwrap();
    let asked = query(json!([{"path": ["name", "hangul"]}, {"path": ["sex"]}]));
    let chosen = asked
        .select(&[("urn:other", claims), (CARD, claims)])
        .unwrap();
    assert_eq!(chosen.len(), 1);
    assert_eq!(
        (chosen[0].query_id.as_str(), chosen[0].candidate),
        ("card", 1)
    );
    let paths: Vec<String> = chosen[0].disclose.iter().map(ToString::to_string).collect();
    assert_eq!(paths, ["name.hangul", "sex"]);
    assert!(asked.satisfied_by("card", CARD, claims).is_ok());
}

#[test]
fn nothing_is_selected_where_a_claim_or_its_value_is_missing() {
    let claims = json!({"sex": "male", "age_equal_or_over": {"19": false}});
    let claims = claims.as_object().unwrap();
    for asked in [
        query(json!([{"path": ["sex"]}, {"path": ["address", "sido"]}])),
        query(json!([{"path": ["age_equal_or_over", "19"], "values": [true]}])),
    ] {
        assert_eq!(
            asked.select(&[(CARD, claims)]).unwrap_err().code(),
            "query_unmet"
        );
        let checked = asked.satisfied_by("card", CARD, claims).unwrap_err();
        assert_eq!(checked.code(), "query_claim_missing");
        assert_eq!(
            asked
                .satisfied_by("other", CARD, claims)
                .unwrap_err()
                .code(),
            "query_unknown_id"
        );
        assert_eq!(
            asked
                .satisfied_by("card", "urn:x", claims)
                .unwrap_err()
                .code(),
            "query_other_type"
        );
    }
}

#[test]
fn first_set_that_can_be_answered_is_taken() {
    let claims = json!({"birthdate": "1990-01-01", "sex": "male"});
    let claims = claims.as_object().unwrap();
    let asked = DcqlQuery::parse(&json!({"credentials": [{
        "id": "card", "format": "dc+sd-jwt", "meta": {"vct_values": [CARD]},
        "claims": [{"id": "a", "path": ["age"]}, {"id": "b", "path": ["birthdate"]}, {"id": "s", "path": ["sex"]}],
        "claim_sets": [["a"], ["b"]],
    }, {"id": "mdoc", "format": "mso_mdoc", "meta": {"doctype_value": "x"}}],
        "credential_sets": [{"options": [["mdoc"], ["card"]]}, {"options": [["mdoc"]], "required": false}],
    }))
    .unwrap();
    let chosen = asked.select(&[(CARD, claims)]).unwrap();
    assert_eq!(chosen.len(), 1);
    assert_eq!(chosen[0].disclose, ["birthdate".parse().unwrap()]);
}

#[test]
fn malformed_queries_are_refused() {
    let credential = |change: Value| {
        let mut query = json!({"id": "a", "format": "dc+sd-jwt", "meta": {"vct_values": ["x"]}});
        for (name, value) in change.as_object().unwrap() {
            query[name] = value.clone();
        }
        json!({"credentials": [query]})
    };
    assert!(DcqlQuery::parse(&credential(json!({"unknown": 1}))).is_ok());
    let claims: Vec<Value> = (0..65)
        .map(|at| json!({"path": [at.to_string()]}))
        .collect();
    for (query, code) in [
        (json!(1), "query_malformed"),
        (json!({}), "query_malformed"),
        (credential(json!({"id": "has space"})), "query_malformed"),
        (credential(json!({"id": ""})), "query_malformed"),
        (credential(json!({"meta": {}})), "query_malformed"),
        (
            credential(json!({"meta": {"vct_values": []}})),
            "query_malformed",
        ),
        (credential(json!({"claims": []})), "query_malformed"),
        (
            credential(json!({"claims": [{"path": []}]})),
            "query_malformed",
        ),
        (
            credential(json!({"claims": [{"path": ["a"], "values": [1.5]}]})),
            "query_malformed",
        ),
        (
            credential(json!({"claim_sets": [["x"]]})),
            "query_malformed",
        ),
        (credential(json!({"multiple": "yes"})), "query_malformed"),
        (credential(json!({"claims": claims})), "query_too_large"),
        (
            json!({"credentials": vec![json!({}); 9]}),
            "query_too_large",
        ),
        (
            json!({"credentials": [
                {"id": "a", "format": "x", "meta": {}}, {"id": "a", "format": "x", "meta": {}},
            ]}),
            "query_malformed",
        ),
    ] {
        assert_eq!(
            DcqlQuery::parse(&query).map_err(|error| error.code()),
            Err(code),
            "{query}"
        );
    }
}
