//! Bounded HTTP edges shared by the services: a TLS-capable listener and a size-limited client.
//!
//! Feature `client` gives [`Client`], feature `server` gives [`bind`], [`serve`], [`layers`], [`with_pages`] and bounds on who
//! asks. Both use the aws-lc-rs provider of rustls, installed once per process.

#[cfg(feature = "client")]
mod client;
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
#[cfg(any(feature = "client", feature = "server"))]
mod provider;
#[cfg(feature = "server")]
mod server;

#[cfg(feature = "client")]
pub use client::{Answer, Client, HttpError, Response, TRUST_ANCHORS_VARIABLE};
#[cfg(feature = "server")]
pub use crowd::{Bounds, party};
#[cfg(feature = "server")]
pub use origin::{asked_host, is_loopback_host, is_same_origin};
#[cfg(feature = "server")]
pub use pages::with_pages;
#[cfg(feature = "server")]
pub use problem::{Problem, ProblemCode};
#[cfg(any(feature = "client", feature = "server"))]
pub use provider::install_crypto_provider;
#[cfg(feature = "server")]
pub use server::{
    Bound, Listen, ServeError, TlsFiles, bind, init_tracing, layers, serve, serve_within,
    shutdown_signal,
};
#[cfg(feature = "client")]
pub use url::Url;
