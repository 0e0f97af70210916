//! What one slow or dead server costs: its own cards, for as long as it lasts, and nobody else anything.

mod stage;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jumin_counter::desk::Desk;
use jumin_counter::parties::Trouble;
use jumin_counter::status::OfficeStatus;
use jumin_counter::sync::{Network, Patience};
use jumin_identity::qr::{CodecContext, encode_presentation};
use jumin_identity::{Did, Status, b64url_decode, sha256};
use jumin_registry::{AnchorKind, Localized};
use jumin_verifier::Verdict;
use stage::world::{CARD, INDEX};
use stage::{Stage, decided, mute_server, now, trickling_server};

/// Waits for something that comes by itself.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn status(desk: &Desk) -> OfficeStatus {
    let name = Localized {
        ko: "창구".to_owned(),
        en: "Desk".to_owned(),
    };
    OfficeStatus::of(desk, name, now())
}

fn is_troubled(desk: &Desk, agency: &Did) -> bool {
    let troubled = status(desk).troubled;
    troubled.iter().any(|one| one.did == agency.to_string())
}

#[tokio::test]
async fn revoked_card_is_revoked_while_another_agencys_list_trickles() {
    let stage = Stage::new().await;
    let uri = format!("{}/status/1", trickling_server().await);
    let slow = stage.another_agency(&uri);
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "address").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    until("the slow agency is named", async || {
        is_troubled(&desk, &slow)
    })
    .await;

    stage.world().publish(INDEX, Status::Invalid, now());
    until("the network is asked again", async || {
        let answer = stage.answered(&desk, "address").await;
        stage.check(&desk, &answer).await.verdict == Verdict::Revoked
    })
    .await;
    let status = status(&desk);
    assert_eq!(status.network, Network::Online);
    assert_eq!((status.agencies, status.troubled.len()), (2, 1));
    let named = &status.troubled[0];
    assert_eq!(named.did, slow.to_string());
    assert!(named.name.is_some());
    assert_eq!((named.trouble, named.missing), (Trouble::Unreachable, 1));
}

#[tokio::test]
async fn forty_agencies_that_hang_do_not_hold_up_the_next_one() {
    let mut stage = Stage::new().await;
    stage.patience = Patience::default();
    let mute = mute_server().await;
    for agency in 0..40 {
        stage.another_agency(&format!("{mute}/{agency}/status/1"));
    }
    let desk = stage.desk().await;
    let began = Instant::now();
    until("the list of the one that answers is here", async || {
        desk.ledger().refresh(0).await;
        status(&desk).status_lists == Some(1)
    })
    .await;
    // One after the other they would take two minutes.
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
    let answer = stage.answered(&desk, "address").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    until("they are all named", async || {
        status(&desk).troubled.len() == 40
    })
    .await;
    assert_eq!(status(&desk).agencies, 41);
}

#[tokio::test]
async fn black_holed_first_node_costs_no_verdict() {
    let mut stage = Stage::new().await;
    let mute = mute_server().await.parse().unwrap();
    stage.nodes.insert(0, mute);
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "address").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    assert_eq!(outcome.checked.network, Network::Online);
}

#[tokio::test]
async fn check_waits_for_silent_nodes_no_longer_than_its_patience() {
    let mut stage = Stage::new().await;
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    let height = desk.ledger().view().unwrap().checkpoint().height();
    drop(desk);
    stage.nodes = vec![mute_server().await.parse().unwrap()];
    stage.patience = Patience::default();
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "address").await;
    let began = Instant::now();
    let outcome = stage.check(&desk, &answer).await;
    // The node itself is given up after five seconds.
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
    assert_eq!(outcome.checked.network, Network::Offline);
    assert_eq!(outcome.checked.evidence.checkpoint_height, Some(height));
    assert!(outcome.checked.evidence.checkpoint_age_seconds.is_some());
}

#[tokio::test]
async fn what_was_learnt_stays_when_nobody_waits_for_the_rest() {
    let stage = Stage::new().await;
    stage.another_agency(&format!("{}/status/1", trickling_server().await));
    let desk = stage.desk().await;
    {
        let sync = desk.ledger().sync();
        let mut sync = std::pin::pin!(sync);
        until("the agency that answers gave its list", async || {
            let pause = tokio::time::sleep(Duration::from_millis(5));
            tokio::select! {
                _ = &mut sync => {}
                () = pause => {}
            }
            status(&desk).status_lists == Some(1)
        })
        .await;
        // Here the rest is given up.
    }
    let height = status(&desk).checkpoint_height;
    drop(desk);
    stage.cut(true);
    let desk = stage.desk().await;
    assert_eq!(status(&desk).checkpoint_height, height);
    let answer = stage.answered(&desk, "address").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::Valid, "{}", outcome.reason);
}

#[tokio::test]
async fn card_of_the_agency_that_is_out_of_reach_is_never_valid_by_its_old_list() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    stage.switches.lists_down.store(true, Ordering::Relaxed);
    stage.world().publish(INDEX, Status::Invalid, now());
    desk.ledger().sync().await.unwrap();
    let answer = stage.answered(&desk, "address").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::StatusStale);
    let trouble = Some(Trouble::Unreachable);
    assert_eq!(outcome.checked.issuer_trouble, trouble);
    assert!(
        outcome.reason.contains("could not be reached"),
        "{}",
        outcome.reason
    );
    // Back again, it is asked for at the latest when its time to be left alone is over.
    stage.switches.lists_down.store(false, Ordering::Relaxed);
    until("the list is fetched", async || {
        desk.ledger().refresh(0).await;
        status(&desk).troubled.is_empty()
    })
    .await;
    let answer = stage.answered(&desk, "address").await;
    let outcome = stage.check(&desk, &answer).await;
    assert_eq!(outcome.verdict, Verdict::Revoked);
    assert_eq!(outcome.checked.issuer_trouble, None);
}

#[tokio::test]
async fn list_that_is_anchored_anew_while_it_is_fetched_is_asked_for_again_by_whoever_waits() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    let height = || desk.ledger().view().unwrap().checkpoint().height();
    let (issuer, uri) = {
        let world = stage.world();
        (world.issuer.did.clone(), world.list_uri.clone())
    };
    let (known, served) = (height(), &stage.switches.lists_served);
    stage.switches.lists_held.store(true, Ordering::Relaxed);
    stage.world().publish(INDEX, Status::Suspended, now());
    let meanwhile = async {
        until("the list is asked for", async || {
            served.load(Ordering::Relaxed) == 2
        })
        .await;
        let suspended = height();
        assert!(suspended > known);
        stage.world().publish(INDEX, Status::Invalid, now());
        let waiting = async {
            until("the anchor is known", async || height() > suspended).await;
            let release = async { stage.switches.lists_held.store(false, Ordering::Relaxed) };
            tokio::join!(biased; desk.ledger().await_list(&issuer, &uri), release);
            let view = desk.ledger().view().unwrap();
            assert!(view.has_current_list(&issuer, &uri, now()));
        };
        let (synced, ()) = tokio::join!(desk.ledger().sync(), waiting);
        synced.unwrap();
    };
    let (synced, ()) = tokio::join!(desk.ledger().sync(), meanwhile);
    synced.unwrap();
    let answer = stage.answered(&desk, "address").await;
    assert_eq!(stage.check(&desk, &answer).await.verdict, Verdict::Revoked);
}

#[tokio::test]
async fn list_is_fetched_once_for_each_anchor() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let served = || stage.switches.lists_served.load(Ordering::Relaxed);
    for _ in 0..3 {
        desk.ledger().sync().await.unwrap();
    }
    assert_eq!(served(), 1);
    stage.world().publish(INDEX, Status::Suspended, now());
    for _ in 0..3 {
        desk.ledger().sync().await.unwrap();
    }
    assert_eq!(served(), 2);
    // The next process has it from the disk.
    let desk = stage.desk().await;
    desk.ledger().sync().await.unwrap();
    assert_eq!(served(), 2);
    assert_eq!(status(&desk).status_lists, Some(1));
}

#[tokio::test]
async fn code_in_need_of_a_dictionary_that_could_not_be_had_says_so() {
    let stage = Stage::new().await;
    let desk = stage.desk().await;
    let answer = stage.answered(&desk, "address").await;
    // What the answer itself is made of shortens it, so the code is written with it.
    let parts = answer.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
    let dictionary: Vec<u8> = parts.flat_map(b64url_decode).flatten().collect();
    {
        let mut world = stage.world();
        let (world, digest) = (&mut *world, sha256(&dictionary));
        let kind = AnchorKind::Dictionary;
        world.ledger.set_time(now());
        world
            .ledger
            .anchor(&world.issuer, kind, CARD, 1, digest, None);
    }
    let mut context = CodecContext::new();
    context.add_dictionary(dictionary).unwrap();
    let frames = encode_presentation(&answer, &context).unwrap();
    let texts: Vec<_> = frames.iter().map(|one| one.text().to_owned()).collect();
    let outcome = decided(desk.scan("1", &texts, None).await.unwrap());
    assert_eq!(outcome.verdict, Verdict::Unsupported, "{}", outcome.reason);
    // The issuer's document does not say where its dictionaries are.
    assert!(
        outcome.reason.contains("1 of 1 agencies"),
        "{}",
        outcome.reason
    );
    assert_eq!(status(&desk).troubled[0].trouble, Trouble::Unusable);
}
