//! The activity log with names that a person reads, searched.

use std::collections::BTreeMap;

use jumin_identity::{CredentialType, builtin_types};
use jumin_registry::Localized;
use serde::Serialize;

use super::Wallet;
use crate::documents::{self, label_of, type_name};
use crate::store::ActivityEntry;
use crate::vault::VaultError;

/// Restricts what is listed of the log.
#[derive(Debug, Clone, Default)]
pub struct ActivityFilter {
    /// Is a part of a name: of a document, of a party, or of a claim; capitals don't matter.
    pub search: Option<String>,
    /// Is the document it has to be about.
    pub document: Option<String>,
    /// At most so many lines are read, the newest.
    pub limit: u32,
}

/// Is one line of the log with its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActivityLine {
    /// Is the line as it was written.
    pub entry: ActivityEntry,
    /// Is the name of the document's type.
    pub document_name: Option<Localized>,
    /// Are the names of the claims that were disclosed, each once.
    pub claims: Vec<Localized>,
}

impl Wallet {
    /// Lists the activity log, the newest first.
    pub fn history(&self, filter: &ActivityFilter) -> Result<Vec<ActivityLine>, VaultError> {
        let (entries, documents) = self.with(|database| {
            let entries = database.activity(filter.document.as_deref(), filter.limit)?;
            Ok((entries, database.documents()?))
        })?;
        // What a deleted document was called, the built-in types still tell.
        let mut types: BTreeMap<String, CredentialType> = builtin_types()
            .into_iter()
            .map(|definition| (definition.vct().to_owned(), definition))
            .collect();
        let held = documents.iter().filter_map(documents::definition);
        types.extend(held.map(|definition| (definition.vct().to_owned(), definition)));
        let wanted = filter.search.as_deref().unwrap_or("").trim().to_lowercase();
        let lines = entries.into_iter().map(|entry| line(entry, &types));
        Ok(lines.filter(|line| line.mentions(&wanted)).collect())
    }
}

fn line(entry: ActivityEntry, types: &BTreeMap<String, CredentialType>) -> ActivityLine {
    let definition = entry.vct.as_ref().and_then(|vct| types.get(vct));
    let mut claims: Vec<Localized> = Vec::new();
    for path in &entry.claims {
        let label = label_of(definition, path);
        if !claims.contains(&label) {
            claims.push(label);
        }
    }
    ActivityLine {
        document_name: entry.vct.as_ref().map(|vct| type_name(definition, vct)),
        claims,
        entry,
    }
}

impl ActivityLine {
    fn mentions(&self, wanted: &str) -> bool {
        let party = self.entry.party.as_ref();
        let names = self
            .document_name
            .iter()
            .chain(party.and_then(|party| party.name.as_ref()))
            .chain(&self.claims)
            .flat_map(|name| [name.ko.as_str(), name.en.as_str()]);
        names
            .chain(party.map(|party| party.id.as_str()))
            .any(|text| text.to_lowercase().contains(wanted))
            || wanted.is_empty()
    }
}
