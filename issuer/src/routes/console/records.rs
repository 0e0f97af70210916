use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use jumin_http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::MAX_LIMIT;
use crate::app::{App, internal};
use crate::console::{Agency, AuditEntry, Overview};
use crate::store::AuditReport;

/// Counts credentials by status and by day.
#[utoipa::path(get, path = "/v1/overview", responses((status = 200, body = Overview)))]
pub async fn overview(State(app): State<Arc<App>>) -> Result<Json<Overview>, Problem> {
    let overview = app.overview().await;
    Ok(Json(overview.map_err(|error| internal(&error))?))
}

/// Describes the agency as the ledger proves it.
#[utoipa::path(get, path = "/v1/agency", responses((status = 200, body = Agency)))]
pub async fn agency(State(app): State<Arc<App>>) -> Result<Json<Agency>, Problem> {
    let agency = app.agency().await;
    Ok(Json(agency.map_err(|error| internal(&error))?))
}

#[derive(Deserialize)]
pub struct AuditQuery {
    before: Option<u64>,
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct AuditEntries {
    entries: Vec<AuditEntry>,
}

/// Lists audit entries, the newest first.
#[utoipa::path(get, path = "/v1/audit",
    params(("before" = Option<u64>, Query, description = "Only entries before this one"), ("limit" = Option<u32>, Query)),
    responses((status = 200, body = AuditEntries), (status = 400)))]
pub async fn audit(
    State(app): State<Arc<App>>,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditEntries>, Problem> {
    let limit = query.limit.unwrap_or(100).min(MAX_LIMIT);
    let entries = app.store.audit_entries(query.before, limit).await;
    let entries = entries.map_err(|error| internal(&error))?;
    Ok(Json(AuditEntries {
        entries: entries.into_iter().map(AuditEntry::from).collect(),
    }))
}

/// Follows the audit's chain of hashes and names the first broken link, if there is one.
#[utoipa::path(get, path = "/v1/audit/verify", responses((status = 200, body = AuditReport)))]
pub async fn verify_audit(State(app): State<Arc<App>>) -> Result<Json<AuditReport>, Problem> {
    let report = app.store.verify_audit().await;
    Ok(Json(report.map_err(|error| internal(&error))?))
}
