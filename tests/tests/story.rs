//! One card from issuance to revocation, on real processes.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use jumin_registry::Role;
use jumin_tests::{Codec, Stack, Tampering, Wallet, read_qr, tamper};

/// Alphanumeric characters that a QR code of version 19-L holds (ISO/IEC 18004, table 7).
const VERSION_19_L: usize = 1153;
const REFRESH_AFTER: Duration = Duration::from_secs(3);

fn ask_and_answer(
    stack: &Stack,
    wallet: &Wallet,
    service: &str,
    name: &str,
) -> Result<std::path::PathBuf> {
    let request = stack.path(&format!("{name}-request.png"));
    let answer = stack.path(&format!("{name}-answer.png"));
    stack.counter.request(service, &request)?;
    wallet
        .present(&request.display().to_string(), &answer)?
        .success()?;
    Ok(answer)
}

#[test]
fn a_card_is_issued_shown_suspended_reinstated_and_revoked() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    let check = |name: &str| -> Result<String> {
        let answer = ask_and_answer(&stack, &wallet, "address", name)?;
        std::thread::sleep(REFRESH_AFTER);
        Ok(stack.counter.verify_picture(&answer)?.verdict)
    };
    assert_eq!(check("issued")?, "valid");

    let credential = stack.issuer.credential_id(&resident)?;
    for (action, verdict) in [
        ("suspend", "suspended"),
        ("reinstate", "valid"),
        ("revoke", "revoked"),
    ] {
        stack.issuer.change_status(&credential, action)?;
        assert_eq!(check(action)?, verdict, "after {action}");
    }
    Ok(())
}

#[test]
fn a_revocation_is_seen_at_the_next_online_check_within_five_seconds() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issue_card(&wallet)?;
    let first = ask_and_answer(&stack, &wallet, "address", "first")?;
    assert_eq!(stack.counter.verify_picture(&first)?.verdict, "valid");
    let second = ask_and_answer(&stack, &wallet, "address", "second")?;
    let last_check = Instant::now();
    assert_eq!(stack.counter.verify_picture(&second)?.verdict, "valid");
    let third = ask_and_answer(&stack, &wallet, "address", "third")?;

    let revoked = Instant::now();
    stack
        .issuer
        .change_status(&stack.issuer.credential_id(&resident)?, "revoke")?;
    std::thread::sleep(REFRESH_AFTER.saturating_sub(last_check.elapsed()));
    let check = stack.counter.verify_picture(&third)?;
    assert_eq!(check.verdict, "revoked", "{}", check.json);
    ensure!(
        revoked.elapsed() < Duration::from_secs(5),
        "took {:?}",
        revoked.elapsed()
    );
    Ok(())
}

#[test]
fn a_one_way_code_is_valid_once_and_says_its_assurance() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    let picture = stack.path("one-way.png");
    wallet
        .present_to(&stack.counter.did()?, "age-19", &picture)?
        .success()?;
    let check = stack.counter.verify_picture(&picture)?;
    assert_eq!(check.verdict, "valid", "{}", check.json);
    assert_eq!(check.json["assurance"], "one-way");
    assert_eq!(stack.counter.verify_picture(&picture)?.verdict, "replayed");
    Ok(())
}

#[test]
fn forged_and_replayed_answers_are_refused() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    let codec = Codec::of_issuer(stack.http(), &stack.issuer.url())?;
    let expected = [
        (Tampering::Disclosure, "signature_invalid"),
        (Tampering::IssuerSignature, "signature_invalid"),
        (Tampering::HolderSignature, "holder_binding_invalid"),
    ];
    for (tampering, verdict) in expected {
        let answer = ask_and_answer(&stack, &wallet, "address", &format!("{tampering:?}"))?;
        let original = codec.decode_presentation(&read_qr(&answer)?)?;
        let texts = Codec::plain().encode_presentation(&tamper(&original, tampering)?)?;
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let check = stack.counter.verify(&texts)?;
        assert_eq!(check.verdict, verdict, "{tampering:?}: {}", check.json);
        assert!(!check.accepted);
    }

    let answer = ask_and_answer(&stack, &wallet, "address", "good")?;
    assert_eq!(stack.counter.verify_picture(&answer)?.verdict, "valid");
    assert_eq!(stack.counter.verify_picture(&answer)?.verdict, "replayed");
    Ok(())
}

#[test]
fn an_answer_to_another_counter_is_refused() -> Result<()> {
    let stack = Stack::start()?;
    let other = stack.another_counter("other-counter")?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    other.sync()?;
    let answer = ask_and_answer(&stack, &wallet, "address", "answer")?;
    let check = other.verify_picture(&answer)?;
    assert_eq!(check.verdict, "request_mismatch", "{}", check.json);
    Ok(())
}

#[test]
fn an_issuer_whose_accreditation_ended_is_not_accepted() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    stack
        .governor()?
        .end_accreditation(&stack.issuer.did()?, Role::Issuer)?;
    stack.counter.sync()?;
    let answer = ask_and_answer(&stack, &wallet, "address", "answer")?;
    let check = stack.counter.verify_picture(&answer)?;
    assert_eq!(check.verdict, "issuer_not_accredited", "{}", check.json);
    Ok(())
}

#[test]
fn a_strict_presentation_of_the_address_service_is_one_small_qr_code() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    let answer = ask_and_answer(&stack, &wallet, "address", "answer")?;
    let texts = read_qr(&answer)?;
    assert_eq!(texts.len(), 1);
    assert!(
        texts[0].len() <= VERSION_19_L,
        "{} characters",
        texts[0].len()
    );
    Ok(())
}
