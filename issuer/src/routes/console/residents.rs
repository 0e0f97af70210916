use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use jumin_http::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::read_json;
use super::seen::{Seen, limit};
use crate::app::{App, internal};
use crate::claims::{Configuration, check_eligible};
use crate::console::{Actor, Look};
use crate::register::{Date, Household, Resident};
use crate::store::{CredentialFilter, CredentialRow, OfferSummary, ResidentSummary, StoreError};

const MAX_QUERY: usize = 60;
/// Shown by one search: whoever is meant is among few.
const MAX_FOUND: u32 = 50;
/// Shown on a resident's page.
const MAX_SHOWN: u32 = 100;

#[derive(Deserialize, ToSchema)]
pub struct ResidentSearch {
    /// Part of a name, or the beginning of an id or number.
    #[serde(default)]
    query: String,
    /// At most 50, by default 20.
    limit: Option<u32>,
}

#[derive(Serialize, ToSchema)]
pub struct Residents {
    residents: Vec<ResidentSummary>,
    /// There are more than are shown.
    more: bool,
}

/// Says how somebody searched, and not for what.
fn kind(query: &str) -> &'static str {
    match query.chars().next() {
        None => "all",
        Some(first) if first.is_ascii_digit() => "number",
        Some(_) => "text",
    }
}

/// Finds residents by part of a name or the beginning of an id or number; the words stay out of URLs and of the
/// audit, and whom they found goes into it.
#[utoipa::path(post, path = "/v1/residents/search", request_body = ResidentSearch,
    responses((status = 200, body = Residents), (status = 400),
        (status = 429, description = "too_many_residents, with Retry-After")))]
pub async fn search(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    body: Bytes,
) -> Result<Seen<Residents>, Problem> {
    let search: ResidentSearch = read_json(&body)?;
    if search.query.chars().count() > MAX_QUERY {
        let detail = format!("The query may have {MAX_QUERY} characters.");
        return Err(Problem::bad_request("query_too_long", detail));
    }
    let (query, limit) = (search.query.trim(), limit(search.limit, 20, MAX_FOUND)?);
    let found = app.store.find_residents(query, limit + 1).await;
    let found = found.map_err(|error| internal(&error))?;
    let shown = &found[..found.len().min(limit as usize)];
    let ids = shown.iter().map(|resident| resident.id.as_str());
    let more = found.len() > shown.len();
    let look = Look::list("resident.search", "register", ids)
        .with("by", kind(query))
        .with("more", more);
    let residents = shown.iter().map(ResidentSummary::from).collect();
    app.show(&actor, &look, Residents { residents, more }).await
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
) -> Result<Seen<ResidentDetail>, Problem> {
    let detail = detail(&app, &id).await;
    let detail = detail
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::not_found("There is no such resident."))?;
    // Whoever opens a resident sees who lives with them.
    let members = detail.members.iter().map(|member| member.id.as_str());
    let look = Look::at("resident.view", &detail.resident.id, members);
    app.show(&actor, &look, detail).await
}

async fn detail(app: &App, id: &str) -> Result<Option<ResidentDetail>, StoreError> {
    let Some(subject) = app.store.subject(id).await? else {
        return Ok(None);
    };
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
