use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use jumin_registry::Role;
use jumin_tests::{Codec, Http, Settings, Stack, read_qr, unix_now};

const DAY_SECONDS: u64 = 86_400;

/// Starts a stack, says `ready: DIRECTORY`, obeys one command a line, and ends when standard input closes.
pub fn hold() -> Result<()> {
    let mut stack = Stack::start()?;
    stack.counter.sync()?;
    stack.counter.serve()?;
    crate::env_file::write(&stack, &stack.path("env"))?;
    say(&format!("ready: {}", stack.directory().display()))?;
    for line in std::io::stdin().lock().lines() {
        match obey(&mut stack, line?.trim()) {
            Ok(()) => say("ok")?,
            Err(error) => say(&format!("error: {error:#}").replace('\n', " "))?,
        }
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    println!("{line}");
    Ok(std::io::stdout().flush()?)
}

/// Is what a test may ask of a stack while it runs.
fn obey(stack: &mut Stack, line: &str) -> Result<()> {
    match line.split_once(' ').unwrap_or((line, "")) {
        // As if the network cable were pulled: validators and issuer end, the desk's own counter goes on.
        ("cut", "") => stack.cut_network(),
        ("restore", "") => restore(stack),
        ("kill", server) => kill(stack, server),
        ("start", server) => start(stack, server),
        ("restart", server) => {
            kill(stack, server)?;
            start(stack, server)
        }
        ("end-accreditation", whom) => {
            let (did, role) = accredited(stack, whom)?;
            stack.governor()?.end_accreditation(&did, role)
        }
        ("accredit", whom) => {
            let (did, role) = accredited(stack, whom)?;
            let now = unix_now();
            stack
                .governor()?
                .accredit_again(&did, role, now - DAY_SECONDS, now + DAY_SECONDS)
        }
        _ => bail!("unknown command: {line}"),
    }
}

fn restore(stack: &mut Stack) -> Result<()> {
    stack.issuer.kill()?;
    stack.restore_network()
}

fn kill(stack: &mut Stack, server: &str) -> Result<()> {
    match server {
        "issuer" => stack.issuer.kill(),
        "counter" => stack.counter.kill(),
        "nodes" => stack.network.kill_all(),
        _ => bail!("no such server: {server}"),
    }
}

fn start(stack: &mut Stack, server: &str) -> Result<()> {
    match server {
        "issuer" if stack.issuer.process().is_none() => stack.issuer.serve(),
        "counter" if stack.counter.process().is_none() => stack.counter.serve(),
        "nodes" => stack.network.start_all(),
        "issuer" | "counter" => Ok(()),
        _ => bail!("no such server: {server}"),
    }
}

fn accredited(stack: &Stack, whom: &str) -> Result<(String, Role)> {
    match whom {
        "issuer" => Ok((stack.issuer.did()?, Role::Issuer)),
        "counter" => Ok((stack.counter.did()?, Role::Verifier)),
        _ => bail!("no such party: {whom}"),
    }
}

/// Prints what pictures of a presentation carry.
pub fn decode(issuer: &str, pictures: &[PathBuf]) -> Result<()> {
    let http = Http::new(&Settings::default())?;
    let codec = Codec::of_issuer(&http, issuer)?;
    let mut texts = Vec::new();
    for picture in pictures {
        texts.extend(read_qr(Path::new(picture))?);
    }
    println!("{}", codec.decode_presentation(&texts)?);
    Ok(())
}
