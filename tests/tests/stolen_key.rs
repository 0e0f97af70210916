//! The drill for stolen keys, played to its end: an issuer's signing key, a counter's request key, and whether a thief of either
//! can take the DID.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jumin_identity::{Did, FileKey, Signer};
use jumin_keys::{UpdateKeys, show_time};
use jumin_registry::{
    Accreditor, Claims, DidRecord, Localized, Operation, OperationSigner, Record, RecordKey, Role,
    sign_operation,
};
use jumin_tests::{Counter, Forger, Program, Stack, Wallet, program, run, unix_now, wait_until};

/// Indexes of the first list that nobody was given.
const UNUSED: u32 = 900_001;
/// What `init` ends with while its DID waits to be accredited.
const AWAITS_ACCREDITATION: i32 = 3;
const PUBLISHED: Duration = Duration::from_secs(30);

fn record(stack: &Stack, did: &str) -> Result<DidRecord> {
    match stack.governor()?.record(&RecordKey::Did(did.parse()?))? {
        Some(Record::Did(record)) => Ok(record),
        _ => anyhow::bail!("{did} is not on the ledger"),
    }
}

/// What an office says of the wallet's own card.
fn genuine(stack: &Stack, wallet: &Wallet, counter: &Counter, name: &str) -> Result<String> {
    let picture = stack.path(&format!("{name}.png"));
    wallet
        .present_to(&counter.did()?, "age-19", &picture)?
        .success()?;
    Ok(counter.verify_picture(&picture)?.verdict)
}

fn forged(thief: &Forger, counter: &Counter, dated: u64) -> Result<String> {
    let code = thief.show(&counter.did()?, dated, UNUSED)?;
    Ok(counter.verify(&[&code])?.verdict)
}

/// Has an issuer that was restarted publish its list under its new key, and a counter fetch that.
fn wait_for_list(counter: &Counter, wallet: &Wallet, stack: &Stack, name: &str) -> Result<()> {
    wait_until("the list is published under the new key", PUBLISHED, || {
        counter.sync()?;
        let verdict = genuine(stack, wallet, counter, name)?;
        Ok((verdict != "status_unknown" && verdict != "status_stale").then_some(()))
    })
}

#[test]
fn key_stolen_at_noon_forges_nothing_after_the_next_bundle_and_cards_from_before_stay_valid()
-> Result<()> {
    let mut stack = Stack::start()?;
    let second = stack.another_counter("second")?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    let thief = Forger::with_key_of(&stack.issuer, "key-1")?;
    // Noon: from here on the thief has the key. Cards are dated to the start of their day.
    let noon = unix_now();
    let issuer = record(&stack, &stack.issuer.did()?)?;
    let morning = issuer.document.verification_methods[0].valid_from;
    for counter in [&stack.counter, &second] {
        counter.sync()?;
        assert_eq!(
            forged(&thief, counter, noon)?,
            "valid",
            "before the theft is noticed"
        );
    }

    let rotate = ["key", "rotate", "--since", &show_time(noon), "--yes"];
    let told = stack.issuer.command(&rotate)?.success()?.stdout;
    ensure!(
        told.contains("key-2") && told.contains("ledger-2"),
        "{told}"
    );
    ensure!(told.contains("none of the documents"), "{told}");
    stack.issuer.kill()?;
    stack.issuer.serve()?;
    for (counter, name) in [(&stack.counter, "first"), (&second, "second")] {
        wait_for_list(counter, &wallet, &stack, name)?;
        assert_eq!(forged(&thief, counter, noon)?, "issuer_key_ended", "{name}");
        assert_eq!(
            genuine(&stack, &wallet, counter, name)?,
            "valid",
            "from before noon"
        );
        // What stays open with this: dated to the morning, a forged card looks like one of then.
        assert_eq!(forged(&thief, counter, morning)?, "valid", "antedated");
    }

    // The remedy for that: the key is ended from its beginning, and what it signed is issued anew.
    let end = [
        "key",
        "end",
        "key-1",
        "--since",
        &show_time(morning),
        "--yes",
    ];
    let told = stack.issuer.command(&end)?.success()?.stdout;
    ensure!(told.contains("1 of the documents"), "{told}");
    let listed = ["key", "documents", "--since", &show_time(morning)];
    let listed = stack.issuer.command(&listed)?.success()?.stdout;
    assert_eq!(listed.lines().count(), 1, "{listed}");
    for (counter, name) in [(&stack.counter, "first"), (&second, "second")] {
        counter.sync()?;
        assert_eq!(
            forged(&thief, counter, morning)?,
            "issuer_key_ended",
            "{name}"
        );
        let card = genuine(&stack, &wallet, counter, name)?;
        assert_eq!(
            card, "issuer_key_ended",
            "the citizen's card has to be renewed"
        );
    }
    let renewed = stack.wallet("renewed")?;
    stack.issue_card(&renewed)?;
    for (counter, name) in [(&stack.counter, "first"), (&second, "second")] {
        counter.sync()?;
        assert_eq!(
            genuine(&stack, &renewed, counter, name)?,
            "valid",
            "renewed"
        );
    }
    Ok(())
}

#[test]
fn stolen_request_key_asks_nobody_any_more_and_the_counter_says_that_its_own_has_ended()
-> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.serve()?;
    let (home, thief) = (stack.counter.home(), stack.path("thief"));
    copy(&home, &thief)?;
    let (thief, picture) = (thief.display().to_string(), stack.path("answer.png"));
    let ask = || -> Result<String> {
        let ask = ["request", "--home", &thief, "--service", "age-19", "--text"];
        let asked = run(Program::Counter, stack.settings(), &ask)?.success()?;
        Ok(asked.stdout.trim().to_owned())
    };
    wallet.present(&ask()?, &picture)?.success()?;

    stack
        .counter
        .command(&["key", "rotate", "request-1", "--yes"])?
        .success()?;
    let complaint = wallet.present(&ask()?, &picture)?.failure()?;
    ensure!(complaint.contains("unknown_key"), "{complaint}");
    // The server that still runs with the old key notices by itself, and asks nobody.
    let refused = wait_until("the counter has noticed", PUBLISHED, || {
        let answer = stack
            .http()
            .get(&format!("{}/readyz", stack.counter.url()), &[])?;
        Ok((answer.status == 503).then_some(answer))
    })?;
    assert_eq!(refused.json()?["code"], "key_ended");
    stack
        .counter
        .api_request("age-19", "qr")
        .err()
        .context("it still asks")?;

    stack.counter.kill()?;
    stack.counter.serve()?;
    let asked = stack.path("asked.png");
    stack.counter.request("age-19", &asked)?;
    wallet
        .present(&asked.display().to_string(), &picture)?
        .success()?;
    assert_eq!(stack.counter.verify_picture(&picture)?.verdict, "valid");
    Ok(())
}

#[test]
fn thief_of_the_whole_home_cannot_take_the_did_and_the_next_update_key_moves_on() -> Result<()> {
    let stack = Stack::start()?;
    let (did, governor) = (stack.issuer.did()?, stack.governor()?);
    let before = record(&stack, &did)?;
    let mine = FileKey::generate()?;
    for stolen in files(&stack.issuer.home())? {
        let Some(key) = std::fs::read_to_string(&stolen)
            .ok()
            .and_then(|pem| FileKey::from_pkcs8_pem(&pem).ok())
        else {
            continue;
        };
        let take = Operation::UpdateDid {
            did: did.parse()?,
            version: before.version,
            document: before.document.clone(),
            next_key_hash: mine.public_key().thumbprint(),
        };
        let signer = [OperationSigner::Jwk(&key)];
        let refused = governor.send(&sign_operation(governor.network(), &take, &signer)?);
        let refused = format!("{:?}", refused.err().context("the DID was taken")?);
        ensure!(refused.contains("bad_signature"), "{refused}");
    }

    // Without the folder that has the update key nothing changes, and nothing is prepared.
    let nowhere = stack.path("nowhere").display().to_string();
    let lost = ["key", "next", "--yes", "--update-keys", &nowhere];
    let complaint = stack.issuer.command(&lost)?.failure()?;
    ensure!(complaint.contains("--update-keys"), "{complaint}");
    // Seen by somebody, the update key is used up before that somebody does it.
    stack.issuer.command(&["key", "next", "--yes"])?.success()?;
    let after = record(&stack, &did)?;
    assert_eq!(after.version, before.version + 1);
    assert_ne!(after.next_key_hash, before.next_key_hash);
    assert_eq!(after.document, before.document);
    let folder = UpdateKeys::beside(&stack.issuer.home());
    assert!(folder.has(&after.next_key_hash));
    Ok(())
}

#[test]
fn change_that_was_cut_off_after_finality_is_finished_and_never_made_twice() -> Result<()> {
    let mut stack = Stack::start()?;
    let did = stack.issuer.did()?;
    let before = record(&stack, &did)?.version;
    // What the last step writes can't be written: as if the power went just before it.
    let blocked = stack.issuer.home().join("keys/in-use.new");
    std::fs::create_dir(&blocked)?;
    let rotate = ["key", "rotate", "--yes"];
    stack.issuer.command(&rotate)?.failure()?;
    assert_eq!(record(&stack, &did)?.version, before + 1);
    let waiting = stack.issuer.command(&["key", "list"])?.success()?.stdout;
    ensure!(waiting.contains("not finished"), "{waiting}");

    std::fs::remove_dir(&blocked)?;
    let told = stack.issuer.command(&rotate)?.success()?.stdout;
    ensure!(told.contains("the ledger has the change"), "{told}");
    assert_eq!(record(&stack, &did)?.version, before + 1);
    let listed = stack.issuer.command(&["key", "list"])?.success()?.stdout;
    let in_use = listed.lines().filter(|line| line.ends_with("in use here"));
    assert_eq!(in_use.count(), 2, "{listed}");
    stack.issuer.kill()?;
    stack.issuer.serve()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    Ok(())
}

#[test]
fn change_that_was_killed_once_it_was_prepared_is_finished_by_the_same_command() -> Result<()> {
    let stack = Stack::start()?;
    let (did, home) = (stack.issuer.did()?, stack.issuer.home());
    let before = record(&stack, &did)?.version;
    let mut rotation = Command::new(program(Program::Issuer)?)
        .args(["key", "rotate", "--yes", "--home"])
        .arg(&home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let prepared = home.join("did-change.json");
    wait_until("the change is prepared", PUBLISHED, || {
        Ok((prepared.exists() || rotation.try_wait()?.is_some()).then_some(()))
    })?;
    // Wherever between the disk and the ledger this strikes, the outcome is the same.
    let _ = rotation.kill();
    rotation.wait()?;
    if prepared.exists() {
        stack
            .issuer
            .command(&["key", "rotate", "--yes"])?
            .success()?;
    }
    assert!(!prepared.exists());
    assert_eq!(record(&stack, &did)?.version, before + 1);
    let listed = stack.issuer.command(&["key", "list"])?.success()?.stdout;
    let in_use = listed.lines().filter(|line| line.ends_with("in use here"));
    assert_eq!(in_use.count(), 2, "{listed}");
    ensure!(
        listed.contains("key-2") && !listed.contains("key-3"),
        "{listed}"
    );
    Ok(())
}

#[test]
fn accreditors_key_is_made_and_replaced_by_the_nodes_own_commands() -> Result<()> {
    let stack = Stack::start()?;
    let (home, governor) = (stack.path("ministry"), stack.governor()?);
    let node = |arguments: &[&str]| {
        let trust = stack.network.trust_file().display().to_string();
        let url = stack.network.urls().into_iter().next().unwrap_or_default();
        let ledger = ["--node", &url, "--network", &trust];
        run(
            Program::Node,
            stack.settings(),
            &[arguments, &ledger].concat(),
        )
    };
    let place = ["--home", &home.display().to_string()];
    let key = |arguments: &[&str]| node(&[&["key"], arguments, &place].concat());
    let waiting = key(&["init"])?;
    ensure!(
        waiting.status.code() == Some(AWAITS_ACCREDITATION),
        "{waiting:?}"
    );
    let did = waiting.stdout.trim().to_owned();
    governor.submit(&Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: did.parse()?,
        role: Role::Accreditor,
        name: Localized {
            ko: "행정안전부".into(),
            en: "Ministry of the Interior and Safety".into(),
        },
        types: vec!["urn:jumin:resident-card:1".into()],
        claims: Claims::Any,
        from: 0,
        until: u64::MAX,
        version: 0,
    })?;
    assert_eq!(key(&["init"])?.success()?.stdout.trim(), did);

    let accredit = |number: u8, fragment: &str| {
        let subject = Did::from_digest(governor.network(), &[number; 32]).to_string();
        let kid = format!("{did}#{fragment}");
        let file = home
            .join(format!("keys/{fragment}.pem"))
            .display()
            .to_string();
        let grant = [
            "accredit", &subject, "--as", &kid, "--key", &file, "--role", "issuer",
        ];
        let more = [
            "--type",
            "urn:jumin:resident-card:1",
            "--until",
            "2090-01-01",
        ];
        let names = ["--name-ko", "종로구청", "--name-en", "Jongno-gu"];
        node(&[&grant[..], &more, &names].concat())
    };
    accredit(1, "ledger-1")?.success()?;
    key(&["rotate", "--yes"])?.success()?;
    let complaint = accredit(2, "ledger-1")?.failure()?;
    ensure!(complaint.contains("bad_signature"), "{complaint}");
    accredit(2, "ledger-2")?.success()?;
    key(&["deactivate", "--yes"])?.success()?;
    let complaint = accredit(3, "ledger-2")?.failure()?;
    ensure!(complaint.contains("deactivated"), "{complaint}");
    Ok(())
}

#[test]
fn agency_whose_update_key_was_used_by_a_thief_is_ended_by_the_governors_and_begins_anew()
-> Result<()> {
    let stack = Stack::start()?;
    let (did, governor) = (stack.issuer.did()?, stack.governor()?);
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    let before = record(&stack, &did)?;
    let folder = UpdateKeys::beside(&stack.issuer.home());
    let (stolen, mine) = (folder.read(&before.next_key_hash)?, FileKey::generate()?);
    let mut document = before.document.clone();
    document.verification_methods[0].public_key = mine.public_key().clone();
    let take = Operation::UpdateDid {
        did: did.parse()?,
        version: before.version,
        document,
        next_key_hash: mine.public_key().thumbprint(),
    };
    let signer = [OperationSigner::Jwk(&stolen)];
    governor.send(&sign_operation(governor.network(), &take, &signer)?)?;
    let thief = Forger::with_key(&stack.issuer, "key-1", mine)?;
    let now = unix_now();
    // The agency can't get its DID back: no key of its own signs the next change.
    stack
        .issuer
        .command(&["key", "rotate", "--yes"])?
        .failure()?;
    assert_eq!(record(&stack, &did)?.version, before.version + 1);

    governor.end_accreditation(&did, Role::Issuer)?;
    stack.counter.sync()?;
    assert_eq!(
        forged(&thief, &stack.counter, now)?,
        "issuer_not_accredited"
    );
    let anew = stack.another_issuer("anew")?;
    let resident = anew.adult()?["id"].as_str().context("an id")?.to_owned();
    let renewed = stack.wallet("renewed")?;
    renewed.accept(&anew.offer(&resident, "resident-card")?)?;
    stack.counter.sync()?;
    assert_eq!(
        genuine(&stack, &renewed, &stack.counter, "renewed")?,
        "valid"
    );
    Ok(())
}

#[test]
fn server_refuses_to_start_with_an_update_key_in_its_home() -> Result<()> {
    let mut stack = Stack::start()?;
    stack.issuer.kill()?;
    UpdateKeys::at(stack.issuer.home().join("keys")).make()?;
    let complaint = stack.issuer.command(&["serve"])?.failure()?;
    ensure!(complaint.contains("would take the DID"), "{complaint}");
    UpdateKeys::at(stack.counter.home()).make()?;
    let complaint = stack.counter.command(&["serve"])?.failure()?;
    ensure!(complaint.contains("would take the DID"), "{complaint}");
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in files(from)? {
        let target = to.join(file.strip_prefix(from)?);
        std::fs::create_dir_all(target.parent().context("a file in a folder")?)?;
        std::fs::copy(&file, &target)?;
    }
    Ok(())
}
