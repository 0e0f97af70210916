//! What is left to the clerk: accepted or refused once, never at two desks.

mod stage;

use std::sync::atomic::Ordering;

use jumin_counter::clerk::Ruling;
use jumin_counter::desk::{Desk, Mode};
use jumin_counter::outcome::Outcome;
use jumin_verifier::Verdict;
use stage::{Stage, now};

/// A desk that knows the ledger, but no status list.
async fn desk_without_lists(stage: &Stage) -> Desk {
    stage.switches.lists_down.store(true, Ordering::Relaxed);
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    desk
}

async fn left_to_the_clerk(stage: &Stage, desk: &Desk, code: &str) -> Outcome {
    let outcome = stage.check(desk, code).await;
    assert_eq!(
        outcome.verdict,
        Verdict::StatusUnknown,
        "{}",
        outcome.reason
    );
    assert!(outcome.clerk_may_accept);
    assert_eq!(outcome.claims["age_equal_or_over"]["19"], true);
    outcome
}

#[tokio::test]
async fn a_one_way_code_that_a_clerk_accepted_is_replayed_at_the_next_desk() {
    let stage = Stage::new().await;
    let desk = desk_without_lists(&stage).await;
    let code = stage.one_way("age-19");
    let outcome = left_to_the_clerk(&stage, &desk, &code).await;
    let decision = desk.rule(&outcome.id, true).await.unwrap();
    assert_eq!(decision.ruling, Ruling::Accepted);
    let other = desk_without_lists(&stage).await;
    let again = stage.check(&other, &code).await;
    assert_eq!(again.verdict, Verdict::Replayed);
    assert!(again.claims.is_empty() && !again.clerk_may_accept);
    // Also once the status can be learnt again.
    stage.switches.lists_down.store(false, Ordering::Relaxed);
    let desk = stage.desk().await;
    assert_eq!(stage.check(&desk, &code).await.verdict, Verdict::Replayed);
}

#[tokio::test]
async fn a_code_that_a_clerk_refused_is_not_tried_at_the_next_desk() {
    let stage = Stage::new().await;
    let desk = desk_without_lists(&stage).await;
    let code = stage.one_way("age-19");
    let outcome = left_to_the_clerk(&stage, &desk, &code).await;
    let decision = desk.rule(&outcome.id, false).await.unwrap();
    assert_eq!(decision.ruling, Ruling::Refused);
    assert_eq!(stage.check(&desk, &code).await.verdict, Verdict::Replayed);
}

#[tokio::test]
async fn of_two_clerks_that_look_at_the_same_code_one_accepts_it() {
    let stage = Stage::new().await;
    let (one, other) = (
        desk_without_lists(&stage).await,
        desk_without_lists(&stage).await,
    );
    let code = stage.one_way("age-19");
    let first = left_to_the_clerk(&stage, &one, &code).await;
    let second = left_to_the_clerk(&stage, &other, &code).await;
    assert_ne!(first.id, second.id);
    let (first, second) = tokio::join!(one.rule(&first.id, true), other.rule(&second.id, true));
    let rulings = [first.unwrap().ruling, second.unwrap().ruling];
    assert!(rulings.contains(&Ruling::Accepted));
    assert!(rulings.contains(&Ruling::Replayed));
}

#[tokio::test]
async fn a_decision_stays_what_it_was_also_for_a_page_that_asks_again_after_a_restart() {
    let stage = Stage::new().await;
    let desk = desk_without_lists(&stage).await;
    let outcome = left_to_the_clerk(&stage, &desk, &stage.one_way("age-19")).await;
    let decision = desk.rule(&outcome.id, true).await.unwrap();
    drop(desk);
    let desk = desk_without_lists(&stage).await;
    assert_eq!(desk.rule(&outcome.id, true).await.unwrap(), decision);
    assert_eq!(desk.rule(&outcome.id, false).await.unwrap(), decision);
}

#[tokio::test]
async fn only_what_is_the_clerks_to_decide_can_be_decided() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let valid = stage.check(&desk, &stage.one_way("age-19")).await;
    assert_eq!(valid.verdict, Verdict::Valid);
    for id in [valid.id.as_str(), "", "none"] {
        let refused = desk.rule(id, true).await.unwrap_err();
        assert_eq!(refused.code(), "unknown_outcome");
    }
    // A service whose policy refuses leaves nothing to the clerk.
    let desk = desk_without_lists(&stage).await;
    std::fs::remove_dir_all(stage.home.path().join("ledger/lists")).unwrap();
    let desk_anew = desk_without_lists(&stage).await;
    drop(desk);
    let outcome = stage.check(&desk_anew, &stage.one_way("address")).await;
    assert_eq!(outcome.verdict, Verdict::StatusUnknown);
    assert!(outcome.claims.is_empty() && !outcome.clerk_may_accept);
    assert!(desk_anew.rule(&outcome.id, true).await.is_err());
}

#[tokio::test]
async fn an_answer_that_a_clerk_accepted_answers_its_request_once() {
    let stage = Stage::new().await;
    let desk = desk_without_lists(&stage).await;
    let answer = stage.answered(&desk, "age-19").await;
    let outcome = left_to_the_clerk(&stage, &desk, &answer).await;
    desk.rule(&outcome.id, true).await.unwrap();
    assert_eq!(stage.check(&desk, &answer).await.verdict, Verdict::Replayed);
}

#[tokio::test]
async fn nobodys_claims_are_in_what_is_printed_for_debugging() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "identity").await;
    let outcome = stage.check(&desk, &answer).await;
    assert!(!outcome.claims.is_empty());
    let scanned = jumin_counter::desk::Scanned::Decided(Box::new(outcome.clone()));
    for text in [format!("{outcome:?}"), format!("{scanned:?}")] {
        assert!(!text.contains("홍길동") && !text.contains("900101"));
    }
    let started = desk
        .start("age-19", Mode::Online, "http://x")
        .await
        .unwrap();
    let stored = desk.store().request(&started.id).await.unwrap().unwrap();
    let key = stored.decryption_key.clone().unwrap();
    assert!(!format!("{stored:?}").contains(&key));
}

#[tokio::test]
async fn a_desk_takes_only_answers_to_what_it_shows() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let (earlier, pending) = stage.ask(&desk, "address").await;
    let answer = stage.world().answer(&pending);
    let shown = [desk.start("address", Mode::Qr, "").await.unwrap().id];
    let expected = |showing| jumin_counter::desk::Expected {
        request: None,
        showing,
        service: Some("address"),
    };
    let outcome = desk.check(&answer, expected(&shown)).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::RequestMismatch);
    // Nothing was used up: where it is shown, it is taken.
    let both = [shown[0].clone(), earlier];
    let outcome = desk.check(&answer, expected(&both)).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    let outcome = desk.check(&answer, expected(&shown)).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Replayed);
    let other = stage.one_way("age-19");
    let outcome = desk.check(&other, expected(&shown)).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::RequestMismatch);
    let same = stage.one_way("address");
    let outcome = desk.check(&same, expected(&shown)).await.unwrap();
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    assert!(now() >= outcome.at);
}
