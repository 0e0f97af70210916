use std::sync::Arc;

use axum::extract::{Query, State};
use axum::{Extension, Json};
use jumin_http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::seen::{Seen, limit};
use crate::app::{App, internal};
use crate::audit::Entry;
use crate::console::{Actor, Agency, AuditEntry, Look, Overview};
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

/// Shown at once: the entries name residents by their ids and nobody by name.
const MAX_ENTRIES: u32 = 500;

/// Lists audit entries, the newest first; reading them is an entry too.
#[utoipa::path(get, path = "/v1/audit",
    params(("before" = Option<u64>, Query, description = "Only entries before this one"), ("limit" = Option<u32>, Query, description = "At most 500, by default 100")),
    responses((status = 200, body = AuditEntries), (status = 400)))]
pub async fn audit(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Query(query): Query<AuditQuery>,
) -> Result<Seen<AuditEntries>, Problem> {
    let limit = limit(query.limit, 100, MAX_ENTRIES)?;
    let entries = app.store.audit_entries(query.before, limit).await;
    let entries = entries.map_err(|error| internal(&error))?;
    let seq = |entry: Option<&Entry>| entry.map(|entry| entry.seq);
    let look = Look::list("audit.list", "audit", [])
        .with("newest", seq(entries.first()))
        .with("oldest", seq(entries.last()));
    let entries = entries.into_iter().map(AuditEntry::from).collect();
    app.show(&actor, &look, AuditEntries { entries }).await
}

/// Follows the audit's chain of hashes and names the first broken link, if there is one.
#[utoipa::path(get, path = "/v1/audit/verify", responses((status = 200, body = AuditReport)))]
pub async fn verify_audit(State(app): State<Arc<App>>) -> Result<Json<AuditReport>, Problem> {
    let report = app.store.verify_audit().await;
    Ok(Json(report.map_err(|error| internal(&error))?))
}
