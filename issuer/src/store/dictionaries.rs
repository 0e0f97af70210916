use sqlx::Row;

use super::{Store, StoreError, signed, unsigned};

/// A dictionary of the QR codec for one credential type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DictionaryRow {
    pub vct: String,
    /// The public URL in the samples it was trained on.
    pub public_url: String,
    pub bytes: Vec<u8>,
    /// The version under which it is, or is to be, anchored.
    pub version: u64,
    pub anchored: bool,
}

impl Store {
    pub async fn dictionary(&self, vct: &str) -> Result<Option<DictionaryRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM dictionaries WHERE vct = ?")
            .bind(vct)
            .fetch_optional(&self.reader)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(DictionaryRow {
            vct: row.try_get("vct")?,
            public_url: row.try_get("public_url")?,
            bytes: row.try_get("bytes")?,
            version: unsigned(row.try_get("version")?)?,
            anchored: row.try_get::<Option<i64>, _>("anchored")?.is_some(),
        }))
    }

    /// Stores a dictionary that isn't anchored yet, in place of an earlier one.
    pub async fn put_dictionary(&self, row: &DictionaryRow) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO dictionaries (vct, public_url, bytes, version) VALUES (?, ?, ?, ?)
             ON CONFLICT (vct) DO UPDATE SET public_url = excluded.public_url,
                 bytes = excluded.bytes, version = excluded.version, anchored = NULL",
        )
        .bind(&row.vct)
        .bind(&row.public_url)
        .bind(&row.bytes)
        .bind(signed(row.version))
        .execute(&self.writer)
        .await?;
        Ok(())
    }

    /// Notes that the dictionary's digest is finalized on the ledger.
    pub async fn dictionary_anchored(&self, vct: &str, now: u64) -> Result<(), StoreError> {
        sqlx::query("UPDATE dictionaries SET anchored = ? WHERE vct = ?")
            .bind(signed(now))
            .bind(vct)
            .execute(&self.writer)
            .await?;
        Ok(())
    }
}
