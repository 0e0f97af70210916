//! A stranger behind a reverse proxy on the very machine of a desk and a console.

use anyhow::{Context, Result};
use jumin_tests::{Nginx, Stack, free_port, pass_on};
use serde_json::{Value, json};

/// What nginx does before it is told anything else: it asks for the name of the upstream, and adds no header.
const PLAIN: &str = "";
/// What most set-ups add.
const USUAL: &str = "proxy_set_header Host $host; proxy_set_header X-Real-IP $remote_addr; \
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;";

fn server(port: u16, upstream: u16, headers: &str) -> String {
    format!(
        "server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{upstream}; {headers} }} }}\n"
    )
}

fn port_of(url: &str) -> Result<u16> {
    let port = url.rsplit(':').next().unwrap_or_default();
    port.parse().with_context(|| url.to_owned())
}

/// Asks as a stranger does; gives status and code of what is read and of what is sent.
fn ask(
    stack: &Stack,
    port: u16,
    (read, sent): (&str, &str),
    body: &Value,
    headers: &[(&str, &str)],
) -> Result<[(u16, String); 2]> {
    let url = |path| format!("http://127.0.0.1:{port}{path}");
    let got = stack.http().get(&url(read), headers)?;
    let posted = stack.http().post(&url(sent), body, headers)?;
    Ok([got, posted].map(|answer| {
        let body = answer.json().unwrap_or_default();
        let code = body["code"].as_str().unwrap_or_default();
        (answer.status, code.to_owned())
    }))
}

fn both(status: u16, code: &str) -> [(u16, String); 2] {
    [(status, code.to_owned()), (status, code.to_owned())]
}

#[test]
fn stranger_behind_a_reverse_proxy_opens_neither_desk_nor_console() -> Result<()> {
    let mut stack = Stack::start()?;
    stack.counter.serve()?;
    let desk = port_of(&stack.counter.desk_url())?;
    let console = port_of(&stack.issuer.console_url())?;
    let request = json!({"service": "address", "mode": "online"});
    let search = json!({"query": "", "limit": 5});
    for (upstream, paths, body) in [
        (desk, ("/v1/status", "/v1/requests"), &request),
        (console, ("/v1/overview", "/v1/residents/search"), &search),
    ] {
        let (plain, usual) = (free_port()?, free_port()?);
        let servers = server(plain, upstream, PLAIN) + &server(usual, upstream, USUAL);
        let _nginx = Nginx::start(&servers, &[plain, usual])?;
        // Nothing about these requests tells that a proxy passes them on, but nobody is known by them either.
        let seen = ask(&stack, plain, paths, body, &[])?;
        assert_eq!(seen, both(401, "unauthorized"), "{paths:?}");
        let seen = ask(&stack, usual, paths, body, &[])?;
        assert_eq!(seen, both(403, "proxied"), "{paths:?}");

        let tcp = pass_on(upstream)?;
        let seen = ask(&stack, tcp, paths, body, &[])?;
        assert_eq!(seen, both(403, "wrong_host"), "{paths:?}");
        let own = format!("127.0.0.1:{upstream}");
        let seen = ask(&stack, tcp, paths, body, &[("host", &own)])?;
        assert_eq!(seen, both(401, "unauthorized"), "{paths:?}");
    }
    // Its own programs still use it.
    stack.counter.api_request("address", "qr")?;
    Ok(())
}

/// The `server` block that docs/operations.md gives, for this test's ports and without its certificate.
fn documented(port: u16, upstream: u16) -> Result<String> {
    let text = include_str!("../../docs/operations.md");
    let (_, block) = text.split_once("```nginx\n").context("no nginx block")?;
    let (block, _) = block.split_once("```").context("an open block")?;
    let lines = block.lines().filter(|line| !line.contains("ssl_"));
    let block: Vec<_> = lines.collect();
    let block = block.join("\n");
    let listen = format!("listen 127.0.0.1:{port};");
    Ok(block
        .replace("listen 443 ssl;", &listen)
        .replace("127.0.0.1:7301", &format!("127.0.0.1:{upstream}")))
}

#[test]
fn wallets_reach_the_counter_through_the_documented_proxy_and_nothing_else() -> Result<()> {
    let mut stack = Stack::start()?;
    let wallet = stack.wallet("wallet")?;
    stack.issue_card(&wallet)?;
    stack.counter.sync()?;
    let port = free_port()?;
    stack
        .counter
        .serve_behind(&format!("http://127.0.0.1:{port}"))?;
    let upstream = port_of(&stack.counter.url())?;
    let _nginx = Nginx::start(&documented(port, upstream)?, &[port])?;

    let request = stack.counter.api_request("age-19", "online")?;
    let link = request["qr"][0].as_str().unwrap_or_default();
    assert!(link.contains(&format!("127.0.0.1%3A{port}")), "{link}");
    wallet.present_online(link)?.success()?;
    let id = request["id"].as_str().unwrap_or_default();
    let state = stack.counter.api_state(id)?;
    assert_eq!(state["verdict"]["verdict"], "valid", "{state}");

    let bearer = format!("Bearer {}", stack.counter.desk_token()?);
    let through = format!("http://127.0.0.1:{port}/v1/requests/{id}");
    let answer = stack.http().get(&through, &[("authorization", &bearer)])?;
    assert_eq!(answer.status, 404, "no route of the desk's is there");
    Ok(())
}
