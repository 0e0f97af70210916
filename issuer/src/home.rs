//! The issuer's home directory: its keys, tokens, settings and database.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jumin_identity::{Did, FileKey, KeyError, Signer, random_bytes};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::secret::Secret;

/// Why a file of the home can't be used.
#[derive(Debug, Error)]
pub enum HomeError {
    #[error("can't use {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{} isn't a key", path.display())]
    Key {
        path: PathBuf,
        #[source]
        source: KeyError,
    },
    #[error("{} doesn't contain what it should", path.display())]
    Content { path: PathBuf },
}

/// A directory that only its owner may read.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// Uses `path`, making it if it isn't there.
    pub fn at(path: &Path) -> Result<Self, HomeError> {
        let home = Self(path.to_owned());
        for directory in [home.0.clone(), home.path("keys")] {
            make_private_directory(&directory).map_err(|source| HomeError::File {
                path: directory,
                source,
            })?;
        }
        Ok(home)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn database(&self) -> PathBuf {
        self.path("issuer.sqlite")
    }

    /// Reads the key of this name, making it first if there is none.
    pub fn key(&self, name: &str) -> Result<FileKey, HomeError> {
        let path = self.path(&format!("keys/{name}.pem"));
        let bad_key = |source| HomeError::Key {
            path: path.clone(),
            source,
        };
        if let Some(pem) = self.read(&format!("keys/{name}.pem"))? {
            return FileKey::from_pkcs8_pem(&pem).map_err(bad_key);
        }
        let key = FileKey::generate().map_err(bad_key)?;
        self.write(&format!("keys/{name}.pem"), key.to_pkcs8_pem().as_bytes())?;
        Ok(key)
    }

    /// Reads the key that signs the change from version `version` of the DID document, making it if there is none.
    ///
    /// Version N commits to the key of this number N, so its digest can be published before the key is ever used.
    pub fn update_key(&self, version: u64) -> Result<FileKey, HomeError> {
        self.key(&format!("update-{version}"))
    }

    /// Thumbprint of that key.
    pub fn update_key_hash(&self, version: u64) -> Result<[u8; 32], HomeError> {
        Ok(self.update_key(version)?.public_key().thumbprint())
    }

    /// Reads a 256-bit secret, making it first if there is none.
    pub fn secret(&self, name: &str) -> Result<Secret, HomeError> {
        if let Some(text) = self.read(name)? {
            return Ok(Secret::presented(text.trim()));
        }
        let secret = Secret::random();
        self.write(name, format!("{}\n", secret.reveal()).as_bytes())?;
        Ok(secret)
    }

    /// Reads 32 secret bytes, making them first if there are none.
    pub fn secret_bytes(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, HomeError> {
        let path = self.path(name);
        match fs::read(&path) {
            Ok(bytes) => {
                let bytes = Zeroizing::new(bytes);
                let exact: [u8; 32] = bytes
                    .as_slice()
                    .try_into()
                    .map_err(|_| HomeError::Content { path })?;
                Ok(Zeroizing::new(exact))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = Zeroizing::new(random_bytes::<32>());
                self.write(name, bytes.as_slice())?;
                Ok(bytes)
            }
            Err(source) => Err(HomeError::File { path, source }),
        }
    }

    /// Reads the issuer's DID, if `init` has written it.
    pub fn did(&self) -> Result<Option<Did>, HomeError> {
        self.read("did")?
            .map(|text| text.trim().parse())
            .transpose()
            .map_err(|_| HomeError::Content {
                path: self.path("did"),
            })
    }

    /// Reads a text file, if it is there.
    pub fn read(&self, name: &str) -> Result<Option<Zeroizing<String>>, HomeError> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(HomeError::File { path, source }),
        }
    }

    /// Writes a file that only its owner may read, whole or not at all.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), HomeError> {
        let path = self.path(name);
        write_private(&path, bytes).map_err(|source| HomeError::File { path, source })
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_secrets_are_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(&directory.path().join("home")).unwrap();
        let key = home.key("signing").unwrap();
        let again = home.key("signing").unwrap();
        assert_eq!(key.public_key(), again.public_key());
        let token = home.secret("console-token").unwrap();
        assert!(token.equals(&home.secret("console-token").unwrap()));
        assert_eq!(
            home.secret_bytes("n").unwrap(),
            home.secret_bytes("n").unwrap()
        );
        assert_eq!(home.did().unwrap(), None);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(&directory.path().join("home")).unwrap();
        home.secret("console-token").unwrap();
        let mode = |name: &str| fs::metadata(home.path(name)).unwrap().permissions().mode();
        assert_eq!(mode("console-token") & 0o777, 0o600);
        assert_eq!(mode("keys") & 0o777, 0o700);
    }

    #[test]
    fn damaged_key_is_named_and_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path()).unwrap();
        home.write("keys/signing.pem", b"nonsense").unwrap();
        assert!(matches!(home.key("signing"), Err(HomeError::Key { .. })));
        assert_eq!(
            home.read("keys/signing.pem").unwrap().unwrap().as_str(),
            "nonsense"
        );
    }
}
