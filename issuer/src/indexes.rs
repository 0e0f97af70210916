//! Draws status indexes: random, so that they tell nothing about when or to whom, and never twice.

use std::sync::{Mutex, PoisonError};

use thiserror::Error;

/// Entries of one status list.
pub const LIST_ENTRIES: u32 = 1 << 20;
/// A new list is opened when this share of one is taken, so that drawing stays quick and indexes unpredictable.
const FULL_PERCENT: u64 = 60;

/// Says that no status list is open for new credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no status list is open")]
pub struct NoOpenList;

/// Indexes that a batch may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    pub list: u32,
    pub uri: String,
    pub indexes: Vec<u32>,
}

/// The list that new credentials get their indexes from.
#[derive(Debug, Default)]
pub struct StatusIndexes(Mutex<Option<OpenList>>);

#[derive(Debug)]
struct OpenList {
    number: u32,
    uri: String,
    taken: Vec<u64>,
    count: u64,
}

impl StatusIndexes {
    /// Opens a list, some of whose indexes are taken already.
    pub fn open(&self, number: u32, uri: &str, taken: &[u32]) {
        let mut list = OpenList {
            number,
            uri: uri.to_owned(),
            taken: vec![0; (LIST_ENTRIES / 64) as usize],
            count: 0,
        };
        for index in taken {
            list.take(*index);
        }
        *self.lock() = Some(list);
    }

    pub fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    /// Names the open list.
    pub fn number(&self) -> Option<u32> {
        self.lock().as_ref().map(|list| list.number)
    }

    /// Says whether it is time for a new list.
    pub fn is_nearly_full(&self) -> bool {
        self.lock()
            .as_ref()
            .is_some_and(|list| list.count * 100 >= u64::from(LIST_ENTRIES) * FULL_PERCENT)
    }

    /// Draws `count` indexes that nobody has, with random numbers from `random`.
    pub fn reserve(
        &self,
        count: usize,
        random: &mut dyn FnMut() -> [u8; 4],
    ) -> Result<Reservation, NoOpenList> {
        let mut guard = self.lock();
        let list = guard.as_mut().ok_or(NoOpenList)?;
        if list.count + count as u64 > u64::from(LIST_ENTRIES) * 9 / 10 {
            return Err(NoOpenList);
        }
        let mut indexes = Vec::with_capacity(count);
        while indexes.len() < count {
            // The number of entries is a power of two, so no index is likelier than another.
            let index = u32::from_be_bytes(random()) % LIST_ENTRIES;
            if list.take(index) {
                indexes.push(index);
            }
        }
        Ok(Reservation {
            list: list.number,
            uri: list.uri.clone(),
            indexes,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<OpenList>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenList {
    /// Takes an index if it is there and free.
    fn take(&mut self, index: u32) -> bool {
        let Some(word) = self.taken.get_mut((index / 64) as usize) else {
            return false;
        };
        let bit = 1 << (index % 64);
        let free = *word & bit == 0;
        *word |= bit;
        self.count += u64::from(free);
        free
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_index_is_drawn_twice_or_when_taken() {
        let indexes = StatusIndexes::default();
        indexes.open(1, "u", &[0, 1, 2, 3]);
        let mut counter = 0u32;
        let mut draw = || {
            counter += 1;
            (counter / 3).to_be_bytes()
        };
        let mut seen = HashSet::from([0, 1, 2, 3]);
        for _ in 0..100 {
            for index in indexes.reserve(10, &mut draw).unwrap().indexes {
                assert!(seen.insert(index));
            }
        }
    }

    #[test]
    fn nothing_is_drawn_before_a_list_is_open() {
        let indexes = StatusIndexes::default();
        assert!(!indexes.is_open());
        assert_eq!(indexes.reserve(1, &mut || [0; 4]), Err(NoOpenList));
    }

    #[test]
    fn list_is_nearly_full_at_three_fifths() {
        let indexes = StatusIndexes::default();
        let taken: Vec<u32> = (0..629_145).collect();
        indexes.open(1, "u", &taken);
        assert!(!indexes.is_nearly_full());
        indexes.open(1, "u", &(0..629_146).collect::<Vec<_>>());
        assert!(indexes.is_nearly_full());
    }
}
