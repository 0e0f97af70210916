//! Hostile, damaged and stale input: each defect has its own verdict, and none is `valid`.

mod world;

use jumin_identity::{FileKey, Status, StatusList, b64url, sha256};
use jumin_registry::testing::TestLedger;
use jumin_registry::{AnchorKind, Bundle};
use jumin_verifier::{LedgerView, PendingRequest, Verdict};
use serde_json::{Map, Value, json};
use world::*;

/// Checks answers to one request against one view.
struct Bench {
    world: World,
    view: LedgerView,
    pending: PendingRequest,
    right: String,
}

impl Bench {
    fn new() -> Bench {
        let mut world = World::new();
        let view = world.view(NOW - 5);
        let pending = world.ask("address");
        let right = world.answer(&pending);
        Bench {
            world,
            view,
            pending,
            right,
        }
    }

    fn check(&self, answer: &str) -> Verdict {
        verdict(&self.pending.finish(answer, &self.view, NOW))
    }

    fn reissued(&self, change: impl FnOnce(&mut Value, &mut Map<String, Value>)) -> Verdict {
        let World { issuer, holder, .. } = &self.world;
        self.check(&reissue(&self.right, &issuer.key, holder, change))
    }

    fn rebound(&self, change: impl FnOnce(&mut Value, &mut Map<String, Value>)) -> Verdict {
        self.check(&rebind(&self.right, &self.world.holder, change))
    }

    /// Adds a disclosure and makes the key binding fit again.
    fn with_disclosure(&self, disclosure: &Value) -> Verdict {
        let (id, mut parts) = parts(&self.right);
        parts.insert(1, b64url(disclosure.to_string().as_bytes()));
        self.check(&rehash(&joined(&id, &parts), &self.world.holder))
    }
}

#[test]
fn text_that_is_no_answer_is_malformed() {
    let bench = Bench::new();
    let long = format!("{{\"address\":[\"{}\"]}}", "A".repeat(300_000));
    let deep = "[".repeat(100_000);
    for text in ["", "{}", "hello", "{\"address\":[\"a~b~c\"]}", &long, &deep] {
        assert_eq!(bench.check(text), Verdict::Malformed);
    }
    let truncated = &bench.right[..bench.right.len() / 2];
    assert_eq!(bench.check(truncated), Verdict::Malformed);
}

#[test]
fn two_presentations_in_one_answer_are_malformed() {
    let bench = Bench::new();
    let (id, parts) = parts(&bench.right);
    let one = parts.join("~");
    let two = json!({ id: [one, one] }).to_string();
    assert_eq!(bench.check(&two), Verdict::Malformed);
}

#[test]
fn answer_to_another_question_is_a_mismatch() {
    let bench = Bench::new();
    let (_, parts) = parts(&bench.right);
    assert_eq!(
        bench.check(&joined("age-19", &parts)),
        Verdict::RequestMismatch
    );
}

#[test]
fn answer_with_less_than_was_asked_is_a_mismatch() {
    let bench = Bench::new();
    let (id, mut parts) = parts(&bench.right);
    parts.remove(1);
    let less = rehash(&joined(&id, &parts), &bench.world.holder);
    assert_eq!(bench.check(&less), Verdict::RequestMismatch);
}

#[test]
fn tampered_disclosure_is_a_broken_signature() {
    let bench = Bench::new();
    let (id, mut parts) = parts(&bench.right);
    let disclosure = jumin_identity::b64url_decode(&parts[1]).unwrap();
    let mut disclosure: Vec<Value> = serde_json::from_slice(&disclosure).unwrap();
    disclosure[2] = Value::from("부산광역시");
    parts[1] = b64url(Value::from(disclosure).to_string().as_bytes());
    let tampered = joined(&id, &parts);
    assert_eq!(bench.check(&tampered), Verdict::SignatureInvalid);
    let refitted = rehash(&tampered, &bench.world.holder);
    assert_eq!(bench.check(&refitted), Verdict::SignatureInvalid);
}

#[test]
fn tampered_claims_and_foreign_signatures_are_broken_signatures() {
    let bench = Bench::new();
    let (id, mut parts) = parts(&bench.right);
    let last = if parts[0].ends_with('A') { "B" } else { "A" };
    let cut = parts[0].len() - 2;
    parts[0].replace_range(cut..cut + 1, last);
    let tampered = rehash(&joined(&id, &parts), &bench.world.holder);
    assert_eq!(bench.check(&tampered), Verdict::SignatureInvalid);
    let thief = FileKey::generate().unwrap();
    let foreign = reissue(&bench.right, &thief, &bench.world.holder, |_, _| ());
    assert_eq!(bench.check(&foreign), Verdict::SignatureInvalid);
}

#[test]
fn key_that_the_issuer_does_not_have_signs_nothing() {
    let bench = Bench::new();
    let named = |kid: Value| bench.reissued(|header, _| header["kid"] = kid);
    let other = format!("{}#key-9", bench.world.issuer.did);
    assert_eq!(named(Value::from(other)), Verdict::IssuerKeyEnded);
    let elsewhere = bench.world.office.kid().to_string();
    assert_eq!(named(Value::from(elsewhere)), Verdict::SignatureInvalid);
    assert_eq!(named(Value::from("key-1")), Verdict::SignatureInvalid);
}

#[test]
fn wrong_type_and_foreign_algorithms_are_refused() {
    let bench = Bench::new();
    let headed = |name: &'static str, value: &str| {
        let value = Value::from(value);
        bench.reissued(|header, _| header[name] = value)
    };
    assert_eq!(headed("typ", "JWT"), Verdict::Malformed);
    assert_eq!(headed("typ", "kb+jwt"), Verdict::Malformed);
    assert_eq!(headed("alg", "none"), Verdict::Unsupported);
    assert_eq!(headed("alg", "HS256"), Verdict::Unsupported);
    assert_eq!(headed("alg", "ES256K"), Verdict::Unsupported);
    let critical = bench.reissued(|header, _| header["crit"] = json!(["exp"]));
    assert_eq!(critical, Verdict::Unsupported);
    let hash = bench.reissued(|_, p| {
        p.insert("_sd_alg".to_owned(), Value::from("sha-1"));
    });
    assert_eq!(hash, Verdict::Unsupported);
}

#[test]
fn unreferenced_duplicated_and_shadowing_disclosures_are_refused() {
    let bench = Bench::new();
    assert_eq!(
        bench.with_disclosure(&json!(["c2FsdA", "nickname", "x"])),
        Verdict::SignatureInvalid
    );
    let (id, mut parts) = parts(&bench.right);
    parts.insert(1, parts[1].clone());
    let doubled = rehash(&joined(&id, &parts), &bench.world.holder);
    assert_eq!(bench.check(&doubled), Verdict::Malformed);
    for name in ["iss", "exp", "cnf", "status", "vct", "nbf", "_sd", "..."] {
        let disclosure = json!(["c2FsdA", name, "did:jumin:test:x"]);
        let digest = b64url(&sha256(
            b64url(disclosure.to_string().as_bytes()).as_bytes(),
        ));
        let shadowing = reissue(
            &bench.right,
            &bench.world.issuer.key,
            &bench.world.holder,
            |_, payload| {
                let digests = payload.get_mut("_sd").and_then(Value::as_array_mut);
                digests.unwrap().push(Value::from(digest));
            },
        );
        let (id, mut parts) = world::parts(&shadowing);
        parts.insert(1, b64url(disclosure.to_string().as_bytes()));
        let shadowing = rehash(&joined(&id, &parts), &bench.world.holder);
        assert_eq!(bench.check(&shadowing), Verdict::Malformed, "{name}");
    }
    for short in [
        json!([]),
        json!(["c2FsdA"]),
        json!(["c2FsdA", "a"]),
        json!({}),
    ] {
        assert_ne!(bench.with_disclosure(&short), Verdict::Valid, "{short}");
    }
}

#[test]
fn wrong_nonce_or_audience_is_a_mismatch() {
    let bench = Bench::new();
    for (name, value) in [
        ("nonce", "bm9uY2U"),
        ("aud", "decentralized_identifier:did:jumin:test:other"),
    ] {
        let found = bench.rebound(|_, payload| {
            payload.insert(name.to_owned(), Value::from(value));
        });
        assert_eq!(found, Verdict::RequestMismatch, "{name}");
    }
    // Contained in, or containing, the right one is not the right one.
    let nonce = bench.pending.nonce().unwrap();
    for wrong in [&nonce[1..], &format!("{nonce}A"), ""] {
        let found = bench.rebound(|_, payload| {
            payload.insert("nonce".to_owned(), Value::from(wrong));
        });
        assert_eq!(found, Verdict::RequestMismatch, "{wrong}");
    }
}

#[test]
fn key_binding_that_does_not_bind_is_invalid() {
    let bench = Bench::new();
    for name in ["sd_hash", "iat", "aud", "nonce"] {
        let found = bench.rebound(|_, payload| {
            payload.remove(name);
        });
        assert_eq!(found, Verdict::HolderBindingInvalid, "{name} missing");
    }
    let (_, parts) = parts(&bench.right);
    let without_tilde = parts[..parts.len() - 1].join("~");
    for hashed in ["", &without_tilde] {
        let hash = b64url(&sha256(hashed.as_bytes()));
        let found = bench.rebound(|_, payload| {
            payload.insert("sd_hash".to_owned(), Value::from(hash));
        });
        assert_eq!(found, Verdict::HolderBindingInvalid);
    }
    let thief = FileKey::generate().unwrap();
    let stolen = rebind(&bench.right, &thief, |_, _| ());
    assert_eq!(bench.check(&stolen), Verdict::HolderBindingInvalid);
    let typed = bench.rebound(|header, _| header["typ"] = Value::from("JWT"));
    assert_eq!(typed, Verdict::HolderBindingInvalid);
    let unsigned = bench.rebound(|header, _| header["alg"] = Value::from("none"));
    assert_eq!(unsigned, Verdict::Unsupported);
}

#[test]
fn presentation_without_key_binding_is_invalid() {
    let bench = Bench::new();
    let (id, mut parts) = parts(&bench.right);
    *parts.last_mut().unwrap() = String::new();
    assert_eq!(
        bench.check(&joined(&id, &parts)),
        Verdict::HolderBindingInvalid
    );
}

#[test]
fn disclosure_taken_away_after_signing_breaks_the_binding() {
    let bench = Bench::new();
    let (id, mut parts) = parts(&bench.right);
    parts.remove(1);
    assert_eq!(
        bench.check(&joined(&id, &parts)),
        Verdict::HolderBindingInvalid
    );
}

#[test]
fn old_and_future_key_bindings_and_ended_requests_are_expired() {
    let bench = Bench::new();
    for iat in [NOW - 3_600, NOW + 3_600] {
        let found = bench.rebound(|_, payload| {
            payload.insert("iat".to_owned(), Value::from(iat));
        });
        assert_eq!(found, Verdict::PresentationExpired, "{iat}");
    }
    let late = bench.pending.finish(&bench.right, &bench.view, NOW + 301);
    assert_eq!(verdict(&late), Verdict::PresentationExpired);
}

#[test]
fn missing_expired_older_newer_and_overdue_lists_are_never_revoked() {
    let mut world = World::new();
    let pending = world.ask("address");
    let answer = world.answer(&pending);
    let found = |view: &LedgerView, now| verdict(&pending.finish(&answer, view, now));
    // Unreachable, none kept.
    assert_eq!(
        found(&world.view_without_lists(NOW), NOW),
        Verdict::StatusUnknown
    );
    // Older than the anchored one, and it says valid.
    let old_token = world.token.clone();
    world.publish(INDEX, Status::Invalid, NOW - 50);
    let new_token = std::mem::replace(&mut world.token, old_token);
    assert_eq!(
        found(&world.view_with_old_list(NOW), NOW),
        Verdict::StatusStale
    );
    // Newer than what is known of the ledger.
    let mut behind = World::new();
    behind.issuer.key = FileKey::from_pkcs8_der(&behind.issuer.key.to_pkcs8_der()).unwrap();
    let pending = behind.ask("address");
    let answer = behind.answer(&pending);
    let mut list = StatusList::new(1_024);
    list.set(INDEX, Status::Invalid).unwrap();
    behind.token = sign_list(&behind.issuer, &list, NOW - 1, NOW + DAY);
    let view = behind.view_with_old_list(NOW);
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::StatusUnknown
    );
    // The anchored one, which says revoked.
    world.token = new_token;
    let pending = world.ask("address");
    let answer = world.answer(&pending);
    let view = world.view(NOW);
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::Revoked
    );
}

#[test]
fn expired_list_is_stale() {
    let mut world = World::new();
    let pending = world.ask("address");
    let answer = world.answer(&pending);
    world.token = sign_list(&world.issuer, &world.list, NOW - 100, NOW - 1);
    let view = world.view_with_old_list(NOW);
    let outcome = pending.finish(&answer, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::StatusStale);
}

#[test]
fn overdue_anchor_makes_the_list_stale() {
    let mut world = World::new();
    let pending = world.ask("address");
    let answer = world.answer(&pending);
    let (digest, due) = (world.list.digest(), Some(NOW - 10));
    world.ledger.set_time(NOW - 80);
    let World { ledger, issuer, .. } = &mut world;
    ledger.anchor(issuer, AnchorKind::StatusList, LIST, 2, digest, due);
    let view = world.view_with_old_list(NOW);
    let outcome = pending.finish(&answer, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::StatusStale);
}

#[test]
fn list_that_is_not_the_issuers_is_not_taken() {
    let mut world = World::new();
    let mut view = world.view_without_lists(NOW);
    let did = world.issuer.did.clone();
    let mut refused =
        |uri: &str, token: &str| view.add_status_list(&did, uri, token).unwrap_err().code();
    let other_sub = jumin_identity::sign_status_list(
        &world.list,
        "https://issuer.example/status/2",
        NOW - 100,
        NOW + DAY,
        300,
        &world.issuer.kid(),
        &[],
        &world.issuer.key,
    )
    .unwrap();
    assert_eq!(refused(LIST, &other_sub), "evidence_status_list");
    let forged = sign_list(&world.office, &world.list, NOW - 100, NOW + DAY);
    assert_eq!(refused(LIST, &forged), "evidence_issuer_unknown");
    let unanchored = "https://issuer.example/status/3";
    assert_eq!(refused(unanchored, &world.token), "evidence_not_anchored");
    assert_eq!(refused(LIST, "a.b.c"), "evidence_status_list");
    let mut list = StatusList::new(1_024);
    list.set(3, Status::Invalid).unwrap();
    let other = sign_list(&world.issuer, &list, NOW - 100, NOW + DAY);
    let other = view
        .add_current_status_list(&did, LIST, &other)
        .unwrap_err();
    assert_eq!(other.code(), "evidence_not_the_anchored_one");
}

#[test]
fn dictionary_that_is_not_the_anchored_one_is_not_taken() {
    let mut world = World::new();
    let digest = sha256(b"dictionary");
    world.ledger.set_time(NOW - 80);
    let World { ledger, issuer, .. } = &mut world;
    ledger.anchor(issuer, AnchorKind::Dictionary, CARD, 1, digest, None);
    let mut view = world.view_without_lists(NOW);
    let did = world.issuer.did.clone();
    let error = view.add_dictionary(&did, CARD, b"other").unwrap_err();
    assert_eq!(error.code(), "evidence_not_the_anchored_one");
    assert!(!view.has_dictionary(&did, CARD));
    view.add_dictionary(&did, CARD, b"dictionary").unwrap();
    assert!(view.has_dictionary(&did, CARD));
}

#[test]
fn ledger_and_status_grow_stale_each_by_its_own_age() {
    let mut world = World::new();
    let view = world.view(NOW - 2 * DAY);
    let pending = world.ask("address");
    let outcome = pending.finish(&world.answer(&pending), &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::StatusStale);
    let mut world = World::new();
    let view = world.view(NOW - 4 * DAY);
    let pending = world.ask("address");
    let outcome = pending.finish(&world.answer(&pending), &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::LedgerStale);
    let report = outcome.unwrap_err();
    assert_eq!(
        report.report().checked.checkpoint_age_seconds,
        Some(4 * DAY)
    );
}

#[test]
fn checkpoint_from_the_future_is_stale_since_its_age_is_unknown() {
    let mut world = World::new();
    let view = world.view(NOW + 3_600);
    let pending = world.ask("address");
    let outcome = pending.finish(&world.answer(&pending), &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::LedgerStale);
}

#[test]
fn offline_within_the_policys_age_is_valid_and_says_how_old() {
    let mut world = World::new();
    let view = world.view(NOW - DAY / 2);
    let pending = world.ask("address");
    let accepted = pending.finish(&world.answer(&pending), &view, NOW).unwrap();
    let age = accepted.report().checked.checkpoint_age_seconds;
    assert_eq!(age, Some(DAY / 2));
}

#[test]
fn bundle_of_another_network_or_with_a_forged_record_is_not_believed() {
    let mut world = World::new();
    let trust = world.ledger.trust();
    let mut other = TestLedger::new(NOW);
    assert!(other.bundle(NOW).verify(&trust).is_err());
    let good = world.ledger.bundle(NOW).to_bytes();
    let mut forged: Value = serde_json::from_slice(&good).unwrap();
    let records = forged["records"].as_array_mut().unwrap();
    let value = records[1]["value"].clone();
    records[0]["value"] = value;
    let forged = Bundle::from_bytes(forged.to_string().as_bytes()).unwrap();
    assert!(forged.verify(&trust).is_err());
    assert!(Bundle::from_bytes(&good).unwrap().verify(&trust).is_ok());
}
