//! The ledger: what four validators finalize and answer, how that grows, and what a replicated store does on the same machine.

mod etcd;
mod growth;
mod load;
mod plot;
mod sync;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use jumin_identity::{Did, b64url_decode};
use jumin_registry::{Checkpoint, NetworkTrust, ProvenRecord, RecordKey};
use jumin_tests::{Stack, unix_now};
use serde_json::Value;

use crate::measure::{Table, median_us};

const CHECK_GOAL_MS: f64 = 1.0;
const SIZE_GOAL_KB: f64 = 1.5;

/// What of the ledger is measured.
#[derive(Args)]
pub struct LedgerOptions {
    /// The program of etcd, which is measured beside the ledger.
    #[arg(long)]
    etcd: Option<PathBuf>,
    /// So many records one validator is filled with, in ascending steps.
    #[arg(long, value_delimiter = ',')]
    growth: Vec<u64>,
    /// Where the figures of growth go as JSON; written at every step.
    #[arg(long, default_value = "target/growth.json")]
    growth_out: PathBuf,
    /// Draws growth as SVG.
    #[arg(long)]
    growth_plot: Option<PathBuf>,
    /// Measures nothing and draws what `--growth-out` has.
    #[arg(long, requires = "growth_plot")]
    redraw: bool,
}

/// Measures a network of four, its peer, and growth.
pub fn measure(options: &LedgerOptions, table: &mut Table) -> Result<()> {
    if !options.redraw {
        load::measure(options.etcd.as_deref(), table)?;
    }
    measure_growth(options, table)
}

/// Measures growth alone, if sizes were given, and draws it.
pub fn measure_growth(options: &LedgerOptions, table: &mut Table) -> Result<()> {
    let points = if options.redraw {
        growth::read(&options.growth_out)?
    } else {
        growth::measure(&options.growth, &options.growth_out)?
    };
    growth::add_rows(&points, table);
    match &options.growth_plot {
        Some(file) if !points.is_empty() => {
            fs::write(file, plot::draw(&points)).with_context(|| file.display().to_string())
        }
        _ => Ok(()),
    }
}

/// Measures checking what a node answers for one record: certificate, checkpoint and inclusion proof.
pub fn measure_proof(stack: &Stack, table: &mut Table) -> Result<()> {
    let trust = NetworkTrust::from_json(&fs::read(stack.network.trust_file())?)?;
    let did: Did = stack.issuer.did()?.parse()?;
    let key = RecordKey::Did(did);
    let name: String = url::form_urlencoded::byte_serialize(key.to_string().as_bytes()).collect();
    let node = stack.network.urls().into_iter().next().context("no node")?;
    let answer = stack
        .http()
        .get(&format!("{node}/v1/records/{name}"), &[])?
        .success()?;
    let checkpoint = bytes(&answer, "checkpoint")?;
    let record = ProvenRecord {
        key: key.clone(),
        value: Some(bytes(&answer, "value")?),
        proof: bytes(&answer, "proof")?,
    };
    let check = || -> Result<bool> {
        let verified = Checkpoint::from_bytes(&checkpoint)?.verify(&trust)?;
        let found = record.verify(&key, &verified)?;
        Ok(found.is_some() && verified.age_seconds(unix_now()) < 3600)
    };
    ensure!(check()?, "the node's answer does not hold");
    let time = median_us(41, 10, || check().is_ok());
    table.add(
        "ledger: check proof and certificate",
        "ms",
        time / 1e3,
        CHECK_GOAL_MS,
    );
    let size = checkpoint.len() + record.proof.len();
    table.add(
        "ledger: proof and certificate",
        "kB",
        size as f64 / 1e3,
        SIZE_GOAL_KB,
    );
    Ok(())
}

fn bytes(answer: &Value, member: &str) -> Result<Vec<u8>> {
    let text = answer[member]
        .as_str()
        .with_context(|| format!("no {member}"))?;
    Ok(b64url_decode(text)?)
}
