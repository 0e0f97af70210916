//! Real validator processes on loopback, each in a directory of its own, and agencies that write to them.
#![allow(dead_code, reason = "each test binary uses a part")]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jumin_http::{Client, Response, Url};
use jumin_identity::{Did, FileKey, Signer as _, b64url_decode};
use jumin_registry::{
    Accreditor, Checkpoint, Claims, DidDocument, Localized, NetworkTrust, Operation,
    OperationSigner, ProvenRecord, Purpose, Record, RecordKey, Role, SignedOperation,
    VerificationMethod, VerifiedCheckpoint, client::LedgerClient, sign_operation,
};
use serde_json::Value;

/// A change of validators waits for the end of an epoch, on a machine that does other things too.
const CHANGE_DEADLINE: Duration = Duration::from_secs(150);
const DEADLINE: Duration = Duration::from_secs(60);
const MAX_BODY: usize = 16 * 1024 * 1024;

/// A running validator; killed when dropped.
pub struct Node {
    pub home: PathBuf,
    pub url: Url,
    child: Child,
    client: Client,
}

/// The program, to be run on a home.
pub fn program(command: &str, home: &Path) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"));
    program.args([command, "--listen", "127.0.0.1:0", "--home"]);
    program.arg(home);
    program
}

/// Runs a program that must end by itself, and not well; returns what it said.
pub fn refusal(mut program: Command) -> String {
    let output = program.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "it ended well: {said}");
    said
}

impl Node {
    /// Starts `dev` or `run` on a home and waits for its address.
    pub fn start(command: &str, home: &Path) -> Self {
        Self::launch(program(command, home), home)
    }

    /// Starts a program that runs a node on a home, and waits for its address.
    pub fn launch(mut program: Command, home: &Path) -> Self {
        let mut child = program.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line
            .trim()
            .strip_prefix("listening on ")
            .expect("the node starts");
        Self {
            home: home.to_owned(),
            url: url.parse().unwrap(),
            child,
            client: Client::new().unwrap(),
        }
    }

    /// Tells whether the process has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for a process that ends by itself; tells whether it ended well.
    pub fn wait(&mut self) -> bool {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.success();
            }
            assert!(start.elapsed() < CHANGE_DEADLINE, "the node runs on");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Starts the node again on its home.
    pub fn restart(&mut self) {
        let home = self.home.clone();
        *self = Self::start("run", &home);
    }

    /// Ends the process as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub async fn get(&self, path: &str) -> Response {
        let url = self.url.join(path).unwrap();
        self.client
            .get(&url, "application/json", MAX_BODY)
            .await
            .unwrap()
    }

    pub async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert!(
            response.is_success(),
            "{path}: {}",
            String::from_utf8_lossy(&response.body)
        );
        response.json().unwrap()
    }

    /// Submits the bytes of an operation and gives the whole answer.
    pub async fn submit(&self, body: &[u8], wait: u64) -> Response {
        let url = self
            .url
            .join(&format!("v1/operations?wait={wait}"))
            .unwrap();
        let body = body.to_vec();
        self.client
            .post_bytes(&url, "application/json", body, &[], MAX_BODY)
            .await
            .unwrap()
    }

    /// What the node says that became of an operation.
    pub async fn outcome(&self, operation: &SignedOperation) -> Value {
        self.get_json(&format!("v1/operations/{}", operation.hash()))
            .await
    }

    pub async fn post(&self, body: &[u8], wait: u64) -> (u16, Value) {
        let response = self.submit(body, wait).await;
        (
            response.status,
            serde_json::from_slice(&response.body).unwrap_or(Value::Null),
        )
    }

    /// Submits an operation and returns the height it was finalized at.
    pub async fn finalize(&self, operation: &SignedOperation) -> u64 {
        let (status, answer) = self.post(&operation.to_bytes(), 20).await;
        assert_eq!(
            (status, &answer["status"]),
            (200, &Value::from("finalized")),
            "{answer}"
        );
        answer["height"].as_u64().unwrap()
    }

    /// Has the governors accredit the DID that an operation creates, then submits it; returns the height it was finalized at.
    pub async fn admit(&self, create: &SignedOperation) -> u64 {
        self.finalize(&self.accredit(&did(create))).await;
        self.finalize(create).await
    }

    /// Signs an accreditation of a DID that has none, with all of the network's governors.
    pub fn accredit(&self, subject: &Did) -> SignedOperation {
        let operation = Operation::Accredit {
            accreditor: Accreditor::Governance,
            subject: subject.clone(),
            role: Role::Issuer,
            name: Localized {
                ko: "종로구".into(),
                en: "Jongno-gu".into(),
            },
            types: vec!["urn:jumin:resident-card:1".into()],
            claims: Claims::Any,
            from: 0,
            until: u64::MAX,
            version: 0,
        };
        self.govern(&operation)
    }

    /// Signs an operation with all of the network's governors.
    pub fn govern(&self, operation: &Operation) -> SignedOperation {
        let keys: Vec<_> = (0..).map_while(|index| self.governor(index)).collect();
        let signers: Vec<_> = (0..)
            .zip(&keys)
            .map(|(index, key)| OperationSigner::Kid(format!("governance#{index}"), key))
            .collect();
        sign_operation(&self.trust().network, operation, &signers).unwrap()
    }

    /// Reads a governor's key: in the home of a development network's only validator, else beside the homes.
    fn governor(&self, index: usize) -> Option<FileKey> {
        let name = match index {
            0 => "governor.pem".to_owned(),
            _ => format!("governor-{index}.pem"),
        };
        let homes = [self.home.as_path(), self.home.parent().unwrap()];
        let pem = homes.map(|home| std::fs::read_to_string(home.join(&name)).ok());
        let pem = pem.into_iter().flatten().next()?;
        Some(FileKey::from_pkcs8_pem(&pem).unwrap())
    }

    pub fn trust(&self) -> NetworkTrust {
        NetworkTrust::from_json(&std::fs::read(self.home.join("network.json")).unwrap()).unwrap()
    }

    /// Reads the newest checkpoint and checks its certificate.
    pub async fn checkpoint(&self) -> VerifiedCheckpoint {
        let answer = self.get_json("v1/checkpoint").await;
        self.verified(&answer)
    }

    fn verified(&self, answer: &Value) -> VerifiedCheckpoint {
        let bytes = b64url_decode(answer["checkpoint"].as_str().unwrap()).unwrap();
        Checkpoint::from_bytes(&bytes)
            .unwrap()
            .verify(&self.trust())
            .unwrap()
    }

    /// Reads a record and checks its proof.
    pub async fn record(&self, key: &RecordKey) -> Option<Record> {
        let mut url = self.url.join("v1/records").unwrap();
        url.path_segments_mut().unwrap().push(&key.to_string());
        let answer = self.get_json(url.path()).await;
        let checkpoint = self.verified(&answer);
        let bytes = |member: &str| {
            answer[member]
                .as_str()
                .map(|text| b64url_decode(text).unwrap())
        };
        let proven = ProvenRecord {
            key: answer["key"].as_str().unwrap().parse().unwrap(),
            value: bytes("value"),
            proof: bytes("proof").unwrap(),
        };
        proven.verify(key, &checkpoint).unwrap()
    }

    /// Waits until the newest checkpoint is at `height` or above.
    pub async fn reach(&self, height: u64) -> VerifiedCheckpoint {
        let start = Instant::now();
        loop {
            let response = self.get("v1/checkpoint").await;
            if response.is_success() {
                let checkpoint = self.checkpoint().await;
                if checkpoint.height() >= height {
                    return checkpoint;
                }
            }
            assert!(
                start.elapsed() < DEADLINE,
                "height {height} was not reached"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Node {
    pub async fn status(&self) -> Value {
        self.get_json("v1/status").await
    }

    /// This node's key as the ledger writes it.
    pub async fn key(&self) -> String {
        self.status().await["key"].as_str().unwrap().to_owned()
    }

    /// Waits until this node has a role in the network, as its own state tells.
    pub async fn role(&self, role: &str) {
        self.until(|status| status["role"] == role).await;
    }

    /// Waits until so many validators finalize the next block.
    pub async fn validators(&self, count: u64) {
        self.until(|status| status["validators"] == count).await;
    }

    /// Waits until a block at `height` or above is applied, whoever its validators are.
    pub async fn reach_any(&self, height: u64) -> u64 {
        self.until(|status| status["height"].as_u64() >= Some(height))
            .await
    }

    async fn until(&self, holds: impl Fn(&Value) -> bool) -> u64 {
        let start = Instant::now();
        loop {
            let status = self.status().await;
            if holds(&status) {
                return status["height"].as_u64().unwrap();
            }
            assert!(start.elapsed() < CHANGE_DEADLINE, "still {status}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub fn client(&self, trust: NetworkTrust) -> LedgerClient {
        LedgerClient::new(vec![self.url.clone()], trust, Client::new().unwrap())
    }
}

/// Runs the program to its end, which must be a good one.
fn run(args: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args(args)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {error}");
}

/// Writes the home of a node that is to join the network below `out`.
pub fn join(out: &Path, name: &str) -> PathBuf {
    join_with(out, name, &[])
}

/// As [`join`], with further arguments.
pub fn join_with(out: &Path, name: &str, further: &[&str]) -> PathBuf {
    let home = out.join(name);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let genesis = out.join("node-0/genesis.json");
    let (home_text, genesis) = (home.to_str().unwrap(), genesis.to_str().unwrap());
    let mut args = vec!["join", "--home", home_text, "--genesis", genesis];
    args.extend(["--name", name, "--p2p-listen", &address]);
    args.extend(further);
    run(&args);
    home
}

/// The three governors of a network, two of whom must sign.
pub struct Governors(PathBuf);

impl Governors {
    pub fn of(out: &Path) -> Self {
        Self(out.to_owned())
    }

    /// Has two governors sign a change of validators, and hands it in.
    pub async fn change(&self, node: &Node, add: &[&Path], remove: &[String]) {
        let version = node.status().await["height"].to_string();
        let proposal = self.0.join(format!("proposal-{version}.json"));
        let (proposal, network) = (proposal.to_str().unwrap(), self.0.join("network.json"));
        let network = network.to_str().unwrap();
        let add: Vec<_> = add.iter().map(|home| home.join("validator.json")).collect();
        let mut args = vec!["govern", "set-validators", "--out", proposal];
        args.extend(["--node", node.url.as_str(), "--network", network]);
        args.extend(
            add.iter()
                .flat_map(|path| ["--add", path.to_str().unwrap()]),
        );
        args.extend(remove.iter().flat_map(|key| ["--remove", key]));
        run(&args);
        for key in ["governor.pem", "governor-2.pem"] {
            let key = self.0.join(key);
            let key = key.to_str().unwrap();
            run(&[
                "govern",
                "sign",
                "--yes",
                "--proposal",
                proposal,
                "--key",
                key,
            ]);
        }
        let mut args = vec!["govern", "submit", "--proposal", proposal];
        args.extend(["--node", node.url.as_str(), "--network", network]);
        run(&args);
    }
}

/// Starts a network with short epochs and three governors, two of whom must sign.
pub fn network_of(out: &Path, validators: usize, epoch_blocks: u64) -> Vec<Node> {
    let epoch_blocks = epoch_blocks.to_string();
    let options = [
        "--epoch-blocks",
        &epoch_blocks,
        "--governors",
        "3",
        "--threshold",
        "2",
    ];
    start_network(out, validators, &options)
}

/// Writes the homes of a network of `validators` and starts them all.
pub fn network(out: &Path, validators: usize) -> Vec<Node> {
    start_network(out, validators, &[])
}

fn start_network(out: &Path, validators: usize, options: &[&str]) -> Vec<Node> {
    let homes = homes(out, validators, options);
    homes.iter().map(|home| Node::start("run", home)).collect()
}

/// Writes the homes of a network, to be started one by one.
pub fn homes(out: &Path, validators: usize, options: &[&str]) -> Vec<PathBuf> {
    let status = Command::new(env!("CARGO_BIN_EXE_jumin-registry-node"))
        .args([
            "init",
            "--network",
            "test",
            "--validators",
            &validators.to_string(),
            // Tests let time pass by blocks.
            "--idle-block-ms",
            "1000",
            "--out",
        ])
        .arg(out)
        .args(options)
        .status()
        .unwrap();
    assert!(status.success());
    (0..validators)
        .map(|index| out.join(format!("node-{index}")))
        .collect()
}

/// A name that nobody has yet, for an accreditation.
pub fn somebody(trust: &NetworkTrust) -> Did {
    Did::from_digest(&trust.network, &jumin_identity::random_bytes())
}

/// Where the accreditation of an agency is.
pub fn accreditation_of(subject: &Did) -> RecordKey {
    RecordKey::Accreditation {
        subject: subject.clone(),
        role: Role::Issuer,
    }
}

/// The keys of an agency.
pub struct Agency {
    pub key: FileKey,
    pub next: FileKey,
}

impl Agency {
    pub fn new() -> Self {
        Self {
            key: FileKey::generate().unwrap(),
            next: FileKey::generate().unwrap(),
        }
    }

    pub fn document(&self) -> DidDocument {
        let method = VerificationMethod {
            fragment: "key-1".to_owned(),
            public_key: self.key.public_key().clone(),
            purposes: vec![Purpose::AssertionMethod, Purpose::CapabilityInvocation],
            valid_from: 0,
            valid_until: None,
        };
        DidDocument {
            verification_methods: vec![method],
            services: Vec::new(),
        }
    }

    /// Signs the creation of this agency's DID.
    pub fn create(&self, trust: &NetworkTrust) -> SignedOperation {
        let operation = Operation::CreateDid {
            document: self.document(),
            next_key_hash: self.next.public_key().thumbprint(),
        };
        sign_operation(
            &trust.network,
            &operation,
            &[OperationSigner::Jwk(&self.key)],
        )
        .unwrap()
    }
}

pub fn did(operation: &SignedOperation) -> Did {
    operation.created_did().unwrap()
}

pub fn key_of(operation: &SignedOperation) -> RecordKey {
    RecordKey::Did(did(operation))
}
