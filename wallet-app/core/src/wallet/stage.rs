//! A stage for tests: a ledger in memory, an issuer and a verifier on loopback that can be told to misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jumin_identity::{
    AuthorizationRequest, CredentialType, FileKey, IssuanceRequest, PublicKey, ResponseMode,
    Signer, StatusReference, UnverifiedJws, builtin_types, issue_credential, random_bytes,
    sign_request, template,
};
use jumin_registry::testing::{TestAgency, TestLedger, document};
use jumin_registry::{
    Accreditor, Claims, Localized, Operation, RecordKey, Role, Service, VerifiedBundle,
};
use serde_json::{Map, Value, json};

use super::Wallet;
use crate::store::Setup;
use crate::trust::{Proven, RecordSource, TrustError};
use crate::vault::{UnlockSecret, testing_vault};

pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const CARD: &str = "urn:jumin:resident-card:1";
pub(super) const CODE: &str = "135790";
const YEAR: u64 = 365 * 24 * 3600;

/// Says what the issuer does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    TamperedClaim,
    ForeignHolderKey,
    SharedStatusEntry,
    DifferentClaims,
    OtherIssuerInMetadata,
    UsedOffer,
    ForeignIssuer,
    NonceOnceInvalid,
    FarFuture,
}

/// Is the ledger as its source of records, whose network can be cut.
#[derive(Clone)]
pub(super) struct Ledger {
    pub(super) ledger: Arc<Mutex<TestLedger>>,
    pub(super) now: Arc<Mutex<u64>>,
    pub(super) cut: Arc<Mutex<bool>>,
}

#[async_trait]
impl RecordSource for Ledger {
    async fn record(&self, key: &RecordKey) -> Result<Proven, TrustError> {
        self.connected()?;
        let mut ledger = self.ledger.lock().unwrap();
        let checkpoint = ledger.checkpoint(*self.now.lock().unwrap());
        let checkpoint = checkpoint.verify(&ledger.trust()).unwrap();
        let record = ledger.prove(key).verify(key, &checkpoint).unwrap();
        Ok(Proven { checkpoint, record })
    }

    async fn bundle(&self) -> Result<(Vec<u8>, VerifiedBundle), TrustError> {
        self.connected()?;
        let mut ledger = self.ledger.lock().unwrap();
        let bundle = ledger.bundle(*self.now.lock().unwrap());
        let verified = bundle.verify(&ledger.trust()).unwrap();
        Ok((bundle.to_bytes(), verified))
    }
}

impl Ledger {
    fn connected(&self) -> Result<(), TrustError> {
        match *self.cut.lock().unwrap() {
            true => Err(TrustError::Unreachable("cut".into())),
            false => Ok(()),
        }
    }
}

/// Is what the servers on the stage know and have heard.
pub(super) struct Scene {
    pub(super) fault: Mutex<Fault>,
    pub(super) base: Mutex<String>,
    pub(super) issuer: TestAgency,
    /// Is accredited like the issuer, and has no server here.
    other_issuer: TestAgency,
    pub(super) status_list: Mutex<Option<String>>,
    /// Is every transaction code that came here.
    pub(super) codes: Mutex<Vec<String>>,
    nonces: Mutex<u32>,
    pub(super) notified: Mutex<Vec<String>>,
    pub(super) request_object: Mutex<String>,
    pub(super) received: Mutex<HashMap<String, String>>,
}

impl Scene {
    pub(super) fn issuer_did(&self) -> jumin_identity::Did {
        self.issuer.did.clone()
    }
}

/// Is everything a test needs.
pub(super) struct Stage {
    pub(super) wallet: Wallet,
    pub(super) ledger: Ledger,
    pub(super) scene: Arc<Scene>,
    pub(super) verifier: TestAgency,
    pub(super) grant: u64,
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Sets the stage with an issuer and a verifier, both accredited for the resident card.
    pub(super) async fn new() -> Self {
        let by_governance = |ledger: &mut TestLedger, issuer: &TestAgency| {
            let (from, until) = (NOW - 1000, NOW + YEAR);
            ledger.accredit(&issuer.did, Role::Issuer, &[CARD], from, until)
        };
        Self::accredited(by_governance).await
    }

    /// Sets the stage with an issuer below a ministry, whose own grant runs out at `until`; gives the ministry as well.
    pub(super) async fn below_a_ministry(until: u64) -> (Self, TestAgency) {
        let mut above = None;
        let stage = Self::accredited(|ledger, issuer| {
            let ministry = above.insert(ledger.agency());
            let (from, longest) = (NOW - 1000, NOW + YEAR);
            let did = &ministry.did;
            ledger.accredit(did, Role::Accreditor, &[CARD], from, longest);
            let grant = Operation::Accredit {
                accreditor: Accreditor::Did(did.clone()),
                subject: issuer.did.clone(),
                role: Role::Issuer,
                name: Localized {
                    ko: "종로구".into(),
                    en: "Jongno".into(),
                },
                types: vec![CARD.into()],
                claims: Claims::Any,
                from,
                until,
                version: 0,
            };
            ledger.apply(&ministry.sign(&grant)).unwrap();
            1
        });
        let stage = stage.await;
        (stage, above.unwrap())
    }

    async fn accredited(accredit: impl FnOnce(&mut TestLedger, &TestAgency) -> u64) -> Self {
        let mut ledger = TestLedger::new(NOW - 1000);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let issuer = agency_with_service(&mut ledger, &base);
        let verifier = ledger.agency();
        let (from, until) = (NOW - 1000, NOW + YEAR);
        let grant = accredit(&mut ledger, &issuer);
        let other_issuer = ledger.agency();
        ledger.accredit(&other_issuer.did, Role::Issuer, &[CARD], from, until);
        ledger.accredit(&verifier.did, Role::Verifier, &[CARD], from, until);
        ledger.anchor_type(CARD, &card_type().integrity());
        let scene = Arc::new(Scene {
            fault: Mutex::new(Fault::None),
            base: Mutex::new(base),
            issuer,
            other_issuer,
            status_list: Mutex::default(),
            codes: Mutex::default(),
            nonces: Mutex::new(0),
            notified: Mutex::default(),
            request_object: Mutex::default(),
            received: Mutex::default(),
        });
        let app = routes(scene.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let ledger = Ledger {
            ledger: Arc::new(Mutex::new(ledger)),
            now: Arc::new(Mutex::new(NOW)),
            cut: Arc::default(),
        };
        let folder = tempfile::tempdir().unwrap();
        Self {
            wallet: wallet(folder.path(), &ledger),
            ledger,
            scene,
            verifier,
            grant,
            _folder: folder,
        }
    }

    pub(super) fn base(&self) -> String {
        self.scene.base.lock().unwrap().clone()
    }

    pub(super) fn offer(&self) -> String {
        let base = self.base();
        let uri = format!("{base}/offers/1")
            .replace(':', "%3A")
            .replace('/', "%2F");
        format!("openid-credential-offer://?credential_offer_uri={uri}")
    }

    pub(super) fn misbehave(&self, fault: Fault) {
        *self.scene.fault.lock().unwrap() = fault;
    }

    /// Has the wallet accept a card.
    pub(super) async fn accept(&self) -> Result<crate::DocumentSummary, crate::IssuanceError> {
        let open = self.wallet.read_offer(&self.offer()).await?;
        self.wallet.accept(&open, Some(CODE), NOW).await
    }

    /// Signs a request of the verifier.
    pub(super) fn request(&self, service: &str, response: ResponseMode) -> String {
        self.request_by(&self.verifier, service, response)
    }

    pub(super) fn request_by(
        &self,
        verifier: &TestAgency,
        service: &str,
        response: ResponseMode,
    ) -> String {
        self.request_until(verifier, service, response, NOW + 120)
    }

    pub(super) fn request_until(
        &self,
        verifier: &TestAgency,
        service: &str,
        response: ResponseMode,
        expires: u64,
    ) -> String {
        let request = AuthorizationRequest {
            client_id: format!("decentralized_identifier:{}", verifier.did),
            nonce: jumin_identity::b64url(&random_bytes::<16>()),
            query: template(service).unwrap().query().clone(),
            expires,
            response,
            state: Some("the-state".into()),
        };
        sign_request(&request, Some(&verifier.kid()), &[], NOW, &verifier.key).unwrap()
    }

    pub(super) fn response_uri(&self) -> String {
        format!("{}/response", self.scene.base.lock().unwrap())
    }
}

fn wallet(folder: &std::path::Path, ledger: &Ledger) -> Wallet {
    let secret = UnlockSecret::new("correct horse".into());
    let (vault, database) = testing_vault(&folder.join("wallet"), &secret);
    let setup = Setup {
        nodes: Vec::new(),
        trust: ledger.ledger.lock().unwrap().trust(),
        followed: None,
        trust_anchors: None,
    };
    database.set_setup(&setup).unwrap();
    let mut wallet = Wallet::new(vault, Some(database));
    let source = ledger.clone();
    wallet.source = Arc::new(move |_, _| Some(Box::new(source.clone())));
    wallet
}

pub(super) fn agency_with_service(ledger: &mut TestLedger, endpoint: &str) -> TestAgency {
    let key = FileKey::generate().unwrap();
    let mut document = document(&key, NOW - 1000);
    document.services.push(Service {
        id: "issuer".into(),
        kind: "OpenID4VCI".into(),
        endpoint: endpoint.into(),
    });
    ledger.agency_with(key, document)
}

pub(super) fn card_type() -> CredentialType {
    let mut types = builtin_types().into_iter();
    types.find(|definition| definition.vct() == CARD).unwrap()
}

fn routes(scene: Arc<Scene>) -> Router {
    Router::new()
        .route(
            "/.well-known/openid-credential-issuer",
            get(issuer_metadata),
        )
        .route(
            "/.well-known/oauth-authorization-server",
            get(server_metadata),
        )
        .route("/offers/1", get(offer))
        .route("/token", post(token))
        .route("/nonce", post(nonce))
        .route("/credential", post(credential))
        .route("/notification", post(notification))
        .route("/status/1", get(status_list))
        .route("/request", get(request_object).post(request_object))
        .route("/response", post(response))
        .with_state(scene)
}

async fn issuer_metadata(State(scene): State<Arc<Scene>>) -> Json<Value> {
    let base = scene.base.lock().unwrap().clone();
    let issuer = match *scene.fault.lock().unwrap() {
        Fault::OtherIssuerInMetadata => "https://other.example",
        _ => base.as_str(),
    };
    Json(json!({
        "credential_issuer": issuer,
        "credential_endpoint": format!("{base}/credential"),
        "nonce_endpoint": format!("{base}/nonce"),
        "notification_endpoint": format!("{base}/notification"),
        "batch_credential_issuance": {"batch_size": 3},
        "credential_configurations_supported": {"resident-card": {
            "format": "dc+sd-jwt",
            "vct": CARD,
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
        }},
    }))
}

async fn server_metadata(State(scene): State<Arc<Scene>>) -> Json<Value> {
    let base = scene.base.lock().unwrap().clone();
    Json(json!({"issuer": base, "token_endpoint": format!("{base}/token")}))
}

async fn offer(State(scene): State<Arc<Scene>>) -> Response {
    if *scene.fault.lock().unwrap() == Fault::UsedOffer {
        return StatusCode::NOT_FOUND.into_response();
    }
    let base = scene.base.lock().unwrap().clone();
    let grant = json!({"pre-authorized_code": "code", "tx_code": {"length": 6}});
    Json(json!({
        "credential_issuer": base,
        "credential_configuration_ids": ["resident-card"],
        "grants": {"urn:ietf:params:oauth:grant-type:pre-authorized_code": grant},
    }))
    .into_response()
}

fn refused(error: &str) -> Response {
    (StatusCode::BAD_REQUEST, Json(json!({"error": error}))).into_response()
}

async fn token(
    State(scene): State<Arc<Scene>>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let code = form.get("tx_code").cloned().unwrap_or_default();
    let right = code == CODE;
    scene.codes.lock().unwrap().push(code);
    if !right {
        return refused("invalid_grant");
    }
    Json(json!({"access_token": "token", "token_type": "Bearer"})).into_response()
}

async fn nonce(State(scene): State<Arc<Scene>>) -> Json<Value> {
    let mut nonces = scene.nonces.lock().unwrap();
    *nonces += 1;
    Json(json!({"c_nonce": format!("nonce-{nonces}")}))
}

async fn credential(State(scene): State<Arc<Scene>>, Json(body): Json<Value>) -> Response {
    let fault = *scene.fault.lock().unwrap();
    if fault == Fault::NonceOnceInvalid && *scene.nonces.lock().unwrap() == 1 {
        return refused("invalid_nonce");
    }
    let proofs = body["proofs"]["jwt"].as_array().unwrap();
    let copies: Vec<Value> = proofs
        .iter()
        .enumerate()
        .map(|(index, proof)| {
            let jws = UnverifiedJws::parse(proof.as_str().unwrap(), 4096).unwrap();
            let jwk = serde_json::from_value(jws.header()["jwk"].clone()).unwrap();
            let holder = PublicKey::from_jwk(&jwk).unwrap();
            jws.verify(&holder).unwrap();
            json!({"credential": copy(&scene, index as u32, &holder, fault)})
        })
        .collect();
    Json(json!({"credentials": copies, "notification_id": "n"})).into_response()
}

pub(super) fn claims(age: bool) -> Map<String, Value> {
    let claims = json!({
        "name": {"hangul": "홍길동", "hanja": "洪吉童", "roman": "Hong Gildong"},
        "resident_registration_number": "900101-1234567",
        "birthdate": "1990-01-01",
        "sex": "male",
        "address": {"sido": "서울특별시", "sigungu": "종로구", "eupmyeondong": "청운동",
            "road": "자하문로", "detail": "1"},
        "age_equal_or_over": {"14": true, "19": age, "65": false},
        "issuing_authority": "서울특별시 종로구청장",
        "issue_date": "2027-01-15",
    });
    claims.as_object().unwrap().clone()
}

fn copy(scene: &Scene, index: u32, holder: &PublicKey, fault: Fault) -> String {
    let other = FileKey::generate().unwrap();
    let holder = match fault {
        Fault::ForeignHolderKey => other.public_key(),
        _ => holder,
    };
    let start = match fault {
        Fault::FarFuture => NOW + 500,
        _ => NOW - 500,
    };
    let idx = match fault {
        Fault::SharedStatusEntry => 7,
        _ => index,
    };
    let definition = card_type();
    let issuer = match fault {
        Fault::ForeignIssuer => &scene.other_issuer,
        _ => &scene.issuer,
    };
    let request = IssuanceRequest {
        credential_type: &definition,
        issuer: issuer.did.as_str(),
        kid: &issuer.kid(),
        x5c: &[],
        claims: &claims(fault != Fault::DifferentClaims || index != 1),
        iat: NOW - 500,
        nbf: start,
        exp: NOW + YEAR,
        holder,
        status: StatusReference {
            uri: format!("{}/status/1", scene.base.lock().unwrap()),
            idx,
        },
    };
    let compact = issue_credential(&request, &mut random_bytes::<16>, &issuer.key).unwrap();
    match fault {
        Fault::TamperedClaim => tampered(&compact),
        _ => compact,
    }
}

/// Turns one bit of the issuer's signature.
fn tampered(compact: &str) -> String {
    let (jwt, rest) = compact.split_once('~').unwrap();
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let mut bytes = jumin_identity::b64url_decode(signature).unwrap();
    bytes[10] ^= 1;
    format!("{signed}.{}~{rest}", jumin_identity::b64url(&bytes))
}

async fn notification(State(scene): State<Arc<Scene>>, Json(body): Json<Value>) -> StatusCode {
    let event = body["event"].as_str().unwrap().to_owned();
    scene.notified.lock().unwrap().push(event);
    StatusCode::NO_CONTENT
}

async fn status_list(State(scene): State<Arc<Scene>>) -> Response {
    let list = scene.status_list.lock().unwrap().clone();
    list.map_or(
        StatusCode::NOT_FOUND.into_response(),
        IntoResponse::into_response,
    )
}

async fn request_object(State(scene): State<Arc<Scene>>) -> String {
    scene.request_object.lock().unwrap().clone()
}

async fn response(
    State(scene): State<Arc<Scene>>,
    Form(form): Form<HashMap<String, String>>,
) -> Json<Value> {
    *scene.received.lock().unwrap() = form;
    Json(json!({"redirect_uri": "https://verifier.example/done"}))
}
