//! What accreditors do from the command line: accredit with a key of their own, end that, and look at what stands.
//!
//! Governors do the same by a proposal (`govern`), which several of them sign.

mod grant;
mod show;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail};
use clap::Args;
use jumin_identity::{Did, DidUrl, FileKey};
use jumin_registry::client::{ClientError, LedgerClient};
use jumin_registry::{
    AccreditationChain, AccreditationError, AccreditationRecord, Accreditor, DidRecord, Lookup,
    LookupRecord, Operation, OperationSigner, Record, RecordKey, Role, accreditation_at,
    grant_standing, sign_operation,
};

use crate::application::unix_ms;
use crate::govern::Network;

pub(crate) use grant::{EndedGrant, NewGrant};
pub(crate) use show::describe;

/// A walk up to governance needs a handful of records; more is a loop.
const MAX_ROUNDS: usize = 64;

/// Accredits an agency, within what the accreditor itself is accredited for.
#[derive(Args)]
pub struct Accredit {
    #[command(flatten)]
    grant: NewGrant,
    #[command(flatten)]
    by: By,
    #[command(flatten)]
    network: Network,
}

/// Ends an accreditation that this accreditor granted, and with it what hangs below.
#[derive(Args)]
pub struct EndAccreditation {
    #[command(flatten)]
    grant: EndedGrant,
    #[command(flatten)]
    by: By,
    #[command(flatten)]
    network: Network,
}

/// Shows what an agency is and was accredited for, and whether that holds now.
#[derive(Args)]
pub struct Accreditations {
    /// The agency's DID.
    did: Did,
    #[command(flatten)]
    network: Network,
}

/// Whose accreditation it is, and the key to sign with.
#[derive(Args)]
struct By {
    /// The accreditor's key for operations, did:…#key.
    #[arg(long = "as", value_name = "DID_URL")]
    kid: DidUrl,
    /// The file of that key, PKCS#8 PEM.
    #[arg(long)]
    key: PathBuf,
}

impl Accredit {
    /// Signs the grant and hands it in.
    ///
    /// # Errors
    /// When the key can't be used, or the ledger refuses.
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.network.client()?;
        require_accreditable(&client, &self.grant.did).await?;
        let version = record(&client, &self.grant.key()).await?.version;
        let by = Accreditor::Did(self.by.kid.did().clone());
        let operation = self.grant.operation(by, version, now())?;
        self.by.submit(&client, &operation).await
    }
}

impl EndAccreditation {
    /// Signs the end of the grant and hands it in.
    ///
    /// # Errors
    /// As [`Accredit::run`].
    pub async fn run(self) -> anyhow::Result<()> {
        let client = self.network.client()?;
        let record = record(&client, &self.grant.key()).await?;
        let by = Accreditor::Did(self.by.kid.did().clone());
        let operation = self.grant.operation(by, &record)?;
        self.by.submit(&client, &operation).await
    }
}

impl By {
    async fn submit(&self, client: &LedgerClient, operation: &Operation) -> anyhow::Result<()> {
        let key = read_key(&self.key)?;
        let network = &client.trust().network;
        if self.kid.did().network() != *network {
            bail!("{} is of another network than {network}", self.kid.did());
        }
        let signer = OperationSigner::Kid(self.kid.to_string(), &key);
        let signed = sign_operation(network, operation, &[signer])?;
        println!("{}", describe(operation).unwrap_or_default());
        let receipt = client.submit(&signed).await.map_err(explained)?;
        println!("finalized in block {}", receipt.height);
        Ok(())
    }
}

impl Accreditations {
    /// Prints the agency's grants with what is proven about them.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn run(self) -> anyhow::Result<()> {
        let (client, now) = (self.network.client()?, now());
        let did = did_record(&client, &self.did).await?;
        let deactivated = did.as_ref().and_then(|record| record.deactivated);
        println!("{}", show::show_did(&self.did, did.is_some(), deactivated));
        for role in Role::ALL {
            let key = RecordKey::Accreditation {
                subject: self.did.clone(),
                role,
            };
            let held = record(&client, &key).await?;
            let mut view = Read::default();
            for grant in &held.grants {
                let judge = |view: &Read| grant_standing(view, &self.did, role, grant, now);
                let standing = view.judge(&client, judge).await?;
                println!("{}", show::show_grant(role, grant, standing));
            }
            if !held.grants.is_empty() {
                let judge = |view: &Read| accreditation_at(view, &self.did, role, None, now);
                let standing = view.judge(&client, judge).await?;
                println!("  {}", show_standing(role, standing));
            }
        }
        Ok(())
    }
}

fn show_standing(role: Role, standing: Result<AccreditationChain, AccreditationError>) -> String {
    match standing {
        Ok(chain) => {
            let above = chain.grants.iter().map(|grant| grant.by.to_string());
            let above: Vec<_> = above.collect();
            format!("accredited as {role} now, by {}", above.join(", by "))
        }
        Err(error) => format!("not accredited as {role} now: {error}"),
    }
}

/// The records read so far.
#[derive(Default)]
struct Read {
    known: BTreeMap<RecordKey, Option<Record>>,
    missing: RefCell<Vec<RecordKey>>,
}

impl Read {
    /// Judges by as many records as the judgement asks for.
    async fn judge<T>(
        &mut self,
        client: &LedgerClient,
        judge: impl Fn(&Self) -> T,
    ) -> anyhow::Result<T> {
        for _ in 0..MAX_ROUNDS {
            let judged = judge(self);
            let missing = self.missing.take();
            if missing.is_empty() {
                return Ok(judged);
            }
            for key in missing {
                let proven = client.record(&key).await?;
                self.known.insert(key, proven.record);
            }
        }
        bail!("the accreditations above it are more than this reads")
    }
}

impl LookupRecord for Read {
    fn lookup(&self, key: &RecordKey) -> Lookup {
        match self.known.get(key) {
            Some(Some(record)) => Lookup::Present(record.clone()),
            Some(None) => Lookup::Absent,
            None => {
                self.missing.borrow_mut().push(key.clone());
                Lookup::Unknown
            }
        }
    }
}

/// Requires a DID of this network that was not deactivated; it need not be created yet.
pub(crate) async fn require_accreditable(client: &LedgerClient, did: &Did) -> anyhow::Result<()> {
    if did.network() != client.trust().network {
        bail!(
            "{did} is of another network than {}",
            client.trust().network
        );
    }
    match did_record(client, did).await? {
        Some(record) if record.deactivated.is_some() => bail!("{did} is deactivated for good"),
        _ => Ok(()),
    }
}

async fn did_record(client: &LedgerClient, did: &Did) -> anyhow::Result<Option<DidRecord>> {
    match client.record(&RecordKey::Did(did.clone())).await?.record {
        Some(Record::Did(record)) => Ok(Some(record)),
        None => Ok(None),
        Some(_) => bail!("the record is of another kind"),
    }
}

/// Reads the grants that an agency has for a role, of which there may be none.
pub(crate) async fn record(
    client: &LedgerClient,
    key: &RecordKey,
) -> anyhow::Result<AccreditationRecord> {
    match client.record(key).await?.record {
        Some(Record::Accreditation(record)) => Ok(record),
        None => Ok(AccreditationRecord {
            version: 0,
            grants: Vec::new(),
        }),
        Some(_) => bail!("the record is of another kind"),
    }
}

/// Reads a private key.
pub(crate) fn read_key(path: &Path) -> anyhow::Result<FileKey> {
    let pem =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    FileKey::from_pkcs8_pem(&pem).with_context(|| format!("{} can't be used", path.display()))
}

/// Adds to a refusal what to do about it.
pub(crate) fn explained(error: ClientError) -> anyhow::Error {
    let ClientError::Rejected { code } = &error else {
        return error.into();
    };
    let advice = match code.as_str() {
        "outside_parent" => {
            "the grant reaches beyond what its accreditor is accredited for, in types, claims or dates \
             (`accreditations` shows that), or the accreditor accredits itself"
        }
        "not_accredited" => {
            "who signs is not accredited as an accreditor now, or did not grant what it wants to end"
        }
        "bad_signature" => {
            "not signed as it must be: by a key that the accreditor's document has for operations now, or by enough governors"
        }
        "stale_version" => {
            "somebody has changed these records since: do it anew from the beginning"
        }
        "unknown_grant" => {
            "there is no such grant, or it was ended already (`accreditations` shows the grants)"
        }
        "limits" => "an agency has at most 16 grants for a role, and a chain at most four",
        "unknown_did" => "the accreditor's DID is not created yet",
        "deactivated" => "the DID is deactivated",
        _ => return error.into(),
    };
    anyhow::Error::new(error).context(advice)
}

pub(crate) fn now() -> u64 {
    unix_ms(SystemTime::now()) / 1000
}
