//! The registry's rules, proofs and parsers, on a ledger in memory.

mod accreditation;
mod anchors;
mod bundles;
mod chains;
mod checkpoints;
mod claims;
mod client;
mod dids;
mod ended;
mod following;
mod histories;
mod hostile;
mod membership;
mod proofs;
mod refusals;
mod replays;
mod signatures;
mod tree;
mod vectors;

use jumin_identity::{Did, FileKey, Signer};
use jumin_registry::{
    DidRecord, Operation, OperationSigner, Record, RecordKey, SignedOperation, sign_operation,
    testing::{TestAgency, TestLedger, document},
};

const NOW: u64 = 1_800_000_000;
const CARD: &str = "urn:jumin:resident-card:1";
const REGISTER: &str = "urn:jumin:household-register:1";

fn key() -> FileKey {
    FileKey::generate().unwrap()
}

fn did_record(ledger: &TestLedger, did: &Did) -> DidRecord {
    match ledger.record(&RecordKey::Did(did.clone())) {
        Some(Record::Did(record)) => record,
        other => panic!("not a DID record: {other:?}"),
    }
}

/// Signs an update of the agency's DID at `version` with `signer`, committing to `next`.
fn update(
    ledger: &TestLedger,
    agency: &TestAgency,
    version: u64,
    signer: &dyn Signer,
    next: [u8; 32],
) -> SignedOperation {
    let operation = Operation::UpdateDid {
        did: agency.did.clone(),
        version,
        document: document(&agency.key, NOW),
        next_key_hash: next,
    };
    sign_operation(
        ledger.network(),
        &operation,
        &[OperationSigner::Jwk(signer)],
    )
    .unwrap()
}
