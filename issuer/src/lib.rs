//! Issues resident credentials over OpenID4VCI and keeps their status.

mod audit;
mod register;
mod secret;
mod store;

pub use register::{Date, Register, Resident, RowError, read_csv, synthetic_register};
