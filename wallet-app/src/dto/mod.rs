//! What the page and the program say to each other; the page's types are generated from these.

mod activity;
mod ask;
mod document;
mod error;
mod groups;
mod state;
#[cfg(test)]
mod typescript;

use serde::Serialize;
use ts_rs::TS;

pub(crate) use activity::{Activity, activity};
pub(crate) use ask::{Agency, Answer, Consent, Scan, Service, consent, offer, services};
pub(crate) use document::{
    CardFace, Claim, ClaimValue, DocumentDetail, DocumentStatus, DocumentSummary, detail, status,
    summary,
};
pub(crate) use error::CommandError;
pub(crate) use groups::grouped;
pub(crate) use state::{About, AppState, Checked, Language, Preferences, Theme, WalletState};

/// Is a name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub(crate) struct Localized {
    pub ko: String,
    pub en: String,
}

impl From<jumin_wallet_core::Localized> for Localized {
    fn from(name: jumin_wallet_core::Localized) -> Self {
        Self {
            ko: name.ko,
            en: name.en,
        }
    }
}

/// Is a QR code: modules a side, and the dark ones as one SVG path.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct CodeDrawing {
    pub modules: u32,
    pub path: String,
}

/// Draws the codes of an answer.
pub(crate) fn drawn(frames: &[String]) -> Result<Vec<CodeDrawing>, CommandError> {
    let draw = |text: &String| {
        let drawing = jumin_identity::CodeDrawing::of(text)
            .map_err(|error| CommandError::of(error.code()))?;
        Ok(CodeDrawing {
            modules: drawing.modules,
            path: drawing.path,
        })
    };
    frames.iter().map(draw).collect()
}

fn localized(names: Vec<jumin_wallet_core::Localized>) -> Vec<Localized> {
    names.into_iter().map(Localized::from).collect()
}
