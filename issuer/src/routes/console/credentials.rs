use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jumin_http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read_json;
use super::seen::{Seen, limit};
use crate::app::{App, internal};
use crate::claims::Configuration;
use crate::console::{Actor, ChangeAnswer, CredentialDetail, Look, StatusChangeError};
use crate::store::{ChangeRefused, CredentialFilter, CredentialRow, CredentialStatus, StoreError};

const MAX_REASON: usize = 500;
/// Shown on one page.
const MAX_LISTED: u32 = 100;

#[derive(Deserialize)]
pub struct CredentialQuery {
    resident_id: Option<String>,
    status: Option<CredentialStatus>,
    configuration: Option<String>,
    before: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Credentials {
    credentials: Vec<CredentialRow>,
}

/// Lists issued batches, the newest first.
#[utoipa::path(get, path = "/v1/credentials",
    params(("resident_id" = Option<String>, Query), ("status" = Option<CredentialStatus>, Query),
        ("configuration" = Option<String>, Query),
        ("before" = Option<String>, Query, description = "Only batches issued before the one with this id"),
        ("limit" = Option<u32>, Query, description = "At most 100, by default 20")),
    responses((status = 200, body = Credentials), (status = 400)))]
pub async fn credentials(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<CredentialQuery>,
) -> Result<Seen<Credentials>, Problem> {
    let configuration = query.configuration.as_deref();
    let configuration = configuration.map(known_configuration).transpose()?;
    let filter = CredentialFilter {
        resident: query.resident_id.as_deref(),
        status: query.status,
        configuration: configuration.map(Configuration::id),
        before: query.before.as_deref(),
    };
    let limit = limit(query.limit, 20, MAX_LISTED)?;
    let credentials = app.store.credentials(&filter, limit).await;
    let credentials = credentials.map_err(|error| internal(&error))?;
    let look = look_at_list(&app, &filter, &credentials).await;
    let look = look.map_err(|error| internal(&error))?;
    app.show(&actor, &look, Credentials { credentials }).await
}

fn known_configuration(id: &str) -> Result<Configuration, Problem> {
    let unknown = "Use resident-card, household-register or individual-register.";
    Configuration::find(id)
        .ok_or_else(|| Problem::bad_request("unknown_credential_configuration", unknown))
}

/// A list that was narrowed to a resident is a look at that one, also when it is empty. The page is told by what it shows.
async fn look_at_list(
    app: &App,
    filter: &CredentialFilter<'_>,
    shown: &[CredentialRow],
) -> Result<Look, StoreError> {
    let asked = match filter.resident {
        Some(id) if app.store.has_resident(id).await? => Some(id),
        _ => None,
    };
    let residents = shown.iter().map(|row| row.resident_id.as_str());
    let id = |row: Option<&CredentialRow>| row.map(|row| row.id.clone());
    Ok(
        Look::list("credential.list", "credentials", residents.chain(asked))
            .with("asked", asked)
            .with("status", filter.status.map(CredentialStatus::as_str))
            .with("configuration", filter.configuration)
            .with("first", id(shown.first()))
            .with("last", id(shown.last())),
    )
}

/// Shows one issued batch and what was done about its status.
#[utoipa::path(get, path = "/v1/credentials/{id}", params(("id" = String, Path)),
    responses((status = 200, body = CredentialDetail), (status = 404)))]
pub async fn credential(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Seen<CredentialDetail>, Problem> {
    let detail = app.credential_detail(&id).await;
    let detail = detail
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::not_found("There is no such credential."))?;
    let look = look_at(&detail.credential);
    app.show(&actor, &look, detail).await
}

fn look_at(row: &CredentialRow) -> Look {
    Look::at("credential.view", &row.id, [row.resident_id.as_str()])
}

#[derive(Deserialize, ToSchema)]
pub struct StatusRequest {
    /// Why, for the record; at most 500 characters.
    reason: String,
}

/// Suspends, reinstates or revokes a batch. Answers 200 once the ledger has finalized it, 202 while that is pending.
#[utoipa::path(post, path = "/v1/credentials/{id}/{change}", request_body = StatusRequest,
    params(("id" = String, Path), ("change" = String, Path, description = "suspend, reinstate or revoke")),
    responses((status = 200, body = ChangeAnswer), (status = 202, body = ChangeAnswer), (status = 404), (status = 409)))]
pub async fn change_status(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path((id, change)): Path<(String, String)>,
    body: Bytes,
) -> Result<(StatusCode, Json<ChangeAnswer>), Problem> {
    let target = match change.as_str() {
        "suspend" => CredentialStatus::Suspended,
        "reinstate" => CredentialStatus::Valid,
        "revoke" => CredentialStatus::Revoked,
        _ => return Err(Problem::not_found("Use suspend, reinstate or revoke.")),
    };
    let request: StatusRequest = read_json(&body)?;
    let reason = request.reason.trim();
    if reason.is_empty() || reason.chars().count() > MAX_REASON {
        let detail = format!("Give a reason of 1 to {MAX_REASON} characters.");
        return Err(Problem::bad_request("bad_reason", detail));
    }
    let answer = match app.change_status(&actor, &id, target, reason).await {
        Ok(answer) => answer,
        Err(error) => {
            // The refusal tells how the batch stands.
            let row = app.store.credential(&id).await;
            if let Some(row) = row.map_err(|error| internal(&error))? {
                app.look(&actor, &look_at(&row)).await?;
            }
            return Err(refused(error));
        }
    };
    let status = match answer.pending {
        None => StatusCode::OK,
        Some(_) => StatusCode::ACCEPTED,
    };
    Ok((status, Json(answer)))
}

fn refused(error: StatusChangeError) -> Problem {
    match error {
        StatusChangeError::Refused(ChangeRefused::Unknown) => {
            Problem::not_found("There is no such credential.")
        }
        StatusChangeError::Refused(refused @ ChangeRefused::NotAllowed { .. }) => {
            Problem::conflict("status_change_not_allowed", refused.to_string())
        }
        StatusChangeError::Refused(ChangeRefused::Store(error))
        | StatusChangeError::Store(error) => internal(&error),
    }
}
