//! Agencies that set themselves up without a governor's key, and are accredited in between.

use anyhow::{Context, Result, ensure};
use jumin_registry::{Accreditor, Claims, Localized, Operation, RecordKey, Role};
use jumin_tests::{Finished, Program, Stack, run};

/// What `init` ends with while its DID waits to be accredited.
const AWAITS_ACCREDITATION: i32 = 3;

fn init(stack: &Stack, program: Program, more: &[&str]) -> Result<Finished> {
    let home = stack.path("newcomer").display().to_string();
    let ledger = stack.network.arguments();
    let mut arguments = vec!["init", "--home", &home];
    arguments.extend(ledger.iter().map(String::as_str));
    arguments.extend(more);
    run(program, stack.settings(), &arguments)
}

fn accredit(stack: &Stack, did: &str, role: Role) -> Result<()> {
    stack.governor()?.submit(&Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: did.parse()?,
        role,
        name: Localized {
            ko: "신설 기관".into(),
            en: "New agency".into(),
        },
        types: vec!["urn:jumin:resident-card:1".into()],
        claims: Claims::Any,
        from: 0,
        until: u64::MAX,
        version: 0,
    })
}

/// Runs `init` until it waits, again to the same end, and once more after the accreditation.
fn waits_and_goes_on(program: Program, role: Role, more: &[&str]) -> Result<()> {
    let stack = Stack::start()?;
    let waiting = init(&stack, program, more)?;
    ensure!(
        waiting.status.code() == Some(AWAITS_ACCREDITATION),
        "{waiting:?}"
    );
    let did = waiting.stdout.trim().to_owned();
    assert!(waiting.stderr.contains("accredit"), "{}", waiting.stderr);
    let record = RecordKey::Did(did.parse().context("not a DID")?);
    assert!(stack.governor()?.record(&record)?.is_none());
    assert_eq!(init(&stack, program, more)?.stdout.trim(), did);

    accredit(&stack, &did, role)?;
    let done = init(&stack, program, more)?.success()?;
    assert_eq!(done.stdout.trim(), did);
    assert!(stack.governor()?.record(&record)?.is_some());
    Ok(())
}

#[test]
fn an_issuer_waits_for_its_accreditation_and_creates_the_same_did_then() -> Result<()> {
    let url = ["--public-url", "https://issuer.example"];
    waits_and_goes_on(Program::Issuer, Role::Issuer, &url)
}

#[test]
fn a_counter_waits_for_its_accreditation_and_creates_the_same_did_then() -> Result<()> {
    waits_and_goes_on(Program::Counter, Role::Verifier, &[])
}

#[test]
fn an_issuer_does_not_change_its_address_while_it_waits() -> Result<()> {
    let stack = Stack::start()?;
    let first = ["--public-url", "https://issuer.example"];
    init(&stack, Program::Issuer, &first)?.failure()?;
    let other = ["--public-url", "https://other.example"];
    let complaint = init(&stack, Program::Issuer, &other)?.failure()?;
    assert!(complaint.contains("another public URL"), "{complaint}");
    Ok(())
}

#[test]
fn a_counter_that_asks_for_more_than_it_may_is_refused_by_the_wallet_until_the_citizen_insists()
-> Result<()> {
    let stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    let governor = stack.network.governor_file().display().to_string();
    let ages = ["--governor", &governor, "--claim", "age_equal_or_over"];
    init(&stack, Program::Counter, &ages)?.success()?;
    let home = stack.path("newcomer").display().to_string();
    let ask = |service: &str| -> Result<String> {
        let arguments = ["request", "--home", &home, "--service", service, "--text"];
        let asked = run(Program::Counter, stack.settings(), &arguments)?.success()?;
        Ok(asked.stdout.trim().to_owned())
    };
    let answer = stack.path("answer.png");
    wallet.present(&ask("age-19")?, &answer)?.success()?;
    let complaint = wallet.present(&ask("address")?, &answer)?.failure()?;
    assert!(complaint.contains("beyond_accreditation"), "{complaint}");

    let (request, picture) = (ask("address")?, answer.display().to_string());
    let insist = ["present", "--request", &request, "--yes", "--out", &picture];
    let insist = [&insist[..], &["--accept-unknown-verifier"]].concat();
    let shown = wallet.command(&insist)?.success()?;
    ensure!(!shown.stdout.is_empty(), "{shown:?}");
    run(
        Program::Counter,
        stack.settings(),
        &["sync", "--home", &home],
    )?
    .success()?;
    let verify = ["verify", "--home", &home, &picture];
    let verdict = run(Program::Counter, stack.settings(), &verify)?.success()?;
    assert_eq!(verdict.json()?["verdict"], "valid");
    Ok(())
}
