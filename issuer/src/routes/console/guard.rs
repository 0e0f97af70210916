//! Who may use the console, and from which pages.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::{Problem, is_same_origin};

use super::cookie;
use crate::app::{App, internal};
use crate::console::Actor;
use crate::routes::credential::bearer;

/// Takes requests for the console's own names only, without a proxy between: a name of somebody else's that leads here must
/// not make a browser take their page for ours (DNS rebinding), and what a proxy passes on comes from anywhere.
pub async fn check_names(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.console.names.check(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

/// Lets requests through that carry the console's token, or the cookie of a session and signs of our own page.
pub async fn require_actor(
    State(app): State<Arc<App>>,
    mut request: Request,
    next: Next,
) -> Response {
    match actor(&app, request.method(), request.headers()).await {
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn actor(app: &App, method: &Method, headers: &HeaderMap) -> Result<Actor, Problem> {
    if let Some(token) = bearer(headers) {
        return match token.equals(&app.console_token) {
            true => Ok(Actor::Token),
            false => Err(Problem::unauthorized("This isn't the console's token.")),
        };
    }
    let token = cookie::read(headers, &app.console).ok_or_else(signed_out)?;
    let session = app
        .use_session(&token)
        .await
        .map_err(|error| internal(&error))?;
    let session = session.ok_or_else(signed_out)?;
    if !method.is_safe() {
        require_our_page(method, headers)?;
    }
    Ok(Actor::Account(session.account))
}

/// Says that nobody is signed in.
pub fn signed_out() -> Problem {
    Problem::unauthorized(
        "Sign in, or send the token from the file console-token as `Authorization: Bearer`.",
    )
}

/// Refuses what a page of another origin can make a browser send (CSRF).
pub fn require_our_page(method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if !is_same_origin(headers) {
        let detail = "Changes are taken from the console's own page only.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "wrong_origin", detail));
    }
    if *method != Method::DELETE {
        require_json(headers)?;
    }
    Ok(())
}

/// Refuses bodies that a form of any page could send.
pub fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    if essence.trim().eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let detail = "Send the body as application/json.";
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "not_json",
        detail,
    ))
}
