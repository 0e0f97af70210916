//! A client and a server of this crate, over real sockets.
#![cfg(all(feature = "client", feature = "server"))]

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use jumin_http::{Bound, Client, HttpError, Listen, Problem, TlsFiles, Url, bind, layers, serve};
use tokio::sync::oneshot;

const MAX_BODY: usize = 1000;

fn app() -> Router {
    let routes = Router::new()
        .route("/small", get(|| async { "hello" }))
        .route("/large", get(|| async { "x".repeat(5000) }))
        .route("/echo", post(|body: Bytes| async move { body }))
        .route(
            "/away",
            get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/small")]).into_response() }),
        )
        .route(
            "/problem",
            get(|| async { Problem::conflict("taken", "It is taken.") }),
        );
    layers(routes, MAX_BODY)
}

async fn start(tls: Option<TlsFiles>) -> (String, oneshot::Sender<()>) {
    let listen = Listen {
        address: ([127, 0, 0, 1], 0).into(),
        tls,
    };
    let bound: Bound = bind(&listen).await.unwrap();
    let base = bound.base_url();
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(serve(bound, app(), async {
        let _ = stopped.await;
    }));
    (base, stop)
}

fn url(base: &str, path: &str) -> Url {
    Url::parse(&format!("{base}{path}")).unwrap()
}

#[tokio::test]
async fn an_answer_is_read_whole_with_its_security_headers() {
    let (base, _stop) = start(None).await;
    let client = Client::new().unwrap();
    let answer = client
        .get(&url(&base, "/small"), "text/plain", 10)
        .await
        .unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"hello".as_slice())
    );
    assert_eq!(answer.content_type.as_deref(), Some("text/plain"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn an_answer_above_the_limit_is_refused() {
    let (base, _stop) = start(None).await;
    let client = Client::new().unwrap();
    let error = client
        .get(&url(&base, "/large"), "*/*", 4999)
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::TooLarge { limit: 4999 }));
}

#[tokio::test]
async fn a_redirect_is_refused() {
    let (base, _stop) = start(None).await;
    let client = Client::new().unwrap();
    let error = client
        .get(&url(&base, "/away"), "*/*", 100)
        .await
        .unwrap_err();
    assert!(matches!(error, HttpError::Redirect));
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused() {
    let (base, _stop) = start(None).await;
    let client = Client::new().unwrap();
    let post = async |length: usize| {
        let body = vec![b'x'; length];
        let answer = client
            .post_bytes(&url(&base, "/echo"), "text/plain", body, &[], 10_000)
            .await;
        answer.unwrap().status
    };
    assert_eq!(post(MAX_BODY).await, 200);
    assert_eq!(post(MAX_BODY + 1).await, 413);
}

#[tokio::test]
async fn a_problem_carries_its_code() {
    let (base, _stop) = start(None).await;
    let client = Client::new().unwrap();
    let answer = client
        .get(&url(&base, "/problem"), "*/*", 1000)
        .await
        .unwrap();
    assert_eq!(answer.status, 409);
    assert_eq!(
        answer.content_type.as_deref(),
        Some("application/problem+json")
    );
    let problem: serde_json::Value = answer.json().unwrap();
    assert_eq!(problem["code"], "taken");
    assert_eq!(problem["status"], 409);
}

#[tokio::test]
async fn a_server_that_is_gone_is_unreachable() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new().unwrap();
    let error = client.get(&url(&base, "/"), "*/*", 100).await.unwrap_err();
    assert_eq!(error.code(), "unreachable");
}

/// Answers every call with the head of a long body, then a byte every 50 ms.
async fn trickling_server() -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let _ = socket.read(&mut [0; 4096]).await;
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
                let mut sent = socket.write_all(head).await;
                while sent.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                    sent = socket.write_all(b"x").await;
                }
            });
        }
    });
    base
}

#[tokio::test]
async fn a_body_that_trickles_is_given_up_for_its_rate() {
    let base = trickling_server().await;
    let client = Client::new().unwrap();
    let began = std::time::Instant::now();
    let error = client
        .get(&url(&base, "/"), "*/*", 200_000)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "too_slow");
    // Whole, it would take more than an hour.
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_server_that_says_nothing_is_told_from_one_that_is_slow() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = format!("http://{}", silent.local_addr().unwrap());
    let client = Client::new().unwrap();
    let patience = std::time::Duration::from_millis(300);
    let (nothing, slow) = (url(&silent, "/"), url(&trickling_server().await, "/"));
    let nothing = tokio::time::timeout(patience, client.open(&nothing, "*/*")).await;
    assert!(nothing.is_err() || nothing.unwrap().is_err());
    assert!(client.open(&slow, "*/*").await.is_ok());
}

#[tokio::test]
async fn https_is_trusted_under_the_given_root_only() {
    let directory = tempfile::tempdir().unwrap();
    let certified =
        rcgen::generate_simple_self_signed(["localhost".into(), "127.0.0.1".into()]).unwrap();
    let files = TlsFiles {
        cert: directory.path().join("cert.pem"),
        key: directory.path().join("key.pem"),
    };
    std::fs::write(&files.cert, certified.cert.pem()).unwrap();
    std::fs::write(&files.key, certified.signing_key.serialize_pem()).unwrap();
    let (base, _stop) = start(Some(files.clone())).await;
    assert!(base.starts_with("https://127.0.0.1:"));

    let stranger = Client::new().unwrap();
    let error = stranger
        .get(&url(&base, "/small"), "*/*", 100)
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unreachable");
    let root = std::fs::read(&files.cert).unwrap();
    let client = Client::with_roots_pem(&root).unwrap();
    let answer = client.get(&url(&base, "/small"), "*/*", 100).await.unwrap();
    assert_eq!(answer.status, 200);
}
