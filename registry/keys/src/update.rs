//! Update keys, each good for one change of a DID, in a folder that no server opens.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use jumin_identity::{FileKey, Signer as _, b64url};

use crate::KeysError;
use crate::files;

const PREFIX: &str = "update-";

/// A folder of update keys, best on a medium that is put away. Each file is named after its key's thumbprint, which the
/// ledger has; so nothing is ever overwritten, and several agencies' keys can lie beside each other.
#[derive(Debug, Clone)]
pub struct UpdateKeys(PathBuf);

impl UpdateKeys {
    /// Names a folder; it is made with the first key.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Names the folder beside a home: where update keys are until somebody puts them away.
    pub fn beside(home: &Path) -> Self {
        let mut name = OsString::from(home.file_name().unwrap_or_default());
        name.push("-update-keys");
        Self(home.with_file_name(name))
    }

    /// Returns the path of the key with this thumbprint.
    pub fn path(&self, thumbprint: &[u8; 32]) -> PathBuf {
        self.0.join(format!("{PREFIX}{}.pem", b64url(thumbprint)))
    }

    /// Makes a key and returns its thumbprint once the file is on the disk.
    ///
    /// # Errors
    /// [`KeysError`] when the file can't be written.
    pub fn make(&self) -> Result<[u8; 32], KeysError> {
        let key = FileKey::generate().map_err(KeysError::Make)?;
        let thumbprint = key.public_key().thumbprint();
        files::write(&self.path(&thumbprint), key.to_pkcs8_pem().as_bytes())?;
        Ok(thumbprint)
    }

    /// Tells whether the folder has the key with this thumbprint.
    pub fn has(&self, thumbprint: &[u8; 32]) -> bool {
        self.path(thumbprint).exists()
    }

    /// Reads the key with this thumbprint.
    ///
    /// # Errors
    /// [`KeysError::NoUpdateKey`] when it isn't there, [`KeysError::OtherKey`] when the file holds another.
    pub fn read(&self, thumbprint: &[u8; 32]) -> Result<FileKey, KeysError> {
        let path = self.path(thumbprint);
        let key = files::read_key(&path)?.ok_or_else(|| KeysError::NoUpdateKey(path.clone()))?;
        match key.public_key().thumbprint() == *thumbprint {
            true => Ok(key),
            false => Err(KeysError::OtherKey(path)),
        }
    }

    /// Requires the folder to lie outside of `home`.
    ///
    /// # Errors
    /// [`KeysError::UpdateKeyNotApart`].
    pub fn require_apart(&self, home: &Path) -> Result<(), KeysError> {
        match resolved(&self.0).starts_with(resolved(home)) {
            true => Err(KeysError::UpdateKeyNotApart(self.0.clone())),
            false => Ok(()),
        }
    }

    /// Requires that no update key lies in `home` or in a folder of it, as a server does before it starts.
    ///
    /// # Errors
    /// [`KeysError::UpdateKeyNotApart`] naming the file.
    pub fn require_none_in(home: &Path) -> Result<(), KeysError> {
        let folders = entries(home).filter(|path| path.is_dir());
        for folder in folders.chain([home.to_owned()]) {
            if let Some(key) = entries(&folder).find(|path| is_update_key(path)) {
                return Err(KeysError::UpdateKeyNotApart(key));
            }
        }
        Ok(())
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

fn is_update_key(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(PREFIX) && name.ends_with(".pem")
}

/// Resolves links and `..` in the part of a path that exists.
fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(real) = path.canonicalize() {
        return real;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn update_key_is_found_by_what_the_ledger_committed_to() {
        let folder = tempfile::tempdir().unwrap();
        let keys = UpdateKeys::at(folder.path().join("stick"));
        let (first, second) = (keys.make().unwrap(), keys.make().unwrap());
        assert!(keys.has(&first) && keys.has(&second));
        let read = keys.read(&first).unwrap();
        assert_eq!(read.public_key().thumbprint(), first);
        assert_eq!(
            keys.read(&[7; 32]).unwrap_err().code(),
            "update_key_missing"
        );
        fs::copy(keys.path(&second), keys.path(&first)).unwrap();
        assert_eq!(keys.read(&first).unwrap_err().code(), "key_file_damaged");
    }

    #[test]
    fn update_keys_lie_outside_of_the_servers_folder() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir_all(home.join("keys")).unwrap();
        UpdateKeys::beside(&home).require_apart(&home).unwrap();
        for inside in [home.clone(), home.join("keys/new"), home.join("../home/x")] {
            let refused = UpdateKeys::at(inside).require_apart(&home).unwrap_err();
            assert_eq!(refused.code(), "update_key_not_apart");
        }
        UpdateKeys::require_none_in(&home).unwrap();
        UpdateKeys::at(home.join("keys")).make().unwrap();
        let refused = UpdateKeys::require_none_in(&home).unwrap_err();
        assert_eq!(refused.code(), "update_key_not_apart");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_into_the_servers_folder_is_not_apart() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir_all(&home).unwrap();
        let link = folder.path().join("stick");
        std::os::unix::fs::symlink(&home, &link).unwrap();
        assert!(
            UpdateKeys::at(link.join("keys"))
                .require_apart(&home)
                .is_err()
        );
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_an_update_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let keys = UpdateKeys::at(folder.path().join("stick"));
        let path = keys.path(&keys.make().unwrap());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o600);
        assert_eq!(mode(path.parent().unwrap()), 0o700);
    }
}
