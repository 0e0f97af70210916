//! Shows an agency its keys as the ledger has them.

use jumin_identity::Signer as _;
use jumin_registry::VerificationMethod;

use crate::plan::show_purposes;
use crate::prepared::{Prepared, Settlement};
use crate::signing::series;
use crate::times::show_time;
use crate::{Agency, ChangeArgs, KeysError};

impl Agency {
    /// Prints the document's keys, which of them the server signs with, and what the next change needs.
    ///
    /// # Errors
    /// When the ledger or the home can't be read.
    pub async fn list(&self, args: &ChangeArgs, now: u64) -> anyhow::Result<()> {
        let record = self.record().await?;
        println!("{}, version {}", self.did, record.version);
        if let Some(at) = record.deactivated {
            println!("deactivated at {}", show_time(at));
        }
        for method in &record.document.verification_methods {
            println!("{}", self.describe(method, now)?);
        }
        for service in &record.document.services {
            println!("{}  {}  {}", service.id, service.kind, service.endpoint);
        }
        let folder = args.folder(&self.home);
        let path = folder.path(&record.next_key_hash);
        match folder.has(&record.next_key_hash) {
            true => println!("update key: {}", path.display()),
            false => println!("update key: kept elsewhere, not at {}", path.display()),
        }
        if let Some(prepared) = Prepared::read(&self.home)? {
            println!("{}", waiting(&prepared.settlement(&record)));
            prepared.lines.iter().for_each(|line| println!("  {line}"));
        }
        Ok(())
    }

    fn describe(&self, method: &VerificationMethod, now: u64) -> Result<String, KeysError> {
        let fragment = &method.fragment;
        let until = match method.valid_until {
            Some(until) => format!(" until {}", show_time(until)),
            None => String::new(),
        };
        let held = if !self.keys.has(fragment) {
            "not in this home"
        } else if *self.keys.read(fragment)?.public_key() != method.public_key {
            "this home has ANOTHER key of this name"
        } else if self.keys.in_use(series(fragment).0)? != *fragment {
            "in this home, not in use"
        } else if method.valid_until.is_some_and(|until| until <= now) {
            "in use here, but ENDED: rotate it"
        } else {
            "in use here"
        };
        Ok(format!(
            "{fragment}  {}  from {}{until}  {held}",
            show_purposes(&method.purposes),
            show_time(method.valid_from),
        ))
    }
}

fn waiting(settlement: &Settlement) -> &'static str {
    match settlement {
        Settlement::TookEffect => {
            "a change that the ledger has is not finished here; run its command again:"
        }
        Settlement::Open => {
            "a change was begun that the ledger doesn't have; run its command again, or `key forget`:"
        }
        Settlement::Overtaken => "a change was begun here, and another one took its place:",
    }
}
