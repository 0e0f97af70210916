//! Sets an issuer up: keys, a DID, accreditation and types on the ledger, a sample register.

use std::path::Path;

use jumin_http::Client;
use jumin_identity::{Did, DidUrl, FileKey, builtin_types};
use jumin_keys::{Agency, DidPlan, KeysError, UpdateKeys, prepare_creation};
use jumin_registry::client::LedgerClient;
use jumin_registry::{Localized, NetworkTrust, Purpose, RecordKey, Role, Service, SignedOperation};
use serde_json::json;
use thiserror::Error;
use url::Url;

use crate::audit::Event;
use crate::certificate::{Authority, CertificateError, development_authority};
use crate::home::{Home, HomeError};
use crate::ledger::{IssuerGrant, Ledger, LedgerError};
use crate::register::{Register, draw_portrait, synthetic_register};
use crate::settings::Settings;
use crate::store::{Store, StoreError};

/// The series of keys that sign credentials and status lists: `key-1`, and after a rotation `key-2`.
pub const SIGNING_KEYS: &str = "key";
/// The series of keys that sign operations on the ledger.
pub const LEDGER_KEYS: &str = "ledger";
/// The first keys and what they are for.
const FIRST_KEYS: [(&str, &[Purpose]); 2] = [
    (
        "key-1",
        &[Purpose::AssertionMethod, Purpose::Authentication],
    ),
    ("ledger-1", &[Purpose::CapabilityInvocation]),
];
const SAMPLE_SEED: u64 = 20_261_122;
const SAMPLE_RESIDENTS: usize = 1_000;
const FOLLOWED: &str = "followed.json";
const DAY: u64 = 86_400;
const GRANT_LIFETIME: u64 = 5 * 365 * DAY;

/// Why an issuer isn't set up.
#[derive(Debug, Error)]
pub enum SetupError {
    #[error("the home can't be used")]
    Home(#[from] HomeError),
    #[error("the ledger didn't take the issuer in")]
    Ledger(#[from] LedgerError),
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    #[error("the development certificate authority can't be made")]
    Certificate(#[from] CertificateError),
    #[error("the trust file can't be used")]
    Trust(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the HTTP client can't be made")]
    Http(#[from] jumin_http::HttpError),
    #[error("the portraits can't be drawn")]
    Portrait(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("creation.json in the home doesn't create a DID")]
    NotACreation,
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error("this home has no issuer; run `jumin-issuer init` first")]
    NoDid,
    #[error("the settings can't be written")]
    Settings(#[from] toml::ser::Error),
}

/// Opens the ledger that the settings name, with its validators as they were when the issuer ran last.
pub fn open_ledger(home: &Home, nodes: &[Url], trust: &Path) -> Result<Ledger, SetupError> {
    let client = open_client(home, nodes, trust)?;
    let network = client.trust().network.clone();
    Ok(Ledger::new(client, network))
}

/// Returns the issuer as what changes its DID sees it.
pub fn agency(home: &Home, settings: &Settings) -> Result<Agency, SetupError> {
    Ok(Agency {
        did: home.did()?.ok_or(SetupError::NoDid)?,
        home: home.path(""),
        keys: home.keys(),
        ledger: open_client(home, &settings.nodes, &settings.trust)?,
    })
}

fn open_client(home: &Home, nodes: &[Url], trust: &Path) -> Result<LedgerClient, SetupError> {
    let bytes = std::fs::read(trust).map_err(|error| SetupError::Trust(error.into()))?;
    let trust = NetworkTrust::from_json(&bytes).map_err(|error| SetupError::Trust(error.into()))?;
    // What can't be read is followed anew from the trust file.
    let followed = home.read(FOLLOWED)?;
    let followed = followed.and_then(|text| NetworkTrust::from_json(text.as_bytes()).ok());
    let client = LedgerClient::new(nodes.to_vec(), trust, Client::new()?);
    Ok(client.with_followed(followed))
}

/// Keeps the validators that the network has come to: a trust that nobody confirms for long is not followed any more.
pub fn keep_followed(home: &Home, ledger: &Ledger) -> Result<(), HomeError> {
    home.write(FOLLOWED, &ledger.followed().to_json())
}

/// How far an issuer is set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetUp {
    /// It can serve.
    Ready(Did),
    /// The ledger takes its DID once somebody has accredited it; then setting up goes on from there.
    AwaitsAccreditation(Did),
}

/// Sets up an issuer in `home`; what is done already is left as it is, so it can be repeated after a failure, and after
/// the issuer was accredited.
pub async fn set_up(
    home: &Home,
    settings: &Settings,
    update_keys: &UpdateKeys,
    governor: Option<&FileKey>,
    now: u64,
) -> Result<SetUp, SetupError> {
    home.secret("console-token")?;
    home.secret_bytes("keys/nonce")?;
    authority(home)?;
    let ledger = open_ledger(home, &settings.nodes, &settings.trust)?;
    ledger.begun().await?;
    let created = home.did()?;
    let creation = match created {
        Some(_) => None,
        None => Some(prepare_did(home, settings, update_keys, &ledger, now)?),
    };
    let prepared = creation.as_ref().and_then(SignedOperation::created_did);
    let did = created.or(prepared).ok_or(SetupError::NotACreation)?;
    if let Some(governor) = governor {
        accredit(settings, &ledger, &did, governor, now).await?;
    }
    if let Some(creation) = creation {
        if !is_taken(&ledger, &creation).await? {
            return Ok(SetUp::AwaitsAccreditation(did));
        }
        home.write("did", format!("{did}\n").as_bytes())?;
    }
    add_sample_register(home, now).await?;
    let text = toml::to_string(settings)?;
    home.write("issuer.toml", text.as_bytes())?;
    Ok(SetUp::Ready(did))
}

/// Reads the development certificate authority, making it first if there is none.
pub fn authority(home: &Home) -> Result<Authority, SetupError> {
    if let (Some(certificate), Some(key)) = (home.read("ca.pem")?, home.read("keys/ca.pem")?) {
        return Ok(Authority {
            certificate: certificate.to_string(),
            key: key.to_string(),
        });
    }
    let authority = development_authority()?;
    home.write("keys/ca.pem", authority.key.as_bytes())?;
    home.write("ca.pem", authority.certificate.as_bytes())?;
    Ok(authority)
}

/// Reads the operation that creates the DID, making it first if there is none: the DID is its hash, and is accredited before
/// it is created.
fn prepare_did(
    home: &Home,
    settings: &Settings,
    update_keys: &UpdateKeys,
    ledger: &Ledger,
    now: u64,
) -> Result<SignedOperation, SetupError> {
    Ok(prepare_creation(DidPlan {
        home: &home.path(""),
        keys: &home.keys(),
        update_keys,
        network: ledger.network(),
        methods: &FIRST_KEYS,
        services: services(settings.public_url.as_deref()),
        // From the start of the day, so that credentials dated to the day are covered.
        valid_from: now - now % DAY,
    })?)
}

/// Puts the DID on the ledger; says no while nobody has accredited it.
async fn is_taken(ledger: &Ledger, creation: &SignedOperation) -> Result<bool, SetupError> {
    match ledger.submit(creation).await {
        Ok(()) => Ok(true),
        Err(refused) if refused.code() == "not_accredited" => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The name of the service in a DID document that says where the issuer is.
pub const SERVICE_ID: &str = "issuer";

/// The services of an issuer that wallets call by this URL.
pub fn services(public_url: Option<&str>) -> Vec<Service> {
    let service = public_url.map(|url| Service {
        id: SERVICE_ID.to_owned(),
        kind: "OpenID4VCI".to_owned(),
        endpoint: url.to_owned(),
    });
    service.into_iter().collect()
}

async fn accredit(
    settings: &Settings,
    ledger: &Ledger,
    did: &Did,
    governor: &FileKey,
    now: u64,
) -> Result<(), SetupError> {
    let types = builtin_types();
    for definition in &types {
        let anchored = ledger.credential_type(definition.vct()).await?;
        let (version, integrity) = anchored.unwrap_or_default();
        if integrity != definition.integrity() {
            ledger.anchor_type(definition, version, governor).await?;
        }
    }
    let key = RecordKey::Accreditation {
        subject: did.clone(),
        role: Role::Issuer,
    };
    if ledger.accreditation(&key).await?.is_some() {
        return Ok(());
    }
    let grant = IssuerGrant {
        issuer: did,
        name: Localized {
            ko: settings.name_ko.clone(),
            en: settings.name_en.clone(),
        },
        types: &types,
        from: now - now % DAY,
        until: now + GRANT_LIFETIME,
        version: 0,
    };
    Ok(ledger.accredit_issuer(&grant, governor).await?)
}

async fn add_sample_register(home: &Home, now: u64) -> Result<(), SetupError> {
    let store = Store::open(&home.database()).await?;
    if store.count_residents().await? == 0 {
        let register = synthetic_register(SAMPLE_SEED, SAMPLE_RESIDENTS);
        let portraits = portraits(&register)?;
        store.add_register(&register, &portraits).await?;
        let event = Event {
            at: now,
            actor: "operator",
            action: "register.sample",
            subject: "register",
            detail: json!({ "residents": register.residents.len() }),
        };
        store.audit(&event).await?;
    }
    store.close().await;
    Ok(())
}

/// Draws a portrait for everybody who has a card.
pub fn portraits(register: &Register) -> Result<Vec<Option<Vec<u8>>>, SetupError> {
    register
        .residents
        .iter()
        .map(|resident| {
            resident
                .card_issued
                .map(|_| draw_portrait(&resident.id))
                .transpose()
                .map_err(|error| SetupError::Portrait(error.into()))
        })
        .collect()
}

/// The DID URL of one of the issuer's keys.
pub fn key_url(did: &Did, fragment: &str) -> Result<DidUrl, SetupError> {
    DidUrl::new(did, fragment).map_err(|error| SetupError::Trust(error.into()))
}

#[cfg(test)]
mod tests {
    use jumin_registry::testing::TestLedger;

    use super::*;

    #[test]
    fn ledger_goes_on_from_the_validators_that_were_kept() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(&directory.path().join("home")).unwrap();
        let mut network = TestLedger::with_epochs("test", &[1], 8, 1_800_000_000);
        let file = directory.path().join("network.json");
        std::fs::write(&file, network.trust().to_json()).unwrap();
        let open = || open_ledger(&home, &[], &file).unwrap();
        assert_eq!(open().followed(), network.trust());

        let origin = network.trust();
        network.hand_over(&[2, 3, 4, 5]);
        home.write(FOLLOWED, &network.trust().to_json()).unwrap();
        assert_eq!(open().followed(), network.trust());
        keep_followed(&home, &open()).unwrap();
        assert_eq!(open().followed(), network.trust());

        home.write(FOLLOWED, b"nonsense").unwrap();
        assert_eq!(open().followed(), origin);
    }
}
