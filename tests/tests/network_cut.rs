//! What a counter says when it cannot reach anybody.

use std::time::Duration;

use anyhow::Result;
use jumin_tests::{Check, Stack, Wallet, unix_now, wait_until};
use serde_json::{Value, json};

const AGE_LIMIT: u64 = 4;

fn policy(service: &str, max_checkpoint_age: u64, max_status_age: u64) -> Value {
    json!({
        "service": service,
        "name": { "ko": "시험", "en": "Test" },
        "query": { "template": "address" },
        "credential_types": ["urn:jumin:resident-card:1"],
        "request_seconds": 300,
        "max_presentation_age": 300,
        "max_checkpoint_age": max_checkpoint_age,
        "max_status_age": max_status_age,
        "refresh_after": 3,
        "one_way": false,
        "on_status_unknown": "refuse"
    })
}

/// Asks and answers while the network is there, cuts it, and checks once the evidence is `age` seconds old.
fn check_after_cut(stack: &mut Stack, wallet: &Wallet, service: &str, age: u64) -> Result<Check> {
    let (request, answer) = (stack.path("request.png"), stack.path("answer.png"));
    stack.counter.request(service, &request)?;
    wallet
        .present(&request.display().to_string(), &answer)?
        .success()?;
    stack.counter.sync()?;
    let synced = unix_now();
    stack.cut_network()?;
    wait_until("the evidence ages", Duration::from_secs(30), || {
        Ok((unix_now() >= synced + age).then_some(()))
    })?;
    stack.counter.verify_picture(&answer)
}

fn stack_with_card() -> Result<(Stack, Wallet, String)> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    let credential = stack.issuer.credential_id(&resident)?;
    Ok((stack, wallet, credential))
}

#[test]
fn with_the_network_cut_a_card_is_valid_from_the_bundle_with_its_ages() -> Result<()> {
    let (mut stack, wallet, _) = stack_with_card()?;
    let check = check_after_cut(&mut stack, &wallet, "address", 2)?;
    assert_eq!(check.verdict, "valid", "{}", check.json);
    let checked = &check.json["checked"];
    assert_eq!(checked["network"], "offline");
    assert!(
        checked["checkpoint_age_seconds"].as_u64() >= Some(1),
        "{checked}"
    );
    assert!(checked["status_list_age_seconds"].is_u64(), "{checked}");
    Ok(())
}

#[test]
fn past_the_policy_age_of_the_checkpoint_the_ledger_is_stale() -> Result<()> {
    let (mut stack, wallet, _) = stack_with_card()?;
    stack
        .counter
        .write_policy(&policy("short-ledger", AGE_LIMIT, 86_400))?;
    let check = check_after_cut(&mut stack, &wallet, "short-ledger", AGE_LIMIT + 2)?;
    assert_eq!(check.verdict, "ledger_stale", "{}", check.json);
    Ok(())
}

#[test]
fn past_the_policy_age_of_the_list_the_status_is_stale() -> Result<()> {
    let (mut stack, wallet, _) = stack_with_card()?;
    stack
        .counter
        .write_policy(&policy("short-status", 86_400, AGE_LIMIT))?;
    let check = check_after_cut(&mut stack, &wallet, "short-status", AGE_LIMIT + 2)?;
    assert_eq!(check.verdict, "status_stale", "{}", check.json);
    Ok(())
}

#[test]
fn a_card_revoked_during_the_cut_is_never_called_revoked_before_it_is_learnt() -> Result<()> {
    let (mut stack, wallet, credential) = stack_with_card()?;
    let (request, answer) = (stack.path("request.png"), stack.path("answer.png"));
    stack.counter.request("address", &request)?;
    wallet
        .present(&request.display().to_string(), &answer)?
        .success()?;
    stack.counter.sync()?;
    stack.issuer.change_status(&credential, "revoke")?;
    stack.cut_network()?;
    let check = stack.counter.verify_picture(&answer)?;
    assert_ne!(check.verdict, "revoked", "{}", check.json);
    assert_eq!(check.json["checked"]["network"], "offline");
    Ok(())
}

#[test]
fn a_list_older_than_the_anchored_one_answers_for_nobody() -> Result<()> {
    let (mut stack, wallet, _) = stack_with_card()?;
    let other = stack.wallet("other-wallet")?;
    let resident = stack.issue_card(&other)?;
    let (request, answer) = (stack.path("request.png"), stack.path("answer.png"));
    stack.counter.request("address", &request)?;
    wallet
        .present(&request.display().to_string(), &answer)?
        .success()?;
    stack.counter.sync()?;
    // The ledger knows of a newer list, but nobody publishes it any more.
    let credential = stack.issuer.credential_id(&resident)?;
    stack.issuer.change_status(&credential, "suspend")?;
    stack.issuer.kill()?;
    std::thread::sleep(Duration::from_secs(3));
    let check = stack.counter.verify_picture(&answer)?;
    assert_eq!(check.verdict, "status_stale", "{}", check.json);
    Ok(())
}
