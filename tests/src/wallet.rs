use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use crate::issuer::Offer;
use crate::network::Network;
use crate::process::Settings;
use crate::programs::{Finished, Program, run};

/// Without a keyring a vault wants more than a PIN.
const PASSPHRASE: &str = "sample-passphrase";

/// A citizen's wallet on the command line.
pub struct Wallet {
    home: PathBuf,
    settings: Settings,
}

impl Wallet {
    /// Makes a wallet in `<directory>/<name>`, without a keyring.
    pub fn create(
        name: &str,
        directory: &Path,
        settings: &Settings,
        network: &Network,
    ) -> Result<Self> {
        let wallet = Self {
            home: directory.join(name),
            settings: settings.clone(),
        };
        let ledger = network.arguments();
        let mut arguments = vec!["init", "--no-keyring"];
        arguments.extend(ledger.iter().map(String::as_str));
        wallet.command(&arguments)?.success()?;
        Ok(wallet)
    }

    /// Runs a command of the wallet with the right PIN.
    pub fn command(&self, arguments: &[&str]) -> Result<Finished> {
        self.command_with_pin(PASSPHRASE, arguments)
    }

    /// Runs a command of the wallet with the given PIN.
    pub fn command_with_pin(&self, pin: &str, arguments: &[&str]) -> Result<Finished> {
        let home = self.home.display().to_string();
        let mut all = vec!["--home", &home];
        all.extend(arguments);
        let settings = self.settings.clone().with_variable("JUMIN_WALLET_PIN", pin);
        run(Program::Wallet, &settings, &all)
    }

    /// Accepts an offer.
    pub fn accept(&self, offer: &Offer) -> Result<Value> {
        let arguments = [
            "accept",
            &offer.uri,
            "--tx-code",
            &offer.tx_code,
            "--yes",
            "--json",
        ];
        self.command(&arguments)?.success()?.json()
    }

    /// Lists the credentials.
    pub fn list(&self) -> Result<Value> {
        self.command(&["list", "--json"])?.success()?.json()
    }

    /// Answers a request (text, picture or `openid4vp://` link); the answer's QR code goes to `picture`.
    pub fn present(&self, request: &str, picture: &Path) -> Result<Finished> {
        let picture = picture.display().to_string();
        let arguments = [
            "present",
            "--request",
            request,
            "--yes",
            "--json",
            "--out",
            &picture,
        ];
        self.command(&arguments)
    }

    /// Answers a request with a document of one's choice.
    pub fn present_document(&self, id: &str, request: &Path, picture: &Path) -> Result<Finished> {
        let (request, picture) = (request.display().to_string(), picture.display().to_string());
        let answer = ["present", "--request", &request, "--credential", id];
        self.command(&[&answer[..], &["--yes", "--json", "--out", &picture]].concat())
    }

    /// How a document stands, by its agency's list and the ledger.
    pub fn status(&self, id: &str) -> Result<String> {
        let arguments = ["status", id, "--json"];
        let found = self.command(&arguments)?.success()?.json()?;
        crate::issuer::text(&found, "status")
    }

    /// Answers an online request.
    pub fn present_online(&self, request_uri: &str) -> Result<Finished> {
        self.command(&["present", "--request", request_uri, "--yes", "--json"])
    }

    /// Draws a one-way code for an office and a service.
    pub fn present_to(&self, agency: &str, service: &str, picture: &Path) -> Result<Finished> {
        let picture = picture.display().to_string();
        let arguments = [
            "present",
            "--to",
            agency,
            "--service",
            service,
            "--yes",
            "--json",
            "--out",
            &picture,
        ];
        self.command(&arguments)
    }

    /// The wallet's directory.
    pub fn home(&self) -> &Path {
        &self.home
    }
}
