//! Documents as screens and the command line show them.

use jumin_identity::{
    ClaimPath, CredentialType, PathSegment, UnverifiedCredential, VerifiedCredential,
};
use jumin_registry::Localized;
use serde::Serialize;
use serde_json::Value;

use crate::store::{CopyInUse, StoredDocument};

/// Is a document in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DocumentSummary {
    /// Names it within this wallet.
    pub id: String,
    /// Is its type.
    pub vct: String,
    /// Is its type's name.
    pub name: Localized,
    /// Is the DID of who issued it.
    pub issuer: String,
    /// Is the issuer's name on the ledger at that time.
    pub issuer_name: Localized,
    /// Is when it was issued, in seconds since 1970.
    pub issued_at: u64,
    /// Is when it ends.
    pub expires: u64,
    /// Is when this wallet accepted it.
    pub accepted_at: u64,
    /// Says whether it can be shown by its dates; whether it was revoked only its issuer's list says.
    pub state: DocumentState,
    /// Is how many one-time copies came.
    pub copies: u32,
    /// Is how many of them are unused.
    pub copies_left: u32,
}

/// Says whether a document's dates let it be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentState {
    /// It can be shown.
    Valid,
    /// It has ended.
    Expired,
    /// It has not begun.
    NotYetValid,
}

/// Is a document with what it says.
#[derive(Debug, Clone, Serialize)]
pub struct DocumentDetail {
    /// Is the document in one line.
    #[serde(flatten)]
    pub summary: DocumentSummary,
    /// Are its claims, in the order of its type.
    pub claims: Vec<ClaimView>,
}

/// Is one claim with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClaimView {
    /// Leads to it, as text.
    pub path: String,
    /// Is its name.
    pub label: Localized,
    /// Is its value.
    pub value: Value,
    /// Says whether it can be kept back.
    pub selectively_disclosable: bool,
}

/// Makes the line of a document at `now`, in seconds since 1970.
pub(crate) fn summary(document: &StoredDocument, now: u64) -> DocumentSummary {
    let definition = definition(document);
    let state = if now >= document.expires {
        DocumentState::Expired
    } else if now < document.not_before {
        DocumentState::NotYetValid
    } else {
        DocumentState::Valid
    };
    DocumentSummary {
        id: document.id.clone(),
        vct: document.vct.clone(),
        name: type_name(definition.as_ref(), &document.vct),
        issuer: document.issuer.clone(),
        issuer_name: document.issuer_name.clone(),
        issued_at: document.issued_at,
        expires: document.expires,
        accepted_at: document.accepted_at,
        state,
        copies: document.copies,
        copies_left: document.copies_left,
    }
}

pub(crate) fn definition(document: &StoredDocument) -> Option<CredentialType> {
    CredentialType::from_json(&document.type_metadata).ok()
}

/// Reads a copy again, with the issuer key that was proven when it was accepted.
pub(crate) fn verified(
    copy: &CopyInUse,
    now: u64,
) -> Result<VerifiedCredential, jumin_identity::CredentialError> {
    let key = jumin_identity::PublicKey::from_sec1(&copy.issuer_key)
        .map_err(|_| jumin_identity::CredentialError::SignatureInvalid)?;
    UnverifiedCredential::parse(&copy.compact)?.verify(&key, now)
}

/// Lists every claim that has a name in the type's definition and holds no other such claim.
pub(crate) fn claims(
    credential: &VerifiedCredential,
    definition: Option<&CredentialType>,
) -> Vec<ClaimView> {
    let Some(definition) = definition else {
        return Vec::new();
    };
    let leaves = definition.claims().iter().enumerate().filter(|(_, claim)| {
        !definition
            .claims()
            .iter()
            .any(|other| other.path.len() > claim.path.len() && claim.path.covers(&other.path))
    });
    let mut found: Vec<(_, ClaimView)> = leaves
        .flat_map(|(place, claim)| {
            let views = each_path(&claim.path, credential).into_iter();
            views.map(move |(path, value)| {
                let view = ClaimView {
                    path: path.to_string(),
                    label: label(definition, &path),
                    value,
                    selectively_disclosable: disclosable(credential, &path),
                };
                (order(definition, &claim.path, &path, place), view)
            })
        })
        .collect();
    found.sort_by_key(|(order, _)| *order);
    found.into_iter().map(|(_, view)| view).collect()
}

/// Keeps the claims of one element of an array together: by the array's place, the element, the claim's own place.
fn order(
    definition: &CredentialType,
    claim: &ClaimPath,
    path: &ClaimPath,
    place: usize,
) -> (usize, usize, usize) {
    let Some(at) = claim.iter().position(|s| matches!(s, PathSegment::Any)) else {
        return (place, 0, place);
    };
    let array = claim.get(..=at).unwrap_or_default();
    let first = definition
        .claims()
        .iter()
        .position(|other| other.path.get(..=at) == Some(array));
    let element = match path.get(at) {
        Some(PathSegment::Index(index)) => *index,
        _ => 0,
    };
    (first.unwrap_or(place), element, place)
}

/// Names a disclosed claim that is only known as text.
pub(crate) fn label_of(definition: Option<&CredentialType>, path: &str) -> Localized {
    match (definition, path.parse::<ClaimPath>()) {
        (Some(definition), Ok(path)) => label(definition, &path),
        _ => Localized {
            ko: path.to_owned(),
            en: path.to_owned(),
        },
    }
}

/// Names a type, by its identifier where there is no definition.
pub(crate) fn type_name(definition: Option<&CredentialType>, vct: &str) -> Localized {
    let name = |language| definition.map_or(vct, |definition| definition.name(language));
    Localized {
        ko: name("ko").to_owned(),
        en: name("en").to_owned(),
    }
}

/// Names a claim; what the type doesn't name keeps its path.
pub(crate) fn label(definition: &CredentialType, path: &ClaimPath) -> Localized {
    let name = |language| match definition.claim(path) {
        Some(claim) if !claim.label(language).is_empty() => claim.label(language).to_owned(),
        _ => path.to_string(),
    };
    Localized {
        ko: name("ko"),
        en: name("en"),
    }
}

fn disclosable(credential: &VerifiedCredential, path: &ClaimPath) -> bool {
    credential
        .disclosures()
        .iter()
        .any(|disclosure| disclosure.path.covers(path))
}

/// Resolves `Any` to the elements that are there.
fn each_path(path: &ClaimPath, credential: &VerifiedCredential) -> Vec<(ClaimPath, Value)> {
    let mut paths = vec![Vec::new()];
    for segment in path.iter() {
        paths = paths
            .into_iter()
            .flat_map(|before| longer(before, segment, credential))
            .collect();
    }
    paths
        .into_iter()
        .filter_map(|segments| {
            let path = ClaimPath(segments);
            let value = (*path.select(credential.claims()).first()?).clone();
            Some((path, value))
        })
        .collect()
}

fn longer(
    before: Vec<PathSegment>,
    segment: &PathSegment,
    credential: &VerifiedCredential,
) -> Vec<Vec<PathSegment>> {
    let with = |segment: PathSegment| {
        let mut path = before.clone();
        path.push(segment);
        path
    };
    match segment {
        PathSegment::Any => {
            let array = ClaimPath(before.clone());
            let count = array
                .select(credential.claims())
                .first()
                .and_then(|value| value.as_array())
                .map_or(0, Vec::len);
            (0..count).map(|at| with(PathSegment::Index(at))).collect()
        }
        other => vec![with(other.clone())],
    }
}
