//! Submits operations and waits until they are provably on the ledger.

use std::time::Duration;

use jumin_http::Url;
use tokio::time::Instant;

use super::{
    ClientError, LedgerClient, MAX_ANSWER_BYTES, NodeFailure, Question,
    race::{Heard, first_answer},
    wire::{self, OperationAnswer, OperationStatus, ProblemAnswer},
};
use crate::{OperationHash, SignedOperation, VerifiedCheckpoint};

const DEADLINE: Duration = Duration::from_secs(15);
const POLL_PAUSE: Duration = Duration::from_millis(50);
const BUSY_PAUSE: Duration = Duration::from_millis(250);
const WAIT_SECONDS: &str = "10";

/// A finalized operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The operation.
    pub hash: OperationHash,
    /// The block that it took effect in, as the node says; that it took effect is proven.
    pub height: u64,
}

/// How one node answered a submission.
enum Outcome {
    Finalized(u64),
    Rejected(String),
}

/// Why one node brought an operation no further.
enum Setback {
    Refused(String),
    Failed(ClientError),
}

impl LedgerClient {
    /// Waits for the first checkpoint of a network that has just begun, at most 15 seconds; answers at once for any other.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub async fn await_checkpoint(&self) -> Result<VerifiedCheckpoint, ClientError> {
        let started = Instant::now();
        loop {
            match self.checkpoint().await {
                Err(ClientError::Nodes(NodeFailure::Status(503)))
                    if started.elapsed() < DEADLINE =>
                {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                answered => return answered,
            }
        }
    }

    /// Submits an operation and returns once it is finalized and its effect proven, within 15 seconds.
    ///
    /// Submitting the same operation again is harmless: it takes effect once.
    ///
    /// # Errors
    /// [`ClientError::Rejected`] with the ledger's code, [`ClientError::NotFinalized`] when time ran out, or what was wrong
    /// with the nodes.
    pub async fn submit(&self, operation: &SignedOperation) -> Result<Receipt, ClientError> {
        let hash = operation.hash();
        tokio::time::timeout(DEADLINE, self.submit_anywhere(operation))
            .await
            .unwrap_or(Err(ClientError::NotFinalized { hash }))
    }

    /// Tries the nodes again for as long as one only was too busy; the caller bounds the time.
    async fn submit_anywhere(&self, operation: &SignedOperation) -> Result<Receipt, ClientError> {
        loop {
            match self.submit_once(operation).await {
                Err(ClientError::Nodes(NodeFailure::Status(429 | 503))) => {
                    tokio::time::sleep(BUSY_PAUSE).await;
                }
                decided => return decided,
            }
        }
    }

    async fn submit_once(&self, operation: &SignedOperation) -> Result<Receipt, ClientError> {
        // The same operation at several nodes takes effect once, so a silent one need not be waited for.
        let submitted = first_answer(self.in_order(), |(_, node), _| {
            self.submit_and_confirm(node, operation)
        });
        let setbacks = match submitted.await {
            Ok(receipt) => return Ok(receipt),
            Err(setbacks) => setbacks,
        };
        let (mut refused, mut failed) = (None, None);
        for setback in setbacks {
            match setback {
                // One node's refusal is its word only; the others may know better.
                Setback::Refused(code) => refused = refused.or(Some(code)),
                Setback::Failed(failure) => failed = Some(failure),
            }
        }
        match (refused, failed) {
            (Some(code), _) => Err(ClientError::Rejected { code }),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(ClientError::NoNodes),
        }
    }

    async fn submit_and_confirm(
        &self,
        node: &Url,
        operation: &SignedOperation,
    ) -> Result<Receipt, Setback> {
        let failed = |failure| Setback::Failed(ClientError::Nodes(failure));
        let hash = operation.hash();
        match self.submit_to(node, operation).await.map_err(failed)? {
            Outcome::Rejected(code) => Err(Setback::Refused(code)),
            Outcome::Finalized(height) => match self.confirm(operation, height).await {
                Ok(true) => Ok(Receipt { hash, height }),
                Ok(false) => Err(failed(NodeFailure::NotReflected)),
                Err(error) => Err(Setback::Failed(error)),
            },
        }
    }

    async fn submit_to(
        &self,
        node: &Url,
        operation: &SignedOperation,
    ) -> Result<Outcome, NodeFailure> {
        let mut url = wire::join(node, &["v1", "operations"])?;
        url.query_pairs_mut().append_pair("wait", WAIT_SECONDS);
        let response = self
            .http
            .post_bytes(
                &url,
                "application/json",
                operation.to_bytes(),
                &[],
                MAX_ANSWER_BYTES,
            )
            .await
            .map_err(NodeFailure::Http)?;
        match response.status {
            200..=299 => match outcome(&response.body)? {
                Some(outcome) => Ok(outcome),
                None => self.poll(node, operation.hash()).await,
            },
            // Busy: not a word on the operation.
            429 => Err(NodeFailure::Status(429)),
            400..=499 => {
                let problem: ProblemAnswer = wire::parse(&response.body)?;
                // Sent before, perhaps through another node, it is refused now for having taken effect.
                match self.status(node, operation.hash()).await {
                    Ok(Some(Outcome::Finalized(height))) => Ok(Outcome::Finalized(height)),
                    _ => Ok(Outcome::Rejected(problem.code)),
                }
            }
            status => Err(NodeFailure::Status(status)),
        }
    }

    /// Asks a node for an operation until it is decided; the caller bounds the time.
    async fn poll(&self, node: &Url, hash: OperationHash) -> Result<Outcome, NodeFailure> {
        loop {
            if let Some(outcome) = self.status(node, hash).await? {
                return Ok(outcome);
            }
            tokio::time::sleep(POLL_PAUSE).await;
        }
    }

    async fn status(
        &self,
        node: &Url,
        hash: OperationHash,
    ) -> Result<Option<Outcome>, NodeFailure> {
        let question = Question {
            path: &["v1", "operations", &hash.to_string()],
            query: None,
            max_bytes: MAX_ANSWER_BYTES,
        };
        outcome(&self.get(node, &question, &Heard::default()).await?)
    }

    /// Waits for a proven state at `height` or later and tells whether it shows the operation.
    async fn confirm(&self, operation: &SignedOperation, height: u64) -> Result<bool, ClientError> {
        let started = Instant::now();
        loop {
            let proven = self.record(&operation.record_key()).await?;
            if proven
                .record
                .is_some_and(|record| operation.is_reflected_in(&record))
            {
                return Ok(true);
            }
            // A false height must not keep the client from asking the next node.
            if proven.checkpoint.height() >= height || started.elapsed() > DEADLINE / 3 {
                return Ok(false);
            }
            tokio::time::sleep(POLL_PAUSE).await;
        }
    }
}

fn outcome(body: &[u8]) -> Result<Option<Outcome>, NodeFailure> {
    let answer: OperationAnswer = wire::parse(body)?;
    match answer.status {
        OperationStatus::Pending => Ok(None),
        OperationStatus::Finalized => answer
            .height
            .map(|height| Some(Outcome::Finalized(height)))
            .ok_or(NodeFailure::Malformed),
        OperationStatus::Rejected => answer
            .code
            .map(|code| Some(Outcome::Rejected(code)))
            .ok_or(NodeFailure::Malformed),
        OperationStatus::Unknown => Err(NodeFailure::NotReflected),
    }
}
