use std::collections::BTreeMap;

use jumin_identity::qr::{CodecContext, EncodeError, encode_request};
use jumin_identity::{
    FileKey, OneWayNonce, ResponseEncryption, ResponseMode, UnverifiedPresentation, VpToken,
    b64url, random_bytes,
};
use jumin_verifier::{
    Delivery, PendingRequest, QuerySource, Refusal, Report, ServicePolicy, StartError, Verdict,
    VerifiedPresentation, VerifierIdentity, start,
};
use serde::{Deserialize, Serialize};

use crate::clock::unix_now;
use crate::encryption::{EncryptionError, ResponseKey};
use crate::outcome::Outcome;
use crate::results::Results;
use crate::scan::{Read, Scans};
use crate::store::{Decision, Store, StoreError, StoredRequest};
use crate::sync::{Ledger, Network};

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
    /// The request could not be started.
    #[error("the request could not be started")]
    Start(#[source] StartError),
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
            DeskError::Start(error) => error.code(),
            DeskError::Encode(_) => "request_not_encodable",
            DeskError::Encryption(error) => error.code(),
            DeskError::Store(error) => error.code(),
        }
    }
}

/// Says how a desk asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Debug, Serialize)]
pub struct Started {
    /// Unguessable identifier.
    pub id: String,
    /// Texts of the QR codes to show, in turn if there are several; none in one-way mode.
    pub qr: Vec<String>,
    /// Where a wallet fetches the request object; online mode only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_uri: Option<String>,
    /// Until when it can be answered, in seconds since the epoch.
    pub expires_at: u64,
}

/// Serves the desks of an office: starts requests and checks answers.
pub struct Desk {
    verifier: VerifierIdentity,
    signer: FileKey,
    services: BTreeMap<String, ServicePolicy>,
    store: Store,
    ledger: Ledger,
    results: Results,
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

    /// Returns the full outcome of a request that was answered in this process lately.
    pub fn outcome(&self, id: &str) -> Option<Outcome> {
        self.results.get(id)
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
        request: Option<&str>,
    ) -> Result<Scanned, DeskError> {
        let mut read = self.read_texts(desk, texts);
        if matches!(&read, Read::Unreadable { verdict, .. } if *verdict == Verdict::Unsupported) {
            // Perhaps an issuer's new dictionary: what is not at hand may be had.
            self.ledger.refresh(0, unix_now()).await;
            read = self.read_texts(desk, texts);
        }
        let outcome = match read {
            Read::Partial { received, needed } => {
                return Ok(Scanned::Progress { received, needed });
            }
            Read::Presentation(vp_token) => self.check(&vp_token, request).await?,
            Read::Unreadable { verdict, reason } => self.unreadable(verdict, reason).await?,
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
        self.store.insert_request(&request, now).await?;
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
        Ok(stored(id, pending, None, None, Vec::new(), None))
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
        Ok(stored(id, pending, Some(object), None, qr, None))
    }

    fn start_online(
        &self,
        id: String,
        policy: &ServicePolicy,
        base_url: &str,
        now: u64,
    ) -> Result<(StoredRequest, Started), DeskError> {
        let key =
            ResponseKey::generate(&b64url(&random_bytes::<8>())).map_err(DeskError::Encryption)?;
        let delivery = Delivery::Online(ResponseMode::DirectPostJwt {
            response_uri: format!("{base_url}/openid4vp/responses/{id}"),
            encryption: ResponseEncryption {
                key: key.public_key().map_err(DeskError::Encryption)?,
                kid: key.kid().to_owned(),
                enc: vec!["A128GCM".to_owned(), "A256GCM".to_owned()],
            },
        });
        let (object, pending) = self.sign(policy, delivery, now)?;
        let uri = format!("{base_url}/openid4vp/requests/{id}");
        let link = wallet_link(&self.verifier.client_id(), &uri);
        let private = Some(key.to_json());
        Ok(stored(
            id,
            pending,
            Some(object),
            private,
            vec![link],
            Some(uri),
        ))
    }

    fn sign(
        &self,
        policy: &ServicePolicy,
        delivery: Delivery,
        now: u64,
    ) -> Result<(String, PendingRequest), DeskError> {
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

    /// Checks an answer (`vp_token` JSON) against the request that it answers: the one named by
    /// `request`, else the one that its nonce belongs to, else the service that its one-way code
    /// is for.
    pub async fn check(&self, vp_token: &str, request: Option<&str>) -> Result<Outcome, DeskError> {
        let nonce = read_nonce(vp_token);
        let matched = self.matching_request(vp_token, &nonce, request).await?;
        let (request, pending) = match matched {
            Ok(matched) => matched,
            Err((verdict, reason)) => {
                let network = self.ledger.known_network();
                let outcome = Outcome::unmatched(verdict, reason, network, unix_now());
                return self.refused(request, &nonce, outcome).await;
            }
        };
        let network = self
            .ledger
            .refresh(pending.policy().refresh_after, unix_now())
            .await;
        let Some(view) = self.ledger.view() else {
            let (verdict, reason) = self.ledger.why_no_view();
            let outcome = Outcome::unmatched(verdict, reason.to_owned(), network, unix_now());
            return self.refused(request.as_deref(), &nonce, outcome).await;
        };
        match pending.finish(vp_token, &view, unix_now()) {
            Ok(accepted) => self.accepted(request.as_deref(), accepted, network).await,
            Err(refusal) => {
                let refusal = self.tell_replay(refusal, &nonce).await?;
                let outcome = Outcome::new(refusal, network);
                self.refused(request.as_deref(), &nonce, outcome).await
            }
        }
    }

    /// Uses the nonce up before anyone is told `valid`; a nonce that was used up is a replay.
    async fn accepted(
        &self,
        request: Option<&str>,
        accepted: VerifiedPresentation,
        network: Network,
    ) -> Result<Outcome, DeskError> {
        let nonce = accepted.nonce().to_owned();
        let outcome = Outcome::new(accepted.report().clone(), network);
        let first = self
            .store
            .accept(&Decision {
                request_id: request,
                nonce: &nonce,
                outcome: &outcome,
            })
            .await?;
        if first {
            self.results.put(request, &outcome);
            return Ok(outcome);
        }
        let outcome = Outcome::new(accepted.replayed().report().clone(), network);
        self.refused(request, &nonce, outcome).await
    }

    /// A code that was used and then grew old is still, first of all, a used one.
    async fn tell_replay(&self, refusal: Refusal, nonce: &str) -> Result<Report, DeskError> {
        let mut report = refusal.report().clone();
        if report.verdict == Verdict::PresentationExpired && self.store.is_used(nonce).await? {
            report.verdict = Verdict::Replayed;
            report.reason = "This code was used before.".to_owned();
        }
        Ok(report)
    }

    async fn refused(
        &self,
        request: Option<&str>,
        nonce: &str,
        outcome: Outcome,
    ) -> Result<Outcome, DeskError> {
        self.store
            .refuse(&Decision {
                request_id: request,
                nonce,
                outcome: &outcome,
            })
            .await?;
        self.results.put_unless_valid(request, &outcome);
        Ok(outcome)
    }

    async fn matching_request(
        &self,
        vp_token: &str,
        nonce: &str,
        named: Option<&str>,
    ) -> Result<Match, DeskError> {
        if let Some(id) = named {
            let found = self.store.request(id).await?;
            let request = found.ok_or(DeskError::UnknownRequest)?;
            return Ok(Ok((Some(request.id), request.pending)));
        }
        if let Some(request) = self.store.request_by_nonce(nonce).await? {
            return Ok(Ok((Some(request.id), request.pending)));
        }
        let token = match readable(vp_token) {
            Ok(token) => token,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        if OneWayNonce::parse(nonce).is_err() {
            let reason = "The code answers a request that is not this office's.";
            return Ok(Err((Verdict::RequestMismatch, reason.to_owned())));
        }
        Ok(self.one_way_service(&token.query_id))
    }

    fn one_way_service(&self, query_id: &str) -> Match {
        let asks = |policy: &&ServicePolicy| match &policy.query {
            QuerySource::Template(template) => template == query_id,
            QuerySource::Dcql(_) => policy.service == query_id,
        };
        let refused = |reason: &str| Err((Verdict::RequestMismatch, reason.to_owned()));
        let Some(policy) = self.services.values().find(asks) else {
            return refused("The code is for a service that this office does not have.");
        };
        match PendingRequest::one_way(policy.clone(), &self.verifier, unix_now()) {
            Ok(pending) => Ok((None, pending)),
            Err(_) => refused("The service takes no one-way codes; show a request."),
        }
    }
}

/// A request's id, if it has one, and what to check the answer against; or why there is none.
type Match = Result<(Option<String>, PendingRequest), (Verdict, String)>;

fn stored(
    id: String,
    pending: PendingRequest,
    request_object: Option<String>,
    decryption_key: Option<String>,
    qr: Vec<String>,
    request_uri: Option<String>,
) -> (StoredRequest, Started) {
    let started = Started {
        id: id.clone(),
        qr,
        request_uri,
        expires_at: pending.expires(),
    };
    let request = StoredRequest {
        id,
        pending,
        request_object,
        decryption_key,
        verdict: None,
        decided_at: None,
    };
    (request, started)
}

/// Reads the nonce that an answer claims, to find its request; nothing is believed of it.
fn read_nonce(vp_token: &str) -> String {
    VpToken::parse(vp_token)
        .ok()
        .and_then(|token| UnverifiedPresentation::parse(&token.presentation).ok())
        .map(|answer| answer.dangerous_nonce_unverified().to_owned())
        .unwrap_or_default()
}

fn readable(vp_token: &str) -> Result<VpToken, (Verdict, String)> {
    let token = VpToken::parse(vp_token).map_err(|e| {
        (
            Verdict::Malformed,
            format!("The code holds no presentation: {e}."),
        )
    })?;
    match UnverifiedPresentation::parse(&token.presentation) {
        Ok(_) => Ok(token),
        Err(error) => Err((jumin_verifier::verdict_of(&error), format!("{error}."))),
    }
}

/// Makes the link that a wallet opens (OpenID4VP 1.0 §5.10, by reference).
fn wallet_link(client_id: &str, request_uri: &str) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", client_id)
        .append_pair("request_uri", request_uri)
        .finish();
    format!("openid4vp://?{query}")
}
