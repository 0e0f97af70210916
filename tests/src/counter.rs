use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::http::{Answer, Http};
use crate::issuer::text;
use crate::network::Network;
use crate::process::{Process, Settings};
use crate::programs::{Finished, Program, run};

/// What a counter said about one presentation.
#[derive(Clone, Debug)]
pub struct Check {
    /// The verdict's code.
    pub verdict: String,
    /// The whole verdict.
    pub json: Value,
    /// Whether the command ended with exit code 0.
    pub accepted: bool,
}

/// An office's counter: its commands and its local service.
pub struct Counter {
    name: String,
    directory: PathBuf,
    settings: Settings,
    /// Of the wallets' listener and of the desk's.
    ports: (u16, u16),
    process: Option<Process>,
    http: Rc<Http>,
}

impl Counter {
    /// Makes the counter's home (keys, DID, accreditation as a verifier) without starting its service.
    pub fn create(
        name: &str,
        directory: &Path,
        settings: &Settings,
        network: &Network,
        ports: (u16, u16),
        http: Rc<Http>,
    ) -> Result<Self> {
        let counter = Self {
            name: name.to_owned(),
            directory: directory.to_owned(),
            settings: settings.clone(),
            ports,
            process: None,
            http,
        };
        let home = counter.home().display().to_string();
        let governor = network.governor_file().display().to_string();
        let ledger = network.arguments();
        let mut arguments = vec!["init", "--home", &home, "--governor", &governor];
        arguments.extend(ledger.iter().map(String::as_str));
        run(Program::Counter, settings, &arguments)?.success()?;
        Ok(counter)
    }

    /// Runs a command of the counter.
    pub fn command(&self, arguments: &[&str]) -> Result<Finished> {
        let home = self.home().display().to_string();
        let mut all = arguments.to_vec();
        all.extend(["--home", &home]);
        run(Program::Counter, &self.settings, &all)
    }

    /// Fetches the bundle and the lists.
    pub fn sync(&self) -> Result<()> {
        self.command(&["sync"])?.success()?;
        Ok(())
    }

    /// Starts a request and writes its QR code.
    pub fn request(&self, service: &str, picture: &Path) -> Result<()> {
        let picture = picture.display().to_string();
        self.command(&["request", "--service", service, "--out", &picture])?
            .success()?;
        Ok(())
    }

    /// Checks what pictures show or what texts say: all of one presentation.
    pub fn verify(&self, inputs: &[&str]) -> Result<Check> {
        let mut arguments = vec!["verify"];
        arguments.extend(inputs);
        let finished = self.command(&arguments)?;
        let json = finished.json()?;
        Ok(Check {
            verdict: text(&json, "verdict")?,
            accepted: finished.ok(),
            json,
        })
    }

    /// Checks what a picture shows.
    pub fn verify_picture(&self, picture: &Path) -> Result<Check> {
        self.verify(&[&picture.display().to_string()])
    }

    /// Starts the local service behind a proxy by which wallets reach it.
    pub fn serve_behind(&mut self, public_url: &str) -> Result<()> {
        self.serve_with(&["--public-url", public_url])
    }

    /// Starts the local service.
    pub fn serve(&mut self) -> Result<()> {
        self.serve_with(&[])
    }

    fn serve_with(&mut self, more: &[&str]) -> Result<()> {
        let address = self.home().join("address");
        let _ = fs::remove_file(&address);
        let mut arguments = vec![
            "serve".to_owned(),
            "--home".into(),
            self.home().display().to_string(),
            "--listen".into(),
            format!("127.0.0.1:{}", self.ports.0),
            "--desk-listen".into(),
            format!("127.0.0.1:{}", self.ports.1),
        ];
        arguments.extend(self.settings.tls_arguments());
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        let mut process = Process::start(
            Program::Counter,
            &self.name,
            &self.directory,
            &self.settings,
            &arguments,
        )?;
        process.wait_for_address(&address)?;
        self.process = Some(process);
        Ok(())
    }

    /// Ends the local service as `kill -9` does.
    pub fn kill(&mut self) -> Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill(),
            None => Ok(()),
        }
    }

    /// The base URL for wallets.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.settings.scheme(), self.ports.0)
    }

    /// The base URL of the desk.
    pub fn desk_url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.settings.scheme(), self.ports.1)
    }

    /// The token with which programs use the desk.
    pub fn desk_token(&self) -> Result<String> {
        let token = fs::read_to_string(self.home().join("desk-token"))?;
        Ok(token.trim().to_owned())
    }

    /// A link that lets one browser use the desk.
    pub fn sign_in_link(&self) -> Result<String> {
        let link = self.command(&["sign-in"])?.success()?.stdout;
        Ok(link.trim().to_owned())
    }

    /// Starts a request at the desk; `mode` is `qr`, `online` or `one-way`.
    pub fn api_request(&self, service: &str, mode: &str) -> Result<Value> {
        let body = json!({"service": service, "mode": mode});
        self.desk_post("/v1/requests", &body)?.success()
    }

    /// The state of a request of the desk.
    pub fn api_state(&self, id: &str) -> Result<Value> {
        self.desk_get(&format!("/v1/requests/{id}"))
    }

    /// How the office stands.
    pub fn api_status(&self) -> Result<Value> {
        self.desk_get("/v1/status")
    }

    /// Submits scanned texts to the desk.
    pub fn api_scan(&self, texts: &[String]) -> Result<Value> {
        self.desk_post("/v1/scans", &json!({"texts": texts}))?
            .json()
    }

    /// Submits a picture to the desk.
    pub fn api_scan_picture(&self, picture: &Path) -> Result<Value> {
        let bytes = fs::read(picture).with_context(|| picture.display().to_string())?;
        let bearer = format!("Bearer {}", self.desk_token()?);
        let url = format!("{}/v1/scans", self.desk_url());
        let headers = [("authorization", bearer.as_str())];
        self.http
            .post_bytes(&url, "image/png", bytes, &headers)?
            .json()
    }

    fn desk_get(&self, path: &str) -> Result<Value> {
        let bearer = format!("Bearer {}", self.desk_token()?);
        let url = format!("{}{path}", self.desk_url());
        self.http
            .get(&url, &[("authorization", &bearer)])?
            .success()
    }

    fn desk_post(&self, path: &str, body: &Value) -> Result<Answer> {
        let bearer = format!("Bearer {}", self.desk_token()?);
        let url = format!("{}{path}", self.desk_url());
        self.http.post(&url, body, &[("authorization", &bearer)])
    }

    /// Adds or replaces a service's policy.
    pub fn write_policy(&self, policy: &Value) -> Result<()> {
        let directory = self.home().join("services");
        fs::create_dir_all(&directory)?;
        let name = format!("{}.json", text(policy, "service")?);
        fs::write(directory.join(name), serde_json::to_vec_pretty(policy)?)?;
        Ok(())
    }

    /// The counter's directory.
    pub fn home(&self) -> PathBuf {
        self.directory.join(&self.name)
    }

    /// The office's DID.
    pub fn did(&self) -> Result<String> {
        let path = self.home().join("counter.json");
        let settings: Value = serde_json::from_slice(&fs::read(path)?)?;
        text(&settings, "did")
    }

    pub(crate) fn detach(&mut self) {
        self.process.iter_mut().for_each(Process::detach);
    }

    /// The local service's process.
    pub fn process(&self) -> Option<&Process> {
        self.process.as_ref()
    }
}
