use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::Settings;

/// The programs of the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    Node,
    Issuer,
    Counter,
    Wallet,
    Window,
}

impl Program {
    /// The file name of the program.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Node => "jumin-registry-node",
            Self::Issuer => "jumin-issuer",
            Self::Counter => "jumin-counter",
            Self::Wallet => "jumin-wallet-cli",
            Self::Window => "jumin-wallet",
        }
    }
}

/// Finds a program: in `JUMIN_BIN_DIR`, else beside the running test or demonstration.
pub fn program(which: Program) -> Result<PathBuf> {
    let directory = match std::env::var_os("JUMIN_BIN_DIR") {
        Some(directory) => PathBuf::from(directory),
        None => beside_this_program()?,
    };
    let path = directory.join(which.file_name());
    if !path.is_file() {
        bail!("{} is not built: run `make build`", path.display());
    }
    Ok(path)
}

fn beside_this_program() -> Result<PathBuf> {
    let this = std::env::current_exe().context("cannot tell where this program is")?;
    let directory = this.parent().unwrap_or(Path::new("."));
    // Tests are built into `deps` below the programs.
    let directory = if directory.ends_with("deps") {
        directory.parent().unwrap_or(directory)
    } else {
        directory
    };
    Ok(directory.to_owned())
}

/// What a command printed and how it ended.
#[derive(Clone, Debug)]
pub struct Finished {
    pub command: String,
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl Finished {
    /// Whether the command ended with exit code 0.
    pub fn ok(&self) -> bool {
        self.status.success()
    }

    /// Requires exit code 0.
    pub fn success(self) -> Result<Self> {
        if self.ok() {
            return Ok(self);
        }
        bail!("`{}` failed: {}{}", self.command, self.stderr, self.stdout)
    }

    /// Requires another exit code than 0 and gives what was said on standard error.
    pub fn failure(self) -> Result<String> {
        if self.ok() {
            bail!(
                "`{}` should have failed, but said: {}",
                self.command,
                self.stdout
            );
        }
        Ok(self.stderr)
    }

    /// Reads standard output as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_str(&self.stdout).with_context(|| {
            format!(
                "`{}` printed no JSON: {}{}",
                self.command, self.stdout, self.stderr
            )
        })
    }
}

/// Runs a program to its end.
pub fn run(which: Program, settings: &Settings, arguments: &[&str]) -> Result<Finished> {
    let path = program(which)?;
    let command = format!("{} {}", which.file_name(), arguments.join(" "));
    let output = Command::new(&path)
        .args(arguments)
        .envs(settings.environment())
        .env_remove("JUMIN_WALLET_HOME")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", path.display()))?;
    Ok(Finished {
        command,
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}
