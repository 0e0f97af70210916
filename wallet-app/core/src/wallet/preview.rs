//! Says before anything is accepted who an offer's server is by the ledger, and what the document will look like.

use jumin_identity::{Did, builtin_types};
use jumin_registry::{
    AccreditationError, Localized, Lookup, LookupRecord, Record, RecordKey, Role, VerifiedBundle,
    accreditation_at,
};
use serde::Serialize;

use super::Wallet;
use crate::documents::type_name;
use crate::face::{self, CardFace};
use crate::issuance::{
    Configuration, IssuanceError, OfferSummary, OpenOffer, same_server, secure_url,
};
use crate::present::PresentError;
use crate::trust::CheckedAgainst;

/// Is what a citizen is shown of an offer.
#[derive(Debug, Clone, Serialize)]
pub struct OfferPreview {
    /// Is what the offer itself says.
    pub summary: OfferSummary,
    /// Are the offered documents.
    pub documents: Vec<OfferedDocument>,
    /// Is who the server is by the ledger.
    pub issuer: IssuerParty,
}

/// Is one offered document.
#[derive(Debug, Clone, Serialize)]
pub struct OfferedDocument {
    /// Is its type's name: by the type's definition on the ledger, else as the server calls it.
    pub name: Localized,
    /// Is the empty card, if the definition on the ledger is one that this wallet has.
    pub card: Option<CardFace>,
}

/// Is an offer's issuer, as far as the ledger knows one at this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IssuerParty {
    /// Is its DID: of the agency whose DID document names this server as its own.
    pub did: Option<String>,
    /// Is its name on the ledger.
    pub name: Option<Localized>,
    /// Says whether the ledger has it accredited to issue this type now.
    pub accredited: bool,
    /// Is the code of why it is not.
    pub not_accredited_because: Option<&'static str>,
    /// Says against which state of the ledger this was checked.
    pub checked: Option<CheckedAgainst>,
}

impl IssuerParty {
    fn unknown(reason: &'static str, checked: Option<CheckedAgainst>) -> Self {
        Self {
            did: None,
            name: None,
            accredited: false,
            not_accredited_because: Some(reason),
            checked,
        }
    }
}

impl Wallet {
    /// Finds out who offers, by the ledger or the wallet's own copy of its records; accepting proves it again by signature.
    pub async fn preview(&self, open: &OpenOffer, now: u64) -> Result<OfferPreview, IssuanceError> {
        let connections = self.connect()?;
        let configuration = super::accept::configuration(open)?;
        let (issuer, integrity) = match self.newest_bundle(&connections, now).await {
            Ok((view, online)) => {
                let mut checked = view.checked(now);
                checked.online = online;
                let url = &open.offer.issuer_url;
                let found = at_server(&view.bundle, url, &configuration.vct, view.latest(now));
                (found.party(checked), integrity(&view.bundle, configuration))
            }
            Err(PresentError::Vault(error)) => return Err(error.into()),
            Err(error) => (IssuerParty::unknown(error.code(), None), None),
        };
        Ok(OfferPreview {
            summary: open.summary(),
            documents: vec![offered(configuration, integrity.as_deref())],
            issuer,
        })
    }
}

/// Is what the ledger has about a server.
struct AtServer(Option<(Did, Result<Localized, AccreditationError>)>);

impl AtServer {
    fn party(self, checked: CheckedAgainst) -> IssuerParty {
        let Some((did, standing)) = self.0 else {
            return IssuerParty::unknown("no_issuer_at_server", Some(checked));
        };
        IssuerParty {
            did: Some(did.to_string()),
            accredited: standing.is_ok(),
            not_accredited_because: standing.as_ref().err().map(AccreditationError::code),
            name: standing.ok(),
            checked: Some(checked),
        }
    }
}

/// Finds the issuer whose DID document names a server; an accredited one before one that is not.
fn at_server(bundle: &VerifiedBundle, server: &jumin_http::Url, vct: &str, now: u64) -> AtServer {
    let subjects = bundle.records().filter_map(|(key, _)| match key {
        RecordKey::Accreditation {
            subject,
            role: Role::Issuer,
        } => Some(subject),
        _ => None,
    });
    let mut found = None;
    for did in subjects.filter(|did| serves(bundle, did, server)) {
        let chain = accreditation_at(bundle, did, Role::Issuer, Some(vct), now);
        let standing = chain.map(|chain| chain.name);
        if standing.is_ok() {
            return AtServer(Some((did.clone(), standing)));
        }
        found.get_or_insert((did.clone(), standing));
    }
    AtServer(found)
}

fn serves(bundle: &VerifiedBundle, did: &Did, server: &jumin_http::Url) -> bool {
    let Lookup::Present(Record::Did(record)) = bundle.lookup(&RecordKey::Did(did.clone())) else {
        return false;
    };
    record.document.services.iter().any(|service| {
        let url = (service.kind == "OpenID4VCI").then(|| secure_url(&service.endpoint));
        url.flatten().is_some_and(|url| same_server(&url, server))
    })
}

fn integrity(bundle: &VerifiedBundle, configuration: &Configuration) -> Option<String> {
    match bundle.lookup(&RecordKey::CredentialType(configuration.vct.clone())) {
        Lookup::Present(Record::CredentialType(record)) => Some(record.integrity),
        _ => None,
    }
}

fn offered(configuration: &Configuration, integrity: Option<&str>) -> OfferedDocument {
    let known = builtin_types().into_iter().find(|definition| {
        definition.vct() == configuration.vct && Some(definition.integrity().as_str()) == integrity
    });
    match known {
        Some(definition) => OfferedDocument {
            name: type_name(Some(&definition), &configuration.vct),
            card: Some(face::face(&definition, None)),
        },
        None => OfferedDocument {
            name: configuration.name.clone(),
            card: None,
        },
    }
}
