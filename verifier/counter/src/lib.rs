//! Serves an office's desks: requests, scans, verdicts.
//!
//! The edge around `jumin-verifier`: [`sync`] brings in evidence and keeps it on disk, [`store`]
//! remembers requests and used nonces, [`desk`] starts requests and checks answers. Two listeners
//! have no route in common: [`routes`] lets a clerk's page, a scanner or a program of the office in,
//! by a secret ([`sign_in`]), and [`wallets`] the citizens'. [`cli`] is for people.
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
pub mod sign_in;
pub mod standing;
pub mod status;
pub mod store;
pub mod sync;
pub mod used;
pub mod wallets;

mod backup;
mod check;
mod clock;
mod encryption;
mod fetch;
mod gather;
mod guard;
mod page;
mod results;
mod scan;
mod serve;
#[cfg(test)]
mod types;
