//! Whole-system scenarios, the demonstration and the measurements.
//!
//! Everything here runs the programs as their users do: as processes that talk over HTTP and as commands. A [`Stack`]
//! is one complete network in a directory of its own; dropping it ends its processes.

mod agencies;
mod clock;
mod codec;
mod counter;
mod forgery;
mod governor;
mod http;
mod issuer;
mod network;
mod ports;
mod private;
mod process;
mod programs;
mod proxy;
mod stack;
mod tampering;
mod tls;
mod wallet;

pub use agencies::{Agencies, Agency};
pub use clock::{unix_now, wait_until};
pub use codec::{Codec, read_qr};
pub use counter::{Check, Counter};
pub use forgery::Forger;
pub use governor::{Governor, accredit_somebody};
pub use http::{Answer, Http};
pub use issuer::{CONSOLE_ACCOUNT, Issuer, Offer};
pub use network::Network;
pub use ports::{Ports, free_port};
pub use private::write_private;
pub use process::{Process, Settings, terminate};
pub use programs::{Finished, Program, program, run};
pub use proxy::{Nginx, pass_on};
pub use stack::{Stack, StackOptions};
pub use tampering::{Tampering, tamper};
pub use tls::DevelopmentCa;
pub use wallet::Wallet;
