//! Every refusal of a node is a problem document (RFC 9457) with a stable code, also one that the framework makes.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use support::Node;

/// Sends a request as it stands and gives the status, the media type and the body of the answer.
fn ask(node: &Node, request: &str) -> (u16, String, String) {
    let address = format!(
        "{}:{}",
        node.url.host_str().unwrap(),
        node.url.port().unwrap()
    );
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("content-type").then_some(value)
    });
    (status, kind.unwrap_or_default().to_owned(), body.to_owned())
}

#[tokio::test]
async fn every_refusal_of_a_node_is_a_problem_document() {
    let home = tempfile::tempdir().unwrap();
    let node = Node::start("dev", home.path());
    let head = "Host: localhost\r\nConnection: close\r\n";
    let large = format!("{head}Content-Length: 9000000\r\n");
    let slow = format!("{head}Content-Length: 10\r\n");
    let cases = [
        ("GET /v1/nothing", head, 404, "not_found"),
        ("GET /nothing.js", head, 404, "not_found"),
        ("DELETE /v1/status", head, 405, "method_not_allowed"),
        ("POST /", head, 404, "not_found"),
        ("BREW /v1/operations", head, 405, "method_not_allowed"),
        ("POST /v1/operations", &large, 413, "body_too_large"),
        ("POST /v1/operations", &slow, 408, "too_slow"),
        ("POST /v1/operations?wait=x", head, 400, "malformed"),
        ("POST /v1/operations", head, 400, "malformed"),
        ("GET /v1/records/%FF", head, 400, "malformed"),
        ("GET /v1/records/x", head, 400, "malformed"),
        ("GET /v1/operations/x", head, 400, "malformed"),
        ("GET /v1/operations/%FF", head, 400, "malformed"),
        ("GET /v1/snapshot/x", head, 400, "malformed"),
        ("GET /v1/handovers?from=x", head, 400, "malformed"),
        ("GET /v1/bundle?from_epoch=-1", head, 400, "malformed"),
        ("GET /v1/blocks?limit=x", head, 400, "malformed"),
        ("GET /v1/blocks/x", head, 400, "malformed"),
        ("GET /v1/dids/x/history", head, 400, "malformed"),
    ];
    for (line, headers, status, code) in cases {
        let (answered, kind, body) = ask(&node, &format!("{line} HTTP/1.1\r\n{headers}\r\n"));
        let problem: Value =
            serde_json::from_str(&body).unwrap_or_else(|_| panic!("{line}: {answered} {body:?}"));
        assert_eq!(kind, "application/problem+json", "{line}");
        assert_eq!(problem["status"], answered, "{line}");
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| text.len() > 10),
            "{line}"
        );
        let found = problem["code"].as_str().unwrap();
        assert_eq!(answered, status, "{line}: {problem}");
        assert!(found.starts_with(code), "{line}: {problem}");
    }
}

#[tokio::test]
async fn overload_is_refused_with_a_problem_document() {
    let home = tempfile::tempdir().unwrap();
    drop(Node::start("dev", home.path()));
    let config = home.path().join("config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("requests_per_second = 5000", "requests_per_second = 1");
    std::fs::write(&config, text).unwrap();
    let node = Node::start("run", home.path());
    let request = "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let refused = (0..20)
        .map(|_| ask(&node, request))
        .find(|(status, ..)| *status != 200);
    let (status, kind, body) = refused.expect("one a second is taken");
    assert_eq!((status, kind.as_str()), (429, "application/problem+json"));
    let problem: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(problem["code"], "rate_limited");
}
