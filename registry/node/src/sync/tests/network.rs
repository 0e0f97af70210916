//! A network of one validator with thousands of records, and servers of its state that may lie.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use commonware_codec::{Copying, DecodeExt as _};
use commonware_cryptography::{Signer as _, ed25519};
use jumin_http::Url;
use jumin_identity::{FileKey, Signer as _, b64url, b64url_decode};
use jumin_registry::{
    Accreditor, Certificate, Checkpoint, GovernanceRecord, HEADER_VERSION, Header, NetworkTrust,
    NextValidators, Record, RecordKey, TypeRecord, Validator, finalization_message, tree,
};
use serde::Deserialize;

use crate::application::unix_ms;
use crate::execution::TreeChange;
use crate::genesis::Genesis;
use crate::ledger::Ledger;
use crate::mempool::Capacity;
use crate::snapshot::{Chunk, MAX_CHUNK_BYTES};
use crate::store::{Applied, Changes, Store, StoredCheckpoint};

/// The last block of an epoch, whose successor has other validators.
const HEIGHT: u64 = 29;
/// The validators of that one, by their keys.
const NEXT: [u8; 32] = [8; 32];

/// What a source does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    None,
    AlterValue,
    AlterLast,
    RenameKey,
    InventKey,
    DropRecord,
    DropFirst,
    Reorder,
    Truncate,
    EndEarly,
    SmallChunks,
    Empty,
    OtherRoot,
    OtherNetwork,
    Oversized,
    Endless,
    Garbage,
    Gone,
    /// Gives out a later state than the one that it still has.
    MovedOn,
    /// Has others to serve every other time.
    Busy,
}

pub(super) struct Network {
    pub genesis: Genesis,
    pub trust: NetworkTrust,
    pub ledger: Arc<Ledger>,
    directory: tempfile::TempDir,
}

/// How often a source was asked.
#[derive(Default)]
pub(super) struct Asked {
    pub chunks: AtomicUsize,
    pub from_start: AtomicUsize,
}

impl Network {
    pub(super) fn new() -> Self {
        Self::with_records(5_000)
    }

    pub(super) fn with_records(count: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = ed25519::PrivateKey::decode(Copying([7; 32].as_slice())).unwrap();
        let genesis = genesis(&key);
        let first = genesis.block().unwrap();
        let trust = genesis.trust(first.header());
        let path = directory.path().join("state.redb");
        let store = Store::open(&path, &first.header().digest()).unwrap();
        let store = Arc::new(store);
        drop(Ledger::open(&genesis, store.clone(), Capacity::default()).unwrap());
        grow(&store, &trust, &key, count);
        let ledger = Ledger::open(&genesis, store, Capacity::default()).unwrap();
        Self {
            genesis,
            trust,
            ledger: Arc::new(ledger),
            directory,
        }
    }

    /// A joining node's store.
    pub(super) fn empty_store(&self) -> Arc<Store> {
        let name = format!("{}.redb", b64url(&jumin_identity::random_bytes::<8>()));
        let path = self.directory.path().join(name);
        Arc::new(Store::open(&path, &self.trust.genesis).unwrap())
    }

    /// Requires a fetched state to be this network's, record by record and as a ledger that goes on from it.
    pub(super) fn require_same(&self, store: Arc<Store>) {
        let (mine, theirs) = (
            self.ledger.certified().unwrap().1,
            store.snapshot().unwrap(),
        );
        let keys = mine.record_keys(usize::MAX).unwrap();
        assert_eq!(keys, theirs.record_keys(usize::MAX).unwrap());
        for key in &keys {
            assert_eq!(mine.record(key).unwrap(), theirs.record(key).unwrap());
        }
        let fetched = Ledger::open(&self.genesis, store, Capacity::default()).unwrap();
        let (mine, theirs) = (self.ledger.applied(), fetched.applied());
        assert_eq!((mine.height, mine.digest), (theirs.height, theirs.digest));
        assert_eq!(
            fetched.start().map(|start| start.header.height),
            Some(HEIGHT)
        );
        // The handover of the block itself was made here: nobody sent it.
        let epoch = fetched.epoch();
        assert_eq!(fetched.handovers(0).len(), 1);
        assert_eq!(fetched.committee(epoch), Some(vec![NEXT]));
        assert_eq!(
            fetched.committee(epoch - 1),
            Some(self.trust.validators.clone())
        );
        let key: RecordKey = keys[keys.len() / 2].parse().unwrap();
        let proof = fetched.prove(&key).unwrap();
        let checkpoint = Checkpoint::from_bytes(&proof.checkpoint).unwrap();
        let checkpoint = checkpoint.verify(&self.trust).unwrap();
        assert!(proof.record.verify(&key, &checkpoint).unwrap().is_some());
    }
}

fn genesis(key: &ed25519::PrivateKey) -> Genesis {
    let mut public = [0; 32];
    public.copy_from_slice(key.public_key().as_ref());
    Genesis {
        network: "test".parse().unwrap(),
        time_ms: unix_ms(SystemTime::now()) - 60_000,
        governance: GovernanceRecord {
            version: 1,
            threshold: 1,
            governors: vec![FileKey::generate().unwrap().public_key().clone()],
        },
        epoch_blocks: 10,
        idle_block_ms: 1_000,
        validators: vec![Validator {
            key: public,
            address: "127.0.0.1:1".parse().unwrap(),
            name: "one".to_owned(),
        }],
    }
}

/// Writes many records as if blocks had.
fn grow(store: &Store, trust: &NetworkTrust, key: &ed25519::PrivateKey, count: usize) {
    let time_ms = unix_ms(SystemTime::now());
    let record = |index: usize| {
        let name = format!("urn:test:{index}:{}", "x".repeat(200));
        let record = Record::CredentialType(TypeRecord {
            version: 1,
            integrity: format!("sha256-{}=", "A".repeat(300)),
            by: Accreditor::Governance,
            updated: time_ms / 1000,
            height: HEIGHT,
        });
        (RecordKey::CredentialType(name), record)
    };
    let snapshot = store.snapshot().unwrap();
    let mut set = snapshot.validators().unwrap();
    let mut next = set.current.clone();
    next[0].key = NEXT;
    set.version += 1;
    set.next = Some(NextValidators {
        epoch: set.epoch_of(HEIGHT) + 1,
        validators: next,
    });
    let mut writes: Vec<_> = (0..count).map(record).collect();
    writes.push((RecordKey::Validators, Record::Validators(set.clone())));
    let written = writes.iter().map(|(key, record)| (key, record));
    let (state_root, update) = tree::update(&snapshot, 1, written).unwrap();
    let records: BTreeMap<_, _> = writes
        .iter()
        .map(|(key, record)| (key.to_string(), record.to_bytes()))
        .collect();
    let header = Header {
        version: HEADER_VERSION,
        network: trust.network.clone(),
        epoch: set.epoch_of(HEIGHT),
        height: HEIGHT,
        time_ms,
        parent: [1; 32],
        state_root,
        body_hash: [2; 32],
        next_validators: set.next_hash(HEIGHT),
    };
    let certificate = certify(trust, key, &header);
    let checkpoint = StoredCheckpoint {
        height: HEIGHT,
        time_ms,
        tree_version: 1,
        bytes: Checkpoint {
            header: header.clone(),
            certificate,
        }
        .to_bytes(),
    };
    let applied = Applied {
        height: HEIGHT,
        digest: header.digest(),
        time_ms,
        tree_version: 1,
        state_root,
    };
    let change = TreeChange::from(update);
    store
        .commit(&Changes {
            applied: &applied,
            tree: Some(&change),
            records: &records,
            operations: &HashSet::new(),
            checkpoint: Some(&checkpoint),
            handover: None,
            votes_again: false,
            forget: None,
            votes_seen: &[],
            history: None,
        })
        .unwrap();
}

fn certify(trust: &NetworkTrust, key: &ed25519::PrivateKey, header: &Header) -> Certificate {
    let round = (header.epoch, 3, 2);
    let mut namespace = trust.namespace();
    let message = finalization_message(&namespace, round, &header.digest());
    namespace.extend_from_slice(b"_FINALIZE");
    // The engine's signer writes the namespace, with its length, itself.
    let start = message.len() - (3 + 32);
    let signature = key.sign(&namespace, &message[start..]);
    let vote = (0, signature.as_ref().try_into().unwrap());
    Certificate::new(round, 1, [vote]).unwrap()
}

#[derive(Clone)]
struct Server {
    ledger: Arc<Ledger>,
    trick: Trick,
    asked: Arc<Asked>,
}

/// Serves a network's state until the test ends.
pub(super) async fn serve(network: &Network, trick: Trick) -> (Url, Arc<Asked>) {
    let asked = Arc::new(Asked::default());
    let server = Server {
        ledger: network.ledger.clone(),
        trick,
        asked: asked.clone(),
    };
    let app = Router::new()
        .route("/v1/snapshot", get(newest))
        .route("/v1/snapshot/{root}", get(chunk))
        .route("/v1/handovers", get(async || r#"{"handovers":[]}"#))
        .with_state(server);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url.parse().unwrap(), asked)
}

async fn newest(State(server): State<Server>) -> String {
    let bytes = server.ledger.snapshot_checkpoint().unwrap();
    let mut checkpoint = Checkpoint::from_bytes(&bytes).unwrap();
    match server.trick {
        Trick::OtherRoot | Trick::MovedOn => checkpoint.header.state_root = [9; 32],
        Trick::OtherNetwork => checkpoint.header.network = "other".parse().unwrap(),
        _ => {}
    }
    format!(r#"{{"checkpoint":"{}"}}"#, b64url(&checkpoint.to_bytes()))
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

async fn chunk(
    State(server): State<Server>,
    Path(root): Path<String>,
    Query(query): Query<After>,
) -> Response {
    let asked = server.asked.chunks.fetch_add(1, Ordering::Relaxed);
    if query.after.is_none() {
        server.asked.from_start.fetch_add(1, Ordering::Relaxed);
    }
    match server.trick {
        Trick::Busy if asked % 2 == 0 => {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        Trick::Gone => return StatusCode::NOT_FOUND.into_response(),
        Trick::Garbage => return vec![0xff; 1_000].into_response(),
        Trick::Oversized => return vec![0; MAX_CHUNK_BYTES + 1].into_response(),
        Trick::Endless => {
            let block = Bytes::from(vec![0; 65_536]);
            let endless =
                futures::stream::repeat_with(move || Ok::<_, std::io::Error>(block.clone()));
            return Body::from_stream(endless).into_response();
        }
        _ => {}
    }
    let hash = |text: &str| <[u8; 32]>::try_from(b64url_decode(text).unwrap()).unwrap();
    let after = query.after.as_deref().map(hash);
    let honest = server.ledger.snapshot_chunk(&hash(&root), after).unwrap();
    spoil(honest, server.trick).into_response()
}

/// Does to a true chunk what the source does wrong.
fn spoil(honest: Vec<u8>, trick: Trick) -> Vec<u8> {
    let mut chunk: Chunk = borsh::from_slice(&honest).unwrap();
    let middle = chunk.records.len() / 2;
    match trick {
        Trick::AlterValue => chunk.records[middle].1[20] ^= 1,
        Trick::AlterLast if Chunk::parse(&honest).unwrap().is_last => {
            chunk.records[middle].1[20] ^= 1;
        }
        Trick::RenameKey => chunk.records[middle].0 = "type/urn:test:another".to_owned(),
        Trick::InventKey => chunk.records[middle].0 = "no such kind/of key".to_owned(),
        Trick::DropRecord => drop(chunk.records.remove(middle)),
        Trick::DropFirst => drop(chunk.records.remove(0)),
        Trick::Reorder => chunk.records.swap(middle, middle + 1),
        // No siblings to the right: the last record of all.
        Trick::EndEarly => chunk.proof = vec![0; 4],
        Trick::SmallChunks => chunk.records.truncate(1),
        Trick::Empty => chunk.records.clear(),
        _ => {}
    }
    let mut bytes = borsh::to_vec(&chunk).unwrap();
    if trick == Trick::Truncate {
        bytes.truncate(bytes.len() / 2);
    }
    bytes
}
