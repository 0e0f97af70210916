use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use jumin_identity::{Did, b64url};
use jumin_registry::{Record, RecordKey};
use serde_json::{Value, json};

use super::Context;

/// Resolves a DID (W3C DID Resolution); the proof is in the document's metadata.
#[utoipa::path(
    get, path = "/1.0/identifiers/{did}",
    params(("did" = String, Path, description = "The DID")),
    responses(
        (status = 200, content_type = "application/did-resolution"),
        (status = 400, description = "Not a DID of this method"),
        (status = 404, description = "Not registered, with the proof of absence"),
        (status = 410, description = "Deactivated"),
    )
)]
pub(super) async fn resolve(
    State(context): State<Context>,
    Path(did): Path<String>,
) -> Result<Response, Problem> {
    let Ok(did) = did.parse::<Did>() else {
        return Ok(failed(StatusCode::BAD_REQUEST, "invalidDid", Value::Null));
    };
    if did.network() != context.ledger.trust().network {
        return Ok(failed(StatusCode::NOT_FOUND, "notFound", Value::Null));
    }
    let proof = context.ledger.prove(&RecordKey::Did(did.clone()))?;
    let evidence = json!({
        "key": proof.record.key.to_string(),
        "value": proof.record.value.as_deref().map(b64url),
        "proof": b64url(&proof.record.proof),
        "checkpoint": b64url(&proof.checkpoint),
    });
    let record = proof.record.value.as_deref().map(Record::from_bytes);
    let Some(Ok(Record::Did(record))) = record else {
        return Ok(failed(StatusCode::NOT_FOUND, "notFound", evidence));
    };
    let deactivated = record.deactivated.is_some();
    let status = if deactivated {
        StatusCode::GONE
    } else {
        StatusCode::OK
    };
    let result = json!({
        "didDocument": record.document.to_did_core(&did),
        "didResolutionMetadata": {"contentType": "application/did+json"},
        "didDocumentMetadata": {
            "versionId": record.version.to_string(),
            "deactivated": deactivated,
            "juminProof": evidence,
        },
    });
    Ok((status, Json(result)).into_response())
}

/// An answer without a document (DID Resolution §4.1).
fn failed(status: StatusCode, error: &str, evidence: Value) -> Response {
    let result = json!({
        "didDocument": null,
        "didResolutionMetadata": {"error": error},
        "didDocumentMetadata": {"juminProof": evidence},
    });
    (status, Json(result)).into_response()
}
