use jumin_identity::{
    Assembler, CodecContext, Message, Progress, ResponseMode, UnverifiedPresentation, VpToken,
    encode_request,
};
use jumin_registry::testing::TestAgency;
use jumin_registry::{Claims, Role};

use super::stage::*;
use crate::store::ActivityKind;
use crate::trust::TrustError;
use crate::{Choice, IssuanceError, Mode, PresentError};

async fn refused_with(fault: Fault) -> IssuanceError {
    let stage = Stage::new().await;
    stage.misbehave(fault);
    let error = stage.accept().await.unwrap_err();
    assert!(stage.wallet.documents(NOW).unwrap().is_empty());
    assert!(stage.wallet.activity(10).unwrap().is_empty());
    error
}

fn yes() -> Choice {
    Choice::default()
}

fn qr_texts(request: &str) -> Vec<String> {
    let frames = encode_request(request, &CodecContext::new()).unwrap();
    frames.iter().map(|frame| frame.text().to_owned()).collect()
}

/// Decodes the codes of an answer to its VP Token.
fn decoded(frames: &[String]) -> VpToken {
    let mut assembler = Assembler::new();
    for frame in frames {
        let progress = assembler.push(frame, &CodecContext::new()).unwrap();
        if let Progress::Complete(Message::Presentation(token)) = progress {
            return VpToken::parse(&token).unwrap();
        }
    }
    panic!("no presentation in the codes");
}

#[tokio::test]
async fn accepted_document_is_stored_with_all_its_copies() {
    let stage = Stage::new().await;
    let document = stage.accept().await.unwrap();
    assert_eq!((document.copies, document.copies_left), (3, 3));
    assert_eq!(document.issuer_name.ko, "서울특별시 종로구");
    assert_eq!(
        *stage.scene.notified.lock().unwrap(),
        ["credential_accepted"]
    );
    let detail = stage.wallet.document(&document.id, NOW).unwrap().unwrap();
    let name = detail
        .claims
        .iter()
        .find(|c| c.path == "name.hangul")
        .unwrap();
    assert_eq!(
        (name.value.as_str(), name.label.ko.as_str()),
        (Some("홍길동"), "성명(한글)")
    );
    assert_eq!(
        stage.wallet.activity(10).unwrap()[0].kind,
        ActivityKind::Accepted
    );
}

#[tokio::test]
async fn invalid_nonce_is_answered_with_a_fresh_one() {
    let stage = Stage::new().await;
    stage.misbehave(Fault::NonceOnceInvalid);
    stage.accept().await.unwrap();
}

#[tokio::test]
async fn wrong_transaction_code_is_said_plainly() {
    let stage = Stage::new().await;
    let open = stage.wallet.read_offer(&stage.offer()).await.unwrap();
    let error = stage.wallet.accept(&open, Some("000000"), NOW).await;
    let error = error.unwrap_err();
    assert_eq!(error.code(), "offer_refused");
    assert!(error.to_string().contains("transaction code is wrong"));
    let error = stage.wallet.accept(&open, None, NOW).await.unwrap_err();
    assert_eq!(error.code(), "tx_code_missing");
}

#[tokio::test]
async fn what_an_issuer_does_wrong_is_named_and_nothing_is_stored() {
    for (fault, code) in [
        (Fault::UsedOffer, "offer_gone"),
        (Fault::ForeignIssuer, "foreign_server"),
        (Fault::OtherIssuerInMetadata, "issuer_mismatch"),
        (Fault::TamperedClaim, "signature_invalid"),
        (Fault::ForeignHolderKey, "wrong_credential"),
        (Fault::SharedStatusEntry, "wrong_credential"),
        (Fault::DifferentClaims, "wrong_credential"),
        (Fault::FarFuture, "not_yet_valid"),
    ] {
        assert_eq!(refused_with(fault).await.code(), code);
    }
}

#[tokio::test]
async fn issuer_whose_accreditation_ended_is_refused_before_anything_is_stored() {
    let stage = Stage::new().await;
    {
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        ledger.set_time(NOW - 10);
        let issuer = stage.scene.issuer_did();
        ledger.end_accreditation(&issuer, Role::Issuer, stage.grant);
    }
    let error = stage.accept().await.unwrap_err();
    assert_eq!(error.code(), "issuer_not_accredited");
    assert!(stage.wallet.documents(NOW).unwrap().is_empty());
    assert!(stage.scene.codes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn server_that_no_issuer_names_gets_no_code() {
    let stage = Stage::new().await;
    // The same server under another name, as a relay would have it.
    let base = stage
        .scene
        .base
        .lock()
        .unwrap()
        .replace("127.0.0.1", "localhost");
    *stage.scene.base.lock().unwrap() = base;
    let refused = stage.accept().await.unwrap_err();
    assert_eq!(refused.code(), "no_issuer_at_server");
    assert!(!refused.could_not_find_out());
    assert!(stage.scene.codes.lock().unwrap().is_empty());
    assert!(stage.wallet.documents(NOW).unwrap().is_empty());
}

#[tokio::test]
async fn unproven_server_gets_no_code_whatever_the_reason() {
    type Spoil = fn(&Stage);
    let reasons: [(Spoil, &str, bool); 6] = [
        (
            |stage| *stage.ledger.cut.lock().unwrap() = true,
            "ledger_unreachable",
            true,
        ),
        (
            |stage| *stage.ledger.now.lock().unwrap() = NOW + 600,
            "clock_wrong",
            true,
        ),
        (
            |stage| *stage.ledger.now.lock().unwrap() = NOW - 3600,
            "ledger_stale",
            true,
        ),
        (
            |stage| {
                let relay = stage.base().replace("127.0.0.1", "localhost");
                *stage.scene.base.lock().unwrap() = relay;
            },
            "no_issuer_at_server",
            false,
        ),
        (
            |stage| {
                let mut ledger = stage.ledger.ledger.lock().unwrap();
                ledger.set_time(NOW - 10);
                ledger.end_accreditation(&stage.scene.issuer_did(), Role::Issuer, stage.grant);
            },
            "issuer_not_accredited",
            false,
        ),
        (
            |stage| {
                stage
                    .ledger
                    .ledger
                    .lock()
                    .unwrap()
                    .deactivate(&stage.scene.issuer)
            },
            "issuer_deactivated",
            false,
        ),
    ];
    for (spoil, code, unknown) in reasons {
        let stage = Stage::new().await;
        spoil(&stage);
        let open = stage.wallet.read_offer(&stage.offer()).await.unwrap();
        let preview = stage.wallet.preview(&open, NOW).await.unwrap();
        let told = preview.refused.unwrap();
        assert!(!preview.issuer.accredited);
        assert_eq!((told.code(), told.could_not_find_out()), (code, unknown));
        let refused = stage
            .wallet
            .accept(&open, Some(CODE), NOW)
            .await
            .unwrap_err();
        assert_eq!(
            (refused.code(), refused.could_not_find_out()),
            (code, unknown)
        );
        assert!(stage.scene.codes.lock().unwrap().is_empty(), "{code}");
        assert!(stage.wallet.documents(NOW).unwrap().is_empty());
    }
}

#[tokio::test]
async fn offer_that_was_proven_once_is_proven_again_when_it_is_accepted() {
    let stage = Stage::new().await;
    let open = stage.wallet.read_offer(&stage.offer()).await.unwrap();
    let preview = stage.wallet.preview(&open, NOW).await.unwrap();
    assert!(preview.issuer.accredited && preview.refused.is_none());
    // The wallet has records of a moment ago, which say that all is well; they are not asked.
    *stage.ledger.cut.lock().unwrap() = true;
    let refused = stage
        .wallet
        .accept(&open, Some(CODE), NOW)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "ledger_unreachable");
    assert!(stage.scene.codes.lock().unwrap().is_empty());
}

#[tokio::test]
async fn further_agency_that_names_the_server_changes_nothing_for_its_issuer() {
    let stage = Stage::new().await;
    for _ in 0..4 {
        let base = stage.base();
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        agency_with_service(&mut ledger, &base);
        let accredited = agency_with_service(&mut ledger, &base);
        let period = (NOW - 1000, NOW + 1000);
        ledger.accredit(&accredited.did, Role::Issuer, &[CARD], period.0, period.1);
    }
    let document = stage.accept().await.unwrap();
    assert_eq!(document.issuer, stage.scene.issuer_did().to_string());
}

#[tokio::test]
async fn nothing_is_accepted_while_the_ledger_is_silent_or_this_clock_is_wrong() {
    let stage = Stage::new().await;
    *stage.ledger.cut.lock().unwrap() = true;
    assert_eq!(
        stage.accept().await.unwrap_err().code(),
        "ledger_unreachable"
    );
    *stage.ledger.cut.lock().unwrap() = false;
    *stage.ledger.now.lock().unwrap() = NOW + 600;
    assert_eq!(stage.accept().await.unwrap_err().code(), "clock_wrong");
    *stage.ledger.now.lock().unwrap() = NOW - 3600;
    assert_eq!(stage.accept().await.unwrap_err().code(), "ledger_stale");
}

#[tokio::test]
async fn strict_answer_is_bound_to_its_request_and_uses_one_copy() {
    let stage = Stage::new().await;
    let document = stage.accept().await.unwrap();
    let texts = qr_texts(&stage.request("age-19", ResponseMode::QrCode));
    let request = stage.wallet.read_request(&texts, NOW).await.unwrap();
    assert!(request.verifier().accredited && request.mode() == Mode::Qr);
    let consent = stage.wallet.consent(&request, &yes(), NOW).unwrap();
    let paths: Vec<&str> = consent.documents[0]
        .disclosed
        .iter()
        .map(|c| c.path.as_str())
        .collect();
    assert_eq!(paths, ["age_equal_or_over.19"]);
    let always: Vec<&str> = consent.documents[0]
        .always
        .iter()
        .map(|c| c.path.as_str())
        .collect();
    assert_eq!(always, ["issuing_authority", "issue_date"]);
    let answer = stage.wallet.answer(&request, &yes(), NOW).await.unwrap();
    assert_eq!(
        (answer.copies_left, answer.documents),
        (2, vec![document.id])
    );
    let token = decoded(&answer.frames);
    assert_eq!(token.query_id, "age-19");
    let presentation = UnverifiedPresentation::parse(&token.presentation).unwrap();
    assert_eq!(
        presentation.dangerous_audience_unverified(),
        request.verifier().client_id
    );
    assert!(
        !token
            .presentation
            .contains(&jumin_identity::b64url("홍길동".as_bytes()))
    );
    let log = stage.wallet.activity(1).unwrap();
    assert_eq!(log[0].kind, ActivityKind::Shown);
    assert_eq!(log[0].claims, ["age_equal_or_over.19"]);
}

#[tokio::test]
async fn used_up_copies_are_shown_again_only_on_request() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let request = stage.request("age-19", ResponseMode::QrCode);
    let request = stage.wallet.read_request(&[request], NOW).await.unwrap();
    for _ in 0..3 {
        stage.wallet.answer(&request, &yes(), NOW).await.unwrap();
    }
    let error = stage
        .wallet
        .answer(&request, &yes(), NOW)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "copies_used_up");
    let reuse = Choice {
        reuse: true,
        ..yes()
    };
    assert!(
        stage
            .wallet
            .consent(&request, &reuse, NOW)
            .unwrap()
            .documents[0]
            .reused
    );
    stage.wallet.answer(&request, &reuse, NOW).await.unwrap();
}

#[tokio::test]
async fn verifier_without_accreditation_is_named_and_gets_nothing_unless_the_citizen_insists() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let stranger = stage.ledger.ledger.lock().unwrap().agency();
    let request = stage.request_by(&stranger, "age-19", ResponseMode::QrCode);
    let request = stage.wallet.read_request(&[request], NOW).await.unwrap();
    assert_eq!(
        request.verifier().not_accredited_because,
        Some("not_accredited")
    );
    let error = stage
        .wallet
        .answer(&request, &yes(), NOW)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unknown_verifier");
    assert_eq!(stage.wallet.documents(NOW).unwrap()[0].copies_left, 3);
    let insist = Choice {
        accept_unknown_verifier: true,
        ..yes()
    };
    stage.wallet.answer(&request, &insist, NOW).await.unwrap();
    assert!(
        !stage.wallet.activity(1).unwrap()[0]
            .party
            .as_ref()
            .unwrap()
            .accredited
    );
}

/// A library that may ask for ages and names, and no more.
fn library(stage: &Stage) -> TestAgency {
    let mut ledger = stage.ledger.ledger.lock().unwrap();
    let library = ledger.agency();
    let claims = ["age_equal_or_over", "name.hangul"].map(|claim| claim.parse().unwrap());
    let granted = (&[CARD][..], Claims::Only(claims.to_vec()));
    let period = (NOW - 1000, NOW + 1000);
    ledger.accredit_for(&library.did, Role::Verifier, granted, period);
    library
}

#[tokio::test]
async fn verifier_that_asks_for_more_than_it_may_gets_nothing_unless_the_citizen_insists() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let library = library(&stage);
    let within = stage.request_by(&library, "age-19", ResponseMode::QrCode);
    let within = stage.wallet.read_request(&[within], NOW).await.unwrap();
    let may_ask = within.verifier().may_ask.clone().unwrap();
    let names: Vec<_> = may_ask.iter().map(|name| name.ko.as_str()).collect();
    assert_eq!(names, ["나이 확인", "성명(한글)"]);
    assert_eq!(within.verifier().beyond, Vec::new());

    let beyond = stage.request_by(&library, "address", ResponseMode::QrCode);
    let beyond = stage.wallet.read_request(&[beyond], NOW).await.unwrap();
    assert!(beyond.verifier().accredited);
    let names: Vec<_> = beyond
        .verifier()
        .beyond
        .iter()
        .map(|name| name.ko.as_str())
        .collect();
    assert!(
        names.contains(&"주소") || names.contains(&"도로명"),
        "{names:?}"
    );
    let consent = stage.wallet.consent(&beyond, &yes(), NOW).unwrap();
    assert_eq!(consent.verifier.beyond, beyond.verifier().beyond);
    let refused = stage.wallet.answer(&beyond, &yes(), NOW).await.unwrap_err();
    assert_eq!(refused.code(), "beyond_accreditation");
    assert!(refused.to_string().contains(names[0]), "{refused}");
    assert_eq!(stage.wallet.documents(NOW).unwrap()[0].copies_left, 3);
    let insist = Choice {
        accept_unknown_verifier: true,
        ..yes()
    };
    stage.wallet.answer(&beyond, &insist, NOW).await.unwrap();
}

#[tokio::test]
async fn service_that_an_agency_may_not_ask_for_is_not_shown_one_way_either() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let library = library(&stage).did.to_string();
    let (wallet, yes) = (&stage.wallet, yes());
    let consent = wallet.one_way_consent(&library, "address", &yes, NOW);
    assert!(!consent.await.unwrap().verifier.beyond.is_empty());
    let refused = wallet.one_way(&library, "address", &yes, NOW).await;
    assert_eq!(refused.err().unwrap().code(), "beyond_accreditation");
    let shown = wallet.one_way(&library, "age-19", &yes, NOW).await;
    assert!(shown.is_ok());
}

#[tokio::test]
async fn request_is_answered_within_ten_minutes_of_being_judged() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let day = NOW + 24 * 3600;
    let request = stage.request_until(&stage.verifier, "age-19", ResponseMode::QrCode, day);
    let read = stage.wallet.read_request(&[request], NOW).await.unwrap();
    let consent = stage.wallet.consent(&read, &yes(), NOW).unwrap();
    assert_eq!(consent.expires, Some(NOW + 600));
    // The verifier may have lost its accreditation since: it is asked about anew, by reading the request again.
    let late = stage.wallet.answer(&read, &yes(), NOW + 600).await;
    assert_eq!(late.unwrap_err().code(), "request_expired");
    let answer = stage.wallet.answer(&read, &yes(), NOW + 599).await;
    assert!(answer.is_ok());
}

#[tokio::test]
async fn request_signed_with_another_key_or_past_its_end_is_refused() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let mut forger = stage.ledger.ledger.lock().unwrap().agency();
    forger.did = stage.verifier.did.clone();
    let forged = stage.request_by(&forger, "age-19", ResponseMode::QrCode);
    let error = stage.wallet.read_request(&[forged], NOW).await.unwrap_err();
    assert_eq!(error.code(), "request_signature_invalid");
    let request = stage.request("age-19", ResponseMode::QrCode);
    *stage.ledger.now.lock().unwrap() = NOW + 120;
    let late = stage.wallet.read_request(&[request], NOW + 120).await;
    assert_eq!(late.unwrap_err().code(), "request_expired");
    for text in ["hello", "", "JUMIN"] {
        let error = stage
            .wallet
            .read_request(&[text.to_owned()], NOW)
            .await
            .unwrap_err();
        assert!(
            matches!(error, PresentError::NotARequest | PresentError::Code(_)),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn withheld_claim_stops_the_answer() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let request = stage.request("address", ResponseMode::QrCode);
    let request = stage.wallet.read_request(&[request], NOW).await.unwrap();
    let only = |paths: &[&str]| Choice {
        disclose: Some(paths.iter().map(|path| (*path).to_owned()).collect()),
        ..yes()
    };
    let error = stage
        .wallet
        .answer(&request, &only(&["address"]), NOW)
        .await
        .unwrap_err();
    assert!(matches!(&error, PresentError::Withheld(paths) if paths == &["name.hangul"]));
    let allowed = only(&["name", "address"]);
    stage.wallet.answer(&request, &allowed, NOW).await.unwrap();
}

#[tokio::test]
async fn verifier_is_checked_against_the_wallets_own_records_without_a_network() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    *stage.ledger.cut.lock().unwrap() = true;
    let request = stage.request("age-19", ResponseMode::QrCode);
    let request = stage.wallet.read_request(&[request], NOW).await.unwrap();
    let checked = request.verifier().checked.as_ref().unwrap();
    assert!(request.verifier().accredited && !checked.online);
    stage.wallet.answer(&request, &yes(), NOW).await.unwrap();
    let week = 7 * 24 * 3600;
    let agencies = stage.wallet.agencies(NOW + week + 1).await;
    assert_eq!(agencies.unwrap_err().code(), "no_bundle");
}

#[tokio::test]
async fn one_way_code_names_the_agency_and_is_redrawn_with_a_fresh_nonce() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let shown = stage.wallet.one_way("종로구", "age-19", &yes(), NOW).await;
    let (answer, showing) = shown.unwrap();
    assert_eq!(answer.copies_left, 2);
    let first = decoded(&answer.frames);
    let again = decoded(&showing.redraw(NOW + 15).unwrap());
    let (first, again) = (
        UnverifiedPresentation::parse(&first.presentation).unwrap(),
        UnverifiedPresentation::parse(&again.presentation).unwrap(),
    );
    let client = format!("decentralized_identifier:{}", stage.verifier.did);
    assert_eq!(first.dangerous_audience_unverified(), client);
    assert_ne!(
        first.dangerous_nonce_unverified(),
        again.dangerous_nonce_unverified()
    );
    assert_eq!(stage.wallet.documents(NOW).unwrap()[0].copies_left, 2);
    assert_eq!(
        showing.redraw(NOW + 300).unwrap_err().code(),
        "request_expired"
    );
    let error = stage
        .wallet
        .one_way("부산", "age-19", &yes(), NOW)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        PresentError::Trust(TrustError::NoSuchAgency(_))
    ));
    let error = stage
        .wallet
        .one_way("종로구", "tax", &yes(), NOW)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unknown_service");
    for service in ["identity", "identity-portrait"] {
        let (wallet, yes) = (&stage.wallet, yes());
        let consent = wallet.one_way_consent("종로구", service, &yes, NOW).await;
        assert_eq!(consent.unwrap_err().code(), "service_needs_request");
        let shown = wallet.one_way("종로구", service, &yes, NOW).await;
        assert_eq!(shown.unwrap_err().code(), "service_needs_request");
    }
}

#[tokio::test]
async fn online_answer_is_posted_with_its_state_and_leads_on() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let response_uri = stage.response_uri();
    let request = stage.request("age-19", ResponseMode::DirectPost { response_uri });
    *stage.scene.request_object.lock().unwrap() = request;
    let base = stage.scene.base.lock().unwrap().clone();
    let link = |client: &str, method: &str| {
        let encoded = |text: &str| text.replace(':', "%3A").replace('/', "%2F");
        let uri = encoded(&format!("{base}/request"));
        format!(
            "openid4vp://?client_id={}&request_uri={uri}{method}",
            encoded(client)
        )
    };
    let client = format!("decentralized_identifier:{}", stage.verifier.did);
    let request = stage
        .wallet
        .read_request(&[link(&client, "")], NOW)
        .await
        .unwrap();
    assert_eq!(request.mode(), Mode::Online);
    let answer = stage.wallet.answer(&request, &yes(), NOW).await.unwrap();
    assert_eq!(
        answer.redirect_uri.as_deref(),
        Some("https://verifier.example/done")
    );
    {
        let received = stage.scene.received.lock().unwrap();
        assert_eq!(received["state"], "the-state");
        assert_eq!(
            VpToken::parse(&received["vp_token"]).unwrap().query_id,
            "age-19"
        );
    }
    assert_eq!(stage.wallet.activity(1).unwrap()[0].outcome, "done");
    // A request fetched by POST has to repeat the wallet's nonce, which this one does not.
    let error = stage
        .wallet
        .read_request(&[link(&client, "&request_uri_method=post")], NOW)
        .await;
    assert_eq!(error.unwrap_err().code(), "wallet_nonce");
    let other = link("decentralized_identifier:did:jumin:test:other", "");
    let error = stage.wallet.read_request(&[other], NOW).await.unwrap_err();
    assert_eq!(error.code(), "request_client_mismatch");
}

#[tokio::test]
async fn failed_sending_is_noted_with_its_reason() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let response_uri = format!("{}/nowhere", stage.scene.base.lock().unwrap());
    let request = stage.request("age-19", ResponseMode::DirectPost { response_uri });
    let request = stage.wallet.read_request(&[request], NOW).await.unwrap();
    let error = stage
        .wallet
        .answer(&request, &yes(), NOW)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "verifier_refused");
    assert_eq!(
        stage.wallet.activity(1).unwrap()[0].outcome,
        "verifier_refused"
    );
}

#[tokio::test]
async fn expired_document_is_said_to_be_expired() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let later = NOW + 366 * 24 * 3600;
    let shown = stage
        .wallet
        .one_way_consent("x", "age-19", &yes(), later)
        .await;
    assert_eq!(shown.unwrap_err().code(), "expired");
}

#[tokio::test]
async fn locked_wallet_gives_nothing_away() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    stage.wallet.lock();
    assert!(stage.wallet.is_locked());
    assert_eq!(
        stage.wallet.documents(NOW).unwrap_err().code(),
        "wallet_locked"
    );
    let error = stage.wallet.read_offer(&stage.offer()).await.unwrap_err();
    assert_eq!(error.code(), "wallet_locked");
    let secret = crate::UnlockSecret::new("correct horse".into());
    stage.wallet.unlock(&secret, NOW).unwrap();
    assert_eq!(stage.wallet.documents(NOW).unwrap().len(), 1);
}

#[tokio::test]
async fn deleted_document_is_gone() {
    let stage = Stage::new().await;
    let document = stage.accept().await.unwrap();
    assert!(stage.wallet.delete(&document.id, NOW).unwrap());
    assert!(!stage.wallet.delete(&document.id, NOW).unwrap());
    assert!(stage.wallet.document(&document.id, NOW).unwrap().is_none());
}

/// Has the ledger be a minute ahead of this device, and something be taken away in between.
fn ahead(stage: &Stage, take_away: impl FnOnce(&mut jumin_registry::testing::TestLedger)) {
    let mut ledger = stage.ledger.ledger.lock().unwrap();
    ledger.set_time(NOW + 30);
    take_away(&mut ledger);
    drop(ledger);
    *stage.ledger.now.lock().unwrap() = NOW + 60;
}

#[tokio::test]
async fn accreditation_that_ended_by_the_ledgers_clock_has_ended_for_a_device_that_lags() {
    let stage = Stage::new().await;
    let issuer = stage.scene.issuer_did();
    ahead(&stage, |ledger| {
        ledger.end_accreditation(&issuer, Role::Issuer, stage.grant);
    });
    let error = stage.accept().await.unwrap_err();
    assert_eq!(error.code(), "issuer_not_accredited");
}

#[tokio::test]
async fn verifier_whose_accreditation_ended_is_not_accredited_for_a_device_that_lags() {
    let stage = Stage::new().await;
    stage.accept().await.unwrap();
    let verifier = stage.verifier.did.clone();
    let consent = stage
        .wallet
        .one_way_consent(verifier.as_str(), "age-19", &yes(), NOW)
        .await
        .unwrap();
    assert!(consent.verifier.accredited);
    let request = qr_texts(&stage.request("age-19", ResponseMode::QrCode));
    ahead(&stage, |ledger| {
        let key = jumin_registry::RecordKey::Accreditation {
            subject: verifier.clone(),
            role: Role::Verifier,
        };
        let Some(jumin_registry::Record::Accreditation(record)) = ledger.record(&key) else {
            panic!("no accreditation");
        };
        ledger.end_accreditation(&verifier, Role::Verifier, record.grants[0].id);
    });
    let read = stage.wallet.read_request(&request, NOW).await.unwrap();
    assert_eq!(read.verifier().not_accredited_because, Some("ended"));
}
