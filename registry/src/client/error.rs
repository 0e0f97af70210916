//! What goes wrong between a client and the nodes.

use jumin_http::HttpError;

use crate::{
    BundleError, CheckpointError, CheckpointStale, HandoverError, OperationHash, ProofError,
    TrustExpired,
};

/// Why the ledger gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client was given no nodes.
    #[error("no ledger node is configured")]
    NoNodes,
    /// No node gave an answer that holds; this is what was wrong with the last.
    #[error("no ledger node gave a usable answer")]
    Nodes(#[source] NodeFailure),
    /// The ledger refuses the operation.
    #[error("the ledger refuses the operation ({code})")]
    Rejected {
        /// The [`Rejection`](crate::Rejection)'s code.
        code: String,
    },
    /// The operation was taken but not finalized in time; it may still be.
    #[error("the operation was not finalized in time")]
    NotFinalized {
        /// The operation.
        hash: OperationHash,
    },
}

/// What was wrong with one node's answer.
#[derive(Debug, thiserror::Error)]
pub enum NodeFailure {
    /// It could not be reached, or the exchange broke off.
    #[error("the node could not be asked")]
    Http(#[source] HttpError),
    /// It answered with an error.
    #[error("the node answered with status {0}")]
    Status(u16),
    /// Its answer has not the form it should.
    #[error("the node's answer is malformed")]
    Malformed,
    /// Its checkpoint is not one of this network's validators.
    #[error("the node's checkpoint is not valid")]
    Checkpoint(#[source] CheckpointError),
    /// Its checkpoint is too old, or ahead of this clock.
    #[error("the node's checkpoint is not current")]
    Stale(#[source] CheckpointStale),
    /// Its checkpoint lies before one that this client has seen.
    #[error("the node is behind")]
    Behind,
    /// What this client trusts is too old to be followed; no node can mend that.
    #[error("the network's trust file is too old")]
    Expired(#[source] TrustExpired),
    /// The changes of validators that it told are not valid.
    #[error("the node's changes of validators are not valid")]
    Handover(#[source] HandoverError),
    /// Its record is not proven.
    #[error("the node's record is not proven")]
    Proof(#[source] ProofError),
    /// Its bundle is not proven.
    #[error("the node's bundle is not proven")]
    Bundle(#[source] BundleError),
    /// It said that an operation was finalized, and the ledger doesn't show it.
    #[error("the operation that the node reported is not on the ledger")]
    NotReflected,
}

impl ClientError {
    /// Returns the stable code; of a refused operation, the refusal's.
    pub fn code(&self) -> &str {
        match self {
            Self::NoNodes => "ledger_unreachable",
            Self::Nodes(failure) => failure.code(),
            Self::Rejected { code } => code,
            Self::NotFinalized { .. } => "not_finalized",
        }
    }
}

impl NodeFailure {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Http(_) | Self::Status(_) => "ledger_unreachable",
            Self::Stale(_) | Self::Behind => "ledger_stale",
            Self::Expired(expired) => expired.code(),
            Self::Malformed
            | Self::Checkpoint(_)
            | Self::Handover(_)
            | Self::Proof(_)
            | Self::Bundle(_)
            | Self::NotReflected => "ledger_proof_invalid",
        }
    }
}
