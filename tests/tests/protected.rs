//! What programs that hold keys leave behind: no core, no file for others, no word of an address in a log.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jumin_tests::{Ports, Program, Settings, Stack, StackOptions, program, wait_until};
use serde_json::json;

const DEADLINE: Duration = Duration::from_secs(30);

/// Lets this process, and so those that it starts, leave cores: else nothing would be shown.
fn allow_cores() -> Result<()> {
    let own = std::process::id().to_string();
    let done = Command::new("prlimit")
        .args(["--core=unlimited", "--pid", &own])
        .status();
    ensure!(done?.success(), "this system allows no cores");
    assert!(!core_limit(std::process::id())?.starts_with('0'));
    Ok(())
}

/// The largest core that a process may leave: what holds now, and what it could raise that to.
fn core_limit(process: u32) -> Result<String> {
    let limits = fs::read_to_string(format!("/proc/{process}/limits"))?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max core file size"))
        .context("no limit of cores")?;
    Ok(line.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[test]
fn programs_that_hold_keys_leave_no_core() -> Result<()> {
    allow_cores()?;
    let mut stack = Stack::start()?;
    stack.counter.serve()?;
    let mut seen = Vec::new();
    for process in stack.processes() {
        assert_eq!(core_limit(process.id())?, "0 0 bytes", "{}", process.name());
        seen.push(process.program());
    }
    seen.sort_unstable();
    assert_eq!(
        seen,
        ["jumin-counter", "jumin-issuer", "jumin-registry-node"]
    );
    Ok(())
}

#[test]
fn tools_that_hold_keys_leave_no_core() -> Result<()> {
    allow_cores()?;
    let stack = Stack::start()?;
    let trust = stack.network.trust_file().display().to_string();
    let governor = stack.network.governor_file().display().to_string();
    // A node that takes connections and says nothing keeps each of them waiting while it is looked at.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    silent.set_nonblocking(true)?;
    let url = format!("http://{}", silent.local_addr()?);
    let home = |name: &str| stack.path(name).display().to_string();
    let ledger = ["--node", &url, "--trust", &trust];
    let counter = home("tool-counter");
    let issuer = home("tool-issuer");
    let wallet = home("tool-wallet");
    let did = stack.issuer.did()?;
    let nodes = ["--node", &url, "--network", &trust];
    let commands: [(Program, Vec<&str>); 4] = [
        (
            Program::Counter,
            [
                &["init", "--home", &counter, "--governor", &governor][..],
                &ledger,
            ]
            .concat(),
        ),
        (
            Program::Issuer,
            [
                &["init", "--home", &issuer, "--governor", &governor][..],
                &ledger,
            ]
            .concat(),
        ),
        (
            Program::Wallet,
            [&["--home", &wallet, "init", "--no-keyring"][..], &ledger].concat(),
        ),
        (
            Program::Node,
            [&["accreditations", &did][..], &nodes].concat(),
        ),
    ];
    for (which, arguments) in commands {
        let mut child = Command::new(program(which)?)
            .args(&arguments)
            .env("JUMIN_WALLET_PIN", "sample-passphrase")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let seen = wait_until(which.file_name(), DEADLINE, || {
            ensure!(child.try_wait()?.is_none(), "{which:?} {arguments:?} ended");
            match silent.accept() {
                Ok((held, _)) => Ok(Some((core_limit(child.id())?, held))),
                Err(_) => Ok(None),
            }
        });
        child.kill()?;
        child.wait()?;
        assert_eq!(seen?.0, "0 0 bytes", "{which:?}");
    }
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}

#[test]
fn databases_keys_and_passwords_are_their_owners_alone() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    stack.counter.serve()?;
    stack
        .counter
        .request("address", &stack.path("request.png"))?;
    wallet
        .present(
            &stack.path("request.png").display().to_string(),
            &stack.path("answer.png"),
        )?
        .success()?;
    let mut seen = files(wallet.home())?;
    seen.extend(files(&stack.issuer.home())?);
    seen.extend(files(&stack.counter.home())?);
    seen.extend(files(&stack.path("ledger"))?);
    seen.extend(["answer.png", "issuer-console-password"].map(|name| stack.path(name)));
    for path in &seen {
        // Files come and go while the programs run.
        let Ok(metadata) = fs::metadata(path) else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
    }
    let named = |name: &str| seen.iter().any(|path| path.ends_with(name));
    for name in [
        "issuer.sqlite",
        "issuer.sqlite-wal",
        "counter.db",
        "desk-token",
        "state.redb",
    ] {
        assert!(named(name), "{name}");
    }
    Ok(())
}

#[test]
fn no_value_of_an_address_is_in_any_log_at_any_level() -> Result<()> {
    let temporary = tempfile::tempdir()?;
    let options = StackOptions {
        directory: temporary.path().to_owned(),
        settings: Settings::default().with_variable("RUST_LOG", "trace"),
        ports: Ports::free(1)?,
    };
    let mut stack = Stack::launch(&options)?;
    let wallet = stack.wallet("wallet")?;
    let resident = stack.issuer.adult()?;
    let id = resident["id"].as_str().unwrap_or_default();
    let offer = stack.issuer.offer(id, "resident-card")?;
    let accepted = wallet.command(&[
        "accept",
        &offer.uri,
        "--tx-code",
        &offer.tx_code,
        "--yes",
        "--json",
    ])?;
    stack.counter.sync()?;
    stack.counter.serve()?;
    let request = stack.counter.api_request("age-19", "online")?;
    let link = request["qr"][0].as_str().unwrap_or_default();
    let presented = wallet.present_online(link)?;

    let mark = "MarkOfAQuery7f3a";
    let servers = [
        (stack.network.urls()[0].clone(), "/v1/operations?from="),
        (stack.network.urls()[0].clone(), "/v1/handovers?from="),
        (stack.issuer.url(), "/offers?id="),
        (stack.issuer.console_url(), "/v1/credentials?resident_id="),
        (stack.counter.url(), "/openid4vp/requests?id="),
        (stack.counter.desk_url(), "/v1/scans?desk="),
    ];
    for (base, path) in &servers {
        for path in [path, "/nothing?x=", "/?x="] {
            let url = format!("{base}{path}{mark}");
            stack.http().get(&url, &[])?;
            stack.http().post(&url, &json!({"x": mark}), &[])?;
        }
    }
    let secret = offer.uri.rsplit("%2F").next().unwrap_or_default();
    assert!(secret.len() > 20, "{}", offer.uri);
    let name = resident["name"].as_str().context("no name")?;
    let words = [mark, secret, offer.tx_code.as_str(), name];
    let mut logs: Vec<_> = [accepted, presented].map(|done| done.stderr).into();
    for path in files(temporary.path())? {
        if path.extension().is_some_and(|extension| extension == "log") {
            logs.push(fs::read_to_string(path)?);
        }
    }
    assert!(logs.iter().any(|log| log.contains("TRACE")), "logs say all");
    let lines = logs.iter().flat_map(|log| log.lines());
    let telling = lines.filter(|line| words.iter().any(|word| line.contains(word)));
    let telling: Vec<_> = telling.take(20).collect();
    assert!(telling.is_empty(), "{words:?}: {}", telling.join("\n"));
    Ok(())
}
