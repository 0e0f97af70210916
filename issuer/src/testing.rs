//! An issuer in a temporary directory, and a wallet for it, for tests.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use jumin_http::Client;
use jumin_identity::{Did, DidUrl, FileKey, NetworkName, Signer, builtin_types, sign_jws};
use jumin_registry::NetworkTrust;
use jumin_registry::client::LedgerClient;
use serde_json::{Map, Value, json};
use tower::ServiceExt;

use crate::app::{App, ConsoleEdge, Documents};
use crate::claims::Configuration;
use crate::console::{AgencyView, DeviceKey, Localized, Passwords, RecentViews};
use crate::counts::{Counts, Few};
use crate::indexes::StatusIndexes;
use crate::issue::IssuerKey;
use crate::ledger::{IssuerLedger, Ledger};
use crate::metadata::Names;
use crate::publish::Publisher;
use crate::register::synthetic_register;
use crate::routes;
use crate::secret::{NonceKey, Secret};
use crate::store::Store;

/// Where the console listens.
pub(crate) const HOST: &str = "127.0.0.1:7201";
pub(crate) const URL: &str = "https://issuer.example";

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(1_795_000_000) };
}

fn clock() -> u64 {
    NOW.get()
}

/// Moves this test's clock on.
pub(crate) fn pass(seconds: u64) {
    NOW.set(NOW.get() + seconds);
}

/// An issuer whose ledger doesn't answer; its first status list is open all the same.
pub(crate) struct TestIssuer {
    pub app: Arc<App>,
    public: Router,
    console: Router,
    _directory: tempfile::TempDir,
}

/// An answer: status, headers, and the body as JSON.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub challenge: Option<String>,
    pub body: Value,
}

impl Answer {
    /// The code of an OAuth error or of a problem.
    pub fn code(&self) -> &str {
        let code = self.body.get("error").or(self.body.get("code"));
        code.and_then(Value::as_str).unwrap_or_default()
    }
}

impl TestIssuer {
    pub async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&directory.path().join("issuer.sqlite"))
            .await
            .unwrap();
        let register = synthetic_register(1, 60);
        store.add_register(&register, &[]).await.unwrap();
        let app = Arc::new(app(store).await);
        Self {
            public: routes::public(Arc::clone(&app)),
            console: routes::console(Arc::clone(&app)),
            app,
            _directory: directory,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).body(Body::empty()).unwrap();
        answer(self.public.clone(), request).await
    }

    pub async fn post(&self, path: &str, kind: &str, body: String, token: Option<&str>) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, kind);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        answer(self.public.clone(), request.body(Body::from(body)).unwrap()).await
    }

    pub async fn console(&self, method: &str, path: &str, body: Value) -> Answer {
        let token = self.app.console_token.reveal();
        self.console_as(method, path, body, Some(token)).await
    }

    /// Sends the console a request of the test's own making.
    pub async fn ask_console(&self, request: Request<Body>) -> Answer {
        answer(self.console.clone(), request).await
    }

    pub async fn console_as(
        &self,
        method: &str,
        path: &str,
        body: Value,
        token: Option<&str>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, HOST);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = match body {
            Value::Null => Body::empty(),
            body => Body::from(body.to_string()),
        };
        answer(self.console.clone(), request.body(body).unwrap()).await
    }

    /// Makes an offer of the first resident's card; returns the pre-authorized code and the transaction code.
    pub async fn offer(&self) -> (String, String) {
        self.offer_to("r000001").await
    }

    /// Makes an offer of a resident's card; returns the pre-authorized code and the transaction code.
    pub async fn offer_to(&self, resident: &str) -> (String, String) {
        let wish =
            json!({ "resident_id": resident, "credential_configuration_id": "resident-card" });
        let offer = self.console("POST", "/v1/offers", wish).await;
        assert_eq!(offer.status, StatusCode::CREATED, "{offer:?}");
        let uri = offer.body["credential_offer_uri"].as_str().unwrap();
        let uri = url::Url::parse(uri).unwrap();
        let (_, address) = uri.query_pairs().next().unwrap();
        let offered = self.get(address.strip_prefix(URL).unwrap()).await;
        let grant = &offered.body["grants"][crate::metadata::PRE_AUTHORIZED_CODE];
        let code = grant["pre-authorized_code"].as_str().unwrap().to_owned();
        (code, offer.body["tx_code"].as_str().unwrap().to_owned())
    }

    pub async fn token(&self, code: &str, tx_code: &str) -> Answer {
        self.token_with(code, tx_code, "").await
    }

    pub async fn token_with(&self, code: &str, tx_code: &str, more: &str) -> Answer {
        let grant = crate::metadata::PRE_AUTHORIZED_CODE;
        let body = format!("grant_type={grant}&pre-authorized_code={code}&tx_code={tx_code}{more}");
        self.post("/token", "application/x-www-form-urlencoded", body, None)
            .await
    }

    /// Goes as far as an access token.
    pub async fn access_token(&self) -> String {
        let (code, tx_code) = self.offer().await;
        let answer = self.token(&code, &tx_code).await;
        answer.body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn nonce(&self) -> String {
        let answer = self.post("/nonce", "", String::new(), None).await;
        answer.body["c_nonce"].as_str().unwrap().to_owned()
    }

    pub async fn credential(&self, token: &str, request: &Value) -> Answer {
        let body = request.to_string();
        self.post("/credential", "application/json", body, Some(token))
            .await
    }
}

/// A request for the card with a proof for each key.
pub(crate) fn card_request(nonce: &str, keys: &[FileKey]) -> Value {
    let proofs: Vec<String> = keys.iter().map(|key| proof(nonce, key)).collect();
    json!({ "credential_configuration_id": "resident-card", "proofs": { "jwt": proofs } })
}

fn proof(nonce: &str, key: &FileKey) -> String {
    let mut header = Map::new();
    header.insert("typ".to_owned(), json!("openid4vci-proof+jwt"));
    header.insert("jwk".to_owned(), json!(key.public_key().to_jwk()));
    let claims = json!({ "aud": URL, "iat": clock(), "nonce": nonce });
    sign_jws(&header, claims.to_string().as_bytes(), key).unwrap()
}

pub(crate) fn keys(count: usize) -> Vec<FileKey> {
    (0..count).map(|_| FileKey::generate().unwrap()).collect()
}

async fn answer(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let headers = response.headers().clone();
    let challenge = headers.get(header::WWW_AUTHENTICATE);
    let challenge = challenge.map(|value| value.to_str().unwrap().to_owned());
    let bytes = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let text = || Value::String(String::from_utf8_lossy(&bytes).into_owned());
    Answer {
        status,
        headers,
        challenge,
        body: serde_json::from_slice(&bytes).unwrap_or_else(|_| text()),
    }
}

async fn app(store: Store) -> App {
    let network: NetworkName = "dev".parse().unwrap();
    let did = Did::from_digest(&network, &[9; 32]);
    let issuer = Arc::new(IssuerKey {
        kid: DidUrl::new(&did, "key-1").unwrap(),
        did: did.clone(),
        x5c: Vec::new(),
        signer: Arc::new(FileKey::generate().unwrap()),
        vouched_from: Arc::new(AtomicU64::new(1)),
    });
    let indexes = Arc::new(StatusIndexes::default());
    let uri = format!("{URL}/status/1");
    store.add_list(1, &uri).await.unwrap();
    indexes.open(1, &uri);
    let ledger = unreachable_ledger(network, &did);
    let publisher = Publisher::new(
        store.clone(),
        ledger.clone(),
        Arc::clone(&issuer),
        URL.to_owned(),
        Arc::clone(&indexes),
        clock,
    );
    let types = builtin_types();
    let types: Vec<_> = Configuration::ALL
        .into_iter()
        .map(|one| {
            (
                one,
                types.iter().find(|t| t.vct() == one.vct()).unwrap().clone(),
            )
        })
        .collect();
    let names = Names {
        ko: "종로구".to_owned(),
        en: "Jongno-gu".to_owned(),
    };
    App {
        documents: Documents::new(URL, &names, &issuer, &types),
        store,
        issuer,
        public_url: URL.to_owned(),
        types,
        nonces: NonceKey::new(&[5; 32]),
        ledger,
        names: Localized {
            ko: names.ko,
            en: names.en,
        },
        console: ConsoleEdge::new(([127, 0, 0, 1], 7201).into(), false, None),
        console_token: Secret::random(),
        passwords: Passwords::default(),
        devices: DeviceKey::new(&[6; 32]),
        unknown_names: Few::default(),
        views: RecentViews::default(),
        agency_view: AgencyView::default(),
        indexes,
        publisher: Arc::new(publisher),
        counts: Counts::default(),
        clock,
    }
}

fn unreachable_ledger(network: NetworkName, did: &Did) -> IssuerLedger {
    let trust = NetworkTrust {
        network: network.clone(),
        genesis: [0; 32],
        epoch: 0,
        // Never too old to be followed.
        as_of: u64::MAX,
        validators: vec![[1; 32]],
    };
    let client = LedgerClient::new(Vec::new(), trust, Client::new().unwrap());
    IssuerLedger {
        ledger: Ledger::new(client, network),
        kid: DidUrl::new(did, "ledger-1").unwrap(),
        did: did.clone(),
        signer: Arc::new(FileKey::generate().unwrap()),
    }
}
