//! Judges identifiers, keys and accreditations from any view of the ledger, online or bundled.

use jumin_identity::{Did, DidUrl, PublicKey};
use jumin_registry::{
    AccreditationChain, AccreditationError, DidRecord, Localized, Lookup, LookupRecord, Purpose,
    Record, RecordKey, Role, VerifiedBundle, accreditation_at, accreditation_since,
};

use super::{Agency, Asked, Reach, TrustError, reach};

/// Is an issuer whose key and accreditation are proven.
#[derive(Debug, Clone)]
pub(crate) struct IssuerStanding {
    pub did: Did,
    pub key: PublicKey,
    pub name: Localized,
    /// Integrity of the credential type's definition, as anchored.
    pub type_integrity: String,
}

/// Is a verifier whose identifier and key are proven, accredited or not.
#[derive(Debug, Clone)]
pub(crate) struct VerifierStanding {
    pub key: PublicKey,
    /// The name on the ledger and what it may ask for, or why there is none.
    pub accreditation: Result<(Localized, Reach), AccreditationError>,
}

/// Finds the issuer's key that `kid` names, and whether a new document by it can be taken: what it issued at `issued_at` for
/// `vct` must stand, and it must be accredited at the present. Times in seconds since 1970, `now` the later of the device's and
/// the checkpoint's.
///
/// `None` means that the view lacks a record.
pub(crate) fn issuer_standing(
    view: &dyn LookupRecord,
    kid: &DidUrl,
    vct: &str,
    issued_at: u64,
    now: u64,
) -> Option<Result<IssuerStanding, TrustError>> {
    let did = kid.did();
    let record = match active_issuer(view, did)? {
        Ok(record) => record,
        Err(error) => return Some(Err(error)),
    };
    let key = record
        .document
        .key_at(kid.fragment(), Purpose::AssertionMethod, issued_at);
    let Some(key) = key.cloned() else {
        return Some(Err(TrustError::UnknownKey(kid.to_string())));
    };
    if let Err(error) = still_stands(view, did, vct, issued_at, now)? {
        return Some(Err(error));
    }
    // Nobody hands out new documents under a grant that is over, though what it issued before stands.
    let present = accreditation_at(view, did, Role::Issuer, Some(vct), now);
    let name = match judged(present, did, vct)? {
        Ok(name) => name,
        Err(error) => return Some(Err(error)),
    };
    let type_integrity = match view.lookup(&RecordKey::CredentialType(vct.to_owned())) {
        Lookup::Present(Record::CredentialType(record)) => record.integrity,
        Lookup::Unknown => return None,
        _ => return Some(Err(TrustError::UnknownType(vct.to_owned()))),
    };
    Some(Ok(IssuerStanding {
        did: did.clone(),
        key,
        name,
        type_integrity,
    }))
}

/// Finds out whether what `issuer` issued at `issued_at` for `vct` stands, as counters do; times as for [`issuer_standing`].
///
/// `None` means that the view lacks a record.
pub(crate) fn document_standing(
    view: &dyn LookupRecord,
    issuer: &Did,
    vct: &str,
    issued_at: u64,
    now: u64,
) -> Option<Result<(), TrustError>> {
    match active_issuer(view, issuer)? {
        Ok(_) => still_stands(view, issuer, vct, issued_at, now),
        Err(error) => Some(Err(error)),
    }
}

fn still_stands(
    view: &dyn LookupRecord,
    issuer: &Did,
    vct: &str,
    issued_at: u64,
    now: u64,
) -> Option<Result<(), TrustError>> {
    let stands = accreditation_since(view, issuer, Role::Issuer, Some(vct), issued_at, now);
    Some(judged(stands, issuer, vct)?.map(|_| ()))
}

fn judged(
    accreditation: Result<AccreditationChain, AccreditationError>,
    issuer: &Did,
    vct: &str,
) -> Option<Result<Localized, TrustError>> {
    match accreditation {
        Ok(chain) => Some(Ok(chain.name)),
        Err(AccreditationError::Unknown) => None,
        Err(source) => Some(Err(TrustError::IssuerNotAccredited {
            issuer: issuer.to_string(),
            vct: vct.to_owned(),
            source,
        })),
    }
}

fn active_issuer(view: &dyn LookupRecord, did: &Did) -> Option<Result<DidRecord, TrustError>> {
    let record = did_record(view, did)?;
    Some(record.and_then(|record| match record.deactivated {
        Some(_) => Err(TrustError::IssuerDeactivated(did.to_string())),
        None => Ok(record),
    }))
}

/// Finds the verifier's key that `kid` names, and whether it is accredited for every one of the types it asks for, and for which
/// of their claims;
/// `now` is the later of the device's and the checkpoint's time, in seconds since 1970.
pub(crate) fn verifier_standing(
    view: &dyn LookupRecord,
    kid: &DidUrl,
    asked: &[Asked],
    now: u64,
) -> Option<Result<VerifierStanding, TrustError>> {
    let did = kid.did();
    let record = match did_record(view, did)? {
        Ok(record) => record,
        Err(error) => return Some(Err(error)),
    };
    let unknown_key = || TrustError::UnknownKey(kid.to_string());
    if record.deactivated.is_some() {
        return Some(Err(unknown_key()));
    }
    let key = record
        .document
        .key_at(kid.fragment(), Purpose::Authentication, now);
    let Some(key) = key.cloned() else {
        return Some(Err(unknown_key()));
    };
    let accreditation = verifier_accreditation(view, did, asked, now);
    match accreditation {
        Err(AccreditationError::Unknown) => None,
        accreditation => Some(Ok(VerifierStanding { key, accreditation })),
    }
}

/// Finds the verifier's name and reach, if it is accredited for every type that it asks for; for none if it asks for none.
pub(crate) fn verifier_accreditation(
    view: &dyn LookupRecord,
    did: &Did,
    asked: &[Asked],
    now: u64,
) -> Result<(Localized, Reach), AccreditationError> {
    let mut name = Err(AccreditationError::NotAccredited);
    for Asked { vct, .. } in asked {
        name = Ok(accreditation_at(view, did, Role::Verifier, Some(vct), now)?.name);
    }
    Ok((name?, reach(view, did, asked, now)?))
}

fn did_record(view: &dyn LookupRecord, did: &Did) -> Option<Result<DidRecord, TrustError>> {
    match view.lookup(&RecordKey::Did(did.clone())) {
        Lookup::Present(Record::Did(record)) => Some(Ok(record)),
        Lookup::Unknown => None,
        _ => Some(Err(TrustError::UnknownDid(did.to_string()))),
    }
}

/// Lists the agencies that may ask for documents now, by the bundle.
pub(crate) fn verifier_agencies(bundle: &VerifiedBundle, now: u64) -> Vec<Agency> {
    let subjects = bundle.records().filter_map(|(key, _)| match key {
        RecordKey::Accreditation {
            subject,
            role: Role::Verifier,
        } => Some(subject),
        _ => None,
    });
    subjects
        .filter_map(|did| {
            let chain = accreditation_at(bundle, did, Role::Verifier, None, now).ok()?;
            Some(Agency {
                did: did.to_string(),
                name: chain.name,
            })
        })
        .collect()
}
