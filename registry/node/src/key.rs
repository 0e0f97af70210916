//! The keys and the DID of an agency that accredits others: made, looked at and changed from the command line.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use jumin_keys::{
    Agency, CREATION, DidPlan, KeyCommand, SigningKeys, UpdateKeys, prepare_creation,
};
use jumin_registry::client::ClientError;
use jumin_registry::{Purpose, SignedOperation};

use crate::accredit::now;
use crate::govern::Network;

/// The first key, which signs operations on the ledger.
const LEDGER_KEY: &str = "ledger-1";
/// Exit code while the DID waits to be accredited.
const AWAITS_ACCREDITATION: u8 = 3;

/// Looks at and changes the keys and the DID of an agency that accredits others.
#[derive(Subcommand)]
pub enum Key {
    /// Makes keys and a DID on the ledger; exit code 3: have the printed DID accredited, then run it again.
    Init {
        #[command(flatten)]
        place: Place,
        /// The folder or medium for the key that the DID's first change needs; by default beside the home.
        #[arg(long, value_name = "DIR")]
        update_keys: Option<PathBuf>,
    },
    #[command(flatten)]
    Change(KeyCommand<Place>),
}

/// Which agency, and which ledger.
#[derive(Args)]
pub struct Place {
    /// The agency's folder.
    #[arg(long)]
    home: PathBuf,
    #[command(flatten)]
    network: Network,
}

impl Key {
    /// Does what the command says.
    ///
    /// # Errors
    /// When keys are missing, or the ledger can't be asked or refuses.
    pub async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Init { place, update_keys } => place.init(update_keys).await,
            Self::Change(command) => {
                let agency = command.place().agency()?;
                command.run(&agency, now()).await?;
                Ok(ExitCode::SUCCESS)
            }
        }
    }
}

impl Place {
    async fn init(&self, update_keys: Option<PathBuf>) -> anyhow::Result<ExitCode> {
        let ledger = self.network.client()?;
        let beside = UpdateKeys::beside(&self.home);
        let update_keys = update_keys.map_or(beside, UpdateKeys::at);
        let creation = prepare_creation(DidPlan {
            home: &self.home,
            keys: &self.keys(),
            update_keys: &update_keys,
            network: &ledger.trust().network,
            methods: &[(LEDGER_KEY, &[Purpose::CapabilityInvocation])],
            services: Vec::new(),
            // Clocks differ a little.
            valid_from: now().saturating_sub(300),
        })?;
        println!("{}", created(&creation)?);
        match ledger.submit(&creation).await {
            Ok(_) => Ok(ExitCode::SUCCESS),
            Err(ClientError::Rejected { code }) if code == "not_accredited" => {
                eprintln!(
                    "The registry takes this DID once somebody has accredited it. Have the governors or an accreditor \
                     accredit it as an accreditor (govern accredit, or accredit), then run this command again."
                );
                Ok(ExitCode::from(AWAITS_ACCREDITATION))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn keys(&self) -> SigningKeys {
        SigningKeys::at(self.home.join("keys"))
    }

    fn agency(&self) -> anyhow::Result<Agency> {
        let path = self.home.join(CREATION);
        let bytes = std::fs::read(&path)
            .with_context(|| format!("cannot read {}: run `key init` first", path.display()))?;
        let creation = SignedOperation::parse(&bytes)
            .with_context(|| format!("{} doesn't create a DID", path.display()))?;
        Ok(Agency {
            did: created(&creation)?,
            home: self.home.clone(),
            keys: self.keys(),
            ledger: self.network.client()?,
        })
    }
}

fn created(creation: &SignedOperation) -> anyhow::Result<jumin_identity::Did> {
    creation
        .created_did()
        .with_context(|| format!("{CREATION} doesn't create a DID"))
}
