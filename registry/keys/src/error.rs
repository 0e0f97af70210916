//! What goes wrong with the files of keys.

use std::io;
use std::path::{Path, PathBuf};

use jumin_identity::KeyError;
use jumin_registry::{OperationError, SignOperationError};

/// Why keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// A file or folder can't be read or written.
    #[error("can't use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A file holds no key.
    #[error("{} isn't a key", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: KeyError,
    },
    /// A file holds another key than its name says.
    #[error("{} holds another key than its name says", .0.display())]
    OtherKey(PathBuf),
    /// A signing key's file is missing.
    #[error("there is no key {}: it was never made here, or is lost", .0.display())]
    NoKey(PathBuf),
    /// The folder doesn't have the update key.
    #[error("{} is not there: give the folder that has it with --update-keys", .0.display())]
    NoUpdateKey(PathBuf),
    /// An update key would be, or is, where a server runs.
    #[error(
        "{} is in the server's folder: who takes that folder would take the DID; keep update keys in another one, best on a \
         medium that is put away", .0.display()
    )]
    UpdateKeyNotApart(PathBuf),
    /// A file of the home doesn't hold what it should.
    #[error("{} doesn't contain what it should", .0.display())]
    Content(PathBuf),
    /// The kept creation is for a document with other services.
    #[error(
        "the DID was prepared with another public URL: give the same one, or remove creation.json to prepare another DID"
    )]
    OtherServices,
    /// The kept creation can't be read as an operation.
    #[error("creation.json doesn't create a DID")]
    NotACreation(#[source] Option<OperationError>),
    /// The operation can't be signed.
    #[error("the operation can't be signed")]
    Sign(#[from] SignOperationError),
    /// A key can't be made.
    #[error("a key can't be made")]
    Make(#[source] KeyError),
}

impl KeysError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::File { .. } => "key_file",
            Self::Key { .. } | Self::OtherKey(_) => "key_file_damaged",
            Self::NoKey(_) => "key_missing",
            Self::NoUpdateKey(_) => "update_key_missing",
            Self::UpdateKeyNotApart(_) => "update_key_not_apart",
            Self::Content(_) => "key_home_damaged",
            Self::OtherServices => "other_services",
            Self::NotACreation(_) => "not_a_creation",
            Self::Sign(_) => "operation_unsignable",
            Self::Make(_) => "key_unmade",
        }
    }

    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
