//! Says before anything is accepted who an offer's server is by the ledger, and what the document will look like.

use jumin_identity::builtin_types;
use jumin_registry::Localized;

use super::Wallet;
use super::connect::ConnectError;
use crate::documents::type_name;
use crate::face::{self, CardFace};
use crate::issuance::{
    Configuration, IssuanceError, OfferSummary, OpenOffer, ProvenOffer, Unproven, type_integrity,
};
use crate::trust::CheckedAgainst;

/// Is what a citizen is shown of an offer.
#[derive(Debug)]
pub struct OfferPreview {
    /// Is what the offer itself says.
    pub summary: OfferSummary,
    /// Are the offered documents.
    pub documents: Vec<OfferedDocument>,
    /// Is who the server is by the ledger.
    pub issuer: IssuerParty,
    /// Is why the wallet won't accept it, as accepting would say.
    pub refused: Option<IssuanceError>,
}

/// Is one offered document.
#[derive(Debug, Clone)]
pub struct OfferedDocument {
    /// Is its type's name: by the type's definition on the ledger, else as the server calls it.
    pub name: Localized,
    /// Is the empty card, if the definition on the ledger is one that this wallet has.
    pub card: Option<CardFace>,
}

/// Is an offer's issuer, as far as the ledger knows one at this server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IssuerParty {
    /// Is its DID: of the agency whose DID document names this server as its own.
    pub did: Option<String>,
    /// Is its name on the ledger; of several agencies at one server, all names.
    pub name: Option<Localized>,
    /// Says whether the ledger has it accredited to issue this type now.
    pub accredited: bool,
    /// Is the code of why it is not.
    pub not_accredited_because: Option<&'static str>,
    /// Says against which state of the ledger this was checked.
    pub checked: Option<CheckedAgainst>,
}

impl Wallet {
    /// Finds out who offers, as accepting will: by the ledger's records of now, and by nothing else.
    pub async fn preview(&self, open: &OpenOffer, now: u64) -> Result<OfferPreview, IssuanceError> {
        let connections = self.connect()?;
        let configuration = open.configuration()?;
        let view = match self.refresh_bundle(&connections, now).await {
            Ok(view) => view,
            Err(ConnectError::Trust(error)) => {
                let issuer = IssuerParty {
                    not_accredited_because: Some(error.code()),
                    ..IssuerParty::default()
                };
                return Ok(previewed(
                    open,
                    configuration,
                    None,
                    issuer,
                    Some(error.into()),
                ));
            }
            Err(error) => return Err(error.into()),
        };
        let checked = CheckedAgainst {
            online: true,
            ..view.checked(now)
        };
        let (party, refused) = match ProvenOffer::prove(open, configuration, &view, now) {
            Ok(proven) => (proven_party(&proven), None),
            Err(unproven) => {
                let party = unproven_party(&unproven);
                (party, Some(unproven.refusal(open, &configuration.vct)))
            }
        };
        let issuer = IssuerParty {
            checked: Some(checked),
            ..party
        };
        let integrity = type_integrity(&view, &configuration.vct);
        Ok(previewed(
            open,
            configuration,
            integrity.as_deref(),
            issuer,
            refused,
        ))
    }
}

fn previewed(
    open: &OpenOffer,
    configuration: &Configuration,
    integrity: Option<&str>,
    issuer: IssuerParty,
    refused: Option<IssuanceError>,
) -> OfferPreview {
    OfferPreview {
        summary: open.summary(),
        documents: vec![offered(configuration, integrity)],
        issuer,
        refused,
    }
}

fn proven_party(proven: &ProvenOffer<'_>) -> IssuerParty {
    let names = |of: fn(&Localized) -> &str| {
        let names: Vec<&str> = proven
            .issuers()
            .iter()
            .map(|issuer| of(&issuer.name))
            .collect();
        names.join(", ")
    };
    let did = match proven.issuers() {
        [one] => Some(one.did.to_string()),
        _ => None,
    };
    IssuerParty {
        did,
        name: Some(Localized {
            ko: names(|name| &name.ko),
            en: names(|name| &name.en),
        }),
        accredited: true,
        ..IssuerParty::default()
    }
}

fn unproven_party(unproven: &Unproven) -> IssuerParty {
    let (did, because) = match unproven {
        Unproven::NoIssuerAtServer => (None, "no_issuer_at_server"),
        Unproven::UnknownType => (None, "unknown_type"),
        Unproven::Refused(refused) => (Some(refused.did.to_string()), refused.reason.code()),
    };
    IssuerParty {
        did,
        not_accredited_because: Some(because),
        ..IssuerParty::default()
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
