//! Chooses credentials and claims for a query (OpenID4VP 1.0 §6.4).

use serde_json::{Map, Value};

use super::pointer;
use super::{ClaimsQuery, CredentialQuery, DcqlQuery, FORMAT_SD_JWT_VC, QueryError};
use crate::claim_path::ClaimPath;

/// Says which credential answers a credential query, and with which claims.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// Is the identifier of the credential query.
    pub query_id: String,
    /// Is the index of the credential among the candidates.
    pub candidate: usize,
    /// Are the claims to disclose, and no others; some may be claims that are always disclosed.
    pub disclose: Vec<ClaimPath>,
}

impl DcqlQuery {
    /// Chooses among candidates, given as credential type and all claims, in the order of preference.
    ///
    /// Nothing is chosen unless every required credential is there (OpenID4VP 1.0 §6.4.2).
    pub fn select(
        &self,
        candidates: &[(&str, &Map<String, Value>)],
    ) -> Result<Vec<Selection>, QueryError> {
        let answer = |query: &CredentialQuery| {
            let found = candidates
                .iter()
                .enumerate()
                .find_map(|(index, (vct, claims))| {
                    Some((index, query.matching_claims(vct, claims).ok()?))
                });
            found.map(|(candidate, disclose)| Selection {
                query_id: query.id.clone(),
                candidate,
                disclose,
            })
        };
        let answers: Vec<Option<Selection>> = self.credentials.iter().map(answer).collect();
        if self.credential_sets.is_empty() {
            return answers
                .into_iter()
                .collect::<Option<_>>()
                .ok_or(QueryError::Unmet);
        }
        self.select_sets(answers)
    }

    /// Takes the first option of every required set that can be answered in full.
    fn select_sets(&self, answers: Vec<Option<Selection>>) -> Result<Vec<Selection>, QueryError> {
        let answered = |id: &String| answers.iter().flatten().any(|found| found.query_id == *id);
        let mut wanted: Vec<&String> = Vec::new();
        for set in self.credential_sets.iter().filter(|set| set.required) {
            let option = set.options.iter().find(|ids| ids.iter().all(answered));
            wanted.extend(option.ok_or(QueryError::Unmet)?);
        }
        let chosen: Vec<Selection> = answers
            .iter()
            .flatten()
            .filter(|found| wanted.contains(&&found.query_id))
            .cloned()
            .collect();
        if chosen.is_empty() {
            return Err(QueryError::Unmet);
        }
        Ok(chosen)
    }

    /// Checks that disclosed claims of a credential answer a credential query (OpenID4VP 1.0 §8.6: the verifier checks
    /// the answer against its own query).
    ///
    /// Where the query has `values`, they are checked here too; a policy must still check each claim it relies on.
    pub fn satisfied_by(
        &self,
        query_id: &str,
        vct: &str,
        claims: &Map<String, Value>,
    ) -> Result<(), QueryError> {
        let query = self.credential(query_id).ok_or(QueryError::UnknownId)?;
        query.matching_claims(vct, claims).map(|_| ())
    }
}

impl CredentialQuery {
    /// Finds the claims to disclose if a credential of this type with these claims answers the query.
    pub fn matching_claims(
        &self,
        vct: &str,
        claims: &Map<String, Value>,
    ) -> Result<Vec<ClaimPath>, QueryError> {
        if self.format != FORMAT_SD_JWT_VC || !self.vct_values.iter().any(|value| value == vct) {
            return Err(QueryError::OtherType);
        }
        let Some(wanted) = &self.claims else {
            return Ok(Vec::new());
        };
        if self.claim_sets.is_empty() {
            return disclosed(wanted.iter(), claims).ok_or(QueryError::ClaimMissing);
        }
        let option = |ids: &Vec<String>| {
            let named = |claim: &&ClaimsQuery| claim.id.as_ref().is_some_and(|id| ids.contains(id));
            disclosed(wanted.iter().filter(named), claims)
        };
        self.claim_sets
            .iter()
            .find_map(option)
            .ok_or(QueryError::ClaimMissing)
    }
}

fn disclosed<'a>(
    wanted: impl Iterator<Item = &'a ClaimsQuery>,
    claims: &Map<String, Value>,
) -> Option<Vec<ClaimPath>> {
    let mut paths = Vec::new();
    for query in wanted {
        let mut selected = pointer::select(&query.path, claims);
        if !query.values.is_empty() {
            // OpenID4VP 1.0 §6.4.1: a claim of another value counts as not there.
            selected.retain(|(_, value)| query.values.contains(value));
        }
        if selected.is_empty() {
            return None;
        }
        for (path, _) in selected {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
    }
    Some(paths)
}
