//! The rules by which operations change the ledger's state.
//!
//! [`apply`] is all that a validator runs for an operation: it reads records, checks everything again and answers with the
//! records to write. It is deterministic: the only time it knows is the block's.

mod accredit;
mod anchor;
mod authority;
mod did;
mod govern;
mod rejection;

use std::cell::RefCell;
use std::collections::BTreeMap;

use jumin_identity::NetworkName;

use crate::{
    key::RecordKey,
    operation::Operation,
    record::{AccreditationRecord, AnchorRecord, DidRecord, GovernanceRecord, Record, TypeRecord},
    signed::SignedOperation,
    validators::ValidatorsRecord,
};

pub use rejection::Rejection;

/// The state could not be read; says nothing about the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's state could not be read")]
pub struct StateUnavailable;

/// The ledger's state as of the operation before.
pub trait ReadState {
    /// Reads a record.
    ///
    /// # Errors
    /// [`StateUnavailable`] when the store fails; never for a record that doesn't exist.
    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StateUnavailable>;
}

/// The block that an operation is applied in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockContext {
    /// The ledger's network.
    pub network: NetworkName,
    /// The block's number.
    pub height: u64,
    /// The block's time in milliseconds since the Unix epoch.
    pub time_ms: u64,
    /// The validator-set period.
    pub epoch: u64,
}

impl BlockContext {
    /// Returns the block's time in Unix seconds.
    pub fn time(&self) -> u64 {
        self.time_ms / 1000
    }
}

/// Checks an operation against the state and returns the records that it writes.
///
/// # Errors
/// [`Rejection`], with a stable [`code`](Rejection::code); nothing is to be written then.
pub fn apply(
    signed: &SignedOperation,
    state: &dyn ReadState,
    block: &BlockContext,
) -> Result<Vec<(RecordKey, Record)>, Rejection> {
    if signed.network() != &block.network {
        return Err(Rejection::WrongNetwork);
    }
    let change = Change {
        signed,
        state: State {
            source: state,
            known: RefCell::default(),
        },
        block,
    };
    let written = match signed.operation() {
        Operation::CreateDid {
            document,
            next_key_hash,
        } => change.create(document, next_key_hash)?,
        Operation::UpdateDid {
            did,
            version,
            document,
            next_key_hash,
        } => change.update(did, *version, document, next_key_hash)?,
        Operation::DeactivateDid { did, version } => change.deactivate(did, *version)?,
        Operation::Accredit { .. } => change.accredit()?,
        Operation::EndAccreditation { .. } => change.end_accreditation()?,
        Operation::Anchor { .. } => change.anchor()?,
        Operation::AnchorCredentialType { .. } => change.anchor_type()?,
        Operation::SetValidators {
            add,
            remove,
            version,
        } => change.set_validators(add, remove, *version)?,
        Operation::SetGovernors {
            governors,
            threshold,
            version,
        } => change.set_governors(governors, *threshold, *version)?,
    };
    Ok(vec![written])
}

/// The state with records written on top of it, for the operations of one block.
pub struct Overlay<'a> {
    base: &'a dyn ReadState,
    writes: BTreeMap<RecordKey, Record>,
}

impl<'a> Overlay<'a> {
    /// Starts with nothing written.
    pub fn new(base: &'a dyn ReadState) -> Self {
        Self {
            base,
            writes: BTreeMap::new(),
        }
    }

    /// Applies an operation on top of those before it.
    ///
    /// # Errors
    /// [`Rejection`]; the overlay is unchanged then.
    pub fn apply(
        &mut self,
        signed: &SignedOperation,
        block: &BlockContext,
    ) -> Result<(), Rejection> {
        let written = apply(signed, self, block)?;
        self.writes.extend(written);
        Ok(())
    }

    /// Returns what was written, in order of the keys.
    pub fn into_writes(self) -> BTreeMap<RecordKey, Record> {
        self.writes
    }
}

impl ReadState for Overlay<'_> {
    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StateUnavailable> {
        match self.writes.get(key) {
            Some(record) => Ok(Some(record.clone())),
            None => self.base.read(key),
        }
    }
}

/// One operation being applied.
struct Change<'a> {
    signed: &'a SignedOperation,
    state: State<'a>,
    block: &'a BlockContext,
}

/// The state as one operation reads it: each record once, however often its rules look at it.
struct State<'a> {
    source: &'a dyn ReadState,
    known: RefCell<BTreeMap<RecordKey, Option<Record>>>,
}

macro_rules! typed_read {
    ($name:ident, $variant:ident, $record:ty) => {
        fn $name(&self, key: &RecordKey) -> Result<Option<$record>, Rejection> {
            match self.read(key)? {
                Some(Record::$variant(record)) => Ok(Some(record)),
                None => Ok(None),
                Some(_) => Err(Rejection::StateUnavailable(StateUnavailable)),
            }
        }
    };
}

impl ReadState for State<'_> {
    fn read(&self, key: &RecordKey) -> Result<Option<Record>, StateUnavailable> {
        if let Some(record) = self.known.borrow().get(key) {
            return Ok(record.clone());
        }
        let record = self.source.read(key)?;
        let mut known = self.known.borrow_mut();
        known.insert(key.clone(), record.clone());
        Ok(record)
    }
}

impl State<'_> {
    typed_read!(did, Did, DidRecord);
    typed_read!(accreditation, Accreditation, AccreditationRecord);
    typed_read!(anchor, Anchor, AnchorRecord);
    typed_read!(credential_type, CredentialType, TypeRecord);
    typed_read!(governance, Governance, GovernanceRecord);
    typed_read!(validators, Validators, ValidatorsRecord);
}
