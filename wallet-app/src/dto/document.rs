//! Documents, their cards and what they say.

use jumin_wallet_core::{ClaimView, DocumentState, Standing};
use serde::Serialize;
use ts_rs::TS;

use super::{Activity, Localized, grouped, groups::ClaimGroup};
use crate::value;

/// Says how a document stands with its issuer.
#[derive(Debug, Clone, Copy, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verification {
    Valid,
    Suspended,
    Revoked,
    KeyEnded,
    IssuerNotAccredited,
    IssuerDeactivated,
    Unknown,
}

/// `checked_at`: seconds since 1970. `reason`: why it is unknown, a code.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct DocumentStatus {
    pub status: Verification,
    pub reason: Option<String>,
    pub checked_at: u64,
    pub list_age_seconds: Option<u64>,
    pub block: Option<u64>,
}

pub(crate) fn status(status: jumin_wallet_core::DocumentStatus) -> DocumentStatus {
    DocumentStatus {
        status: match status.status {
            Standing::Valid => Verification::Valid,
            Standing::Suspended => Verification::Suspended,
            Standing::Revoked => Verification::Revoked,
            Standing::KeyEnded => Verification::KeyEnded,
            Standing::IssuerNotAccredited => Verification::IssuerNotAccredited,
            Standing::IssuerDeactivated => Verification::IssuerDeactivated,
            Standing::Unknown => Verification::Unknown,
        },
        reason: status.reason.map(str::to_owned),
        checked_at: status.checked_at,
        list_age_seconds: status.list_age_seconds,
        block: status.block,
    }
}

/// Is one line on a card.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct CardLine {
    pub label: Localized,
    pub value: String,
}

/// Is what the drawn card shows.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct CardFace {
    pub background: String,
    pub text: String,
    /// Empty for a document that is only offered.
    pub title: String,
    pub portrait: Option<String>,
    pub lines: Vec<CardLine>,
}

impl From<jumin_wallet_core::CardFace> for CardFace {
    fn from(face: jumin_wallet_core::CardFace) -> Self {
        let line = |claim: ClaimView| match value::shown(&claim.path, &claim.value) {
            ClaimValue::Text { text } | ClaimValue::Date { date: text } => Some(CardLine {
                label: claim.label.into(),
                value: text,
            }),
            _ => None,
        };
        let title = serde_json::Value::from(face.title);
        Self {
            background: face.background,
            text: face.text,
            title: match value::shown("title", &title) {
                ClaimValue::Text { text } => text,
                _ => String::new(),
            },
            portrait: face.portrait.as_deref().and_then(value::picture),
            lines: face.lines.into_iter().filter_map(line).collect(),
        }
    }
}

impl CardFace {
    /// Stands in where a document's type can't be read.
    pub(crate) fn plain() -> Self {
        Self {
            background: "#33475b".to_owned(),
            text: "#ffffff".to_owned(),
            title: String::new(),
            portrait: None,
            lines: Vec::new(),
        }
    }
}

/// Says whether a document's dates let it be shown.
#[derive(Debug, Clone, Copy, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Dates {
    Valid,
    Expired,
    NotYetValid,
}

/// Is a document in one line; times in seconds since 1970.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct DocumentSummary {
    pub id: String,
    pub vct: String,
    pub name: Localized,
    pub issuer: String,
    pub issuer_name: Localized,
    pub issued_at: u64,
    pub expires: u64,
    pub accepted_at: u64,
    #[ts(inline)]
    pub state: Dates,
    pub copies: u32,
    pub copies_left: u32,
    /// What the drawn card shows; numbers and addresses are not on it before they are asked for.
    pub card: CardFace,
}

pub(crate) fn summary(
    summary: jumin_wallet_core::DocumentSummary,
    face: Option<jumin_wallet_core::CardFace>,
) -> DocumentSummary {
    DocumentSummary {
        card: face.map_or_else(CardFace::plain, CardFace::from),
        id: summary.id,
        vct: summary.vct,
        name: summary.name.into(),
        issuer: summary.issuer,
        issuer_name: summary.issuer_name.into(),
        issued_at: summary.issued_at,
        expires: summary.expires,
        accepted_at: summary.accepted_at,
        state: match summary.state {
            DocumentState::Valid => Dates::Valid,
            DocumentState::Expired => Dates::Expired,
            DocumentState::NotYetValid => Dates::NotYetValid,
        },
        copies: summary.copies,
        copies_left: summary.copies_left,
    }
}

/// Is a claim's value as the page may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum ClaimValue {
    Text { text: String },
    Date { date: String },
    YesNo { yes: bool },
    Picture { src: String },
    Masked { text: String },
}

/// Is one claim.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Claim {
    pub path: String,
    pub label: Localized,
    pub value: ClaimValue,
    pub selectively_disclosable: bool,
}

impl From<ClaimView> for Claim {
    fn from(claim: ClaimView) -> Self {
        Self {
            value: value::shown(&claim.path, &claim.value),
            path: claim.path,
            label: claim.label.into(),
            selectively_disclosable: claim.selectively_disclosable,
        }
    }
}

/// Is a document with all that it says, and what of it was shown.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct DocumentDetail {
    pub summary: DocumentSummary,
    pub groups: Vec<ClaimGroup>,
    pub shown: Vec<Activity>,
}

pub(crate) fn detail(
    document: jumin_wallet_core::DocumentDetail,
    face: Option<jumin_wallet_core::CardFace>,
    shown: Vec<Activity>,
) -> DocumentDetail {
    let groups = grouped(&document.summary.vct, document.claims);
    DocumentDetail {
        summary: summary(document.summary, face),
        groups,
        shown,
    }
}
