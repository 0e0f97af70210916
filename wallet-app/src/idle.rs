//! Locks the wallet when nobody has touched it for a while, or when the machine has slept.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tauri::AppHandle;

use crate::session::Session;

const TICK: Duration = Duration::from_secs(1);
/// A tick that comes so late means that the machine was asleep.
const GAP: Duration = Duration::from_secs(30);

/// Knows when the wallet was last touched and when the timer last looked.
#[derive(Debug)]
pub(crate) struct IdleClock {
    touched: Instant,
    looked: (Instant, SystemTime),
}

impl IdleClock {
    pub(crate) fn new(now: Instant, wall: SystemTime) -> Self {
        Self {
            touched: now,
            looked: (now, wall),
        }
    }

    /// Notes that somebody is there.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.touched = now;
    }

    /// Says whether it is time to lock. A sleep shows in the wall clock, where the other one may stand still.
    pub(crate) fn due(&mut self, now: Instant, wall: SystemTime, limit: Duration) -> bool {
        let (last, last_wall) = std::mem::replace(&mut self.looked, (now, wall));
        let slept = now.duration_since(last) > GAP
            || wall.duration_since(last_wall).is_ok_and(|gap| gap > GAP);
        slept || now.duration_since(self.touched) >= limit
    }
}

/// Looks every second; the page is told by the session's lock.
pub(crate) fn watch(app: AppHandle, session: Arc<Session>) {
    tauri::async_runtime::spawn(async move {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            if session.idle_too_long(Instant::now(), SystemTime::now()) {
                crate::commands::lock_and_tell(&app, &session);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(300);

    /// Lets both clocks run second by second; returns after how many seconds the lock was due.
    fn seconds_until_due(clock: &mut IdleClock, start: Instant, from: u64, to: u64) -> Option<u64> {
        let wall = |second| SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        (from..to)
            .find(|second| clock.due(start + Duration::from_secs(*second), wall(*second), LIMIT))
    }

    #[test]
    fn lock_is_due_after_the_limit_and_touching_puts_it_off() {
        let start = Instant::now();
        let mut clock = IdleClock::new(start, SystemTime::UNIX_EPOCH);
        assert_eq!(seconds_until_due(&mut clock, start, 1, 200), None);
        clock.touch(start + Duration::from_secs(199));
        assert_eq!(seconds_until_due(&mut clock, start, 200, 600), Some(499));
    }

    #[test]
    fn sleep_locks_by_either_clock() {
        let start = Instant::now();
        let later = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut clock = IdleClock::new(start, later(0));
        assert!(clock.due(start + Duration::from_secs(1), later(40), LIMIT));
        let mut clock = IdleClock::new(start, later(0));
        assert!(clock.due(start + Duration::from_secs(40), later(40), LIMIT));
        let mut clock = IdleClock::new(start, later(100));
        assert!(!clock.due(start + Duration::from_secs(1), later(50), LIMIT));
    }
}
