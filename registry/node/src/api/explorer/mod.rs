//! What the explorer's page shows: blocks, operations, DIDs, accreditations and validators.
//!
//! These answers are this node's word, apart from the checkpoints and certified headers in them; a record's proof is at
//! `/v1/records/{key}`. Every list is bounded and paged.

mod accreditations;
mod blocks;
mod dids;
mod operation;
mod operations;
mod overview;
#[cfg(test)]
mod types;
mod validators;

pub(super) use validators::{ValidatorView, Validators, participation};

use std::time::Duration;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use rust_embed::RustEmbed;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Context;
use crate::proofs::ReadError;

/// How many entries a list has at most.
const MAX_LIMIT: usize = 100;
const DEFAULT_LIMIT: usize = 25;
/// How many answers are made at once, and how long others wait for their turn.
pub(super) const AT_ONCE: usize = 2;
const PATIENCE: Duration = Duration::from_secs(5);

/// The explorer's page as `make ui` builds it.
#[derive(RustEmbed)]
#[folder = "../../ui/explorer/dist"]
struct Page;

/// Adds the explorer's answers.
pub(super) fn routes(context: &Context) -> OpenApiRouter<Context> {
    OpenApiRouter::new()
        .routes(routes!(overview::overview))
        .routes(routes!(validators::validators))
        .routes(routes!(blocks::blocks))
        .routes(routes!(blocks::block))
        .routes(routes!(operations::detail))
        .routes(routes!(dids::did))
        .routes(routes!(dids::history))
        .routes(routes!(accreditations::accreditations))
        .route_layer(from_fn_with_state(context.clone(), aside))
}

/// Answers few at a time, on threads of their own: these reads cost more than others, and must not hold up those who submit
/// operations or check proofs.
async fn aside(State(context): State<Context>, request: Request, next: Next) -> Response {
    let permit = context.explorers.clone().acquire_owned();
    let Ok(Ok(permit)) = tokio::time::timeout(PATIENCE, permit).await else {
        let busy = "The node is answering others; try again in a moment.";
        return Problem::unavailable("busy", busy)
            .retry_after(1)
            .into_response();
    };
    let answering = tokio::runtime::Handle::current();
    let answer = tokio::task::spawn_blocking(move || {
        let response = answering.block_on(next.run(request));
        drop(permit);
        response
    });
    let answer = answer.await;
    answer.unwrap_or_else(|_| Problem::from(ReadError::Interrupted).into_response())
}

/// Answers what no route takes: the page's files, and elsewhere a problem that programs can read.
pub(super) fn page(router: Router<Context>) -> Router<Context> {
    jumin_http::with_pages::<_, Page>(router).layer(from_fn(explain_missing))
}

async fn explain_missing(request: Request, next: Next) -> Response {
    let routed = request
        .extensions()
        .get::<axum::extract::MatchedPath>()
        .is_some();
    let response = next.run(request).await;
    match response.status().as_u16() {
        404 | 405 if !routed => {
            Problem::not_found("There is nothing at this address.").into_response()
        }
        _ => response,
    }
}

type Answer<T> = Result<axum::Json<T>, Problem>;

fn malformed(what: &'static str) -> Problem {
    Problem::bad_request("malformed", what)
}

fn query<T>(query: Result<Query<T>, QueryRejection>) -> Result<T, Problem> {
    let Query(query) = query.map_err(|_| malformed("A parameter has not the form it should."))?;
    Ok(query)
}

fn bounded(limit: Option<usize>) -> usize {
    limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT)
}
