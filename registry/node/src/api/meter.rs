//! What operators watch: counters and times beside the gauges that are read when asked for.
//!
//! No label takes a value that a client can choose: routes are the API's own patterns, codes and statuses are fixed, and
//! validators are those of the last blocks.

use std::time::{Duration, Instant, SystemTime};

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use jumin_http::ProblemCode;
use metrics::{counter, describe_counter, describe_histogram, histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

use crate::application::unix_ms;
use crate::ledger::Ledger;

/// In seconds; a counter's clerk notices one, a network that stands takes minutes.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 15.0,
];
const UPKEEP: Duration = Duration::from_secs(5);
/// A block older than this when it is applied is caught up with, not finalized now.
const CAUGHT_UP_MS: u64 = 60_000;

const FINALIZED: &str = "jumin_operations_finalized_total";
const REFUSED: &str = "jumin_operations_refused_total";
const REQUESTS: &str = "jumin_http_requests_total";
const DURATION: &str = "jumin_http_request_duration_seconds";
const BLOCKS: &str = "jumin_block_finality_seconds";
const OPERATIONS: &str = "jumin_operation_finality_seconds";

/// Makes this process count; once in a process.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let recorder = PrometheusBuilder::new()
        .set_buckets(&BUCKETS)?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|_| anyhow::anyhow!("metrics are counted already"))?;
    describe_counter!(FINALIZED, "Operations in finalized blocks");
    describe_counter!(REFUSED, "Operations that were refused, by code");
    describe_counter!(REQUESTS, "Requests by route, method and status");
    describe_histogram!(DURATION, "Time to answer a request, by route");
    describe_histogram!(BLOCKS, "From a block's proposal until it is applied here");
    describe_histogram!(
        OPERATIONS,
        "From an operation's arrival here until it is finalized, where the submitter waits for it"
    );
    counter!(FINALIZED).absolute(0);
    Ok(handle)
}

/// Keeps the counts in bounds whether somebody asks for them or not.
pub(crate) async fn keep_up(handle: PrometheusHandle) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        handle.run_upkeep();
    }
}

/// Measures how long blocks take from their proposal until they are applied here.
pub(crate) async fn watch_blocks(ledger: std::sync::Arc<Ledger>) {
    let mut heights = ledger.applied_heights();
    while heights.changed().await.is_ok() {
        let age = unix_ms(SystemTime::now()).saturating_sub(ledger.applied().time_ms);
        if age < CAUGHT_UP_MS {
            histogram!(BLOCKS).record(Duration::from_millis(age));
        }
    }
}

/// Counts the operations of a finalized block.
pub(crate) fn finalized(operations: usize) {
    counter!(FINALIZED).increment(operations as u64);
}

/// Counts an operation that was refused.
pub(crate) fn refused(code: &'static str) {
    counter!(REFUSED, "code" => code).increment(1);
}

/// Takes the time that an operation took from its arrival to its finalization.
pub(crate) fn operation_finalized(since: Instant) {
    histogram!(OPERATIONS).record(since.elapsed());
}

/// Counts a request and how long its answer took.
pub(super) async fn request(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "page".to_owned(), |path| path.as_str().to_owned());
    let method = match *request.method() {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        // A client can make methods up.
        _ => "other",
    };
    let submits = method == "POST" && route == "/v1/operations";
    let start = Instant::now();
    let response = next.run(request).await;
    histogram!(DURATION, "route" => route.clone()).record(start.elapsed());
    let status = response.status().as_u16().to_string();
    counter!(REQUESTS, "route" => route, "method" => method, "status" => status).increment(1);
    if submits && let Some(ProblemCode(code)) = response.extensions().get() {
        refused(code);
    }
    response
}
