use jumin_http::Client;
use jumin_identity::{Did, FileKey};
use jumin_keys::{DidPlan, KeysError, UpdateKeys, prepare_creation};
use jumin_registry::client::{ClientError, LedgerClient};
use jumin_registry::{
    Accreditor, Claims, Localized, NetworkTrust, Operation, OperationSigner, Purpose, RecordKey,
    Role, SignOperationError, sign_operation,
};
use url::Url;

use crate::clock::unix_now;
use crate::home::{Home, HomeError, Settings};

/// The series of keys that sign requests: `request-1`, and after a rotation `request-2`.
pub const REQUEST_KEYS: &str = "request";
/// The first keys and what they are for.
const FIRST_KEYS: [(&str, &[Purpose]); 2] = [
    ("request-1", &[Purpose::Authentication]),
    ("control-1", &[Purpose::CapabilityInvocation]),
];
/// How far back a new key is good for, in seconds: clocks differ a little.
const BACKDATE: u64 = 300;
/// How long a development accreditation holds, in seconds (three years).
const ACCREDITED_FOR: u64 = 3 * 366 * 86_400;

/// Says why a counter's home could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The home cannot be written.
    #[error("the home cannot be made")]
    Home(#[from] HomeError),
    /// The keys cannot be made.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// An operation could not be signed.
    #[error("the ledger operation could not be signed")]
    Sign(#[source] SignOperationError),
    /// The ledger did not take an operation.
    #[error("the ledger did not take the operation")]
    Ledger(#[source] ClientError),
    /// The creation operation names no DID.
    #[error("the DID could not be made")]
    NoDid,
}

impl SetupError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            SetupError::Home(error) => error.code(),
            SetupError::Keys(error) => error.code(),
            SetupError::Sign(_) => "setup_sign",
            SetupError::Ledger(_) => "setup_ledger",
            SetupError::NoDid => "setup_no_did",
        }
    }
}

/// Is what a new office brings along.
pub struct NewOffice {
    /// Ledger nodes.
    pub nodes: Vec<Url>,
    /// What the ledger's certificates are checked against.
    pub trust: NetworkTrust,
    /// What the office is called.
    pub name: Localized,
    /// What it may ask for, if it is accredited here.
    pub claims: Claims,
    /// The governance key that accredits it, in development.
    pub governor: Option<FileKey>,
    /// Where the key for the DID's first change goes.
    pub update_keys: UpdateKeys,
}

/// Says how far a counter is set up.
#[derive(Clone, Debug)]
pub enum SetUp {
    /// It can serve.
    Ready(Box<Settings>),
    /// The ledger takes its DID once somebody has accredited it; then setting up goes on from there.
    AwaitsAccreditation(Did),
}

/// Makes a home: keys, with the governor's key the accreditation as a verifier, and a DID on the
/// ledger. Run again after a failure, or once the office was accredited, it goes on with the same
/// keys and the same DID.
pub async fn set_up(home: &Home, office: NewOffice, http: Client) -> Result<SetUp, SetupError> {
    home.create()?;
    let ledger = LedgerClient::new(office.nodes.clone(), office.trust.clone(), http);
    ledger
        .await_checkpoint()
        .await
        .map_err(SetupError::Ledger)?;
    let creation = prepare_creation(DidPlan {
        home: home.root(),
        keys: &home.keys(),
        update_keys: &office.update_keys,
        network: &office.trust.network,
        methods: &FIRST_KEYS,
        services: Vec::new(),
        valid_from: unix_now().saturating_sub(BACKDATE),
    })?;
    let did = creation.created_did().ok_or(SetupError::NoDid)?;
    if let Some(governor) = &office.governor {
        accredit(&did, &office, governor, &ledger).await?;
    }
    match ledger.submit(&creation).await {
        Ok(_) => {}
        Err(ClientError::Rejected { code }) if code == "not_accredited" => {
            return Ok(SetUp::AwaitsAccreditation(did));
        }
        Err(error) => return Err(SetupError::Ledger(error)),
    }
    let settings = Settings {
        did,
        name: office.name,
        nodes: office.nodes,
        trust: office.trust,
    };
    home.save(&settings)?;
    Ok(SetUp::Ready(Box::new(settings)))
}

/// Accredits the office, unless somebody has already.
async fn accredit(
    did: &Did,
    office: &NewOffice,
    governor: &FileKey,
    ledger: &LedgerClient,
) -> Result<(), SetupError> {
    let key = RecordKey::Accreditation {
        subject: did.clone(),
        role: Role::Verifier,
    };
    let known = ledger.record(&key).await.map_err(SetupError::Ledger)?;
    if known.record.is_some() {
        return Ok(());
    }
    let now = unix_now();
    let operation = Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: did.clone(),
        role: Role::Verifier,
        name: office.name.clone(),
        types: Vec::new(),
        claims: office.claims.clone(),
        from: now.saturating_sub(BACKDATE),
        until: now.saturating_add(ACCREDITED_FOR),
        version: 0,
    };
    let signer = OperationSigner::Kid("governance#0".to_owned(), governor);
    let signed =
        sign_operation(&office.trust.network, &operation, &[signer]).map_err(SetupError::Sign)?;
    ledger
        .submit(&signed)
        .await
        .map(|_| ())
        .map_err(SetupError::Ledger)
}
