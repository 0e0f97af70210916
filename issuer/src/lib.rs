//! Issues resident credentials over OpenID4VCI and keeps their status.

mod account;
mod address;
mod app;
mod audit;
mod certificate;
mod claims;
mod compare;
mod console;
mod counts;
mod dictionary;
mod home;
mod indexes;
mod issuance;
mod issue;
mod keys;
mod ledger;
mod metadata;
mod proof;
mod publish;
mod recover;
mod register;
mod register_import;
mod routes;
mod secret;
mod server;
pub mod settings;
mod setup;
mod standing;
mod store;
#[cfg(test)]
mod testing;
mod upkeep;

pub use account::{AccountFailed, set_account};
pub use app::{chain, system_clock};
pub use home::{Home, HomeError};
pub use keys::{IssuerKeyCommand, KeyChangeFailed, KeyPlace};
pub use register::{Date, Register, Resident, RowError, read_csv, synthetic_register};
pub use register_import::{ImportFailed, import_csv};
pub use server::{ServerError, serve};
pub use settings::Settings;
pub use setup::{SetUp, SetupError, set_up};
pub use store::CredentialStatus;
pub use upkeep::{Backup, EntryArgs, Recover, RevokeArgs};
