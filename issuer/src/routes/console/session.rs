use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::{Extension, Json};
use jumin_http::Problem;
use serde::Deserialize;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::guard::{require_json, require_our_page, signed_out};
use super::{cookie, device_cookie, read_json};
use crate::app::{App, internal};
use crate::console::{Attempt, PasswordError, Session, SignInError, Source};

#[derive(Deserialize, ToSchema)]
pub struct SignIn {
    account: String,
    password: String,
}

/// Signs in and sets the session's cookie.
#[utoipa::path(post, path = "/v1/session", request_body = SignIn,
    responses((status = 200, body = Session), (status = 401, description = "no_account or wrong_credentials"),
        (status = 429, description = "too_many_tries, with Retry-After")))]
pub async fn sign_in(
    State(app): State<Arc<App>>,
    peer: Option<Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Response> {
    require_json(&headers).map_err(IntoResponse::into_response)?;
    if headers.contains_key(header::ORIGIN) {
        require_our_page(&Method::POST, &headers).map_err(IntoResponse::into_response)?;
    }
    let wish: SignIn = read_json(&body).map_err(IntoResponse::into_response)?;
    let before = cookie::read(&headers, &app.console);
    let signed_in = app.sign_in(Attempt {
        account: &wish.account,
        password: Zeroizing::new(wish.password),
        source: Source::of(peer.map(|Extension(ConnectInfo(peer))| peer.ip())),
        mark: device_cookie::read(&headers, &app.console, &wish.account),
        before: before.as_ref(),
    });
    let signed_in = signed_in.await.map_err(|error| refused(&error))?;
    let session = cookie::set(&signed_in.token, &app.console);
    let device = device_cookie::set(&signed_in.mark, &app.console, &wish.account);
    let cookies = AppendHeaders([(header::SET_COOKIE, session), (header::SET_COOKIE, device)]);
    Ok((cookies, Json(signed_in.session)).into_response())
}

fn refused(error: &SignInError) -> Response {
    let unauthorized = |code, detail| Problem::new(StatusCode::UNAUTHORIZED, code, detail);
    match error {
        SignInError::NoAccount => no_account().into_response(),
        SignInError::WrongCredentials => {
            unauthorized("wrong_credentials", "The account or the password is wrong.")
                .into_response()
        }
        SignInError::TooManyTries { wait } => {
            let detail = format!("Too many wrong tries. Try again in {wait} seconds.");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries", detail);
            ([(header::RETRY_AFTER, wait.to_string())], problem).into_response()
        }
        SignInError::Password(PasswordError::Busy) => {
            Problem::unavailable("busy", "Too many sign-ins at once. Try again.").into_response()
        }
        SignInError::Password(error) => internal(error).into_response(),
        SignInError::Store(error) => internal(error).into_response(),
    }
}

fn no_account() -> Problem {
    let detail =
        "There is no account yet. Make one with `jumin-issuer account --home HOME --name admin`.";
    Problem::new(StatusCode::UNAUTHORIZED, "no_account", detail)
}

/// Says who is signed in; asking doesn't make the session last longer.
#[utoipa::path(get, path = "/v1/session", responses((status = 200, body = Session),
    (status = 401, description = "unauthorized, or no_account where nobody can sign in yet")))]
pub async fn session(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Session>, Problem> {
    if let Some(token) = cookie::read(&headers, &app.console) {
        let session = app
            .session(&token)
            .await
            .map_err(|error| internal(&error))?;
        if let Some(session) = session {
            return Ok(Json(session));
        }
    }
    match app
        .store
        .has_account()
        .await
        .map_err(|error| internal(&error))?
    {
        true => Err(signed_out()),
        false => Err(no_account()),
    }
}

/// Signs out: the session ends here and in the browser.
#[utoipa::path(delete, path = "/v1/session", responses((status = 204), (status = 403, description = "wrong_origin")))]
pub async fn sign_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    require_our_page(&Method::DELETE, &headers)?;
    if let Some(token) = cookie::read(&headers, &app.console) {
        app.sign_out(&token)
            .await
            .map_err(|error| internal(&error))?;
    }
    let headers = [(header::SET_COOKIE, cookie::clear(&app.console))];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}
