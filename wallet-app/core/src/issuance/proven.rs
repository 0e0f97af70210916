//! The proof that stands between an offer and the transaction code: the ledger names the offer's server as an agency's own,
//! and has that agency accredited for what is offered, now.

use jumin_identity::Did;
use jumin_registry::{
    AccreditationError, DidRecord, Localized, Lookup, LookupRecord, Record, RecordKey, Role,
    VerifiedBundle, accreditation_at,
};

use super::{Configuration, IssuanceError, OpenOffer, same_server, secure_url};
use crate::trust::{BundleView, TrustError};

/// An offer whose issuer's standing is proven; the token request takes no other.
///
/// It lives as long as one operation: who accepts later proves anew.
#[derive(Debug)]
pub(crate) struct ProvenOffer<'a> {
    open: &'a OpenOffer,
    configuration: &'a Configuration,
    issuers: Vec<ProvenIssuer>,
    type_integrity: String,
}

/// An agency that the ledger has accredited for the offered type, and whose DID document names the offer's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProvenIssuer {
    pub did: Did,
    pub name: Localized,
}

/// An agency at the offer's server that may not issue what is offered.
#[derive(Debug)]
pub(crate) struct RefusedIssuer {
    pub did: Did,
    pub reason: AccreditationError,
}

/// Why an offer is not proven.
#[derive(Debug)]
pub(crate) enum Unproven {
    /// No DID document on the ledger names the server.
    NoIssuerAtServer,
    /// Those that name it are not accredited for this type.
    Refused(RefusedIssuer),
    /// The type is not on the ledger.
    UnknownType,
}

impl<'a> ProvenOffer<'a> {
    /// Holds an offer against the ledger's records at `now`, in seconds since 1970.
    ///
    /// Every agency at the server counts, not the first that is found: one more that names it changes nothing for the others.
    pub(crate) fn prove(
        open: &'a OpenOffer,
        configuration: &'a Configuration,
        view: &BundleView,
        now: u64,
    ) -> Result<Self, Unproven> {
        let (bundle, at) = (&view.bundle, view.latest(now));
        let mut issuers = Vec::new();
        let mut refused = None;
        for (did, record) in at_server(bundle, open) {
            match standing(bundle, &did, &record, &configuration.vct, at) {
                Ok(name) => issuers.push(ProvenIssuer { did, name }),
                Err(reason) => refused = worse(refused, RefusedIssuer { did, reason }),
            }
        }
        if issuers.is_empty() {
            return Err(refused.map_or(Unproven::NoIssuerAtServer, Unproven::Refused));
        }
        let type_integrity =
            type_integrity(view, &configuration.vct).ok_or(Unproven::UnknownType)?;
        Ok(Self {
            open,
            configuration,
            issuers,
            type_integrity,
        })
    }

    pub(crate) fn open(&self) -> &'a OpenOffer {
        self.open
    }

    pub(crate) fn configuration(&self) -> &'a Configuration {
        self.configuration
    }

    pub(crate) fn issuers(&self) -> &[ProvenIssuer] {
        &self.issuers
    }

    /// Returns the integrity of the offered type's definition, as it is on the ledger.
    pub(crate) fn type_integrity(&self) -> &str {
        &self.type_integrity
    }

    /// Says whether a document may come from this issuer.
    pub(crate) fn is_by(&self, did: &Did) -> bool {
        self.issuers.iter().any(|issuer| issuer.did == *did)
    }
}

impl Unproven {
    /// Makes the refusal; what could not be found out is never called not accredited.
    pub(crate) fn refusal(self, open: &OpenOffer, vct: &str) -> IssuanceError {
        match self {
            Self::NoIssuerAtServer => IssuanceError::NoIssuerAtServer {
                url: open.offer.issuer.clone(),
            },
            Self::UnknownType => TrustError::UnknownType(vct.to_owned()).into(),
            Self::Refused(RefusedIssuer { did, reason }) => match reason {
                AccreditationError::Deactivated => {
                    TrustError::IssuerDeactivated(did.to_string()).into()
                }
                AccreditationError::Unknown => TrustError::Undecided(did.to_string()).into(),
                source => IssuanceError::Trust(TrustError::IssuerNotAccredited {
                    issuer: did.to_string(),
                    vct: vct.to_owned(),
                    source,
                }),
            },
        }
    }
}

/// Returns the integrity of a type's definition, by the records.
pub(crate) fn type_integrity(view: &BundleView, vct: &str) -> Option<String> {
    match view
        .bundle
        .lookup(&RecordKey::CredentialType(vct.to_owned()))
    {
        Lookup::Present(Record::CredentialType(record)) => Some(record.integrity),
        _ => None,
    }
}

/// Lists the agencies with an accreditation to issue whose DID documents name the offer's server.
fn at_server<'b>(
    bundle: &'b VerifiedBundle,
    open: &'b OpenOffer,
) -> impl Iterator<Item = (Did, DidRecord)> + 'b {
    let subjects = bundle.records().filter_map(|(key, _)| match key {
        RecordKey::Accreditation {
            subject,
            role: Role::Issuer,
        } => Some(subject),
        _ => None,
    });
    let with_record =
        subjects.filter_map(
            move |did| match bundle.lookup(&RecordKey::Did(did.clone())) {
                Lookup::Present(Record::Did(record)) => Some((did.clone(), record)),
                _ => None,
            },
        );
    with_record.filter(move |(_, record)| serves(record, &open.offer.issuer_url))
}

fn serves(record: &DidRecord, server: &jumin_http::Url) -> bool {
    record.document.services.iter().any(|service| {
        let url = (service.kind == "OpenID4VCI").then(|| secure_url(&service.endpoint));
        url.flatten().is_some_and(|url| same_server(&url, server))
    })
}

fn standing(
    bundle: &VerifiedBundle,
    did: &Did,
    record: &DidRecord,
    vct: &str,
    at: u64,
) -> Result<Localized, AccreditationError> {
    if record.deactivated.is_some() {
        return Err(AccreditationError::Deactivated);
    }
    Ok(accreditation_at(bundle, did, Role::Issuer, Some(vct), at)?.name)
}

/// Keeps the reason to tell: what could not be found out before what was.
fn worse(before: Option<RefusedIssuer>, now: RefusedIssuer) -> Option<RefusedIssuer> {
    match before {
        Some(before) if now.reason != AccreditationError::Unknown => Some(before),
        _ => Some(now),
    }
}
