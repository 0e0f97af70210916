//! The issuer's home directory: its keys, tokens, settings and database.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jumin_identity::{Did, random_bytes};
use jumin_keys::SigningKeys;
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
    #[error("{} doesn't contain what it should", path.display())]
    Content { path: PathBuf },
    #[error("another program works with {}; stop it first", .0.display())]
    InUse(PathBuf),
    #[error("{} is not there", .0.display())]
    Missing(PathBuf),
}

/// The right to be the one issuer of a home, given back when it is dropped or the process ends.
#[derive(Debug)]
pub struct HomeLock {
    _file: fs::File,
}

/// A directory that only its owner may read.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// Uses `path`, which must be there: a mistyped path must not become a home.
    pub fn existing(path: &Path) -> Result<Self, HomeError> {
        match path.is_dir() {
            true => Self::at(path),
            false => Err(HomeError::Missing(path.to_owned())),
        }
    }

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

    /// Keeps every other program from working as this home's issuer while the lock is held.
    pub fn lock(&self) -> Result<HomeLock, HomeError> {
        let path = self.path("lock");
        let failed = |source| HomeError::File {
            path: path.clone(),
            source,
        };
        if !path.exists() {
            self.write("lock", b"")?;
        }
        let file = fs::File::open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(HomeLock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(HomeError::InUse(self.0.clone())),
            Err(fs::TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn database(&self) -> PathBuf {
        self.path("issuer.sqlite")
    }

    /// The keys that the issuer signs with.
    pub fn keys(&self) -> SigningKeys {
        SigningKeys::at(self.path("keys"))
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
    fn mistyped_path_does_not_become_a_home() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("homme");
        let refused = Home::existing(&path);
        assert!(matches!(refused, Err(HomeError::Missing(_))));
        assert!(!path.exists());
    }

    #[test]
    fn secrets_are_made_once_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(&directory.path().join("home")).unwrap();
        let token = home.secret("console-token").unwrap();
        assert!(token.equals(&home.secret("console-token").unwrap()));
        assert_eq!(
            home.secret_bytes("n").unwrap(),
            home.secret_bytes("n").unwrap()
        );
        assert_eq!(home.did().unwrap(), None);
    }

    #[test]
    fn one_home_has_one_issuer_at_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::at(directory.path()).unwrap();
        let lock = home.lock().unwrap();
        assert!(matches!(home.lock(), Err(HomeError::InUse(_))));
        drop(lock);
        home.lock().unwrap();
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
}
