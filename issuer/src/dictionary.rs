//! Makes the dictionaries with which the QR codec packs presentations of this issuer's credentials.

use jumin_identity::{
    ClaimPath, Did, FileKey, IssueError, KeyError, PresentError, Signer, UnverifiedCredential,
    VerifiedCredential, VpToken, present, random_bytes, sha256, template, train_dictionary,
};
use jumin_registry::AnchorKind;
use thiserror::Error;

use crate::app::App;
use crate::claims::{Configuration, NotEligible};
use crate::compare::{Standing, knows_dictionary};
use crate::indexes::random_index;
use crate::issue::{Order, prepare};
use crate::ledger::{Anchoring, IssuerLedger, LedgerError};
use crate::register::{Register, Resident, synthetic_register};
use crate::store::{DictionaryRow, StoreError, Subject};

/// Not the seed of the sample register: what these people are called gets public.
const SAMPLE_SEED: u64 = 0x6469_6374;
const SAMPLES: usize = 48;
/// The presentations of a card to learn from, the most usual last.
const CARD_TEMPLATES: [&str; 3] = ["identity", "address", "age-19"];

/// Why a dictionary isn't published.
#[derive(Debug, Error)]
pub enum DictionaryError {
    #[error("the dictionary can't be anchored on the ledger now")]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Trying again doesn't help.
    #[error("the ledger is ahead of the database, so nothing is anchored")]
    Conflict,
    #[error("a sample can't be issued")]
    Issue(#[from] IssueError),
    #[error("a sample person can't have the credential")]
    NotEligible(#[from] NotEligible),
    #[error("a sample can't be presented")]
    Present(#[from] PresentError),
    #[error("a sample can't be read")]
    Sample(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("a sample holder's key can't be made")]
    Key(#[from] KeyError),
}

/// Makes, stores and anchors the dictionary of every type that has none for this public URL.
pub async fn publish_dictionaries(app: &App, ledger: &IssuerLedger) -> Result<(), DictionaryError> {
    if app.publisher.standing() != Standing::Agrees {
        return Err(DictionaryError::Conflict);
    }
    // One type whose dictionary can't be published must not keep the others from it.
    let mut result = Ok(());
    for configuration in Configuration::ALL {
        if let Err(error) = publish(app, ledger, configuration).await {
            result = Err(error);
        }
    }
    result
}

async fn publish(
    app: &App,
    ledger: &IssuerLedger,
    configuration: Configuration,
) -> Result<(), DictionaryError> {
    let vct = configuration.vct();
    let stored = app.store.dictionary(vct).await?;
    let is_ours = |row: &DictionaryRow| row.public_url == app.public_url;
    if stored
        .as_ref()
        .is_some_and(|row| row.anchored && is_ours(row))
    {
        return Ok(());
    }
    let anchored = ledger.anchored(AnchorKind::Dictionary, vct).await?;
    if !knows_dictionary(stored.as_ref(), anchored.as_ref()) {
        app.publisher.wake();
        return Err(DictionaryError::Conflict);
    }
    let stored = stored.filter(is_ours);
    let mut row = match stored {
        Some(row) => row,
        None => DictionaryRow {
            vct: vct.to_owned(),
            public_url: app.public_url.clone(),
            bytes: make(app, configuration)?,
            version: 1,
            anchored: false,
        },
    };
    let digest = sha256(&row.bytes);
    if anchored
        .as_ref()
        .is_none_or(|anchor| anchor.sha256 != digest)
    {
        row.version = anchored.map_or(1, |anchor| anchor.version + 1);
        // First stored, then anchored: an anchor without its bytes would be of no use to anybody.
        app.store.put_dictionary(&row).await?;
        let anchoring = Anchoring {
            kind: AnchorKind::Dictionary,
            name: vct.to_owned(),
            version: row.version,
            sha256: digest,
            next_update: None,
        };
        ledger.anchor(&anchoring).await?;
    }
    Ok(app.store.dictionary_anchored(vct, app.now()).await?)
}

/// Trains a dictionary on presentations of credentials issued to people who don't exist.
fn make(app: &App, configuration: Configuration) -> Result<Vec<u8>, DictionaryError> {
    let register = synthetic_register(SAMPLE_SEED, SAMPLES);
    let mut samples: Vec<Vec<String>> = Vec::new();
    for resident in register.residents.iter().take(SAMPLES) {
        let Some(subject) = subject(&register, resident) else {
            continue;
        };
        let holder = FileKey::generate()?;
        match sample(app, configuration, &subject, &holder) {
            Ok(credential) => {
                samples.push(presentations(app, &credential, configuration, &holder)?)
            }
            // Children have no card.
            Err(DictionaryError::NotEligible(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(train_dictionary(&by_kind(samples)))
}

/// Puts presentations of one kind together, in the order of the kinds.
fn by_kind(samples: Vec<Vec<String>>) -> Vec<String> {
    let kinds = samples.iter().map(Vec::len).max().unwrap_or(0);
    (0..kinds)
        .flat_map(|kind| samples.iter().filter_map(move |one| one.get(kind).cloned()))
        .collect()
}

fn subject(register: &Register, resident: &Resident) -> Option<Subject> {
    let household = register
        .households
        .iter()
        .find(|household| household.id == resident.household)?;
    Some(Subject {
        resident: resident.clone(),
        household: household.clone(),
        members: register
            .residents
            .iter()
            .filter(|other| other.household == household.id)
            .cloned()
            .collect(),
        portrait: None,
    })
}

fn sample(
    app: &App,
    configuration: Configuration,
    subject: &Subject,
    holder: &FileKey,
) -> Result<VerifiedCredential, DictionaryError> {
    let unknown = || DictionaryError::Sample("the type has no definition".into());
    let order = Order {
        configuration,
        credential_type: app.credential_type(configuration).ok_or_else(unknown)?,
        holders: &[holder.public_key().clone()],
        list_uri: &format!("{}/status/1", app.public_url),
    };
    let now = app.now();
    let batch = prepare(&app.issuer, order, subject, now)?;
    let credentials = batch.sign(&[random_index()], &mut random_bytes)?;
    let compact = credentials.first().ok_or_else(unknown)?;
    UnverifiedCredential::parse(compact)
        .and_then(|credential| credential.verify(app.issuer.signer.public_key(), now))
        .map_err(|error| DictionaryError::Sample(error.into()))
}

/// Presents a sample in each usual way, as a VP Token.
fn presentations(
    app: &App,
    credential: &VerifiedCredential,
    configuration: Configuration,
    holder: &FileKey,
) -> Result<Vec<String>, DictionaryError> {
    // Live presentations are to others than the issuer, and their shape is what is learnt.
    let verifier = Did::from_digest(&app.issuer.did.network(), &sha256(b"a sample's verifier"));
    let audience = format!("decentralized_identifier:{verifier}");
    ways(credential, configuration)
        .into_iter()
        .map(|(query, disclose)| {
            let nonce = jumin_identity::b64url(&random_bytes::<16>());
            let presentation =
                present(credential, &disclose, &audience, &nonce, app.now(), holder)?;
            Ok(VpToken::new(query, presentation).to_json())
        })
        .collect()
}

fn ways(
    credential: &VerifiedCredential,
    configuration: Configuration,
) -> Vec<(String, Vec<ClaimPath>)> {
    if configuration != Configuration::ResidentCard {
        let all = credential.disclosures().iter();
        let all = all.map(|disclosure| disclosure.path.clone()).collect();
        return vec![(configuration.id().to_owned(), all)];
    }
    let candidates = [(credential.vct(), credential.claims())];
    let mut ways = Vec::new();
    for template in CARD_TEMPLATES.into_iter().filter_map(template) {
        // Who lacks what a template asks for, as a minor does for `age-19`, can't answer it.
        if let Ok(selected) = template.query().select(&candidates) {
            ways.extend(selected.into_iter().map(|one| (one.query_id, one.disclose)));
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use jumin_identity::qr::{CodecContext, encode_presentation};

    use super::*;
    use crate::testing::TestIssuer;

    #[tokio::test]
    async fn dictionary_makes_the_codes_of_other_residents_smaller() {
        let issuer = TestIssuer::new().await;
        let app = &issuer.app;
        let dictionary = make(app, Configuration::ResidentCard).unwrap();
        let subject = app.store.subject("r000001").await.unwrap().unwrap();
        let holder = FileKey::generate().unwrap();
        let card = sample(app, Configuration::ResidentCard, &subject, &holder).unwrap();
        let ways = presentations(app, &card, Configuration::ResidentCard, &holder).unwrap();
        let size = |context: &CodecContext| -> Vec<usize> {
            let frames = ways
                .iter()
                .map(|way| encode_presentation(way, context).unwrap());
            frames
                .map(|frames| frames.iter().map(|frame| frame.text().len()).sum())
                .collect()
        };
        let plain = size(&CodecContext::new());
        let mut context = CodecContext::new();
        context.add_dictionary(dictionary).unwrap();
        let packed = size(&context);
        assert!(
            packed
                .iter()
                .zip(&plain)
                .all(|(packed, plain)| packed < plain),
            "{packed:?} {plain:?}"
        );
    }

    #[tokio::test]
    async fn every_type_has_a_dictionary_without_a_registered_resident_in_it() {
        let issuer = TestIssuer::new().await;
        for configuration in Configuration::ALL {
            let dictionary = make(&issuer.app, configuration).unwrap();
            assert!(!dictionary.is_empty() && dictionary.len() <= 32 * 1024);
            for resident in issuer.app.store.find_residents("", 500).await.unwrap() {
                let number = resident.number.as_str().as_bytes();
                assert!(
                    !dictionary
                        .windows(number.len())
                        .any(|window| window == number)
                );
            }
        }
    }
}
