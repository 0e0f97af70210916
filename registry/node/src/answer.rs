//! Checks an answer about a record step by step and says what each step found, trusting no node.

#[cfg(test)]
mod altered;
mod judge;
#[cfg(test)]
mod vectors;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use jumin_http::{Client, Url};
use jumin_identity::Did;
use jumin_registry::{MAX_HANDOVERS, NetworkTrust, Record, RecordKey};
use serde_json::Value;

use crate::application::unix_ms;
use judge::{Question, Report, Step, StepResult, judge, last_epoch};

const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// How old an answer from the network may be, in seconds, if nothing else is said.
const MAX_AGE: u64 = 120;

/// Checks a record's proof step by step, trusting the network's trust file and no node.
#[derive(Args)]
pub struct Check {
    /// The network's trust file, from whoever runs the network; not from the node that is checked.
    #[arg(long)]
    network: PathBuf,
    /// The node that is asked.
    #[arg(long, required_unless_present = "answer", conflicts_with = "answer")]
    node: Option<Url>,
    /// A saved answer, to be checked without the network.
    #[arg(long)]
    answer: Option<PathBuf>,
    /// How old the answer may be, in seconds; 120 when a node is asked, any age for a saved answer.
    #[arg(long)]
    max_age: Option<u64>,
    /// Saves the node's answer, for a check without the network.
    #[arg(long, conflicts_with = "answer")]
    save: Option<PathBuf>,
    /// A DID, or the key of a record: accreditation/did:…/issuer, governance, validators, …
    record: String,
}

impl Check {
    /// Asks, checks, and prints each step and a verdict.
    ///
    /// # Errors
    /// When a file can't be read, the node gives no answer, or the answer does not hold.
    pub async fn run(self) -> anyhow::Result<()> {
        let key = record_key(&self.record)?;
        let trust = read(&self.network)?;
        let answer = match (&self.answer, &self.node) {
            (Some(path), _) => read(path)?,
            (None, Some(node)) => fetch(node, &trust, &key).await?,
            (None, None) => bail!("name a node or a saved answer"),
        };
        if let Some(path) = &self.save {
            std::fs::write(path, &answer).context("cannot save the answer")?;
        }
        let report = judge(&Question {
            trust: &trust,
            answer: &answer,
            key: &key,
            now: unix_ms(SystemTime::now()) / 1000,
            max_age: self.max_age.or(self.node.map(|_| MAX_AGE)),
        });
        print!("{}", told(&report, &key));
        ensure!(report.proven(), "the answer is not proven");
        Ok(())
    }
}

fn record_key(text: &str) -> anyhow::Result<RecordKey> {
    if let Ok(did) = text.parse::<Did>() {
        return Ok(RecordKey::Did(did));
    }
    let key = text.parse();
    key.ok().context(
        "this is neither a DID nor a record's key (accreditation/did:…/issuer, governance, …)",
    )
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = || format!("cannot read {}", path.display());
    let length = std::fs::metadata(path).with_context(shown)?.len();
    ensure!(
        length <= MAX_ANSWER_BYTES as u64,
        "{} is too large",
        path.display()
    );
    std::fs::read(path).with_context(shown)
}

/// Asks a node for a record and for the changes of validators since the trust file.
async fn fetch(node: &Url, trust: &[u8], key: &RecordKey) -> anyhow::Result<Vec<u8>> {
    let http = Client::new().context("cannot ask anybody")?;
    let mut answer = ask(&http, node, &["v1", "records", &key.to_string()], None).await?;
    let mut handovers: Vec<Value> = Vec::new();
    // Without a trust file that can be read there is nothing to follow from; the first step says so.
    let mut from = NetworkTrust::from_json(trust).ok().map(|trust| trust.epoch);
    while let Some(epoch) = from
        && handovers.len() <= MAX_HANDOVERS
    {
        let page = ask(&http, node, &["v1", "handovers"], Some(epoch)).await?;
        let page = page["handovers"].as_array().cloned().unwrap_or_default();
        from = page
            .last()
            .and_then(last_epoch)
            .filter(|last| *last >= epoch)
            .map(|last| last + 1);
        handovers.extend(page);
    }
    let answer_object = answer
        .as_object_mut()
        .context("the node's answer is not an object")?;
    answer_object.insert("handovers".to_owned(), Value::Array(handovers));
    Ok(serde_json::to_vec(&answer)?)
}

async fn ask(http: &Client, node: &Url, path: &[&str], from: Option<u64>) -> anyhow::Result<Value> {
    let mut url = node.clone();
    url.path_segments_mut()
        .ok()
        .context("this is not a node's address")?
        .pop_if_empty()
        .extend(path);
    if let Some(from) = from {
        url.query_pairs_mut().append_pair("from", &from.to_string());
    }
    let response = http.get(&url, "application/json", MAX_ANSWER_BYTES).await;
    let response = response.context("the node can't be asked")?;
    ensure!(
        response.is_success(),
        "the node answered with status {}",
        response.status
    );
    response.json().context("the node's answer is not JSON")
}

/// Writes each step on a line, and what is proven.
fn told(report: &Report, key: &RecordKey) -> String {
    let mut text = String::new();
    for step in &report.steps {
        // Writing to a string can't fail.
        let _ = writeln!(text, "{}", line(step));
    }
    let verdict = match (report.proven(), &report.record) {
        (true, Some(record)) => {
            let value = String::from_utf8_lossy(&Record::to_bytes(record)).into_owned();
            format!("proven: {key} was so at block {}\n{value}", report.height)
        }
        (true, None) => format!("proven: {key} did not exist at block {}", report.height),
        (false, _) => format!("NOT proven: {key}"),
    };
    let _ = writeln!(text, "{verdict}");
    text
}

fn line(step: &Step) -> String {
    let (mark, code) = match step.result {
        StepResult::Ok => ("ok", ""),
        StepResult::Failed(code) => ("FAILED", code),
        StepResult::NotReached => ("-", ""),
    };
    let parts = [step.name, code, &step.note];
    let shown = parts.iter().filter(|part| !part.is_empty());
    let shown: Vec<_> = shown.copied().collect();
    format!("{mark:<7}{}", shown.join(": "))
}
