//! Who may use the desk: a program that has the desk's token, and a browser that opened a link made by who has the home.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jumin_http::{Problem, is_same_origin};
use jumin_identity::{b64url, random_bytes, sha256};
use serde::Deserialize;
use sqlx::sqlite::SqliteQueryResult;
use zeroize::Zeroizing;

use crate::clock::unix_now;
use crate::routes::Office;
use crate::store::{Store, StoreError, signed};

/// How long a link may be opened, in seconds.
const LINK_LASTS: u64 = 600;
/// How long a browser is in, in seconds: longer than a shift, shorter than a day.
const SESSION_LASTS: u64 = 12 * 3600;
/// How far the clock may be set back, in seconds, before what was opened ends: a clock that was ahead opens nothing for longer.
const SET_BACK: u64 = 300;
/// Most links that wait to be opened, and most browsers that are in: older ones give way.
const MAX_OPEN: i64 = 256;

/// A random text of 256 bits: what opens the desk.
pub type Secret = Zeroizing<String>;

/// Draws a secret from the system's random numbers.
pub fn new_secret() -> Secret {
    Zeroizing::new(b64url(&random_bytes::<32>()))
}

/// The form in which a secret is known here: of its digest nothing can be learnt by guessing, nor by measuring time.
pub fn digest(secret: &str) -> [u8; 32] {
    sha256(secret.as_bytes())
}

/// Makes the address that lets a browser in: what is behind `#` is sent to nobody by opening it.
pub fn link(desk_url: &str, code: &Secret) -> Secret {
    Zeroizing::new(format!("{desk_url}/#sign-in/{}", code.as_str()))
}

impl Store {
    /// Makes a code that lets one browser in once, within ten minutes of `now`.
    pub async fn new_sign_in(&self, now: u64) -> Result<Secret, StoreError> {
        let code = new_secret();
        let until = now.saturating_add(LINK_LASTS);
        let insert = "INSERT INTO sign_in_link (digest, until) VALUES (?, ?)";
        self.write_secret(insert, &code, until).await?;
        Ok(code)
    }

    /// Takes a code, and lets a browser in by another secret; `None` for a code that is none, was used, or is over.
    pub async fn sign_in(&self, code: &str, now: u64) -> Result<Option<Secret>, StoreError> {
        self.forget_sign_ins(now).await?;
        let taken = sqlx::query("DELETE FROM sign_in_link WHERE digest = ?")
            .bind(digest(code).as_slice())
            .execute(&self.pool)
            .await?;
        if taken.rows_affected() == 0 {
            return Ok(None);
        }
        let session = new_secret();
        let until = now.saturating_add(SESSION_LASTS);
        let insert = "INSERT INTO desk_session (digest, until) VALUES (?, ?)";
        self.write_secret(insert, &session, until).await?;
        Ok(Some(session))
    }

    /// Tells whether a browser is in.
    pub async fn is_signed_in(&self, session: &str, now: u64) -> Result<bool, StoreError> {
        let row =
            sqlx::query("SELECT 1 FROM desk_session WHERE digest = ? AND until > ? AND until <= ?")
                .bind(digest(session).as_slice())
                .bind(signed(now))
                .bind(signed(now.saturating_add(SESSION_LASTS + SET_BACK)))
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.is_some())
    }

    /// Lets a browser out.
    pub async fn sign_out(&self, session: &str) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM desk_session WHERE digest = ?")
            .bind(digest(session).as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    async fn write_secret(
        &self,
        insert: &'static str,
        secret: &Secret,
        until: u64,
    ) -> Result<SqliteQueryResult, StoreError> {
        let done = sqlx::query(insert)
            .bind(digest(secret).as_slice())
            .bind(signed(until))
            .execute(&self.pool)
            .await?;
        for older in [
            "DELETE FROM sign_in_link WHERE until < \
             (SELECT until FROM sign_in_link ORDER BY until DESC LIMIT 1 OFFSET ?)",
            "DELETE FROM desk_session WHERE until < \
             (SELECT until FROM desk_session ORDER BY until DESC LIMIT 1 OFFSET ?)",
        ] {
            sqlx::query(older)
                .bind(MAX_OPEN - 1)
                .execute(&self.pool)
                .await?;
        }
        Ok(done)
    }

    async fn forget_sign_ins(&self, now: u64) -> Result<(), StoreError> {
        for (over, lasts) in [
            (
                "DELETE FROM sign_in_link WHERE until <= ? OR until > ?",
                LINK_LASTS,
            ),
            (
                "DELETE FROM desk_session WHERE until <= ? OR until > ?",
                SESSION_LASTS,
            ),
        ] {
            sqlx::query(over)
                .bind(signed(now))
                .bind(signed(now.saturating_add(lasts + SET_BACK)))
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }
}

/// Is the code of a link.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    code: String,
}

/// Lets the browser in that has a link's code, and sets its cookie.
#[utoipa::path(post, path = "/v1/session", tag = "desk", request_body = SignIn,
    responses((status = 204, description = "The browser is in"),
              (status = 401, description = "link_over: the code is none, was used, or is over")))]
pub async fn sign_in(
    State(office): State<Office>,
    headers: HeaderMap,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    require_own_page(&headers)?;
    let code = Zeroizing::new(body.code);
    let signed_in = office.desk.store().sign_in(&code, unix_now()).await;
    let session = signed_in.map_err(|error| Problem::internal(&error))?;
    let Some(session) = session else {
        let detail =
            "This link was opened before, or is over. Make a new one: jumin-counter sign-in.";
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "link_over", detail));
    };
    let cookie = (header::SET_COOKIE, office.cookie.set(&session));
    Ok((StatusCode::NO_CONTENT, [cookie]).into_response())
}

/// Lets the browser out, here and in the browser.
#[utoipa::path(delete, path = "/v1/session", tag = "desk",
    responses((status = 204, description = "The browser is out")))]
pub async fn sign_out(
    State(office): State<Office>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    require_own_page(&headers)?;
    for session in office.cookie.read(&headers) {
        let out = office.desk.store().sign_out(session).await;
        out.map_err(|error| Problem::internal(&error))?;
    }
    let cookie = (header::SET_COOKIE, office.cookie.clear());
    Ok((StatusCode::NO_CONTENT, [cookie]).into_response())
}

/// Refuses what a page of another origin can make a browser send (CSRF).
pub fn require_own_page(headers: &HeaderMap) -> Result<(), Problem> {
    if is_same_origin(headers) {
        return Ok(());
    }
    let detail = "The desk takes this from its own page only.";
    Err(Problem::new(StatusCode::FORBIDDEN, "wrong_origin", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;

    async fn store(home: &tempfile::TempDir) -> Store {
        Store::open(&home.path().join("counter.db")).await.unwrap()
    }

    #[tokio::test]
    async fn link_lets_one_browser_in_once_and_for_a_day_at_most() {
        let home = tempfile::tempdir().unwrap();
        let desk = store(&home).await;
        let code = desk.new_sign_in(NOW).await.unwrap();
        let session = desk.sign_in(&code, NOW).await.unwrap().unwrap();
        assert!(desk.sign_in(&code, NOW).await.unwrap().is_none());
        assert!(!desk.is_signed_in(&code, NOW).await.unwrap());
        // Also in a program that was started anew.
        let desk = store(&home).await;
        assert!(desk.is_signed_in(&session, NOW).await.unwrap());
        let over = NOW + SESSION_LASTS;
        assert!(!desk.is_signed_in(&session, over).await.unwrap());
        desk.sign_out(&session).await.unwrap();
        assert!(!desk.is_signed_in(&session, NOW).await.unwrap());
    }

    #[tokio::test]
    async fn link_that_nobody_opened_is_over_after_ten_minutes() {
        let home = tempfile::tempdir().unwrap();
        let desk = store(&home).await;
        let code = desk.new_sign_in(NOW).await.unwrap();
        let late = NOW + LINK_LASTS;
        assert!(desk.sign_in(&code, late).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_was_opened_under_a_clock_that_was_ahead_ends_when_the_clock_is_put_right() {
        let home = tempfile::tempdir().unwrap();
        let desk = store(&home).await;
        let ahead = NOW + 365 * 86_400;
        let code = desk.new_sign_in(ahead).await.unwrap();
        let session = desk.sign_in(&code, ahead).await.unwrap().unwrap();
        let link = desk.new_sign_in(ahead).await.unwrap();
        assert!(!desk.is_signed_in(&session, NOW).await.unwrap());
        assert!(desk.sign_in(&link, NOW).await.unwrap().is_none());
        // A clock that is put right by seconds lets nobody out.
        let code = desk.new_sign_in(NOW).await.unwrap();
        let session = desk.sign_in(&code, NOW).await.unwrap().unwrap();
        assert!(desk.is_signed_in(&session, NOW - 60).await.unwrap());
    }

    #[tokio::test]
    async fn older_links_give_way_to_new_ones() {
        let home = tempfile::tempdir().unwrap();
        let desk = store(&home).await;
        let first = desk.new_sign_in(NOW).await.unwrap();
        for second in 1..=u64::try_from(MAX_OPEN).unwrap() {
            desk.new_sign_in(NOW + second).await.unwrap();
        }
        assert!(desk.sign_in(&first, NOW + 300).await.unwrap().is_none());
        let last = desk.new_sign_in(NOW + 300).await.unwrap();
        assert!(desk.sign_in(&last, NOW + 300).await.unwrap().is_some());
    }
}
