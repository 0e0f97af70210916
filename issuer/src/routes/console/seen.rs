//! Answers with personal data.

use axum::Json;
use axum::response::{IntoResponse, Response};
use jumin_http::Problem;
use serde::Serialize;

use crate::app::{App, internal};
use crate::console::{Actor, Look, LookError};

/// An answer with personal data, which nobody has before the look at it is recorded.
pub struct Seen<T>(T);

impl<T: Serialize> IntoResponse for Seen<T> {
    fn into_response(self) -> Response {
        Json(self.0).into_response()
    }
}

impl App {
    /// Shows personal data once the look at it is recorded.
    pub async fn show<T>(&self, actor: &Actor, look: &Look, data: T) -> Result<Seen<T>, Problem> {
        self.look(actor, look).await?;
        Ok(Seen(data))
    }

    /// Records a look whose answer is a refusal that tells something of somebody.
    pub async fn look(&self, actor: &Actor, look: &Look) -> Result<(), Problem> {
        self.record_look(actor, look)
            .await
            .map_err(|error| match error {
                LookError::TooMany { wait } => too_many(wait),
                LookError::Store(error) => internal(&error),
            })
    }
}

fn too_many(wait: u64) -> Problem {
    let detail = format!(
        "Too many residents were looked at within an hour. Try again in {wait} seconds, or look at fewer."
    );
    Problem::too_many_requests("too_many_residents", detail)
        .retry_after(u32::try_from(wait).unwrap_or(u32::MAX))
}

/// Takes the length of a list that is asked for, up to `most`.
pub fn limit(asked: Option<u32>, usual: u32, most: u32) -> Result<u32, Problem> {
    match asked.unwrap_or(usual) {
        limit if limit <= most => Ok(limit),
        _ => {
            let detail = format!("Ask for at most {most} at a time.");
            Err(Problem::bad_request("limit_too_large", detail))
        }
    }
}
