use jumin_identity::{b64url, b64url_decode};
use jumin_registry::{
    Accreditor, AnchorKind, Claims, Localized, MAX_OPERATION_BYTES, Operation, OperationError,
    OperationSigner, Rejection, Role, Service, SignedOperation, sign_operation,
    testing::{TestAgency, TestLedger, document},
};
use serde_json::{Value, json};

use super::{CARD, NOW, key};

fn ledger() -> (TestLedger, TestAgency) {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    (ledger, agency)
}

fn anchor(agency: &TestAgency, version: u64) -> Operation {
    Operation::Anchor {
        issuer: agency.did.clone(),
        kind: AnchorKind::StatusList,
        name: "https://issuer.example/status/1".to_owned(),
        version,
        sha256: [1; 32],
        next_update: Some(NOW + 60),
    }
}

fn wire(operation: &SignedOperation) -> Value {
    serde_json::from_slice(&operation.to_bytes()).unwrap()
}

fn parse(wire: &Value) -> Result<SignedOperation, OperationError> {
    SignedOperation::parse(&serde_json::to_vec(wire).unwrap())
}

/// Changes the protected header of the first signature; the signature then is over something else, which parsing ignores.
fn with_header(operation: &SignedOperation, change: impl Fn(&mut Value)) -> Value {
    let mut wire = wire(operation);
    let protected = wire["signatures"][0]["protected"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut header: Value = serde_json::from_slice(&b64url_decode(&protected).unwrap()).unwrap();
    change(&mut header);
    wire["signatures"][0]["protected"] = json!(b64url(&serde_json::to_vec(&header).unwrap()));
    wire
}

#[test]
fn wire_form_round_trips() {
    let (_, agency) = ledger();
    let signed = agency.sign(&anchor(&agency, 1));
    let parsed = SignedOperation::parse(&signed.to_bytes()).unwrap();
    assert_eq!(parsed.hash(), signed.hash());
    assert_eq!(parsed.operation(), signed.operation());
    assert_eq!(parsed.hash().to_string().parse(), Ok(signed.hash()));
}

#[test]
fn tampered_payload_is_refused() {
    let (mut ledger, agency) = ledger();
    let (signed, other) = (
        agency.sign(&anchor(&agency, 1)),
        agency.sign(&anchor(&agency, 2)),
    );
    let mut forged = wire(&signed);
    forged["payload"] = wire(&other)["payload"].clone();
    assert_eq!(
        ledger.apply(&parse(&forged).unwrap()),
        Err(Rejection::BadSignature)
    );
}

#[test]
fn tampered_signature_is_refused() {
    let (mut ledger, agency) = ledger();
    let mut forged = wire(&agency.sign(&anchor(&agency, 1)));
    for signature in [b64url(&[0; 64]), b64url(&[1; 63]), String::new()] {
        forged["signatures"][0]["signature"] = json!(signature);
        assert_eq!(
            ledger.apply(&parse(&forged).unwrap()),
            Err(Rejection::BadSignature)
        );
    }
}

#[test]
fn key_of_another_agency_is_refused() {
    let (mut ledger, agency) = ledger();
    let other = ledger.agency();
    let operation = anchor(&agency, 1);
    let names = [
        agency.kid().to_string(),
        other.kid().to_string(),
        format!("{}#key-9", agency.did),
    ];
    for kid in names {
        let signer = OperationSigner::Kid(kid, &other.key);
        let signed = sign_operation(ledger.network(), &operation, &[signer]).unwrap();
        assert_eq!(ledger.apply(&signed), Err(Rejection::BadSignature));
    }
    let revealed = OperationSigner::Jwk(&agency.key);
    let signed = sign_operation(ledger.network(), &operation, &[revealed]).unwrap();
    assert_eq!(ledger.apply(&signed), Err(Rejection::BadSignature));
}

#[test]
fn key_outside_its_period_is_refused() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + 100);
    ledger.set_time(NOW - 1);
    let signed = agency.sign(&anchor(&agency, 1));
    assert_eq!(ledger.apply(&signed), Err(Rejection::BadSignature));
}

#[test]
fn second_signature_on_an_agencys_operation_is_refused() {
    let (mut ledger, agency) = ledger();
    let signer = OperationSigner::Kid(agency.kid().to_string(), &agency.key);
    let twice = agency
        .sign(&anchor(&agency, 1))
        .with_signature(&signer)
        .unwrap();
    assert_eq!(ledger.apply(&twice), Err(Rejection::BadSignature));
}

#[test]
fn governance_counts_a_governor_once_and_nobody_else() {
    let (mut ledger, agency) = ledger();
    let stranger = key();
    let operation = Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: agency.did.clone(),
        role: Role::Verifier,
        name: Localized {
            ko: "동".into(),
            en: "Dong".into(),
        },
        types: vec![],
        claims: Claims::Any,
        from: NOW,
        until: NOW + 1,
        version: 0,
    };
    let governor = OperationSigner::Kid("governance#0".to_owned(), ledger.governor());
    let twice = ledger
        .governed(&operation)
        .with_signature(&governor)
        .unwrap();
    assert_eq!(ledger.apply(&twice), Err(Rejection::BadSignature));
    for kid in [
        "governance#0",
        "governance#1",
        "governance#",
        "governance#+0",
        "governance",
    ] {
        let signer = OperationSigner::Kid(kid.to_owned(), &stranger);
        let signed = sign_operation(ledger.network(), &operation, &[signer]).unwrap();
        assert_eq!(ledger.apply(&signed), Err(Rejection::BadSignature), "{kid}");
    }
    ledger.apply(&ledger.governed(&operation)).unwrap();
}

#[test]
fn foreign_algorithm_type_or_header_is_malformed() {
    let (_, agency) = ledger();
    let signed = agency.sign(&anchor(&agency, 1));
    let changes: [fn(&mut Value); 8] = [
        |header| header["alg"] = json!("none"),
        |header| header["alg"] = json!("HS256"),
        |header| header["typ"] = json!("JWT"),
        |header| header["crit"] = json!(["exp"]),
        |header| header["jwk"] = json!({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
        |header| drop(header.as_object_mut().unwrap().remove("kid")),
        |header| drop(header.as_object_mut().unwrap().remove("typ")),
        |header| header["kid"] = json!("k".repeat(2000)),
    ];
    for change in changes {
        let error = parse(&with_header(&signed, change)).unwrap_err();
        assert_eq!(error.code(), "malformed");
    }
}

#[test]
fn unprotected_header_and_foreign_members_are_malformed() {
    let (_, agency) = ledger();
    let signed = agency.sign(&anchor(&agency, 1));
    let mut unprotected = wire(&signed);
    unprotected["signatures"][0]["header"] = json!({"kid": "x"});
    let mut flattened = wire(&signed);
    flattened["protected"] = json!("e30");
    let mut unsigned = wire(&signed);
    unsigned["signatures"] = json!([]);
    let mut crowded = wire(&signed);
    crowded["signatures"] = json!(vec![wire(&signed)["signatures"][0].clone(); 17]);
    let mut padded = wire(&signed);
    padded["payload"] = json!(format!("{}=", signed_payload(&signed)));
    for wire in [unprotected, flattened, unsigned, crowded, padded] {
        assert_eq!(parse(&wire).unwrap_err().code(), "malformed");
    }
}

fn signed_payload(signed: &SignedOperation) -> String {
    wire(signed)["payload"].as_str().unwrap().to_owned()
}

#[test]
fn unknown_operation_or_member_is_malformed() {
    let (_, agency) = ledger();
    let signed = agency.sign(&anchor(&agency, 1));
    let payload: Value =
        serde_json::from_slice(&b64url_decode(&signed_payload(&signed)).unwrap()).unwrap();
    let changes: [fn(&mut Value); 5] = [
        |payload| payload["op"]["type"] = json!("mint"),
        |payload| payload["op"]["subject_name"] = json!("홍길동"),
        |payload| payload["expires"] = json!(1),
        |payload| payload["network"] = json!("Test"),
        |payload| payload["op"]["version"] = json!(-1),
    ];
    for change in changes {
        let mut payload = payload.clone();
        change(&mut payload);
        let mut wire = wire(&signed);
        wire["payload"] = json!(b64url(&serde_json::to_vec(&payload).unwrap()));
        assert_eq!(parse(&wire).unwrap_err().code(), "malformed");
    }
}

#[test]
fn member_given_twice_is_malformed() {
    let (_, agency) = ledger();
    let signed = agency.sign(&anchor(&agency, 1));
    let payload = b64url_decode(&signed_payload(&signed)).unwrap();
    let payload = String::from_utf8(payload).unwrap();
    let repeated = [
        payload.replace(r#""version":1"#, r#""version":1,"version":2"#),
        payload.replace(r#""type":"anchor""#, r#""type":"anchor","type":"anchor""#),
        payload.replace(
            r#"{"network":"test""#,
            r#"{"network":"test","network":"other""#,
        ),
    ];
    for text in repeated {
        assert_ne!(text, payload);
        let mut wire = wire(&signed);
        wire["payload"] = json!(b64url(text.as_bytes()));
        assert_eq!(parse(&wire).unwrap_err().code(), "malformed", "{text}");
    }
}

#[test]
fn oversized_operation_is_refused_before_parsing() {
    let bytes = vec![b' '; MAX_OPERATION_BYTES + 1];
    assert_eq!(
        SignedOperation::parse(&bytes).unwrap_err(),
        OperationError::TooLarge
    );
}

#[test]
fn documents_beyond_the_limits_are_refused() {
    let signer = key();
    let create = |document| Operation::CreateDid {
        document,
        next_key_hash: [7; 32],
    };
    let base = document(&signer, NOW);
    let mut many_keys = base.clone();
    many_keys.verification_methods = (0..17)
        .map(|index| {
            let mut method = base.verification_methods[0].clone();
            method.fragment = format!("key-{index}");
            method
        })
        .collect();
    assert_eq!(create(many_keys).validate().unwrap_err().code(), "limits");
    let mut no_keys = base.clone();
    no_keys.verification_methods.clear();
    let mut same_name = base.clone();
    same_name
        .verification_methods
        .push(base.verification_methods[0].clone());
    let mut odd_name = base.clone();
    odd_name.verification_methods[0].fragment = "a/b".to_owned();
    let mut no_purpose = base.clone();
    no_purpose.verification_methods[0].purposes.clear();
    let mut empty_period = base.clone();
    empty_period.verification_methods[0].valid_until = Some(NOW);
    for document in [no_keys, same_name, odd_name, no_purpose, empty_period] {
        assert_eq!(create(document).validate().unwrap_err().code(), "malformed");
    }
    let mut long_endpoint = base.clone();
    let service = |index: usize| Service {
        id: format!("service-{index}"),
        kind: "OpenID4VCI".to_owned(),
        endpoint: "https://issuer.example".to_owned(),
    };
    long_endpoint.services = vec![service(0)];
    assert_eq!(create(long_endpoint.clone()).validate(), Ok(()));
    long_endpoint.services[0].endpoint = format!("https://{}", "a".repeat(256));
    assert_eq!(
        create(long_endpoint).validate().unwrap_err().code(),
        "malformed"
    );
    let mut many_services = base;
    many_services.services = (0..9).map(service).collect();
    assert_eq!(
        create(many_services).validate().unwrap_err().code(),
        "limits"
    );
}
