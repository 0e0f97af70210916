//! Holds a citizen's credentials and presents them, from the command line.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    if let Err(error) = jumin_http::protect_process() {
        eprintln!("error: the process cannot be protected: {error}");
        return ExitCode::FAILURE;
    }
    let arguments = cli::Arguments::parse();
    let (json, language) = (arguments.json, cli::Language::choose(arguments.lang));
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli::run(arguments, language)) {
        Ok(done) => {
            println!("{}", done.print(json, language));
            ExitCode::SUCCESS
        }
        Err(failure) => {
            if json {
                println!("{}", failure.to_json());
            }
            eprintln!("{}", failure.line(language));
            ExitCode::FAILURE
        }
    }
}
