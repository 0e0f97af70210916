use std::path::Path;
use std::time::Duration;

use jumin_verifier::PendingRequest;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row, Sqlite, Transaction};

use crate::clerk::keep_open;
use crate::outcome::Outcome;
use crate::used::{Use, use_up};

/// Most requests kept at a time: a desk asks a few per minute.
const MAX_REQUESTS: i64 = 100_000;

/// Says why the counter's store could not do its work.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database cannot be opened, or is damaged.
    #[error("the counter's database cannot be opened")]
    Open(#[source] sqlx::Error),
    /// The database's file cannot be made its owner's alone.
    #[error("the counter's database cannot be kept private")]
    Private(#[source] std::io::Error),
    /// The schema cannot be brought up to date.
    #[error("the counter's database cannot be brought up to date")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("the counter's database failed")]
    Query(#[from] sqlx::Error),
    /// A stored request cannot be read.
    #[error("a stored request cannot be read")]
    Damaged(#[source] serde_json::Error),
    /// More requests are open than any office needs.
    #[error("too many requests are open")]
    Full,
}

impl StoreError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            StoreError::Open(_) => "store_open",
            StoreError::Private(_) => "store_private",
            StoreError::Migrate(_) => "store_migrate",
            StoreError::Query(_) => "store_query",
            StoreError::Damaged(_) => "store_damaged",
            StoreError::Full => "store_full",
        }
    }
}

/// Keeps requests, accepted nonces and the log of verdicts in one SQLite file, shared by every
/// desk and every process of the office.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) pool: SqlitePool,
}

/// Is a request as stored.
#[derive(Clone)]
pub struct StoredRequest {
    /// Unguessable identifier at the desk.
    pub id: String,
    /// Another one, which the citizen's wallet is told; online mode only.
    pub wallet_id: Option<String>,
    /// What the answer is checked against.
    pub pending: PendingRequest,
    /// The signed request object (compact JWS); none in one-way mode.
    pub request_object: Option<String>,
    /// The key that opens an encrypted response (a private JWK); online mode only.
    pub decryption_key: Option<String>,
    /// The last verdict's code.
    pub verdict: Option<String>,
    /// When it was reached, in seconds since the epoch.
    pub decided_at: Option<u64>,
}

impl std::fmt::Debug for StoredRequest {
    /// Leaves out the decryption key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredRequest")
            .field("id", &self.id)
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// Opens (or creates) the database at `path` and brings its schema up to date.
    pub async fn open(path: &Path) -> Result<Store, StoreError> {
        jumin_http::keep_private(path).map_err(StoreError::Private)?;
        // FULL: a nonce that was accepted stays accepted through a power cut.
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(StoreError::Open)?;
        sqlx::migrate!("./migrations")
            .run(&pool)
            .await
            .map_err(StoreError::Migrate)?;
        let store = Store { pool };
        store.end_requests_of_backup().await?;
        Ok(store)
    }

    /// Stores a new request, after forgetting what is too old to matter by the ledger's time.
    pub async fn insert_request(
        &self,
        request: &StoredRequest,
        now: u64,
        ledger_time: Option<u64>,
    ) -> Result<(), StoreError> {
        self.forget(ledger_time).await?;
        let open: i64 = sqlx::query("SELECT count(*) FROM request")
            .fetch_one(&self.pool)
            .await?
            .try_get(0)?;
        if open >= MAX_REQUESTS {
            return Err(StoreError::Full);
        }
        let pending = serde_json::to_string(&request.pending).map_err(StoreError::Damaged)?;
        sqlx::query(
            "INSERT INTO request (id, wallet_id, nonce, service, mode, pending, request_object, \
             decryption_key, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&request.id)
        .bind(&request.wallet_id)
        .bind(request.pending.nonce())
        .bind(&request.pending.policy().service)
        .bind(request.pending.assurance().code())
        .bind(pending)
        .bind(&request.request_object)
        .bind(&request.decryption_key)
        .bind(signed(now))
        .bind(signed(request.pending.expires()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the request with an id.
    pub async fn request(&self, id: &str) -> Result<Option<StoredRequest>, StoreError> {
        self.request_where("SELECT * FROM request WHERE id = ?", id)
            .await
    }

    /// Returns the request with the id that its wallet was told.
    pub async fn request_of_wallet(&self, id: &str) -> Result<Option<StoredRequest>, StoreError> {
        self.request_where("SELECT * FROM request WHERE wallet_id = ?", id)
            .await
    }

    /// Returns the request that carries a nonce.
    pub async fn request_by_nonce(&self, nonce: &str) -> Result<Option<StoredRequest>, StoreError> {
        self.request_where("SELECT * FROM request WHERE nonce = ?", nonce)
            .await
    }

    async fn request_where(
        &self,
        query: &'static str,
        value: &str,
    ) -> Result<Option<StoredRequest>, StoreError> {
        let Some(row) = sqlx::query(query)
            .bind(value)
            .fetch_optional(&self.pool)
            .await?
        else {
            return Ok(None);
        };
        let pending: String = row.try_get("pending")?;
        let decided_at: Option<i64> = row.try_get("decided_at")?;
        Ok(Some(StoredRequest {
            id: row.try_get("id")?,
            wallet_id: row.try_get("wallet_id")?,
            pending: serde_json::from_str(&pending).map_err(StoreError::Damaged)?,
            request_object: row.try_get("request_object")?,
            decryption_key: row.try_get("decryption_key")?,
            verdict: row.try_get("verdict")?,
            decided_at: decided_at.and_then(|at| u64::try_from(at).ok()),
        }))
    }

    /// Writes down an accepted presentation, and says whether its nonce could still be used. The
    /// nonce, the request's state and the log change together or not at all, and before anyone
    /// is told `valid`.
    pub async fn accept(&self, decision: &Decision<'_>) -> Result<Use, StoreError> {
        let mut transaction = self.begin().await?;
        let used = use_up(&mut transaction, decision.nonce, decision.outcome.at).await?;
        if used == Use::First {
            write_decision(&mut transaction, decision).await?;
            transaction.commit().await?;
        }
        Ok(used)
    }

    /// Writes down a presentation that was not accepted; one that is the clerk's to decide stays
    /// open for a while.
    pub async fn refuse(&self, decision: &Decision<'_>) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let log = write_decision(&mut transaction, decision).await?;
        if decision.outcome.clerk_may_accept {
            keep_open(&mut transaction, decision, log).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(crate) fn pool(&self) -> &SqlitePool {
        &self.pool
    }

    pub(crate) async fn begin(&self) -> Result<Transaction<'_, Sqlite>, StoreError> {
        Ok(self.pool.begin_with("BEGIN IMMEDIATE").await?)
    }

    /// Counts the verdicts reached so far, by code.
    pub async fn verdict_counts(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let rows = sqlx::query("SELECT verdict, count(*) AS n FROM verdict_log GROUP BY verdict")
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter()
            .map(|row| {
                let count: i64 = row.try_get("n")?;
                Ok((row.try_get("verdict")?, count.unsigned_abs()))
            })
            .collect()
    }
}

/// Is what one scan came to, without the claims.
#[derive(Debug)]
pub struct Decision<'a> {
    /// The request it answers, if one is known.
    pub request_id: Option<&'a str>,
    /// The nonce of the key binding; empty if it could not be read.
    pub nonce: &'a str,
    /// What the verifier found.
    pub outcome: &'a Outcome,
}

/// Writes a verdict into its request and the log; returns the log's row.
async fn write_decision(
    transaction: &mut Transaction<'_, Sqlite>,
    decision: &Decision<'_>,
) -> Result<i64, StoreError> {
    let outcome = decision.outcome;
    if let Some(id) = decision.request_id {
        // A request that was answered once stays answered: a later refusal does not undo it.
        sqlx::query(
            "UPDATE request SET verdict = ?, decided_at = ?, \
             decryption_key = CASE WHEN ? = 'valid' THEN NULL ELSE decryption_key END \
             WHERE id = ? AND verdict IS NOT 'valid'",
        )
        .bind(outcome.verdict.code())
        .bind(signed(outcome.at))
        .bind(outcome.verdict.code())
        .bind(id)
        .execute(&mut **transaction)
        .await?;
    }
    let logged = sqlx::query(
        "INSERT INTO verdict_log (at, service, assurance, verdict, issuer, checkpoint_height, \
         network) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(signed(outcome.at))
    .bind(outcome.service.as_deref().unwrap_or_default())
    .bind(outcome.assurance.map_or("none", |a| a.code()))
    .bind(outcome.verdict.code())
    .bind(proven_issuer(outcome))
    .bind(outcome.checked.evidence.checkpoint_height.map(signed))
    .bind(outcome.checked.network.code())
    .execute(&mut **transaction)
    .await?;
    Ok(logged.last_insert_rowid())
}

/// Names the issuer in the log only where it is proven: else anyone could write in an agency's name.
fn proven_issuer(outcome: &Outcome) -> Option<String> {
    let issuer = outcome.issuer.as_ref()?;
    outcome.issuer_proven.then(|| issuer.did.to_string())
}

pub(crate) fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
