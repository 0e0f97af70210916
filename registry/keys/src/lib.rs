//! Keeps an agency's keys and changes its DID on the ledger.
//!
//! The issuer, the counter and an accreditor's node use the same commands. The key that a DID's next change needs is in a
//! folder of its own, which no server opens.

mod agency;
mod change;
mod command;
mod creation;
mod error;
mod files;
mod plan;
mod prepared;
mod show;
mod signing;
mod times;
mod update;

pub use agency::Agency;
pub use change::Changed;
pub use command::{ChangeArgs, KeyCommand};
pub use creation::{CREATION, DidPlan, prepare_creation};
pub use error::KeysError;
pub use plan::{EndedKey, Wanted};
pub use signing::SigningKeys;
pub use times::{parse_time, show_time};
pub use update::UpdateKeys;
