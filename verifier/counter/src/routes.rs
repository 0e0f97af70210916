use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use jumin_http::{OwnNames, Problem, SessionCookie};
use jumin_registry::Localized;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ts_rs::TS;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::check::Expected;
use crate::clerk::ClerkDecision;
use crate::clock::unix_now;
use crate::desk::{Desk, DeskError, Mode, Scanned};
use crate::guard::{own_names, signed_in};
use crate::outcome::Outcome;
use crate::page::Page;
use crate::picture::{MAX_PICTURE_BYTES, PictureError, read_code};
use crate::services::ServiceInfo;
use crate::sign_in;
use crate::status::OfficeStatus;
use crate::sync::SyncReport;
use crate::wallets;

/// Largest body of any request, in bytes: a picture and a little.
const MAX_BODY_BYTES: usize = MAX_PICTURE_BYTES + 1024;
/// Largest JSON body, in bytes.
const MAX_JSON_BYTES: usize = 1024 * 1024;
/// Most texts in one scan.
const MAX_TEXTS: usize = 2_048;

/// Most requests that one desk shows.
const MAX_SHOWING: usize = 8;

/// Is what the routes share.
#[derive(Clone)]
pub struct Office {
    /// The desks.
    pub desk: Arc<Desk>,
    /// What the office is called.
    pub name: Localized,
    /// Where wallets reach the counter, without a trailing slash.
    pub public_url: Arc<str>,
    /// The names by which the desk's listener is asked.
    pub names: Arc<OwnNames>,
    /// The digest of the token with which programs use the desk.
    pub token: [u8; 32],
    /// The cookie of a browser that is in.
    pub cookie: Arc<SessionCookie>,
}

/// Makes the routes of the desk's listener: its page, and what the page and the office's programs do, who are let in by a
/// secret. No route of the wallets' is among them. Whatever is no route counts as the page's, which tells nothing.
pub fn router(office: Office) -> axum::Router {
    let (desk, mut api) = OpenApiRouter::new()
        .routes(routes!(start_request))
        .routes(routes!(read_request))
        .routes(routes!(forget_outcome))
        .routes(routes!(scan))
        .routes(routes!(accept_outcome))
        .routes(routes!(refuse_outcome))
        .routes(routes!(services))
        .routes(routes!(status))
        .routes(routes!(sync))
        .split_for_parts();
    let (open, open_api) = OpenApiRouter::new()
        .routes(routes!(sign_in::sign_in, sign_in::sign_out))
        .split_for_parts();
    api.merge(open_api);
    api.merge(wallets::description());
    let title = "Jumin counter: requests, scans and verdicts";
    api.info = utoipa::openapi::Info::new(title, env!("CARGO_PKG_VERSION"));
    let document = Arc::new(json!(api));
    let describe = axum::routing::get(move || {
        let document = Arc::clone(&document);
        async move { Json(document.as_ref().clone()) }
    });
    let router = desk
        .route_layer(from_fn_with_state(office.clone(), signed_in))
        .merge(open)
        .route("/openapi.json", describe)
        .route("/v1/{*path}", axum::routing::any(no_such_route));
    let router = jumin_http::with_pages::<Office, Page>(router)
        .layer(from_fn_with_state(office.clone(), own_names))
        .with_state(office);
    jumin_http::layers(router, MAX_BODY_BYTES)
}

async fn no_such_route() -> Problem {
    Problem::not_found("There is nothing under this address.")
}

/// Asks for a request to be started.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct StartBody {
    /// Name of the service.
    service: String,
    /// `qr` (default), `online` or `one-way`.
    #[schema(value_type = Option<String>)]
    mode: Option<Mode>,
}

/// Starts a request of a service.
#[utoipa::path(post, path = "/v1/requests", tag = "desk", request_body = StartBody,
    responses((status = 201, description = "The request: id, qr, codes, request_uri, expires_at"),
              (status = 404, description = "No such service")))]
async fn start_request(
    State(office): State<Office>,
    Json(body): Json<StartBody>,
) -> Result<Response, Problem> {
    let mode = body.mode.unwrap_or(Mode::Qr);
    let started = office
        .desk
        .start(&body.service, mode, &office.public_url)
        .await
        .map_err(|error| problem(&error))?;
    Ok((StatusCode::CREATED, Json(started)).into_response())
}

/// Is a request as a page follows it.
#[derive(Debug, Serialize, TS)]
pub struct RequestView {
    id: String,
    service: String,
    #[ts(type = "Assurance")]
    mode: &'static str,
    state: RequestState,
    expires_at: u64,
    /// The outcome; only its code and time once the claims are gone from memory.
    #[ts(type = "Outcome | { verdict: Verdict; at: number | null } | null")]
    verdict: Value,
}

/// Says how a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody answered yet.
    Pending,
    /// There is a verdict.
    Answered,
    /// The wallet declined.
    Declined,
    /// Nobody answered in time.
    Expired,
}

/// Tells how a request stands, with the verdict once there is one.
#[utoipa::path(get, path = "/v1/requests/{id}", tag = "desk",
    params(("id" = String, Path, description = "The request")),
    responses((status = 200, description = "id, service, mode, state, expires_at, verdict"),
              (status = 404, description = "No such request")))]
async fn read_request(
    State(office): State<Office>,
    Path(id): Path<String>,
) -> Result<Json<RequestView>, Problem> {
    let stored = office.desk.store().request(&id).await;
    let request = stored
        .map_err(|error| Problem::internal(&error))?
        .ok_or_else(|| Problem::not_found("There is no such request."))?;
    let expires_at = request.pending.expires();
    let state = match &request.verdict {
        Some(_) => RequestState::Answered,
        None if office.desk.was_declined(&id) => RequestState::Declined,
        None if request.pending.is_over(unix_now()) => RequestState::Expired,
        None => RequestState::Pending,
    };
    // Claims are in memory for a while only; the verdict itself is kept.
    let verdict = match (office.desk.outcome(&id), &request.verdict) {
        (Some(outcome), _) => json!(outcome),
        (None, Some(code)) => json!({"verdict": code, "at": request.decided_at}),
        (None, None) => Value::Null,
    };
    Ok(Json(RequestView {
        id,
        service: request.pending.policy().service.clone(),
        mode: request.pending.assurance().code(),
        state,
        expires_at,
        verdict,
    }))
}

/// Forgets the claims of a request, which are in memory for a while: the desk is done with them.
#[utoipa::path(delete, path = "/v1/requests/{id}/outcome", tag = "desk",
    params(("id" = String, Path, description = "The request")),
    responses((status = 204, description = "They are gone")))]
async fn forget_outcome(State(office): State<Office>, Path(id): Path<String>) -> StatusCode {
    office.desk.forget(&id);
    StatusCode::NO_CONTENT
}

/// Is what a handheld scanner or a page read.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ScanBody {
    /// The text of one code.
    text: Option<String>,
    /// The texts of several frames.
    #[serde(default)]
    texts: Vec<String>,
    /// Which desk scanned: frames of different desks are put together apart.
    #[serde(default)]
    desk: String,
    /// The one-way request that this answers.
    request: Option<String>,
    /// The requests that the desk shows: an answer to any other is a mismatch. Empty: any of the
    /// office's.
    #[serde(default)]
    showing: Vec<String>,
    /// The desk's service: one-way codes for another are a mismatch.
    service: Option<String>,
}

/// Is what a scan came to.
#[derive(Debug, Serialize, TS)]
#[serde(untagged)]
pub enum ScanAnswer {
    /// Some frames are still missing.
    Progress {
        /// How far it is.
        progress: ScanProgress,
    },
    /// There is a verdict.
    Decided(Box<Outcome>),
}

/// Counts frames.
#[derive(Clone, Copy, Debug, Serialize, TS)]
pub struct ScanProgress {
    /// Frames read.
    received: usize,
    /// Frames needed, at least.
    needed: usize,
}

/// Says which desk scanned a picture, and which one-way request it answers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct PictureQuery {
    /// Which desk scanned.
    #[serde(default)]
    desk: String,
    /// The one-way request that this answers.
    request: Option<String>,
}

/// Checks what was scanned: JSON with text, or a picture (PNG or JPEG).
#[utoipa::path(post, path = "/v1/scans", tag = "desk", request_body = ScanBody, params(PictureQuery),
    responses((status = 200, description = "The verdict, or {\"progress\": {\"received\", \"needed\"}} while frames are missing"),
              (status = 400, description = "Neither a scan nor a picture")))]
async fn scan(
    State(office): State<Office>,
    Query(query): Query<PictureQuery>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<ScanAnswer>, Problem> {
    let scan = if is_picture(&headers) {
        picture_scan(query, body).await?
    } else {
        json_scan(&body)?
    };
    let scanned = office
        .desk
        .scan(&scan.desk, &scan.texts, scan.expected())
        .await
        .map_err(|error| problem(&error))?;
    Ok(Json(match scanned {
        Scanned::Progress { received, needed } => ScanAnswer::Progress {
            progress: ScanProgress { received, needed },
        },
        Scanned::Decided(outcome) => ScanAnswer::Decided(outcome),
    }))
}

/// Takes a presentation that the policy leaves to the clerk, and uses its code up.
#[utoipa::path(post, path = "/v1/outcomes/{id}/accept", tag = "desk",
    params(("id" = String, Path, description = "The outcome")),
    responses((status = 200, description = "What was decided: `replayed` if another desk was faster", body = ClerkDecision),
              (status = 404, description = "Nothing is left to decide: scan again")))]
async fn accept_outcome(
    State(office): State<Office>,
    Path(id): Path<String>,
) -> Result<Json<ClerkDecision>, Problem> {
    rule(&office, &id, true).await
}

/// Turns down a presentation that the policy leaves to the clerk, and uses its code up too.
#[utoipa::path(post, path = "/v1/outcomes/{id}/refuse", tag = "desk",
    params(("id" = String, Path, description = "The outcome")),
    responses((status = 200, description = "What was decided", body = ClerkDecision),
              (status = 404, description = "Nothing is left to decide")))]
async fn refuse_outcome(
    State(office): State<Office>,
    Path(id): Path<String>,
) -> Result<Json<ClerkDecision>, Problem> {
    rule(&office, &id, false).await
}

async fn rule(office: &Office, id: &str, accept: bool) -> Result<Json<ClerkDecision>, Problem> {
    let decision = office.desk.rule(id, accept).await;
    decision.map(Json).map_err(|error| problem(&error))
}

fn is_picture(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok());
    content_type.is_some_and(|kind| kind.starts_with("image/"))
}

impl ScanBody {
    fn expected(&self) -> Expected<'_> {
        Expected {
            request: self.request.as_deref(),
            showing: &self.showing,
            service: self.service.as_deref(),
        }
    }
}

async fn picture_scan(query: PictureQuery, body: Bytes) -> Result<ScanBody, Problem> {
    let read = tokio::task::spawn_blocking(move || read_code(&body))
        .await
        .map_err(|error| Problem::internal(&error))?;
    let texts = match read {
        Ok(text) => vec![text],
        // Like a code that says nothing: the desk hears `malformed`, not an error.
        Err(PictureError::NoCode) => vec![String::new()],
        Err(error) => return Err(Problem::bad_request(error.code(), error.to_string())),
    };
    Ok(ScanBody {
        text: None,
        texts,
        desk: query.desk,
        request: query.request,
        showing: Vec::new(),
        service: None,
    })
}

fn json_scan(body: &[u8]) -> Result<ScanBody, Problem> {
    if body.len() > MAX_JSON_BYTES {
        let detail = "A scan's JSON is at most 1 MiB.";
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "scan_too_large",
            detail,
        ));
    }
    let mut scan: ScanBody = serde_json::from_slice(body)
        .map_err(|error| Problem::bad_request("scan_malformed", error.to_string()))?;
    scan.texts.extend(scan.text.take());
    let fits = (1..=MAX_TEXTS).contains(&scan.texts.len())
        && scan.desk.len() <= 64
        && scan.showing.len() <= MAX_SHOWING;
    if fits {
        Ok(scan)
    } else {
        let detail = "A scan has 1 to 2,048 texts.";
        Err(Problem::bad_request("scan_malformed", detail))
    }
}

/// Lists the services of the office.
#[utoipa::path(get, path = "/v1/services", tag = "desk",
    responses((status = 200, description = "Each service, and what it asks for", body = Vec<ServiceInfo>)))]
async fn services(State(office): State<Office>) -> Json<Vec<ServiceInfo>> {
    Json(office.desk.services().map(ServiceInfo::of).collect())
}

/// Tells what the counter knows of the ledger, how old it is, and whether the network is there.
#[utoipa::path(get, path = "/v1/status", tag = "desk",
    responses((status = 200, description = "How the office stands", body = OfficeStatus)))]
async fn status(State(office): State<Office>) -> Json<OfficeStatus> {
    let name = office.name.clone();
    Json(OfficeStatus::of(&office.desk, name, unix_now()))
}

/// Gets the newest bundle, lists and dictionaries.
#[utoipa::path(post, path = "/v1/sync", tag = "desk",
    responses((status = 200, description = "What is at hand now"), (status = 503, description = "The network is not there")))]
async fn sync(State(office): State<Office>) -> Result<Json<SyncReport>, Problem> {
    let synced = office.desk.ledger().sync().await;
    synced
        .map(Json)
        .map_err(|error| Problem::unavailable(error.code(), error.to_string()))
}

pub(crate) fn problem(error: &DeskError) -> Problem {
    let detail = error.to_string();
    match error {
        DeskError::UnknownService(_) | DeskError::UnknownRequest | DeskError::UnknownOutcome => {
            Problem::new(StatusCode::NOT_FOUND, error.code(), detail)
        }
        DeskError::Start(_) => Problem::bad_request(error.code(), detail),
        DeskError::Key(refused) => {
            Problem::unavailable(refused.code(), format!("{detail} ({refused})"))
        }
        _ => Problem::internal(error),
    }
}
