//! Queries for credentials: the part of DCQL (OpenID4VP 1.0 §6) that SD-JWT VC needs.

mod parse;
mod pointer;
mod select;
mod template;

use serde_json::Value;

use crate::claim_path::ClaimPath;

pub use select::Selection;
pub use template::{TEMPLATES, Template, template};

/// Is the credential format identifier of SD-JWT VC (OpenID4VP 1.0 Appendix B.3).
pub const FORMAT_SD_JWT_VC: &str = "dc+sd-jwt";

/// Says why a query is refused, or why nothing answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The JSON breaks a rule of OpenID4VP 1.0 §6.
    #[error("malformed DCQL query: {0}")]
    Malformed(&'static str),
    /// The query has more parts than a reader here accepts.
    #[error("the DCQL query is too large: {0}")]
    TooLarge(&'static str),
    /// No credential query has this identifier.
    #[error("the DCQL query has no credential query of this identifier")]
    UnknownId,
    /// The credential is of a type that was not asked for.
    #[error("the credential is of another type than asked for")]
    OtherType,
    /// A claim that was asked for is missing, or has another value than asked for.
    #[error("a claim that was asked for is missing or has another value")]
    ClaimMissing,
    /// The credentials at hand do not answer the query (OpenID4VP 1.0 §6.4.2: then none is returned).
    #[error("no credential answers the query")]
    Unmet,
}

impl QueryError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "query_malformed",
            Self::TooLarge(_) => "query_too_large",
            Self::UnknownId => "query_unknown_id",
            Self::OtherType => "query_other_type",
            Self::ClaimMissing => "query_claim_missing",
            Self::Unmet => "query_unmet",
        }
    }
}

/// Asks for one or more credentials and for claims in them (OpenID4VP 1.0 §6).
#[derive(Debug, Clone, PartialEq)]
pub struct DcqlQuery {
    credentials: Vec<CredentialQuery>,
    credential_sets: Vec<CredentialSet>,
    json: Value,
}

/// Asks for one credential (OpenID4VP 1.0 §6.1).
#[derive(Debug, Clone, PartialEq)]
pub struct CredentialQuery {
    /// Names the credential in the response.
    pub id: String,
    /// Is the credential format identifier; only `dc+sd-jwt` is ever answered here.
    pub format: String,
    /// Are the accepted credential types, at least one for `dc+sd-jwt` (Appendix B.3.5).
    pub vct_values: Vec<String>,
    /// Are the claims asked for; `None` asks for no selectively disclosable claim (§6.4.1).
    pub claims: Option<Vec<ClaimsQuery>>,
    /// Are combinations of claim identifiers, the most wanted first (§6.4.1).
    pub claim_sets: Vec<Vec<String>>,
    /// Says whether several credentials may answer.
    pub multiple: bool,
    /// Says whether a key binding proof is required; this wallet always sends one.
    pub holder_binding: bool,
    /// Are the authorities of which one should have certified the issuer (§6.1.1); left to the caller to match.
    pub trusted_authorities: Vec<TrustedAuthority>,
}

/// Asks for one claim (OpenID4VP 1.0 §6.3).
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimsQuery {
    /// Names the claim in `claim_sets`.
    pub id: Option<String>,
    /// Points at the claim.
    pub path: ClaimPath,
    /// Are the accepted values; empty accepts every value.
    pub values: Vec<Value>,
}

/// Names an authority that certifies issuers (OpenID4VP 1.0 §6.1.1).
#[derive(Debug, Clone, PartialEq)]
pub struct TrustedAuthority {
    /// Is the kind: `aki`, `etsi_tl`, `openid_federation`, or one unknown here.
    pub kind: String,
    /// Are identifiers of that kind.
    pub values: Vec<String>,
}

/// Says which combinations of credentials answer the query (OpenID4VP 1.0 §6.2).
#[derive(Debug, Clone, PartialEq)]
struct CredentialSet {
    options: Vec<Vec<String>>,
    required: bool,
}

impl DcqlQuery {
    /// Reads a query, ignoring members it does not know (OpenID4VP 1.0 §6).
    ///
    /// At most 8 credential queries of 64 claims each are accepted.
    pub fn parse(json: &Value) -> Result<Self, QueryError> {
        parse::query(json)
    }

    /// Returns the credential queries in their order.
    pub fn credentials(&self) -> &[CredentialQuery] {
        &self.credentials
    }

    /// Finds a credential query by its identifier.
    pub fn credential(&self, id: &str) -> Option<&CredentialQuery> {
        self.credentials.iter().find(|query| query.id == id)
    }

    /// Returns the JSON from which the query was read, unknown members included.
    pub fn to_json(&self) -> Value {
        self.json.clone()
    }
}
