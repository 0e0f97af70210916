//! Serves an office's desks: requests, scans, verdicts.
//!
//! The edge around `jumin-verifier`: [`sync`] brings in evidence and keeps it on disk, [`store`]
//! remembers requests and used nonces, [`desk`] starts requests and checks answers, [`routes`]
//! and [`cli`] let a page, a scanner, a wallet or a person in.
#![forbid(unsafe_code)]

pub mod agencies;
pub mod clerk;
pub mod cli;
pub mod desk;
pub mod evidence;
pub mod home;
pub mod outcome;
pub mod parties;
pub mod picture;
pub mod routes;
pub mod services;
pub mod setup;
pub mod standing;
pub mod status;
pub mod store;
pub mod sync;

mod check;
mod clock;
mod encryption;
mod fetch;
mod gather;
mod guard;
mod online;
mod page;
mod results;
mod scan;
#[cfg(test)]
mod types;
