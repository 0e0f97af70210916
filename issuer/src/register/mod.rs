//! The resident register: its records, a synthetic one, and its import from CSV.

mod date;
mod generate;
mod import;
mod names;
mod number;
mod places;
mod portrait;
mod resident;

pub use date::{Date, ImpossibleDate};
pub use generate::synthetic_register;
pub use import::{ImportError, RowError, read_csv};
pub use number::{ResidentNumber, ResidentNumberError, Sex};
pub use portrait::draw_portrait;
pub use resident::{Address, CARD_AGE, Household, Name, NameChange, Register, Resident, Stay};
