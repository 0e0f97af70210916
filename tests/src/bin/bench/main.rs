//! Measures every hot path beside its bound, in one run.

mod counter;
mod credential;
mod fixture;
mod issuance;
mod ledger;
mod measure;
mod peers;
mod services;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, ValueEnum};

use crate::measure::Table;

/// Measures Jumin and its peers; smaller is better everywhere.
#[derive(Parser)]
#[command(name = "jumin-bench", version)]
struct Options {
    /// The program that measures other Rust libraries.
    #[arg(long)]
    peers: Option<PathBuf>,
    /// The Node.js script that measures the npm library.
    #[arg(long)]
    node_peer: Option<PathBuf>,
    /// The Node.js script that measures window and pages.
    #[arg(long)]
    faces: Option<PathBuf>,
    /// Where the rows go as JSON.
    #[arg(long, default_value = "target/bench.json")]
    out: PathBuf,
    /// Leaves out what needs running services.
    #[arg(long)]
    no_services: bool,
    #[command(flatten)]
    ledger: ledger::LedgerOptions,
    /// Measures this part only.
    #[arg(long, value_enum)]
    only: Option<Only>,
}

/// A part of the measurements.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// Everything about the ledger.
    Ledger,
    /// How the ledger grows.
    Growth,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<()> {
    let mut table = Table::default();
    match options.only {
        None => measure_all(options, &mut table)?,
        Some(Only::Ledger) => ledger::measure(&options.ledger, &mut table)?,
        Some(Only::Growth) => ledger::measure_growth(&options.ledger, &mut table)?,
    }
    table.print();
    table.write(&options.out)
}

fn measure_all(options: &Options, table: &mut Table) -> Result<()> {
    let fixture = fixture::Fixture::new()?;
    credential::measure(&fixture, table)?;
    peers::measure(&fixture, options, table)?;
    status::measure(&fixture, table)?;
    if !options.no_services {
        ledger::measure(&options.ledger, table)?;
        services::measure(table)?;
    }
    if let Some(script) = &options.faces {
        peers::faces(script, table)?;
    }
    Ok(())
}
