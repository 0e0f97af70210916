use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use jumin_http::{Client, Url};
use jumin_identity::{Did, FileKey, b64url_decode};
use jumin_registry::{Checkpoint, NetworkTrust, ProvenRecord, RecordKey, SignedOperation};
use jumin_tests::{Stack, accredit_somebody, unix_now};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::measure::{Table, median, median_us};

const FINALITY_GOAL_MS: f64 = 300.0;
const SINGLE_OPERATIONS: usize = 60;
const RECORDS: usize = 10_000;
const WRITERS: usize = 256;
/// 1,000 operations a second.
const OPERATION_GOAL_MS: f64 = 1.0;
const MAX_ANSWER: usize = 1 << 20;
const BUSY_PAUSE: Duration = Duration::from_millis(20);

const CHECK_GOAL_MS: f64 = 1.0;
const SIZE_GOAL_KB: f64 = 1.5;

/// Measures checking what a node answers for one record: certificate, checkpoint and inclusion proof.
pub fn measure_proof(stack: &Stack, table: &mut Table) -> Result<()> {
    let trust = NetworkTrust::from_json(&fs::read(stack.network.trust_file())?)?;
    let did: Did = stack.issuer.did()?.parse()?;
    let key = RecordKey::Did(did);
    let name: String = url::form_urlencoded::byte_serialize(key.to_string().as_bytes()).collect();
    let node = stack.network.urls().into_iter().next().context("no node")?;
    let answer = stack
        .http()
        .get(&format!("{node}/v1/records/{name}"), &[])?
        .success()?;
    let checkpoint = bytes(&answer, "checkpoint")?;
    let record = ProvenRecord {
        key: key.clone(),
        value: Some(bytes(&answer, "value")?),
        proof: bytes(&answer, "proof")?,
    };
    let check = || -> Result<bool> {
        let verified = Checkpoint::from_bytes(&checkpoint)?.verify(&trust)?;
        let found = record.verify(&key, &verified)?;
        Ok(found.is_some() && verified.age_seconds(unix_now()) < 3600)
    };
    ensure!(check()?, "the node's answer does not hold");
    let time = median_us(41, 10, || check().is_ok());
    table.add(
        "ledger: check proof and certificate",
        "ms",
        time / 1e3,
        CHECK_GOAL_MS,
    );
    let size = checkpoint.len() + record.proof.len();
    table.add(
        "ledger: proof and certificate",
        "kB",
        size as f64 / 1e3,
        SIZE_GOAL_KB,
    );
    Ok(())
}

fn bytes(answer: &Value, member: &str) -> Result<Vec<u8>> {
    let text = answer[member]
        .as_str()
        .with_context(|| format!("no {member}"))?;
    Ok(b64url_decode(text)?)
}

/// Submits one operation at a time: the time until it is reported finalized.
pub async fn measure_finality(node: &str, governor: &FileKey, table: &mut Table) -> Result<()> {
    let network = "demo".parse()?;
    let client = Client::new()?;
    let mut times = Vec::new();
    for _ in 0..SINGLE_OPERATIONS {
        let operation = accredit_somebody(&network, governor)?;
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
pub async fn measure_throughput(node: &str, governor: &FileKey, table: &mut Table) -> Result<()> {
    let network = "demo".parse()?;
    let operations = (0..RECORDS).map(|_| accredit_somebody(&network, governor));
    let operations: Vec<_> = operations.collect::<Result<_>>()?;
    let (operations, next) = (Arc::new(operations), Arc::new(AtomicUsize::new(0)));
    let start = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let (operations, next, node) = (operations.clone(), next.clone(), node.to_owned());
        let client = Client::new()?;
        writers.spawn(async move {
            while let Some(operation) = operations.get(next.fetch_add(1, Ordering::Relaxed)) {
                while submit(&client, &node, operation).await.is_err() {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
            }
        });
    }
    while writers.join_next().await.is_some() {}
    let each = start.elapsed().as_secs_f64() * 1e3 / RECORDS as f64;
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
    ensure!(status["status"] == "finalized", "{status}");
    Ok(())
}
