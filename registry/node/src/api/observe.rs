use std::fmt::Write as _;
use std::time::SystemTime;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;

use super::Context;
use crate::application::unix_ms;

/// A checkpoint older than this says that the network has stopped.
const MAX_AGE_MS: u64 = 30_000;

/// Tells that the process answers.
#[utoipa::path(get, path = "/healthz", responses((status = 200, body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok"
}

/// Tells whether this node has a fresh checkpoint to prove things under.
#[utoipa::path(get, path = "/readyz", responses((status = 200, body = String), (status = 503)))]
pub(super) async fn readyz(State(context): State<Context>) -> Response {
    match context.ledger.checkpoint() {
        Ok(checkpoint) if age_ms(checkpoint.time_ms) <= MAX_AGE_MS => "ready".into_response(),
        _ => Problem::unavailable("not_ready", "There is no fresh checkpoint.").into_response(),
    }
}

/// Gives the run-time's, the engine's and the ledger's metrics as Prometheus text.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String)))]
pub(super) async fn metrics(State(context): State<Context>) -> Response {
    let mut text = String::new();
    let checkpoint = context.ledger.checkpoint().ok();
    let gauges = [
        (
            "jumin_ledger_height",
            "Last applied block",
            context.ledger.applied().height,
        ),
        (
            "jumin_ledger_checkpoint_height",
            "Newest checkpoint",
            checkpoint.as_ref().map_or(0, |c| c.height),
        ),
        (
            "jumin_ledger_checkpoint_age_milliseconds",
            "Age of the newest checkpoint",
            checkpoint.as_ref().map_or(u64::MAX, |c| age_ms(c.time_ms)),
        ),
        (
            "jumin_ledger_pending_operations",
            "Operations waiting for a block",
            context.ledger.mempool().len() as u64,
        ),
    ];
    for (name, help, value) in gauges {
        // Writing to a string can't fail.
        let _ = writeln!(
            text,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}"
        );
    }
    text.push_str(&(context.metrics)());
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (headers, text).into_response()
}

fn age_ms(time_ms: u64) -> u64 {
    unix_ms(SystemTime::now()).saturating_sub(time_ms)
}
