//! The keys that an agency's server signs with.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jumin_identity::FileKey;

use crate::KeysError;
use crate::files;

/// Which key of each series is in use, by series.
const IN_USE: &str = "in-use.json";

/// A folder of signing keys, each in a file named after its fragment in the DID document: `key-1`, and after a rotation
/// `key-2`, make one series. Keys stay in the folder when others take their place.
#[derive(Debug, Clone)]
pub struct SigningKeys(PathBuf);

impl SigningKeys {
    /// Names a folder; it is made with the first key.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Reads the key named `fragment`.
    ///
    /// # Errors
    /// [`KeysError::NoKey`] when it isn't there: a new one would not be in the DID document.
    pub fn read(&self, fragment: &str) -> Result<FileKey, KeysError> {
        let path = self.path(fragment);
        files::read_key(&path)?.ok_or(KeysError::NoKey(path))
    }

    /// Reads the key named `fragment`, making it if there is none.
    ///
    /// # Errors
    /// [`KeysError`] when its file can't be used; a damaged one is not replaced.
    pub fn read_or_make(&self, fragment: &str) -> Result<FileKey, KeysError> {
        let key = self.read_or_generate(fragment)?;
        self.keep(fragment, &key)?;
        Ok(key)
    }

    /// Reads the key named `fragment`, or makes one that is not written yet.
    pub(crate) fn read_or_generate(&self, fragment: &str) -> Result<FileKey, KeysError> {
        match files::read_key(&self.path(fragment))? {
            Some(key) => Ok(key),
            None => FileKey::generate().map_err(KeysError::Make),
        }
    }

    /// Writes the key named `fragment`, unless it is there.
    pub(crate) fn keep(&self, fragment: &str, key: &FileKey) -> Result<(), KeysError> {
        let path = self.path(fragment);
        match path.exists() {
            true => Ok(()),
            false => files::write(&path, key.to_pkcs8_pem().as_bytes()),
        }
    }

    /// Tells whether the folder has the key named `fragment`.
    pub(crate) fn has(&self, fragment: &str) -> bool {
        self.path(fragment).exists()
    }

    /// Returns the fragment of the key of `series` that the server signs with; the first if none ever took its place.
    ///
    /// # Errors
    /// [`KeysError`] when that can't be read.
    pub fn in_use(&self, series: &str) -> Result<String, KeysError> {
        let known = self.all_in_use()?.remove(series);
        Ok(known.unwrap_or_else(|| format!("{series}-1")))
    }

    /// Reads the key of `series` that the server signs with, and its fragment.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn current(&self, series: &str) -> Result<(String, FileKey), KeysError> {
        let fragment = self.in_use(series)?;
        let key = self.read(&fragment)?;
        Ok((fragment, key))
    }

    /// Has the server sign with these keys from its next start on.
    pub(crate) fn put_in_use(&self, fragments: &[String]) -> Result<(), KeysError> {
        let mut known = self.all_in_use()?;
        for fragment in fragments {
            known.insert(series(fragment).0.to_owned(), fragment.clone());
        }
        let text = serde_json::to_vec(&known).unwrap_or_default();
        files::write(&self.0.join(IN_USE), &text)
    }

    fn all_in_use(&self) -> Result<BTreeMap<String, String>, KeysError> {
        let path = self.0.join(IN_USE);
        match files::read(&path)? {
            None => Ok(BTreeMap::new()),
            Some(text) => serde_json::from_str(&text).map_err(|_| KeysError::Content(path)),
        }
    }

    fn path(&self, fragment: &str) -> PathBuf {
        self.0.join(format!("{fragment}.pem"))
    }
}

/// Splits a fragment into its series and its number: `key-2` is the second of `key`; a name without a number is the first.
pub(crate) fn series(fragment: &str) -> (&str, u64) {
    let split = fragment.rsplit_once('-');
    let numbered = split.and_then(|(series, number)| Some((series, number.parse().ok()?)));
    numbered.unwrap_or((fragment, 1))
}

#[cfg(test)]
mod tests {
    use jumin_identity::Signer as _;

    use super::*;

    #[test]
    fn first_key_is_in_use_until_another_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SigningKeys::at(folder.path().join("keys"));
        assert_eq!(keys.current("key").unwrap_err().code(), "key_missing");
        let first = keys.read_or_make("key-1").unwrap();
        let second = keys.read_or_make("key-2").unwrap();
        let current = || keys.current("key").unwrap();
        assert_eq!(current().1.public_key(), first.public_key());
        keys.put_in_use(&["key-2".to_owned()]).unwrap();
        assert_eq!(current().0, "key-2");
        assert_eq!(current().1.public_key(), second.public_key());
        assert_eq!(keys.in_use("ledger").unwrap(), "ledger-1");
    }

    #[test]
    fn damaged_key_is_named_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SigningKeys::at(folder.path());
        std::fs::write(keys.path("key-1"), b"nonsense").unwrap();
        for refused in [keys.read("key-1"), keys.read_or_make("key-1")] {
            assert_eq!(refused.unwrap_err().code(), "key_file_damaged");
        }
        assert_eq!(std::fs::read(keys.path("key-1")).unwrap(), b"nonsense");
    }

    #[test]
    fn series_are_told_from_numbers() {
        assert_eq!(series("key-12"), ("key", 12));
        assert_eq!(series("control-key-1"), ("control-key", 1));
        assert_eq!(series("main"), ("main", 1));
        assert_eq!(series("main-x"), ("main-x", 1));
    }
}
