//! Plays the whole story, runs a stack to play with, and lends one to the foreign clients' tests.

mod env_file;
mod faces;
mod hold;
mod ledger;
mod narrator;
mod story;
mod up;
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Runs the whole system on this machine.
#[derive(Parser)]
#[command(name = "jumin-demo", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plays the story of one card with real processes.
    Demo {
        /// Where pictures and verdicts go.
        #[arg(long, default_value = "target/demo")]
        out: PathBuf,
        /// A script that then plays one presentation with the real window and the real page.
        #[arg(long)]
        faces: Option<PathBuf>,
    },
    /// Starts a stack to play with, at fixed ports.
    Up {
        /// Where its data, addresses and tokens go.
        #[arg(long, default_value = "target/up")]
        out: PathBuf,
        /// Serves HTTPS under a development authority.
        #[arg(long)]
        tls: bool,
    },
    /// Ends what `up` started.
    Down {
        #[arg(long, default_value = "target/up")]
        out: PathBuf,
    },
    /// Starts a stack at free ports and ends it when standard input closes.
    Hold,
    /// Starts a ledger alone, with agencies that accredited each other, and ends it when standard input closes.
    Ledger {
        /// How many validators.
        #[arg(long, default_value_t = 4)]
        validators: usize,
    },
    /// Prints the vp_token (JSON) that pictures of QR codes carry.
    Decode {
        /// The issuer whose dictionaries are used.
        #[arg(long)]
        issuer: String,
        /// Pictures of QR codes.
        #[arg(required = true)]
        pictures: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    if let Err(error) = jumin_http::protect_process() {
        eprintln!("error: the process cannot be protected: {error}");
        return ExitCode::FAILURE;
    }
    let result = match Cli::parse().command {
        Command::Demo { out, faces } => story::play(&out, faces.as_deref()),
        Command::Up { out, tls } => up::up(&out, tls),
        Command::Down { out } => up::down(&out),
        Command::Hold => hold::hold(),
        Command::Ledger { validators } => ledger::hold(validators),
        Command::Decode { issuer, pictures } => hold::decode(&issuer, &pictures),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
