use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jumin_http::Problem;

use super::json_text;
use crate::app::App;
use crate::claims::Configuration;
use crate::metadata::credential_offer;
use crate::secret::Secret;

/// Gives a wallet the offer behind a URI, while it can be used.
#[utoipa::path(get, path = "/offers/{id}", params(("id" = String, Path, description = "From the offer's URI")),
    responses((status = 200, description = "Credential offer (OID4VCI 1.0 section 4.1)"), (status = 404, description = "Unknown, used or expired")))]
pub async fn offer(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = Secret::presented(&id);
    let open = app
        .store
        .open_offer(&id, app.now())
        .await
        .map_err(|error| crate::app::internal(&error))?;
    let configuration = open
        .as_deref()
        .and_then(Configuration::find)
        .ok_or_else(|| {
            Problem::new(
                StatusCode::NOT_FOUND,
                "offer_not_open",
                "This offer doesn't exist, was used, or has expired. Ask the agency for a new one.",
            )
        })?;
    let code = id.code_of_offer();
    let offer = credential_offer(&app.public_url, configuration, code.reveal());
    Ok(json_text(offer.to_string()))
}
