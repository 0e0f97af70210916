//! Signing in and out of the console.

use jumin_identity::random_bytes;
use serde::Serialize;
use serde_json::json;
use thiserror::Error;
use utoipa::ToSchema;
use zeroize::Zeroizing;

use super::device::Device;
use super::password::{self, PasswordError};
use super::throttle::{self, Bucket, Source};
use crate::app::App;
use crate::audit::Event;
use crate::secret::Secret;
use crate::store::{SessionRow, Store, StoreError};

/// A session ends when it isn't used for this long, in seconds.
const IDLE: u64 = 15 * 60;
/// A session ends after this long however much it is used, in seconds.
const LONGEST: u64 = 8 * 3600;
/// Use is noted this often, in seconds: not every request needs to write.
const NOTED_EVERY: u64 = 60;
/// Names that the audit has for others.
const RESERVED: [&str; 6] = ["token", "wallet", "issuer", "operator", "console", "nobody"];
const MAX_NAME: usize = 32;

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
pub struct Session {
    pub account: String,
    /// When it ends unless it is used, in seconds since the Unix epoch.
    pub expires_at: u64,
}

/// Who does something at the console.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor {
    /// A program that has the console's token.
    Token,
    Account(String),
}

impl Actor {
    /// What the audit calls them.
    pub fn name(&self) -> &str {
        match self {
            Self::Token => "token",
            Self::Account(name) => name,
        }
    }
}

/// A try to sign in.
pub struct Attempt<'a> {
    pub account: &'a str,
    pub password: Zeroizing<String>,
    pub source: Source,
    /// What the browser says it was marked with when the account signed in from it before.
    pub mark: Option<&'a str>,
    /// The session that the same browser has, which ends.
    pub before: Option<&'a Secret>,
}

/// An account that signed in.
pub struct SignedIn {
    pub token: Secret,
    /// What the browser is marked with.
    pub mark: String,
    pub session: Session,
}

/// Why nobody is signed in.
#[derive(Debug, Error)]
pub enum SignInError {
    #[error("there is no account yet")]
    NoAccount,
    #[error("the account or the password is wrong")]
    WrongCredentials,
    #[error("too many wrong tries; wait {wait} seconds")]
    TooManyTries { wait: u64 },
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an account isn't made.
#[derive(Debug, Error)]
pub enum AccountError {
    #[error(
        "an account's name is 1 to {MAX_NAME} of a-z, 0-9, `.`, `_` and `-`, and none that the audit uses itself"
    )]
    Name,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error("the account can't be stored")]
    Store(#[from] StoreError),
}

/// Makes an account, or gives it a new password and ends its sessions.
pub async fn put_account(
    store: &Store,
    name: &str,
    password: &str,
    now: u64,
) -> Result<(), AccountError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    if name.is_empty()
        || name.len() > MAX_NAME
        || !name.chars().all(allowed)
        || RESERVED.contains(&name)
    {
        return Err(AccountError::Name);
    }
    let hash = password::hash(password)?;
    let event = Event {
        at: now,
        actor: "operator",
        action: "account.set",
        subject: name,
        detail: json!({}),
    };
    Ok(store.put_account(name, &hash, now, &event).await?)
}

impl App {
    /// Signs an account in; the session that the same browser had before, if any, ends.
    ///
    /// What can be refused at once is, and only a try that gets its turn is counted.
    pub async fn sign_in(&self, attempt: Attempt<'_>) -> Result<SignedIn, SignInError> {
        if !self.store.has_account().await? {
            return Err(SignInError::NoAccount);
        }
        let account = attempt.account;
        let device = self.known_device(&attempt).await?;
        let buckets = match &device {
            Some(device) => vec![Bucket::of_device(device)],
            None => Bucket::of_stranger(account, attempt.source),
        };
        self.check_wait(&buckets).await?;
        let turn = self.passwords.turn(device.is_some(), attempt.source);
        let turn = turn.await?;
        let now = self.now();
        let count = |bucket: &Bucket, tries| throttle::count(bucket.kind, tries, now);
        if let Some(until) = self.store.count_try(&buckets, now, count).await? {
            return Err(too_many(until, now));
        }
        let hash = self.store.password_hash(account).await?;
        let known = hash.is_some();
        if !turn.matches(attempt.password, hash).await? {
            self.note_refused(account, known).await?;
            return Err(SignInError::WrongCredentials);
        }
        self.start_session(account, attempt.before, &buckets).await
    }

    /// Finds the device that a browser is marked as; one that guesses too is a stranger's.
    async fn known_device(&self, attempt: &Attempt<'_>) -> Result<Option<Device>, StoreError> {
        let now = self.now();
        let recognize = |mark| self.devices.recognize(attempt.account, mark, now);
        let Some(device) = attempt.mark.and_then(recognize) else {
            return Ok(None);
        };
        let bucket = Bucket::of_device(&device);
        let blocked = self.store.blocked_until(&[bucket], now).await?;
        Ok(blocked.is_none().then_some(device))
    }

    async fn check_wait(&self, buckets: &[Bucket]) -> Result<(), SignInError> {
        let now = self.now();
        match self.store.blocked_until(buckets, now).await? {
            Some(until) => Err(too_many(until, now)),
            None => Ok(()),
        }
    }

    async fn start_session(
        &self,
        account: &str,
        before: Option<&Secret>,
        buckets: &[Bucket],
    ) -> Result<SignedIn, SignInError> {
        let token = Secret::random();
        let event = session_event(self.now(), account, "session.sign-in");
        let new = (&token.digest(), account);
        let before = before.map(Secret::digest);
        self.store
            .start_session(new, before, buckets, &event)
            .await?;
        let row = SessionRow {
            account: account.to_owned(),
            made: event.at,
            seen: event.at,
        };
        Ok(SignedIn {
            token,
            mark: self.devices.mark(account, event.at, random_bytes()),
            session: shown(&row),
        })
    }

    /// Writes a refused sign-in down; of names that nobody has, the first of an hour and sums (`alert.many-refused`) only.
    async fn note_refused(&self, account: &str, known: bool) -> Result<(), StoreError> {
        if !known && !self.unknown_names.is_worth_an_entry(self.now()) {
            return Ok(());
        }
        let event = Event {
            at: self.now(),
            actor: "nobody",
            action: "session.refused",
            subject: if known { account } else { "unknown" },
            detail: json!({}),
        };
        self.store.audit(&event).await
    }

    /// Reads the session of a token while it lasts.
    pub async fn session(&self, token: &Secret) -> Result<Option<Session>, StoreError> {
        let row = self.store.session(&token.digest()).await?;
        let session = row.as_ref().map(shown);
        Ok(session.filter(|session| self.now() < session.expires_at))
    }

    /// Reads the session of a token while it lasts, and notes that it is used.
    pub async fn use_session(&self, token: &Secret) -> Result<Option<Session>, StoreError> {
        let (digest, now) = (token.digest(), self.now());
        let Some(row) = self.store.session(&digest).await? else {
            return Ok(None);
        };
        if now >= shown(&row).expires_at {
            return Ok(None);
        }
        if now >= row.seen + NOTED_EVERY {
            self.store.touch_session(&digest, now).await?;
        }
        Ok(Some(shown(&row)))
    }

    /// Ends a session.
    pub async fn sign_out(&self, token: &Secret) -> Result<(), StoreError> {
        let digest = token.digest();
        if let Some(row) = self.store.session(&digest).await? {
            let event = session_event(self.now(), &row.account, "session.sign-out");
            self.store.end_session(&digest, &event).await?;
        }
        Ok(())
    }

    /// Forgets sessions that ended by themselves.
    pub async fn forget_ended_sessions(&self) -> Result<(), StoreError> {
        let now = self.now();
        let (made, seen) = (now.saturating_sub(LONGEST), now.saturating_sub(IDLE));
        self.store.forget_sessions(made, seen).await
    }
}

fn too_many(until: u64, now: u64) -> SignInError {
    SignInError::TooManyTries {
        wait: until.saturating_sub(now).max(1),
    }
}

fn session_event<'a>(at: u64, account: &'a str, action: &'a str) -> Event<'a> {
    Event {
        at,
        actor: account,
        action,
        subject: account,
        detail: json!({}),
    }
}

fn shown(row: &SessionRow) -> Session {
    Session {
        account: row.account.clone(),
        expires_at: (row.seen + IDLE).min(row.made + LONGEST),
    }
}
