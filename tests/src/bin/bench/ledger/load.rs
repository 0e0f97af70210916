use std::path::Path;

use anyhow::{Result, ensure};
use jumin_tests::{Network, Program, Settings, free_port, run};
use serde::Deserialize;

use super::etcd;
use crate::measure::{Row, Table};

const VALIDATORS: usize = 4;
const CLIENTS: usize = 256;
const SECONDS: u64 = 20;
const FINALITY_GOAL_MS: f64 = 300.0;
/// 1,000 operations a second.
const OPERATION_GOAL_MS: f64 = 1.0;
/// 5,000 resolutions a second.
const RESOLUTION_GOAL_MS: f64 = 0.2;
const MANY: &str = "ledger: one of many operations";

/// What `jumin-registry-node load` measured.
#[derive(Debug, Deserialize)]
pub struct Figures {
    pub done: usize,
    pub per_second: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub proven: u64,
    pub validators: usize,
    pub cores: usize,
    pub own_cpu_percent: Option<f64>,
}

/// Loads a network as its options say.
pub fn load(network: &Network, kind: &str, options: &[&str]) -> Result<Figures> {
    let mut arguments = vec!["load".to_owned(), kind.into(), "--json".into()];
    arguments.extend([
        "--network".into(),
        network.trust_file().display().to_string(),
    ]);
    if kind == "operations" {
        let governor = network.governor_file().display().to_string();
        arguments.extend(["--governor".into(), governor]);
    }
    arguments.extend(options.iter().map(|&text| text.to_owned()));
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let finished = run(Program::Node, &Settings::default(), &arguments)?;
    Ok(serde_json::from_value(finished.success()?.json()?)?)
}

/// Starts a network whose validators answer one address as often as it asks.
pub fn start(directory: &Path, validators: usize) -> Result<Network> {
    let ports: Vec<_> = (0..validators)
        .map(|_| free_port())
        .collect::<Result<_>>()?;
    let mut network = Network::create(directory, &Settings::default(), &ports)?;
    network.lift_request_limit()?;
    network.start_all()?;
    network.await_checkpoint()?;
    Ok(network)
}

/// Measures four validators: finality one at a time, many operations at once, resolution; then etcd with as many writers.
pub fn measure(etcd_program: Option<&Path>, table: &mut Table) -> Result<()> {
    let directory = tempfile::Builder::new().prefix("jumin-bench-").tempdir()?;
    let network = start(directory.path(), VALIDATORS)?;
    let ours = measure_network(&network, directory.path(), table)?;
    drop(network);
    if let Some(program) = etcd_program {
        for members in [3, 4] {
            let each = etcd::measure(program, members, CLIENTS, SECONDS)?;
            push_peer(members, each, ours, table);
        }
        table.note(etcd::WHAT_IT_SHOWS);
    }
    Ok(())
}

fn measure_network(network: &Network, directory: &Path, table: &mut Table) -> Result<f64> {
    let urls = network.urls();
    let one = ["--node", urls[0].as_str()];
    let single = ["--clients", "1", "--agencies", "1", "--count", "100"];
    let single = load(network, "operations", &[&one[..], &single].concat())?;
    let finality = single.p50_ms.unwrap_or(f64::NAN);
    table.add(
        "finality, 4 validators (median)",
        "ms",
        finality,
        FINALITY_GOAL_MS,
    );

    let keys = directory.join("keys").display().to_string();
    let (clients, seconds) = (CLIENTS.to_string(), SECONDS.to_string());
    let mut options: Vec<&str> = urls.iter().flat_map(|url| ["--node", url]).collect();
    options.extend([
        "--clients",
        &clients,
        "--seconds",
        &seconds,
        "--keys-out",
        &keys,
    ]);
    let many = load(network, "operations", &options)?;
    ensure!(
        many.proven as usize == many.done,
        "not everything finalized was proven"
    );
    let each = 1e3 / many.per_second;
    table.add(MANY, "ms", each, OPERATION_GOAL_MS);
    note(table, "operations finalized and proven", &many);

    let options = [
        "--clients",
        "64",
        "--seconds",
        "10",
        "--keys",
        &keys,
        "--kind",
        "resolution",
    ];
    let reads = load(network, "reads", &[&one[..], &options].concat())?;
    let path = "ledger: resolve a DID with proof";
    table.add(path, "ms", 1e3 / reads.per_second, RESOLUTION_GOAL_MS);
    note(table, "resolutions with proof from one node", &reads);
    Ok(each)
}

fn note(table: &mut Table, what: &str, figures: &Figures) {
    table.note(format!(
        "{what}: {:.0} a second, p50 {:.1} ms, p99 {:.1} ms; {} validators, load generator ({:.0} % of the processors) and all on {} cores",
        figures.per_second,
        figures.p50_ms.unwrap_or(f64::NAN),
        figures.p99_ms.unwrap_or(f64::NAN),
        figures.validators,
        figures.own_cpu_percent.unwrap_or(f64::NAN),
        figures.cores,
    ));
}

fn push_peer(members: usize, each: f64, ours: f64, table: &mut Table) {
    table.push(Row {
        path: MANY.into(),
        who: format!("etcd, {members} members"),
        unit: "ms".into(),
        value: each,
        bound: OPERATION_GOAL_MS,
        ratio: each / OPERATION_GOAL_MS,
    });
    let path = format!("ledger: operation ÷ etcd put, {members} members");
    table.add(&path, "ms", ours, each);
}
