//! Runs the registry as a BFT validator.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Parser, Subcommand};
use jumin_http::TlsFiles;
use jumin_registry_node::{
    Accredit, Accreditations, Check, EndAccreditation, Govern, Join, Key, Load, NewNetwork,
    RunOptions, VerifyStore, Votes, init, init_dev, join, run,
};

/// Runs the DID registry that several agencies keep together.
#[derive(Parser)]
#[command(name = "jumin-registry-node", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts a one-validator network named "dev", made at first.
    Dev(Serve),
    /// Writes the homes of a new network's validators, its trust file and its governor's key.
    Init(Init),
    /// Starts one validator of a network that `init` or `join` wrote.
    Run(Serve),
    /// Writes the home of a node that is to become a validator, and what the governors need to add it.
    Join(Join),
    /// Checks the whole state of a node that doesn't run.
    VerifyStore(VerifyStore),
    /// Accredits, and changes validators and governors, by a threshold of governors.
    #[command(subcommand)]
    Govern(Govern),
    /// Loads a network with operations or reads, and measures how it bears them.
    #[command(subcommand)]
    Load(Load),
    /// Accredits an agency with an accreditor's own key.
    Accredit(Accredit),
    /// Ends an accreditation with the key of the accreditor that granted it.
    EndAccreditation(EndAccreditation),
    /// Shows what an agency is and was accredited for.
    Accreditations(Accreditations),
    /// Looks at and changes the keys and the DID of an agency that accredits others.
    #[command(subcommand)]
    Key(Box<Key>),
    /// Checks a record's proof step by step, trusting the network's trust file and no node.
    Check(Check),
}

#[derive(Args)]
struct Init {
    /// How many validators.
    #[arg(long)]
    validators: usize,
    /// The directory to write to.
    #[arg(long)]
    out: PathBuf,
    /// The network's name, as in its DIDs.
    #[arg(long, default_value = "dev")]
    network: String,
    /// The API port of each validator.
    #[arg(long, value_delimiter = ',', conflicts_with = "base_port")]
    api_ports: Vec<u16>,
    /// The API port of the first validator; the others follow.
    #[arg(long)]
    base_port: Option<u16>,
    /// How many blocks an epoch has; validators change between epochs only.
    #[arg(long, default_value_t = 1_000)]
    epoch_blocks: u64,
    /// After how many milliseconds without operations an empty block comes.
    #[arg(long, default_value_t = 10_000)]
    idle_block_ms: u64,
    /// How many governors.
    #[arg(long, default_value_t = 1)]
    governors: usize,
    /// How many governors must sign.
    #[arg(long, default_value_t = 1)]
    threshold: u8,
}

#[derive(Args)]
struct Serve {
    /// The validator's directory.
    #[arg(long)]
    home: PathBuf,
    /// Where the API listens, port 0 for any free one.
    #[arg(long)]
    listen: Option<SocketAddr>,
    /// PEM file of the certificate chain, for HTTPS.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file of the private key, for HTTPS.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The base URL this node tells others.
    #[arg(long)]
    public_url: Option<String>,
    /// This validator's votes are gone for good: follow until an epoch begins that it can't have voted in.
    #[arg(long)]
    votes_lost: bool,
    /// A power cut tore the files of this validator's votes, and nothing else did: use what is left of them.
    #[arg(long, conflicts_with = "votes_lost")]
    votes_torn: bool,
    /// A block that was certified, from a reader or a follower: a validator that is alone doesn't start with older data.
    #[arg(long)]
    expect_height: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = jumin_http::protect_process() {
        eprintln!("error: the process cannot be protected: {error}");
        return ExitCode::FAILURE;
    }
    jumin_http::init_tracing();
    let result = match Cli::parse().command {
        Command::Init(options) => options.write(),
        Command::Run(options) => run(options.into()).await,
        Command::VerifyStore(command) => command.run(),
        Command::Join(options) => join(&options),
        Command::Govern(command) => command.run().await,
        Command::Load(load) => load.run().await,
        Command::Accredit(command) => command.run().await,
        Command::EndAccreditation(command) => command.run().await,
        Command::Accreditations(command) => command.run().await,
        Command::Check(check) => check.run().await,
        Command::Key(command) => match command.run().await {
            Ok(code) => return code,
            Err(error) => Err(error),
        },
        Command::Dev(options) => match init_dev(&options.home) {
            Ok(()) => run(options.into()).await,
            Err(error) => Err(error),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Init {
    fn write(self) -> anyhow::Result<()> {
        let ports = match self.base_port {
            Some(base) if usize::from(u16::MAX - base) < self.validators => {
                bail!("--base-port is too high")
            }
            Some(base) => (base..).take(self.validators).collect(),
            None if self.api_ports.is_empty() => vec![0; self.validators],
            None => self.api_ports,
        };
        let new = NewNetwork {
            network: self.network,
            validators: self.validators,
            api_ports: ports,
            epoch_blocks: self.epoch_blocks,
            idle_block_ms: self.idle_block_ms,
            governors: self.governors,
            threshold: self.threshold,
        };
        init(&self.out, &new)
    }
}

impl From<Serve> for RunOptions {
    fn from(options: Serve) -> Self {
        let tls = options.tls_cert.zip(options.tls_key);
        Self {
            home: options.home,
            listen: options.listen,
            tls: tls.map(|(cert, key)| TlsFiles { cert, key }),
            public_url: options.public_url,
            votes: Votes {
                lost: options.votes_lost,
                torn: options.votes_torn,
            },
            expect_height: options.expect_height,
        }
    }
}
