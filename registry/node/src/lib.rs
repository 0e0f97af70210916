//! Runs the registry as a BFT validator.
//!
//! `home` lays out a validator's directory, `validator` wires the consensus engine, `application` proposes and checks
//! blocks, `ledger` holds the state, and `api` answers readers over HTTP.
#![forbid(unsafe_code)]

mod accredit;
mod answer;
mod api;
mod application;
mod block;
mod certified;
mod check;
mod exchange;
mod execution;
mod genesis;
mod govern;
mod history;
mod home;
mod join;
mod key;
mod ledger;
mod load;
mod mempool;
mod node;
mod proofs;
#[cfg(test)]
mod simulation;
mod snapshot;
mod store;
mod sync;
mod upkeep;
mod validator;
mod votes;

pub use accredit::{Accredit, Accreditations, EndAccreditation};
pub use answer::Check;
pub use check::VerifyStore;
pub use govern::Govern;
pub use home::{NewNetwork, init, init_dev};
pub use join::{Join, join};
pub use key::Key;
pub use load::Load;
pub use node::{RunOptions, run};
pub use votes::Votes;

/// How validators sign: one ed25519 signature each, so that every vote can be attributed.
pub(crate) type Scheme = commonware_consensus::simplex::scheme::ed25519::Scheme;
