use std::fs;

use anyhow::{Context, Result};
use jumin_identity::{Did, b64url_decode};
use jumin_registry::{Checkpoint, NetworkTrust, ProvenRecord, RecordKey};
use jumin_tests::{Stack, unix_now};
use serde_json::Value;

use crate::measure::{Table, median_us};

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
    anyhow::ensure!(check()?, "the node's answer does not hold");
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
