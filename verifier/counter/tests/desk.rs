//! What a desk says: replays, a cut network, restarts, codes that are no answers.

mod stage;

use std::sync::atomic::Ordering;

use jumin_counter::desk::{Desk, Mode, Scanned};
use jumin_counter::outcome::Outcome;
use jumin_counter::sync::Network;
use jumin_identity::Status;
use jumin_identity::qr::{CodecContext, encode_presentation, encode_request};
use jumin_registry::Handover;
use jumin_verifier::Verdict;
use stage::world::{INDEX, policy};
use stage::{Stage, decided, forged, now};

async fn verdict(stage: &Stage, desk: &Desk, text: &str) -> Verdict {
    stage.check(desk, text).await.verdict
}

#[tokio::test]
async fn a_right_answer_is_valid_once_and_replayed_afterwards_also_after_a_restart() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "address").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    assert_eq!(outcome.checked.network, Network::Online);
    assert_eq!(outcome.claims["name"]["hangul"], "홍길동");
    let again = stage.check(&desk, &answer).await;
    assert_eq!(again.verdict, Verdict::Replayed);
    assert!(again.claims.is_empty());
    // No orderly end: the next process finds only what is on disk.
    std::mem::forget(desk);
    let desk = stage.desk().await;
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::Replayed);
}

#[tokio::test]
async fn two_desks_that_scan_the_same_code_at_once_accept_it_once() {
    let stage = Stage::new().await;
    let (one, other) = (stage.desk().await, stage.desk().await);
    let answer = stage.answered(&one, "age-19").await;
    one.ledger().sync().await.unwrap();
    other.ledger().sync().await.unwrap();
    let (first, second) = tokio::join!(one.check(&answer, None), other.check(&answer, None));
    let mut verdicts = [first.unwrap().verdict, second.unwrap().verdict];
    verdicts.sort();
    assert_eq!(verdicts, [Verdict::Valid, Verdict::Replayed]);
}

#[tokio::test]
async fn the_network_cut_the_bundle_on_disk_decides_and_says_so() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    let answer = stage.answered(&desk, "address").await;
    drop(desk);
    stage.cut(true);
    let desk = stage.desk().await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    assert_eq!(outcome.checked.network, Network::Offline);
    assert!(outcome.checked.evidence.checkpoint_age_seconds.is_some());
}

#[tokio::test]
async fn a_revocation_is_seen_at_the_next_check_and_not_guessed_offline() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let before = stage.answered(&desk, "address").await;
    assert_eq!(verdict(&stage, &desk, &before).await, Verdict::Valid);
    stage.cut(true);
    stage.world().publish(INDEX, Status::Invalid, now());
    let offline = stage.answered(&desk, "address").await;
    let desk = stage.desk().await;
    assert_ne!(verdict(&stage, &desk, &offline).await, Verdict::Revoked);
    stage.cut(false);
    let desk = stage.desk().await;
    let after = stage.answered(&desk, "address").await;
    assert_eq!(verdict(&stage, &desk, &after).await, Verdict::Revoked);
}

#[tokio::test]
async fn an_unreachable_list_is_unknown_and_an_outdated_one_stale() {
    let stage = Stage::new().await;
    stage.switches.lists_down.store(true, Ordering::Relaxed);
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "address").await;
    assert_eq!(
        verdict(&stage, &desk, &answer).await,
        Verdict::StatusUnknown
    );
    stage.switches.lists_down.store(false, Ordering::Relaxed);
    desk.ledger().sync().await.unwrap();
    // The list changes, its anchor is seen, the list itself is not.
    stage.world().publish(INDEX, Status::Invalid, now());
    stage.switches.lists_down.store(true, Ordering::Relaxed);
    let report = desk.ledger().sync().await.unwrap();
    assert_eq!(report.missing.len(), 1);
    let answer = stage.answered(&desk, "address").await;
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::StatusStale);
}

#[tokio::test]
async fn an_issuer_that_serves_another_list_than_it_anchored_is_not_believed() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    {
        let mut world = stage.world();
        let before = world.token.clone();
        world.publish(INDEX, Status::Invalid, now());
        world.token = before;
    }
    let report = desk.ledger().sync().await.unwrap();
    assert!(
        report.missing[0].contains("not the anchored one"),
        "{:?}",
        report.missing
    );
    let answer = stage.answered(&desk, "address").await;
    assert_eq!(
        verdict(&stage, &desk, &answer).await,
        Verdict::StatusUnknown
    );
}

#[tokio::test]
async fn a_counter_that_knows_nothing_says_the_ledger_is_stale() {
    let stage = Stage::new().await;
    stage.cut(true);
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "age-19").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::LedgerStale);
    assert_eq!(outcome.checked.network, Network::Offline);
}

#[tokio::test]
async fn a_lying_node_and_a_forged_file_are_proofs_that_do_not_hold() {
    let stage = Stage::new().await;
    stage.switches.node_lies.store(true, Ordering::Relaxed);
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "age-19").await;
    assert_eq!(
        verdict(&stage, &desk, &answer).await,
        Verdict::LedgerProofInvalid
    );
    // With a good view at hand, the lie changes nothing.
    stage.switches.node_lies.store(false, Ordering::Relaxed);
    desk.ledger().sync().await.unwrap();
    let height = desk.ledger().view().unwrap().checkpoint().height();
    stage.switches.node_lies.store(true, Ordering::Relaxed);
    assert!(desk.ledger().sync().await.is_err());
    assert_eq!(desk.ledger().view().unwrap().checkpoint().height(), height);
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::Valid);
    // The file is changed while nobody looks.
    let answer = stage.answered(&desk, "age-19").await;
    drop(desk);
    stage.cut(true);
    let path = stage.home.path().join("ledger/bundle.json");
    std::fs::write(&path, forged(&std::fs::read(&path).unwrap())).unwrap();
    let desk = stage.desk().await;
    assert!(desk.ledger().damage().is_some());
    assert_eq!(
        verdict(&stage, &desk, &answer).await,
        Verdict::LedgerProofInvalid
    );
}

#[tokio::test]
async fn the_view_never_goes_back_in_height() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let early = stage.world().ledger.bundle(now()).to_bytes();
    let report = desk.ledger().sync().await.unwrap();
    *stage.switches.frozen.lock().unwrap() = Some(early);
    // A node that is behind gives either an error or what is known already.
    if let Ok(again) = desk.ledger().sync().await {
        assert_eq!(again.checkpoint_height, report.checkpoint_height);
    }
    let view = desk.ledger().view().unwrap();
    assert_eq!(view.checkpoint().height(), report.checkpoint_height);
    // Also not in a process that starts anew.
    let desk = stage.desk().await;
    let _ = desk.ledger().sync().await;
    let view = desk.ledger().view().unwrap();
    assert_eq!(view.checkpoint().height(), report.checkpoint_height);
}

#[tokio::test]
async fn codes_that_are_no_answers_are_malformed() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let object = {
        let started = desk.start("address", Mode::Qr, "").await.unwrap();
        let stored = desk.store().request(&started.id).await.unwrap().unwrap();
        stored.request_object.unwrap()
    };
    let request = encode_request(&object, &CodecContext::default()).unwrap();
    let answer = stage.answered(&desk, "address").await;
    let frame = encode_presentation(&answer, &CodecContext::default()).unwrap();
    let text = frame[0].text();
    let huge = "JM1:".to_owned() + &"A".repeat(100_000);
    for bad in [
        "",
        "https://example.com",
        "WIFI:S:x;;",
        "{}",
        "{\"address\":[\"x\"]}",
        &text[..text.len() / 2],
        &text[1..],
        &huge,
        request[0].text(),
    ] {
        let found = verdict(&stage, &desk, bad).await;
        assert_eq!(found, Verdict::Malformed, "{bad:.40}");
    }
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::Valid);
}

#[tokio::test]
async fn an_answer_to_someone_elses_request_is_a_mismatch() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let elsewhere = Stage::new().await;
    let other = elsewhere.desk().await;
    let (_, pending) = elsewhere.ask(&other, "address").await;
    let answer = stage.world().answer(&pending);
    assert_eq!(
        verdict(&stage, &desk, &answer).await,
        Verdict::RequestMismatch
    );
    let (id, _) = stage.ask(&desk, "address").await;
    let named = desk.check(&answer, Some(id.as_str())).await.unwrap();
    assert_eq!(named.verdict, Verdict::RequestMismatch);
    assert_eq!(
        desk.check(&answer, Some("none")).await.unwrap_err().code(),
        "unknown_request"
    );
}

#[tokio::test]
async fn a_one_way_code_is_valid_once_and_only_for_services_that_take_it() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let code = stage.one_way("age-19");
    let outcome = stage.check(&desk, &code).await;
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    assert_eq!(outcome.assurance.unwrap().code(), "one-way");
    // Another desk of the office shares the replay cache.
    let other = stage.desk().await;
    assert_eq!(verdict(&stage, &other, &code).await, Verdict::Replayed);
    let code = stage.one_way("identity");
    assert_eq!(
        verdict(&stage, &desk, &code).await,
        Verdict::RequestMismatch
    );
    assert!(desk.start("identity", Mode::OneWay, "").await.is_err());
}

#[tokio::test]
async fn a_started_one_way_request_takes_the_code_that_names_it() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let started = desk.start("age-19", Mode::OneWay, "").await.unwrap();
    assert!(started.qr.is_empty());
    let code = [stage.one_way("age-19")];
    let scanned = desk
        .scan("1", &code, Some(started.id.as_str()))
        .await
        .unwrap();
    assert_eq!(decided(scanned).verdict, Verdict::Valid);
    let stored = desk.store().request(&started.id).await.unwrap().unwrap();
    assert_eq!(stored.verdict.as_deref(), Some("valid"));
}

#[tokio::test]
async fn a_request_that_is_over_is_expired_but_a_used_one_stays_replayed() {
    let stage = Stage::new().await;
    let mut short = policy("age-19");
    short.request_seconds = 1;
    let desk = stage.desk_with(vec![short]).await;
    let used = stage.answered(&desk, "age-19").await;
    assert_eq!(verdict(&stage, &desk, &used).await, Verdict::Valid);
    let late = stage.answered(&desk, "age-19").await;
    let started = now();
    while now() < started + 3 {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(
        verdict(&stage, &desk, &late).await,
        Verdict::PresentationExpired
    );
    assert_eq!(verdict(&stage, &desk, &used).await, Verdict::Replayed);
}

#[tokio::test]
async fn frames_of_two_presentations_are_not_put_together_and_nothing_is_lost() {
    let stage = Stage::new().await;
    let mut big = policy("identity");
    big.service = "portrait".to_owned();
    big.query = jumin_verifier::QuerySource::Template("identity-portrait".to_owned());
    let desk = stage.desk_with(vec![big, policy("address")]).await;
    let (_, first) = stage.ask(&desk, "portrait").await;
    let (_, second) = stage.ask(&desk, "portrait").await;
    let frames = |pending: &jumin_verifier::PendingRequest| {
        let answer = stage
            .world()
            .answer_with_everything(pending, "identity-portrait");
        let frames = encode_presentation(&answer, &CodecContext::default()).unwrap();
        assert!(frames.len() > 2, "{}", frames.len());
        let texts = frames.iter().map(|frame| frame.text().to_owned());
        texts.collect::<Vec<_>>()
    };
    let (one, other) = (frames(&first), frames(&second));
    let mut outcome: Option<Outcome> = None;
    for (index, frame) in one.iter().enumerate() {
        let texts = [frame.clone()];
        if let Scanned::Decided(decided) = desk.scan("1", &texts, None).await.unwrap() {
            outcome = Some(*decided);
            break;
        }
        if index == 0 {
            let stray = [other[0].clone()];
            // One stray frame is no verdict about anybody, and changes nothing.
            let mixed = desk.scan("1", &stray, None).await.unwrap();
            assert!(matches!(mixed, Scanned::Progress { received: 1, .. }));
            // Another desk reads the other presentation at the same time.
            let apart = desk.scan("2", &stray, None).await.unwrap();
            assert!(matches!(apart, Scanned::Progress { .. }));
        }
    }
    let outcome = outcome.unwrap();
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    assert!(outcome.claims.contains_key("portrait"));
}

#[tokio::test]
async fn nothing_about_the_citizen_is_written_down() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "identity").await;
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::Valid);
    for name in ["counter.db", "counter.db-wal"] {
        let Ok(bytes) = std::fs::read(stage.home.path().join(name)) else {
            continue;
        };
        for personal in ["홍길동", "900101-1234567", "1990-01-01"] {
            let found = bytes
                .windows(personal.len())
                .any(|w| w == personal.as_bytes());
            assert!(!found, "{personal} in {name}");
        }
    }
    assert_eq!(
        desk.store().verdict_counts().await.unwrap(),
        [("valid".to_owned(), 1)]
    );
}

#[tokio::test]
async fn a_counter_offline_across_changes_of_validators_follows_with_one_bundle() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    stage.cut(true);
    stage.validators_change_twice(|changes| changes);
    stage.cut(false);

    let served = stage.switches.bundles_served.load(Ordering::Relaxed);
    desk.ledger().sync().await.unwrap();
    let asked = stage.switches.bundles_served.load(Ordering::Relaxed) - served;
    assert_eq!(asked, 1);
    let answer = stage.answered(&desk, "address").await;
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::Valid);

    // The next process has the trust file of the set-up, that bundle, and no network.
    drop(desk);
    stage.cut(true);
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "address").await;
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::Valid);
}

#[tokio::test]
async fn a_bundle_that_does_not_lead_to_its_validators_is_not_believed() {
    type Served = fn(Vec<Handover>) -> Vec<Handover>;
    let lies: [(&str, Served); 4] = [
        ("none", |_| Vec::new()),
        ("the first missing", |changes| changes[1..].to_vec()),
        ("the last missing", |changes| changes[..1].to_vec()),
        (
            "the first with the validators of the second",
            |mut changes| {
                changes[0].validators = changes[1].validators.clone();
                changes
            },
        ),
    ];
    for (name, lie) in lies {
        let stage = Stage::new().await;
        let desk = stage.desk().await;
        desk.ledger().sync().await.unwrap();
        let height = desk.ledger().view().unwrap().checkpoint().height();
        stage.validators_change_twice(lie);
        assert!(desk.ledger().sync().await.is_err(), "{name}");
        let view = desk.ledger().view().unwrap();
        assert_eq!(view.checkpoint().height(), height, "{name}");
    }
}

#[tokio::test]
async fn request_key_that_the_ledger_ended_signs_no_request_and_the_counter_still_decides() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    let answer = stage.answered(&desk, "address").await;
    desk.require_key(now()).unwrap();
    stage.world().end_office_key(now() - 10);
    desk.ledger().sync().await.unwrap();
    let refused = desk.start("address", Mode::Qr, "").await.unwrap_err();
    assert_eq!(refused.code(), "key_ended");
    let refused = desk.start("address", Mode::Online, "https://desk.example");
    assert_eq!(refused.await.unwrap_err().code(), "key_ended");
    desk.start("age-19", Mode::OneWay, "").await.unwrap();
    assert_eq!(verdict(&stage, &desk, &answer).await, Verdict::Valid);
}

#[tokio::test]
async fn code_used_after_a_backup_is_not_taken_again_by_a_counter_put_back_from_it() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let (code, request) = (
        stage.one_way("age-19"),
        stage.answered(&desk, "address").await,
    );
    let backup = stage.home.path().join("backup.db");
    desk.store().back_up(&backup, now()).await.unwrap();
    assert_eq!(verdict(&stage, &desk, &code).await, Verdict::Valid);
    assert_eq!(verdict(&stage, &desk, &request).await, Verdict::Valid);
    drop(desk);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(stage.home.path().join(format!("counter.db{suffix}")));
    }
    std::fs::rename(&backup, stage.home.path().join("counter.db")).unwrap();
    let desk = stage.desk().await;
    assert_ne!(verdict(&stage, &desk, &code).await, Verdict::Valid);
    assert_ne!(verdict(&stage, &desk, &request).await, Verdict::Valid);
    // What is asked for from now on is answered as ever.
    let fresh = stage.answered(&desk, "address").await;
    assert_eq!(verdict(&stage, &desk, &fresh).await, Verdict::Valid);
}
