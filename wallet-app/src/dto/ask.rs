//! Offers, requests and answers.

use jumin_identity::TEMPLATES;
use jumin_wallet_core::{IssuanceError, IssuerParty, OfferPreview, VerifierParty, Wallet};
use serde::Serialize;
use ts_rs::TS;

use super::{
    CardFace, Checked, Claim, CodeDrawing, CommandError, DocumentSummary, Localized, localized,
    summary,
};

/// Is the other side, as far as the ledger or a certificate vouches for it.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Party {
    pub id: String,
    pub did: Option<String>,
    pub name: Option<Localized>,
    pub accredited: bool,
    pub not_accredited_because: Option<String>,
    /// Nothing was found out, good or bad: another time it may be.
    pub unchecked: bool,
    /// What a verifier is accredited to ask for; none if that is all of the document. Also none of issuers.
    pub may_ask: Option<Vec<Localized>>,
    /// What an accredited verifier asks for beyond that.
    pub beyond: Vec<Localized>,
    pub checked: Option<Checked>,
}

impl From<VerifierParty> for Party {
    fn from(party: VerifierParty) -> Self {
        Self {
            id: party.client_id,
            did: party.did,
            name: party.name.map(Localized::from),
            accredited: party.accredited,
            not_accredited_because: party.not_accredited_because.map(str::to_owned),
            unchecked: false,
            may_ask: party.may_ask.map(localized),
            beyond: localized(party.beyond),
            checked: party.checked.map(Checked::from),
        }
    }
}

impl Party {
    fn issuer(party: IssuerParty, url: &str, refused: Option<IssuanceError>) -> Self {
        Self {
            unchecked: refused.is_some_and(|error| error.could_not_find_out()),
            id: party.did.clone().unwrap_or_else(|| url.to_owned()),
            did: party.did,
            name: party.name.map(Localized::from),
            accredited: party.accredited,
            not_accredited_because: party.not_accredited_because.map(str::to_owned),
            may_ask: None,
            beyond: Vec::new(),
            checked: party.checked.map(Checked::from),
        }
    }
}

/// Says what a transaction code looks like.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct TransactionCode {
    pub numeric: bool,
    pub length: Option<u64>,
    pub description: Option<String>,
}

/// Is one offered document.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct OfferedDocument {
    pub name: Localized,
    pub card: Option<CardFace>,
}

/// Is an offer before it is accepted.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Offer {
    pub documents: Vec<OfferedDocument>,
    pub issuer_url: String,
    pub issuer: Party,
    pub transaction_code: Option<TransactionCode>,
}

pub(crate) fn offer(preview: OfferPreview) -> Offer {
    let documents = preview
        .documents
        .into_iter()
        .map(|document| OfferedDocument {
            name: document.name.into(),
            card: document.card.map(CardFace::from),
        });
    let code = preview
        .summary
        .transaction_code
        .map(|code| TransactionCode {
            numeric: code.numeric,
            length: code.length,
            description: code.description,
        });
    Offer {
        documents: documents.collect(),
        issuer: Party::issuer(preview.issuer, &preview.summary.issuer_url, preview.refused),
        issuer_url: preview.summary.issuer_url,
        transaction_code: code,
    }
}

/// Is one document that would answer, and what of it would be seen.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct ConsentDocument {
    pub query_id: String,
    pub document: DocumentSummary,
    pub disclosed: Vec<Claim>,
    pub always: Vec<Claim>,
    /// Names of what stays hidden.
    pub hidden: Vec<Localized>,
    /// All copies are used: agreeing shows one again.
    pub reused: bool,
}

/// Says how an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    Qr,
    OneWay,
    Online,
}

impl From<jumin_wallet_core::Mode> for Mode {
    fn from(mode: jumin_wallet_core::Mode) -> Self {
        match mode {
            jumin_wallet_core::Mode::Qr => Self::Qr,
            jumin_wallet_core::Mode::OneWay => Self::OneWay,
            jumin_wallet_core::Mode::Online => Self::Online,
        }
    }
}

/// Is what the citizen decides about.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Consent {
    pub verifier: Party,
    pub mode: Mode,
    pub response_uri: Option<String>,
    pub expires: Option<u64>,
    pub documents: Vec<ConsentDocument>,
    /// Other documents that would answer too; only where one document is asked for.
    pub alternatives: Vec<DocumentSummary>,
}

/// Makes what is shown of a consent; the wallet draws the cards.
pub(crate) fn consent(
    wallet: &Wallet,
    consent: jumin_wallet_core::Consent,
) -> Result<Consent, CommandError> {
    let faced = |document: jumin_wallet_core::DocumentSummary| {
        let face = wallet.face(&document.id)?;
        Ok::<_, CommandError>(summary(document, face))
    };
    let documents = consent.documents.into_iter().map(|asked| {
        Ok(ConsentDocument {
            query_id: asked.query_id,
            document: faced(asked.document)?,
            disclosed: asked.disclosed.into_iter().map(Claim::from).collect(),
            always: asked.always.into_iter().map(Claim::from).collect(),
            hidden: localized(asked.hidden),
            reused: asked.reused,
        })
    });
    Ok(Consent {
        verifier: consent.verifier.into(),
        mode: consent.mode.into(),
        response_uri: consent.response_uri,
        expires: consent.expires,
        documents: documents.collect::<Result<_, CommandError>>()?,
        alternatives: consent
            .alternatives
            .into_iter()
            .map(faced)
            .collect::<Result<_, _>>()?,
    })
}

/// `frames`: one code to hold up, or several to be shown in turn. `until`: when it ends, seconds since 1970.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Answer {
    pub mode: Mode,
    pub verifier: Party,
    pub frames: Vec<CodeDrawing>,
    pub until: Option<u64>,
    pub copies_left: u32,
    pub disclosed: Vec<Localized>,
    /// The verifier has a page to go on to: `open_redirect`.
    pub redirect: bool,
}

/// Says what was scanned.
#[derive(Debug, Clone, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Scan {
    Progress { received: u32, needed: u32 },
    Offer { offer: Offer },
    Request { consent: Consent },
}

/// Is an agency that may ask for documents.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Agency {
    pub did: String,
    pub name: Localized,
}

/// Is a registered service.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Service {
    pub service: String,
    pub name: Localized,
}

/// Lists the registered services, of which every counter knows what they ask for.
pub(crate) fn services() -> Vec<Service> {
    let service = |id: &str| {
        let (ko, en) = match id {
            "age-19" => ("성년(19세 이상) 확인", "Proof of being 19 or older"),
            "address" => ("주소 확인", "Proof of address"),
            other => (other, other),
        };
        Service {
            service: id.to_owned(),
            name: Localized {
                ko: ko.to_owned(),
                en: en.to_owned(),
            },
        }
    };
    TEMPLATES
        .iter()
        .filter(|template| template.one_way)
        .map(|template| service(template.id))
        .collect()
}
