//! Changes a DID so that a kill at any point loses no key and no change is made twice.
//!
//! New keys and the signed operation are on the disk before anything is sent; what waits there is settled by what the
//! ledger has, and only the very same operation is ever sent again.

use anyhow::{Context as _, bail};
use jumin_identity::FileKey;
use jumin_registry::client::ClientError;
use jumin_registry::{DidRecord, Operation, OperationSigner, SignedOperation, sign_operation};

use crate::plan::Plan;
use crate::prepared::{Prepared, Settlement};
use crate::{Agency, ChangeArgs, EndedKey, UpdateKeys, Wanted};

/// A change that the ledger has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Keys that the server signs with from its next start on.
    pub in_use: Vec<String>,
    /// Keys that ended.
    pub ended: Vec<EndedKey>,
}

impl Agency {
    /// Changes the DID as wanted once the person at the terminal agrees; returns nothing if they don't. A change that was
    /// begun earlier and not finished is finished instead, whatever is wanted. `now` is in Unix seconds.
    ///
    /// # Errors
    /// When the change isn't possible, a key is missing or the ledger can't be asked; what was prepared is kept then.
    pub async fn change(
        &self,
        wanted: &Wanted,
        args: &ChangeArgs,
        now: u64,
    ) -> anyhow::Result<Option<Changed>> {
        let record = self.record().await?;
        if let Some(prepared) = Prepared::read(&self.home)? {
            return self.resume(prepared, &record, args).await;
        }
        if record.deactivated.is_some() {
            bail!("{} is deactivated for good", self.did);
        }
        let plan = Plan::make(wanted, &record, &self.keys, now)?;
        let folder = args.folder_with(&self.home, &record.next_key_hash)?;
        let signer = folder.read(&record.next_key_hash)?;
        self.tell(&record, &plan.lines);
        if !args.agreed("Change it?")? {
            println!("nothing was changed");
            return Ok(None);
        }
        let prepared = self.prepare(&record, plan, &folder, &signer)?;
        self.submit(prepared).await.map(Some)
    }

    /// Forgets a change that was begun and that the ledger doesn't have.
    ///
    /// # Errors
    /// When there is none, or the ledger has it.
    pub async fn forget(&self, args: &ChangeArgs) -> anyhow::Result<()> {
        let prepared = Prepared::read(&self.home)?.context("no change is waiting")?;
        let record = self.record().await?;
        if prepared.settlement(&record) == Settlement::TookEffect {
            bail!("the ledger has this change: run any other `key` command to finish it here");
        }
        self.tell(&record, &prepared.lines);
        if args.agreed("Forget this change? If a node has it already it may still take effect.")? {
            Prepared::remove(&self.home)?;
            println!("forgotten; its keys stay where they are");
        }
        Ok(())
    }

    /// Tells whether a change was begun here and not finished.
    ///
    /// # Errors
    /// When what was kept of it can't be read.
    pub fn is_changing(&self) -> anyhow::Result<bool> {
        Ok(Prepared::read(&self.home)?.is_some())
    }

    /// Reads the DID's record, with proof.
    ///
    /// # Errors
    /// When the ledger can't be asked, or doesn't have the DID.
    pub async fn record(&self) -> anyhow::Result<DidRecord> {
        let record = self.ledger.did_record(&self.did).await?;
        record.with_context(|| format!("{} is not created yet", self.did))
    }

    fn tell(&self, record: &DidRecord, lines: &[String]) {
        let (network, version) = (&self.ledger.trust().network, record.version);
        println!("{} on the network {network}, version {version}:", self.did);
        for line in lines {
            println!("  {line}");
        }
    }

    /// Writes every new key and the signed operation; after this the change can be finished from the disk alone.
    fn prepare(
        &self,
        record: &DidRecord,
        plan: Plan,
        folder: &UpdateKeys,
        signer: &FileKey,
    ) -> anyhow::Result<Prepared> {
        for (fragment, key) in &plan.new {
            self.keys.keep(fragment, key)?;
        }
        let operation = self.operation(record, plan.document, folder)?;
        let signer = OperationSigner::Jwk(signer);
        let operation = sign_operation(&self.ledger.trust().network, &operation, &[signer])?;
        let prepared = Prepared {
            operation,
            in_use: plan.new.into_iter().map(|(fragment, _)| fragment).collect(),
            ended: plan.ended,
            lines: plan.lines,
        };
        prepared.keep(&self.home)?;
        Ok(prepared)
    }

    fn operation(
        &self,
        record: &DidRecord,
        document: Option<jumin_registry::DidDocument>,
        folder: &UpdateKeys,
    ) -> anyhow::Result<Operation> {
        let (did, version) = (self.did.clone(), record.version);
        let Some(document) = document else {
            return Ok(Operation::DeactivateDid { did, version });
        };
        let next_key_hash = folder.make()?;
        println!(
            "the next update key is {}",
            folder.path(&next_key_hash).display()
        );
        Ok(Operation::UpdateDid {
            did,
            version,
            document,
            next_key_hash,
        })
    }

    async fn resume(
        &self,
        prepared: Prepared,
        record: &DidRecord,
        args: &ChangeArgs,
    ) -> anyhow::Result<Option<Changed>> {
        match prepared.settlement(record) {
            Settlement::TookEffect => {
                println!("the ledger has the change that was begun earlier:");
                prepared.lines.iter().for_each(|line| println!("  {line}"));
                self.finish(prepared).map(Some)
            }
            Settlement::Overtaken => bail!(
                "a change was begun here for another version of the DID than the ledger has ({}): somebody else changed it. \
                 Look at it with `key list`; if that was you, `key forget` the change that waits here",
                record.version
            ),
            Settlement::Open => {
                println!("a change was begun earlier, and the ledger doesn't have it:");
                self.tell(record, &prepared.lines);
                if args.agreed("Submit it now?")? {
                    return self.submit(prepared).await.map(Some);
                }
                println!("it still waits; `key forget` drops it");
                Ok(None)
            }
        }
    }

    async fn submit(&self, prepared: Prepared) -> anyhow::Result<Changed> {
        let receipt = self.ledger.submit(&prepared.operation).await;
        let receipt = receipt.map_err(|error| explained(error, &prepared.operation))?;
        println!("finalized in block {}", receipt.height);
        self.finish(prepared)
    }

    fn finish(&self, prepared: Prepared) -> anyhow::Result<Changed> {
        self.keys.put_in_use(&prepared.in_use)?;
        Prepared::remove(&self.home)?;
        if !prepared.in_use.is_empty() {
            let keys = prepared.in_use.join(", ");
            println!(
                "from now on sign with {keys}; a server of this home does so once it is restarted"
            );
        }
        Ok(Changed {
            in_use: prepared.in_use,
            ended: prepared.ended,
        })
    }
}

fn explained(error: ClientError, operation: &SignedOperation) -> anyhow::Error {
    let advice = match error.code() {
        "stale_version" => "somebody else changed the DID in between: look at it with `key list`",
        "too_soon" => {
            "nobody accredits this agency any more, so its DID changes once an hour at most: run the command again later"
        }
        _ => {
            "whether the ledger has the change is not known: run the same command again, it finishes what was begun"
        }
    };
    let hash = operation.hash();
    anyhow::Error::new(error).context(format!("{advice} (operation {hash})"))
}
