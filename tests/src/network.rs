use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::clock::wait_until;
use crate::http::Http;
use crate::process::{Process, Settings};
use crate::programs::{Program, run};

const CHECKPOINT_DEADLINE: Duration = Duration::from_secs(60);

/// The ledger's validators.
pub struct Network {
    directory: PathBuf,
    settings: Settings,
    ports: Vec<u16>,
    nodes: Vec<Option<Process>>,
}

impl Network {
    /// Writes the homes of one validator per port and starts them all.
    pub fn start(directory: &Path, settings: &Settings, ports: &[u16]) -> Result<Self> {
        let mut network = Self::create(directory, settings, ports)?;
        network.start_all()?;
        Ok(network)
    }

    /// Writes the homes of one validator per port.
    pub fn create(directory: &Path, settings: &Settings, ports: &[u16]) -> Result<Self> {
        let out = directory.join("ledger");
        let list: Vec<_> = ports.iter().map(u16::to_string).collect();
        let validators = ports.len().to_string();
        let out_text = out.display().to_string();
        let arguments = [
            "init",
            "--validators",
            &validators,
            "--out",
            &out_text,
            "--network",
            "demo",
            "--api-ports",
            &list.join(","),
            // Who plays or tests is not to wait for time to pass on the ledger.
            "--idle-block-ms",
            "1000",
        ];
        run(Program::Node, settings, &arguments)?.success()?;
        Ok(Self {
            directory: directory.to_owned(),
            settings: settings.clone(),
            ports: ports.to_vec(),
            nodes: ports.iter().map(|_| None).collect(),
        })
    }

    /// Lets one address ask the validators as often as it can, from their next start on: a load comes from one address.
    pub fn lift_request_limit(&self) -> Result<()> {
        for index in 0..self.nodes.len() {
            let file = self.node_home(index).join("config.toml");
            let text = fs::read_to_string(&file)?;
            let lines = text.lines().map(|line| match line.split_once(" = ") {
                Some(("requests_per_second", _)) => "requests_per_second = 1000000",
                _ => line,
            });
            fs::write(&file, lines.collect::<Vec<_>>().join("\n"))?;
        }
        Ok(())
    }

    /// Starts every validator that does not run.
    pub fn start_all(&mut self) -> Result<()> {
        let stopped: Vec<_> = (0..self.nodes.len())
            .filter(|index| self.nodes[*index].is_none())
            .collect();
        for index in &stopped {
            self.spawn_node(*index)?;
        }
        for index in stopped {
            self.await_node(index)?;
        }
        Ok(())
    }

    /// Waits until every validator has a checkpoint to prove things under.
    pub fn await_checkpoint(&self) -> Result<()> {
        let http = Http::new(&self.settings)?;
        for url in self.urls() {
            let address = format!("{url}/v1/checkpoint");
            wait_until("a first checkpoint", CHECKPOINT_DEADLINE, || {
                let answer = http.get(&address, &[]);
                Ok(answer.and_then(|answer| answer.success()).ok().map(|_| ()))
            })?;
        }
        Ok(())
    }

    /// Starts one validator again.
    pub fn start_node(&mut self, index: usize) -> Result<()> {
        self.spawn_node(index)?;
        self.await_node(index)
    }

    fn spawn_node(&mut self, index: usize) -> Result<()> {
        let home = self.node_home(index);
        let _ = fs::remove_file(home.join("address"));
        let mut arguments = vec![
            "run".to_owned(),
            "--home".into(),
            home.display().to_string(),
            "--listen".into(),
            format!("127.0.0.1:{}", self.ports[index]),
        ];
        arguments.extend(self.settings.tls_arguments());
        let name = format!("node-{index}");
        let process = Process::start(
            Program::Node,
            &name,
            &self.directory,
            &self.settings,
            &arguments,
        )?;
        self.nodes[index] = Some(process);
        Ok(())
    }

    fn await_node(&mut self, index: usize) -> Result<()> {
        let address = self.node_home(index).join("address");
        let node = self.nodes[index]
            .as_mut()
            .context("the node was not started")?;
        node.wait_for_address(&address)?;
        Ok(())
    }

    /// Ends one validator as `kill -9` does.
    pub fn kill_node(&mut self, index: usize) -> Result<()> {
        match self.nodes[index].take() {
            Some(mut node) => node.kill(),
            None => Ok(()),
        }
    }

    /// Ends all validators as `kill -9` does.
    pub fn kill_all(&mut self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|index| self.kill_node(index))
    }

    /// The base URLs of all validators, running or not.
    pub fn urls(&self) -> Vec<String> {
        let scheme = self.settings.scheme();
        self.ports
            .iter()
            .map(|port| format!("{scheme}://127.0.0.1:{port}"))
            .collect()
    }

    /// The trust file that every reader of this ledger is given.
    pub fn trust_file(&self) -> PathBuf {
        self.directory.join("ledger/network.json")
    }

    /// The governance key of this development network.
    pub fn governor_file(&self) -> PathBuf {
        self.directory.join("ledger/governor.pem")
    }

    /// The command line arguments that point a program to this ledger.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for url in self.urls() {
            arguments.extend(["--node".to_owned(), url]);
        }
        arguments.extend([
            "--trust".to_owned(),
            self.trust_file().display().to_string(),
        ]);
        arguments
    }

    pub(crate) fn detach(&mut self) {
        self.nodes.iter_mut().flatten().for_each(Process::detach);
    }

    /// The running processes.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.nodes.iter().flatten()
    }

    /// The directory of one validator.
    pub fn node_home(&self, index: usize) -> PathBuf {
        self.directory.join("ledger").join(format!("node-{index}"))
    }
}
