//! Every command against servers that note each code they are sent: none gets one before the ledger has proven whose it is.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use jumin_identity::{FileKey, builtin_types};
use jumin_registry::testing::{TestAgency, TestLedger, document};
use jumin_registry::{Role, Service};
use jumin_wallet_core::draw_code;
use serde_json::{Value, json};
use tempfile::TempDir;

const PASSPHRASE: &str = "correct horse";
const CARD: &str = "urn:jumin:resident-card:1";
const CODE: &str = "135790";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// What the servers heard.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
    codes: Vec<String>,
    ledger: Option<TestLedger>,
}

impl Heard {
    fn codes(&self) -> Vec<String> {
        self.0.lock().unwrap().codes.clone()
    }
}

/// Servers on loopback: an agency's, one whose agency lost its accreditation, and a ledger node.
struct Town {
    heard: Heard,
    folder: TempDir,
    proven: String,
    ended: String,
    node: String,
    _runtime: tokio::runtime::Runtime,
}

impl Town {
    fn new() -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let heard = Heard::default();
        let [proven, ended, node] = [(); 3].map(|()| runtime.block_on(serve(heard.clone())));
        let now = unix_now();
        let mut ledger = TestLedger::new(now - 1000);
        let issuer = agency(&mut ledger, &proven, now);
        let former = agency(&mut ledger, &ended, now);
        let period = (now - 1000, now + 1000);
        ledger.accredit(&issuer.did, Role::Issuer, &[CARD], period.0, period.1);
        let grant = ledger.accredit(&former.did, Role::Issuer, &[CARD], period.0, period.1);
        let mut types = builtin_types().into_iter();
        let card = types.find(|definition| definition.vct() == CARD).unwrap();
        ledger.anchor_type(CARD, &card.integrity());
        ledger.set_time(now - 10);
        ledger.end_accreditation(&former.did, Role::Issuer, grant);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("network.json"), ledger.trust().to_json()).unwrap();
        heard.0.lock().unwrap().ledger = Some(ledger);
        Self {
            heard,
            folder,
            proven,
            ended,
            node,
            _runtime: runtime,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes a wallet that asks a node.
    fn wallet(&self, name: &str, node: &str) {
        let trust = self.path("network.json");
        let trust = trust.to_str().unwrap();
        let made = self.run(
            name,
            &["init", "--no-keyring", "--node", node, "--trust", trust],
        );
        assert!(made.status.success(), "{made:?}");
    }

    fn run(&self, wallet: &str, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_jumin-wallet-cli"))
            .arg("--home")
            .arg(self.path(wallet))
            .args(arguments)
            .current_dir(self.folder.path())
            .env_remove("JUMIN_TRUST_ANCHORS")
            .env("LC_ALL", "C.UTF-8")
            .env("JUMIN_WALLET_PIN", PASSPHRASE)
            .env("JUMIN_WALLET_NEW_PIN", PASSPHRASE)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

async fn serve(heard: Heard) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new()
        .route("/.well-known/openid-credential-issuer", get(issuer))
        .route("/.well-known/oauth-authorization-server", get(server))
        .route(
            "/offer",
            get(|headers: HeaderMap| async move { Json(offer(&base_of(&headers))) }),
        )
        .route("/token", post(token))
        .route("/v1/bundle", get(bundle))
        .with_state(heard);
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    base
}

fn base_of(headers: &HeaderMap) -> String {
    format!("http://{}", headers["host"].to_str().unwrap())
}

fn offer(base: &str) -> Value {
    json!({
        "credential_issuer": base,
        "credential_configuration_ids": ["card"],
        "grants": {GRANT: {"pre-authorized_code": "secret", "tx_code": {"length": 6}}},
    })
}

async fn issuer(headers: HeaderMap) -> Json<Value> {
    let base = base_of(&headers);
    Json(json!({
        "credential_issuer": base,
        "credential_endpoint": format!("{base}/credential"),
        "credential_configurations_supported": {"card": {
            "format": "dc+sd-jwt",
            "vct": CARD,
            "proof_types_supported": {"jwt": {"proof_signing_alg_values_supported": ["ES256"]}},
        }},
    }))
}

async fn server(headers: HeaderMap) -> Json<Value> {
    let base = base_of(&headers);
    Json(json!({"issuer": base, "token_endpoint": format!("{base}/token")}))
}

async fn token(
    State(heard): State<Heard>,
    Form(form): Form<Vec<(String, String)>>,
) -> impl IntoResponse {
    let codes = form.into_iter().map(|(_, value)| value);
    heard.0.lock().unwrap().codes.extend(codes);
    (
        StatusCode::BAD_REQUEST,
        Json(json!({"error": "invalid_grant"})),
    )
}

async fn bundle(State(heard): State<Heard>) -> Vec<u8> {
    let mut notes = heard.0.lock().unwrap();
    notes.ledger.as_mut().unwrap().bundle(unix_now()).to_bytes()
}

fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

fn agency(ledger: &mut TestLedger, endpoint: &str, now: u64) -> TestAgency {
    let key = FileKey::generate().unwrap();
    let mut document = document(&key, now - 1000);
    document.services.push(Service {
        id: "issuer".into(),
        kind: "OpenID4VCI".into(),
        endpoint: endpoint.into(),
    });
    ledger.agency_with(key, document)
}

fn code_of(output: &Output) -> String {
    let line = String::from_utf8_lossy(&output.stderr);
    let code = line
        .rsplit_once('[')
        .and_then(|(_, code)| code.split(']').next());
    code.unwrap_or("").to_owned()
}

fn link(base: &str) -> String {
    let uri = format!("{base}/offer")
        .replace(':', "%3A")
        .replace('/', "%2F");
    format!("openid-credential-offer://?credential_offer_uri={uri}")
}

/// Lists the commands that `--help` names.
fn commands(town: &Town) -> BTreeSet<String> {
    let help = String::from_utf8(town.run("none", &["--help"]).stdout).unwrap();
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    listed
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn no_command_sends_a_code_to_a_server_that_is_not_proven() {
    let town = Town::new();
    town.wallet("wallet", &town.node);
    town.wallet("cut off", "http://127.0.0.1:1");
    let nobody = town.proven.replace("127.0.0.1", "localhost");
    let by_link = &*link(&nobody);
    let by_value = &*offer(&nobody).to_string();
    std::fs::write(town.path("offer.png"), draw_code(by_link).unwrap()).unwrap();
    let (ended, proven) = (&*link(&town.ended), &*link(&town.proven));
    let accept = |wallet, offer, code| {
        (
            wallet,
            vec!["accept", offer, "--tx-code", CODE, "--yes"],
            code,
        )
    };
    let trust = ["--node", town.node.as_str(), "--trust", "network.json"];
    let table: Vec<(&str, Vec<&str>, &str)> = vec![
        accept("wallet", by_link, "no_issuer_at_server"),
        accept("wallet", by_value, "no_issuer_at_server"),
        accept("wallet", "offer.png", "no_issuer_at_server"),
        accept("wallet", ended, "issuer_not_accredited"),
        accept("cut off", proven, "ledger_unreachable"),
        // Without `--yes` the refusal comes before the question.
        (
            "wallet",
            vec!["accept", by_link, "--tx-code", CODE],
            "no_issuer_at_server",
        ),
        (
            "cut off",
            vec!["accept", proven, "--tx-code", CODE],
            "ledger_unreachable",
        ),
        (
            "wallet",
            vec!["present", "--request", by_link, "--text", "--yes"],
            "code_unreadable",
        ),
        (
            "wallet",
            vec!["present", "--request", by_value, "--text", "--yes"],
            "code_unreadable",
        ),
        ("wallet", vec!["list"], ""),
        ("wallet", vec!["show", by_link], "unknown_document"),
        ("wallet", vec!["status", by_link], "unknown_document"),
        ("wallet", vec!["agencies"], ""),
        ("wallet", vec!["activity"], ""),
        (
            "wallet",
            vec!["delete", by_link, "--yes"],
            "unknown_document",
        ),
        ("wallet", vec!["sync"], ""),
        (
            "wallet",
            [&["network"][..], &trust].concat(),
            "network_file_older",
        ),
        ("wallet", vec!["change-pin"], ""),
        (
            "cut off",
            [&["init", "--no-keyring"][..], &trust].concat(),
            "wallet_exists",
        ),
        ("cut off", vec!["erase", "--yes"], ""),
        ("wallet", vec!["help"], ""),
    ];
    for (wallet, arguments, code) in &table {
        assert_eq!(
            code_of(&town.run(wallet, arguments)),
            *code,
            "{arguments:?}"
        );
        assert_eq!(town.heard.codes(), Vec::<String>::new(), "{arguments:?}");
    }
    let tried: BTreeSet<String> = table
        .iter()
        .map(|(_, args, _)| args[0].to_owned())
        .collect();
    assert_eq!(tried, commands(&town), "a command is missing in the table");

    let (wallet, arguments, code) = accept("wallet", proven, "offer_refused");
    assert_eq!(code_of(&town.run(wallet, &arguments)), code);
    assert!(town.heard.codes().contains(&CODE.to_owned()));
}
