use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use serde::Deserialize;

use super::json_text;
use crate::app::{App, internal};
use crate::compare::{Conflict, Remedy, Standing, list_uri};
use crate::store::VersionState;

/// Describes what can be issued and how to ask for it.
#[utoipa::path(get, path = "/.well-known/openid-credential-issuer", responses((status = 200, description = "OID4VCI 1.0 section 12.2")))]
pub async fn credential_issuer(State(app): State<Arc<App>>) -> Response {
    json_text(app.documents.credential_issuer.clone())
}

/// Describes the token endpoint.
#[utoipa::path(get, path = "/.well-known/oauth-authorization-server", responses((status = 200, description = "RFC 8414")))]
pub async fn authorization_server(State(app): State<Arc<App>>) -> Response {
    json_text(app.documents.authorization_server.clone())
}

/// Publishes the signing key.
#[utoipa::path(get, path = "/.well-known/jwt-vc-issuer", responses((status = 200, description = "JWT VC issuer metadata (SD-JWT VC)")))]
pub async fn jwt_vc_issuer(State(app): State<Arc<App>>) -> Response {
    json_text(app.documents.jwt_vc_issuer.clone())
}

/// Publishes a credential type, byte for byte what its integrity on the ledger is about.
#[utoipa::path(get, path = "/types/{vct}", params(("vct" = String, Path, description = "The type's identifier, percent-encoded")),
    responses((status = 200, description = "SD-JWT VC type metadata"), (status = 404, description = "Not a type of this issuer")))]
pub async fn type_metadata(
    State(app): State<Arc<App>>,
    Path(vct): Path<String>,
) -> Result<Response, Problem> {
    let known = app.types.iter().find(|(_, one)| one.vct() == vct);
    let (_, definition) =
        known.ok_or_else(|| Problem::not_found("This issuer doesn't issue that type."))?;
    Ok(json_text(definition.bytes().to_vec()))
}

#[derive(Deserialize)]
pub struct StatusQuery {
    version: Option<u64>,
}

/// Publishes a status list: the current version, or the one asked for.
#[utoipa::path(get, path = "/status/{list}",
    params(("list" = u32, Path, description = "Number of the list"), ("version" = Option<u64>, Query, description = "The anchored version")),
    responses((status = 200, description = "Status list token", content_type = "application/statuslist+jwt"), (status = 404, description = "No such list or version")))]
pub async fn status_list(
    State(app): State<Arc<App>>,
    Path(list): Path<u32>,
    Query(query): Query<StatusQuery>,
) -> Result<Response, Problem> {
    let version = match query.version {
        Some(version) => app.store.version(list, version).await,
        None => {
            require_current(&app, list).await?;
            app.store.version_in(list, VersionState::Current).await
        }
    };
    let version = version
        .map_err(|error| internal(&error))?
        .filter(|version| !version.token.is_empty())
        .ok_or_else(|| Problem::not_found("This issuer has no such list, or no such version."))?;
    // A version never changes; what is current changes at any moment.
    let cache = match query.version {
        Some(_) => "public, max-age=86400, immutable",
        None => "no-cache",
    };
    let headers = [
        (header::CONTENT_TYPE, "application/statuslist+jwt"),
        (header::CACHE_CONTROL, cache),
    ];
    Ok((headers, version.token).into_response())
}

/// Refuses to give a list as current that isn't known to be.
async fn require_current(app: &App, list: u32) -> Result<(), Problem> {
    match app.publisher.standing() {
        Standing::Agrees => Ok(()),
        Standing::Unknown => Err(not_compared()),
        Standing::Conflicts(conflicts) => {
            let lists = app.store.lists().await.map_err(|error| internal(&error))?;
            let known = lists.into_iter().find(|known| known.number == list);
            let wanted = known.map_or_else(|| list_uri(&app.public_url, list), |known| known.uri);
            let newer = conflicts
                .iter()
                .any(|one| matches!(one, Conflict::List { uri, .. } if *uri == wanted));
            match newer {
                false => Ok(()),
                true => Err(Problem::unavailable(
                    "status_list_superseded",
                    "The ledger has a newer version of this list than this issuer. Ask for that version elsewhere.",
                )),
            }
        }
    }
}

fn not_compared() -> Problem {
    let detail = "The issuer hasn't compared its database with the ledger since it started.";
    Problem::unavailable("ledger_not_compared", detail)
}

/// Publishes the dictionary with which the QR codec packs presentations of a type.
#[utoipa::path(get, path = "/dictionaries/{vct}", params(("vct" = String, Path, description = "The type's identifier, percent-encoded")),
    responses((status = 200, description = "The bytes whose digest is anchored"), (status = 404, description = "No dictionary for that type")))]
pub async fn dictionary(
    State(app): State<Arc<App>>,
    Path(vct): Path<String>,
) -> Result<Response, Problem> {
    let row = app
        .store
        .dictionary(&vct)
        .await
        .map_err(|error| internal(&error))?
        .filter(|row| !row.bytes.is_empty())
        .ok_or_else(|| Problem::not_found("This issuer has no dictionary for that type."))?;
    let headers = [(header::CONTENT_TYPE, "application/octet-stream")];
    Ok((headers, row.bytes).into_response())
}

/// Answers whether credentials can be issued now.
pub async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, Problem> {
    if app.store.ping().await.is_err() {
        let detail = "The database can't be read.";
        return Err(Problem::unavailable("database_unreadable", detail));
    }
    match app.publisher.standing() {
        Standing::Agrees => {}
        Standing::Unknown => return Err(not_compared()),
        Standing::Conflicts(conflicts) => {
            let remedy = Remedy::of(&conflicts);
            return Err(Problem::unavailable(remedy.code(), remedy.text()));
        }
    }
    match app.indexes.is_open() {
        true => Ok("ready"),
        false => {
            let detail = "No status list is on the ledger yet.";
            Err(Problem::unavailable("no_status_list", detail))
        }
    }
}
