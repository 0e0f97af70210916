//! A change that was signed and may or may not have reached the ledger, kept until that is known.

use std::fs;
use std::path::{Path, PathBuf};

use jumin_registry::{DidRecord, Operation, Record, SignedOperation};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::files;
use crate::{EndedKey, KeysError};

const FILE: &str = "did-change.json";

/// A signed change of the DID, and what to do once the ledger has it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) operation: SignedOperation,
    /// Keys that the server signs with from then on.
    pub(crate) in_use: Vec<String>,
    pub(crate) ended: Vec<EndedKey>,
    /// What it changes, in words.
    pub(crate) lines: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    operation: Value,
    in_use: Vec<String>,
    ended: Vec<EndedKey>,
    lines: Vec<String>,
}

/// How a prepared change stands against the DID's record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// It is what made this version.
    TookEffect,
    /// It can still take effect.
    Open,
    /// Another change took its place.
    Overtaken,
}

impl Prepared {
    /// Reads the change that waits in `home`, if one does.
    pub(crate) fn read(home: &Path) -> Result<Option<Self>, KeysError> {
        let path = path(home);
        let Some(text) = files::read(&path)? else {
            return Ok(None);
        };
        let damaged = || KeysError::Content(path.clone());
        let kept: Kept = serde_json::from_str(&text).map_err(|_| damaged())?;
        let operation = SignedOperation::parse(kept.operation.to_string().as_bytes());
        Ok(Some(Self {
            operation: operation.map_err(|_| damaged())?,
            in_use: kept.in_use,
            ended: kept.ended,
            lines: kept.lines,
        }))
    }

    /// Keeps the change in `home` until it is settled.
    pub(crate) fn keep(&self, home: &Path) -> Result<(), KeysError> {
        let path = path(home);
        let damaged = |_| KeysError::Content(path.clone());
        let kept = Kept {
            operation: serde_json::from_slice(&self.operation.to_bytes()).map_err(damaged)?,
            in_use: self.in_use.clone(),
            ended: self.ended.clone(),
            lines: self.lines.clone(),
        };
        files::write(&path, &serde_json::to_vec(&kept).map_err(damaged)?)
    }

    /// Forgets the change; its keys stay where they are.
    pub(crate) fn remove(home: &Path) -> Result<(), KeysError> {
        let path = path(home);
        fs::remove_file(&path).map_err(|error| KeysError::file(&path, error))
    }

    pub(crate) fn settlement(&self, record: &DidRecord) -> Settlement {
        let version = match self.operation.operation() {
            Operation::UpdateDid { version, .. } | Operation::DeactivateDid { version, .. } => {
                *version
            }
            _ => return Settlement::Overtaken,
        };
        if record.version == version && record.deactivated.is_none() {
            return Settlement::Open;
        }
        let next = record.version == version.saturating_add(1);
        match next && self.operation.is_reflected_in(&Record::Did(record.clone())) {
            true => Settlement::TookEffect,
            false => Settlement::Overtaken,
        }
    }
}

fn path(home: &Path) -> PathBuf {
    home.join(FILE)
}

#[cfg(test)]
mod tests {
    use jumin_identity::{Did, FileKey, Signer as _};
    use jumin_registry::testing::{TestLedger, document};
    use jumin_registry::{OperationSigner, RecordKey, Role, sign_operation};

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn record(ledger: &TestLedger, did: &Did) -> DidRecord {
        match ledger.record(&RecordKey::Did(did.clone())) {
            Some(Record::Did(record)) => record,
            _ => panic!("the DID is not on the ledger"),
        }
    }

    fn update(did: &Did, key: &FileKey, signer: &FileKey, next: &FileKey) -> SignedOperation {
        let operation = Operation::UpdateDid {
            did: did.clone(),
            version: 1,
            document: document(key, NOW),
            next_key_hash: next.public_key().thumbprint(),
        };
        let signer = OperationSigner::Jwk(signer);
        sign_operation(&did.network(), &operation, &[signer]).unwrap()
    }

    fn prepared(operation: SignedOperation) -> Prepared {
        Prepared {
            operation,
            in_use: vec!["key-2".into()],
            ended: Vec::new(),
            lines: vec!["key-1 ends".into()],
        }
    }

    #[test]
    fn waiting_change_is_settled_by_what_the_ledger_has() {
        let mut ledger = TestLedger::new(NOW);
        let agency = ledger.agency();
        ledger.accredit(&agency.did, Role::Verifier, &[], NOW, NOW + 1_000);
        let [key, next, other] = [(); 3].map(|()| FileKey::generate().unwrap());
        let mine = prepared(update(&agency.did, &key, &agency.next, &next));
        let thiefs = prepared(update(&agency.did, &other, &agency.next, &other));
        let settlement =
            |one: &Prepared, ledger: &TestLedger| one.settlement(&record(ledger, &agency.did));
        assert_eq!(settlement(&mine, &ledger), Settlement::Open);
        ledger.apply(&mine.operation).unwrap();
        assert_eq!(settlement(&mine, &ledger), Settlement::TookEffect);
        assert_eq!(settlement(&thiefs, &ledger), Settlement::Overtaken);
    }

    #[test]
    fn killed_between_writing_and_finality_the_very_same_operation_is_found_again() {
        let home = tempfile::tempdir().unwrap();
        let mut ledger = TestLedger::new(NOW);
        let agency = ledger.agency();
        let [key, next] = [(); 2].map(|()| FileKey::generate().unwrap());
        let begun = prepared(update(&agency.did, &key, &agency.next, &next));
        assert!(Prepared::read(home.path()).unwrap().is_none());
        begun.keep(home.path()).unwrap();
        let found = Prepared::read(home.path()).unwrap().unwrap();
        assert_eq!(found.operation.hash(), begun.operation.hash());
        assert_eq!(found.operation.to_bytes(), begun.operation.to_bytes());
        assert_eq!((found.in_use, found.lines), (begun.in_use, begun.lines));
        Prepared::remove(home.path()).unwrap();
        assert!(Prepared::read(home.path()).unwrap().is_none());
    }
}
