use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jumin_identity::Did;
use jumin_keys::SigningKeys;
use jumin_registry::{Localized, NetworkTrust};
use jumin_verifier::{PolicyError, ServicePolicy, builtin_services};
use serde::{Deserialize, Serialize};
use url::Url;

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

    /// Returns the path of the file that tells where the counter listens.
    pub fn address(&self) -> PathBuf {
        self.root.join("address")
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

/// Replaces a file so that a crash leaves either the old or the new one.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(name);
    let mut file = fs::File::create(&temporary)?;
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
