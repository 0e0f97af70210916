//! Bad operations over a node's HTTP: each gets its code, and nothing of it stays.

mod support;

use jumin_identity::{Did, FileKey};
use jumin_registry::{
    Accreditor, Claims, Localized, NetworkTrust, Operation, OperationSigner, Record, RecordKey,
    Role, SignedOperation, sign_operation,
};
use serde_json::{Value, json};
use support::{Agency, Node, did, somebody};

const CARD: &str = "urn:jumin:resident-card:1";
const UNTIL: u64 = 4_000_000_000;

/// A city that governance lets accredit for the card and names, and its network.
struct Scene {
    node: Node,
    trust: NetworkTrust,
    city: Agency,
    did: Did,
    _home: tempfile::TempDir,
}

fn grant(by: Accreditor, subject: &Did, role: Role) -> Operation {
    Operation::Accredit {
        accreditor: by,
        subject: subject.clone(),
        role,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno-gu".into(),
        },
        types: vec![CARD.into()],
        claims: match role {
            Role::Issuer => Claims::Any,
            _ => Claims::Only(vec!["name".parse().unwrap()]),
        },
        from: 1_000,
        until: UNTIL,
        version: 0,
    }
}

impl Scene {
    async fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let node = Node::start("dev", home.path());
        let (trust, city) = (node.trust(), Agency::new());
        let create = city.create(&trust);
        let did = did(&create);
        let operation = grant(Accreditor::Governance, &did, Role::Accreditor);
        node.finalize(&node.govern(&operation)).await;
        node.finalize(&create).await;
        Self {
            node,
            trust,
            city,
            did,
            _home: home,
        }
    }

    fn sign(&self, operation: &Operation) -> SignedOperation {
        let signer = OperationSigner::Kid(format!("{}#key-1", self.did), &self.city.key);
        sign_operation(&self.trust.network, operation, &[signer]).unwrap()
    }

    fn by_city(&self, subject: &Did, role: Role) -> Operation {
        grant(Accreditor::Did(self.did.clone()), subject, role)
    }

    /// Requires the code, words of what is wrong, and that the node knows nothing of the operation afterwards.
    async fn refuse(&self, signed: &SignedOperation, status: u16, code: &str) {
        let (answered, problem) = self.node.post(&signed.to_bytes(), 5).await;
        assert_eq!((answered, &problem["code"]), (status, &json!(code)));
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| text.len() > 10)
        );
        assert_eq!(
            self.node.outcome(signed).await["status"],
            "unknown",
            "{code}"
        );
    }

    async fn refuse_bytes(&self, bytes: &[u8], status: u16, code: &str) {
        let (answered, problem) = self.node.post(bytes, 5).await;
        assert_eq!((answered, &problem["code"]), (status, &json!(code)));
    }
}

#[tokio::test]
async fn what_is_no_operation_is_malformed_or_too_large() {
    let scene = Scene::new().await;
    let right = scene.sign(&scene.by_city(&somebody(&scene.trust), Role::Issuer));
    let wire: Value = serde_json::from_slice(&right.to_bytes()).unwrap();
    let mut more = wire.clone();
    more["more"] = json!(1);
    let mut unsigned = wire.clone();
    unsigned["signatures"] = json!([]);
    let mut garbled = wire.clone();
    garbled["payload"] = json!("%%%");
    for bad in [json!({}), json!([]), json!("text"), more, unsigned, garbled] {
        scene
            .refuse_bytes(bad.to_string().as_bytes(), 400, "malformed")
            .await;
    }
    for bad in [&b""[..], b"{", b"\xff\xfe", b"null"] {
        scene.refuse_bytes(bad, 400, "malformed").await;
    }
    let padded = [right.to_bytes(), vec![b' '; 20_000]].concat();
    scene.refuse_bytes(&padded, 413, "too_large").await;
}

#[tokio::test]
async fn accreditations_outside_the_rules_get_their_codes() {
    let scene = Scene::new().await;
    let subject = somebody(&scene.trust);
    let changed = |role, change: &dyn Fn(&mut Operation)| {
        let mut operation = scene.by_city(&subject, role);
        change(&mut operation);
        scene.sign(&operation)
    };
    let outside = [
        changed(Role::Issuer, &|operation| {
            if let Operation::Accredit { types, .. } = operation {
                types.push("urn:jumin:household-register:1".into());
            }
        }),
        changed(Role::Issuer, &|operation| {
            if let Operation::Accredit { until, .. } = operation {
                *until += 1;
            }
        }),
        changed(Role::Verifier, &|operation| {
            if let Operation::Accredit { claims, .. } = operation {
                *claims = Claims::Any;
            }
        }),
        scene.sign(&scene.by_city(&scene.did, Role::Issuer)),
    ];
    for signed in outside {
        scene.refuse(&signed, 409, "outside_parent").await;
    }
    let stale = changed(Role::Issuer, &|operation| {
        if let Operation::Accredit { version, .. } = operation {
            *version = 3;
        }
    });
    scene.refuse(&stale, 409, "stale_version").await;

    let thief = FileKey::generate().unwrap();
    let signer = OperationSigner::Kid(format!("{}#key-1", scene.did), &thief);
    let operation = scene.by_city(&subject, Role::Issuer);
    let forged = sign_operation(&scene.trust.network, &operation, &[signer]).unwrap();
    scene.refuse(&forged, 403, "bad_signature").await;
    let stranger = somebody(&scene.trust);
    let unknown = grant(Accreditor::Did(stranger.clone()), &subject, Role::Issuer);
    let signer = OperationSigner::Kid(format!("{stranger}#key-1"), &thief);
    let unknown = sign_operation(&scene.trust.network, &unknown, &[signer]).unwrap();
    scene.refuse(&unknown, 409, "unknown_did").await;
    let signer = OperationSigner::Kid(format!("{}#key-1", scene.did), &scene.city.key);
    let elsewhere = sign_operation(&"elsewhere".parse().unwrap(), &operation, &[signer]).unwrap();
    scene.refuse(&elsewhere, 400, "wrong_network").await;
    let end = Operation::EndAccreditation {
        accreditor: Accreditor::Did(scene.did.clone()),
        subject: subject.clone(),
        role: Role::Issuer,
        grant: 1,
        version: 0,
    };
    scene.refuse(&scene.sign(&end), 409, "unknown_grant").await;
    let key = RecordKey::Accreditation {
        subject,
        role: Role::Issuer,
    };
    assert_eq!(scene.node.record(&key).await, None);
}

#[tokio::test]
async fn a_did_is_created_by_those_only_whose_accreditation_stands() {
    let scene = Scene::new().await;
    let stranger = Agency::new().create(&scene.trust);
    scene.refuse(&stranger, 403, "not_accredited").await;

    let past = Agency::new().create(&scene.trust);
    let mut ran_out = grant(Accreditor::Governance, &did(&past), Role::Issuer);
    if let Operation::Accredit { until, .. } = &mut ran_out {
        *until = 2_000;
    }
    scene.node.finalize(&scene.node.govern(&ran_out)).await;
    scene.refuse(&past, 403, "not_accredited").await;

    let office = Agency::new().create(&scene.trust);
    let granted = scene.sign(&scene.by_city(&did(&office), Role::Issuer));
    scene.node.finalize(&granted).await;
    let end = Operation::EndAccreditation {
        accreditor: Accreditor::Governance,
        subject: scene.did.clone(),
        role: Role::Accreditor,
        grant: 1,
        version: 1,
    };
    scene.node.finalize(&scene.node.govern(&end)).await;
    scene.refuse(&office, 403, "not_accredited").await;
    let again = grant(Accreditor::Governance, &did(&office), Role::Verifier);
    scene.node.finalize(&scene.node.govern(&again)).await;
    scene.node.finalize(&office).await;
}

#[tokio::test]
async fn a_replayed_operation_is_told_as_done_and_takes_effect_once() {
    let scene = Scene::new().await;
    let subject = somebody(&scene.trust);
    let operation = scene.by_city(&subject, Role::Issuer);
    let granted = scene.sign(&operation);
    let height = scene.node.finalize(&granted).await;
    assert_eq!(scene.node.finalize(&granted).await, height);
    // The same content signed anew is the same operation.
    assert_eq!(scene.node.finalize(&scene.sign(&operation)).await, height);
    let key = RecordKey::Accreditation {
        subject,
        role: Role::Issuer,
    };
    let Some(Record::Accreditation(record)) = scene.node.record(&key).await else {
        panic!("the grant is on the ledger");
    };
    assert_eq!((record.version, record.grants.len()), (1, 1));
}
