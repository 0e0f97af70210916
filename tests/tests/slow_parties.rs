//! One agency and one node that don't answer, and what that costs everybody else: nothing.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jumin_tests::{Issuer, Stack, Wallet, wait_until};
use serde_json::{Value, json};

const DEADLINE: Duration = Duration::from_secs(90);

/// Stops a running agency without ending it: its connections are taken and nobody answers. It goes on when dropped.
struct Frozen(u32);

impl Frozen {
    fn of(issuer: &Issuer) -> Result<Frozen> {
        let id = issuer.process().context("the agency runs")?.id();
        signal("STOP", id)?;
        Ok(Frozen(id))
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        let _ = signal("CONT", self.0);
    }
}

fn signal(name: &str, process: u32) -> Result<()> {
    let sent = Command::new("sh")
        .args(["-c", &format!("kill -{name} {process}")])
        .status()?;
    ensure!(sent.success(), "kill -{name} {process}");
    Ok(())
}

/// Puts a node that takes connections and says nothing before the counter's own.
fn put_mute_node_first(stack: &Stack) -> Result<TcpListener> {
    let mute = TcpListener::bind("127.0.0.1:0")?;
    let path = stack.counter.home().join("counter.json");
    let mut settings: Value = serde_json::from_slice(&fs::read(&path)?)?;
    let nodes = settings["nodes"].as_array_mut().context("nodes")?;
    nodes.insert(0, json!(format!("http://{}/", mute.local_addr()?)));
    fs::write(&path, serde_json::to_vec(&settings)?)?;
    Ok(mute)
}

/// Has a desk of the running counter ask, and a wallet answer.
fn answered(stack: &Stack, wallet: &Wallet, name: &str) -> Result<PathBuf> {
    let (request, answer) = (
        stack.path(&format!("{name}-request.png")),
        stack.path(&format!("{name}-answer.png")),
    );
    stack.counter.request("address", &request)?;
    wallet
        .present(&request.display().to_string(), &answer)?
        .success()?;
    Ok(answer)
}

fn checked(stack: &Stack, wallet: &Wallet, name: &str) -> Result<Value> {
    let answer = answered(stack, wallet, name)?;
    stack.counter.api_scan_picture(&answer)
}

#[test]
fn hanging_agency_and_mute_node_cost_only_that_agencys_own_cards() -> Result<()> {
    let mut stack = Stack::start()?;
    let other = stack.another_issuer("other-issuer")?;
    let (wallet, its_wallet) = (stack.wallet("wallet")?, stack.wallet("its-wallet")?);
    let resident = stack.issue_card(&wallet)?;
    let its_resident = other.adult()?["id"].as_str().context("id")?.to_owned();
    its_wallet.accept(&other.offer(&its_resident, "resident-card")?)?;
    stack.counter.sync()?;

    // The ledger knows of the other agency's new list, and nobody gets it from there any more.
    other.change_status(&other.credential_id(&its_resident)?, "revoke")?;
    let frozen = Frozen::of(&other)?;
    let _mute = put_mute_node_first(&stack)?;
    stack.counter.serve()?;
    let status = || stack.counter.api_status();
    let named = wait_until("the agency that hangs is named", DEADLINE, || {
        let status = status()?;
        let named = status["troubled"].as_array().filter(|one| one.len() == 1);
        Ok(named.cloned().filter(|_| status["agencies"] == 2))
    })?;
    assert_eq!(named[0]["did"], json!(other.did()?));
    assert_eq!(named[0]["trouble"], "unreachable");
    assert!(named[0]["name"]["ko"].is_string(), "{}", named[0]);
    assert_eq!(status()?["network"], "online");

    let before = checked(&stack, &wallet, "before")?;
    assert_eq!(before["verdict"], "valid", "{before}");
    let its = checked(&stack, &its_wallet, "its")?;
    assert_eq!(its["verdict"], "status_stale", "{its}");
    assert_eq!(its["checked"]["issuer_trouble"], "unreachable", "{its}");

    let credential = stack.issuer.credential_id(&resident)?;
    stack.issuer.change_status(&credential, "revoke")?;
    let mut round = 0;
    wait_until("the revocation is known", DEADLINE, || {
        round += 1;
        let seen = checked(&stack, &wallet, &format!("after-{round}"))?;
        Ok((seen["verdict"] == "revoked").then_some(()))
    })?;

    drop(frozen);
    wait_until("the other agency is asked again", DEADLINE, || {
        Ok((status()?["troubled"] == json!([])).then_some(()))
    })?;
    let its = checked(&stack, &its_wallet, "its-after")?;
    assert_eq!(its["verdict"], "revoked", "{its}");
    Ok(())
}
