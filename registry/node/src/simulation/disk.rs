//! A disk in memory for the state database, which loses what was not synced when its node crashes.

use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use redb::{Database, StorageBackend};

/// What a write since the last sync replaced.
#[derive(Debug)]
enum Undo {
    Bytes(usize, Vec<u8>),
    Length(usize, Vec<u8>),
}

#[derive(Debug, Default)]
struct Platter {
    bytes: Vec<u8>,
    undo: Vec<Undo>,
    /// How often the node crashed: a database opened before can't write any more.
    crashes: u64,
    writes: u64,
    /// After how many writes the next ones fail.
    fails_after: Option<u64>,
}

/// A disk that survives its node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Disk(Arc<Mutex<Platter>>);

impl Disk {
    fn platter(&self) -> MutexGuard<'_, Platter> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loses what was not synced, and cuts off who has it open.
    pub(crate) fn crash(&self) {
        let mut platter = self.platter();
        platter.crashes += 1;
        platter.fails_after = None;
        while let Some(undo) = platter.undo.pop() {
            match undo {
                Undo::Bytes(at, old) => platter.bytes[at..at + old.len()].copy_from_slice(&old),
                Undo::Length(length, tail) => {
                    platter.bytes.resize(length - tail.len(), 0);
                    platter.bytes.extend_from_slice(&tail);
                }
            }
        }
    }

    /// Opens the database on the disk, which redb repairs after a crash.
    pub(crate) fn open(&self) -> Database {
        let session = Session {
            crashes: self.platter().crashes,
            disk: self.clone(),
        };
        Database::builder()
            .create_with_backend(session)
            .expect("a disk in memory can be opened")
    }
}

impl Disk {
    /// How many bytes the file has.
    pub(crate) fn size(&self) -> u64 {
        self.platter().bytes.len() as u64
    }

    /// How often it was written to.
    pub(crate) fn writes(&self) -> u64 {
        self.platter().writes
    }

    /// Lets writing fail from so many writes on, until the next crash.
    pub(crate) fn fail_after(&self, writes: u64) {
        let mut platter = self.platter();
        platter.fails_after = Some(platter.writes + writes);
    }
}

#[derive(Debug)]
struct Session {
    disk: Disk,
    crashes: u64,
}

impl Session {
    fn platter(&self) -> Result<MutexGuard<'_, Platter>> {
        let platter = self.disk.platter();
        if platter.crashes == self.crashes {
            Ok(platter)
        } else {
            Err(Error::new(ErrorKind::NotConnected, "the node crashed"))
        }
    }
}

impl StorageBackend for Session {
    fn len(&self) -> Result<u64> {
        Ok(self.platter()?.bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let at = offset as usize;
        let platter = self.platter()?;
        let found = platter.bytes.get(at..at + out.len());
        out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut platter = self.platter()?;
        let (old, new) = (platter.bytes.len(), len as usize);
        let tail = platter.bytes.get(new..).unwrap_or_default().to_vec();
        platter.undo.push(Undo::Length(old, tail));
        platter.bytes.resize(new, 0);
        Ok(())
    }

    fn sync_data(&self) -> Result<()> {
        self.platter()?.undo.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<()> {
        let at = offset as usize;
        let mut platter = self.platter()?;
        if platter
            .fails_after
            .is_some_and(|after| platter.writes >= after)
        {
            return Err(Error::other("the disk fails"));
        }
        platter.writes += 1;
        let end = at + data.len();
        if end > platter.bytes.len() {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let old = platter.bytes[at..end].to_vec();
        platter.undo.push(Undo::Bytes(at, old));
        platter.bytes[at..end].copy_from_slice(data);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use redb::{ReadableDatabase as _, TableDefinition};

    use super::*;

    const TABLE: TableDefinition<u64, u64> = TableDefinition::new("table");

    #[test]
    fn crashed_disk_has_what_was_committed_and_nothing_else() {
        let disk = Disk::default();
        let database = disk.open();
        let write = database.begin_write().unwrap();
        write.open_table(TABLE).unwrap().insert(1, 1).unwrap();
        write.commit().unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(TABLE).unwrap().insert(2, 2).unwrap();
        disk.crash();
        assert!(write.commit().is_err());
        drop(database);

        let database = disk.open();
        let read = database.begin_read().unwrap();
        let table = read.open_table(TABLE).unwrap();
        assert_eq!(table.get(1).unwrap().map(|found| found.value()), Some(1));
        assert!(table.get(2).unwrap().is_none());
    }
}
