//! Compares what the database knows with what the ledger has, so that an older copy of it never overrides the newer.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use jumin_identity::{Did, PublicKey, sha256};
use jumin_registry::{AnchorKind, AnchorRecord, DidRecord, Purpose, RecordKey};
use serde::Serialize;
use thiserror::Error;
use utoipa::ToSchema;

use crate::claims::Configuration;
use crate::issue::IssuerKey;
use crate::ledger::{IssuerLedger, LedgerError};
use crate::store::{DictionaryRow, SeenDocument, Store, StoreError, VersionRow};

/// Lists beyond the last known one that are looked for.
const MAX_UNKNOWN_LISTS: u32 = 64;

/// Something for which the database isn't the latest word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, ts_rs::TS)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Conflict {
    /// The database was put back from a backup, and nothing was recovered since.
    Backup {
        /// When the backup was made, in seconds since the Unix epoch.
        made: u64,
    },
    /// The ledger has a version of a status list that this database didn't sign.
    List { uri: String, version: u64 },
    /// The ledger has a dictionary that this database didn't make.
    Dictionary { vct: String, version: u64 },
    /// The ledger has a newer DID document than this home wrote.
    Document { version: u64 },
    /// A key in this home isn't, or is no longer, the one that the DID document names.
    Key {
        /// The key's DID URL.
        id: String,
    },
    /// The DID is deactivated.
    Deactivated,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backup { .. } => f.write_str("the database is a backup put back"),
            Self::List { uri, version } => {
                write!(
                    f,
                    "the ledger has version {version} of {uri}, not signed here"
                )
            }
            Self::Dictionary { vct, version } => {
                write!(
                    f,
                    "the ledger has version {version} of the dictionary for {vct}, not made here"
                )
            }
            Self::Document { version } => {
                write!(
                    f,
                    "the ledger has version {version} of the DID document, not written here"
                )
            }
            Self::Key { id } => write!(f, "the key of {id} in this home isn't valid by the ledger"),
            Self::Deactivated => f.write_str("the DID is deactivated"),
        }
    }
}

/// What an operator can do about conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Only keys ended: this process began before they were replaced, or they have to be.
    Keys,
    /// The database has to be brought up to the ledger.
    Recover,
    /// There is none.
    Deactivated,
}

impl Remedy {
    pub fn of(conflicts: &[Conflict]) -> Self {
        if conflicts.contains(&Conflict::Deactivated) {
            Self::Deactivated
        } else if conflicts
            .iter()
            .all(|one| matches!(one, Conflict::Key { .. }))
        {
            Self::Keys
        } else {
            Self::Recover
        }
    }

    /// The stable code of the refusal to sign.
    pub fn code(self) -> &'static str {
        match self {
            Self::Keys => "key_ended",
            Self::Recover => "ledger_ahead",
            Self::Deactivated => "deactivated",
        }
    }

    /// Why nothing is signed, and what ends that.
    pub fn text(self) -> &'static str {
        match self {
            Self::Keys => {
                "A key that this server signs with isn't valid by the ledger: nothing is signed. \
                 If `jumin-issuer key` replaced it, restart the server; else see `jumin-issuer key list`."
            }
            Self::Recover => {
                "The ledger is ahead of the database: nothing is signed until the server was stopped and \
                 `jumin-issuer recover` has run."
            }
            Self::Deactivated => "The DID is deactivated for good: nothing is signed any more.",
        }
    }
}

/// How the database stands against the ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Standing {
    /// They weren't compared since the start: nothing may be signed.
    #[default]
    Unknown,
    /// The ledger has nothing that the database doesn't know.
    Agrees,
    /// The ledger has; nothing may be signed.
    Conflicts(Vec<Conflict>),
}

/// The standing that the last comparison found.
#[derive(Debug, Default)]
pub struct LastStanding(Mutex<Standing>);

impl LastStanding {
    pub fn get(&self) -> Standing {
        self.lock().clone()
    }

    pub fn set(&self, standing: Standing) {
        *self.lock() = standing;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why they couldn't be compared.
#[derive(Debug, Error)]
pub enum CompareError {
    #[error("the ledger can't be asked now")]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Says whether the ledger has this very version: with the same end, which no other signing has but by chance.
pub fn is_anchored(row: &VersionRow, anchor: &AnchorRecord) -> bool {
    anchor.version == row.version
        && anchor.sha256 == row.digest
        && anchor.next_update.is_none_or(|due| due == row.expires)
}

/// Says whether an anchored dictionary is one that this database made: the one it has, or the one before.
pub fn knows_dictionary(row: Option<&DictionaryRow>, anchor: Option<&AnchorRecord>) -> bool {
    match (row, anchor) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(row), Some(anchor)) if row.version == anchor.version => {
            // One taken over without its bytes is known by its number.
            row.bytes.is_empty() || sha256(&row.bytes) == anchor.sha256
        }
        (Some(row), Some(anchor)) => !row.anchored && row.version == anchor.version + 1,
    }
}

/// Finds what is wrong with the DID document, given what this home wrote last and which keys it signs with.
fn judge_document(
    record: &DidRecord,
    seen: Option<&SeenDocument>,
    keys: &[(String, Purpose, &PublicKey)],
    did: &Did,
    now: u64,
) -> Vec<Conflict> {
    if record.deactivated.is_some() {
        return vec![Conflict::Deactivated];
    }
    let mut conflicts = Vec::new();
    if seen.is_some_and(|seen| seen.version < record.version) {
        let version = record.version;
        conflicts.push(Conflict::Document { version });
    }
    for (fragment, purpose, key) in keys {
        if record.document.key_at(fragment, *purpose, now) != Some(*key) {
            let id = format!("{did}#{fragment}");
            conflicts.push(Conflict::Key { id });
        }
    }
    conflicts
}

/// Compares a database with the ledger.
pub struct Comparison<'a> {
    pub store: &'a Store,
    pub ledger: &'a IssuerLedger,
    pub issuer: &'a IssuerKey,
    pub public_url: &'a str,
    /// Seconds since the Unix epoch.
    pub now: u64,
}

impl Comparison<'_> {
    /// Returns everything that the ledger has and the database doesn't know.
    pub async fn conflicts(&self) -> Result<Vec<Conflict>, CompareError> {
        let mut conflicts = Vec::new();
        if let Some(made) = self.store.backup_mark().await? {
            conflicts.push(Conflict::Backup { made });
        }
        conflicts.extend(self.document().await?);
        conflicts.extend(self.lists().await?);
        for configuration in Configuration::ALL {
            let vct = configuration.vct();
            let anchor = self.ledger.anchored(AnchorKind::Dictionary, vct).await?;
            let row = self.store.dictionary(vct).await?;
            if let Some(anchor) = &anchor
                && !knows_dictionary(row.as_ref(), Some(anchor))
            {
                conflicts.push(Conflict::Dictionary {
                    vct: vct.to_owned(),
                    version: anchor.version,
                });
            }
        }
        Ok(conflicts)
    }

    async fn document(&self) -> Result<Vec<Conflict>, CompareError> {
        let did = &self.ledger.did;
        let key = RecordKey::Did(did.clone());
        let record = self.ledger.ledger.did_record(&key).await?;
        let record = record.ok_or(LedgerError::UnknownDid)?;
        let seen = self.store.seen_document().await?;
        let keys = [
            (
                self.issuer.kid.fragment().to_owned(),
                Purpose::AssertionMethod,
                self.issuer.signer.public_key(),
            ),
            (
                self.ledger.kid.fragment().to_owned(),
                Purpose::CapabilityInvocation,
                self.ledger.signer.public_key(),
            ),
        ];
        Ok(judge_document(&record, seen.as_ref(), &keys, did, self.now))
    }

    async fn lists(&self) -> Result<Vec<Conflict>, CompareError> {
        let lists = self.store.lists().await?;
        let mut conflicts = Vec::new();
        for list in &lists {
            let anchor = self
                .ledger
                .anchored(AnchorKind::StatusList, &list.uri)
                .await?;
            conflicts.extend(
                unknown_version(self.store, list.number, &list.uri, anchor.as_ref()).await?,
            );
        }
        let last = lists.last().map_or(0, |list| list.number);
        for number in last + 1..=last + MAX_UNKNOWN_LISTS {
            let uri = list_uri(self.public_url, number);
            match self.ledger.anchored(AnchorKind::StatusList, &uri).await? {
                Some(AnchorRecord { version, .. }) => {
                    conflicts.push(Conflict::List { uri, version });
                }
                None => break,
            }
        }
        Ok(conflicts)
    }
}

/// The address of a list of an issuer at `public_url`.
pub fn list_uri(public_url: &str, number: u32) -> String {
    format!("{public_url}/status/{number}")
}

/// Says whether the ledger has a version of a list that this database didn't sign.
pub async fn unknown_version(
    store: &Store,
    list: u32,
    uri: &str,
    anchor: Option<&AnchorRecord>,
) -> Result<Option<Conflict>, StoreError> {
    let Some(anchor) = anchor else {
        return Ok(None);
    };
    let row = store.version(list, anchor.version).await?;
    if row.is_some_and(|row| is_anchored(&row, anchor)) {
        return Ok(None);
    }
    Ok(Some(Conflict::List {
        uri: uri.to_owned(),
        version: anchor.version,
    }))
}

#[cfg(test)]
mod tests {
    use jumin_identity::{FileKey, Signer};
    use jumin_registry::{DidDocument, VerificationMethod};

    use super::*;

    fn anchor(version: u64, sha256: [u8; 32], due: u64) -> AnchorRecord {
        AnchorRecord {
            version,
            sha256,
            next_update: Some(due),
            updated: 0,
            height: 1,
        }
    }

    async fn signed(store: &Store, version: u64, digest: [u8; 32]) {
        let row = VersionRow {
            list: 1,
            version,
            digest,
            token: "t".to_owned(),
            signed: 0,
            expires: 100,
        };
        store.add_version(&row).await.unwrap();
    }

    #[tokio::test]
    async fn only_a_version_that_this_database_signed_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("issuer.sqlite");
        let store = Store::open(&path).await.unwrap();
        store.add_list(1, "u").await.unwrap();
        signed(&store, 1, [1; 32]).await;
        signed(&store, 2, [2; 32]).await;
        let known = async |anchor: Option<AnchorRecord>| {
            let found = unknown_version(&store, 1, "u", anchor.as_ref()).await;
            found.unwrap().is_none()
        };
        assert!(known(None).await);
        assert!(
            known(Some(anchor(1, [1; 32], 100))).await,
            "overtaken, but its own"
        );
        assert!(
            known(Some(anchor(2, [2; 32], 100))).await,
            "killed after its anchor"
        );
        assert!(
            !known(Some(anchor(2, [3; 32], 100))).await,
            "same number, other content"
        );
        assert!(
            !known(Some(anchor(2, [2; 32], 101))).await,
            "same content, signed by a copy"
        );
        assert!(!known(Some(anchor(3, [2; 32], 100))).await, "newer");
    }

    #[test]
    fn dictionary_that_this_database_did_not_make_is_not_known() {
        let row = |version, anchored| DictionaryRow {
            vct: "v".to_owned(),
            public_url: "u".to_owned(),
            bytes: b"d".to_vec(),
            version,
            anchored,
        };
        let known = |row: Option<DictionaryRow>, version, bytes: &[u8]| {
            knows_dictionary(row.as_ref(), Some(&anchor(version, sha256(bytes), 1)))
        };
        assert!(knows_dictionary(None, None));
        assert!(!known(None, 1, b"d"));
        assert!(known(Some(row(1, true)), 1, b"d"));
        assert!(
            known(Some(row(2, false)), 1, b"before"),
            "about to be replaced"
        );
        assert!(!known(Some(row(2, false)), 2, b"other"));
        assert!(!known(Some(row(1, true)), 2, b"d"));
    }

    #[test]
    fn newer_document_and_key_that_ended_are_conflicts() {
        let key = FileKey::generate().unwrap();
        let did = Did::from_digest(&"dev".parse().unwrap(), &[1; 32]);
        let method = VerificationMethod {
            fragment: "key-1".to_owned(),
            public_key: key.public_key().clone(),
            purposes: vec![Purpose::AssertionMethod],
            valid_from: 0,
            valid_until: Some(100),
        };
        let record = DidRecord {
            version: 2,
            document: DidDocument {
                verification_methods: vec![method],
                services: Vec::new(),
            },
            next_key_hash: [0; 32],
            deactivated: None,
            updated: 0,
            height: 1,
        };
        let seen = |version| SeenDocument {
            version,
            public_url: None,
        };
        let keys = [(
            "key-1".to_owned(),
            Purpose::AssertionMethod,
            key.public_key(),
        )];
        let judge = |seen, now| judge_document(&record, Some(&seen), &keys, &did, now);
        assert_eq!(judge(seen(2), 99), []);
        assert_eq!(judge(seen(1), 99), [Conflict::Document { version: 2 }]);
        let id = format!("{did}#key-1");
        assert_eq!(judge(seen(2), 100), [Conflict::Key { id }]);
    }

    #[test]
    fn key_that_was_replaced_asks_for_a_restart_and_not_for_a_recovery() {
        let key = Conflict::Key { id: "k".to_owned() };
        let document = Conflict::Document { version: 2 };
        assert_eq!(Remedy::of(std::slice::from_ref(&key)), Remedy::Keys);
        assert_eq!(Remedy::of(&[key.clone(), document]), Remedy::Recover);
        assert_eq!(
            Remedy::of(&[key, Conflict::Deactivated]),
            Remedy::Deactivated
        );
        assert!(!Remedy::Keys.text().contains("recover"));
    }
}
