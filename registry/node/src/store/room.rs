//! Gives the room back that a database's file has and nothing uses.
//!
//! Pages that are not used any more are used again, so the file grows to the most that was ever needed at once. redb gives
//! room back only while nobody reads, by moving pages in transactions of its own: a crash in between loses nothing.

use std::sync::PoisonError;

use redb::backends::InMemoryBackend;
use redb::{CompactionError, Database, ReadTransaction, ReadableDatabase as _, WriteTransaction};

use super::{Snapshot, Store, StoreError};

/// A smaller file is left as it is.
const SMALL: u64 = 64 * 1024 * 1024;
/// A larger one takes so long that it waits until the node is stopped.
const LARGE: u64 = 1024 * 1024 * 1024;

impl Store {
    pub(super) fn begin_read(&self) -> Result<ReadTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database.begin_read()?)
    }

    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        Ok(database.begin_write()?)
    }

    /// Tells whether more than half of the file is unused, and it is worth a short pause.
    pub(crate) fn is_roomy(&self) -> Result<bool, StoreError> {
        let path = self.path.as_deref();
        let size = path.and_then(|path| std::fs::metadata(path).ok());
        if size.is_some_and(|size| !(SMALL..=LARGE).contains(&size.len())) {
            return Ok(false);
        }
        let write = self.begin_write()?;
        let stats = write.stats()?;
        write.abort()?;
        let used = stats.stored_bytes() + stats.metadata_bytes();
        Ok(stats.fragmented_bytes() > used)
    }

    /// What all tables hold, in bytes.
    #[cfg(test)]
    pub(crate) fn stored_bytes(&self) -> Result<u64, StoreError> {
        let write = self.begin_write()?;
        let stats = write.stats()?;
        write.abort()?;
        Ok(stats.stored_bytes())
    }

    /// Gives unused room back; `false` when somebody reads, and nothing was done.
    pub(crate) fn compact(&self) -> Result<bool, StoreError> {
        let mut database = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match database.compact() {
            Ok(_) => Ok(true),
            Err(CompactionError::TransactionInProgress) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Snapshot {
    /// A store without anything, for who must not hold on to one that is compacted.
    pub(crate) fn of_nothing() -> Result<Self, StoreError> {
        let database = Database::builder().create_with_backend(InMemoryBackend::new())?;
        Store::new(database, &[0; 32])?.snapshot()
    }
}

#[cfg(test)]
mod tests {
    use redb::{ReadableTableMetadata as _, TableDefinition};

    use super::*;
    use crate::simulation::Disk;

    const ROOM: TableDefinition<u64, &[u8]> = TableDefinition::new("room");

    /// A store whose file was large once: what is left lies behind what was removed.
    fn roomy(disk: &Disk) -> Store {
        let store = Store::new(disk.open(), &[7; 32]).unwrap();
        let write = store.begin_write().unwrap();
        for key in 0..4_000 {
            let mut table = write.open_table(ROOM).unwrap();
            table.insert(key, [1; 1_000].as_slice()).unwrap();
        }
        write.commit().unwrap();
        let write = store.begin_write().unwrap();
        {
            let mut table = write.open_table(ROOM).unwrap();
            table.retain(|key, _| key >= 3_900).unwrap();
        }
        write.commit().unwrap();
        store
    }

    fn left(store: &Store) -> u64 {
        let read = store.begin_read().unwrap();
        read.open_table(ROOM).unwrap().len().unwrap()
    }

    #[test]
    fn room_is_given_back_and_what_is_used_stays() {
        let disk = Disk::default();
        let store = roomy(&disk);
        let before = disk.size();
        assert!(store.is_roomy().unwrap());
        assert!(store.compact().unwrap());
        assert!(disk.size() < before / 4, "{} of {before}", disk.size());
        assert!(!store.is_roomy().unwrap());
        assert_eq!(left(&store), 100);
    }

    #[test]
    fn room_is_not_given_back_while_somebody_reads() {
        let disk = Disk::default();
        let store = roomy(&disk);
        let read = store.snapshot().unwrap();
        assert!(!store.compact().unwrap());
        drop(read);
        assert!(store.compact().unwrap());
    }

    #[test]
    fn crash_while_room_is_given_back_loses_nothing() {
        let whole = {
            let disk = Disk::default();
            let store = roomy(&disk);
            let before = disk.writes();
            assert!(store.compact().unwrap());
            disk.writes() - before
        };
        // At every seventh write, and at the first and the last ones.
        for after in
            (0..whole).filter(|after| after.is_multiple_of(7) || *after < 4 || whole - after < 4)
        {
            let disk = Disk::default();
            let store = roomy(&disk);
            disk.fail_after(after);
            assert!(store.compact().is_err(), "{after} of {whole}");
            disk.crash();
            drop(store);
            let store = Store::new(disk.open(), &[7; 32]).unwrap();
            assert_eq!(left(&store), 100, "{after} of {whole}");
            assert!(store.compact().unwrap());
            assert_eq!(left(&store), 100);
        }
    }
}
