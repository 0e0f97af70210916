//! Hands operations to nodes and waits until they are reported finalized.

use std::time::Duration;

use jumin_http::{Client, Response, Url};
use jumin_registry::SignedOperation;
use serde_json::Value;
use tokio::time::Instant;

use super::figures::{Refusals, Times};

/// The longest that one operation may take, refusals for being busy included.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL_PAUSE: Duration = Duration::from_millis(100);
const MAX_RETRY_SECONDS: u64 = 5;
const MAX_ANSWER: usize = 64 * 1024;

/// One client of one node: what it asked for and how long that took.
pub(super) struct Submitter {
    http: Client,
    nodes: Vec<Url>,
    /// Times from the submission that was taken to its finalization.
    pub times: Times,
    pub refusals: Refusals,
}

/// What a node answered.
enum Answer {
    Finalized(u64),
    Pending,
    /// Nothing was taken; worth another try after this time.
    Busy(Duration),
    Refused,
}

impl Submitter {
    /// Starts with the node of this client's number; the others are asked when it fails.
    pub(super) fn new(http: Client, nodes: &[Url], number: usize) -> Self {
        let mut nodes = nodes.to_vec();
        let first = number % nodes.len().max(1);
        nodes.rotate_left(first);
        Self {
            http,
            nodes,
            times: Times::default(),
            refusals: Refusals::new(),
        }
    }

    /// Submits until the operation is finalized, and gives its height; none if it was refused or nobody answered in time.
    pub(super) async fn finalize(&mut self, operation: &SignedOperation) -> Option<u64> {
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let start = Instant::now();
            let mut answer = self.submit(operation).await;
            while matches!(answer, Answer::Pending) && Instant::now() < end {
                tokio::time::sleep(POLL_PAUSE).await;
                answer = self.ask(operation).await;
            }
            match answer {
                Answer::Finalized(height) => {
                    self.times.add(start.elapsed());
                    return Some(height);
                }
                Answer::Refused => return None,
                Answer::Pending => break,
                Answer::Busy(pause) => tokio::time::sleep(pause).await,
            }
        }
        self.note("not_finalized_in_time");
        None
    }

    async fn submit(&mut self, operation: &SignedOperation) -> Answer {
        let Ok(url) = self.nodes[0].join("v1/operations?wait=20") else {
            return Answer::Refused;
        };
        let body = operation.to_bytes();
        let answer = self
            .http
            .post_bytes(&url, "application/json", body, &[], MAX_ANSWER);
        let answer = answer.await;
        self.judge(answer)
    }

    async fn ask(&mut self, operation: &SignedOperation) -> Answer {
        let path = format!("v1/operations/{}", operation.hash());
        let Ok(url) = self.nodes[0].join(&path) else {
            return Answer::Refused;
        };
        let answer = self.http.get(&url, "application/json", MAX_ANSWER).await;
        self.judge(answer)
    }

    fn judge(&mut self, answer: Result<Response, jumin_http::HttpError>) -> Answer {
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                // Another node may be there; submitting twice does no harm.
                self.nodes.rotate_left(1);
                self.note(error.code());
                return Answer::Busy(POLL_PAUSE);
            }
        };
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        match (answer.status, body["status"].as_str()) {
            (200, Some("finalized")) => match body["height"].as_u64() {
                Some(height) => Answer::Finalized(height),
                None => Answer::Refused,
            },
            (200 | 202, Some("pending")) => Answer::Pending,
            (200, Some("unknown")) => Answer::Busy(POLL_PAUSE),
            (status, _) => {
                let code = body["code"].as_str().unwrap_or("unreadable");
                self.note(&format!("{status} {code}"));
                if !matches!(status, 429 | 503) {
                    return Answer::Refused;
                }
                let seconds = answer
                    .header("retry-after")
                    .and_then(|text| text.parse().ok());
                let seconds: u64 = seconds.unwrap_or(1);
                Answer::Busy(Duration::from_secs(seconds.min(MAX_RETRY_SECONDS)))
            }
        }
    }

    fn note(&mut self, code: &str) {
        *self.refusals.entry(code.to_owned()).or_default() += 1;
    }
}

/// Waits until all nodes have a block, so that none refuses what it only doesn't know yet.
pub(super) async fn reach(http: &Client, nodes: &[Url], height: u64) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    for node in nodes {
        let url = node.join("v1/status")?;
        loop {
            let answer = http.get(&url, "application/json", MAX_ANSWER).await?;
            let status: Value = answer.json()?;
            if status["height"].as_u64() >= Some(height) {
                break;
            }
            anyhow::ensure!(
                Instant::now() < end,
                "{node} does not get to block {height}"
            );
            tokio::time::sleep(POLL_PAUSE).await;
        }
    }
    Ok(())
}
