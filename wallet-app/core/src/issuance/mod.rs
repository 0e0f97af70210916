//! Accepts documents from issuers: the wallet's side of OpenID4VCI 1.0 with a pre-authorized code.

mod check;
mod exchange;
mod metadata;
mod offer;
mod proven;

use jumin_http::{HttpError, Url};
use jumin_identity::{CredentialError, text::seen_part};
use jumin_registry::Localized;
use serde::Serialize;

use crate::trust::TrustError;
use crate::vault::VaultError;

pub(crate) use check::{Checked, check_copies, same_server, type_with_integrity};
pub(crate) use exchange::{Received, fetch, notify};
pub(crate) use metadata::{Configuration, IssuerMetadata};
pub(crate) use offer::{Offer, PRE_AUTHORIZED};
pub(crate) use proven::{ProvenOffer, Unproven, type_integrity};

/// Says why no document was accepted; nothing was stored.
#[derive(Debug, thiserror::Error)]
pub enum IssuanceError {
    /// The text is not a credential offer.
    #[error("this is not a credential offer: {0}")]
    NotAnOffer(&'static str),
    /// The offer is not there any more.
    #[error(
        "the offer does not exist any more: it was used, or it has expired; ask the agency for a new one"
    )]
    OfferGone,
    /// The offer needs something this wallet can't do.
    #[error("the offer needs what this wallet can't do: {0}")]
    Unsupported(&'static str),
    /// The offer asks for a transaction code.
    #[error("this offer needs the transaction code that the agency gave you")]
    TransactionCodeMissing,
    /// The transaction code can't be right.
    #[error("the transaction code has to be {0}")]
    TransactionCodeForm(String),
    /// The issuer refuses the code.
    #[error("the agency refused: the transaction code is wrong, or the offer was used or has expired{}", said(.description))]
    Refused {
        /// What the issuer says about it.
        description: Option<String>,
    },
    /// The issuer answered with an error.
    #[error("the agency's server refused the request ({error}){}", said(.description))]
    IssuerError {
        /// The OAuth or OpenID4VCI error code.
        error: String,
        /// What the issuer says about it.
        description: Option<String>,
    },
    /// The issuer's answer is not as OpenID4VCI wants it.
    #[error("the agency's server answered wrongly: {0}")]
    WrongAnswer(&'static str),
    /// The issuer's metadata is another issuer's.
    #[error("the offer is from {expected}, but the server says that it is another issuer")]
    IssuerMismatch {
        /// The issuer that the offer names.
        expected: String,
    },
    /// The server can't be reached, or not safely.
    #[error("the agency's server could not be used")]
    Http(#[from] HttpError),
    /// The ledger does not back the issuer.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// No agency on the ledger names the offer's server as its own.
    #[error(
        "no agency on the ledger names {url} as its server; nothing was sent, and nothing was stored"
    )]
    NoIssuerAtServer {
        /// The server that offers.
        url: String,
    },
    /// The document is by another agency than the one whose server offered it.
    #[error(
        "the identifier {did} does not name {url} as its server: somebody else may be answering in its name"
    )]
    ForeignServer {
        /// The issuer's DID.
        did: String,
        /// The server that answered.
        url: String,
    },
    /// The document was changed or is malformed.
    #[error("the document that came is not valid")]
    Credential(#[source] CredentialError),
    /// The document is not the one that was asked for.
    #[error("the document that came is not the one that was asked for: {0}")]
    WrongCredential(&'static str),
    /// A holder key could not be made or used.
    #[error("the keys for the document could not be made")]
    Key(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

fn said(description: &Option<String>) -> String {
    match description {
        Some(description) => format!("; it says: {description}"),
        None => String::new(),
    }
}

impl IssuanceError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAnOffer(_) => "not_an_offer",
            Self::OfferGone => "offer_gone",
            Self::Unsupported(_) => "unsupported",
            Self::TransactionCodeMissing => "tx_code_missing",
            Self::TransactionCodeForm(_) => "tx_code_form",
            Self::Refused { .. } => "offer_refused",
            Self::IssuerError { .. } => "issuer_error",
            Self::WrongAnswer(_) => "issuer_wrong_answer",
            Self::IssuerMismatch { .. } => "issuer_mismatch",
            Self::Http(error) => error.code(),
            Self::Trust(error) => error.code(),
            Self::NoIssuerAtServer { .. } => "no_issuer_at_server",
            Self::ForeignServer { .. } => "foreign_server",
            Self::Credential(error) => error.code(),
            Self::WrongCredential(_) => "wrong_credential",
            Self::Key(_) => "key_failed",
            Self::Vault(error) => error.code(),
        }
    }

    /// Says whether nothing was found out, good or bad: another time it may be.
    pub fn could_not_find_out(&self) -> bool {
        matches!(self, Self::Trust(error) if error.could_not_find_out())
    }
}

/// Is what an offer says before anything is asked of the citizen.
#[derive(Debug, Clone, Serialize)]
pub struct OfferSummary {
    /// Is the issuer's URL; who that is shows only in the signed document.
    pub issuer_url: String,
    /// Is the name the server gives itself; nobody has vouched for it.
    pub claimed_name: Option<String>,
    /// Are the offered documents' names, as the server calls them.
    pub documents: Vec<Localized>,
    /// Says whether a transaction code is needed, and what it looks like.
    pub transaction_code: Option<TransactionCodeHint>,
}

/// Says what a transaction code looks like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TransactionCodeHint {
    /// Says whether it has digits only.
    pub numeric: bool,
    /// Is its length in characters, where the issuer says.
    pub length: Option<u64>,
    /// Is what the issuer says about it, in its own words.
    pub description: Option<String>,
}

/// Is an offer with the metadata of a server that nobody has vouched for yet.
#[derive(Debug)]
pub struct OpenOffer {
    pub(crate) offer: Offer,
    pub(crate) metadata: IssuerMetadata,
}

impl OpenOffer {
    /// Takes the one document of the offer, if this wallet can hold it.
    pub(crate) fn configuration(&self) -> Result<&Configuration, IssuanceError> {
        let [id] = self.offer.configuration_ids.as_slice() else {
            return Err(IssuanceError::Unsupported("several documents in one offer"));
        };
        let found = self.metadata.configuration(id);
        found.ok_or(IssuanceError::Unsupported("this kind of document"))
    }

    /// Returns what to show before the citizen decides.
    pub fn summary(&self) -> OfferSummary {
        let documents = self
            .offer
            .configuration_ids
            .iter()
            .filter_map(|id| self.metadata.configuration(id))
            .map(|configuration| configuration.name.clone())
            .collect();
        OfferSummary {
            issuer_url: self.offer.issuer.clone(),
            claimed_name: self.metadata.name.clone(),
            documents,
            transaction_code: self.offer.transaction_code.clone(),
        }
    }
}

/// Takes a URL that is https, or http on this machine.
pub(crate) fn secure_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    url.host_str()?;
    match url.scheme() {
        "https" => Some(url),
        "http" if on_this_machine(&url) => Some(url),
        _ => None,
    }
}

/// Says whether a URL's host is this machine.
pub(crate) fn on_this_machine(url: &Url) -> bool {
    match url.host_str() {
        Some("localhost" | "[::1]") => true,
        Some(host) => host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback()),
        None => false,
    }
}

/// Keeps a foreign text printable and short.
pub(crate) fn printable(text: &str) -> String {
    seen_part(text).chars().take(200).collect()
}
