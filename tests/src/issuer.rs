use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result};
use jumin_identity::{b64url, random_bytes};
use serde_json::{Value, json};

use crate::clock::wait_until;
use crate::http::{Answer, Http};
use crate::network::Network;
use crate::private::write_private;
use crate::process::{Process, Settings};
use crate::programs::{Finished, Program, run};

/// The name of the console's account.
pub const CONSOLE_ACCOUNT: &str = "admin";
const STATUS_DEADLINE: Duration = Duration::from_secs(20);

/// A credential offer as the clerk hands it over.
#[derive(Clone, Debug)]
pub struct Offer {
    pub uri: String,
    pub tx_code: String,
}

/// An issuing agency: its server and its clerk at the console.
pub struct Issuer {
    name: String,
    directory: PathBuf,
    settings: Settings,
    ports: (u16, u16),
    process: Option<Process>,
    http: Rc<Http>,
}

impl Issuer {
    /// Makes the agency (keys, DID, accreditation, sample register) and starts its server on `ports` (wallets, console).
    pub fn start(
        name: &str,
        directory: &Path,
        settings: &Settings,
        network: &Network,
        ports: (u16, u16),
        http: Rc<Http>,
    ) -> Result<Self> {
        let mut issuer = Self {
            name: name.to_owned(),
            directory: directory.to_owned(),
            settings: settings.clone(),
            ports,
            process: None,
            http,
        };
        issuer.init(network)?;
        issuer.serve()?;
        Ok(issuer)
    }

    /// As [`Issuer::start`], but `accredit` accredits the DID that it is given.
    pub fn start_accredited(
        name: &str,
        directory: &Path,
        settings: &Settings,
        network: &Network,
        ports: (u16, u16),
        http: Rc<Http>,
        accredit: impl FnOnce(&str) -> Result<()>,
    ) -> Result<Self> {
        let mut issuer = Self {
            name: name.to_owned(),
            directory: directory.to_owned(),
            settings: settings.clone(),
            ports,
            process: None,
            http,
        };
        let waiting = issuer.run_init(network, &[])?;
        accredit(waiting.stdout.trim())?;
        issuer.run_init(network, &[])?.success()?;
        issuer.make_account()?;
        issuer.serve()?;
        Ok(issuer)
    }

    fn init(&self, network: &Network) -> Result<()> {
        let governor = network.governor_file().display().to_string();
        self.run_init(network, &["--governor", &governor])?
            .success()?;
        self.make_account()
    }

    fn run_init(&self, network: &Network, more: &[&str]) -> Result<Finished> {
        let home = self.home().display().to_string();
        let url = self.url();
        let ledger = network.arguments();
        let mut arguments = vec!["init", "--home", &home, "--public-url", &url];
        arguments.extend(ledger.iter().map(String::as_str));
        arguments.extend(more);
        run(Program::Issuer, &self.settings, &arguments)
    }

    /// Makes the console's account, with a random password that is kept beside the home.
    fn make_account(&self) -> Result<()> {
        let password = b64url(&random_bytes::<18>());
        let home = self.home().display().to_string();
        let settings = self.settings.clone();
        let settings = settings.with_variable("JUMIN_ISSUER_PASSWORD", &password);
        let arguments = ["account", "--home", &home, "--name", CONSOLE_ACCOUNT];
        run(Program::Issuer, &settings, &arguments)?.success()?;
        write_private(&self.password_file(), password.as_bytes())
    }

    fn password_file(&self) -> PathBuf {
        self.directory
            .join(format!("{}-console-password", self.name))
    }

    /// The password of the console's account [`CONSOLE_ACCOUNT`].
    pub fn console_password(&self) -> Result<String> {
        read_trimmed(&self.password_file())
    }

    /// Runs a command of the issuer that isn't the server, such as `key rotate`.
    pub fn command(&self, arguments: &[&str]) -> Result<Finished> {
        let home = self.home().display().to_string();
        let mut all = arguments.to_vec();
        all.extend(["--home", &home]);
        run(Program::Issuer, &self.settings, &all)
    }

    /// Starts the server.
    pub fn serve(&mut self) -> Result<()> {
        let address = self.home().join("address");
        let _ = fs::remove_file(&address);
        let mut arguments = vec![
            "serve".to_owned(),
            "--home".into(),
            self.home().display().to_string(),
            "--listen".into(),
            format!("127.0.0.1:{}", self.ports.0),
            "--console-listen".into(),
            format!("127.0.0.1:{}", self.ports.1),
        ];
        arguments.extend(self.settings.tls_arguments());
        let mut process = Process::start(
            Program::Issuer,
            &self.name,
            &self.directory,
            &self.settings,
            &arguments,
        )?;
        process.wait_for_address(&address)?;
        self.process = Some(process);
        Ok(())
    }

    /// Ends the server as `kill -9` does.
    pub fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// The issuer's directory.
    pub fn home(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The base URL for wallets.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.settings.scheme(), self.ports.0)
    }

    /// The base URL of the console API.
    pub fn console_url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.settings.scheme(), self.ports.1)
    }

    /// The console's bearer token.
    pub fn console_token(&self) -> Result<String> {
        read_trimmed(&self.home().join("console-token"))
    }

    /// The agency's DID.
    pub fn did(&self) -> Result<String> {
        read_trimmed(&self.home().join("did"))
    }

    /// Asks the console.
    pub fn console_get(&self, path: &str) -> Result<Answer> {
        let token = format!("Bearer {}", self.console_token()?);
        let url = format!("{}{path}", self.console_url());
        self.http.get(&url, &[("authorization", &token)])
    }

    /// Tells the console to do something.
    pub fn console_post(&self, path: &str, body: &Value) -> Result<Answer> {
        let token = format!("Bearer {}", self.console_token()?);
        let url = format!("{}{path}", self.console_url());
        self.http.post(&url, body, &[("authorization", &token)])
    }

    /// Residents whose name, number or address matches `query`.
    pub fn residents(&self, query: &str, limit: usize) -> Result<Vec<Value>> {
        let search = json!({"query": query, "limit": limit});
        let answer = self.console_post("/v1/residents/search", &search)?;
        list(answer.success()?, "residents")
    }

    /// A resident who may hold a card.
    pub fn adult(&self) -> Result<Value> {
        let residents = self.residents("", 50)?;
        residents
            .into_iter()
            .find(is_adult)
            .context("no adult among the first residents")
    }

    /// Offers a credential to a resident.
    pub fn offer(&self, resident_id: &str, configuration: &str) -> Result<Offer> {
        let body =
            json!({"resident_id": resident_id, "credential_configuration_id": configuration});
        let answer = self.console_post("/v1/offers", &body)?.success()?;
        Ok(Offer {
            uri: text(&answer, "credential_offer_uri")?,
            tx_code: text(&answer, "tx_code")?,
        })
    }

    /// The issued credentials of a resident, newest first or last as the console lists them.
    pub fn credentials(&self, resident_id: &str) -> Result<Vec<Value>> {
        let answer = self.console_get(&format!("/v1/credentials?resident_id={resident_id}"))?;
        list(answer.success()?, "credentials")
    }

    /// The one issued credential of a resident.
    pub fn credential_id(&self, resident_id: &str) -> Result<String> {
        let credentials = self.credentials(resident_id)?;
        text(credentials.first().context("nothing was issued")?, "id")
    }

    /// Suspends, reinstates or revokes, and waits until the change is no longer pending.
    pub fn change_status(&self, credential_id: &str, action: &str) -> Result<Value> {
        let path = format!("/v1/credentials/{credential_id}/{action}");
        let body = json!({"reason": "demonstration"});
        self.console_post(&path, &body)?.success()?;
        self.await_settled(credential_id)
    }

    /// Waits until the credential's last change is finalized on the ledger.
    pub fn await_settled(&self, credential_id: &str) -> Result<Value> {
        let path = format!("/v1/credentials/{credential_id}");
        wait_until("the status is on the ledger", STATUS_DEADLINE, || {
            let mut detail = self.console_get(&path)?.success()?;
            let credential = detail["credential"].take();
            Ok((!credential["pending"].is_string()).then_some(credential))
        })
    }

    pub(crate) fn detach(&mut self) {
        self.process.iter_mut().for_each(Process::detach);
    }

    /// The server's process.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }
}

fn is_adult(resident: &Value) -> bool {
    let birth = resident["birthdate"]
        .as_str()
        .or(resident["birth_date"].as_str());
    birth
        .and_then(|date| date.get(..4))
        .and_then(|year| year.parse::<u32>().ok())
        .is_some_and(|year| (1940..2004).contains(&year))
}

fn list(answer: Value, member: &str) -> Result<Vec<Value>> {
    let array = match answer {
        Value::Array(array) => array,
        mut other => match other[member].take() {
            Value::Array(array) => array,
            _ => anyhow::bail!("no list of {member}: {other}"),
        },
    };
    Ok(array)
}

pub(crate) fn text(value: &Value, member: &str) -> Result<String> {
    value[member]
        .as_str()
        .map(str::to_owned)
        .with_context(|| format!("no `{member}` in {value}"))
}

pub(crate) fn read_trimmed(path: &Path) -> Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.trim().to_owned())
}
