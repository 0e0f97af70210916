//! Access records: who looked at whom, and when (개인정보의 안전성 확보조치 기준 제8조).

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use jumin_identity::sha256;
use serde_json::{Map, Value, json};
use thiserror::Error;

use super::Actor;
use crate::app::App;
use crate::audit::Event;
use crate::store::{LookOutcome, StoreError};

/// The same look within this time is recorded once, in seconds: a page that refreshes itself doesn't look anew.
const SAME_LOOK: u64 = 60;
const MAX_REMEMBERED: usize = 1000;

/// A look at personal data, with all that makes it this look and no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    action: &'static str,
    subject: String,
    residents: BTreeSet<String>,
    detail: Map<String, Value>,
}

impl Look {
    /// A look at one thing of the residents whose data it shows.
    pub fn at<'a>(
        action: &'static str,
        subject: &str,
        residents: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        Self {
            action,
            subject: subject.to_owned(),
            residents: residents.into_iter().map(str::to_owned).collect(),
            detail: Map::new(),
        }
    }

    /// A look at a list that shows these residents, or was asked for them; if that is one resident, it is a look at that one.
    pub fn list<'a>(
        action: &'static str,
        name: &'static str,
        residents: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut look = Self::at(action, name, residents);
        if let Some(only) = look.residents.first()
            && look.residents.len() == 1
        {
            look.subject.clone_from(only);
        }
        look
    }

    /// Adds what else makes the look: a filter, a page. Never what somebody typed, which may be a name.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.detail.insert(key.to_owned(), value);
        }
        self
    }

    fn event<'a>(&'a self, actor: &'a Actor, at: u64) -> Event<'a> {
        let mut detail = self.detail.clone();
        if !self.residents.is_empty() {
            detail.insert("residents".to_owned(), json!(self.residents));
        }
        Event {
            at,
            actor: actor.name(),
            action: self.action,
            subject: &self.subject,
            detail: Value::Object(detail),
        }
    }
}

/// Why nothing is shown.
#[derive(Debug, Error)]
pub enum LookError {
    #[error("too many residents were looked at within an hour")]
    TooMany { wait: u64 },
    #[error("the look could not be recorded")]
    Store(#[from] StoreError),
}

/// Looks of the last minute.
#[derive(Default)]
pub struct RecentViews(Mutex<HashMap<[u8; 32], u64>>);

/// Digests all that an entry would say but its time.
fn key(event: &Event<'_>) -> [u8; 32] {
    let parts = json!([event.actor, event.action, event.subject, event.detail]);
    sha256(parts.to_string().as_bytes())
}

impl RecentViews {
    /// Says whether this look is to be recorded.
    fn is_new(&self, look: &[u8; 32], now: u64) -> bool {
        let views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !views
            .get(look)
            .is_some_and(|at| (*at..*at + SAME_LOOK).contains(&now))
    }

    fn remember(&self, look: [u8; 32], now: u64) {
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= MAX_REMEMBERED {
            views.retain(|_, at| (*at..*at + SAME_LOOK).contains(&now));
        }
        // Full of fresh looks: forgetting some only means that a repetition is recorded too.
        if views.len() >= MAX_REMEMBERED {
            views.clear();
        }
        views.insert(look, now);
    }
}

impl App {
    /// Records that somebody looks at personal data; nobody sees it if that fails, or if they look at too many people.
    pub async fn record_look(&self, actor: &Actor, look: &Look) -> Result<(), LookError> {
        let now = self.now();
        let event = look.event(actor, now);
        let key = key(&event);
        if !self.views.is_new(&key, now) {
            return Ok(());
        }
        match self.store.record_look(&event, &look.residents).await? {
            LookOutcome::Recorded => self.views.remember(key, now),
            LookOutcome::TooMany { until } => {
                let wait = until.saturating_sub(now).max(1);
                return Err(LookError::TooMany { wait });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(subject: &str) -> Look {
        Look::at("resident.view", subject, [subject])
    }

    fn key_of(actor: &str, look: &Look) -> [u8; 32] {
        key(&look.event(&Actor::Account(actor.to_owned()), 0))
    }

    #[test]
    fn look_within_a_minute_is_the_same_look() {
        let views = RecentViews::default();
        let look = |subject: &str, now| {
            let key = key_of("admin", &look(subject));
            let new = views.is_new(&key, now);
            if new {
                views.remember(key, now);
            }
            new
        };
        assert!(look("r1", 1000));
        assert!(!look("r1", 1059));
        assert!(look("r2", 1059));
        assert!(look("r1", 1060));
        assert!(look("r1", 900), "a clock set back hides nothing");
    }

    #[test]
    fn whatever_differs_makes_another_look() {
        let list = |residents: &[&'static str]| {
            Look::list("credential.list", "credentials", residents.iter().copied())
        };
        let same = list(&["r1", "r2"]);
        let looks = [
            same.clone(),
            list(&["r1", "r3"]),
            list(&["r1"]),
            same.clone().with("status", "revoked"),
            same.clone().with("first", "c2"),
            Look::list("resident.search", "register", ["r1", "r2"]),
        ];
        let mut keys: BTreeSet<_> = looks.iter().map(|look| key_of("admin", look)).collect();
        keys.insert(key_of("clerk", &same));
        assert_eq!(keys.len(), looks.len() + 1);
    }

    #[test]
    fn list_with_one_resident_is_a_look_at_that_one() {
        let subject = |residents: &[&'static str]| {
            Look::list("credential.list", "credentials", residents.iter().copied()).subject
        };
        assert_eq!(subject(&["r1", "r1"]), "r1");
        assert_eq!(subject(&["r1", "r2"]), "credentials");
        assert_eq!(subject(&[]), "credentials");
    }

    #[test]
    fn memory_of_looks_is_bounded() {
        let views = RecentViews::default();
        for n in 0..5000 {
            views.remember(key_of("admin", &look(&n.to_string())), 1000);
        }
        assert!(views.0.lock().unwrap().len() <= MAX_REMEMBERED);
    }
}
