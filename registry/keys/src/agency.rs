//! An agency as its own programs see it.

use std::path::PathBuf;

use jumin_identity::Did;
use jumin_registry::client::LedgerClient;

use crate::SigningKeys;

/// An agency: its DID, its home, and the ledger that has its DID.
#[derive(Debug)]
pub struct Agency {
    /// Its DID.
    pub did: Did,
    /// The folder of its server; a change that waits to be settled is kept there.
    pub home: PathBuf,
    /// The keys that its server signs with.
    pub keys: SigningKeys,
    /// The ledger.
    pub ledger: LedgerClient,
}
