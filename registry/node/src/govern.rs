//! What governors do from the command line: propose a change, sign it one after the other, submit it.
//!
//! A proposal is a file that goes from governor to governor, so that no machine ever holds a threshold of keys. Only
//! `propose` and `submit` need the network.

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand};
use jumin_http::{Client, Url};
use jumin_identity::{FileKey, Jwk, NetworkName, PublicKey, Signer as _, b64url, b64url_decode};
use jumin_registry::{
    Accreditor, GovernanceRecord, NetworkTrust, NewValidator, Operation, OperationSigner, Record,
    RecordKey, SignedOperation, client::LedgerClient, sign_operation,
};
use serde::{Deserialize, Serialize};

use crate::accredit::{
    EndedGrant, NewGrant, describe, explained, now, read_key, record, require_accreditable,
};

/// Accredits, and changes validators and governors, by a threshold of governors.
#[derive(Subcommand)]
pub enum Govern {
    /// Makes a governor's key; prints the public key, which goes to the other governors.
    Key {
        /// The file for the private key.
        #[arg(long)]
        out: PathBuf,
    },
    /// Proposes to add or remove validators; they change at the end of the epoch.
    SetValidators {
        /// Files that `join` wrote, of validators to add.
        #[arg(long)]
        add: Vec<PathBuf>,
        /// Keys of validators to remove, base64url.
        #[arg(long, allow_hyphen_values = true)]
        remove: Vec<String>,
        #[command(flatten)]
        proposal: Propose,
    },
    /// Proposes other governors, or another threshold.
    SetGovernors {
        /// Files of all governors' public keys, as `key` prints them.
        #[arg(long, required = true)]
        governor: Vec<PathBuf>,
        /// How many of them must sign.
        #[arg(long)]
        threshold: u8,
        #[command(flatten)]
        proposal: Propose,
    },
    /// Proposes to accredit an agency.
    Accredit {
        #[command(flatten)]
        grant: NewGrant,
        #[command(flatten)]
        proposal: Propose,
    },
    /// Proposes to end an accreditation, whoever granted it, and with it what hangs below.
    EndAccreditation {
        #[command(flatten)]
        grant: EndedGrant,
        #[command(flatten)]
        proposal: Propose,
    },
    /// Shows a proposal and signs it, without the network.
    Sign {
        /// The proposal; the signature is added to it.
        #[arg(long)]
        proposal: PathBuf,
        /// The governor's private key.
        #[arg(long)]
        key: PathBuf,
        /// Signs without asking.
        #[arg(long)]
        yes: bool,
    },
    /// Hands a proposal in that enough governors signed.
    Submit {
        /// The proposal.
        #[arg(long)]
        proposal: PathBuf,
        #[command(flatten)]
        network: Network,
    },
}

/// Where the network is.
#[derive(Args)]
pub struct Network {
    /// Base URLs of nodes.
    #[arg(long, required = true)]
    node: Vec<Url>,
    /// The network's trust file.
    #[arg(long)]
    network: PathBuf,
}

/// Where a proposal goes.
#[derive(Args)]
pub struct Propose {
    #[command(flatten)]
    network: Network,
    /// The file for the proposal.
    #[arg(long)]
    out: PathBuf,
}

/// An operation on its way through the governors' hands.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proposal {
    network: NetworkName,
    /// The governors who may sign.
    governance: GovernanceRecord,
    operation: Operation,
    /// The operation with the signatures so far, JWS JSON General Serialization.
    signed: Option<serde_json::Value>,
}

impl Govern {
    /// Does what was asked for.
    ///
    /// # Errors
    /// When a file can't be used, or the network refuses.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Key { out } => make_key(&out),
            Self::SetValidators {
                add,
                remove,
                proposal,
            } => {
                let add = add.iter().map(|path| read_json::<NewValidator>(path));
                let operation = Operation::SetValidators {
                    add: add.collect::<Result<_, _>>()?,
                    remove: remove
                        .iter()
                        .map(|key| validator_key(key))
                        .collect::<Result<_, _>>()?,
                    version: proposal.network.version(&RecordKey::Validators).await?,
                };
                proposal.write(operation).await
            }
            Self::SetGovernors {
                governor,
                threshold,
                proposal,
            } => {
                let governors = governor.iter().map(|path| {
                    let jwk: Jwk = read_json(path)?;
                    PublicKey::from_jwk(&jwk)
                        .with_context(|| format!("{} is not a public key", path.display()))
                });
                let operation = Operation::SetGovernors {
                    governors: governors.collect::<Result<_, _>>()?,
                    threshold,
                    version: proposal.network.version(&RecordKey::Governance).await?,
                };
                proposal.write(operation).await
            }
            Self::Accredit { grant, proposal } => {
                let client = proposal.network.client()?;
                require_accreditable(&client, &grant.did).await?;
                let version = record(&client, &grant.key()).await?.version;
                let operation = grant.operation(Accreditor::Governance, version, now())?;
                proposal.write(operation).await
            }
            Self::EndAccreditation { grant, proposal } => {
                let record = record(&proposal.network.client()?, &grant.key()).await?;
                let operation = grant.operation(Accreditor::Governance, &record)?;
                proposal.write(operation).await
            }
            Self::Sign { proposal, key, yes } => sign(&proposal, &key, yes),
            Self::Submit { proposal, network } => submit(&proposal, &network).await,
        }
    }
}

impl Network {
    pub(crate) fn client(&self) -> anyhow::Result<LedgerClient> {
        let trust = fs::read(&self.network)
            .with_context(|| format!("cannot read {}", self.network.display()))?;
        let trust = NetworkTrust::from_json(&trust)?;
        Ok(LedgerClient::new(self.node.clone(), trust, Client::new()?))
    }

    async fn read(&self, key: &RecordKey) -> anyhow::Result<Record> {
        let proven = self.client()?.record(key).await?;
        proven.record.context("the network has no such record")
    }

    /// The version of the record that a proposal replaces.
    async fn version(&self, key: &RecordKey) -> anyhow::Result<u64> {
        match self.read(key).await? {
            Record::Validators(record) => Ok(record.version),
            Record::Governance(record) => Ok(record.version),
            _ => bail!("the record is of another kind"),
        }
    }
}

impl Propose {
    async fn write(&self, operation: Operation) -> anyhow::Result<()> {
        operation.validate()?;
        let Record::Governance(governance) = self.network.read(&RecordKey::Governance).await?
        else {
            bail!("the record is of another kind");
        };
        let proposal = Proposal {
            network: self.network.client()?.trust().network.clone(),
            governance,
            operation,
            signed: None,
        };
        ensure!(!self.out.exists(), "{} exists", self.out.display());
        proposal.write(&self.out)?;
        print_operation(&proposal.operation)?;
        println!(
            "{} of {} governors must sign {}",
            proposal.governance.threshold,
            proposal.governance.governors.len(),
            self.out.display()
        );
        Ok(())
    }
}

impl Proposal {
    fn write(&self, path: &Path) -> anyhow::Result<()> {
        fs::write(path, serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// The operation with its signatures; what was signed must be what the proposal shows.
    fn signed(&self) -> anyhow::Result<Option<SignedOperation>> {
        let Some(signed) = &self.signed else {
            return Ok(None);
        };
        let signed = SignedOperation::parse(&serde_json::to_vec(signed)?)?;
        ensure!(
            *signed.operation() == self.operation && *signed.network() == self.network,
            "the proposal shows another operation than was signed"
        );
        Ok(Some(signed))
    }
}

fn make_key(out: &Path) -> anyhow::Result<()> {
    let key = FileKey::generate().context("cannot make a key")?;
    crate::home::write_secret(out, key.to_pkcs8_pem().as_bytes())?;
    println!("{}", serde_json::to_string(&key.public_key().to_jwk())?);
    Ok(())
}

/// Asks whether to sign what was shown.
fn agreed() -> anyhow::Result<bool> {
    ensure!(
        std::io::stdin().is_terminal(),
        "there is no terminal to ask: read it, and sign with --yes"
    );
    print!("sign? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim().eq_ignore_ascii_case("y"))
}

/// Prints what is to be signed: in words, or as it is.
fn print_operation(operation: &Operation) -> anyhow::Result<()> {
    match describe(operation) {
        Some(words) => println!("{words}"),
        None => println!("{}", serde_json::to_string_pretty(operation)?),
    }
    Ok(())
}

fn sign(path: &Path, key: &Path, yes: bool) -> anyhow::Result<()> {
    let mut proposal: Proposal = read_json(path)?;
    // Before anything of it is shown.
    proposal.operation.validate()?;
    let key = read_key(key)?;
    let mut governors = proposal.governance.governors.iter();
    let index = governors
        .position(|governor| governor == key.public_key())
        .context("this key is not a governor's")?;
    let kid = format!("governance#{index}");
    let already = proposal.signed()?;
    if already
        .as_ref()
        .is_some_and(|signed| signed.signers().any(|name| name == kid))
    {
        bail!("this governor has signed already");
    }
    println!("on the network {}:", proposal.network);
    print_operation(&proposal.operation)?;
    ensure!(yes || agreed()?, "not signed");
    let signer = OperationSigner::Kid(kid, &key);
    let signed = match already {
        Some(signed) => signed.with_signature(&signer)?,
        None => sign_operation(&proposal.network, &proposal.operation, &[signer])?,
    };
    println!(
        "signed by {} of {} needed",
        signed.signers().count(),
        proposal.governance.threshold
    );
    proposal.signed = Some(serde_json::from_slice(&signed.to_bytes())?);
    proposal.write(path)
}

async fn submit(path: &Path, network: &Network) -> anyhow::Result<()> {
    let proposal: Proposal = read_json(path)?;
    let signed = proposal
        .signed()?
        .context("nobody has signed the proposal")?;
    let receipt = network.client()?.submit(&signed).await.map_err(explained)?;
    println!("finalized in block {}", receipt.height);
    Ok(())
}

fn validator_key(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = b64url_decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    bytes.with_context(|| {
        format!(
            "{text} is not a validator's key, such as {}",
            b64url(&[7; 32])
        )
    })
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).with_context(|| format!("{} can't be used", path.display()))
}
