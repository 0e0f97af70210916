//! What a clerk decides where the policy leaves it to the clerk.

use serde::{Deserialize, Serialize};
use sqlx::{Row, Sqlite, Transaction};

use crate::clock::unix_now;
use crate::desk::{Desk, DeskError};
use crate::outcome::Outcome;
use crate::store::{Decision, Store, StoreError, signed};
use crate::used::{Use, use_up};

/// How long a clerk may take to decide, in seconds.
const DECIDE_WITHIN: u64 = 300;

/// Says what became of a code whose status could not be learnt.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Ruling {
    /// The clerk accepted it: its code is used up.
    Accepted,
    /// The clerk turned it down: its code is used up as well, so that it is not tried at the next desk.
    Refused,
    /// Another desk was faster: the code was used up before this clerk decided.
    Replayed,
}

impl Ruling {
    fn code(self) -> &'static str {
        match self {
            Ruling::Accepted => "accepted",
            Ruling::Refused => "refused",
            Ruling::Replayed => "replayed",
        }
    }

    fn of_code(code: &str) -> Ruling {
        match code {
            "accepted" => Ruling::Accepted,
            "refused" => Ruling::Refused,
            _ => Ruling::Replayed,
        }
    }
}

/// Is a decision as written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ts_rs::TS, utoipa::ToSchema)]
pub struct ClerkDecision {
    /// The outcome decided about.
    pub outcome: String,
    /// What became of it.
    pub ruling: Ruling,
    /// When, in seconds since the epoch.
    pub at: u64,
}

impl Desk {
    /// Writes down that the clerk accepts, or refuses, what an outcome leaves to the clerk. Either uses the code up
    /// before the clerk is told; asked again, it says what was decided.
    pub async fn rule(&self, outcome: &str, accept: bool) -> Result<ClerkDecision, DeskError> {
        let wanted = match accept {
            true => Ruling::Accepted,
            false => Ruling::Refused,
        };
        let open = self.store.rule(outcome, wanted, unix_now()).await?;
        let (decision, request) = open.ok_or(DeskError::UnknownOutcome)?;
        if decision.ruling != Ruling::Accepted
            && let Some(request) = request
        {
            self.results.forget(&request);
        }
        Ok(decision)
    }
}

impl Store {
    /// Decides an outcome that is open at `now`; returns none if there is no such outcome or it is too late.
    async fn rule(
        &self,
        outcome: &str,
        wanted: Ruling,
        now: u64,
    ) -> Result<Option<(ClerkDecision, Option<String>)>, StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("SELECT * FROM clerk_decision WHERE outcome = ?")
            .bind(outcome)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let request: Option<String> = row.try_get("request")?;
        let decided = |ruling, at| ClerkDecision {
            outcome: outcome.to_owned(),
            ruling,
            at,
        };
        if let Some(ruling) = row.try_get::<Option<String>, _>("decision")? {
            let at: i64 = row.try_get("decided_at")?;
            let known = decided(Ruling::of_code(&ruling), at.unsigned_abs());
            return Ok(Some((known, request)));
        }
        if signed(now) > row.try_get::<i64, _>("until")? {
            return Ok(None);
        }
        let nonce: String = row.try_get("nonce")?;
        let ruling = match use_up(&mut transaction, &nonce, now).await? {
            Use::First => wanted,
            Use::Again | Use::Forgotten => Ruling::Replayed,
        };
        write_ruling(&mut transaction, outcome, ruling, now).await?;
        transaction.commit().await?;
        Ok(Some((decided(ruling, now), request)))
    }
}

async fn write_ruling(
    transaction: &mut Transaction<'_, Sqlite>,
    outcome: &str,
    ruling: Ruling,
    now: u64,
) -> Result<(), StoreError> {
    let (ruling, now) = (ruling.code(), signed(now));
    // Online, nobody else may answer any more.
    sqlx::query(
        "UPDATE request SET decryption_key = NULL \
         WHERE id = (SELECT request FROM clerk_decision WHERE outcome = ?)",
    )
    .bind(outcome)
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "UPDATE verdict_log SET clerk = ? \
         WHERE id = (SELECT log FROM clerk_decision WHERE outcome = ?)",
    )
    .bind(ruling)
    .bind(outcome)
    .execute(&mut **transaction)
    .await?;
    sqlx::query(
        "UPDATE clerk_decision SET decision = ?, decided_at = ?, nonce = '' WHERE outcome = ?",
    )
    .bind(ruling)
    .bind(now)
    .bind(outcome)
    .execute(&mut **transaction)
    .await?;
    Ok(())
}

/// Keeps an outcome that is the clerk's to decide, with the row of its verdict in the log.
pub(crate) async fn keep_open(
    transaction: &mut Transaction<'_, Sqlite>,
    decision: &Decision<'_>,
    log: i64,
) -> Result<(), StoreError> {
    let outcome: &Outcome = decision.outcome;
    sqlx::query(
        "INSERT INTO clerk_decision (outcome, log, request, nonce, until) VALUES (?, ?, ?, ?, ?)",
    )
    .bind(&outcome.id)
    .bind(log)
    .bind(decision.request_id)
    .bind(decision.nonce)
    .bind(signed(outcome.at.saturating_add(DECIDE_WITHIN)))
    .execute(&mut **transaction)
    .await?;
    Ok(())
}
