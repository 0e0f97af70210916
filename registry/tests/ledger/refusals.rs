//! Operations on accreditations that are refused: each with its code, and without a trace.

use std::cell::RefCell;
use std::collections::BTreeMap;

use jumin_identity::{ClaimPath, Did, FileKey, PathSegment, Signer};
use jumin_registry::{
    Accreditor, BlockContext, Claims, Localized, Operation, OperationSigner, Purpose, ReadState,
    Record, RecordKey, Rejection, Role, SignedOperation, StateUnavailable, apply, sign_operation,
    testing::{TestAgency, TestLedger, document},
};

use super::{CARD, NOW, REGISTER, key, update};

const UNTIL: u64 = NOW + 1_000;

/// A ministry that may accredit for the card and names, a city below it, an office with an issuer's grant by the city.
struct Scene {
    ledger: TestLedger,
    ministry: TestAgency,
    city: TestAgency,
    office: TestAgency,
}

fn names() -> Claims {
    Claims::Only(vec!["name".parse::<ClaimPath>().unwrap()])
}

fn grant(by: &Did, subject: &Did, role: Role, change: impl FnOnce(&mut Terms)) -> Operation {
    let mut terms = Terms {
        types: vec![CARD],
        claims: if role == Role::Issuer {
            Claims::Any
        } else {
            names()
        },
        from: NOW,
        until: UNTIL,
        version: 0,
    };
    change(&mut terms);
    Operation::Accredit {
        accreditor: Accreditor::Did(by.clone()),
        subject: subject.clone(),
        role,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno".into(),
        },
        types: terms.types.iter().map(|name| (*name).to_owned()).collect(),
        claims: terms.claims,
        from: terms.from,
        until: terms.until,
        version: terms.version,
    }
}

struct Terms {
    types: Vec<&'static str>,
    claims: Claims,
    from: u64,
    until: u64,
    version: u64,
}

fn end(by: Accreditor, subject: &Did, grant: u64, version: u64) -> Operation {
    Operation::EndAccreditation {
        accreditor: by,
        subject: subject.clone(),
        role: Role::Issuer,
        grant,
        version,
    }
}

impl Scene {
    fn new() -> Self {
        let mut ledger = TestLedger::new(NOW);
        let (ministry, city, office) = (ledger.agency(), ledger.agency(), ledger.agency());
        let granted = (&[CARD][..], names());
        ledger.accredit_for(&ministry.did, Role::Accreditor, granted, (NOW, UNTIL));
        let below = grant(&ministry.did, &city.did, Role::Accreditor, |_| {});
        ledger.apply(&ministry.sign(&below)).unwrap();
        let issuer = grant(&city.did, &office.did, Role::Issuer, |_| {});
        ledger.apply(&city.sign(&issuer)).unwrap();
        Self {
            ledger,
            ministry,
            city,
            office,
        }
    }

    /// Requires a refusal with this code that leaves every record as it was.
    fn refuse(&mut self, signed: &SignedOperation, code: &str) -> Rejection {
        let before = self.ledger.state_root();
        let refused = self.ledger.apply(signed).expect_err(code);
        assert_eq!(refused.code(), code, "{:?}", signed.operation());
        assert_eq!(self.ledger.state_root(), before, "{code}");
        refused
    }

    /// Requires a refusal of what the city grants to somebody new.
    fn refuse_of_city(&mut self, role: Role, code: &str, change: impl FnOnce(&mut Terms)) {
        let subject = self.ledger.agency();
        let operation = grant(&self.city.did, &subject.did, role, change);
        let signed = self.city.sign(&operation);
        self.refuse(&signed, code);
    }
}

#[test]
fn grants_beyond_the_parents_types_dates_and_claims_are_outside_it() {
    let mut scene = Scene::new();
    let outside = "outside_parent";
    for role in Role::ALL {
        scene.refuse_of_city(role, outside, |terms| terms.types = vec![REGISTER]);
        scene.refuse_of_city(role, outside, |terms| terms.types.push(REGISTER));
        scene.refuse_of_city(role, outside, |terms| terms.from = NOW - 1);
        scene.refuse_of_city(role, outside, |terms| terms.until = UNTIL + 1);
        scene.refuse_of_city(role, outside, |terms| terms.until = u64::MAX);
    }
    for role in [Role::Verifier, Role::Accreditor] {
        scene.refuse_of_city(role, outside, |terms| terms.types = Vec::new());
        scene.refuse_of_city(role, outside, |terms| terms.claims = Claims::Any);
        scene.refuse_of_city(role, outside, |terms| {
            terms.claims =
                Claims::Only(["name", "address"].map(|one| one.parse().unwrap()).to_vec());
        });
    }
}

#[test]
fn two_grants_that_reach_only_together_are_no_parent() {
    let mut scene = Scene::new();
    let city = scene.city.did.clone();
    let ledger = &mut scene.ledger;
    ledger.accredit(&city, Role::Accreditor, &[REGISTER], NOW, UNTIL + 500);
    scene.refuse_of_city(Role::Issuer, "outside_parent", |terms| {
        terms.types = vec![CARD, REGISTER];
    });
    scene.refuse_of_city(Role::Issuer, "outside_parent", |terms| {
        terms.until = UNTIL + 500
    });
}

#[test]
fn nobody_accredits_itself_in_any_role() {
    let mut scene = Scene::new();
    for role in Role::ALL {
        let own = scene.city.did.clone();
        let version = u64::from(role == Role::Accreditor);
        let operation = grant(&own, &own, role, |terms| terms.version = version);
        let signed = scene.city.sign(&operation);
        scene.refuse(&signed, "outside_parent");
    }
}

#[test]
fn chains_of_more_than_four_grants_are_over_the_limit() {
    let mut scene = Scene::new();
    let (district, village) = (scene.ledger.agency(), scene.ledger.agency());
    let third = grant(&scene.city.did, &district.did, Role::Accreditor, |_| {});
    scene.ledger.apply(&scene.city.sign(&third)).unwrap();
    let fourth = grant(&district.did, &village.did, Role::Accreditor, |_| {});
    scene.refuse(&district.sign(&fourth), "limits");
}

#[test]
fn signatures_of_others_accredit_nobody() {
    let mut scene = Scene::new();
    let subject = scene.ledger.agency().did;
    let operation = grant(&scene.city.did, &subject, Role::Issuer, |_| {});
    let network = scene.ledger.network().clone();
    let kid = scene.city.kid().to_string();
    let (thief, city, governor) = (key(), &scene.city.key, scene.ledger.governor());
    let signed = |signers: &[OperationSigner<'_>]| sign_operation(&network, &operation, signers);
    let by_name = |name: &str, key| OperationSigner::Kid(name.to_owned(), key);
    let ministry = scene.ministry.kid().to_string();
    let bad = [
        signed(&[by_name(&kid, &thief)]),
        signed(&[by_name(&ministry, &scene.ministry.key)]),
        signed(&[by_name(&format!("{}#key-2", scene.city.did), city)]),
        signed(&[by_name("governance#0", governor)]),
        signed(&[OperationSigner::Jwk(city)]),
        signed(&[by_name(&kid, city), by_name(&kid, city)]),
    ];
    let mut governed = operation.clone();
    if let Operation::Accredit { accreditor, .. } = &mut governed {
        *accreditor = Accreditor::Governance;
    }
    let by_agency = scene.city.sign(&governed);
    for signed in bad {
        scene.refuse(&signed.unwrap(), "bad_signature");
    }
    scene.refuse(&by_agency, "bad_signature");
}

#[test]
fn key_that_is_not_for_operations_accredits_nobody() {
    let mut scene = Scene::new();
    let signer = key();
    let mut limited = document(&signer, NOW);
    limited.verification_methods[0].purposes = vec![Purpose::AssertionMethod];
    let agency = scene.ledger.agency_with(signer, limited);
    let granted = (&[CARD][..], Claims::Any);
    scene
        .ledger
        .accredit_for(&agency.did, Role::Accreditor, granted, (NOW, UNTIL));
    let subject = scene.ledger.agency().did;
    let signed = agency.sign(&grant(&agency.did, &subject, Role::Issuer, |_| {}));
    scene.refuse(&signed, "bad_signature");
}

#[test]
fn accreditors_that_do_not_exist_or_no_longer_accredit_nobody() {
    let mut scene = Scene::new();
    let subject = scene.ledger.agency().did;
    let stranger = TestLedger::new(NOW).agency();
    let unknown = stranger.sign(&grant(&stranger.did, &subject, Role::Issuer, |_| {}));
    scene.refuse(&unknown, "unknown_did");
    let by_issuer = grant(&scene.office.did, &subject, Role::Issuer, |_| {});
    let by_issuer = scene.office.sign(&by_issuer);
    scene.refuse(&by_issuer, "not_accredited");

    let by_city = grant(&scene.city.did, &subject, Role::Issuer, |_| {});
    let by_city = scene.city.sign(&by_city);
    scene.ledger.set_time(UNTIL);
    scene.refuse(&by_city, "not_accredited");
    scene.ledger.set_time(NOW + 5);
    let Scene {
        ledger, ministry, ..
    } = &mut scene;
    ledger.deactivate(ministry);
    scene.refuse(&by_city, "not_accredited");
    let Scene { ledger, city, .. } = &mut scene;
    ledger.deactivate(city);
    scene.refuse(&by_city, "deactivated");
}

#[test]
fn subjects_that_are_gone_or_of_another_network_are_not_accredited() {
    let mut scene = Scene::new();
    let gone = scene.ledger.agency();
    scene.ledger.deactivate(&gone);
    let to_gone = grant(&scene.city.did, &gone.did, Role::Issuer, |_| {});
    let to_gone = scene.city.sign(&to_gone);
    scene.refuse(&to_gone, "deactivated");

    let mut other = TestLedger::with_validators("other", 1, NOW);
    let foreigner = other.agency().did;
    let to_foreigner = grant(&scene.city.did, &foreigner, Role::Issuer, |_| {});
    let to_foreigner = scene.city.sign(&to_foreigner);
    scene.refuse(&to_foreigner, "wrong_network");
    let end = end(Accreditor::Governance, &foreigner, 1, 1);
    let end = scene.ledger.governed(&end);
    scene.refuse(&end, "wrong_network");
    let subject = scene.ledger.agency().did;
    let elsewhere = grant(&scene.city.did, &subject, Role::Issuer, |_| {});
    let signer = OperationSigner::Kid(scene.city.kid().to_string(), &scene.city.key);
    let elsewhere = sign_operation(other.network(), &elsewhere, &[signer]).unwrap();
    scene.refuse(&elsewhere, "wrong_network");
}

#[test]
fn replays_and_other_versions_are_stale() {
    let mut scene = Scene::new();
    let subject = scene.ledger.agency().did;
    let granted = grant(&scene.city.did, &subject, Role::Issuer, |_| {});
    let granted = scene.city.sign(&granted);
    scene.ledger.apply(&granted).unwrap();
    let refused = scene.refuse(&granted, "stale_version");
    assert_eq!(refused, Rejection::StaleVersion(1));
    for version in [0, 2, u64::MAX] {
        let other = grant(&scene.city.did, &subject, Role::Issuer, |terms| {
            terms.version = version;
        });
        let other = scene.city.sign(&other);
        scene.refuse(&other, "stale_version");
        let by = Accreditor::Did(scene.city.did.clone());
        let other = scene.city.sign(&end(by, &subject, 1, version));
        scene.refuse(&other, "stale_version");
    }
    let by = Accreditor::Did(scene.city.did.clone());
    let ended = scene.city.sign(&end(by, &subject, 1, 1));
    scene.ledger.apply(&ended).unwrap();
    scene.refuse(&ended, "stale_version");
}

#[test]
fn grants_are_ended_by_who_gave_them_or_governance_and_once() {
    let mut scene = Scene::new();
    let office = scene.office.did.clone();
    // The ministry ends the city's, not what the city granted.
    let by_ministry = Accreditor::Did(scene.ministry.did.clone());
    let above = scene.ministry.sign(&end(by_ministry, &office, 1, 1));
    scene.refuse(&above, "not_accredited");
    let by_itself = Accreditor::Did(office.clone());
    let by_itself = scene.office.sign(&end(by_itself, &office, 1, 1));
    scene.refuse(&by_itself, "not_accredited");
    let by_city = || Accreditor::Did(scene.city.did.clone());
    let (missing, right) = (
        scene.city.sign(&end(by_city(), &office, 9, 1)),
        scene.city.sign(&end(by_city(), &office, 1, 1)),
    );
    let again = scene.city.sign(&end(by_city(), &office, 1, 2));
    let never = scene.city.sign(&end(by_city(), &scene.ministry.did, 1, 0));
    scene.refuse(&missing, "unknown_grant");
    scene.refuse(&never, "unknown_grant");
    scene.ledger.apply(&right).unwrap();
    scene.refuse(&again, "unknown_grant");
}

#[test]
fn accreditor_that_lost_its_own_still_ends_what_it_granted() {
    let mut scene = Scene::new();
    let (city, office) = (scene.city.did.clone(), scene.office.did.clone());
    scene.ledger.end_accreditation(&city, Role::Accreditor, 1);
    let ended = scene.city.sign(&end(Accreditor::Did(city), &office, 1, 1));
    scene.ledger.apply(&ended).unwrap();
}

#[test]
fn who_lost_every_accreditation_changes_its_did_once_an_hour() {
    let mut scene = Scene::new();
    let Scene {
        ledger,
        office,
        ministry,
        ..
    } = &mut scene;
    let mut signer = key();
    let mut update = |ledger: &TestLedger, by: &FileKey, version| {
        let next = std::mem::replace(&mut signer, key());
        let signed = update(ledger, office, version, by, next.public_key().thumbprint());
        (signed, next)
    };
    // While it is accredited, as often as it likes.
    let (first, second_key) = update(ledger, &office.next, 1);
    ledger.apply(&first).unwrap();
    let (second, third_key) = update(ledger, &second_key, 2);
    ledger.apply(&second).unwrap();
    ledger.set_time(NOW + 10);
    ledger.end_accreditation(&ministry.did, Role::Accreditor, 1);
    let (third, _) = update(ledger, &third_key, 3);
    let refused = scene.refuse(&third, "too_soon");
    assert_eq!(refused, Rejection::TooSoon(NOW + 3_600));
    scene.ledger.set_time(NOW + 3_600);
    scene.ledger.apply(&third).unwrap();
}

#[test]
fn names_with_what_can_not_be_seen_are_malformed() {
    let scene = Scene::new();
    for hidden in [
        "\u{1b}[1A",
        "\n",
        "\u{202e}",
        "\u{2066}",
        "\u{200f}",
        "\u{200b}",
        "\u{feff}",
        "\u{3164}",
        "\u{115f}",
        "\u{ffa0}",
        "\u{2800}",
        "\u{fe0f}",
        "\u{e0041}",
        "\u{3000}",
        " ",
        "\u{378}",
    ] {
        let claims = |terms: &mut Terms| {
            terms.claims = Claims::Only(vec![ClaimPath(vec![PathSegment::Name(format!(
                "name{hidden}"
            ))])]);
        };
        let operation = grant(&scene.city.did, &scene.office.did, Role::Verifier, claims);
        assert_eq!(operation.validate().unwrap_err().code(), "malformed");
        for other in [format!("종로구{hidden}"), hidden.to_owned()] {
            for korean in [true, false] {
                let mut named = grant(&scene.city.did, &scene.office.did, Role::Issuer, |_| {});
                if let Operation::Accredit { name, .. } = &mut named {
                    *(if korean { &mut name.ko } else { &mut name.en }) = other.clone();
                }
                assert_eq!(
                    named.validate().unwrap_err().code(),
                    "malformed",
                    "{other:?}"
                );
            }
        }
    }
    // The same name in other bytes.
    let mut decomposed = grant(&scene.city.did, &scene.office.did, Role::Issuer, |_| {});
    if let Operation::Accredit { name, .. } = &mut decomposed {
        name.ko = "\u{110c}\u{1169}\u{11bc}로구".to_owned();
    }
    assert_eq!(decomposed.validate().unwrap_err().code(), "malformed");
}

#[test]
fn creation_signed_by_another_key_or_for_another_network_is_refused_though_awaited() {
    let mut scene = Scene::new();
    let signer = key();
    let prepared = scene.ledger.prepare(signer, document(&key(), NOW));
    let did = prepared.agency.did.clone();
    scene
        .ledger
        .accredit(&did, Role::Issuer, &[CARD], NOW, UNTIL);
    let (operation, network) = (
        prepared.creation.operation(),
        scene.ledger.network().clone(),
    );
    let named = OperationSigner::Kid(format!("{did}#key-1"), &prepared.agency.key);
    let named = sign_operation(&network, operation, &[named]).unwrap();
    scene.refuse(&named, "bad_signature");
    let elsewhere = "elsewhere".parse().unwrap();
    let signer = OperationSigner::Jwk(&prepared.agency.key);
    let elsewhere = sign_operation(&elsewhere, operation, &[signer]).unwrap();
    scene.refuse(&elsewhere, "wrong_network");
    let committed = Operation::CreateDid {
        document: document(&prepared.agency.key, NOW),
        next_key_hash: prepared.agency.key.public_key().thumbprint(),
    };
    let signer = OperationSigner::Jwk(&prepared.agency.key);
    let reused = sign_operation(&network, &committed, &[signer]).unwrap();
    scene.refuse(&reused, "key_reused");
    scene.ledger.apply(&prepared.creation).unwrap();
}

/// Counts how often each record is read.
struct Counting<'a> {
    ledger: &'a TestLedger,
    reads: RefCell<BTreeMap<RecordKey, usize>>,
}

impl ReadState for Counting<'_> {
    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StateUnavailable> {
        *self.reads.borrow_mut().entry(key.clone()).or_default() += 1;
        Ok(self.ledger.record(key))
    }
}

#[test]
fn creation_reads_each_record_once_however_many_grants_it_hangs_on() {
    let mut scene = Scene::new();
    let signer = key();
    let described = document(&signer, NOW);
    let prepared = scene.ledger.prepare(signer, described);
    let did = prepared.agency.did.clone();
    for role in [Role::Issuer, Role::Verifier, Role::Accreditor] {
        for version in 0..16 {
            let granted = grant(&scene.city.did, &did, role, |terms| terms.version = version);
            scene.ledger.apply(&scene.city.sign(&granted)).unwrap();
        }
    }
    scene
        .ledger
        .end_accreditation(&scene.ministry.did, Role::Accreditor, 1);
    let counting = Counting {
        ledger: &scene.ledger,
        reads: RefCell::default(),
    };
    let block = BlockContext {
        network: scene.ledger.network().clone(),
        height: 100,
        time_ms: NOW * 1000,
        epoch: 0,
    };
    let refused = apply(&prepared.creation, &counting, &block).unwrap_err();
    assert_eq!(refused, Rejection::NotAwaited);
    let reads = counting.reads.into_inner();
    assert!(reads.values().all(|count| *count == 1), "{reads:?}");
    // The DID and its three records; city and ministry with theirs.
    assert_eq!(reads.len(), 8, "{reads:?}");
}
