//! Counts every request of both listeners, and writes many refusals down.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::ProblemCode;
use serde_json::json;

use crate::app::{App, chain};
use crate::audit::Event;

/// Where strangers may guess: many refusals there within an hour are in the audit.
const GUESSABLE: [(Method, &str); 4] = [
    (Method::GET, "/offers/{id}"),
    (Method::POST, "/token"),
    (Method::POST, "/credential"),
    (Method::POST, "/v1/session"),
];

/// Gives the counts as Prometheus text.
#[utoipa::path(get, path = "/metrics", responses((status = 200, body = String)))]
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (headers, app.counts.render()).into_response()
}

/// Counts a request and, if it was refused, why.
pub async fn count(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let method = request.method().clone();
    let response = next.run(request).await;
    let status = response.status();
    app.counts.request(&route, name(&method), status.as_u16());
    if let Some(ProblemCode(code)) = response.extensions().get() {
        app.counts.refused(&route, code);
        if status.is_client_error() {
            note(&app, &method, &route, code).await;
        }
    }
    response
}

/// Names a method; a client can make methods up.
fn name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        _ => "other",
    }
}

async fn note(app: &App, method: &Method, route: &str, code: &'static str) {
    let mut guessable = GUESSABLE.iter();
    let Some((_, route)) = guessable.find(|one| one.0 == *method && one.1 == route) else {
        return;
    };
    let now = app.now();
    let Some(tally) = app.counts.tally(route, code, now) else {
        return;
    };
    let event = Event {
        at: now,
        actor: "nobody",
        action: "alert.many-refused",
        subject: route,
        detail: json!({ "refused": tally.refused, "since": tally.since, "codes": tally.codes }),
    };
    if let Err(error) = app.store.audit(&event).await {
        tracing::error!(error = %chain(&error), "many refusals could not be written down");
    }
}
