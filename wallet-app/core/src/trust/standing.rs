//! Judges identifiers, keys and accreditations from any view of the ledger, online or bundled.

use jumin_identity::{Did, DidUrl, PublicKey};
use jumin_registry::{
    AccreditationError, DidRecord, Localized, Lookup, LookupRecord, Purpose, Record, RecordKey,
    Role, VerifiedBundle, accreditation_at,
};

use super::{Agency, Asked, Reach, TrustError, reach};

/// Is an issuer whose key and accreditation are proven.
#[derive(Debug, Clone)]
pub(crate) struct IssuerStanding {
    pub did: Did,
    pub key: PublicKey,
    pub name: Localized,
    /// Where its OpenID4VCI service is, as its own DID document says.
    pub endpoints: Vec<String>,
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

/// Finds the issuer's key that `kid` names, and its accreditation for `vct`, at issuance and now; times in seconds since 1970,
/// `now` the later of the device's and the checkpoint's.
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
    let record = match did_record(view, did)? {
        Ok(record) => record,
        Err(error) => return Some(Err(error)),
    };
    if record.deactivated.is_some() {
        return Some(Err(TrustError::IssuerDeactivated(did.to_string())));
    }
    let key = record
        .document
        .key_at(kid.fragment(), Purpose::AssertionMethod, issued_at);
    let Some(key) = key.cloned() else {
        return Some(Err(TrustError::UnknownKey(kid.to_string())));
    };
    let mut name = None;
    for at in [issued_at, now] {
        match accreditation_at(view, did, Role::Issuer, Some(vct), at) {
            Ok(chain) => name = Some(chain.name),
            Err(AccreditationError::Unknown) => return None,
            Err(source) => {
                return Some(Err(TrustError::IssuerNotAccredited {
                    issuer: did.to_string(),
                    vct: vct.to_owned(),
                    source,
                }));
            }
        }
    }
    let type_integrity = match view.lookup(&RecordKey::CredentialType(vct.to_owned())) {
        Lookup::Present(Record::CredentialType(record)) => record.integrity,
        Lookup::Unknown => return None,
        _ => return Some(Err(TrustError::UnknownType(vct.to_owned()))),
    };
    let endpoints = record
        .document
        .services
        .iter()
        .filter(|service| service.kind == "OpenID4VCI")
        .map(|service| service.endpoint.clone())
        .collect();
    Some(Ok(IssuerStanding {
        did: did.clone(),
        key,
        name: name?,
        endpoints,
        type_integrity,
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
    if record.deactivated.is_some_and(|at| at <= now) {
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
