//! Access records: who looked at whom, and when (개인정보의 안전성 확보조치 기준 제8조).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::Actor;
use crate::app::App;
use crate::audit::Event;
use crate::store::StoreError;

/// The same look within this time is recorded once, in seconds: a page that refreshes itself doesn't look anew.
const SAME_LOOK: u64 = 60;
const MAX_REMEMBERED: usize = 1000;

/// Looks of the last minute.
#[derive(Default)]
pub struct RecentViews(Mutex<HashMap<(String, &'static str, String), u64>>);

impl RecentViews {
    /// Says whether this look is to be recorded.
    fn is_new(&self, actor: &str, action: &'static str, subject: &str, now: u64) -> bool {
        let key = (actor.to_owned(), action, subject.to_owned());
        let views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !views
            .get(&key)
            .is_some_and(|at| (*at..*at + SAME_LOOK).contains(&now))
    }

    fn remember(&self, actor: &str, action: &'static str, subject: &str, now: u64) {
        let key = (actor.to_owned(), action, subject.to_owned());
        let mut views = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if views.len() >= MAX_REMEMBERED {
            views.retain(|_, at| (*at..*at + SAME_LOOK).contains(&now));
        }
        // Full of fresh looks: forgetting some only means that a repetition is recorded too.
        if views.len() >= MAX_REMEMBERED {
            views.clear();
        }
        views.insert(key, now);
    }
}

impl App {
    /// Records that somebody looked at personal data; nobody sees it if that fails.
    pub async fn record_view(
        &self,
        actor: &Actor,
        action: &'static str,
        subject: &str,
        detail: Value,
    ) -> Result<(), StoreError> {
        let (actor, at) = (actor.name(), self.now());
        if !self.views.is_new(actor, action, subject, at) {
            return Ok(());
        }
        let event = Event {
            at,
            actor,
            action,
            subject,
            detail,
        };
        self.store.audit(&event).await?;
        self.views.remember(actor, action, subject, at);
        Ok(())
    }

    /// Records that somebody searched the register; not for what, which may be a name.
    pub async fn record_search(&self, actor: &Actor, detail: Value) -> Result<(), StoreError> {
        let event = Event {
            at: self.now(),
            actor: actor.name(),
            action: "resident.search",
            subject: "register",
            detail,
        };
        self.store.audit(&event).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_within_a_minute_is_the_same_look() {
        let views = RecentViews::default();
        let look = |subject: &str, now| {
            let new = views.is_new("admin", "resident.view", subject, now);
            if new {
                views.remember("admin", "resident.view", subject, now);
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
    fn memory_of_looks_is_bounded() {
        let views = RecentViews::default();
        for n in 0..5000 {
            views.remember("admin", "resident.view", &n.to_string(), 1000);
        }
        assert!(views.0.lock().unwrap().len() <= MAX_REMEMBERED);
    }
}
