//! What a verifier is accredited to ask for, against what it asks for.

use jumin_identity::{ClaimPath, CredentialType, DcqlQuery, Did, builtin_types};
use jumin_registry::{AccreditationError, Claims, Localized, LookupRecord, accredited_claims_at};

use crate::documents::label_of;

/// Is what is asked of one credential type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub vct: String,
    pub claims: Vec<ClaimPath>,
}

impl Asked {
    /// Lists what a query asks for, by type: of the types that `wanted` takes.
    pub(crate) fn of(query: &DcqlQuery, wanted: impl Fn(&str) -> bool) -> Vec<Self> {
        let asked = query.credentials().iter().flat_map(|credential| {
            let claims = credential.claims.iter().flatten();
            // All alternatives: the citizen is to know what it wanted, not only what it would get.
            let claims: Vec<ClaimPath> = claims.map(|claim| claim.path.clone()).collect();
            let types = credential.vct_values.iter().filter(|vct| wanted(vct));
            types.map(move |vct| Self {
                vct: vct.clone(),
                claims: claims.clone(),
            })
        });
        asked.collect()
    }
}

/// Is what a verifier may ask for of the types that it asks for, and what it asks for beyond that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Are the names of the claims, each once; `None` if it may ask for all.
    pub may_ask: Option<Vec<Localized>>,
    /// Are the names of the claims that it asks for without being accredited to.
    pub beyond: Vec<Localized>,
}

/// Holds what `verifier` asks for against its accreditations at `at`, in seconds since 1970.
pub(crate) fn reach(
    view: &dyn LookupRecord,
    verifier: &Did,
    asked: &[Asked],
    at: u64,
) -> Result<Reach, AccreditationError> {
    let types = builtin_types();
    let mut reach = Reach::default();
    for Asked { vct, claims } in asked {
        let allowed = accredited_claims_at(view, verifier, vct, at)?;
        let definition = types.iter().find(|definition| definition.vct() == vct);
        add_names(&mut reach.beyond, definition, &allowed.beyond(claims));
        if let Claims::Only(paths) = &allowed {
            let names = reach.may_ask.get_or_insert_default();
            add_names(names, definition, paths);
        }
    }
    Ok(reach)
}

fn add_names(names: &mut Vec<Localized>, definition: Option<&CredentialType>, paths: &[ClaimPath]) {
    for path in paths {
        let name = label_of(definition, &path.to_string());
        if !names.contains(&name) {
            names.push(name);
        }
    }
}
