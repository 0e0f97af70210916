//! The node's HTTP interface: operations in, proved records out.

mod explorer;
mod limit;
mod meter;
mod metrics;
mod observe;
mod operations;
mod records;
mod resolution;
mod snapshot;

pub(crate) use limit::Limit;
pub(crate) use meter::{finalized, install, keep_up, operation_finalized, refused, watch_blocks};

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use jumin_http::{Problem, as_problems};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::block::MAX_OPERATION_BYTES;
use crate::ledger::Ledger;
use crate::proofs::ReadError;
use crate::store::StoreError;
use crate::validator::{Gossip, Validator};

/// What every route shares.
#[derive(Clone)]
pub(crate) struct Context {
    ledger: Arc<Ledger>,
    gossip: Gossip,
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    counts: PrometheusHandle,
    state_file: Arc<PathBuf>,
    key: [u8; 32],
    limit: Arc<Limit>,
    /// One for each submitter that waits for the finalization.
    waiters: Arc<Semaphore>,
    /// One for each bundle that is being made.
    bundlers: Arc<Semaphore>,
    /// One for each chunk of a snapshot that is being made.
    chunks: Arc<Semaphore>,
    /// One for each answer to the explorer that is being made.
    explorers: Arc<Semaphore>,
}

impl Context {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        validator: &Validator,
        limit: Limit,
        counts: PrometheusHandle,
        state_file: PathBuf,
    ) -> Self {
        Self {
            ledger,
            gossip: validator.gossip.clone(),
            metrics: validator.metrics.clone(),
            counts,
            state_file: Arc::new(state_file),
            key: validator.key,
            limit: Arc::new(limit),
            waiters: Arc::new(Semaphore::new(operations::MAX_WAITERS)),
            bundlers: Arc::new(Semaphore::new(records::MAX_BUNDLERS)),
            chunks: Arc::new(Semaphore::new(snapshot::CHUNKS_AT_ONCE)),
            explorers: Arc::new(Semaphore::new(explorer::AT_ONCE)),
        }
    }
}

#[derive(OpenApi)]
#[openapi(info(
    title = "Jumin registry node",
    description = "The DID registry. Every answer about a record carries its proof; believe the proof, not the node."
))]
struct Description;

/// Builds the routes.
pub(crate) fn router(context: Context) -> Router {
    let (api, description) = OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(operations::submit))
        .routes(routes!(operations::status))
        .routes(routes!(records::record))
        .routes(routes!(records::checkpoint))
        .routes(routes!(records::bundle))
        .routes(routes!(records::handovers))
        .routes(routes!(records::network))
        .routes(routes!(snapshot::newest))
        .routes(routes!(snapshot::chunk))
        .routes(routes!(resolution::resolve))
        .routes(routes!(observe::healthz))
        .routes(routes!(observe::readyz))
        .routes(routes!(observe::status))
        .routes(routes!(metrics::metrics))
        .merge(explorer::routes(&context))
        .split_for_parts();
    let router = api.route(
        "/openapi.json",
        get(move || async move { axum::Json(description) }),
    );
    let router = explorer::page(router)
        .layer(from_fn_with_state(context.clone(), limit::by_source))
        .layer(from_fn(meter::request))
        .with_state(context);
    // More than an operation may have, so that a larger one gets its own code.
    jumin_http::layers(router, 4 * MAX_OPERATION_BYTES).layer(from_fn(as_problems))
}

/// A read that failed, as the answer a client gets.
impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NoCheckpoint => {
                let detail = "No block is finalized yet; try again in a moment.";
                Self::unavailable("no_checkpoint", detail)
            }
            ReadError::BundleTooLarge => {
                let detail =
                    "The registry has outgrown bundles; read the records that you need one by one.";
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "bundle_too_large", detail)
            }
            error => Self::internal(&error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        ReadError::from(error).into()
    }
}
