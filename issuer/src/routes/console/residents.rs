use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::{Extension, Json};
use jumin_http::Problem;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{MAX_LIMIT, read_json};
use crate::app::{App, internal};
use crate::claims::{Configuration, check_eligible};
use crate::console::Actor;
use crate::register::{Date, Household, Resident};
use crate::store::{CredentialFilter, CredentialRow, OfferSummary, ResidentSummary, StoreError};

const MAX_QUERY: usize = 60;
/// Shown on a resident's page.
const MAX_SHOWN: u32 = 100;

#[derive(Deserialize, ToSchema)]
pub struct ResidentSearch {
    /// Part of a name, or the beginning of an id or number.
    #[serde(default)]
    query: String,
    /// At most 500, by default 20.
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Residents {
    residents: Vec<ResidentSummary>,
}

/// Finds residents by part of a name or the beginning of an id or number; the words stay out of URLs and of the audit.
#[utoipa::path(post, path = "/v1/residents/search", request_body = ResidentSearch,
    responses((status = 200, body = Residents), (status = 400)))]
pub async fn search(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    body: Bytes,
) -> Result<Json<Residents>, Problem> {
    let search: ResidentSearch = read_json(&body)?;
    if search.query.chars().count() > MAX_QUERY {
        let detail = format!("The query may have {MAX_QUERY} characters.");
        return Err(Problem::bad_request("query_too_long", detail));
    }
    let limit = search.limit.unwrap_or(20).min(MAX_LIMIT);
    let found = app.store.find_residents(search.query.trim(), limit).await;
    let found = found.map_err(|error| internal(&error))?;
    let detail = json!({ "found": found.len() });
    let recorded = app.record_search(&actor, detail).await;
    recorded.map_err(|error| internal(&error))?;
    let residents = found.iter().map(ResidentSummary::from).collect();
    Ok(Json(Residents { residents }))
}

#[derive(Serialize, ToSchema, ts_rs::TS)]
pub struct ResidentDetail {
    /// The register's record.
    #[schema(value_type = Object)]
    pub resident: Resident,
    #[schema(value_type = Object)]
    pub household: Household,
    pub members: Vec<ResidentSummary>,
    /// Credential configurations that the resident can get today.
    pub eligible: Vec<&'static str>,
    pub credentials: Vec<CredentialRow>,
    /// The offers of the last day, the newest first.
    pub offers: Vec<OfferSummary>,
}

/// Shows one resident, the household, and what was offered and issued to them.
#[utoipa::path(get, path = "/v1/residents/{id}", params(("id" = String, Path)),
    responses((status = 200, body = ResidentDetail), (status = 404)))]
pub async fn resident(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Json<ResidentDetail>, Problem> {
    let detail = detail(&app, &actor, &id).await;
    let detail = detail.map_err(|error| internal(&error))?;
    detail
        .map(Json)
        .ok_or_else(|| Problem::not_found("There is no such resident."))
}

async fn detail(app: &App, actor: &Actor, id: &str) -> Result<Option<ResidentDetail>, StoreError> {
    let Some(subject) = app.store.subject(id).await? else {
        return Ok(None);
    };
    app.record_view(actor, "resident.view", id, json!({}))
        .await?;
    let filter = CredentialFilter {
        resident: Some(id),
        ..CredentialFilter::default()
    };
    let today = Date::in_korea(app.now());
    let eligible = Configuration::ALL
        .into_iter()
        .filter(|one| check_eligible(*one, &subject.resident, today).is_ok())
        .map(Configuration::id);
    Ok(Some(ResidentDetail {
        eligible: eligible.collect(),
        members: subject.members.iter().map(ResidentSummary::from).collect(),
        credentials: app.store.credentials(&filter, MAX_SHOWN).await?,
        offers: app.store.offers(id, MAX_SHOWN, app.now()).await?,
        resident: subject.resident,
        household: subject.household,
    }))
}
