use std::fs;
use std::io::{BufRead, Write};
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use jumin_tests::{Agencies, Governor, Http, Network, Settings, free_port};
use serde_json::{Map, Value, json};

struct Held {
    network: Network,
    governor: Governor,
    agencies: Agencies,
}

/// Starts a ledger with agencies, says `ready: DIRECTORY`, obeys one command a line, and ends when standard input closes.
///
/// `ledger.json` in the directory has the nodes' addresses, the trust file's path and the agencies' DIDs.
pub fn hold(validators: usize) -> Result<()> {
    let directory = tempfile::Builder::new().prefix("jumin-").tempdir()?;
    let settings = Settings::default();
    let ports = (0..validators)
        .map(|_| free_port())
        .collect::<Result<Vec<_>>>()?;
    let network = Network::start(directory.path(), &settings, &ports)?;
    let governor = Governor::new(&network, Rc::new(Http::new(&settings)?))?;
    let agencies = Agencies::found(&governor)?;
    let mut held = Held {
        network,
        governor,
        agencies,
    };
    fs::write(directory.path().join("ledger.json"), held.described())?;
    say(&format!("ready: {}", directory.path().display()))?;
    for line in std::io::stdin().lock().lines() {
        match held.obey(line?.trim()) {
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

impl Held {
    fn described(&self) -> String {
        let agencies = self.agencies.by_name.iter();
        let dids: Map<_, _> = agencies
            .map(|(name, agency)| ((*name).to_owned(), Value::from(agency.did.to_string())))
            .collect();
        json!({
            "nodes": self.network.urls(),
            "trust": self.network.trust_file(),
            "agencies": dids,
        })
        .to_string()
    }

    /// `kill N` and `start N` (a node), `end NAME` (what an agency may accredit), `more COUNT` (agencies).
    fn obey(&mut self, line: &str) -> Result<()> {
        let (command, about) = line.split_once(' ').context("a command has one argument")?;
        match command {
            "kill" => self.network.kill_node(about.parse()?),
            "start" => self.network.start_node(about.parse()?),
            "end" => self.agencies.end(&self.governor, about),
            "more" => self.agencies.accredit_more(&self.governor, about.parse()?),
            _ => bail!("unknown command: {line}"),
        }
    }
}
