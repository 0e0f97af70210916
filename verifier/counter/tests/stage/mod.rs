//! A counter between a ledger node and an issuer that can be cut off, or lie.
#![allow(dead_code)]

#[path = "../../../tests/world/mod.rs"]
pub mod world;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use jumin_counter::desk::{Desk, Scanned};
use jumin_counter::evidence::EvidenceFiles;
use jumin_counter::outcome::Outcome;
use jumin_counter::store::Store;
use jumin_counter::sync::{Ledger, Patience};
use jumin_http::{Client, Url};
use jumin_identity::{Did, FileKey, OneWayNonce, UnverifiedJws, random_bytes};
use jumin_registry::{AnchorKind, Handover, NetworkTrust, Role};
use jumin_verifier::{PendingRequest, ServicePolicy, builtin_services};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use world::World;

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_secs()
}

/// What the node and the issuer do.
#[derive(Default)]
pub struct Switches {
    pub node_down: AtomicBool,
    pub node_lies: AtomicBool,
    pub lists_down: AtomicBool,
    /// Keeps answers back, as they were when they were asked for.
    pub lists_held: AtomicBool,
    /// Serves this bundle instead of a fresh one.
    pub frozen: Mutex<Option<Vec<u8>>>,
    pub bundles_served: AtomicUsize,
    pub lists_served: AtomicUsize,
}

/// Waits for whatever is on its way: what a test says must not hang on how busy the machine is.
pub const PATIENT: Patience = Patience {
    node: Duration::from_secs(20),
    first: Duration::from_secs(20),
    list: Duration::from_secs(20),
};

pub struct Stage {
    pub world: Arc<Mutex<World>>,
    pub switches: Arc<Switches>,
    pub home: TempDir,
    /// Asked in this order.
    pub nodes: Vec<Url>,
    pub patience: Patience,
    /// The trust file that the office got when it was set up.
    trust: NetworkTrust,
}

#[derive(Clone)]
struct Shared {
    world: Arc<Mutex<World>>,
    switches: Arc<Switches>,
}

impl Stage {
    pub async fn new() -> Stage {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: SocketAddr = listener.local_addr().unwrap();
        let base = format!("http://{address}");
        let world = World::at(now(), &format!("{base}/status/1"));
        let trust = world.ledger.trust();
        let shared = Shared {
            world: Arc::new(Mutex::new(world)),
            switches: Arc::new(Switches::default()),
        };
        let router = Router::new()
            .route("/v1/bundle", get(bundle))
            .route("/status/1", get(list))
            .with_state(shared.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Stage {
            world: shared.world,
            switches: shared.switches,
            home: TempDir::new().unwrap(),
            nodes: vec![Url::parse(&base).unwrap()],
            patience: PATIENT,
            trust,
        }
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// Opens the office's desks, as a process that starts does.
    pub async fn desk(&self) -> Desk {
        self.desk_with(builtin_services().unwrap()).await
    }

    pub async fn desk_with(&self, services: Vec<ServicePolicy>) -> Desk {
        let files = EvidenceFiles::open(&self.home.path().join("ledger")).unwrap();
        let (verifier, key) = {
            let world = self.world();
            let key = FileKey::from_pkcs8_der(&world.office.key.to_pkcs8_der()).unwrap();
            (world.verifier(), key)
        };
        let trust = self.trust.clone();
        let nodes = self.nodes.clone();
        let ledger = Ledger::open(files, nodes, trust, Client::new().unwrap()).unwrap();
        let ledger = ledger.with_patience(self.patience);
        let store = Store::open(&self.home.path().join("counter.db")).await;
        Desk::new(verifier, key, services, store.unwrap(), ledger)
    }

    /// Gives the network other validators, twice, and has the node serve the bundle with these changes to it.
    pub fn validators_change_twice(&self, served: impl FnOnce(Vec<Handover>) -> Vec<Handover>) {
        let mut world = self.world();
        let changes = vec![
            world.ledger.hand_over(&[2, 3, 4, 5]),
            world.ledger.hand_over(&[4, 5, 6, 7, 8]),
        ];
        let bundle = world.ledger.bundle(now()).with_handovers(served(changes));
        *self.switches.frozen.lock().unwrap() = Some(bundle.to_bytes());
    }

    /// Accredits another issuing agency, which anchors a list that is served at `uri`.
    pub fn another_agency(&self, uri: &str) -> Did {
        let mut world = self.world();
        let at = now() - 50;
        world.ledger.set_time(at);
        let agency = world.ledger.agency();
        let types = [world::CARD];
        world
            .ledger
            .accredit(&agency.did, Role::Issuer, &types, at, at + 1_000_000);
        world
            .ledger
            .anchor(&agency, AnchorKind::StatusList, uri, 1, [7; 32], None);
        agency.did
    }

    pub fn cut(&self, cut: bool) {
        self.switches.node_down.store(cut, Ordering::Relaxed);
        self.switches.lists_down.store(cut, Ordering::Relaxed);
    }

    /// Starts a request at a desk; returns its id and what a wallet answers to.
    pub async fn ask(&self, desk: &Desk, service: &str) -> (String, PendingRequest) {
        let mode = jumin_counter::desk::Mode::Qr;
        let started = desk.start(service, mode, "").await.unwrap();
        let stored = desk.store().request(&started.id).await.unwrap().unwrap();
        (started.id, stored.pending)
    }

    /// A wallet's answer to a request.
    pub async fn answered(&self, desk: &Desk, service: &str) -> String {
        let (_, pending) = self.ask(desk, service).await;
        let mut world = self.world();
        world.now = now();
        world.answer(&pending)
    }

    /// A wallet's one-way code for the office.
    pub fn one_way(&self, service: &str) -> String {
        let nonce = OneWayNonce::new(now(), random_bytes()).to_string();
        let world = self.world();
        let audience = world.verifier().client_id();
        let card = world.card().issue();
        world.present_as(&card, service, &audience, &nonce, now())
    }

    pub async fn check(&self, desk: &Desk, text: &str) -> Outcome {
        decided(desk.scan("1", &[text.to_owned()], None).await.unwrap())
    }
}

pub fn decided(scanned: Scanned) -> Outcome {
    match scanned {
        Scanned::Decided(outcome) => *outcome,
        Scanned::Progress { received, needed } => panic!("{received} of {needed}"),
    }
}

/// Returns a member of a compact JWS's payload.
pub fn payload(jws: &str) -> serde_json::Value {
    let jws = UnverifiedJws::parse(jws, 100_000).unwrap();
    serde_json::from_slice(jws.dangerous_payload_unverified()).unwrap()
}

async fn bundle(State(shared): State<Shared>) -> Result<Vec<u8>, StatusCode> {
    let switches = &shared.switches;
    if switches.node_down.load(Ordering::Relaxed) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    switches.bundles_served.fetch_add(1, Ordering::Relaxed);
    if let Some(frozen) = switches.frozen.lock().unwrap().clone() {
        return Ok(frozen);
    }
    let mut world = shared.world.lock().unwrap();
    let bytes = world.ledger.bundle(now()).to_bytes();
    if switches.node_lies.load(Ordering::Relaxed) {
        return Ok(forged(&bytes));
    }
    Ok(bytes)
}

/// Swaps two records' values, keeping their proofs.
pub fn forged(bundle: &[u8]) -> Vec<u8> {
    let mut json: serde_json::Value = serde_json::from_slice(bundle).unwrap();
    let records = json["records"].as_array_mut().unwrap();
    let first = records[0]["value"].clone();
    records[0]["value"] = std::mem::replace(&mut records[1]["value"], first);
    serde_json::to_vec(&json).unwrap()
}

async fn list(State(shared): State<Shared>) -> Result<String, StatusCode> {
    if shared.switches.lists_down.load(Ordering::Relaxed) {
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    }
    let token = shared.world.lock().unwrap().token.clone();
    shared.switches.lists_served.fetch_add(1, Ordering::Relaxed);
    while shared.switches.lists_held.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(token)
}

/// Takes every connection and says nothing: a server behind a black hole.
pub async fn mute_server() -> String {
    server(|socket| async move {
        std::future::pending::<()>().await;
        drop(socket);
    })
    .await
}

/// Begins every answer at once and then sends a byte every 50 ms.
pub async fn trickling_server() -> String {
    server(|mut socket| async move {
        let _ = socket.read(&mut [0; 4096]).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
        let mut sent = socket.write_all(head).await;
        while sent.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
            sent = socket.write_all(b"x").await;
        }
    })
    .await
}

async fn server<F>(serve: fn(TcpStream) -> F) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    base
}
