use std::collections::BTreeMap;

use jumin_identity::qr::CodeDrawing;
use jumin_identity::qr::{CodecContext, EncodeError, encode_request};
use jumin_identity::{FileKey, ResponseEncryption, ResponseMode, Signer, b64url, random_bytes};
use jumin_registry::KeyRefused;
use jumin_verifier::{
    Delivery, PendingRequest, ServicePolicy, StartError, Verdict, VerifierIdentity, start,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use crate::check::Expected;
use crate::clock::unix_now;
use crate::encryption::{EncryptionError, ResponseKey};
use crate::outcome::Outcome;
use crate::results::Results;
use crate::scan::{Read, Scans};
use crate::standing::require_own_key;
use crate::store::{Store, StoreError, StoredRequest};
use crate::sync::{Ledger, Patience};

/// Says why a desk could not do what it was asked; a verdict is not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeskError {
    /// No such service.
    #[error("there is no service {0}")]
    UnknownService(String),
    /// No such request.
    #[error("there is no such request")]
    UnknownRequest,
    /// No such outcome that would be the clerk's to decide, or not any more.
    #[error("there is no such outcome to decide, or it is too late: scan the code again")]
    UnknownOutcome,
    /// The request could not be started.
    #[error("the request could not be started")]
    Start(#[source] StartError),
    /// The ledger has ended the key that signs requests, or doesn't have it.
    #[error(
        "the ledger doesn't let this counter sign requests with its key: see `jumin-counter key list`"
    )]
    Key(#[source] KeyRefused),
    /// The request could not be drawn.
    #[error("the request does not fit into a QR code")]
    Encode(#[source] EncodeError),
    /// The key for an online answer could not be made or used.
    #[error("the answer's encryption failed")]
    Encryption(#[source] EncryptionError),
    /// The store failed; nothing is answered `valid` then.
    #[error("the counter's store failed")]
    Store(#[from] StoreError),
}

impl DeskError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            DeskError::UnknownService(_) => "unknown_service",
            DeskError::UnknownRequest => "unknown_request",
            DeskError::UnknownOutcome => "unknown_outcome",
            DeskError::Start(error) => error.code(),
            DeskError::Key(refused) => refused.code(),
            DeskError::Encode(_) => "request_not_encodable",
            DeskError::Encryption(error) => error.code(),
            DeskError::Store(error) => error.code(),
        }
    }
}

/// Says how a desk asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Shows a request, scans the answer.
    Qr,
    /// Shows a link, receives the answer over the network.
    Online,
    /// Shows nothing, scans a code that the citizen made for the office.
    OneWay,
}

/// Is a started request, as shown to the citizen.
#[derive(Clone, Debug, Serialize, TS)]
pub struct Started {
    /// Unguessable identifier.
    pub id: String,
    /// Texts of the QR codes to show, in turn if there are several; none in one-way mode.
    pub qr: Vec<String>,
    /// The same codes, ready to be drawn.
    #[ts(type = "CodeDrawing[]")]
    pub codes: Vec<CodeDrawing>,
    /// Where a wallet fetches the request object; online mode only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub request_uri: Option<String>,
    /// Until when it can be answered, in seconds since the epoch.
    pub expires_at: u64,
}

/// Serves the desks of an office: starts requests and checks answers.
pub struct Desk {
    pub(crate) verifier: VerifierIdentity,
    signer: FileKey,
    pub(crate) services: BTreeMap<String, ServicePolicy>,
    pub(crate) store: Store,
    pub(crate) ledger: Ledger,
    pub(crate) results: Results,
    scans: Scans,
}

/// Says what a scan came to.
#[derive(Clone, Debug)]
pub enum Scanned {
    /// Some frames are still missing.
    Progress {
        /// Frames read.
        received: usize,
        /// Frames needed, at least.
        needed: usize,
    },
    /// There is a verdict.
    Decided(Box<Outcome>),
}

impl Desk {
    /// Opens the desks of an office.
    pub fn new(
        verifier: VerifierIdentity,
        signer: FileKey,
        services: Vec<ServicePolicy>,
        store: Store,
        ledger: Ledger,
    ) -> Desk {
        let services = services
            .into_iter()
            .map(|policy| (policy.service.clone(), policy))
            .collect();
        Desk {
            verifier,
            signer,
            services,
            store,
            ledger,
            results: Results::default(),
            scans: Scans::default(),
        }
    }

    /// Sets how long checks wait for the network.
    #[must_use]
    pub fn with_patience(mut self, patience: Patience) -> Desk {
        self.ledger = self.ledger.with_patience(patience);
        self
    }

    /// Returns what is known of the ledger.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Returns the store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the services, by name.
    pub fn services(&self) -> impl Iterator<Item = &ServicePolicy> {
        self.services.values()
    }

    /// Returns who asks.
    pub fn verifier(&self) -> &VerifierIdentity {
        &self.verifier
    }

    /// Requires that the ledger, as far as it is at hand, lets the counter sign requests with its key at `now`, in seconds
    /// since the epoch.
    pub fn require_key(&self, now: u64) -> Result<(), KeyRefused> {
        let view = self.ledger.view();
        let key = self.signer.public_key();
        require_own_key(view.as_deref(), &self.verifier.kid, key, now)
    }

    /// Returns the full outcome of a request that was answered in this process lately.
    pub fn outcome(&self, id: &str) -> Option<Outcome> {
        self.results.get(id)
    }

    /// Forgets what is in memory of a request's outcome.
    pub fn forget(&self, id: &str) {
        self.results.forget(id);
    }

    /// Takes note that a wallet declined a request.
    pub fn declined(&self, id: &str) {
        self.results.decline(id);
    }

    /// Tells whether a wallet declined a request lately.
    pub fn was_declined(&self, id: &str) -> bool {
        self.results.was_declined(id)
    }

    /// Takes in what a desk scanned: the texts of one or more codes, or a `vp_token`.
    pub async fn scan(
        &self,
        desk: &str,
        texts: &[String],
        expected: impl Into<Expected<'_>>,
    ) -> Result<Scanned, DeskError> {
        let mut read = self.read_texts(desk, texts);
        if is_unsupported(&read) {
            // Perhaps an issuer's new dictionary: what is not at hand may be had.
            self.ledger.refresh(0).await;
            self.ledger
                .await_arrivals(|| {
                    read = self.read_texts(desk, texts);
                    !is_unsupported(&read)
                })
                .await;
        }
        let outcome = match read {
            Read::Partial { received, needed } => {
                return Ok(Scanned::Progress { received, needed });
            }
            Read::Presentation(vp_token) => self.check(&vp_token, expected).await?,
            Read::Unreadable {
                verdict,
                mut reason,
            } => {
                if verdict == Verdict::Unsupported {
                    reason += &self.ledger.agencies(unix_now()).doubt();
                }
                self.unreadable(verdict, reason).await?
            }
        };
        Ok(Scanned::Decided(Box::new(outcome)))
    }

    /// Makes and writes down the outcome of a scan that held no presentation.
    pub async fn unreadable(&self, verdict: Verdict, reason: String) -> Result<Outcome, DeskError> {
        let network = self.ledger.known_network();
        let outcome = Outcome::unmatched(verdict, reason, network, unix_now());
        self.refused(None, "", outcome).await
    }

    fn read_texts(&self, desk: &str, texts: &[String]) -> Read {
        match self.ledger.view() {
            Some(view) => self.scans.read(desk, texts, view.codec()),
            None => self.scans.read(desk, texts, &CodecContext::default()),
        }
    }

    /// Starts a request; `base_url` is where wallets reach this counter (online mode).
    pub async fn start(
        &self,
        service: &str,
        mode: Mode,
        base_url: &str,
    ) -> Result<Started, DeskError> {
        let policy = self
            .services
            .get(service)
            .ok_or_else(|| DeskError::UnknownService(service.to_owned()))?;
        let now = unix_now();
        let id = b64url(&random_bytes::<16>());
        let (request, started) = match mode {
            Mode::OneWay => self.start_one_way(id, policy, now)?,
            Mode::Qr => self.start_qr(id, policy, now)?,
            Mode::Online => self.start_online(id, policy, base_url, now)?,
        };
        let view = self.ledger.view();
        let ledger_time = view.map(|view| view.checkpoint().time_ms() / 1000);
        self.store
            .insert_request(&request, now, ledger_time)
            .await?;
        Ok(started)
    }

    fn start_one_way(
        &self,
        id: String,
        policy: &ServicePolicy,
        now: u64,
    ) -> Result<(StoredRequest, Started), DeskError> {
        let pending = PendingRequest::one_way(policy.clone(), &self.verifier, now)
            .map_err(DeskError::Start)?;
        stored(id, pending, None, Vec::new())
    }

    fn start_qr(
        &self,
        id: String,
        policy: &ServicePolicy,
        now: u64,
    ) -> Result<(StoredRequest, Started), DeskError> {
        let (object, pending) = self.sign(policy, Delivery::QrCode, now)?;
        // Without dictionaries: any wallet can read it, whatever issuers it knows.
        let qr = encode_request(&object, &CodecContext::default())
            .map_err(DeskError::Encode)?
            .iter()
            .map(|frame| frame.text().to_owned())
            .collect();
        stored(id, pending, Some(object), qr)
    }

    fn start_online(
        &self,
        id: String,
        policy: &ServicePolicy,
        base_url: &str,
        now: u64,
    ) -> Result<(StoredRequest, Started), DeskError> {
        // The wallet learns where to fetch and to answer, and that must open nothing at the desk.
        let wallet_id = b64url(&random_bytes::<16>());
        let key =
            ResponseKey::generate(&b64url(&random_bytes::<8>())).map_err(DeskError::Encryption)?;
        let delivery = Delivery::Online(ResponseMode::DirectPostJwt {
            response_uri: format!("{base_url}/openid4vp/responses/{wallet_id}"),
            encryption: ResponseEncryption {
                key: key.public_key().map_err(DeskError::Encryption)?,
                kid: key.kid().to_owned(),
                enc: vec!["A128GCM".to_owned(), "A256GCM".to_owned()],
            },
        });
        let (object, pending) = self.sign(policy, delivery, now)?;
        let uri = format!("{base_url}/openid4vp/requests/{wallet_id}");
        let link = wallet_link(&self.verifier.client_id(), &uri);
        let (mut request, mut started) = stored(id, pending, Some(object), vec![link])?;
        request.decryption_key = Some(key.to_json());
        request.wallet_id = Some(wallet_id);
        started.request_uri = Some(uri);
        Ok((request, started))
    }

    fn sign(
        &self,
        policy: &ServicePolicy,
        delivery: Delivery,
        now: u64,
    ) -> Result<(String, PendingRequest), DeskError> {
        self.require_key(now).map_err(DeskError::Key)?;
        start(
            policy,
            &self.verifier,
            delivery,
            random_bytes(),
            now,
            &self.signer,
        )
        .map_err(DeskError::Start)
    }
}

fn is_unsupported(read: &Read) -> bool {
    matches!(read, Read::Unreadable { verdict, .. } if *verdict == Verdict::Unsupported)
}

fn stored(
    id: String,
    pending: PendingRequest,
    request_object: Option<String>,
    qr: Vec<String>,
) -> Result<(StoredRequest, Started), DeskError> {
    let codes: Result<_, _> = qr.iter().map(|text| CodeDrawing::of(text)).collect();
    let started = Started {
        id: id.clone(),
        qr,
        codes: codes.map_err(DeskError::Encode)?,
        request_uri: None,
        expires_at: pending.expires(),
    };
    let request = StoredRequest {
        id,
        wallet_id: None,
        pending,
        request_object,
        decryption_key: None,
        verdict: None,
        decided_at: None,
    };
    Ok((request, started))
}

/// Makes the link that a wallet opens (OpenID4VP 1.0 §5.10, by reference).
fn wallet_link(client_id: &str, request_uri: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", client_id)
        .append_pair("request_uri", request_uri)
        .finish();
    format!("openid4vp://?{query}")
}
