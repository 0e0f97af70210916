//! Loads a network with operations and reads, and measures how it bears them.
//!
//! It writes as agencies do (accredited by the governors, each with keys of its own) and believes nothing that a node says:
//! what was reported finalized is read back with its proof at the end.

mod agencies;
mod figures;
mod operations;
mod reads;
mod submit;

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use jumin_http::{Client, Url};
use jumin_registry::NetworkTrust;
use jumin_registry::client::LedgerClient;
use tokio::time::Instant;

const MAX_CLIENTS: usize = 4_096;
const MAX_COUNT: u64 = 10_000_000;
const MAX_SECONDS: u64 = 86_400;

/// Loads a network with operations or reads, and measures how it bears them.
#[derive(Subcommand)]
pub enum Load {
    /// Makes agencies that anchor digests, and proves at the end that everything reported finalized is on the ledger.
    Operations(operations::Operations),
    /// Reads records or resolves DIDs, and checks the proofs of a sample.
    Reads(reads::Reads),
}

impl Load {
    /// Loads the network and prints what was measured.
    ///
    /// # Errors
    /// When the options can't be used, the network can't be reached, or it broke its word.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Operations(options) => options.run().await,
            Self::Reads(options) => options.run().await,
        }
    }
}

/// Whom to load, how much and by how many.
#[derive(Args, Clone)]
struct Target {
    /// Base URLs of nodes; clients are spread over them.
    #[arg(long, required = true)]
    node: Vec<Url>,
    /// The network's trust file.
    #[arg(long)]
    network: PathBuf,
    /// How many clients at once.
    #[arg(long, default_value_t = 64)]
    clients: usize,
    /// How many in all; unless given, for `--seconds`.
    #[arg(long)]
    count: Option<u64>,
    /// For how many seconds at most; 10 if neither is given.
    #[arg(long)]
    seconds: Option<u64>,
    /// Prints the figures as JSON.
    #[arg(long)]
    json: bool,
}

impl Target {
    fn check(&self) -> anyhow::Result<()> {
        ensure!(
            (1..=MAX_CLIENTS).contains(&self.clients),
            "--clients is 1 to {MAX_CLIENTS}"
        );
        ensure!(
            self.count
                .is_none_or(|count| (1..=MAX_COUNT).contains(&count)),
            "--count is 1 to {MAX_COUNT}"
        );
        ensure!(
            self.seconds
                .is_none_or(|seconds| (1..=MAX_SECONDS).contains(&seconds)),
            "--seconds is 1 to {MAX_SECONDS}"
        );
        Ok(())
    }

    fn trust(&self) -> anyhow::Result<NetworkTrust> {
        let file = &self.network;
        let bytes =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        NetworkTrust::from_json(&bytes).context("the trust file can't be used")
    }

    fn reader(&self, http: &Client) -> anyhow::Result<LedgerClient> {
        Ok(LedgerClient::new(
            self.node.clone(),
            self.trust()?,
            http.clone(),
        ))
    }

    fn amount(&self) -> Amount {
        let seconds = match (self.count, self.seconds) {
            (None, None) => 10,
            (Some(_), None) => MAX_SECONDS,
            (_, Some(seconds)) => seconds,
        };
        Amount {
            next: AtomicU64::new(0),
            count: self.count.unwrap_or(MAX_COUNT),
            end: Instant::now() + Duration::from_secs(seconds),
        }
    }
}

/// Deals numbers out until the count or the time is up.
struct Amount {
    next: AtomicU64,
    count: u64,
    end: Instant,
}

impl Amount {
    fn take(&self) -> Option<u64> {
        if Instant::now() >= self.end {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.count).then_some(number)
    }
}

fn unix_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}
