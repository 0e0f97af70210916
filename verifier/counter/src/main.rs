use std::process::ExitCode;

use clap::Parser;
use jumin_counter::cli::Cli;

/// Exit code of a command that could not be carried out.
const FAILED: u8 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    if let Err(error) = jumin_http::protect_process() {
        eprintln!("error: the process cannot be protected: {error}");
        return ExitCode::from(FAILED);
    }
    jumin_http::init_tracing();
    match Cli::parse().run().await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}
