//! How one validator bears more and more records.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use jumin_identity::b64url_decode;
use jumin_tests::{Http, Network, Settings};
use serde::{Deserialize, Serialize};

use super::load::{load, start};
use super::sync;
use crate::measure::{Table, median};

/// Writers while the records are made, and while the probe is measured.
const CLIENTS: &str = "64";
const AGENCIES: u64 = 50;
/// An agency's DID and its accreditation.
const RECORDS_OF_AGENCY: u64 = 2;
/// Operations that are timed at each size.
const PROBE: u64 = 3_000;
const SAMPLED_PROOFS: usize = 50;

/// What was measured with so many records.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    pub records: u64,
    /// Time per finalized operation, many at once.
    pub operation_us: f64,
    /// The node's processor time per finalized operation, many at once; what else runs on the machine matters less to it.
    pub node_cpu_us: f64,
    /// From submission to finalization, one at a time.
    pub finality_ms: f64,
    /// Time per record read with its proof.
    pub read_us: f64,
    /// The inclusion proof without the certificate.
    pub proof_bytes: f64,
    /// What the node's process has in memory.
    pub resident_mb: f64,
    pub highest_mb: f64,
    /// The state's database on disk.
    pub state_mb: f64,
    /// Blocks, finalizations and votes on disk.
    pub blocks_mb: f64,
    /// Until a new node has fetched and checked the state; measured at the last size, because the node keeps what it serves
    /// for some minutes and its database grows meanwhile.
    pub sync_seconds: Option<f64>,
}

/// Fills a validator up to each size and measures there; the points so far are in `out` all the time.
pub fn measure(sizes: &[u64], out: &Path) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    if sizes.is_empty() {
        return Ok(points);
    }
    ensure!(sizes.is_sorted(), "--growth is in ascending steps");
    let directory = tempfile::Builder::new().prefix("jumin-growth-").tempdir()?;
    let network = start(directory.path(), 1)?;
    let keys = directory.path().join("keys");
    let mut records = 0;
    for size in sizes {
        let probed = PROBE.min(size / 4);
        let missing = size.saturating_sub(records + probed + 2 * AGENCIES * RECORDS_OF_AGENCY);
        if missing > 0 {
            records += write(&network, missing, CLIENTS, AGENCIES, &keys)?.0;
        }
        let process = network.processes().next().context("no node runs")?.id();
        let before = cpu_seconds(process)?;
        let (written, operation_us, _) = write(&network, probed, CLIENTS, AGENCIES, &keys)?;
        let cpu = cpu_seconds(process)? - before;
        records += written;
        let node_cpu_us = cpu * 1e6 / probed as f64;
        let point = probe(&network, records, (operation_us, node_cpu_us), &keys)?;
        eprintln!("  {point:?}");
        // The single writer of the probe has an agency of its own.
        records += SINGLE + RECORDS_OF_AGENCY;
        points.push(point);
        save(&points, out)?;
    }
    if let Some(last) = points.last_mut() {
        last.sync_seconds = Some(sync::measure(&network, directory.path())?);
    }
    save(&points, out)?;
    Ok(points)
}

/// Operations that are finalized one at a time at each size.
const SINGLE: u64 = 100;

fn probe(
    network: &Network,
    records: u64,
    (operation_us, node_cpu_us): (f64, f64),
    keys: &Path,
) -> Result<Point> {
    let url = network.urls().remove(0);
    let keys_text = keys.display().to_string();
    let options = [
        "--node",
        &url,
        "--keys",
        &keys_text,
        "--clients",
        "16",
        "--seconds",
        "5",
    ];
    let reads = load(network, "reads", &options)?;
    let proof_bytes = proof_bytes(&url, keys)?;
    let unused = keys.with_extension("single");
    let (_, _, finality_ms) = write(network, SINGLE, "1", 1, &unused)?;
    let process = network.processes().next().context("no node runs")?.id();
    let data = network.node_home(0).join("data");
    Ok(Point {
        records,
        operation_us,
        node_cpu_us,
        finality_ms,
        read_us: 1e6 / reads.per_second,
        proof_bytes,
        resident_mb: memory_mb(process, "VmRSS:")?,
        highest_mb: memory_mb(process, "VmHWM:")?,
        state_mb: disk_mb(&data.join("state.redb"))?,
        blocks_mb: disk_mb(&data.join("engine"))?,
        sync_seconds: None,
    })
}

/// Writes so many operations; gives the records made, the time per operation in microseconds and the median in milliseconds.
fn write(
    network: &Network,
    count: u64,
    clients: &str,
    agencies: u64,
    keys: &Path,
) -> Result<(u64, f64, f64)> {
    let (url, keys) = (network.urls().remove(0), keys.display().to_string());
    let (count_text, agencies_text) = (count.to_string(), agencies.to_string());
    let mut options = vec!["--node", &url, "--clients", clients, "--count", &count_text];
    options.extend(["--agencies", &agencies_text, "--prove-at-most", "1000"]);
    options.extend(["--keys-out", &keys]);
    let figures = load(network, "operations", &options)?;
    ensure!(
        figures.done as u64 == count,
        "not all operations were finalized"
    );
    let records = count + agencies * RECORDS_OF_AGENCY;
    let p50 = figures.p50_ms.unwrap_or(f64::NAN);
    Ok((records, 1e6 / figures.per_second, p50))
}

/// The median length of some records' proofs.
fn proof_bytes(url: &str, keys: &Path) -> Result<f64> {
    let http = Http::new(&Settings::default())?;
    let text = fs::read_to_string(keys)?;
    let all: Vec<_> = text.lines().collect();
    let step = all.len().div_ceil(SAMPLED_PROOFS).max(1);
    let length = |key: &&str| {
        let name: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
        let answer = http
            .get(&format!("{url}/v1/records/{name}"), &[])?
            .success()?;
        let proof = answer["proof"].as_str().context("no proof")?;
        Ok(b64url_decode(proof)?.len() as f64)
    };
    let lengths = all.iter().step_by(step).map(length);
    Ok(median(lengths.collect::<Result<_>>()?))
}

fn memory_mb(process: u32, name: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let kb = line.and_then(|line| line.split_whitespace().next());
    let kb: f64 = kb.context("the system does not tell memory")?.parse()?;
    Ok(kb / 1024.0)
}

/// The processor time that a process took so far.
fn cpu_seconds(process: u32) -> Result<f64> {
    // proc(5): utime and stime are the 14th and 15th field, in hundredths of a second.
    let text = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = text.rsplit_once(')').context("unreadable")?.1;
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = ticks.map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

fn disk_mb(path: &Path) -> Result<f64> {
    fn bytes(path: &Path) -> std::io::Result<u64> {
        let metadata = fs::metadata(path)?;
        if !metadata.is_dir() {
            return Ok(metadata.len());
        }
        fs::read_dir(path)?.map(|entry| bytes(&entry?.path())).sum()
    }
    Ok(bytes(path)? as f64 / (1024.0 * 1024.0))
}

fn save(points: &[Point], out: &Path) -> Result<()> {
    if let Some(directory) = out.parent() {
        fs::create_dir_all(directory)?;
    }
    Ok(fs::write(out, serde_json::to_vec_pretty(points)?)?)
}

/// Reads the points of an earlier run.
pub fn read(out: &Path) -> Result<Vec<Point>> {
    let bytes = fs::read(out).with_context(|| format!("cannot read {}", out.display()))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Adds the last point beside the first: no worse than logarithmic is a ratio of at most 1.
pub fn add_rows(points: &[Point], table: &mut Table) {
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return;
    };
    let growth = (last.records as f64).ln() / (first.records as f64).ln();
    let mut add = |what: &str, unit: &str, of: fn(&Point) -> f64| {
        let path = format!("{what} at {} records", last.records);
        table.add(&path, unit, of(last), of(first) * growth);
    };
    add("time per operation", "µs", |point| point.operation_us);
    add("node's processor time per operation", "µs", |point| {
        point.node_cpu_us
    });
    add("finality, 1 validator", "ms", |point| point.finality_ms);
    add("record with proof", "µs", |point| point.read_us);
    add("inclusion proof", "B", |point| point.proof_bytes);
    table.note(format!(
        "growth, 1 validator: the bound is what {} records took, grown as the logarithm; at {} records the node has {:.0} MB in \
         memory (at most {:.0}), {:.0} MB of state and {:.0} MB of blocks on disk; \
         a new node has that state after {:.1} s",
        first.records, last.records, last.resident_mb, last.highest_mb, last.state_mb, last.blocks_mb, last.sync_seconds.unwrap_or(f64::NAN),
    ));
}
