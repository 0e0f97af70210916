//! Fetches one list or dictionary of one agency, within limits of its own.

use std::error::Error;
use std::time::Duration;

use jumin_http::{Client, HttpError};
use jumin_registry::{AnchorKind, AnchorRecord};
use jumin_verifier::{EvidenceError, LedgerView};
use url::Url;

use crate::evidence::{MAX_DICTIONARY_BYTES, MAX_LIST_BYTES};
use crate::parties::{Item, Trouble};

/// How long an agency's server may take until its answer begins.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

/// Says why one list or dictionary could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("its address is not a URL")]
    Address(#[source] url::ParseError),
    #[error("it cannot be fetched")]
    Http(#[source] HttpError),
    #[error("its server answers {0}")]
    Status(u16),
    #[error("it is not text")]
    Text,
    #[error("the issuer's document does not say where it is")]
    NoService,
    #[error("it is refused")]
    Refused(#[source] EvidenceError),
    #[error("it has expired, or another is anchored by now")]
    NotCurrent,
}

impl FetchError {
    /// Tells a server that gives nothing from one that gives the wrong thing.
    pub fn trouble(&self) -> Trouble {
        match self {
            FetchError::Http(HttpError::TooLarge { .. } | HttpError::Insecure) => Trouble::Unusable,
            FetchError::Http(_) | FetchError::Status(429 | 500..) => Trouble::Unreachable,
            _ => Trouble::Unusable,
        }
    }

    /// Names the error and the causes behind it.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = self.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text
    }
}

/// Fetches an item in the version that `anchor` names; the caller checks it.
pub(crate) async fn fetch(
    http: &Client,
    view: &LedgerView,
    item: &Item,
    anchor: &AnchorRecord,
) -> Result<Vec<u8>, FetchError> {
    let url = address(view, item, anchor)?;
    let (accept, max) = match item.kind {
        AnchorKind::StatusList => ("application/statuslist+jwt", MAX_LIST_BYTES),
        AnchorKind::Dictionary => ("application/octet-stream", MAX_DICTIONARY_BYTES),
    };
    let answer = tokio::time::timeout(ANSWER_WITHIN, http.open(&url, accept)).await;
    let answer = answer
        .unwrap_or(Err(HttpError::Timeout))
        .map_err(FetchError::Http)?;
    let answer = answer.read(max).await.map_err(FetchError::Http)?;
    match answer.is_success() {
        true => Ok(answer.body),
        false => Err(FetchError::Status(answer.status)),
    }
}

fn address(view: &LedgerView, item: &Item, anchor: &AnchorRecord) -> Result<Url, FetchError> {
    match item.kind {
        AnchorKind::StatusList => {
            let mut url = Url::parse(&item.name).map_err(FetchError::Address)?;
            url.query_pairs_mut()
                .append_pair("version", &anchor.version.to_string());
            Ok(url)
        }
        AnchorKind::Dictionary => {
            let base = view
                .service_endpoint(&item.issuer, "OpenID4VCI")
                .ok_or(FetchError::NoService)?;
            let mut url = Url::parse(&base).map_err(FetchError::Address)?;
            if let Ok(mut path) = url.path_segments_mut() {
                path.pop_if_empty().push("dictionaries").push(&item.name);
            }
            Ok(url)
        }
    }
}
