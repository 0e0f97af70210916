use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jumin_http::Problem;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{MAX_LIMIT, read_json};
use crate::app::{App, internal};
use crate::console::{Actor, ChangeAnswer, CredentialDetail, StatusChangeError};
use crate::store::{ChangeRefused, CredentialFilter, CredentialRow, CredentialStatus};

const MAX_REASON: usize = 500;

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
        ("limit" = Option<u32>, Query, description = "At most 500, by default 100")),
    responses((status = 200, body = Credentials), (status = 400)))]
pub async fn credentials(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<CredentialQuery>,
) -> Result<Json<Credentials>, Problem> {
    let filter = CredentialFilter {
        resident: query.resident_id.as_deref(),
        status: query.status,
        configuration: query.configuration.as_deref(),
        before: query.before.as_deref(),
    };
    let limit = query.limit.unwrap_or(100).min(MAX_LIMIT);
    let credentials = app.store.credentials(&filter, limit).await;
    let credentials = credentials.map_err(|error| internal(&error))?;
    // The list names people. What it was narrowed to isn't repeated: it may be anything.
    let detail = json!({ "shown": credentials.len() });
    let recorded = app
        .record_view(&actor, "credential.list", "credentials", detail)
        .await;
    recorded.map_err(|error| internal(&error))?;
    Ok(Json(Credentials { credentials }))
}

/// Shows one issued batch and what was done about its status.
#[utoipa::path(get, path = "/v1/credentials/{id}", params(("id" = String, Path)),
    responses((status = 200, body = CredentialDetail), (status = 404)))]
pub async fn credential(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<CredentialDetail>, Problem> {
    let detail = app.credential_detail(&id).await;
    let detail = detail
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::not_found("There is no such credential."))?;
    let resident = json!({ "resident": detail.credential.resident_id });
    let recorded = app
        .record_view(&actor, "credential.view", &id, resident)
        .await;
    recorded.map_err(|error| internal(&error))?;
    Ok(Json(detail))
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
    let answer = app.change_status(&actor, &id, target, reason).await;
    let answer = answer.map_err(refused)?;
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
