//! An issuer whose machine is lost, and one of which two copies live.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use jumin_identity::b64url_decode;
use jumin_tests::{Codec, Program, Stack, read_qr, run, wait_until};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(40);

/// Runs a command of the stack's issuer.
fn issuer(stack: &Stack, arguments: &[&str]) -> Result<jumin_tests::Finished> {
    let home = stack.issuer.home().display().to_string();
    let mut all = arguments.to_vec();
    all.extend(["--home", &home]);
    run(Program::Issuer, stack.settings(), &all)
}

/// Another adult than the one who `stack.issue_card` gives a card to.
fn another_adult(stack: &Stack) -> Result<String> {
    let first = stack.issuer.adult()?["id"].clone();
    let residents = stack.issuer.residents("", 50)?;
    let other = residents.into_iter().find(|one| {
        let date = one["birthdate"].as_str().or(one["birth_date"].as_str());
        let year = date.and_then(|date| date.get(..4));
        let year = year.and_then(|year| year.parse::<u32>().ok());
        one["id"] != first && year.is_some_and(|year| (1940..2004).contains(&year))
    });
    let other = other.context("no other adult")?;
    Ok(other["id"].as_str().context("no id")?.to_owned())
}

/// Answers a fresh request of the counter; the answer's picture.
fn present(stack: &Stack, wallet: &jumin_tests::Wallet, name: &str) -> Result<std::path::PathBuf> {
    let request = stack.path(&format!("{name}-request.png"));
    let answer = stack.path(&format!("{name}-answer.png"));
    stack.counter.request("address", &request)?;
    wallet
        .present(&request.display().to_string(), &answer)?
        .success()?;
    Ok(answer)
}

/// The list's number and the index that a presented card carries.
fn status_reference(stack: &Stack, picture: &Path) -> Result<(u32, u32)> {
    let codec = Codec::of_issuer(stack.http(), &stack.issuer.url())?;
    let token: Value = serde_json::from_str(&codec.decode_presentation(&read_qr(picture)?)?)?;
    let presentation = token
        .as_object()
        .and_then(|token| token.values().next())
        .and_then(|one| one.as_str().or(one[0].as_str()))
        .context("no presentation")?;
    let payload = presentation.split('.').nth(1).context("no JWT")?;
    let claims: Value = serde_json::from_slice(&b64url_decode(payload)?)?;
    let reference = &claims["status"]["status_list"];
    let list = reference["uri"]
        .as_str()
        .and_then(|uri| uri.rsplit('/').next())
        .context("no list")?;
    let index = reference["idx"].as_u64().context("no index")?;
    Ok((list.parse()?, u32::try_from(index)?))
}

fn ready(stack: &Stack) -> Result<u16> {
    let url = format!("{}/readyz", stack.issuer.url());
    Ok(stack.http().get(&url, &[])?.status)
}

fn await_ready(stack: &Stack) -> Result<()> {
    wait_until("the issuer is ready", PATIENCE, || {
        Ok((ready(stack)? == 200).then_some(()))
    })
}

/// Has the issuer publish what waits, and the counter fetch it.
fn restart(stack: &mut Stack) -> Result<()> {
    stack.issuer.kill()?;
    stack.issuer.serve()?;
    await_ready(stack)?;
    stack.counter.sync()
}

/// Puts the backup in the place of the database, as on a new machine.
fn lose_the_machine(stack: &mut Stack, backup: &Path) -> Result<()> {
    stack.issuer.kill()?;
    let database = stack.issuer.home().join("issuer.sqlite");
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
    fs::copy(backup, database)?;
    Ok(())
}

#[test]
fn issuer_put_back_from_a_backup_unrevokes_nothing_and_signs_nothing_until_it_is_recovered()
-> Result<()> {
    let mut stack = Stack::start()?;
    let (first, second) = (stack.wallet("first")?, stack.wallet("second")?);
    let resident = stack.issue_card(&first)?;
    let credential = stack.issuer.credential_id(&resident)?;
    let before = stack.wallet("before")?;
    let other = another_adult(&stack)?;
    before.accept(&stack.issuer.offer(&other, "resident-card")?)?;
    let backup = stack.path("backup.sqlite");
    issuer(&stack, &["backup", "--out", &backup.display().to_string()])?.success()?;
    assert_private(&backup)?;

    // After the backup: one card is revoked, another issued.
    stack.issuer.change_status(&credential, "revoke")?;
    second.accept(&stack.issuer.offer(&other, "resident-card")?)?;
    stack.counter.sync()?;
    lose_the_machine(&mut stack, &backup)?;

    // Put back, it stops and says so, and gives no older list for the current one.
    stack.issuer.serve()?;
    assert_eq!(ready(&stack)?, 503);
    let served = stack
        .http()
        .get(&format!("{}/status/1", stack.issuer.url()), &[])?;
    assert_eq!(served.status, 503, "{}", served.text());
    let agency = stack.issuer.console_get("/v1/agency")?.success()?;
    let kinds = agency["publisher"]["conflicts"].to_string();
    assert!(
        kinds.contains("\"backup\"") && kinds.contains("\"list\""),
        "{kinds}"
    );
    let third = stack.wallet("third")?;
    let offer = stack.issuer.offer(&other, "resident-card")?;
    assert!(third.accept(&offer).is_err(), "nothing is issued");
    let revoked = present(&stack, &first, "first")?;
    assert_eq!(stack.counter.verify_picture(&revoked)?.verdict, "revoked");

    // Without a copy of the list nothing is recovered; with a counter's, everything is.
    stack.issuer.kill()?;
    let without = issuer(&stack, &["recover", "--yes"])?;
    assert!(
        !without.ok() && without.stderr.contains("no copy of these lists"),
        "{without:?}"
    );
    let copies = stack.counter.home().join("ledger/lists");
    let copies = copies.display().to_string();
    issuer(&stack, &["recover", "--from", &copies, "--yes"])?.success()?;
    stack.issuer.serve()?;
    await_ready(&stack)?;
    let status = stack.issuer.credentials(&resident)?[0]["status"].clone();
    assert_eq!(status, "revoked");
    stack.counter.sync()?;
    let revoked = present(&stack, &first, "first-again")?;
    assert_eq!(stack.counter.verify_picture(&revoked)?.verdict, "revoked");
    let shown = present(&stack, &second, "second-again")?;
    assert_eq!(stack.counter.verify_picture(&shown)?.verdict, "valid");
    // Shown, and not yet looked at by the desk.
    let shown = present(&stack, &second, "second-lost")?;

    // The card that the database lost can be revoked by its place in the list.
    let (list, index) = status_reference(&stack, &shown)?;
    let (list, index) = (list.to_string(), index.to_string());
    let entry = [
        "--list",
        &list,
        "--index",
        &index,
        "--reason",
        "reported lost",
    ];
    issuer(&stack, &[&["revoke"][..], &entry].concat())?.success()?;
    restart(&mut stack)?;
    assert_eq!(stack.counter.verify_picture(&shown)?.verdict, "revoked");

    // So can all that were issued after the backup, with every copy; the others keep their status.
    let all = [
        "revoke",
        "--list",
        &list,
        "--all-unknown",
        "--reason",
        "database lost",
    ];
    issuer(&stack, &all)?.success()?;
    restart(&mut stack)?;
    let again = present(&stack, &second, "again")?;
    assert_eq!(stack.counter.verify_picture(&again)?.verdict, "revoked");
    let known = present(&stack, &before, "known")?;
    assert_eq!(stack.counter.verify_picture(&known)?.verdict, "valid");

    // Indexes that may have been handed out are not handed out again: new cards are in another list.
    let fourth = stack.wallet("fourth")?;
    fourth.accept(&stack.issuer.offer(&other, "resident-card")?)?;
    stack.counter.sync()?;
    let fresh = present(&stack, &fourth, "fourth")?;
    assert_eq!(status_reference(&stack, &fresh)?.0, 2);
    assert_eq!(stack.counter.verify_picture(&fresh)?.verdict, "valid");

    let audit = stack.issuer.console_get("/v1/audit?limit=50")?.success()?;
    assert!(audit.to_string().contains("database.recover"));
    let verified = stack.issuer.console_get("/v1/audit/verify")?.success()?;
    assert_eq!(verified["broken_at"], Value::Null);
    Ok(())
}

#[cfg(unix)]
fn assert_private(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(path)?.permissions().mode() & 0o777, 0o600);
    Ok(())
}

#[test]
fn copy_of_an_issuers_home_changes_no_document_and_the_older_copy_stops() -> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issue_card(&wallet)?;
    let credential = stack.issuer.credential_id(&resident)?;
    let copy = stack.path("copy");
    let source = stack.issuer.home().display().to_string();
    let copied = std::process::Command::new("cp")
        .args(["-a", &source, &copy.display().to_string()])
        .status()?;
    assert!(copied.success());

    // Under another address it doesn't start, and says with which command that is changed.
    let agency = |stack: &Stack| stack.issuer.console_get("/v1/agency")?.success();
    let version = agency(&stack)?["document_version"].clone();
    let home = copy.display().to_string();
    let elsewhere = [
        "serve",
        "--home",
        &home,
        "--listen",
        "127.0.0.1:0",
        "--console-listen",
        "127.0.0.1:0",
    ];
    let moved = [
        &elsewhere[..],
        &["--public-url", "https://elsewhere.example"],
    ]
    .concat();
    let refused = run(Program::Issuer, stack.settings(), &moved)?;
    assert!(!refused.ok());
    assert!(
        refused
            .stderr
            .contains("key address --public-url https://elsewhere.example"),
        "{refused:?}"
    );
    assert_eq!(agency(&stack)?["document_version"], version);

    // One home has one server at a time.
    let twice = [
        "serve",
        "--home",
        &source,
        "--listen",
        "127.0.0.1:0",
        "--console-listen",
        "127.0.0.1:0",
    ];
    let refused = run(Program::Issuer, stack.settings(), &twice)?;
    assert!(
        !refused.ok() && refused.stderr.contains("another program works with"),
        "{refused:?}"
    );

    // Under the same address it runs, and the first copy stops at its next act.
    let address = copy.join("address");
    fs::remove_file(&address)?;
    let mut second = jumin_tests::Process::start(
        Program::Issuer,
        "copy",
        stack.directory(),
        stack.settings(),
        &elsewhere.map(str::to_owned),
    )?;
    second.wait_for_address(&address)?;
    let path = format!("/v1/credentials/{credential}/revoke");
    stack
        .issuer
        .console_post(&path, &json!({"reason": "reported lost"}))?
        .success()?;
    wait_until("the first copy stops", PATIENCE, || {
        Ok((ready(&stack)? == 503).then_some(()))
    })?;
    let agency = agency(&stack)?;
    let conflicts = agency["publisher"]["conflicts"].to_string();
    assert!(conflicts.contains("\"list\""), "{conflicts}");
    assert_eq!(agency["document_version"], version);
    second.kill()
}

#[test]
fn issuer_signs_nothing_until_it_has_compared_its_database_with_the_ledger() -> Result<()> {
    let mut stack = Stack::start()?;
    stack.cut_network()?;
    stack.issuer.serve()?;
    let answer = stack
        .http()
        .get(&format!("{}/readyz", stack.issuer.url()), &[])?;
    assert_eq!(answer.json()?["code"], "ledger_not_compared");
    let list = format!("{}/status/1", stack.issuer.url());
    assert_eq!(stack.http().get(&list, &[])?.status, 503);
    assert_eq!(
        stack.http().get(&format!("{list}?version=1"), &[])?.status,
        200,
        "what was anchored once is given under its number"
    );
    let agency = stack.issuer.console_get("/v1/agency")?.success()?;
    assert_eq!(agency["publisher"]["compared"], false);
    stack.network.start_all()?;
    await_ready(&stack)?;
    assert_eq!(stack.http().get(&list, &[])?.status, 200);
    Ok(())
}
