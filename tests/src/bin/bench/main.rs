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
use clap::Parser;

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
    let fixture = fixture::Fixture::new()?;
    credential::measure(&fixture, &mut table)?;
    peers::measure(&fixture, options, &mut table)?;
    status::measure(&fixture, &mut table)?;
    if !options.no_services {
        services::measure(&mut table)?;
    }
    if let Some(script) = &options.faces {
        peers::faces(script, &mut table)?;
    }
    table.print();
    table.write(&options.out)
}
