//! The face of a document's card, as its type's definition draws it; numbers, birth dates and addresses are not on it.

use jumin_identity::{ClaimPath, CredentialType, PathSegment, VerifiedCredential};
use serde::Serialize;
use serde_json::Value;

use crate::documents::{self, ClaimView};

/// Is never on a card that lies open on a screen, whatever the type's definition says.
const PRIVATE: [&str; 4] = [
    "resident_registration_number",
    "birthdate",
    "address",
    "address_history",
];

/// Is what the drawn card shows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CardFace {
    /// Is the colour behind the text, as `#rrggbb`.
    pub background: String,
    /// Is the colour of the text, as `#rrggbb`.
    pub text: String,
    /// Is the heading, the holder's name mostly; empty where there is no document yet.
    pub title: String,
    /// Is the picture of the holder, as the document has it.
    pub portrait: Option<String>,
    /// Are the further lines.
    pub lines: Vec<ClaimView>,
}

/// Draws the face of a document, or with `None` of one that is only offered.
pub(crate) fn face(
    definition: &CredentialType,
    credential: Option<&VerifiedCredential>,
) -> CardFace {
    let card = definition.card();
    let text = |path: &ClaimPath| {
        let claims = credential?.claims();
        let value = path.select(claims).first()?.as_str()?;
        (!private(path)).then(|| value.to_owned())
    };
    let line = |path: &ClaimPath| {
        Some(ClaimView {
            path: path.to_string(),
            label: documents::label(definition, path),
            value: Value::from(text(path)?),
            selectively_disclosable: false,
        })
    };
    CardFace {
        background: card.background_color.clone(),
        text: card.text_color.clone(),
        title: text(&card.title).unwrap_or_default(),
        portrait: card.portrait.as_ref().and_then(text),
        lines: card
            .fields
            .iter()
            .filter(|path| **path != card.title)
            .filter_map(line)
            .collect(),
    }
}

fn private(path: &ClaimPath) -> bool {
    path.iter().any(
        |segment| matches!(segment, PathSegment::Name(name) if PRIVATE.contains(&name.as_str())),
    )
}
