use jumin_http::HttpError;
use jumin_identity::Did;
use jumin_registry::{AnchorKind, AnchorRecord, Record, RecordKey};
use jumin_verifier::{EvidenceError, LedgerView};
use url::Url;

use crate::clock::unix_now;
use crate::evidence::{EvidenceFiles, MAX_DICTIONARY_BYTES, MAX_LIST_BYTES};
use crate::sync::Ledger;

/// Says why one list or dictionary could not be had; the others are not held up by it.
#[derive(Debug, thiserror::Error)]
enum FetchError {
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
}

impl Ledger {
    /// Puts lists and dictionaries into a new view, from disk where they are the anchored ones,
    /// else from their issuers; returns a line for each that could not be had.
    pub(crate) async fn gather(&self, view: &mut LedgerView) -> Vec<String> {
        load_evidence(view, &self.files);
        let mut missing = Vec::new();
        for (issuer, uri, anchor) in anchors(view, AnchorKind::StatusList) {
            if view.has_current_list(&issuer, &uri, unix_now()) {
                continue;
            }
            if let Err(error) = self.fetch_list(view, &issuer, &uri, &anchor).await {
                missing.push(line("status list", &uri, &error));
            }
        }
        for (issuer, vct, _) in anchors(view, AnchorKind::Dictionary) {
            if view.has_dictionary(&issuer, &vct) {
                continue;
            }
            if let Err(error) = self.fetch_dictionary(view, &issuer, &vct).await {
                missing.push(line("dictionary", &vct, &error));
            }
        }
        for line in &missing {
            tracing::warn!("{line}");
        }
        missing
    }

    async fn fetch_list(
        &self,
        view: &mut LedgerView,
        issuer: &Did,
        uri: &str,
        anchor: &AnchorRecord,
    ) -> Result<(), FetchError> {
        let mut url = Url::parse(uri).map_err(FetchError::Address)?;
        url.query_pairs_mut()
            .append_pair("version", &anchor.version.to_string());
        let token = self
            .get(&url, "application/statuslist+jwt", MAX_LIST_BYTES)
            .await?;
        let token = String::from_utf8(token).map_err(|_| FetchError::Text)?;
        view.add_current_status_list(issuer, uri, &token)
            .map_err(FetchError::Refused)?;
        if let Err(error) = self.files.save_list(issuer, uri, anchor, &token) {
            tracing::warn!(%error, "a status list could not be kept");
        }
        Ok(())
    }

    async fn fetch_dictionary(
        &self,
        view: &mut LedgerView,
        issuer: &Did,
        vct: &str,
    ) -> Result<(), FetchError> {
        let base = view
            .service_endpoint(issuer, "OpenID4VCI")
            .ok_or(FetchError::NoService)?;
        let mut url = Url::parse(&base).map_err(FetchError::Address)?;
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("dictionaries").push(vct);
        }
        let bytes = self
            .get(&url, "application/octet-stream", MAX_DICTIONARY_BYTES)
            .await?;
        view.add_dictionary(issuer, vct, &bytes)
            .map_err(FetchError::Refused)?;
        if let Err(error) = self.files.save_dictionary(issuer, vct, &bytes) {
            tracing::warn!(%error, "a dictionary could not be kept");
        }
        Ok(())
    }

    async fn get(&self, url: &Url, accept: &str, max: usize) -> Result<Vec<u8>, FetchError> {
        let answer = self
            .http
            .get(url, accept, max)
            .await
            .map_err(FetchError::Http)?;
        if answer.is_success() {
            Ok(answer.body)
        } else {
            Err(FetchError::Status(answer.status))
        }
    }
}

/// Puts what is on disk into a view; what the view's anchors do not vouch for is left out.
pub(crate) fn load_evidence(view: &mut LedgerView, files: &EvidenceFiles) {
    for (issuer, uri, anchor) in anchors(view, AnchorKind::StatusList) {
        if let Some(token) = files.list(&issuer, &uri, &anchor)
            && let Err(error) = view.add_status_list(&issuer, &uri, &token)
        {
            tracing::warn!(code = error.code(), %uri, "a kept status list is not usable");
        }
    }
    for (issuer, vct, _) in anchors(view, AnchorKind::Dictionary) {
        if let Some(bytes) = files.dictionary(&issuer, &vct)
            && let Err(error) = view.add_dictionary(&issuer, &vct, &bytes)
        {
            tracing::debug!(code = error.code(), %vct, "a kept dictionary is not usable");
        }
    }
}

pub(crate) fn anchors(view: &LedgerView, wanted: AnchorKind) -> Vec<(Did, String, AnchorRecord)> {
    view.ledger()
        .records()
        .filter_map(|(key, record)| match (key, record) {
            (RecordKey::Anchor { issuer, kind, name }, Record::Anchor(anchor))
                if *kind == wanted =>
            {
                Some((issuer.clone(), name.clone(), anchor.clone()))
            }
            _ => None,
        })
        .collect()
}

fn line(what: &str, name: &str, error: &FetchError) -> String {
    let mut text = format!("{what} {name}: {error}");
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
