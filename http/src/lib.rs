//! Bounded HTTP edges shared by the services: a TLS-capable listener and a size-limited client.
//!
//! Feature `client` gives [`Client`], feature `server` gives [`bind`], [`serve`], [`layers`], [`with_pages`], bounds on who
//! asks, and what a listener for staff takes. Both use the aws-lc-rs provider of rustls, installed once per process.

#[cfg(feature = "client")]
mod client;
#[cfg(feature = "server")]
mod cookie;
#[cfg(feature = "server")]
mod crowd;
#[cfg(feature = "server")]
mod origin;
#[cfg(feature = "client")]
mod pace;
#[cfg(feature = "server")]
mod pages;
#[cfg(feature = "server")]
mod problem;
#[cfg(feature = "server")]
mod problems;
mod process;
#[cfg(any(feature = "client", feature = "server"))]
mod provider;
#[cfg(feature = "server")]
mod proxies;
#[cfg(feature = "server")]
mod server;
#[cfg(feature = "server")]
mod staff;

#[cfg(feature = "client")]
pub use client::{Answer, Client, HttpError, Response, TRUST_ANCHORS_VARIABLE};
#[cfg(feature = "server")]
pub use cookie::{SessionCookie, bearer};
#[cfg(feature = "server")]
pub use crowd::{Bounds, party};
#[cfg(feature = "server")]
pub use origin::is_same_origin;
#[cfg(feature = "server")]
pub use pages::with_pages;
#[cfg(feature = "server")]
pub use problem::{Problem, ProblemCode};
#[cfg(feature = "server")]
pub use problems::as_problems;
pub use process::{keep_private, protect_process};
#[cfg(any(feature = "client", feature = "server"))]
pub use provider::install_crypto_provider;
#[cfg(feature = "server")]
pub use proxies::TrustedProxies;
#[cfg(feature = "server")]
pub use server::{
    Bound, Listen, ServeError, TlsFiles, bind, init_tracing, layers, serve, serve_within,
    shutdown_signal,
};
#[cfg(feature = "server")]
pub use staff::{NotStaff, OwnNames};
#[cfg(feature = "client")]
pub use url::Url;
