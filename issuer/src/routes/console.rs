use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Bytes};
use jumin_http::Problem;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::credential::bearer;
use crate::app::{App, internal};
use crate::audit::Entry;
use crate::claims::{Configuration, check_eligible};
use crate::console::{ChangeAnswer, OfferAnswer, StatusChangeError};
use crate::register::Date;
use crate::store::{AuditReport, ChangeRefused, CredentialRow, CredentialStatus, ResidentSummary};

const MAX_QUERY: usize = 60;
const MAX_REASON: usize = 500;
const MAX_LIMIT: u32 = 500;

/// Lets only requests with the console's token through.
pub async fn require_token(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let known = bearer(request.headers()).is_some_and(|token| token.equals(&app.console_token));
    if known {
        return next.run(request).await;
    }
    Problem::unauthorized(
        "Send `Authorization: Bearer` with the token from the file console-token.",
    )
    .into_response()
}

#[derive(Deserialize)]
pub struct ResidentQuery {
    #[serde(default)]
    query: String,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Residents {
    residents: Vec<ResidentSummary>,
}

/// Finds residents by part of a name or the beginning of an id or number.
#[utoipa::path(get, path = "/v1/residents",
    params(("query" = Option<String>, Query), ("limit" = Option<u32>, Query, description = "At most 500, by default 20")),
    responses((status = 200, body = Residents)))]
pub async fn find_residents(
    State(app): State<Arc<App>>,
    Query(query): Query<ResidentQuery>,
) -> Result<Json<Residents>, Problem> {
    if query.query.chars().count() > MAX_QUERY {
        let detail = format!("The query may have {MAX_QUERY} characters.");
        return Err(Problem::bad_request("query_too_long", detail));
    }
    let limit = query.limit.unwrap_or(20).min(MAX_LIMIT);
    let found = app
        .store
        .find_residents(query.query.trim(), limit)
        .await
        .map_err(|error| internal(&error))?;
    let residents = found.iter().map(ResidentSummary::from).collect();
    Ok(Json(Residents { residents }))
}

#[derive(Serialize, ToSchema)]
pub struct ResidentDetail {
    /// The register's record.
    #[schema(value_type = Object)]
    resident: crate::register::Resident,
    #[schema(value_type = Object)]
    household: crate::register::Household,
    members: Vec<ResidentSummary>,
    /// Credential configurations that the resident can get today.
    eligible: Vec<&'static str>,
    credentials: Vec<CredentialRow>,
}

/// Shows one resident, the household, and what was issued to them.
#[utoipa::path(get, path = "/v1/residents/{id}", params(("id" = String, Path)),
    responses((status = 200, body = ResidentDetail), (status = 404)))]
pub async fn resident(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<ResidentDetail>, Problem> {
    let found = app.store.subject(&id).await;
    let subject = found
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::not_found("There is no such resident."))?;
    let credentials = app.store.credentials(Some(&id), MAX_LIMIT).await;
    let today = Date::in_korea(app.now());
    let eligible = Configuration::ALL
        .into_iter()
        .filter(|one| check_eligible(*one, &subject.resident, today).is_ok())
        .map(Configuration::id);
    Ok(Json(ResidentDetail {
        eligible: eligible.collect(),
        members: subject.members.iter().map(ResidentSummary::from).collect(),
        credentials: credentials.map_err(|error| internal(&error))?,
        resident: subject.resident,
        household: subject.household,
    }))
}

#[derive(Deserialize, ToSchema)]
pub struct OfferRequest {
    resident_id: String,
    #[schema(example = "resident-card")]
    credential_configuration_id: String,
}

/// Offers a credential to a resident: show the URI as a QR code, say the transaction code.
#[utoipa::path(post, path = "/v1/offers", request_body = OfferRequest,
    responses((status = 201, body = OfferAnswer), (status = 400), (status = 404)))]
pub async fn create_offer(
    State(app): State<Arc<App>>,
    body: Bytes,
) -> Result<(StatusCode, Json<OfferAnswer>), Problem> {
    let request: OfferRequest = read_json(&body)?;
    let configuration =
        Configuration::find(&request.credential_configuration_id).ok_or_else(|| {
            Problem::bad_request(
                "unknown_credential_configuration",
                "Offer resident-card, household-register or individual-register.",
            )
        })?;
    let found = app.store.subject(&request.resident_id).await;
    let subject = found
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::not_found("There is no such resident."))?;
    check_eligible(configuration, &subject.resident, Date::in_korea(app.now()))
        .map_err(|reason| Problem::bad_request(reason.code(), reason.to_string()))?;
    let offer = app.offer(&request.resident_id, configuration).await;
    Ok((
        StatusCode::CREATED,
        Json(offer.map_err(|error| internal(&error))?),
    ))
}

#[derive(Deserialize)]
pub struct CredentialQuery {
    resident_id: Option<String>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Credentials {
    credentials: Vec<CredentialRow>,
}

/// Lists issued batches, the newest first.
#[utoipa::path(get, path = "/v1/credentials",
    params(("resident_id" = Option<String>, Query), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = Credentials)))]
pub async fn credentials(
    State(app): State<Arc<App>>,
    Query(query): Query<CredentialQuery>,
) -> Result<Json<Credentials>, Problem> {
    let limit = query.limit.unwrap_or(100).min(MAX_LIMIT);
    let resident = query.resident_id.as_deref();
    let credentials = app.store.credentials(resident, limit).await;
    Ok(Json(Credentials {
        credentials: credentials.map_err(|error| internal(&error))?,
    }))
}

/// Shows one issued batch.
#[utoipa::path(get, path = "/v1/credentials/{id}", params(("id" = String, Path)),
    responses((status = 200, body = CredentialRow), (status = 404)))]
pub async fn credential(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Json<CredentialRow>, Problem> {
    let row = app.store.credential(&id).await;
    row.map_err(|error| internal(&error))?
        .map(Json)
        .ok_or_else(|| Problem::not_found("There is no such credential."))
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
    let answer = app
        .change_status(&id, target, reason)
        .await
        .map_err(|error| match error {
            StatusChangeError::Refused(ChangeRefused::Unknown) => {
                Problem::not_found("There is no such credential.")
            }
            StatusChangeError::Refused(refused @ ChangeRefused::NotAllowed { .. }) => {
                Problem::conflict("status_change_not_allowed", refused.to_string())
            }
            StatusChangeError::Refused(ChangeRefused::Store(error))
            | StatusChangeError::Store(error) => internal(&error),
        })?;
    let status = match answer.pending {
        None => StatusCode::OK,
        Some(_) => StatusCode::ACCEPTED,
    };
    Ok((status, Json(answer)))
}

#[derive(Deserialize)]
pub struct AuditQuery {
    before: Option<u64>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct AuditEntries {
    entries: Vec<Entry>,
}

/// Lists audit entries, the newest first.
#[utoipa::path(get, path = "/v1/audit",
    params(("before" = Option<u64>, Query, description = "Only entries before this one"), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = AuditEntries)))]
pub async fn audit(
    State(app): State<Arc<App>>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditEntries>, Problem> {
    let limit = query.limit.unwrap_or(100).min(MAX_LIMIT);
    let entries = app.store.audit_entries(query.before, limit).await;
    Ok(Json(AuditEntries {
        entries: entries.map_err(|error| internal(&error))?,
    }))
}

/// Follows the audit's chain of hashes and names the first broken link, if there is one.
#[utoipa::path(get, path = "/v1/audit/verify", responses((status = 200, body = AuditReport)))]
pub async fn verify_audit(State(app): State<Arc<App>>) -> Result<Json<AuditReport>, Problem> {
    let report = app.store.verify_audit().await;
    Ok(Json(report.map_err(|error| internal(&error))?))
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        // The position helps; the text of the error may quote the body.
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::bad_request(
            "malformed_json",
            format!("The body isn't the JSON expected here ({place})."),
        )
    })
}
