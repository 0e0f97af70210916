use jumin_identity::{Did, DidUrl, PublicKey};
use jumin_registry::{
    AccreditationError, KeyRefused, Lookup, LookupRecord, Purpose, Record, RecordKey,
    accredited_claims_at,
};
use jumin_verifier::{LedgerView, ServicePolicy};
use serde::Serialize;
use ts_rs::TS;

use crate::services::{AskedClaim, named_claims};

/// Says whether the ledger has the office accredited for what a service asks for. Wallets say the
/// same to citizens; whether they answer nevertheless is theirs to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It may ask for all of it.
    Accredited,
    /// It may ask for this type of credential, but not for all of these claims.
    Beyond,
    /// It may not ask for this type of credential.
    NotAccredited,
    /// What is at hand of the ledger doesn't tell.
    Unknown,
}

/// Finds out for a service at `now`, in seconds since the epoch, and which claims are beyond.
pub fn standing(
    view: Option<&LedgerView>,
    office: &Did,
    policy: &ServicePolicy,
    now: u64,
) -> (Standing, Vec<AskedClaim>) {
    let (Some(view), Ok(query)) = (view, policy.dcql()) else {
        return (Standing::Unknown, Vec::new());
    };
    let at = now.max(view.checkpoint().time_ms() / 1000);
    let credentials = query.credentials().iter();
    let asked: Vec<_> = credentials
        .flat_map(|credential| credential.claims.iter().flatten())
        .map(|claim| claim.path.clone())
        .collect();
    let mut beyond = Vec::new();
    for vct in &policy.credential_types {
        match accredited_claims_at(view.ledger(), office, vct, at) {
            Ok(allowed) => beyond.extend(allowed.beyond(&asked)),
            Err(AccreditationError::Unknown) => return (Standing::Unknown, Vec::new()),
            Err(_) => return (Standing::NotAccredited, Vec::new()),
        }
    }
    beyond.sort();
    beyond.dedup();
    match beyond.as_slice() {
        [] => (Standing::Accredited, Vec::new()),
        paths => (Standing::Beyond, named_claims(policy, paths)),
    }
}

/// Requires that the ledger, as far as it is at hand, lets the office sign requests with this key at `now` (seconds since the
/// epoch). Wallets refuse what it signs otherwise; what is not at hand is left to them.
///
/// # Errors
/// [`KeyRefused`] where the ledger says that it doesn't.
pub fn require_own_key(
    view: Option<&LedgerView>,
    kid: &DidUrl,
    key: &PublicKey,
    now: u64,
) -> Result<(), KeyRefused> {
    let Some(view) = view else {
        return Ok(());
    };
    match view.ledger().lookup(&RecordKey::Did(kid.did().clone())) {
        Lookup::Present(Record::Did(record)) => {
            record.require_key(kid.fragment(), key, Purpose::Authentication, now)
        }
        Lookup::Present(_) | Lookup::Absent => Err(KeyRefused::Absent),
        Lookup::Unknown => Ok(()),
    }
}
