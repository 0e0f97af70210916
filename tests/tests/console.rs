//! The agency's console against a real ledger: proof, blocks, and days without a network.

use std::time::Duration;

use anyhow::Result;
use jumin_tests::{CONSOLE_ACCOUNT, Stack, wait_until};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(30);

fn agency(stack: &Stack) -> Result<Value> {
    stack.issuer.console_get("/v1/agency")?.success()
}

fn detail(stack: &Stack, credential: &str) -> Result<Value> {
    let path = format!("/v1/credentials/{credential}");
    stack.issuer.console_get(&path)?.success()
}

#[test]
fn the_account_signs_in_with_its_password_only() -> Result<()> {
    let stack = Stack::start()?;
    let url = format!("{}/v1/session", stack.issuer.console_url());
    let sign_in = |password: &str| {
        let wish = json!({"account": CONSOLE_ACCOUNT, "password": password});
        stack.http().post(&url, &wish, &[])
    };
    assert_eq!(
        sign_in("not the password")?.json()?["code"],
        "wrong_credentials"
    );
    let session = sign_in(&stack.issuer.console_password()?)?.success()?;
    assert_eq!(session["account"], CONSOLE_ACCOUNT);
    Ok(())
}

#[test]
fn the_agency_and_every_final_status_are_proven_by_the_ledger() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issue_card(&wallet)?;
    let credential = stack.issuer.credential_id(&resident)?;
    stack.issuer.change_status(&credential, "suspend")?;
    let change = detail(&stack, &credential)?["changes"][0].clone();
    assert_eq!(
        (&change["final"], &change["to"]),
        (&json!(true), &json!("suspended"))
    );
    assert_eq!(change["actor"], "token");
    let height = change["block"]["height"].as_u64().unwrap_or_default();
    assert!(height > 0, "{change}");

    let agency = agency(&stack)?;
    assert_eq!(agency["proof"], "proven", "{agency}");
    assert_eq!(agency["did"], stack.issuer.did()?);
    assert!(agency["checkpoint"]["height"].as_u64() >= Some(height));
    assert_eq!(
        agency["keys"][0]["id"],
        format!("{}#key-1", stack.issuer.did()?)
    );
    assert_eq!(agency["accreditation"]["accreditor"], "governance");
    assert_eq!(agency["accreditation_problem"], Value::Null);
    let list = &agency["anchors"][0];
    assert_eq!(
        (&list["kind"], &list["version"]),
        (&json!("status-list"), &json!(2))
    );
    Ok(())
}

#[test]
fn a_status_changed_without_the_ledger_is_pending_until_a_block_has_it() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issue_card(&wallet)?;
    let credential = stack.issuer.credential_id(&resident)?;
    agency(&stack)?;
    stack.network.kill_all()?;

    let path = format!("/v1/credentials/{credential}/revoke");
    let answer = stack
        .issuer
        .console_post(&path, &json!({"reason": "reported lost"}))?;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answer = answer.json()?;
    assert_eq!(
        (&answer["status"], &answer["pending"]),
        (&json!("valid"), &json!("revoked"))
    );
    assert_eq!(answer["block"], Value::Null);
    let change = detail(&stack, &credential)?["changes"][0].clone();
    assert_eq!(
        (&change["final"], &change["block"]),
        (&json!(false), &Value::Null)
    );
    let unreachable = wait_until("the ledger is missed", DEADLINE, || {
        let agency = agency(&stack)?;
        Ok((agency["proof"] == "unreachable").then_some(agency))
    })?;
    assert!(
        unreachable["checkpoint"]["height"].is_u64(),
        "what was proven before: {unreachable}"
    );
    assert_eq!(unreachable["publisher"]["pending"], 1);

    stack.network.start_all()?;
    stack.issuer.await_settled(&credential)?;
    let detail = detail(&stack, &credential)?;
    assert_eq!(detail["credential"]["status"], "revoked");
    assert!(detail["changes"][0]["block"]["height"].is_u64(), "{detail}");
    wait_until("the agency is proven again", DEADLINE, || {
        Ok((agency(&stack)?["proof"] == "proven").then_some(()))
    })
}

#[test]
fn an_ended_accreditation_is_shown_with_its_reason() -> Result<()> {
    let stack = Stack::start()?;
    let governor = stack.governor()?;
    governor.end_accreditation(&stack.issuer.did()?, jumin_registry::Role::Issuer)?;
    let agency = wait_until("the end is seen", DEADLINE, || {
        let agency = agency(&stack)?;
        Ok((!agency["accreditation_problem"].is_null()).then_some(agency))
    })?;
    assert_eq!(agency["accreditation_problem"], "ended");
    assert_eq!(agency["proof"], "proven", "the ledger proves that it ended");
    assert!(agency["accreditation"]["until"].is_u64());
    Ok(())
}
