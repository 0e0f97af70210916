//! What a wallet and an issuer refuse.

use anyhow::Result;
use jumin_tests::{Offer, Stack};

#[test]
fn a_wrong_transaction_code_gets_nothing_and_the_offer_ends_after_a_few_tries() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issuer.adult()?["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let offer = stack.issuer.offer(&resident, "resident-card")?;
    let wrong = Offer {
        tx_code: offer
            .tx_code
            .chars()
            .map(|digit| if digit == '1' { '2' } else { '1' })
            .collect(),
        ..offer.clone()
    };
    for _ in 0..10 {
        assert!(wallet.accept(&wrong).is_err());
    }
    assert!(
        wallet.accept(&offer).is_err(),
        "the right code must not help after ten wrong ones"
    );
    assert!(stack.issuer.credentials(&resident)?.is_empty());
    Ok(())
}

#[test]
fn an_offer_is_used_once() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issuer.adult()?["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let offer = stack.issuer.offer(&resident, "resident-card")?;
    wallet.accept(&offer)?;
    assert!(stack.wallet("thief")?.accept(&offer).is_err());
    Ok(())
}

#[test]
fn a_wrong_pin_opens_no_vault() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    wallet.command_with_pin("111111", &["list"])?.failure()?;
    wallet.list()?;
    Ok(())
}

#[test]
fn a_counter_without_accreditation_is_answered_only_when_the_citizen_insists() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack
        .governor()?
        .end_accreditation(&stack.counter.did()?, jumin_registry::Role::Verifier)?;
    let (request, answer) = (stack.path("request.png"), stack.path("answer.png"));
    stack.counter.request("address", &request)?;
    let request = request.display().to_string();
    wallet.present(&request, &answer)?.failure()?;
    assert!(
        !answer.exists(),
        "something was shown to an unaccredited counter"
    );
    let out = answer.display().to_string();
    let insist = [
        "present",
        "--request",
        &request,
        "--accept-unknown-verifier",
        "--yes",
        "--out",
        &out,
    ];
    wallet.command(&insist)?.success()?;
    Ok(())
}

#[test]
fn a_wallet_answers_the_counter_online() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    stack.counter.serve()?;
    let request = stack.counter.api_request("age-19", "online")?;
    wallet
        .present_online(request["qr"][0].as_str().unwrap_or_default())?
        .success()?;
    let state = stack
        .counter
        .api_state(request["id"].as_str().unwrap_or_default())?;
    assert!(state.to_string().contains("\"valid\""), "{state}");
    Ok(())
}

#[test]
fn an_offer_outlives_an_attempt_while_the_ledger_is_away() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issuer.adult()?["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let offer = stack.issuer.offer(&resident, "resident-card")?;
    stack.network.kill_all()?;
    assert!(wallet.accept(&offer).is_err());
    stack.network.start_all()?;
    wallet.accept(&offer)?;
    Ok(())
}
