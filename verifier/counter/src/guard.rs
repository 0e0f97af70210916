//! What the desk's listener takes, and from whom.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jumin_http::{Problem, bearer};

use crate::clock::unix_now;
use crate::routes::Office;
use crate::sign_in::{digest, require_own_page};

/// Takes requests for the desk's own names only, without a proxy between and of no other page, loopback ones included: a web
/// page must not reach the desk through the clerk's browser, neither by a cross-site request nor by a name that leads here.
pub async fn own_names(State(office): State<Office>, request: Request, next: Next) -> Response {
    if let Err(refused) = office.names.check(&request) {
        return refused.into_response();
    }
    // Programs other than browsers send no origin.
    let of_a_page = request.headers().contains_key(header::ORIGIN);
    match require_own_page(request.headers()) {
        Err(problem) if of_a_page => problem.into_response(),
        _ => next.run(request).await,
    }
}

/// Lets in who has the desk's token, or the cookie that a link gave. Coming from this machine opens nothing: so does whoever
/// reaches a proxy on it.
pub async fn signed_in(State(office): State<Office>, request: Request, next: Next) -> Response {
    match may_use(&office, request.method(), request.headers()).await {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn may_use(office: &Office, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(token) = bearer(headers) {
        return match digest(token) == office.token {
            true => Ok(()),
            false => Err(signed_out()),
        };
    }
    for session in office.cookie.read(headers) {
        let known = office.desk.store().is_signed_in(session, unix_now()).await;
        if known.map_err(|error| Problem::internal(&error))? {
            return match method.is_safe() {
                true => Ok(()),
                false => require_own_page(headers),
            };
        }
    }
    Err(signed_out())
}

fn signed_out() -> Problem {
    let detail = "Open a link of `jumin-counter sign-in`, or send the token from the file desk-token as \
         `Authorization: Bearer`.";
    Problem::unauthorized(detail)
}
