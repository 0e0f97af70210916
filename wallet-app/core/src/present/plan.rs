//! Decides which document answers a request, and with which claims.

use jumin_identity::{
    ClaimPath, CredentialError, CredentialType, DcqlQuery, FileKey, QueryError, VerifiedCredential,
};

use jumin_registry::Localized;

use super::{ConsentDocument, PresentError};
use crate::documents::{self, ClaimView};
use crate::store::{CopyInUse, StoredDocument};
use crate::vault::{Database, StoreError, VaultError};

/// Is one document that answers one part of the request.
pub(crate) struct Pick {
    pub query_id: String,
    pub document: StoredDocument,
    pub credential: VerifiedCredential,
    pub copy: CopyInUse,
    pub disclose: Vec<ClaimPath>,
}

/// Is what the wallet would show if the citizen agrees.
pub(crate) struct Plan(pub(crate) Vec<Pick>);

struct Candidate {
    document: StoredDocument,
    credential: VerifiedCredential,
}

/// Chooses documents for a query; `wanted` restricts the choice to one of them.
pub(crate) fn plan(
    database: &Database,
    query: &DcqlQuery,
    wanted: Option<&str>,
    now: u64,
) -> Result<Plan, PresentError> {
    let mut documents = database.documents().map_err(store)?;
    if let Some(id) = wanted {
        documents.retain(|document| document.id == id);
        if documents.is_empty() {
            return Err(PresentError::UnknownDocument(id.to_owned()));
        }
    }
    // Stable: the newest first, but one with unused copies before one without.
    documents.sort_by_key(|document| document.copies_left == 0);
    let (candidates, invalid) = candidates(database, documents, now)?;
    let pairs: Vec<_> = candidates
        .iter()
        .map(|candidate| (candidate.credential.vct(), candidate.credential.claims()))
        .collect();
    let selections = query
        .select(&pairs)
        .map_err(|error| nothing_fits(error, invalid, query))?;
    let mut picks: Vec<Pick> = Vec::new();
    for selection in selections {
        let Some(candidate) = candidates.get(selection.candidate) else {
            return Err(PresentError::NothingFits(QueryError::Unmet));
        };
        let document = candidate.document.clone();
        let earlier = picks.iter().filter(|pick| pick.document.id == document.id);
        let copy = next_copy(database, &document, earlier.count() as u32)?;
        let credential =
            documents::verified(&copy, now).map_err(|source| not_valid(&document.id, source))?;
        picks.push(Pick {
            query_id: selection.query_id,
            document,
            credential,
            copy,
            disclose: selection.disclose,
        });
    }
    Ok(Plan(picks))
}

type Invalid = Option<(String, String, CredentialError)>;

fn candidates(
    database: &Database,
    documents: Vec<StoredDocument>,
    now: u64,
) -> Result<(Vec<Candidate>, Vec<Invalid>), PresentError> {
    let (mut valid, mut invalid) = (Vec::new(), Vec::new());
    for document in documents {
        let copy = next_copy(database, &document, 0)?;
        match documents::verified(&copy, now) {
            Ok(credential) => valid.push(Candidate {
                document,
                credential,
            }),
            Err(error) => invalid.push(Some((document.id, document.vct, error))),
        }
    }
    Ok((valid, invalid))
}

/// Says that a document has expired where that is why nothing answers.
fn nothing_fits(error: QueryError, invalid: Vec<Invalid>, query: &DcqlQuery) -> PresentError {
    let asked = |vct: &String| {
        query
            .credentials()
            .iter()
            .any(|credential| credential.vct_values.contains(vct))
    };
    let found = invalid.into_iter().flatten().find(|(_, vct, _)| asked(vct));
    match found {
        Some((id, _, source)) => PresentError::NotValid { id, source },
        None => PresentError::NothingFits(error),
    }
}

fn next_copy(
    database: &Database,
    document: &StoredDocument,
    skip: u32,
) -> Result<CopyInUse, PresentError> {
    let copy = database.next_copy(&document.id, skip).map_err(store)?;
    copy.ok_or_else(|| PresentError::CopiesUsedUp {
        id: document.id.clone(),
    })
}

fn not_valid(id: &str, source: CredentialError) -> PresentError {
    PresentError::NotValid {
        id: id.to_owned(),
        source,
    }
}

pub(super) fn store(error: StoreError) -> PresentError {
    PresentError::Vault(VaultError::Store(error))
}

impl Pick {
    /// Returns the holder key of the copy.
    pub(crate) fn holder(&self) -> Result<FileKey, PresentError> {
        FileKey::from_pkcs8_der(&self.copy.holder_key)
            .map_err(|error| PresentError::Make(error.into()))
    }

    /// Returns the claims that are seen because they are asked for: what a path leads to, lies on, or lies in.
    pub(crate) fn disclosed(&self) -> Vec<ClaimPath> {
        let asked = |path: &ClaimPath| {
            self.disclose
                .iter()
                .any(|wanted| wanted.covers(path) || path.covers(wanted))
        };
        self.credential
            .disclosures()
            .iter()
            .map(|disclosure| &disclosure.path)
            .filter(|path| asked(path))
            .cloned()
            .collect()
    }

    /// Makes the part of the consent screen about this document: every claim by its own name, also inside larger ones.
    pub(crate) fn consent(&self, now: u64) -> ConsentDocument {
        let definition = documents::definition(&self.document);
        let shown = self.disclosed();
        let all = documents::claims(&self.credential, definition.as_ref());
        let (always, choosable): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|claim| !claim.selectively_disclosable);
        let (mut disclosed, kept): (Vec<_>, Vec<_>) = choosable
            .into_iter()
            .partition(|claim| self.reveals(&shown, &claim.path));
        let unnamed = shown
            .iter()
            .filter(|path| !disclosed.iter().any(|claim| within(path, &claim.path)));
        let unnamed: Vec<ClaimView> = unnamed
            .map(|path| self.unnamed(path, definition.as_ref()))
            .collect();
        disclosed.extend(unnamed);
        let mut hidden: Vec<Localized> = Vec::new();
        for claim in kept {
            if !hidden.contains(&claim.label) {
                hidden.push(claim.label);
            }
        }
        ConsentDocument {
            query_id: self.query_id.clone(),
            document: documents::summary(&self.document, now),
            disclosed,
            always,
            hidden,
            reused: self.copy.used,
        }
    }

    /// Says whether a claim is seen: every disclosure that it lies in has to be shown.
    fn reveals(&self, shown: &[ClaimPath], claim: &str) -> bool {
        let disclosures = self.credential.disclosures().iter();
        disclosures
            .map(|disclosure| &disclosure.path)
            .filter(|path| within(path, claim))
            .all(|path| shown.contains(path))
    }

    /// Shows a disclosure in which the type names no claim, as it is.
    fn unnamed(&self, path: &ClaimPath, definition: Option<&CredentialType>) -> ClaimView {
        let value = path.select(self.credential.claims());
        ClaimView {
            label: documents::label_of(definition, &path.to_string()),
            value: value
                .first()
                .map(|value| (*value).clone())
                .unwrap_or_default(),
            path: path.to_string(),
            selectively_disclosable: true,
        }
    }
}

/// Says whether a claim, by its path as text, lies at or below a path.
fn within(path: &ClaimPath, claim: &str) -> bool {
    claim
        .parse::<ClaimPath>()
        .is_ok_and(|claim| path.covers(&claim))
}

impl Plan {
    /// Refuses if something would be disclosed that the citizen has not allowed.
    pub(crate) fn within(&self, allowed: Option<&[String]>) -> Result<(), PresentError> {
        let Some(allowed) = allowed else {
            return Ok(());
        };
        let allowed: Vec<ClaimPath> = allowed
            .iter()
            .filter_map(|path| path.trim().parse().ok())
            .collect();
        let kept_back: Vec<String> = self
            .0
            .iter()
            .flat_map(Pick::disclosed)
            .filter(|path| !allowed.iter().any(|allowed| allowed.covers(path)))
            .map(|path| path.to_string())
            .collect();
        match kept_back.is_empty() {
            true => Ok(()),
            false => Err(PresentError::Withheld(kept_back)),
        }
    }

    /// Refuses to show a copy again unless the citizen agreed to that.
    pub(crate) fn unused(&self, reuse: bool) -> Result<(), PresentError> {
        match self.0.iter().find(|pick| pick.copy.used && !reuse) {
            Some(pick) => Err(PresentError::CopiesUsedUp {
                id: pick.document.id.clone(),
            }),
            None => Ok(()),
        }
    }
}
