use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use tempfile::TempDir;

use crate::counter::Counter;
use crate::governor::Governor;
use crate::http::Http;
use crate::issuer::Issuer;
use crate::network::Network;
use crate::ports::{Ports, free_port};
use crate::process::{Process, Settings};
use crate::wallet::Wallet;

/// How to start a stack.
#[derive(Clone, Debug)]
pub struct StackOptions {
    pub directory: PathBuf,
    pub settings: Settings,
    pub ports: Ports,
}

/// A ledger, an issuing agency and a counter in one directory.
pub struct Stack {
    // Dropped in this order: the servers end before their directory goes.
    pub counter: Counter,
    pub issuer: Issuer,
    pub network: Network,
    http: Rc<Http>,
    settings: Settings,
    directory: PathBuf,
    _temporary: Option<TempDir>,
}

impl Stack {
    /// Starts a stack for one test, with one validator, in a temporary directory.
    pub fn start() -> Result<Self> {
        Self::with_validators(1)
    }

    /// Starts a stack for one test with `validators` validators.
    pub fn with_validators(validators: usize) -> Result<Self> {
        let temporary = tempfile::Builder::new().prefix("jumin-").tempdir()?;
        let options = StackOptions {
            directory: temporary.path().to_owned(),
            settings: Settings::default(),
            ports: Ports::free(validators)?,
        };
        let mut stack = Self::launch(&options)?;
        stack._temporary = Some(temporary);
        Ok(stack)
    }

    /// Starts a stack as told. The counter's local service is not started.
    pub fn launch(options: &StackOptions) -> Result<Self> {
        let StackOptions {
            directory,
            settings,
            ports,
        } = options;
        fs::create_dir_all(directory)?;
        let http = Rc::new(Http::new(settings)?);
        let network = Network::start(directory, settings, &ports.nodes)?;
        let console = (ports.issuer, ports.console);
        let issuer = Issuer::start(
            "issuer",
            directory,
            settings,
            &network,
            console,
            http.clone(),
        )?;
        let counter = Counter::create(
            "counter",
            directory,
            settings,
            &network,
            (ports.counter, ports.desk),
            http.clone(),
        )?;
        Ok(Self {
            counter,
            issuer,
            network,
            http,
            settings: settings.clone(),
            directory: directory.clone(),
            _temporary: None,
        })
    }

    /// Makes a citizen's wallet.
    pub fn wallet(&self, name: &str) -> Result<Wallet> {
        Wallet::create(name, &self.directory, &self.settings, &self.network)
    }

    /// Makes another issuing agency.
    pub fn another_issuer(&self, name: &str) -> Result<Issuer> {
        let ports = (free_port()?, free_port()?);
        Issuer::start(
            name,
            &self.directory,
            &self.settings,
            &self.network,
            ports,
            self.http.clone(),
        )
    }

    /// Makes another issuing agency, whose DID `accredit` accredits.
    pub fn another_issuer_accredited(
        &self,
        name: &str,
        accredit: impl FnOnce(&str) -> Result<()>,
    ) -> Result<Issuer> {
        let ports = (free_port()?, free_port()?);
        Issuer::start_accredited(
            name,
            &self.directory,
            &self.settings,
            &self.network,
            ports,
            self.http.clone(),
            accredit,
        )
    }

    /// Makes another counter.
    pub fn another_counter(&self, name: &str) -> Result<Counter> {
        let ports = (free_port()?, free_port()?);
        Counter::create(
            name,
            &self.directory,
            &self.settings,
            &self.network,
            ports,
            self.http.clone(),
        )
    }

    /// The one who holds the governance key of this development ledger.
    pub fn governor(&self) -> Result<Governor> {
        Governor::new(&self.network, self.http.clone())
    }

    /// Issues a resident registration card to an adult and gives the resident's id.
    pub fn issue_card(&self, wallet: &Wallet) -> Result<String> {
        let resident = crate::issuer::text(&self.issuer.adult()?, "id")?;
        let offer = self.issuer.offer(&resident, "resident-card")?;
        wallet.accept(&offer)?;
        Ok(resident)
    }

    /// Ends every validator and the issuer, as if the network cable were pulled.
    pub fn cut_network(&mut self) -> Result<()> {
        self.issuer.kill()?;
        self.network.kill_all()
    }

    /// Starts every validator and the issuer again.
    pub fn restore_network(&mut self) -> Result<()> {
        self.network.start_all()?;
        self.issuer.serve()
    }

    /// A path in the stack's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// The stack's directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// An HTTP client that trusts the stack.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// What all processes of the stack share.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lets every running process outlive this one.
    pub fn detach(&mut self) {
        self.network.detach();
        self.issuer.detach();
        self.counter.detach();
    }

    /// Every running process of the stack.
    pub fn processes(&self) -> Vec<&Process> {
        let mut all: Vec<_> = self.network.processes().collect();
        all.extend(self.issuer.process());
        all.extend(self.counter.process());
        all
    }
}
