//! Shows documents: who asks and for what, what would be disclosed, and the answer as a QR code or by HTTP.

mod answer;
mod plan;
mod verifier;

use jumin_http::HttpError;
use jumin_identity::{
    AuthorizationRequest, CredentialError, QueryError, RequestError, ResponseMode,
};
use jumin_registry::{AccreditationError, Localized};
use serde::Serialize;

use crate::documents::{ClaimView, DocumentSummary};
use crate::picture::PictureError;
use crate::trust::{CheckedAgainst, Reach, TrustError};
use crate::vault::VaultError;

pub use answer::OneWay;
pub(crate) use answer::{encode, presentations, service_query, vp_token};
pub(crate) use plan::{Pick, Plan, plan};
pub(crate) use verifier::{Backing, verify_request};

/// Says why nothing was shown; no copy was used unless the answer had to travel.
#[derive(Debug, thiserror::Error)]
pub enum PresentError {
    /// What was scanned or typed is not a request.
    #[error("this is not a request for documents")]
    NotARequest,
    /// The request came in several codes and some are missing.
    #[error("the request has {needed} codes; {received} were read")]
    Incomplete {
        /// Codes read so far.
        received: usize,
        /// Codes needed.
        needed: usize,
    },
    /// The picture can't be read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The code is damaged, or not for a wallet.
    #[error("the code can't be read")]
    Code(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request is refused.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The request isn't signed, so nobody knows whose it is.
    #[error("the request is not signed, so it does not show who asks")]
    Unsigned,
    /// The verifier's identifier is on another network or not an identifier of this kind.
    #[error("the verifier {0} is not on this wallet's network")]
    ForeignVerifier(String),
    /// The verifier's certificate chains to no anchor of this wallet.
    #[error("the verifier's certificate is not from an authority that this wallet trusts")]
    UntrustedCertificate,
    /// The request is not an answer to this wallet's fetch.
    #[error("the request does not repeat this wallet's nonce")]
    WalletNonce,
    /// The ledger could not tell.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The verifier has no accreditation, and the citizen has not agreed to that.
    #[error("the verifier {name} is not accredited to ask for this document; nothing was shown")]
    UnknownVerifier {
        /// What the verifier calls itself.
        name: String,
    },
    /// The verifier asks for more than it is accredited for, and the citizen has not agreed to that.
    #[error(
        "the verifier {name} asks for more than it is accredited for: {}; nothing was shown",
        claims.join(", ")
    )]
    BeyondAccreditation {
        /// Is its name.
        name: String,
        /// Are the claims' names.
        claims: Vec<String>,
    },
    /// The request's end has come.
    #[error("the request has expired; ask for a new one")]
    Expired,
    /// There is no registered service of this name.
    #[error("there is no service called {0}")]
    UnknownService(String),
    /// The service proves a full identity, which a code that anybody could photograph may not.
    #[error("{0} is shown only in answer to a request; nothing was shown")]
    NeedsRequest(String),
    /// The wallet has no such document.
    #[error("this wallet has no document {0}")]
    UnknownDocument(String),
    /// No document answers the request.
    #[error("no document in this wallet answers the request")]
    NothingFits(#[source] QueryError),
    /// The document that would answer is not valid now.
    #[error("the document {id} can't be shown now")]
    NotValid {
        /// The document.
        id: String,
        /// Why.
        #[source]
        source: CredentialError,
    },
    /// The request asks for claims that the citizen keeps back.
    #[error("the request needs claims that you keep back: {}; nothing was shown", .0.join(", "))]
    Withheld(Vec<String>),
    /// All one-time copies are used.
    #[error(
        "all one-time copies of the document {id} are used; have it issued again, or show one again with `--reuse` (whoever has seen it before can tell that it is you)"
    )]
    CopiesUsedUp {
        /// The document.
        id: String,
    },
    /// A QR code can answer with one document only.
    #[error("a QR code can answer with one document only, and the request needs several")]
    SeveralDocuments,
    /// The presentation could not be made.
    #[error("the presentation could not be made")]
    Make(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The verifier's server could not be reached, or not safely.
    #[error("the verifier's server could not be used")]
    Http(#[from] HttpError),
    /// The verifier's server did not take the answer.
    #[error("the verifier's server refused with HTTP {status}")]
    Refused {
        /// The HTTP status.
        status: u16,
    },
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl PresentError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotARequest => "not_a_request",
            Self::Incomplete { .. } => "request_incomplete",
            Self::Picture(error) => error.code(),
            Self::Code(_) => "code_unreadable",
            Self::Request(error) => error.code(),
            Self::Unsigned => "request_unsigned",
            Self::ForeignVerifier(_) => "foreign_verifier",
            Self::UntrustedCertificate => "untrusted_certificate",
            Self::WalletNonce => "wallet_nonce",
            Self::Trust(error) => error.code(),
            Self::UnknownVerifier { .. } => "unknown_verifier",
            Self::BeyondAccreditation { .. } => "beyond_accreditation",
            Self::Expired => "request_expired",
            Self::UnknownService(_) => "unknown_service",
            Self::NeedsRequest(_) => "service_needs_request",
            Self::UnknownDocument(_) => "unknown_document",
            Self::NothingFits(_) => "nothing_fits",
            Self::NotValid { source, .. } => source.code(),
            Self::Withheld(_) => "claims_withheld",
            Self::CopiesUsedUp { .. } => "copies_used_up",
            Self::SeveralDocuments => "several_documents",
            Self::Make(_) => "presentation_failed",
            Self::Http(error) => error.code(),
            Self::Refused { .. } => "verifier_refused",
            Self::Vault(error) => error.code(),
        }
    }
}

/// Is who asks, as far as somebody vouches for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VerifierParty {
    /// Is the client identifier of OpenID4VP.
    pub client_id: String,
    /// Is its DID, if it is on the ledger.
    pub did: Option<String>,
    /// Is its name: from its accreditation, or from a certificate by a trusted authority.
    pub name: Option<Localized>,
    /// Says whether the ledger has it accredited for what it asks for.
    pub accredited: bool,
    /// Is the code of why it is not accredited.
    pub not_accredited_because: Option<&'static str>,
    /// Are the names of the claims that it is accredited to ask for; `None` if that is all of the document, or if it is not
    /// accredited.
    pub may_ask: Option<Vec<Localized>>,
    /// Are the names of the claims that it asks for although it is accredited, but not for these.
    pub beyond: Vec<Localized>,
    /// Says against which state of the ledger this was checked.
    pub checked: Option<CheckedAgainst>,
}

/// Says how an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// By QR code, in answer to a request.
    Qr,
    /// By QR code, without a request.
    OneWay,
    /// By HTTP.
    Online,
}

/// Is a request whose signature is right and whose verifier is known by name or known to be unknown.
#[derive(Debug, Clone)]
pub struct VerifiedRequest {
    pub(crate) request: AuthorizationRequest,
    pub(crate) verifier: VerifierParty,
}

impl VerifierParty {
    /// Says that the ledger has it accredited under this name, and for what; or why it is not.
    pub(crate) fn judged(
        self,
        accreditation: Result<(Localized, Reach), AccreditationError>,
    ) -> Self {
        match accreditation {
            Ok((name, reach)) => Self {
                name: Some(name),
                accredited: true,
                may_ask: reach.may_ask,
                beyond: reach.beyond,
                ..self
            },
            Err(error) => Self {
                not_accredited_because: Some(error.code()),
                ..self
            },
        }
    }
}

impl VerifiedRequest {
    /// Returns who asks.
    pub fn verifier(&self) -> &VerifierParty {
        &self.verifier
    }

    /// Says how the answer will travel.
    pub fn mode(&self) -> Mode {
        match self.request.response {
            ResponseMode::QrCode => Mode::Qr,
            _ => Mode::Online,
        }
    }

    /// Returns where the answer will be sent, if it travels by HTTP.
    pub fn response_uri(&self) -> Option<&str> {
        match &self.request.response {
            ResponseMode::QrCode => None,
            ResponseMode::DirectPost { response_uri }
            | ResponseMode::DirectPostJwt { response_uri, .. } => Some(response_uri),
        }
    }
}

/// Is what the citizen is shown before agreeing.
#[derive(Debug, Clone, Serialize)]
pub struct Consent {
    /// Is who asks.
    pub verifier: VerifierParty,
    /// Says how the answer will travel.
    pub mode: Mode,
    /// Is where the answer will be sent, if it travels by HTTP.
    pub response_uri: Option<String>,
    /// Is when the request ends, in seconds since 1970.
    pub expires: Option<u64>,
    /// Are the documents that would answer.
    pub documents: Vec<ConsentDocument>,
    /// Are other documents that would answer too; only where one document is asked for.
    pub alternatives: Vec<DocumentSummary>,
}

/// Is one document that would answer, and what of it would be seen.
#[derive(Debug, Clone, Serialize)]
pub struct ConsentDocument {
    /// Names the part of the request that it answers.
    pub query_id: String,
    /// Is the document.
    pub document: DocumentSummary,
    /// Are the claims disclosed because they are asked for.
    pub disclosed: Vec<ClaimView>,
    /// Are the claims that every showing of this document discloses.
    pub always: Vec<ClaimView>,
    /// Are the names of the claims that stay hidden.
    pub hidden: Vec<Localized>,
    /// Says that all copies are used, so that agreeing shows one again.
    pub reused: bool,
}

/// Is what the citizen decides.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Is the document to answer with; `None` takes the newest that fits.
    pub document: Option<String>,
    /// Are the claims that may be disclosed, as paths; `None` allows what is asked for.
    pub disclose: Option<Vec<String>>,
    /// Agrees to a verifier without accreditation, or to one that asks for more than it is accredited for.
    pub accept_unknown_verifier: bool,
    /// Agrees to show a copy that was shown before.
    pub reuse: bool,
}

/// Is an answer that was given.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Says how it travelled.
    pub mode: Mode,
    /// Is who gets it.
    pub verifier: VerifierParty,
    /// Are the documents' identifiers.
    pub documents: Vec<String>,
    /// Are the names of the disclosed claims.
    pub disclosed: Vec<String>,
    /// Is how many unused copies are left of the document with the fewest.
    pub copies_left: u32,
    /// Are the texts of the QR codes; none if it travelled by HTTP.
    pub frames: Vec<String>,
    /// Is where the verifier sends the citizen's browser next.
    pub redirect_uri: Option<String>,
}
