use sqlx::{Row, SqliteConnection};

use super::{Store, StoreError, audit, signed, unsigned};
use crate::audit::Event;
use crate::console::Bucket;

/// Counts of each kind that are kept; when there are more, those that failed longest ago are forgotten.
pub(super) const MOST_COUNTED: i64 = 16_384;

/// A signed-in session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub account: String,
    /// When the account signed in, in seconds since the Unix epoch.
    pub made: u64,
    /// When it was last used, to about a minute, in seconds since the Unix epoch.
    pub seen: u64,
}

/// Failed sign-ins in a row, of one bucket.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tries {
    pub failed: u32,
    /// Seconds since the Unix epoch.
    pub last_failed: u64,
    /// First second at which another try is taken, since the Unix epoch.
    pub blocked: u64,
}

impl Store {
    /// Makes an account or gives it another password; either way nobody stays signed in to it.
    pub async fn put_account(
        &self,
        name: &str,
        password: &str,
        now: u64,
        event: &Event<'_>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO accounts (name, password, changed) VALUES (?1, ?2, ?3)
             ON CONFLICT (name) DO UPDATE SET password = ?2, changed = ?3",
        )
        .bind(name)
        .bind(password)
        .bind(signed(now))
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM sessions WHERE account = ?")
            .bind(name)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("DELETE FROM sign_in_tries")
            .execute(&mut *transaction)
            .await?;
        audit::append(&mut transaction, event).await?;
        Ok(transaction.commit().await?)
    }

    /// Says whether anybody can sign in at all.
    pub async fn has_account(&self) -> Result<bool, StoreError> {
        let row = sqlx::query("SELECT EXISTS (SELECT 1 FROM accounts)")
            .fetch_one(&self.reader)
            .await?;
        Ok(row.try_get(0)?)
    }

    /// Reads the password hash of an account.
    pub async fn password_hash(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT password FROM accounts WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.reader)
            .await?;
        Ok(row.map(|row| row.try_get(0)).transpose()?)
    }

    /// Says until when one of the buckets is blocked, if it is at `now`.
    pub async fn blocked_until(
        &self,
        buckets: &[Bucket],
        now: u64,
    ) -> Result<Option<u64>, StoreError> {
        let mut connection = self.reader().await?;
        for bucket in buckets {
            let tries = read_tries(&mut connection, bucket).await?;
            if tries.blocked > now {
                return Ok(Some(tries.blocked));
            }
        }
        Ok(None)
    }

    /// Counts a try of every bucket as failed unless one of them is blocked; then it returns until when.
    ///
    /// Counting before the password is looked at leaves no gap for tries that run beside each other.
    pub async fn count_try(
        &self,
        buckets: &[Bucket],
        now: u64,
        after: impl Fn(&Bucket, Tries) -> Tries,
    ) -> Result<Option<u64>, StoreError> {
        let mut transaction = self.begin().await?;
        for bucket in buckets {
            let tries = read_tries(&mut transaction, bucket).await?;
            if tries.blocked > now {
                return Ok(Some(tries.blocked));
            }
            write_tries(&mut transaction, bucket, after(bucket, tries)).await?;
        }
        transaction.commit().await?;
        Ok(None)
    }

    /// Starts a session, ends the one that the same browser had, and forgets the tries that came before.
    pub async fn start_session(
        &self,
        new: (&[u8; 32], &str),
        old: Option<[u8; 32]>,
        buckets: &[Bucket],
        event: &Event<'_>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        if let Some(old) = old {
            sqlx::query("DELETE FROM sessions WHERE digest = ?")
                .bind(&old[..])
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query("INSERT INTO sessions (digest, account, made, seen) VALUES (?, ?, ?3, ?3)")
            .bind(&new.0[..])
            .bind(new.1)
            .bind(signed(event.at))
            .execute(&mut *transaction)
            .await?;
        for bucket in buckets {
            sqlx::query("DELETE FROM sign_in_tries WHERE kind = ? AND who = ?")
                .bind(bucket.kind.as_str())
                .bind(&bucket.digest[..])
                .execute(&mut *transaction)
                .await?;
        }
        audit::append(&mut transaction, event).await?;
        Ok(transaction.commit().await?)
    }

    /// Reads a session, whatever its age.
    pub async fn session(&self, digest: &[u8; 32]) -> Result<Option<SessionRow>, StoreError> {
        let row = sqlx::query("SELECT account, made, seen FROM sessions WHERE digest = ?")
            .bind(&digest[..])
            .fetch_optional(&self.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(SessionRow {
            account: row.try_get(0)?,
            made: unsigned(row.try_get(1)?)?,
            seen: unsigned(row.try_get(2)?)?,
        }))
    }

    /// Notes that a session was used.
    pub async fn touch_session(&self, digest: &[u8; 32], now: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET seen = max(seen, ?) WHERE digest = ?")
            .bind(signed(now))
            .bind(&digest[..])
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Ends a session; says whether there was one.
    pub async fn end_session(
        &self,
        digest: &[u8; 32],
        event: &Event<'_>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE digest = ?")
            .bind(&digest[..])
            .execute(&mut *transaction)
            .await?
            .rows_affected();
        if ended > 0 {
            audit::append(&mut transaction, event).await?;
        }
        transaction.commit().await?;
        Ok(ended > 0)
    }

    /// Forgets sessions that were made, or last used, before these times.
    pub async fn forget_sessions(&self, made: u64, seen: u64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE made < ? OR seen < ?")
            .bind(signed(made))
            .bind(signed(seen))
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}

async fn read_tries(
    connection: &mut SqliteConnection,
    bucket: &Bucket,
) -> Result<Tries, StoreError> {
    let row = sqlx::query("SELECT * FROM sign_in_tries WHERE kind = ? AND who = ?")
        .bind(bucket.kind.as_str())
        .bind(&bucket.digest[..])
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else {
        return Ok(Tries::default());
    };
    Ok(Tries {
        failed: row.try_get("failed")?,
        last_failed: unsigned(row.try_get("last_failed")?)?,
        blocked: unsigned(row.try_get("blocked")?)?,
    })
}

async fn write_tries(
    connection: &mut SqliteConnection,
    bucket: &Bucket,
    tries: Tries,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT OR REPLACE INTO sign_in_tries (kind, who, failed, last_failed, blocked)
         VALUES (?, ?, ?, ?, ?)",
    )
    .bind(bucket.kind.as_str())
    .bind(&bucket.digest[..])
    .bind(tries.failed)
    .bind(signed(tries.last_failed))
    .bind(signed(tries.blocked))
    .execute(&mut *connection)
    .await?;
    // Whether a name is an account's plays no part: what is forgotten must not tell it.
    sqlx::query(
        "DELETE FROM sign_in_tries WHERE kind = ?1 AND who IN
         (SELECT who FROM sign_in_tries WHERE kind = ?1 ORDER BY last_failed DESC LIMIT -1 OFFSET ?2)",
    )
    .bind(bucket.kind.as_str())
    .bind(MOST_COUNTED)
    .execute(connection)
    .await?;
    Ok(())
}
