use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jumin_identity::{Did, sha256};
use jumin_registry::{AnchorKind, AnchorRecord, NetworkTrust};

use crate::home::write_atomic;

const MAX_TRUST_BYTES: usize = 64 * 1024;

/// Largest status list token kept, in bytes (2^20 entries take 256 KiB before compression).
pub const MAX_LIST_BYTES: usize = 2 * 1024 * 1024;
/// Largest dictionary kept, in bytes.
pub const MAX_DICTIONARY_BYTES: usize = 256 * 1024;

/// Keeps what was fetched of the ledger and the issuers as files: the last good bundle, lists
/// and dictionaries. Nothing read from here is believed without being verified again.
#[derive(Clone, Debug)]
pub struct EvidenceFiles {
    root: PathBuf,
}

impl EvidenceFiles {
    /// Opens (or makes) the folder.
    pub fn open(root: &Path) -> io::Result<EvidenceFiles> {
        fs::create_dir_all(root.join("lists"))?;
        fs::create_dir_all(root.join("dictionaries"))?;
        Ok(EvidenceFiles {
            root: root.to_owned(),
        })
    }

    /// Returns the last good bundle, if there is one of at most `max` bytes.
    pub fn bundle(&self, max: usize) -> io::Result<Option<Vec<u8>>> {
        read_if_there(&self.root.join("bundle.json"), max)
    }

    /// Returns the validators that the network was last known to have, if they can be read.
    pub fn followed(&self) -> Option<NetworkTrust> {
        let bytes = read_if_there(&self.root.join("followed.json"), MAX_TRUST_BYTES).ok()??;
        NetworkTrust::from_json(&bytes).ok()
    }

    /// Keeps the validators that the network has come to.
    pub fn save_followed(&self, trust: &NetworkTrust) -> io::Result<()> {
        write_atomic(&self.root.join("followed.json"), &trust.to_json())
    }

    /// Replaces the bundle.
    pub fn save_bundle(&self, bytes: &[u8]) -> io::Result<()> {
        write_atomic(&self.root.join("bundle.json"), bytes)
    }

    /// Returns the list of an anchor: the anchored version if it is here, else the newest that is.
    pub fn list(&self, issuer: &Did, uri: &str, anchor: &AnchorRecord) -> Option<String> {
        let name = name_of(issuer, AnchorKind::StatusList, uri);
        let exact = self.list_path(&name, anchor.version);
        let path = if exact.exists() {
            exact
        } else {
            self.newest_list(&name)?
        };
        let bytes = read_if_there(&path, MAX_LIST_BYTES).ok()??;
        String::from_utf8(bytes).ok()
    }

    /// Keeps the list of an anchor and forgets its earlier versions.
    pub fn save_list(
        &self,
        issuer: &Did,
        uri: &str,
        anchor: &AnchorRecord,
        token: &str,
    ) -> io::Result<()> {
        let name = name_of(issuer, AnchorKind::StatusList, uri);
        write_atomic(&self.list_path(&name, anchor.version), token.as_bytes())
    }

    /// Forgets versions of a list before the anchored one; called once the bundle that anchors
    /// it is kept.
    pub fn forget_older_lists(&self, issuer: &Did, uri: &str, anchor: &AnchorRecord) {
        let name = name_of(issuer, AnchorKind::StatusList, uri);
        if !self.list_path(&name, anchor.version).exists() {
            return;
        }
        for (version, path) in self.versions(&name) {
            if version < anchor.version {
                // What stays behind is only disk space.
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Returns the dictionary of an anchor, if it is here.
    pub fn dictionary(&self, issuer: &Did, vct: &str) -> Option<Vec<u8>> {
        let path = self.dictionary_path(issuer, vct);
        read_if_there(&path, MAX_DICTIONARY_BYTES).ok()?
    }

    /// Keeps the dictionary of an anchor.
    pub fn save_dictionary(&self, issuer: &Did, vct: &str, bytes: &[u8]) -> io::Result<()> {
        write_atomic(&self.dictionary_path(issuer, vct), bytes)
    }

    fn dictionary_path(&self, issuer: &Did, vct: &str) -> PathBuf {
        let name = name_of(issuer, AnchorKind::Dictionary, vct);
        self.root.join("dictionaries").join(format!("{name}.bin"))
    }

    fn list_path(&self, name: &str, version: u64) -> PathBuf {
        self.root
            .join("lists")
            .join(format!("{name}.{version}.jwt"))
    }

    fn newest_list(&self, name: &str) -> Option<PathBuf> {
        let newest = self.versions(name).into_iter().max_by_key(|(v, _)| *v);
        newest.map(|(_, path)| path)
    }

    fn versions(&self, name: &str) -> Vec<(u64, PathBuf)> {
        let Ok(entries) = fs::read_dir(self.root.join("lists")) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let file = path.file_name()?.to_str()?.to_owned();
                let rest = file.strip_prefix(name)?.strip_prefix('.')?;
                let version = rest.strip_suffix(".jwt")?.parse().ok()?;
                Some((version, path))
            })
            .collect()
    }
}

fn name_of(issuer: &Did, kind: AnchorKind, name: &str) -> String {
    let text = format!("{issuer}\n{kind:?}\n{name}");
    sha256(text.as_bytes())
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn read_if_there(path: &Path, max: usize) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(data) if data.len() > max as u64 => Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "the file is larger than it may be",
        )),
        Ok(_) => fs::read(path).map(Some),
    }
}
