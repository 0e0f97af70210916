use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jumin_verifier::Verdict;

use crate::outcome::Outcome;

/// How long a citizen's claims stay in memory for the desk's screen.
const KEEP: Duration = Duration::from_secs(600);
/// Most outcomes kept.
const MAX_OUTCOMES: usize = 1_000;

/// Keeps the latest outcomes, claims included, in memory only: they are gone after ten minutes
/// and with the process.
#[derive(Default)]
pub struct Results {
    kept: Mutex<HashMap<String, (Instant, Kept)>>,
}

#[derive(Clone)]
enum Kept {
    Outcome(Box<Outcome>),
    Declined,
}

impl Results {
    /// Returns the outcome of a request.
    pub fn get(&self, id: &str) -> Option<Outcome> {
        match self.kept(id) {
            Some(Kept::Outcome(outcome)) => Some(*outcome),
            _ => None,
        }
    }

    /// Tells whether a wallet declined a request.
    pub fn was_declined(&self, id: &str) -> bool {
        matches!(self.kept(id), Some(Kept::Declined))
    }

    /// Takes note that a wallet declined a request that has no outcome yet.
    pub fn decline(&self, id: &str) {
        if self.kept(id).is_none() {
            self.keep(id, Kept::Declined);
        }
    }

    /// Keeps the outcome of a request.
    pub fn put(&self, id: Option<&str>, outcome: &Outcome) {
        if let Some(id) = id {
            self.keep(id, Kept::Outcome(Box::new(outcome.clone())));
        }
    }

    /// Forgets what is kept of a request.
    pub fn forget(&self, id: &str) {
        self.lock().remove(id);
    }

    fn kept(&self, id: &str) -> Option<Kept> {
        let mut kept = self.lock();
        kept.retain(|_, (since, _)| since.elapsed() < KEEP);
        kept.get(id).map(|(_, kept)| kept.clone())
    }

    fn keep(&self, id: &str, new: Kept) {
        let mut kept = self.lock();
        kept.retain(|_, (since, _)| since.elapsed() < KEEP);
        if kept.len() >= MAX_OUTCOMES {
            let oldest = kept.iter().min_by_key(|(_, (since, _))| *since);
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                kept.remove(&id);
            }
        }
        kept.insert(id.to_owned(), (Instant::now(), new));
    }

    /// Keeps the outcome of a request unless it was answered well already: a second scan of the
    /// same code does not take the answer off the screen.
    pub fn put_unless_valid(&self, id: Option<&str>, outcome: &Outcome) {
        let answered = id
            .and_then(|id| self.get(id))
            .is_some_and(|known| known.verdict == Verdict::Valid);
        if !answered {
            self.put(id, outcome);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, Kept)>> {
        match self.kept.lock() {
            Ok(kept) => kept,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}
