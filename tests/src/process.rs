use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::clock::wait_until;
use crate::programs::{Program, program};
use crate::tls::DevelopmentCa;

const START_DEADLINE: Duration = Duration::from_secs(60);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// What all processes of a stack share.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Serves and trusts HTTPS under this authority.
    pub tls: Option<DevelopmentCa>,
    /// Further environment variables.
    pub variables: Vec<(String, String)>,
}

impl Settings {
    /// Adds an environment variable.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// The environment variables every process gets.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut variables = self.variables.clone();
        if let Some(ca) = &self.tls {
            let path = ca.ca_path().display().to_string();
            variables.push(("JUMIN_TRUST_ANCHORS".into(), path));
        }
        variables
    }

    /// The arguments that make a server speak TLS, if it should.
    pub fn tls_arguments(&self) -> Vec<String> {
        match &self.tls {
            None => Vec::new(),
            Some(ca) => vec![
                "--tls-cert".into(),
                ca.server_cert_path().display().to_string(),
                "--tls-key".into(),
                ca.server_key_path().display().to_string(),
            ],
        }
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

/// A running server; dropping it kills it by its own process id.
#[derive(Debug)]
pub struct Process {
    program: Program,
    name: String,
    child: Child,
    log: PathBuf,
    detached: bool,
}

impl Process {
    /// Starts a program whose output goes to `<directory>/<name>.log`.
    pub fn start(
        which: Program,
        name: &str,
        directory: &Path,
        settings: &Settings,
        arguments: &[String],
    ) -> Result<Self> {
        let log = directory.join(format!("{name}.log"));
        let output = File::options()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(program(which)?);
        command
            .args(arguments)
            .envs(settings.environment())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        Ok(Self {
            program: which,
            name: name.into(),
            child,
            log,
            detached: false,
        })
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The file name of its program.
    pub fn program(&self) -> &'static str {
        self.program.file_name()
    }

    /// Lets the process outlive this one.
    pub fn detach(&mut self) {
        self.detached = true;
    }

    /// What the process is called in its stack.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Waits until the server wrote its base URL to `file` (removed before it was started).
    pub fn wait_for_address(&mut self, file: &Path) -> Result<String> {
        let what = format!("{} listens", self.name);
        let log = self.log.clone();
        let address = wait_until(&what, START_DEADLINE, || {
            if let Some(status) = self.child.try_wait()? {
                return Ok(Some(Err(status)));
            }
            let text = fs::read_to_string(file).unwrap_or_default();
            Ok(text
                .trim()
                .starts_with("http")
                .then(|| Ok(text.trim().to_owned())))
        });
        match address {
            Ok(Ok(address)) => Ok(address),
            Ok(Err(status)) => bail!("{} ended ({status}): {}", self.name, tail(&log)),
            Err(error) => Err(error.context(tail(&log))),
        }
    }

    /// Ends the process at once, as `kill -9` does.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks the process to end (SIGTERM) and kills it if it does not.
    pub fn stop(&mut self) -> Result<()> {
        terminate(self.id());
        let ended = wait_until("stop", STOP_DEADLINE, || Ok(self.child.try_wait()?));
        if ended.is_err() {
            self.kill()?;
        }
        Ok(())
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The end of what the process logged.
    pub fn log_tail(&self) -> String {
        tail(&self.log)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if !self.detached {
            // The process may have ended already; there is nobody to tell.
            let _ = self.kill();
        }
    }
}

/// Sends SIGTERM to one process.
pub fn terminate(process_id: u32) {
    let _ = Command::new("sh")
        .args(["-c", &format!("kill -TERM {process_id}")])
        .stderr(Stdio::null())
        .status();
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    let start = lines.len().saturating_sub(15);
    format!(
        "{} ends with:\n{}",
        log.display(),
        lines[start..].join("\n")
    )
}
