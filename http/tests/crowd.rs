//! How many connections a server holds open, over real sockets.
#![cfg(all(feature = "server", target_os = "linux"))]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use jumin_http::{Bounds, Listen, bind, layers, serve_within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const ONE: Ipv4Addr = Ipv4Addr::LOCALHOST;
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

async fn start(bounds: Bounds) -> SocketAddr {
    let listen = Listen {
        address: (ONE, 0).into(),
        tls: None,
    };
    let bound = bind(&listen).await.unwrap();
    let address = bound.address();
    let app = layers(Router::new().route("/", get(|| async { "hello" })), 0);
    tokio::spawn(serve_within(bound, app, std::future::pending(), bounds));
    address
}

async fn connect(server: SocketAddr, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::V4(from), 0).into()).unwrap();
    socket.connect(server).await.unwrap()
}

/// Asks once, and says whether there was an answer.
async fn answered(stream: &mut TcpStream) -> bool {
    // A server that has closed already may refuse the request's bytes.
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut answer = Vec::new();
    while asked.is_ok() && !answer.ends_with(b"hello") {
        match stream.read_buf(&mut answer).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    answer.starts_with(b"HTTP/1.1 200 OK")
}

#[tokio::test]
async fn one_address_cannot_shut_the_others_out() {
    let server = start(Bounds {
        total: 3,
        each: 2,
        idle: Duration::from_secs(60),
    })
    .await;
    let mut mine = [connect(server, ONE).await, connect(server, ONE).await];
    for stream in &mut mine {
        assert!(answered(stream).await);
    }
    assert!(!answered(&mut connect(server, ONE).await).await);
    let mut theirs = connect(server, OTHER).await;
    assert!(answered(&mut theirs).await);
    assert!(!answered(&mut connect(server, OTHER).await).await);

    drop(mine);
    // The server learns of the end a moment later.
    while !answered(&mut connect(server, ONE).await).await {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(answered(&mut theirs).await, "what is open stays open");
}

#[tokio::test]
async fn a_connection_without_requests_is_closed() {
    let server = start(Bounds {
        total: 3,
        each: 3,
        idle: Duration::from_millis(50),
    })
    .await;
    let mut stream = connect(server, ONE).await;
    assert!(answered(&mut stream).await);
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}
