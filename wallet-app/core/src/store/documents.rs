//! Documents and their one-time copies.

use jumin_registry::Localized;
use rusqlite::{OptionalExtension, Row, Transaction, params};
use zeroize::Zeroizing;

use super::activity::NewActivity;
use crate::vault::{Database, StoreError};

const COLUMNS: &str = "id, vct, issuer, issuer_url, issuer_name_ko, issuer_name_en, \
     type_metadata, dictionary, issued_at, not_before, expires, accepted_at, \
     (SELECT count(*) FROM copy WHERE document = id), \
     (SELECT count(*) FROM copy WHERE document = id AND used_at IS NULL)";

/// Is a document about to be stored.
pub(crate) struct NewDocument {
    pub vct: String,
    pub configuration: String,
    pub issuer: String,
    pub issuer_url: String,
    pub issuer_name: Localized,
    pub type_metadata: Vec<u8>,
    pub dictionary: Option<Vec<u8>>,
    pub issued_at: u64,
    pub not_before: u64,
    pub expires: u64,
    pub copies: Vec<NewCopy>,
}

/// Is one copy of a new document, with its holder key in PKCS#8 and the issuer key in SEC 1.
pub(crate) struct NewCopy {
    pub compact: String,
    pub issuer_key: [u8; 33],
    pub holder_key: Zeroizing<Vec<u8>>,
}

/// Is a stored document without its copies.
#[derive(Debug, Clone)]
pub(crate) struct StoredDocument {
    pub id: String,
    pub vct: String,
    pub issuer: String,
    pub issuer_url: String,
    pub issuer_name: Localized,
    pub type_metadata: Vec<u8>,
    pub dictionary: Option<Vec<u8>>,
    pub issued_at: u64,
    pub not_before: u64,
    pub expires: u64,
    pub accepted_at: u64,
    pub copies: u32,
    pub copies_left: u32,
}

/// Is one copy with its keys, as it is needed to present it.
pub(crate) struct CopyInUse {
    pub number: i64,
    pub compact: String,
    pub issuer_key: Vec<u8>,
    pub holder_key: Zeroizing<Vec<u8>>,
    pub used: bool,
}

impl Database {
    /// Stores a document with all its copies, or nothing; returns its identifier.
    pub(crate) fn add_document(
        &mut self,
        document: &NewDocument,
        activity: &NewActivity,
        now: u64,
    ) -> Result<String, StoreError> {
        let id = new_id();
        let transaction = self.0.transaction()?;
        insert_document(&transaction, &id, document, now)?;
        for copy in &document.copies {
            transaction.execute(
                "INSERT INTO copy (document, compact, issuer_key, holder_key) VALUES (?1, ?2, ?3, ?4)",
                params![
                    id,
                    copy.compact,
                    copy.issuer_key.as_slice(),
                    copy.holder_key.as_slice()
                ],
            )?;
        }
        activity.insert(&transaction, Some(&id), now)?;
        transaction.commit()?;
        Ok(id)
    }

    /// Returns all documents, the newest first.
    pub(crate) fn documents(&self) -> Result<Vec<StoredDocument>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM document ORDER BY accepted_at DESC, rowid DESC");
        let mut statement = self.0.prepare(&sql)?;
        let rows = statement.query_map([], stored_document)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    pub(crate) fn document(&self, id: &str) -> Result<Option<StoredDocument>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM document WHERE id = ?1");
        Ok(self.0.query_row(&sql, [id], stored_document).optional()?)
    }

    /// Returns the copy to show next: an unused one, else the one whose last use is longest ago; `skip` passes over some.
    pub(crate) fn next_copy(
        &self,
        document: &str,
        skip: u32,
    ) -> Result<Option<CopyInUse>, StoreError> {
        Ok(self
            .0
            .query_row(
                "SELECT number, compact, issuer_key, holder_key, used_at FROM copy
                 WHERE document = ?1 ORDER BY used_at NULLS FIRST, number LIMIT 1 OFFSET ?2",
                params![document, skip],
                copy_in_use,
            )
            .optional()?)
    }

    /// Returns all copies of a document.
    pub(crate) fn copies(&self, document: &str) -> Result<Vec<CopyInUse>, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT number, compact, issuer_key, holder_key, used_at FROM copy
             WHERE document = ?1 ORDER BY number",
        )?;
        let rows = statement.query_map([document], copy_in_use)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Marks copies as used and notes the activity in one transaction, before anything is shown; returns the note's number,
    /// or `None` if one of the copies was used by somebody else meanwhile.
    pub(crate) fn use_copies(
        &mut self,
        copies: &[(i64, bool)],
        activity: &NewActivity,
        document: Option<&str>,
        now: u64,
    ) -> Result<Option<i64>, StoreError> {
        let transaction = self.0.transaction()?;
        for (number, reuse) in copies {
            let changed = transaction.execute(
                "UPDATE copy SET used_at = ?2 WHERE number = ?1 AND (?3 OR used_at IS NULL)",
                params![number, now, reuse],
            )?;
            if changed != 1 {
                return Ok(None);
            }
        }
        let note = activity.insert(&transaction, document, now)?;
        transaction.commit()?;
        Ok(Some(note))
    }

    /// Replaces the dictionary of all documents of one issuer and type.
    pub(crate) fn set_dictionary(
        &self,
        issuer: &str,
        vct: &str,
        dictionary: &[u8],
    ) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE document SET dictionary = ?3 WHERE issuer = ?1 AND vct = ?2",
            params![issuer, vct, dictionary],
        )?;
        Ok(())
    }

    /// Deletes a document with its copies and keys; says whether there was one.
    pub(crate) fn delete_document(
        &mut self,
        id: &str,
        activity: &NewActivity,
        now: u64,
    ) -> Result<bool, StoreError> {
        let transaction = self.0.transaction()?;
        let deleted = transaction.execute("DELETE FROM document WHERE id = ?1", [id])? == 1;
        if deleted {
            activity.insert(&transaction, Some(id), now)?;
        }
        transaction.commit()?;
        Ok(deleted)
    }
}

/// Makes a name that a person can type: 40 random bits in base32 without look-alikes.
fn new_id() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let bytes: [u8; 8] = jumin_identity::random_bytes();
    bytes
        .iter()
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .map(|letter| char::from(*letter))
        .collect()
}

fn insert_document(
    transaction: &Transaction<'_>,
    id: &str,
    document: &NewDocument,
    now: u64,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO document (id, vct, configuration, issuer, issuer_url, issuer_name_ko, issuer_name_en,
             type_metadata, dictionary, issued_at, not_before, expires, accepted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            id,
            document.vct,
            document.configuration,
            document.issuer,
            document.issuer_url,
            document.issuer_name.ko,
            document.issuer_name.en,
            document.type_metadata,
            document.dictionary,
            document.issued_at,
            document.not_before,
            document.expires,
            now,
        ],
    )?;
    Ok(())
}

fn stored_document(row: &Row<'_>) -> Result<StoredDocument, rusqlite::Error> {
    Ok(StoredDocument {
        id: row.get(0)?,
        vct: row.get(1)?,
        issuer: row.get(2)?,
        issuer_url: row.get(3)?,
        issuer_name: Localized {
            ko: row.get(4)?,
            en: row.get(5)?,
        },
        type_metadata: row.get(6)?,
        dictionary: row.get(7)?,
        issued_at: row.get(8)?,
        not_before: row.get(9)?,
        expires: row.get(10)?,
        accepted_at: row.get(11)?,
        copies: row.get(12)?,
        copies_left: row.get(13)?,
    })
}

fn copy_in_use(row: &Row<'_>) -> Result<CopyInUse, rusqlite::Error> {
    Ok(CopyInUse {
        number: row.get(0)?,
        compact: row.get(1)?,
        issuer_key: row.get(2)?,
        holder_key: Zeroizing::new(row.get(3)?),
        used: row.get::<_, Option<u64>>(4)?.is_some(),
    })
}
