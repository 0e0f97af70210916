//! Issues resident credentials over OpenID4VCI and keeps their status.

mod register;

pub use register::{Date, Register, Resident, RowError, read_csv, synthetic_register};
