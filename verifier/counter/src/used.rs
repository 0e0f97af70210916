//! Codes that were used up, and when that may be forgotten.

use jumin_identity::OneWayNonce;
use sqlx::{Row, Sqlite, Transaction};

use crate::store::{Store, StoreError, signed};

/// How long a used code and a decided request are remembered, in seconds (two days): a replay is told as such for that
/// long, and is too old in any case then.
const REMEMBER_SECONDS: u64 = 2 * 86_400;

/// Says what became of an attempt to use a code up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It was unused until now.
    First,
    /// It was used before.
    Again,
    /// It can't be told: its use would be forgotten by now, or fell in the time after a backup.
    Forgotten,
}

/// Uses a nonce up.
///
/// A one-way code says itself when it was made. One from before what is forgotten is not taken, whatever this machine's
/// clock says: a clock that was set back would else make it fresh again. Nor is any while the store is one put back from a backup
/// that nobody has told the time yet.
pub(crate) async fn use_up(
    transaction: &mut Transaction<'_, Sqlite>,
    nonce: &str,
    now: u64,
) -> Result<Use, StoreError> {
    let made = OneWayNonce::parse(nonce).ok().map(|code| code.starts());
    let row = sqlx::query("SELECT before, EXISTS (SELECT 1 FROM backup_mark) FROM forgotten")
        .fetch_one(&mut **transaction)
        .await?;
    let (before, put_back): (i64, bool) = (row.try_get(0)?, row.try_get(1)?);
    if made.is_some_and(|made| put_back || signed(made) < before) {
        return Ok(Use::Forgotten);
    }
    let inserted =
        sqlx::query("INSERT INTO used_nonce (nonce, used_at) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(nonce)
            // Not before the code itself: else its use would be forgotten before the code is too old.
            .bind(signed(now.max(made.unwrap_or(0))))
            .execute(&mut **transaction)
            .await?;
    Ok(match inserted.rows_affected() {
        1 => Use::First,
        _ => Use::Again,
    })
}

impl Store {
    /// Tells whether a nonce was accepted before.
    pub async fn is_used(&self, nonce: &str) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT 1 FROM used_nonce WHERE nonce = ?")
            .bind(nonce)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.is_some())
    }

    /// Forgets what is two days old by the ledger's time, which validators certify and which never goes back; without a
    /// ledger nothing is forgotten.
    pub(crate) async fn forget(&self, ledger_time: Option<u64>) -> Result<(), StoreError> {
        let Some(time) = ledger_time else {
            return Ok(());
        };
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE forgotten SET before = max(before, ?)")
            .bind(signed(time.saturating_sub(REMEMBER_SECONDS)))
            .execute(&mut *transaction)
            .await?;
        for statement in [
            "DELETE FROM used_nonce WHERE used_at < (SELECT before FROM forgotten)",
            "DELETE FROM request WHERE expires_at < (SELECT before FROM forgotten)",
            "DELETE FROM clerk_decision WHERE until < (SELECT before FROM forgotten)",
        ] {
            sqlx::query(statement).execute(&mut *transaction).await?;
        }
        Ok(transaction.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;
    const DAY: u64 = 86_400;

    async fn store(home: &tempfile::TempDir) -> Store {
        Store::open(&home.path().join("counter.db")).await.unwrap()
    }

    async fn used(store: &Store, nonce: &str, now: u64) -> Use {
        let mut transaction = store.begin().await.unwrap();
        let found = use_up(&mut transaction, nonce, now).await.unwrap();
        transaction.commit().await.unwrap();
        found
    }

    fn code(at: u64) -> String {
        OneWayNonce::new(at, [7; 16]).to_string()
    }

    #[tokio::test]
    async fn clock_that_jumps_ahead_forgets_no_used_code() {
        let home = tempfile::tempdir().unwrap();
        let store = store(&home).await;
        assert_eq!(used(&store, &code(NOW), NOW).await, Use::First);
        // The machine's clock may say what it will: the ledger's time has hardly moved, or is not known.
        store.forget(Some(NOW + 10)).await.unwrap();
        store.forget(None).await.unwrap();
        assert_eq!(used(&store, &code(NOW), NOW + 5).await, Use::Again);
    }

    #[tokio::test]
    async fn code_from_before_what_is_forgotten_is_not_taken_when_the_clock_is_set_back() {
        let home = tempfile::tempdir().unwrap();
        let store = store(&home).await;
        assert_eq!(used(&store, &code(NOW), NOW).await, Use::First);
        store.forget(Some(NOW + 3 * DAY)).await.unwrap();
        assert!(!store.is_used(&code(NOW)).await.unwrap());
        assert_eq!(used(&store, &code(NOW), NOW + 5).await, Use::Forgotten);
        // It never goes back, also in a program that was started anew.
        store.forget(Some(NOW)).await.unwrap();
        let store = Store::open(&home.path().join("counter.db")).await.unwrap();
        assert_eq!(used(&store, &code(NOW), NOW + 5).await, Use::Forgotten);
        let fresh = code(NOW + 3 * DAY);
        assert_eq!(used(&store, &fresh, NOW + 3 * DAY).await, Use::First);
    }

    #[tokio::test]
    async fn code_used_under_a_slow_clock_is_remembered_as_long_as_it_could_be_taken() {
        let home = tempfile::tempdir().unwrap();
        let store = store(&home).await;
        let made = NOW + 60;
        assert_eq!(used(&store, &code(made), NOW).await, Use::First);
        store.forget(Some(NOW + 30 + 2 * DAY)).await.unwrap();
        assert_eq!(used(&store, &code(made), NOW).await, Use::Again);
    }
}
