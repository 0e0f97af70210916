//! Changes a DID so that a kill at any point loses no key and no change is made twice.
//!
//! New keys and the signed operation are on the disk before anything is sent; what waits there is settled by what the
//! ledger has, and only the very same operation is ever sent again.

use std::path::Path;

use anyhow::{Context as _, bail};
use jumin_identity::FileKey;
use jumin_registry::client::ClientError;
use jumin_registry::{DidRecord, Operation, OperationSigner, SignedOperation, sign_operation};

use crate::plan::Plan;
use crate::prepared::{Prepared, Settlement};
use crate::{Agency, ChangeArgs, EndedKey, SigningKeys, UpdateKeys, Wanted};

const UNFINISHED: &str =
    "the ledger has the change, and it isn't finished here: run the same command again";

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
        self.change_noting(wanted, args, now, async |_, _| Ok(()))
            .await
    }

    /// Does as [`change`](Self::change), and has `note` take the change and the DID's new record down. Until that is done the
    /// change counts as begun: the next command finishes it.
    ///
    /// # Errors
    /// As [`change`](Self::change), or when it can't be taken down.
    pub async fn change_noting(
        &self,
        wanted: &Wanted,
        args: &ChangeArgs,
        now: u64,
        note: impl AsyncFnOnce(&Changed, &DidRecord) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<Changed>> {
        let record = self.record().await?;
        if let Some(prepared) = Prepared::read(&self.home)? {
            return self.resume(prepared, &record, args, note).await;
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
        self.submit(prepared, note).await.map(Some)
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
        note: impl AsyncFnOnce(&Changed, &DidRecord) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<Changed>> {
        match prepared.settlement(record) {
            Settlement::TookEffect => {
                println!("the ledger has the change that was begun earlier:");
                prepared.lines.iter().for_each(|line| println!("  {line}"));
                finish(&self.home, &self.keys, prepared, record, note)
                    .await
                    .map(Some)
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
                    return self.submit(prepared, note).await.map(Some);
                }
                println!("it still waits; `key forget` drops it");
                Ok(None)
            }
        }
    }

    async fn submit(
        &self,
        prepared: Prepared,
        note: impl AsyncFnOnce(&Changed, &DidRecord) -> anyhow::Result<()>,
    ) -> anyhow::Result<Changed> {
        let receipt = self.ledger.submit(&prepared.operation).await;
        let receipt = receipt.map_err(|error| explained(error, &prepared.operation))?;
        println!("finalized in block {}", receipt.height);
        let record = self.record().await.context(UNFINISHED)?;
        match prepared.settlement(&record) {
            Settlement::TookEffect => finish(&self.home, &self.keys, prepared, &record, note).await,
            Settlement::Open => bail!(UNFINISHED),
            Settlement::Overtaken => {
                bail!("somebody else changed the DID right after this: look at it with `key list`")
            }
        }
    }
}

/// Has the server sign with the new keys and the change taken down; only then it is no longer waiting.
async fn finish(
    home: &Path,
    keys: &SigningKeys,
    prepared: Prepared,
    record: &DidRecord,
    note: impl AsyncFnOnce(&Changed, &DidRecord) -> anyhow::Result<()>,
) -> anyhow::Result<Changed> {
    keys.put_in_use(&prepared.in_use)?;
    let changed = Changed {
        in_use: prepared.in_use,
        ended: prepared.ended,
    };
    note(&changed, record).await.context(UNFINISHED)?;
    Prepared::remove(home)?;
    if !changed.in_use.is_empty() {
        let keys = changed.in_use.join(", ");
        println!(
            "from now on sign with {keys}; a server of this home does so once it is restarted"
        );
    }
    Ok(changed)
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

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use anyhow::anyhow;
    use jumin_identity::Signer as _;
    use jumin_registry::testing::{TestLedger, document};
    use jumin_registry::{Record, RecordKey};

    use super::*;

    /// Runs what waits for nothing.
    fn run<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn change_that_was_not_taken_down_waits_for_the_next_command() {
        let folder = tempfile::tempdir().unwrap();
        let (home, keys) = (folder.path(), SigningKeys::at(folder.path().join("keys")));
        let mut ledger = TestLedger::new(1_800_000_000);
        let agency = ledger.agency();
        let Some(Record::Did(record)) = ledger.record(&RecordKey::Did(agency.did.clone())) else {
            panic!("the DID is not on the ledger");
        };
        let operation = Operation::UpdateDid {
            did: agency.did.clone(),
            version: 1,
            document: document(&agency.next, 1_800_000_000),
            next_key_hash: agency.next.public_key().thumbprint(),
        };
        let signer = OperationSigner::Jwk(&agency.next);
        let begun = Prepared {
            operation: sign_operation(ledger.network(), &operation, &[signer]).unwrap(),
            in_use: vec!["key-2".to_owned()],
            ended: Vec::new(),
            lines: Vec::new(),
        };
        begun.keep(home).unwrap();
        let refuse = async |_: &Changed, _: &DidRecord| Err(anyhow!("the disk is full"));
        let failed = run(finish(home, &keys, begun, &record, refuse));
        assert!(format!("{:#}", failed.unwrap_err()).contains("run the same command again"));

        let again = Prepared::read(home).unwrap().unwrap();
        let changed = run(finish(home, &keys, again, &record, async |_, _| Ok(()))).unwrap();
        assert_eq!(changed.in_use, ["key-2"]);
        assert!(Prepared::read(home).unwrap().is_none());
    }
}
