use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jumin_identity::Did;
use jumin_keys::SigningKeys;
use jumin_registry::{Localized, NetworkTrust};
use jumin_verifier::{PolicyError, ServicePolicy, builtin_services};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::sign_in::{Secret, new_secret};

/// Largest configuration file read, in bytes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Says why a counter's home could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HomeError {
    /// A file cannot be read.
    #[error("cannot read {0}")]
    Read(PathBuf, #[source] io::Error),
    /// A file cannot be written.
    #[error("cannot write {0}")]
    Write(PathBuf, #[source] io::Error),
    /// A file is not what it should be.
    #[error("{0} is not the JSON it should be")]
    Malformed(PathBuf, #[source] serde_json::Error),
    /// The file holds no token of ours.
    #[error("{0} holds no token: remove it, and a new one is made")]
    Token(PathBuf),
    /// A service's policy is not acceptable.
    #[error("the service in {0} is not acceptable")]
    Policy(PathBuf, #[source] PolicyError),
    /// The home was not made by `init`.
    #[error("{0} is not a counter's home: run `jumin-counter init` first")]
    NotInitialized(PathBuf),
    /// The home was made already.
    #[error("{0} is a counter's home already")]
    AlreadyInitialized(PathBuf),
}

impl HomeError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            HomeError::Read(..) => "home_unreadable",
            HomeError::Write(..) => "home_unwritable",
            HomeError::Malformed(..) => "home_malformed",
            HomeError::Token(_) => "home_token",
            HomeError::Policy(..) => "home_policy",
            HomeError::NotInitialized(_) => "home_not_initialized",
            HomeError::AlreadyInitialized(_) => "home_already_initialized",
        }
    }
}

/// Is what `init` decides and every later start reads.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The office's DID.
    pub did: Did,
    /// What the office is called.
    pub name: Localized,
    /// Ledger nodes, asked in this order.
    pub nodes: Vec<Url>,
    /// What the ledger's certificates are checked against.
    pub trust: NetworkTrust,
}

impl Settings {
    /// Returns the client identifier of requests (OpenID4VP 1.0 §5.9.3).
    pub fn client_id(&self) -> String {
        format!("decentralized_identifier:{}", self.did)
    }
}

impl std::fmt::Display for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.root.display().fmt(f)
    }
}

/// Is the folder of one counter.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
}

impl Home {
    /// Names a folder; nothing is read or written yet.
    pub fn at(root: impl Into<PathBuf>) -> Home {
        Home { root: root.into() }
    }

    /// Returns the path of the database.
    pub fn database(&self) -> PathBuf {
        self.root.join("counter.db")
    }

    /// Returns the folder of the ledger's bundle, lists and dictionaries.
    pub fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    /// Returns the path of the file that tells where wallets are served.
    pub fn address(&self) -> PathBuf {
        self.root.join("address")
    }

    /// Returns the path of the file that tells where the desk is.
    pub fn desk_address(&self) -> PathBuf {
        self.root.join("desk-address")
    }

    /// Returns the token with which the office's programs use the desk, making it at first.
    pub fn desk_token(&self) -> Result<Secret, HomeError> {
        let path = self.root.join("desk-token");
        if !path.exists() {
            let token = new_secret();
            write_atomic(&path, format!("{}\n", token.as_str()).as_bytes())
                .map_err(|e| HomeError::Write(path.clone(), e))?;
        }
        // A copy that was put back may have become everybody's to read.
        restrict(&path, 0o600).map_err(|e| HomeError::Write(path.clone(), e))?;
        let token =
            Zeroizing::new(read_bounded(&path).map_err(|e| HomeError::Read(path.clone(), e))?);
        let token = std::str::from_utf8(&token).unwrap_or_default().trim();
        match token.len() {
            // Whoever shortens it by hand opens the desk to those who guess.
            43.. => Ok(Zeroizing::new(token.to_owned())),
            _ => Err(HomeError::Token(path)),
        }
    }

    fn settings_path(&self) -> PathBuf {
        self.root.join("counter.json")
    }

    /// Returns the folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the keys that the counter signs with.
    pub fn keys(&self) -> SigningKeys {
        SigningKeys::at(self.root.join("keys"))
    }

    /// Makes the folder, readable by its owner only.
    pub fn create(&self) -> Result<(), HomeError> {
        if self.settings_path().exists() {
            return Err(HomeError::AlreadyInitialized(self.root.clone()));
        }
        let failed = |error| HomeError::Write(self.root.clone(), error);
        fs::create_dir_all(&self.root).map_err(failed)?;
        restrict(&self.root, 0o700).map_err(failed)
    }

    /// Writes the settings: from then on the home counts as made.
    pub fn save(&self, settings: &Settings) -> Result<(), HomeError> {
        let path = self.settings_path();
        let json = serde_json::to_vec_pretty(settings)
            .map_err(|e| HomeError::Malformed(path.clone(), e))?;
        write_atomic(&path, &json).map_err(|e| HomeError::Write(path, e))
    }

    /// Reads the settings.
    pub fn settings(&self) -> Result<Settings, HomeError> {
        let path = self.settings_path();
        if !path.exists() {
            return Err(HomeError::NotInitialized(self.root.clone()));
        }
        let bytes = read_bounded(&path).map_err(|e| HomeError::Read(path.clone(), e))?;
        serde_json::from_slice(&bytes).map_err(|e| HomeError::Malformed(path, e))
    }

    /// Returns the services: those that come along, and those in `services/*.json`, which
    /// replace one of the same name.
    pub fn services(&self) -> Result<Vec<ServicePolicy>, HomeError> {
        let folder = self.root.join("services");
        let mut services = builtin_services().map_err(|e| HomeError::Policy(folder.clone(), e))?;
        let Ok(entries) = fs::read_dir(&folder) else {
            return Ok(services);
        };
        let mut paths: Vec<PathBuf> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        paths.sort();
        for path in paths {
            let bytes = read_bounded(&path).map_err(|e| HomeError::Read(path.clone(), e))?;
            let policy =
                ServicePolicy::from_json(&bytes).map_err(|e| HomeError::Policy(path, e))?;
            services.retain(|known| known.service != policy.service);
            services.push(policy);
        }
        Ok(services)
    }
}

/// Reads a file of at most 1 MiB.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > MAX_FILE_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the file is larger than 1 MiB",
        ));
    }
    fs::read(path)
}

/// Replaces a file so that a crash leaves either the old or the new one; only its owner may read it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    if let Some(parent) = path.parent() {
        // Makes the rename itself survive a power cut, where the system can.
        if let Ok(folder) = fs::File::open(parent) {
            let _ = folder.sync_all();
        }
    }
    Ok(())
}

#[cfg(unix)]
fn restrict(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn restrict(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn token_that_was_put_back_for_all_to_read_is_narrowed_to_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let token = home.desk_token().unwrap();
        let path = folder.path().join("desk-token");
        let mode = || path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(home.desk_token().unwrap(), token);
        assert_eq!(mode(), 0o600);
    }
}
