//! Guessing passwords, and who else waits for it.

use axum::http::{StatusCode, header};

use super::browser::{Browser, PASSWORD, issuer};
use super::sessions::actions;
use crate::console::{Bucket, Source, count_try, put_account};
use crate::store::Store;
use crate::testing::{Answer, TestIssuer, pass};

const STRANGER: &str = "192.0.2.66";

/// A browser from which the account has signed in before.
async fn known<'a>(issuer: &'a TestIssuer) -> Browser<'a> {
    let mut browser = Browser::new(issuer);
    assert_eq!(
        browser.sign_in("admin", PASSWORD).await.status,
        StatusCode::OK
    );
    browser.cookie = None;
    browser
}

fn from<'a>(issuer: &'a TestIssuer, peer: &'static str) -> Browser<'a> {
    let mut browser = Browser::new(issuer);
    browser.peer = Some(peer);
    browser
}

#[tokio::test]
async fn fifth_wrong_password_makes_even_the_right_one_wait() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    for _ in 0..5 {
        let answer = browser.sign_in("admin", "wrong").await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::UNAUTHORIZED, "wrong_credentials")
        );
    }
    let answer = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(
        (answer.status, answer.code()),
        (StatusCode::TOO_MANY_REQUESTS, "too_many_tries")
    );
    assert_eq!(answer.headers[header::RETRY_AFTER], "30");
    pass(30);
    assert_eq!(
        browser.sign_in("admin", "wrong").await.code(),
        "wrong_credentials"
    );
    let longer = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(longer.headers[header::RETRY_AFTER], "60", "the wait grows");
    pass(60);
    assert_eq!(
        browser.sign_in("admin", PASSWORD).await.status,
        StatusCode::OK
    );
    assert_eq!(
        Browser::new(&issuer).sign_in("admin", "wrong").await.code(),
        "wrong_credentials",
        "who gets in starts anew"
    );
}

#[tokio::test]
async fn unknown_names_are_throttled_alike_and_not_written_down() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    for _ in 0..5 {
        let answer = browser.sign_in("홍길동의 비밀", PASSWORD).await;
        assert_eq!(answer.code(), "wrong_credentials");
    }
    let answer = browser.sign_in("홍길동의 비밀", PASSWORD).await;
    assert_eq!(answer.code(), "too_many_tries");
    let actions = actions(&issuer).await;
    let refused = (
        "nobody".to_owned(),
        "session.refused".to_owned(),
        "unknown".to_owned(),
    );
    assert_eq!(
        actions.iter().filter(|action| **action == refused).count(),
        5
    );
    assert_eq!(
        issuer.app.store.verify_audit().await.unwrap().broken_at,
        None
    );
}

#[tokio::test]
async fn parallel_tries_do_not_slip_past_the_count() {
    let issuer = issuer().await;
    let guess = async || Browser::new(&issuer).sign_in("admin", "wrong").await;
    let answers = tokio::join!(
        guess(),
        guess(),
        guess(),
        guess(),
        guess(),
        guess(),
        guess(),
        guess(),
    );
    let answers: [Answer; 8] = answers.into();
    let compared = answers
        .iter()
        .filter(|answer| answer.code() == "wrong_credentials");
    let compared = compared.count();
    assert!((1..=5).contains(&compared), "{compared}");
}

/// Twenty of them locked everybody out; an address has fifty.
#[tokio::test]
async fn stranger_with_invented_names_locks_nobody_else_out() {
    let issuer = issuer().await;
    let mut own = known(&issuer).await;
    let mut stranger = from(&issuer, STRANGER);
    for n in 0..30 {
        let source = Source::of(Some(STRANGER.parse().unwrap()));
        let buckets = Bucket::of_stranger(&format!("invented-{n}"), source);
        let now = issuer.app.now();
        let count = |bucket: &Bucket, tries| count_try(bucket.kind, tries, now);
        let counted = issuer.app.store.count_try(&buckets, now, count).await;
        assert_eq!(counted.unwrap(), None);
    }
    for n in 30..50 {
        let answer = stranger.sign_in(&format!("invented-{n}"), "wrong").await;
        assert_eq!(answer.code(), "wrong_credentials", "{n}");
    }
    assert_eq!(
        stranger.sign_in("invented", "wrong").await.code(),
        "too_many_tries"
    );
    for peer in ["192.0.2.7", "127.0.0.1", "[2001:db8::1]"] {
        let mut other = from(&issuer, peer);
        let answer = other.sign_in("admin", PASSWORD).await;
        assert_eq!(answer.status, StatusCode::OK, "{peer}");
    }
    own.peer = Some(STRANGER);
    let answer = own.sign_in("admin", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "behind the same proxy");
}

#[tokio::test]
async fn invented_names_from_this_machine_or_a_proxy_on_it_lock_nobody_out() {
    let issuer = issuer().await;
    let mut stranger = from(&issuer, "127.0.0.1");
    for n in 0..21 {
        let answer = stranger.sign_in(&format!("invented-{n}"), "wrong").await;
        assert_eq!(answer.code(), "wrong_credentials", "{n}");
    }
    let answer = stranger.sign_in("admin", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn known_device_gets_in_while_strangers_guess_its_account() {
    let issuer = issuer().await;
    let mut own = known(&issuer).await;
    for _ in 0..5 {
        Browser::new(&issuer).sign_in("admin", "wrong").await;
    }
    let new = Browser::new(&issuer).sign_in("admin", PASSWORD).await;
    assert_eq!(new.code(), "too_many_tries");
    let answer = own.sign_in("admin", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
    let still = Browser::new(&issuer).sign_in("admin", PASSWORD).await;
    assert_eq!(still.code(), "too_many_tries", "strangers start no anew");
}

#[tokio::test]
async fn device_of_another_account_or_a_made_up_one_is_a_strangers() {
    let issuer = issuer().await;
    let app = &issuer.app;
    put_account(&app.store, "clerk", "another horse battery", app.now())
        .await
        .unwrap();
    let mut own = known(&issuer).await;
    let (name, mark) = own.device.as_ref().unwrap().split_once('=').unwrap();
    let renamed = format!("{}={mark}", name.replace("admin", "clerk"));
    let made_up = format!("jumin-device-7201-clerk={}", "A".repeat(54));
    for _ in 0..5 {
        Browser::new(&issuer).sign_in("clerk", "wrong").await;
    }
    for device in [renamed, made_up] {
        own.device = Some(device);
        let answer = own.sign_in("clerk", "another horse battery").await;
        assert_eq!(answer.code(), "too_many_tries");
    }
}

#[tokio::test]
async fn guessing_from_a_known_device_is_limited_like_a_strangers() {
    let issuer = issuer().await;
    let mut own = known(&issuer).await;
    let mut compared = 0;
    for _ in 0..20 {
        let answer = own.sign_in("admin", "wrong").await;
        compared += u32::from(answer.code() == "wrong_credentials");
    }
    assert_eq!(compared, 10, "five as a device and five as a stranger");
    assert_eq!(
        own.sign_in("admin", PASSWORD).await.code(),
        "too_many_tries"
    );
}

#[tokio::test]
async fn nothing_tells_whether_a_name_exists() {
    let issuer = issuer().await;
    let mut waits = 0;
    for step in 0..12 {
        let mut answers = Vec::new();
        for name in ["admin", "admim"] {
            let answer = from(&issuer, STRANGER).sign_in(name, "wrong").await;
            let mut headers: Vec<_> = answer.headers.keys().map(|name| name.as_str()).collect();
            headers.sort_unstable();
            let wait = answer.headers.get(header::RETRY_AFTER).cloned();
            answers.push((answer.status, answer.body, format!("{headers:?}"), wait));
        }
        assert_eq!(answers[0], answers[1], "{step}");
        if answers[0].0 == StatusCode::TOO_MANY_REQUESTS {
            waits += 1;
            pass(30 << waits);
        }
    }
    assert!(waits > 2);
}

#[tokio::test]
async fn invented_names_fill_neither_the_audit_nor_the_table_of_tries() {
    let issuer = issuer().await;
    let mut stranger = Browser::new(&issuer);
    for _ in 0..90 {
        let counts = &issuer.app.counts;
        let alert = counts.tally("/v1/session", "wrong_credentials", issuer.app.now());
        assert_eq!(alert, None);
    }
    for n in 0..22 {
        stranger.sign_in(&format!("invented-{n}"), "wrong").await;
    }
    let actions = actions(&issuer).await;
    let count = |action: &str| actions.iter().filter(|one| one.1 == action).count();
    assert_eq!(count("session.refused"), 20);
    assert_eq!(count("alert.many-refused"), 1);
    assert_eq!(issuer.app.store.tries_counted("account").await, 22);
    issuer.app.store.invent_tries(20_000).await;
    stranger.sign_in("one more", "wrong").await;
    assert_eq!(issuer.app.store.tries_counted("account").await, 16_384);
}

#[tokio::test]
async fn try_that_gets_no_turn_is_not_counted() {
    let issuer = issuer().await;
    let mut browser = Browser::new(&issuer);
    let crowd = issuer.app.passwords.crowd_of_strangers();
    for _ in 0..6 {
        let answer = browser.sign_in("admin", PASSWORD).await;
        assert_eq!(
            (answer.status, answer.code()),
            (StatusCode::SERVICE_UNAVAILABLE, "busy")
        );
    }
    drop(crowd);
    let answer = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK);
    browser.cookie = None;
    let _crowd = issuer.app.passwords.crowd_of_strangers();
    let answer = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(
        answer.status,
        StatusCode::OK,
        "a known device doesn't wait for them"
    );
}

#[tokio::test]
async fn tries_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("issuer.sqlite");
    let first = Store::open(&path).await.unwrap();
    put_account(&first, "admin", PASSWORD, 1000).await.unwrap();
    let buckets = Bucket::of_stranger("admin", Source::Local);
    for _ in 0..5 {
        let count = |bucket: &Bucket, tries| count_try(bucket.kind, tries, 2000);
        first.count_try(&buckets, 2000, count).await.unwrap();
    }
    first.close().await;
    let second = Store::open(&path).await.unwrap();
    let blocked = second.blocked_until(&buckets, 2001).await.unwrap();
    assert_eq!(blocked, Some(2030));
}
