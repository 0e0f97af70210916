//! The status list that new credentials belong to. Their indexes are drawn in the transaction that records them.

use std::sync::{Mutex, PoisonError};

use jumin_identity::random_bytes;

/// Entries of one status list.
pub const LIST_ENTRIES: u32 = 1 << 20;
/// A new list is opened when this share of one is taken, so that drawing stays quick and indexes unpredictable.
const NEARLY_FULL_PERCENT: u64 = 60;
/// No more than this share of a list is ever given out.
const FULL_PERCENT: u64 = 90;

/// Where new credentials get their indexes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenList {
    pub number: u32,
    pub uri: String,
}

/// The list that is open for new credentials, once there is one.
#[derive(Debug, Default)]
pub struct StatusIndexes(Mutex<Option<OpenList>>);

impl StatusIndexes {
    /// Opens a list in place of the one before.
    pub fn open(&self, number: u32, uri: &str) {
        let uri = uri.to_owned();
        *self.lock() = Some(OpenList { number, uri });
    }

    /// Hands out no more indexes until a list is opened.
    pub fn close(&self) {
        *self.lock() = None;
    }

    pub fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// The open list.
    pub fn current(&self) -> Option<OpenList> {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<OpenList>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says whether it is time for a new list, when `used` indexes of one are taken.
pub fn is_nearly_full(used: u64) -> bool {
    used * 100 >= u64::from(LIST_ENTRIES) * NEARLY_FULL_PERCENT
}

/// How many indexes of one list are given out at most.
pub fn most_used() -> u64 {
    u64::from(LIST_ENTRIES) * FULL_PERCENT / 100
}

/// Draws an index: random, so that it tells nothing about when or to whom.
pub fn random_index() -> u32 {
    // The number of entries is a power of two, so no index is likelier than another.
    u32::from_be_bytes(random_bytes()) % LIST_ENTRIES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_open_before_a_list_is() {
        let indexes = StatusIndexes::default();
        assert!(!indexes.is_open());
        indexes.open(2, "u");
        assert_eq!(indexes.current().map(|list| list.number), Some(2));
        indexes.close();
        assert!(!indexes.is_open());
    }

    #[test]
    fn list_is_nearly_full_at_three_fifths() {
        assert!(!is_nearly_full(629_145));
        assert!(is_nearly_full(629_146));
    }
}
