//! The DID registry's records, operations, state rules and proofs.
//!
//! Nothing here does I/O, reads a clock or links the consensus engine: a counter that checks a proof needs this crate and
//! the network's [`NetworkTrust`] only. The feature `client` adds [`client::LedgerClient`], which talks to nodes; `tree`
//! adds the state tree that a node keeps; `testing` adds a ledger in memory for tests.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod accreditation;
mod bundle;
mod certificate;
mod checkpoint;
mod claims;
mod document;
mod effect;
mod encoding;
mod handover;
mod header;
mod jws;
mod key;
mod key_change;
mod operation;
mod proof;
mod record;
mod signed;
mod state;
mod trust;
mod validators;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tree")]
pub mod tree;

pub use accreditation::{
    AccreditationChain, AccreditationError, GrantStanding, Lookup, LookupRecord, MAX_CHAIN_DEPTH,
    accreditation_at, accreditation_since, accredited_claims_at, grant_standing,
};
pub use bundle::{Bundle, BundleError, MAX_BUNDLE_BYTES, MAX_BUNDLE_RECORDS, VerifiedBundle};
pub use certificate::{Certificate, MAX_VALIDATORS, finalization_message, quorum};
pub use checkpoint::{Checkpoint, CheckpointError, CheckpointStale, VerifiedCheckpoint};
pub use claims::Claims;
pub use document::{DidDocument, DocumentError, Purpose, Service, VerificationMethod};
pub use encoding::Malformed;
pub use handover::{Handover, HandoverError, MAX_HANDOVERS};
pub use header::{HEADER_VERSION, Header, validator_set_hash};
pub use key::{AnchorKind, RecordKey, RecordKeyError, Role};
pub use key_change::{KeyChangeError, KeyEnd, KeyRefused, NewKey};
pub use operation::{Operation, OperationError, OperationHash};
pub use proof::{ProofError, ProvenRecord, verify_proof};
pub use record::{
    AccreditationRecord, Accreditor, AnchorRecord, DidRecord, GovernanceRecord, Grant,
    ListNotCurrent, Localized, Record, TypeRecord,
};
pub use signed::{
    MAX_OPERATION_BYTES, MAX_SIGNATURES, OperationSigner, SignOperationError, SignedOperation,
    sign_operation,
};
pub use state::{BlockContext, Overlay, ReadState, Rejection, StateUnavailable, apply};
pub use trust::{
    NAMESPACE, NetworkTrust, TRUSTING_PERIOD, TrustError, TrustExpired, consensus_namespace,
};
pub use validators::{
    MAX_NETWORK_VALIDATORS, NewValidator, NextValidators, POSSESSION_NAMESPACE, Validator,
    ValidatorsRecord, possession_message, possession_statement,
};
