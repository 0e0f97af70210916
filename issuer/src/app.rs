//! What every request shares.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use jumin_http::{OwnNames, Problem};
use jumin_identity::CredentialType;
use url::Url;

use crate::claims::Configuration;
use crate::console::{AgencyView, DeviceKey, Localized, Passwords, RecentViews};
use crate::counts::{Counts, Few};
use crate::indexes::StatusIndexes;
use crate::issue::IssuerKey;
use crate::ledger::IssuerLedger;
use crate::metadata::{self, Names};
use crate::publish::Publisher;
use crate::secret::{NonceKey, Secret};
use crate::store::Store;

/// The state of the service.
pub struct App {
    pub store: Store,
    pub issuer: Arc<IssuerKey>,
    /// The credential issuer identifier: no trailing slash.
    pub public_url: String,
    pub types: Vec<(Configuration, CredentialType)>,
    pub documents: Documents,
    pub nonces: NonceKey,
    pub ledger: IssuerLedger,
    pub names: Localized,
    pub console: ConsoleEdge,
    pub console_token: Secret,
    pub passwords: Passwords,
    pub devices: DeviceKey,
    pub unknown_names: Few,
    pub views: RecentViews,
    pub agency_view: AgencyView,
    pub indexes: Arc<StatusIndexes>,
    pub publisher: Arc<Publisher>,
    pub counts: Counts,
    pub clock: fn() -> u64,
}

/// Where the console listens.
#[derive(Debug, Clone)]
pub struct ConsoleEdge {
    pub address: SocketAddr,
    pub tls: bool,
    /// The names by which it is asked.
    pub names: OwnNames,
}

impl ConsoleEdge {
    /// Describes a console that listens at `address`, and is called `url` by the operator.
    pub fn new(address: SocketAddr, tls: bool, url: Option<&Url>) -> Self {
        let names = OwnNames::of(address, url);
        Self {
            address,
            tls,
            names,
        }
    }
}

/// Metadata, written out once.
pub struct Documents {
    pub credential_issuer: String,
    pub authorization_server: String,
    pub jwt_vc_issuer: String,
}

impl Documents {
    pub fn new(
        public_url: &str,
        names: &Names,
        issuer: &IssuerKey,
        types: &[(Configuration, CredentialType)],
    ) -> Self {
        let key = issuer.signer.public_key();
        Self {
            credential_issuer: metadata::credential_issuer(public_url, names, types).to_string(),
            authorization_server: metadata::authorization_server(public_url).to_string(),
            jwt_vc_issuer: metadata::jwt_vc_issuer(public_url, &issuer.kid, key).to_string(),
        }
    }
}

impl App {
    /// The time in seconds since the Unix epoch.
    pub fn now(&self) -> u64 {
        (self.clock)()
    }

    /// The definition of what a configuration issues.
    pub fn credential_type(&self, configuration: Configuration) -> Option<&CredentialType> {
        self.types
            .iter()
            .find(|(one, _)| *one == configuration)
            .map(|(_, definition)| definition)
    }
}

/// Reads the system's clock, in seconds since the Unix epoch.
pub fn system_clock() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}

/// Writes an error and its causes on one line, saying nothing twice.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

/// Answers 500 and logs the causes.
pub fn internal(error: &dyn std::error::Error) -> Problem {
    Problem::internal(&chain(error))
}
