//! Kill -9 in the middle of work loses nothing that was reported done.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use jumin_identity::{FileKey, NetworkName};
use jumin_registry::RecordKey;
use jumin_tests::{Http, Settings, Stack, accredit_somebody, wait_until};

/// Accredits agencies that are still to come until told to stop and notes those that the node reported finalized.
fn write_until_stopped(
    node: &str,
    governor: &FileKey,
    stop: &AtomicBool,
    done: &Mutex<Vec<RecordKey>>,
) -> Result<()> {
    let http = Http::new(&Settings::default())?;
    let network: NetworkName = "demo".parse()?;
    while !stop.load(Ordering::Relaxed) {
        let operation = accredit_somebody(&network, governor)?;
        let url = format!("{node}/v1/operations?wait=15");
        let Ok(answer) = http.post_bytes(&url, "application/json", operation.to_bytes(), &[])
        else {
            continue; // The node was killed.
        };
        if answer
            .json()
            .is_ok_and(|answer| answer["status"] == "finalized")
        {
            done.lock()
                .expect("no writer panics")
                .push(operation.record_key());
        }
    }
    Ok(())
}

#[test]
fn a_killed_node_keeps_everything_it_reported_finalized() -> Result<()> {
    let mut stack = Stack::start()?;
    let node = stack.network.urls()[0].clone();
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let pem = std::fs::read_to_string(stack.network.governor_file())?;
    let key = Arc::new(FileKey::from_pkcs8_pem(&pem)?);
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (node, key) = (node.clone(), key.clone());
            let (stop, done) = (stop.clone(), done.clone());
            std::thread::spawn(move || write_until_stopped(&node, &key, &stop, &done))
        })
        .collect();
    for kills in 1..=2 {
        wait_until("operations are finalized", Duration::from_secs(30), || {
            Ok((done.lock().expect("no writer panics").len() >= 20 * kills).then_some(()))
        })?;
        stack.network.kill_node(0)?;
        stack.network.start_node(0)?;
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.join().expect("no writer panics")?;
    }
    let governor = stack.governor()?;
    for key in done.lock().expect("no writer panics").iter() {
        assert!(
            governor.record(key)?.is_some(),
            "{key} was finalized and is lost"
        );
    }
    Ok(())
}

#[test]
fn three_of_four_validators_go_on_and_the_fourth_catches_up() -> Result<()> {
    let mut stack = Stack::with_validators(4)?;
    let wallet = stack.wallet("wallet")?;
    stack.network.kill_node(3)?;
    let resident = stack.issue_card(&wallet)?;
    stack
        .issuer
        .change_status(&stack.issuer.credential_id(&resident)?, "suspend")?;
    stack.network.start_node(3)?;
    let height = |url: &str| -> Result<u64> {
        let answer = stack.http().get(&format!("{url}/readyz"), &[])?;
        let checkpoint = stack.http().get(&format!("{url}/v1/checkpoint"), &[])?;
        anyhow::ensure!(answer.status == 200, "not ready");
        let bytes = jumin_identity::b64url_decode(
            checkpoint.success()?["checkpoint"]
                .as_str()
                .unwrap_or_default(),
        )?;
        Ok(jumin_registry::Checkpoint::from_bytes(&bytes)?
            .header
            .height)
    };
    let urls = stack.network.urls();
    let target = height(&urls[0])?;
    wait_until(
        "the fourth validator catches up",
        Duration::from_secs(30),
        || Ok((height(&urls[3])? >= target).then_some(())),
    )
}

#[test]
fn an_issuer_killed_after_a_revocation_still_gets_it_onto_the_ledger() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issue_card(&wallet)?;
    let credential = stack.issuer.credential_id(&resident)?;
    let (request, answer) = (stack.path("request.png"), stack.path("answer.png"));
    stack.counter.request("address", &request)?;
    wallet
        .present(&request.display().to_string(), &answer)?
        .success()?;

    let body = serde_json::json!({"reason": "reported lost"});
    stack
        .issuer
        .console_post(&format!("/v1/credentials/{credential}/revoke"), &body)?
        .success()?;
    stack.issuer.kill()?;
    stack.issuer.serve()?;
    stack.issuer.await_settled(&credential)?;
    stack.counter.sync()?;
    assert_eq!(stack.counter.verify_picture(&answer)?.verdict, "revoked");
    let audit = stack.issuer.console_get("/v1/audit/verify")?;
    assert_eq!(audit.status, 200, "{}", audit.text());
    Ok(())
}

#[test]
fn an_offer_and_what_was_issued_survive_a_killed_issuer() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    let first = stack.issue_card(&wallet)?;
    let before = stack.issuer.credentials(&first)?;
    let offer = stack.issuer.offer(&first, "household-register")?;
    stack.issuer.kill()?;
    stack.issuer.serve()?;
    assert_eq!(stack.issuer.credentials(&first)?, before);
    wallet.accept(&offer)?;
    assert_eq!(stack.issuer.credentials(&first)?.len(), before.len() + 1);
    Ok(())
}

#[test]
fn a_killed_counter_remembers_its_requests_and_what_it_accepted() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    stack.counter.serve()?;
    let request = stack.counter.api_request("address", "qr")?;
    let text = request["qr"][0].as_str().context("no QR text")?;
    let answer = stack.path("answer.png");
    wallet.present(text, &answer)?.success()?;

    stack.counter.kill()?;
    stack.counter.serve()?;
    let verdict = stack.counter.api_scan_picture(&answer)?;
    assert_eq!(verdict["verdict"], "valid", "{verdict}");
    stack.counter.kill()?;
    stack.counter.serve()?;
    let verdict = stack.counter.api_scan_picture(&answer)?;
    assert_eq!(verdict["verdict"], "replayed", "{verdict}");
    Ok(())
}
