use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result};
use jumin_http::{Client, Url};
use jumin_identity::{FileKey, NetworkName, Signer, b64url, random_bytes, sign_jws};
use jumin_registry::{
    DidDocument, Operation, OperationSigner, Purpose, SignedOperation, VerificationMethod,
    sign_operation,
};
use jumin_tests::{Offer, Stack, unix_now};
use serde_json::{Map, Value, json};

use crate::ledger;
use crate::measure::{Table, median};

const VALIDATORS: usize = 4;
const FINALITY_GOAL_MS: f64 = 300.0;
const SINGLE_OPERATIONS: usize = 60;
const LEDGER_RECORDS: usize = 10_000;
const LEDGER_WRITERS: usize = 256;
/// 1,000 operations a second.
const OPERATION_GOAL_MS: f64 = 1.0;
/// 500 issuances a second.
const ISSUANCE_GOAL_MS: f64 = 2.0;
const ISSUANCES: usize = 600;
const ISSUANCE_CLIENTS: usize = 16;
const MAX_ANSWER: usize = 1 << 20;

/// Measures four validators and an issuer as processes, over HTTP.
pub fn measure(table: &mut Table) -> Result<()> {
    let stack = Stack::with_validators(VALIDATORS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let node = stack.network.urls().into_iter().next().context("no node")?;
    runtime.block_on(finality(&node, table))?;
    runtime.block_on(throughput(&node, table))?;
    ledger::measure_proof(&stack, table)?;
    issuance(&stack, &runtime, table)
}

/// Submits one operation at a time: the time until it is reported finalized.
async fn finality(node: &str, table: &mut Table) -> Result<()> {
    let client = Client::new()?;
    let mut times = Vec::new();
    for _ in 0..SINGLE_OPERATIONS {
        let operation = create_did()?;
        let start = Instant::now();
        submit(&client, node, &operation).await?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    table.add(
        "finality, 4 validators (median)",
        "ms",
        median(times),
        FINALITY_GOAL_MS,
    );
    Ok(())
}

/// Many writers at once: the time per finalized operation.
async fn throughput(node: &str, table: &mut Table) -> Result<()> {
    let operations: Vec<_> = (0..LEDGER_RECORDS)
        .map(|_| create_did())
        .collect::<Result<_>>()?;
    let (operations, next) = (
        std::sync::Arc::new(operations),
        std::sync::Arc::new(AtomicUsize::new(0)),
    );
    let start = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..LEDGER_WRITERS {
        let (operations, next, node) = (operations.clone(), next.clone(), node.to_owned());
        let client = Client::new()?;
        writers.spawn(async move {
            while let Some(operation) = operations.get(next.fetch_add(1, Ordering::Relaxed)) {
                while submit(&client, &node, operation).await.is_err() {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            }
        });
    }
    while writers.join_next().await.is_some() {}
    let each = start.elapsed().as_secs_f64() * 1e3 / LEDGER_RECORDS as f64;
    table.add(
        "ledger: one of many operations",
        "ms",
        each,
        OPERATION_GOAL_MS,
    );
    Ok(())
}

async fn submit(client: &Client, node: &str, operation: &SignedOperation) -> Result<()> {
    let url = Url::parse(&format!("{node}/v1/operations?wait=15"))?;
    let answer = client
        .post_bytes(
            &url,
            "application/json",
            operation.to_bytes(),
            &[],
            MAX_ANSWER,
        )
        .await?;
    let status: Value = answer.json()?;
    anyhow::ensure!(status["status"] == "finalized", "{status}");
    Ok(())
}

fn create_did() -> Result<SignedOperation> {
    let network: NetworkName = "demo".parse()?;
    let key = FileKey::generate()?;
    let document = DidDocument {
        verification_methods: vec![VerificationMethod {
            fragment: "key-1".into(),
            public_key: key.public_key().clone(),
            purposes: vec![Purpose::AssertionMethod],
            valid_from: 0,
            valid_until: None,
        }],
        services: Vec::new(),
    };
    let operation = Operation::CreateDid {
        document,
        next_key_hash: random_bytes::<32>(),
    };
    Ok(sign_operation(
        &network,
        &operation,
        &[OperationSigner::Jwk(&key)],
    )?)
}

/// Token, nonce and credential for one offer each, by several wallets at once.
fn issuance(stack: &Stack, runtime: &tokio::runtime::Runtime, table: &mut Table) -> Result<()> {
    let resident = stack.issuer.adult()?;
    let resident = resident["id"].as_str().context("no id")?;
    let offers: Vec<Offer> = (0..ISSUANCES)
        .map(|_| stack.issuer.offer(resident, "resident-card"))
        .collect::<Result<_>>()?;
    let issuer = stack.issuer.url();
    let elapsed = runtime.block_on(async {
        let codes = pre_authorized_codes(&offers).await?;
        let (codes, next) = (
            std::sync::Arc::new(codes),
            std::sync::Arc::new(AtomicUsize::new(0)),
        );
        let start = Instant::now();
        let mut wallets = tokio::task::JoinSet::new();
        for _ in 0..ISSUANCE_CLIENTS {
            let (codes, next, issuer) = (codes.clone(), next.clone(), issuer.clone());
            wallets.spawn(async move {
                let client = Client::new()?;
                while let Some((code, tx_code)) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    obtain(&client, &issuer, code, tx_code).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(wallet) = wallets.join_next().await {
            wallet??;
        }
        anyhow::Ok(start.elapsed())
    })?;
    let each = elapsed.as_secs_f64() * 1e3 / ISSUANCES as f64;
    table.add(
        "issuance over HTTP, one of many",
        "ms",
        each,
        ISSUANCE_GOAL_MS,
    );
    Ok(())
}

async fn pre_authorized_codes(offers: &[Offer]) -> Result<Vec<(String, String)>> {
    let client = Client::new()?;
    let mut codes = Vec::new();
    for offer in offers {
        let link = Url::parse(&offer.uri)?;
        let (_, uri) = link
            .query_pairs()
            .find(|(name, _)| name == "credential_offer_uri")
            .context("no credential_offer_uri")?;
        let answer = client
            .get(&Url::parse(&uri)?, "application/json", MAX_ANSWER)
            .await?;
        let offer_object: Value = answer.json()?;
        let grant = &offer_object["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"];
        let code = grant["pre-authorized_code"].as_str().context("no code")?;
        codes.push((code.to_owned(), offer.tx_code.clone()));
    }
    Ok(codes)
}

async fn obtain(client: &Client, issuer: &str, code: &str, tx_code: &str) -> Result<()> {
    let url = |path: &str| Url::parse(&format!("{issuer}{path}"));
    let form = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        ),
        ("pre-authorized_code", code),
        ("tx_code", tx_code),
    ];
    let token: Value = client
        .post_form(&url("/token")?, &form, &[], MAX_ANSWER)
        .await?
        .json()?;
    let token = token["access_token"]
        .as_str()
        .with_context(|| token.to_string())?;
    let nonce: Value = client
        .post_json(&url("/nonce")?, &json!({}), &[], MAX_ANSWER)
        .await?
        .json()?;
    let proof = proof(issuer, nonce["c_nonce"].as_str().context("no nonce")?)?;
    let body = json!({
        "credential_configuration_id": "resident-card",
        "proofs": { "jwt": [proof] },
    });
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let answer = client
        .post_json(&url("/credential")?, &body, &headers, MAX_ANSWER)
        .await?;
    anyhow::ensure!(
        answer.is_success(),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    Ok(())
}

fn proof(issuer: &str, nonce: &str) -> Result<String> {
    let key = FileKey::generate()?;
    let mut header = Map::new();
    header.insert("typ".into(), json!("openid4vci-proof+jwt"));
    header.insert(
        "jwk".into(),
        serde_json::to_value(key.public_key().to_jwk())?,
    );
    let payload = json!({"aud": issuer, "nonce": nonce, "iat": unix_now(), "jti": b64url(&random_bytes::<8>())});
    Ok(sign_jws(&header, payload.to_string().as_bytes(), &key)?)
}
