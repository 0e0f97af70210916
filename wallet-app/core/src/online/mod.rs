//! Answers verifiers by HTTP: the wallet's side of OpenID4VP 1.0 with signed requests.

mod anchors;
mod fetch;
mod respond;

pub(crate) use anchors::Anchors;
pub(crate) use fetch::{fetch_request, is_link, repeats_nonce};
pub(crate) use respond::{decline, respond};
