use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use jumin_http::Problem;
use serde::Deserialize;
use utoipa::ToSchema;

use super::read_json;
use super::seen::Seen;
use crate::app::{App, internal};
use crate::claims::{Configuration, check_eligible};
use crate::console::{Actor, Look, OfferAnswer};
use crate::register::Date;
use crate::store::OfferSummary;

#[derive(Deserialize, ToSchema)]
pub struct OfferRequest {
    resident_id: String,
    #[schema(example = "resident-card")]
    credential_configuration_id: String,
}

/// Offers a credential to a resident: show the QR code, say the transaction code.
#[utoipa::path(post, path = "/v1/offers", request_body = OfferRequest,
    responses((status = 201, body = OfferAnswer), (status = 400), (status = 404)))]
pub async fn create_offer(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
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
    let today = Date::in_korea(app.now());
    if let Err(reason) = check_eligible(configuration, &subject.resident, today) {
        // The refusal tells how old the resident is, or that they have no address.
        let id = subject.resident.id.as_str();
        let look = Look::at("offer.refused", id, [id])
            .with("configuration", configuration.id())
            .with("reason", reason.code());
        app.look(&actor, &look).await?;
        return Err(Problem::bad_request(reason.code(), reason.to_string()));
    }
    let offer = app.offer(&actor, &request.resident_id, configuration).await;
    let offer = offer.map_err(|error| internal(&error))?;
    Ok((StatusCode::CREATED, Json(offer)))
}

/// Tells how far an offer has come; forgotten a day after it ended.
#[utoipa::path(get, path = "/v1/offers/{id}", params(("id" = String, Path)),
    responses((status = 200, body = OfferSummary), (status = 404)))]
pub async fn offer(
    State(app): State<Arc<App>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Seen<OfferSummary>, Problem> {
    let offer = app.store.offer(&id, app.now()).await;
    let offer = offer
        .map_err(|error| internal(&error))?
        .ok_or_else(|| Problem::not_found("There is no such offer."))?;
    let resident = offer.resident_id.as_str();
    let look = Look::at("offer.view", resident, [resident]).with("offer", offer.id.as_str());
    app.show(&actor, &look, offer).await
}
