//! The client against nodes that tell the truth, lie, lag and fail.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use jumin_http::{Client, Url};
use jumin_identity::b64url;
use jumin_registry::{
    AnchorKind, Checkpoint, Record, RecordKey, Rejection, Role, SignedOperation,
    client::{ClientError, LedgerClient, NodeFailure, PreferredNode},
    testing::{TestAgency, TestLedger},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::CARD;

pub(super) type Answer = (u16, Vec<u8>);

/// Serves `answer(method and path, body)` over HTTP/1.1, a connection for each request.
pub(super) async fn node(answer: impl Fn(&str, &[u8]) -> Answer + Send + Sync + 'static) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move { exchange(stream, &*answer).await });
        }
    });
    url
}

async fn exchange(mut stream: TcpStream, answer: &(dyn Fn(&str, &[u8]) -> Answer + Sync)) {
    let mut request = Vec::new();
    let (head, length) = loop {
        if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
            return;
        }
        if let Some(end) = request.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length = head.split("content-length: ").nth(1);
            let length = length
                .and_then(|rest| rest.lines().next()?.parse().ok())
                .unwrap_or(0);
            break (end + 4, length);
        }
    };
    while request.len() < head + length {
        stream.read_buf(&mut request).await.unwrap();
    }
    let line = String::from_utf8_lossy(&request[..head])
        .lines()
        .next()
        .unwrap()
        .to_owned();
    let (status, body) = answer(line.trim_end_matches(" HTTP/1.1"), &request[head..]);
    let headers = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(headers.as_bytes()).await;
    let _ = stream.write_all(&body).await;
}

pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

pub(super) fn json(value: &Value) -> Answer {
    (200, serde_json::to_vec(value).unwrap())
}

fn record_answer(ledger: &TestLedger, key: &RecordKey, checkpoint: &Checkpoint) -> Value {
    let mut answer = serde_json::to_value(ledger.prove(key)).unwrap();
    answer["checkpoint"] = json!(b64url(&checkpoint.to_bytes()));
    answer
}

/// What an honest node answers.
fn honest(ledger: &mut TestLedger, request: &str, body: &[u8]) -> Answer {
    let path = request
        .split(' ')
        .nth(1)
        .unwrap()
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    let checkpoint = ledger.checkpoint(now());
    if let Some(key) = path.strip_prefix("/v1/records/") {
        let key = decoded(key).parse().unwrap();
        return json(&record_answer(ledger, &key, &checkpoint));
    }
    match path.as_str() {
        "/v1/checkpoint" => json(&json!({"checkpoint": b64url(&checkpoint.to_bytes())})),
        "/v1/bundle" => (200, ledger.bundle(now()).to_bytes()),
        "/v1/handovers" => json(&json!({"handovers": []})),
        "/v1/operations" => {
            let operation = SignedOperation::parse(body).unwrap();
            match ledger.apply(&operation) {
                Ok(()) => finalized(&operation, checkpoint.header.height + 1),
                Err(rejection) => refused(rejection),
            }
        }
        _ => (404, b"{}".to_vec()),
    }
}

/// Undoes percent-encoding.
fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push(char::from(u8::from_str_radix(&part[..2], 16).unwrap()));
        plain.push_str(&part[2..]);
    }
    plain
}

fn finalized(operation: &SignedOperation, height: u64) -> Answer {
    json(&json!({"hash": operation.hash(), "status": "finalized", "height": height}))
}

fn refused(rejection: Rejection) -> Answer {
    (
        400,
        serde_json::to_vec(&json!({"code": rejection.code()})).unwrap(),
    )
}

type Shared = Arc<Mutex<TestLedger>>;

async fn honest_node(ledger: &Shared) -> Url {
    let ledger = ledger.clone();
    node(move |request, body| honest(&mut ledger.lock().unwrap(), request, body)).await
}

fn ledger() -> (Shared, TestAgency, RecordKey) {
    // Read once: a second later the grant would lie ahead of the ledger's time.
    let start = now();
    let mut ledger = TestLedger::with_validators("test", 4, start);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], start, start + 1000);
    let key = RecordKey::Did(agency.did.clone());
    (Arc::new(Mutex::new(ledger)), agency, key)
}

fn client(nodes: Vec<Url>, ledger: &Shared) -> LedgerClient {
    LedgerClient::new(
        nodes,
        ledger.lock().unwrap().trust(),
        Client::new().unwrap(),
    )
}

fn anchor(agency: &TestAgency, version: u64) -> SignedOperation {
    agency.sign(&jumin_registry::Operation::Anchor {
        issuer: agency.did.clone(),
        kind: AnchorKind::StatusList,
        name: "https://issuer.example/status/1?a=b".to_owned(),
        version,
        sha256: [version as u8; 32],
        next_update: None,
    })
}

#[tokio::test]
async fn honest_node_is_read_and_written() {
    let (ledger, agency, key) = ledger();
    let client = client(vec![honest_node(&ledger).await], &ledger);
    assert!(client.checkpoint().await.unwrap().height() > 2);
    assert!(matches!(
        client.record(&key).await.unwrap().record,
        Some(Record::Did(_))
    ));
    let absent = RecordKey::CredentialType(CARD.to_owned());
    assert_eq!(client.record(&absent).await.unwrap().record, None);
    let (bytes, bundle) = client.bundle().await.unwrap();
    assert!(!bytes.is_empty() && bundle.records().count() == 4);

    let operation = anchor(&agency, 1);
    let receipt = client.submit(&operation).await.unwrap();
    assert_eq!(receipt.hash, operation.hash());
    let refused = client.submit(&anchor(&agency, 1)).await.unwrap_err();
    assert_eq!(refused.code(), "not_increasing");
}

#[tokio::test]
async fn lying_or_failing_nodes_are_passed_over() {
    let (ledger, _, key) = ledger();
    let shared = ledger.clone();
    let forging = node(move |request, body| {
        let mut ledger = shared.lock().unwrap();
        let (status, bytes) = honest(&mut ledger, request, body);
        let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
        answer["value"] = json!(null);
        (status, serde_json::to_vec(&answer).unwrap())
    })
    .await;
    let broken = node(|_, _| (500, b"{}".to_vec())).await;
    let dead: Url = "http://127.0.0.1:1".parse().unwrap();
    let truth = honest_node(&ledger).await;
    let client_of =
        |nodes: &[&Url]| client(nodes.iter().map(|url| (*url).clone()).collect(), &ledger);

    let only_forged = client_of(&[&forging]).record(&key).await.unwrap_err();
    assert!(matches!(
        only_forged,
        ClientError::Nodes(NodeFailure::Proof(_))
    ));
    assert_eq!(only_forged.code(), "ledger_proof_invalid");
    let unreachable = client_of(&[&broken, &dead]).record(&key).await.unwrap_err();
    assert_eq!(unreachable.code(), "ledger_unreachable");
    let client = client_of(&[&forging, &broken, &dead, &truth]);
    assert!(client.record(&key).await.unwrap().record.is_some());
    assert_eq!(
        client_of(&[]).checkpoint().await.unwrap_err().code(),
        "ledger_unreachable"
    );
}

#[tokio::test]
async fn other_network_and_old_checkpoints_are_not_believed() {
    let (ledger, _, key) = ledger();
    let (foreign, _, _) = self::ledger();
    let foreign_client = client(vec![honest_node(&foreign).await], &ledger);
    let error = foreign_client.record(&key).await.unwrap_err();
    assert!(matches!(
        error,
        ClientError::Nodes(NodeFailure::Checkpoint(_))
    ));

    let stale = ledger.lock().unwrap().checkpoint(now() - 500);
    let answer = json!({"checkpoint": b64url(&stale.to_bytes())});
    let old_node = node(move |_, _| json(&answer)).await;
    let old = client(vec![old_node.clone()], &ledger);
    assert_eq!(old.checkpoint().await.unwrap_err().code(), "ledger_stale");
    assert!(
        client(vec![old_node], &ledger)
            .with_max_age(1000)
            .checkpoint()
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn ledger_never_goes_back_behind_what_was_seen() {
    let (ledger, _, _) = ledger();
    let (old, new) = {
        let mut ledger = ledger.lock().unwrap();
        (ledger.checkpoint(now()), ledger.checkpoint(now()))
    };
    let answers = Mutex::new(vec![old, new]);
    let rewinding = node(move |_, _| {
        let mut answers = answers.lock().unwrap();
        let next = if answers.len() > 1 {
            answers.pop().unwrap()
        } else {
            answers[0].clone()
        };
        json(&json!({"checkpoint": b64url(&next.to_bytes())}))
    })
    .await;
    let client = client(vec![rewinding], &ledger);
    client.checkpoint().await.unwrap();
    let error = client.checkpoint().await.unwrap_err();
    assert!(matches!(error, ClientError::Nodes(NodeFailure::Behind)));
}

#[tokio::test]
async fn finalization_that_the_ledger_does_not_show_is_not_believed() {
    let (ledger, agency, _) = ledger();
    let shared = ledger.clone();
    let boasting = node(move |request, body| {
        if request.starts_with("POST") {
            return finalized(&SignedOperation::parse(body).unwrap(), 1);
        }
        honest(&mut shared.lock().unwrap(), request, body)
    })
    .await;
    let operation = anchor(&agency, 1);
    let alone = client(vec![boasting.clone()], &ledger);
    let error = alone.submit(&operation).await.unwrap_err();
    assert!(matches!(
        error,
        ClientError::Nodes(NodeFailure::NotReflected)
    ));
    let both = client(vec![boasting, honest_node(&ledger).await], &ledger);
    both.submit(&operation).await.unwrap();
}

#[tokio::test]
async fn pending_operation_is_awaited_and_an_earlier_success_is_found() {
    let (ledger, agency, _) = ledger();
    let operation = anchor(&agency, 1);
    let asked = Arc::new(Mutex::new(0));
    let (shared, pending) = (ledger.clone(), operation.clone());
    let slow = node(move |request, body| {
        let mut ledger = shared.lock().unwrap();
        let mut asked = asked.lock().unwrap();
        if request.starts_with("POST") {
            return (
                202,
                json(&json!({"hash": pending.hash(), "status": "pending"})).1,
            );
        }
        if request.contains("/v1/operations/") {
            *asked += 1;
            if *asked < 3 {
                return json(&json!({"hash": pending.hash(), "status": "pending"}));
            }
            let _ = ledger.apply(&pending);
            return finalized(&pending, 4);
        }
        honest(&mut ledger, request, body)
    })
    .await;
    client(vec![slow], &ledger)
        .submit(&operation)
        .await
        .unwrap();

    let (shared, done) = (ledger.clone(), operation.clone());
    let repeated = node(move |request, body| match request {
        request if request.starts_with("POST") => refused(Rejection::NotIncreasing(1)),
        request if request.contains("/v1/operations/") => finalized(&done, 4),
        request => honest(&mut shared.lock().unwrap(), request, body),
    })
    .await;
    client(vec![repeated], &ledger)
        .submit(&operation)
        .await
        .unwrap();
}

/// Takes every connection, begins an answer with `head` or doesn't, and says nothing more; counts who came.
async fn mute_node(head: &'static [u8]) -> (Url, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let came = Arc::new(AtomicUsize::new(0));
    let count = came.clone();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = stream.write_all(head).await;
            open.push(stream);
        }
    });
    (url.parse().unwrap(), came)
}

#[tokio::test]
async fn node_that_says_nothing_is_left_for_the_next_and_not_asked_first_again() {
    let (ledger, agency, key) = ledger();
    let (mute, came) = mute_node(b"").await;
    let nodes = vec![mute, honest_node(&ledger).await];
    let first = client(nodes.clone(), &ledger);
    let began = Instant::now();
    assert!(first.bundle().await.is_ok());
    // Well under what a node may take until its answer begins.
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(came.load(Ordering::Relaxed), 1);
    assert!(first.record(&key).await.is_ok());
    assert!(first.checkpoint().await.is_ok());
    assert!(first.submit(&anchor(&agency, 1)).await.is_ok());
    assert_eq!(came.load(Ordering::Relaxed), 1);

    // Clients of the same nodes share what one of them learnt.
    let preferred = PreferredNode::default();
    let share = || client(nodes.clone(), &ledger).with_preferred(preferred.clone());
    share().record(&key).await.unwrap();
    assert_eq!(came.load(Ordering::Relaxed), 2);
    share().record(&key).await.unwrap();
    assert_eq!(came.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn operation_is_finalized_by_the_next_node_where_the_first_says_nothing() {
    let (ledger, agency, _) = ledger();
    let (mute, _) = mute_node(b"").await;
    let client = client(vec![mute, honest_node(&ledger).await], &ledger);
    assert!(client.submit(&anchor(&agency, 1)).await.is_ok());
}

#[tokio::test]
async fn node_that_begins_an_answer_and_stops_is_left_for_the_next() {
    let (ledger, _, _) = ledger();
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n{";
    let (stopping, _) = mute_node(head).await;
    let client = client(vec![stopping, honest_node(&ledger).await], &ledger);
    assert!(client.bundle().await.is_ok());
}
