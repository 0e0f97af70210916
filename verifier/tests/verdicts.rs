//! Every verdict that the library reaches, each by the defect it is named after.

mod world;

use jumin_identity::{DidUrl, FileKey, OneWayNonce, Status, StatusReference, sign_status_list};
use jumin_registry::testing::TestAgency;
use jumin_registry::{
    AccreditationError, Accreditor, AnchorKind, Claims, Localized, Operation, Role,
    accreditation_at,
};
use jumin_verifier::{OnStatusUnknown, PendingRequest, Step, StepOutcome, Verdict};
use serde_json::{Value, json};
use world::*;

#[test]
fn a_right_answer_is_valid_and_says_what_was_checked() {
    let mut world = World::new();
    let pending = world.ask("identity");
    let view = world.view(NOW - 5);
    let accepted = pending.finish(&world.answer(&pending), &view, NOW).unwrap();
    let report = accepted.report();
    assert_eq!(report.verdict, Verdict::Valid);
    assert_eq!(report.claims["name"], json!({"hangul": "홍길동"}));
    assert_eq!(report.claims["address"].as_object().unwrap().len(), 5);
    assert!(!report.claims.contains_key("portrait"));
    assert!(!report.claims.contains_key("cnf"));
    assert_eq!(report.issuer.as_ref().unwrap().did, world.issuer.did);
    assert_eq!(report.checked.checkpoint_age_seconds, Some(5));
    assert_eq!(report.checked.status_list_version, Some(1));
    assert_eq!(report.checked.status_list_age_seconds, Some(100));
    assert!(
        report
            .steps
            .iter()
            .all(|s| s.outcome == StepOutcome::Passed)
    );
}

#[test]
fn each_service_shows_only_what_it_asked_for() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("age-19");
    // A wallet that discloses everything, asked or not.
    let credential = world.held(&world.card().issue());
    let all: Vec<_> = credential
        .disclosures()
        .iter()
        .map(|d| d.path.clone())
        .collect();
    let nonce = pending.nonce().unwrap();
    let answer = world.disclose(&credential, "age-19", &all, pending.audience(), nonce, NOW);
    let accepted = pending.finish(&answer, &view, NOW).unwrap();
    let shown = Value::Object(accepted.report().claims.clone());
    assert_eq!(shown, json!({"age_equal_or_over": {"19": true}}));
}

#[test]
fn card_that_denies_the_age_is_no_proof_of_it() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("age-19");
    let mut claims = card_claims();
    claims["age_equal_or_over"]["19"] = Value::from(false);
    let credential = world.held(&world.card().issue_with(&claims));
    let denied = ["age_equal_or_over.19".parse().unwrap()];
    let nonce = pending.nonce().unwrap();
    let audience = pending.audience();
    let answer = world.disclose(&credential, "age-19", &denied, audience, nonce, NOW);
    let outcome = pending.finish(&answer, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::RequestMismatch);
    assert!(outcome.unwrap_err().report().claims.is_empty());
}

#[test]
fn revoked_card_is_revoked_and_suspended_card_is_suspended_then_valid_again() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let answer = world.answer(&pending);
    for (status, expected) in [
        (Status::Suspended, Verdict::Suspended),
        (Status::Valid, Verdict::Valid),
        (Status::Invalid, Verdict::Revoked),
    ] {
        world.publish(INDEX, status, NOW);
        let view = world.view(NOW);
        assert_eq!(verdict(&pending.finish(&answer, &view, NOW)), expected);
    }
}

#[test]
fn expired_and_not_yet_valid_cards_are_told_apart() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("age-19");
    let mut card = world.card();
    card.exp = NOW - 1;
    let answer = world.present(&card.issue(), &pending);
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::Expired
    );
    let answer = reissue(
        &world.answer(&pending),
        &world.issuer.key,
        &world.holder,
        |_, payload| {
            payload.insert("nbf".to_owned(), Value::from(NOW + 10_000));
        },
    );
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::NotYetValid
    );
}

#[test]
fn issuer_that_the_ledger_does_not_know_is_unknown() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("age-19");
    let mut other = World::new();
    let stranger = other.ledger.agency();
    let foreign = stranger.did.to_string();
    for name in [
        foreign.as_str(),
        "https://issuer.example",
        "did:web:issuer.example",
    ] {
        let answer = reissue(
            &world.answer(&pending),
            &stranger.key,
            &world.holder,
            |header, payload| {
                header["kid"] = Value::from(format!("{name}#key-1"));
                payload.insert("iss".to_owned(), Value::from(name));
            },
        );
        let outcome = pending.finish(&answer, &view, NOW);
        assert_eq!(verdict(&outcome), Verdict::IssuerUnknown, "{name}");
        assert!(outcome.unwrap_err().report().issuer.is_none());
    }
}

#[test]
fn issuer_not_accredited_for_the_type_or_at_the_time_or_any_more() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let right = world.answer(&pending);
    let view = world.view(NOW);
    // Before the accreditation began.
    let mut early = world.card();
    early.iat = NOW - 95 * DAY;
    early.nbf = early.iat;
    let early = world.present(&early.issue(), &pending);
    assert_eq!(
        verdict(&pending.finish(&early, &view, NOW)),
        Verdict::IssuerNotAccredited
    );
    // For another type.
    let other = reissue(&right, &world.issuer.key, &world.holder, |_, payload| {
        payload.insert(
            "vct".to_owned(),
            Value::from("urn:jumin:household-register:1"),
        );
    });
    assert_eq!(
        verdict(&pending.finish(&other, &view, NOW)),
        Verdict::IssuerNotAccredited
    );
    // Ended since: also for a card that was issued before.
    let grant = world.grant;
    world.ledger.set_time(NOW - 50);
    let issuer = world.issuer.did.clone();
    world.ledger.end_accreditation(&issuer, Role::Issuer, grant);
    let view = world.view(NOW);
    let outcome = pending.finish(&right, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::IssuerNotAccredited);
    assert!(outcome.unwrap_err().report().claims.is_empty());
}

#[test]
fn ended_accreditation_is_ended_for_a_clock_that_lags_behind_the_ledger() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let answer = world.answer(&pending);
    let (issuer, grant) = (world.issuer.did.clone(), world.grant);
    world.ledger.set_time(NOW + 100);
    world.ledger.end_accreditation(&issuer, Role::Issuer, grant);
    let view = world.view(NOW + 110);
    let outcome = pending.finish(&answer, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::IssuerNotAccredited);
}

#[test]
fn card_dated_after_its_issuers_accreditation_begins_is_not_valid_before() {
    let mut world = World::new();
    let newcomer = world.ledger.agency();
    let (from, until) = (NOW + 10 * DAY, NOW + 100 * DAY);
    world
        .ledger
        .accredit(&newcomer.did, Role::Issuer, &[CARD], from, until);
    let pending = world.ask("age-19");
    let answer = reissue(
        &world.answer(&pending),
        &newcomer.key,
        &world.holder,
        |header, payload| {
            header["kid"] = Value::from(newcomer.kid().to_string());
            payload.insert("iss".to_owned(), Value::from(newcomer.did.to_string()));
            payload.insert("iat".to_owned(), Value::from(from));
        },
    );
    let view = world.view(NOW);
    let outcome = pending.finish(&answer, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::NotYetValid);
}

#[test]
fn issuer_whose_accreditor_was_deactivated_is_not_accredited_but_not_deactivated() {
    let mut world = World::new();
    let (province, district) = (world.ledger.agency(), world.ledger.agency());
    let (from, until) = (NOW - 90 * DAY, NOW + 100 * DAY);
    world
        .ledger
        .accredit(&province.did, Role::Accreditor, &[CARD], from, until);
    let grant = Operation::Accredit {
        accreditor: Accreditor::Did(province.did.clone()),
        subject: district.did.clone(),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".to_owned(),
            en: "Jongno".to_owned(),
        },
        types: vec![CARD.to_owned()],
        claims: Claims::Any,
        from,
        until,
        version: 0,
    };
    world.ledger.apply(&province.sign(&grant)).unwrap();
    world.ledger.deactivate(&province);
    let pending = world.ask("age-19");
    let answer = reissue(
        &world.answer(&pending),
        &district.key,
        &world.holder,
        |header, payload| {
            header["kid"] = Value::from(district.kid().to_string());
            payload.insert("iss".to_owned(), Value::from(district.did.to_string()));
        },
    );
    let view = world.view(NOW);
    let outcome = pending.finish(&answer, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::IssuerNotAccredited);
}

/// A ministry, a city and an office below each other; gives all three, the ministry first.
fn chain_of_three(world: &mut World) -> [TestAgency; 3] {
    let agencies = [
        world.ledger.agency(),
        world.ledger.agency(),
        world.ledger.agency(),
    ];
    let (from, until) = (NOW - 90 * DAY, NOW + 100 * DAY);
    let ministry = &agencies[0].did;
    world
        .ledger
        .accredit(ministry, Role::Accreditor, &[CARD], from, until);
    for (pair, role) in agencies.windows(2).zip([Role::Accreditor, Role::Issuer]) {
        let grant = Operation::Accredit {
            accreditor: Accreditor::Did(pair[0].did.clone()),
            subject: pair[1].did.clone(),
            role,
            name: Localized {
                ko: "종로구".to_owned(),
                en: "Jongno".to_owned(),
            },
            types: vec![CARD.to_owned()],
            claims: Claims::Any,
            from,
            until,
            version: 0,
        };
        world.ledger.apply(&pair[0].sign(&grant)).unwrap();
    }
    agencies
}

#[test]
fn office_three_steps_down_issues_until_the_ministrys_grant_is_ended() {
    let mut world = World::new();
    let [ministry, _, office] = chain_of_three(&mut world);
    let anchored = world.list.digest();
    world.ledger.set_time(NOW - 80);
    world
        .ledger
        .anchor(&office, AnchorKind::StatusList, LIST, 1, anchored, None);
    let token = sign_list_of(&office, LIST, &world.list, NOW - 85, NOW + 30 * DAY);
    let pending = world.ask("age-19");
    let card = world.answer(&pending);
    let dated = |iat: u64| {
        reissue(&card, &office.key, &world.holder, |header, payload| {
            header["kid"] = Value::from(office.kid().to_string());
            payload.insert("iss".to_owned(), Value::from(office.did.to_string()));
            payload.insert("iat".to_owned(), Value::from(iat));
        })
    };
    let (before, after) = (dated(NOW - 60), dated(NOW - 20));
    let mut seen_at = |at, end: bool| {
        if end {
            world.ledger.set_time(NOW - 40);
            world
                .ledger
                .end_accreditation(&ministry.did, Role::Accreditor, 1);
        }
        let mut view = world.view_without_lists(at);
        view.add_current_status_list(&office.did, LIST, &token)
            .unwrap();
        view
    };
    let (kept, view) = (seen_at(NOW - 45, false), seen_at(NOW, true));

    // What is dated after the end was issued without an accreditation.
    let late = pending.finish(&after, &view, NOW).unwrap_err();
    assert_eq!(late.verdict(), Verdict::IssuerNotAccredited);
    let reason = &late.report().reason;
    assert!(reason.contains("does not hold"), "{reason}");
    // What is dated before it is refused as well, since the date is the office's word; the reason tells the two apart.
    let early = pending.finish(&before, &view, NOW).unwrap_err();
    assert_eq!(early.verdict(), Verdict::IssuerNotAccredited);
    let reason = &early.report().reason;
    assert!(reason.contains("was accredited at the time"), "{reason}");
    assert!(early.report().claims.is_empty());
    // The one bundle also answers for the time of issuance, by itself.
    let at = |time| accreditation_at(view.ledger(), &office.did, Role::Issuer, Some(CARD), time);
    assert_eq!(at(NOW - 60).unwrap().grants.len(), 3);
    assert_eq!(at(NOW - 20).unwrap_err(), AccreditationError::Ended);
    // And what was accepted before the end is accepted again from what was at hand then.
    assert!(pending.finish(&before, &kept, NOW).is_ok());
}

#[test]
fn card_of_an_office_whose_chain_ran_out_since_stays_valid() {
    let mut world = World::at(NOW, LIST);
    let office = world.ledger.agency();
    let (from, until) = (NOW - 90 * DAY, NOW - 10);
    world
        .ledger
        .accredit(&office.did, Role::Issuer, &[CARD], from, until);
    world.ledger.set_time(NOW - 80);
    let anchored = world.list.digest();
    world
        .ledger
        .anchor(&office, AnchorKind::StatusList, LIST, 1, anchored, None);
    let token = sign_list_of(&office, LIST, &world.list, NOW - 85, NOW + 30 * DAY);
    let pending = world.ask("age-19");
    let card = world.answer(&pending);
    let dated = |iat: u64| {
        reissue(&card, &office.key, &world.holder, |header, payload| {
            header["kid"] = Value::from(office.kid().to_string());
            payload.insert("iss".to_owned(), Value::from(office.did.to_string()));
            payload.insert("iat".to_owned(), Value::from(iat));
        })
    };
    let (before, after) = (dated(NOW - 60), dated(NOW - 5));
    let mut view = world.view_without_lists(NOW);
    view.add_current_status_list(&office.did, LIST, &token)
        .unwrap();
    let verdict = |answer: &str| verdict(&pending.finish(answer, &view, NOW));
    assert_eq!(verdict(&before), Verdict::Valid);
    assert_eq!(verdict(&after), Verdict::IssuerNotAccredited);
}

#[test]
fn agency_that_was_never_accredited_is_not_an_unknown_one() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let agency = world.ledger.agency();
    let answer = reissue(
        &world.answer(&pending),
        &agency.key,
        &world.holder,
        |header, payload| {
            header["kid"] = Value::from(agency.kid().to_string());
            payload.insert("iss".to_owned(), Value::from(agency.did.to_string()));
        },
    );
    let view = world.view(NOW);
    let found = verdict(&pending.finish(&answer, &view, NOW));
    assert!(
        matches!(found, Verdict::IssuerNotAccredited | Verdict::IssuerUnknown),
        "{found}"
    );
}

#[test]
fn deactivated_issuer_is_deactivated() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let answer = world.answer(&pending);
    world.ledger.set_time(NOW - 50);
    let World { ledger, issuer, .. } = &mut world;
    ledger.deactivate(issuer);
    let view = world.view_without_lists(NOW);
    let outcome = pending.finish(&answer, &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::IssuerDeactivated);
}

#[test]
fn card_signed_before_a_rotation_stays_valid_and_the_old_key_signs_no_more() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let before = world.answer(&pending);
    world.rotate(NOW - 50);
    let view = world.view_with_old_list(NOW);
    assert_eq!(
        verdict(&pending.finish(&before, &view, NOW)),
        Verdict::Valid
    );
    let mut late = world.card();
    late.iat = NOW - 20;
    let late = world.present(&late.issue(), &pending);
    assert_eq!(
        verdict(&pending.finish(&late, &view, NOW)),
        Verdict::IssuerKeyEnded
    );
}

#[test]
fn list_signed_after_the_end_of_its_key_answers_nothing_until_it_is_signed_anew() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let answer = world.answer(&pending);
    // The list is from NOW - 100, and the thief came before that.
    let key = world.rotate(NOW - 200);
    let mut view = world.view_without_lists(NOW);
    let (did, uri) = (world.issuer.did.clone(), world.list_uri.clone());
    let refused = view.add_status_list(&did, &uri, &world.token).unwrap_err();
    assert_eq!(refused.code(), "evidence_issuer_unknown");
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::StatusUnknown
    );
    let anew = signed_anew(&world, &key, "key-2", NOW - 10);
    view.add_current_status_list(&did, &uri, &anew).unwrap();
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::Valid
    );
}

fn signed_anew(world: &World, key: &FileKey, fragment: &str, at: u64) -> String {
    let kid = DidUrl::new(&world.issuer.did, fragment).unwrap();
    let uri = &world.list_uri;
    sign_status_list(&world.list, uri, at, at + DAY, 300, &kid, &[], key).unwrap()
}

#[test]
fn one_way_code_is_valid_for_a_minute_with_the_lower_assurance() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = PendingRequest::one_way(policy("age-19"), &world.verifier(), NOW).unwrap();
    let nonce = OneWayNonce::new(NOW, [7; 16]);
    let card = world.card().issue();
    let answer = world.present_as(&card, "age-19", pending.audience(), &nonce.to_string(), NOW);
    let accepted = pending.finish(&answer, &view, NOW + 20).unwrap();
    assert_eq!(accepted.report().assurance.code(), "one-way");
    let late = pending.finish(&answer, &view, NOW + 90);
    assert_eq!(verdict(&late), Verdict::PresentationExpired);
    // A fresh signature over an old window is no fresh code.
    let old = OneWayNonce::new(NOW - 300, [7; 16]).to_string();
    let answer = world.present_as(&card, "age-19", pending.audience(), &old, NOW);
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::PresentationExpired
    );
}

#[test]
fn one_way_code_needs_a_one_way_nonce_and_a_service_that_takes_it() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = PendingRequest::one_way(policy("age-19"), &world.verifier(), NOW).unwrap();
    let card = world.card().issue();
    let answer = world.present_as(&card, "age-19", pending.audience(), "bm9uY2U", NOW);
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::RequestMismatch
    );
    assert!(PendingRequest::one_way(policy("identity"), &world.verifier(), NOW).is_err());
}

#[test]
fn used_nonce_becomes_replayed_and_takes_the_claims_back() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("age-19");
    let accepted = pending.finish(&world.answer(&pending), &view, NOW).unwrap();
    let refusal = accepted.replayed();
    assert_eq!(refusal.verdict(), Verdict::Replayed);
    assert!(refusal.report().claims.is_empty());
}

#[test]
fn request_outlives_the_process_that_made_it() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("address");
    let stored = serde_json::to_string(&pending).unwrap();
    let restored: PendingRequest = serde_json::from_str(&stored).unwrap();
    assert_eq!(restored, pending);
    let outcome = restored.finish(&world.answer(&pending), &view, NOW);
    assert_eq!(verdict(&outcome), Verdict::Valid);
}

#[test]
fn unknown_status_leaves_the_clerk_room_only_where_the_policy_does() {
    let mut world = World::new();
    let view = world.view_without_lists(NOW);
    for (rule, may) in [
        (OnStatusUnknown::ClerkDecides, true),
        (OnStatusUnknown::Refuse, false),
    ] {
        let mut policy = policy("age-19");
        policy.on_status_unknown = rule;
        let pending = world.ask_with(&policy);
        let refusal = pending
            .finish(&world.answer(&pending), &view, NOW)
            .unwrap_err();
        assert_eq!(refusal.verdict(), Verdict::StatusUnknown);
        assert_eq!(refusal.report().clerk_may_accept, may);
        assert_eq!(refusal.report().claims.is_empty(), !may);
        let status = refusal
            .report()
            .steps
            .iter()
            .find(|s| s.step == Step::Status);
        assert_eq!(status.unwrap().outcome, StepOutcome::Failed);
    }
}

#[test]
fn clerk_has_nothing_to_decide_where_less_was_shown_than_asked() {
    let mut world = World::new();
    let view = world.view_without_lists(NOW);
    let pending = world.ask("age-19");
    let credential = world.held(&world.card().issue());
    let nonce = pending.nonce().unwrap();
    let answer = world.disclose(&credential, "age-19", &[], pending.audience(), nonce, NOW);
    let refusal = pending.finish(&answer, &view, NOW).unwrap_err();
    assert_eq!(refusal.verdict(), Verdict::StatusUnknown);
    assert!(!refusal.report().clerk_may_accept);
}

#[test]
fn clerk_may_not_overrule_a_stale_list_that_last_said_revoked() {
    let mut world = World::new();
    let pending = world.ask("age-19");
    let answer = world.answer(&pending);
    let old = NOW - pending.policy().max_status_age - 1;
    for (status, may) in [
        (Status::Valid, true),
        (Status::Suspended, false),
        (Status::Invalid, false),
    ] {
        world.publish(INDEX, status, old);
        let view = world.view(old);
        let refusal = pending.finish(&answer, &view, NOW).unwrap_err();
        assert_eq!(refusal.verdict(), Verdict::StatusStale);
        assert_eq!(refusal.report().clerk_may_accept, may, "{status:?}");
        assert_eq!(refusal.report().claims.is_empty(), !may);
    }
}

#[test]
fn what_was_disclosed_is_not_in_the_debug_text() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("address");
    let accepted = pending.finish(&world.answer(&pending), &view, NOW).unwrap();
    for text in [format!("{accepted:?}"), format!("{:?}", accepted.report())] {
        assert!(!text.contains("홍길동") && !text.contains("서울"), "{text}");
    }
}

#[test]
fn status_index_outside_of_the_list_is_unknown_not_revoked() {
    let mut world = World::new();
    let view = world.view(NOW);
    let pending = world.ask("age-19");
    let mut card = world.card();
    card.status = StatusReference {
        uri: LIST.to_owned(),
        idx: 5_000_000,
    };
    let answer = world.present(&card.issue(), &pending);
    assert_eq!(
        verdict(&pending.finish(&answer, &view, NOW)),
        Verdict::StatusUnknown
    );
}
