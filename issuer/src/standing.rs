//! How the issuer itself stands on the ledger, by as many proven records as the question needs.

use std::cell::RefCell;
use std::collections::HashMap;

use jumin_identity::Did;
use jumin_registry::{
    AccreditationChain, AccreditationError, Grant, Lookup, LookupRecord, Record, RecordKey, Role,
    accreditation_at,
};

use crate::issue::IssuerKey;
use crate::ledger::{Ledger, LedgerError, ProvenAt};

/// Records that one look at the ledger asks for at most.
pub const MAX_RECORDS: usize = 64;

/// The records that one look at the ledger has read so far.
#[derive(Default)]
pub struct Look {
    records: HashMap<RecordKey, Option<Record>>,
    /// The oldest state among them.
    pub oldest: Option<ProvenAt>,
    missing: RefCell<Option<RecordKey>>,
}

impl Look {
    /// Reads a record, or its absence, once.
    pub async fn read(
        &mut self,
        ledger: &Ledger,
        key: &RecordKey,
    ) -> Result<Option<Record>, LedgerError> {
        if let Some(known) = self.records.get(key) {
            return Ok(known.clone());
        }
        let (at, record) = ledger.proven(key).await?;
        let older = self.oldest.is_none_or(|oldest| at.height < oldest.height);
        if older {
            self.oldest = Some(at);
        }
        self.records.insert(key.clone(), record.clone());
        Ok(record)
    }

    /// Walks up to governance from the issuer's grants, for a type if one is given, and asks for each record that the walk
    /// misses. The present is the later of `now` (Unix seconds) and the ledger's time, as it is for those who check credentials.
    pub async fn accreditation(
        &mut self,
        ledger: &Ledger,
        did: &Did,
        vct: Option<&str>,
        now: u64,
    ) -> Result<Result<AccreditationChain, AccreditationError>, LedgerError> {
        for _ in 0..MAX_RECORDS {
            let present = self.oldest.map_or(now, |at| now.max(at.time));
            let walked = accreditation_at(self, did, Role::Issuer, vct, present);
            match (walked, self.missing.take()) {
                (Err(AccreditationError::Unknown), Some(key)) => {
                    self.read(ledger, &key).await?;
                }
                (walked, _) => return Ok(walked),
            }
        }
        Ok(Err(AccreditationError::Unknown))
    }

    /// The grant that ran out or was ended last, to be shown with why it doesn't hold.
    pub fn last_grant(&self, did: &Did) -> Option<Grant> {
        let key = RecordKey::Accreditation {
            subject: did.clone(),
            role: Role::Issuer,
        };
        match self.records.get(&key) {
            Some(Some(Record::Accreditation(record))) => record.grants.last().cloned(),
            _ => None,
        }
    }
}

impl LookupRecord for Look {
    fn lookup(&self, key: &RecordKey) -> Lookup {
        match self.records.get(key) {
            Some(Some(record)) => Lookup::Present(record.clone()),
            Some(None) => Lookup::Absent,
            None => {
                self.missing.replace(Some(key.clone()));
                Lookup::Unknown
            }
        }
    }
}

/// Finds the first second that the issuer's key covers and every step of the chain by which it is accredited now, of all `types`
/// that it is accredited for: a credential with an earlier date would be under another chain, or none. 0 if it is accredited
/// for none.
pub async fn vouched_from(
    ledger: &Ledger,
    issuer: &IssuerKey,
    types: &[&str],
    now: u64,
) -> Result<u64, LedgerError> {
    let mut look = Look::default();
    let mut from = 0;
    for vct in types {
        let chain = look.accreditation(ledger, &issuer.did, Some(vct), now);
        let grants = chain.await?.into_iter().flat_map(|chain| chain.grants);
        from = grants.map(|grant| grant.from).fold(from, u64::max);
    }
    let key = RecordKey::Did(issuer.did.clone());
    if let Some(Record::Did(record)) = look.read(ledger, &key).await? {
        let methods = record.document.verification_methods.iter();
        let own = methods.filter(|method| method.fragment == issuer.kid.fragment());
        from = own.map(|method| method.valid_from).fold(from, u64::max);
    }
    Ok(from)
}
