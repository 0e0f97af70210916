//! Brings a database that was put back from a copy up to what the ledger has, so that the issuer may sign again.

use std::path::{Path, PathBuf};

use jumin_http::Client;
use jumin_identity::{Status, UnverifiedStatusListToken, VerifiedStatusList, sha256};
use jumin_registry::{
    AnchorKind, AnchorRecord, DidDocument, Purpose, Record, RecordKey, VerifiedBundle,
};
use thiserror::Error;
use url::Url;

use crate::address::address_in;
use crate::claims::Configuration;
use crate::compare::{is_anchored, knows_dictionary};
use crate::home::{Home, HomeError};
use crate::ledger::{IssuerLedger, LedgerError};
use crate::server::issuer_ledger;
use crate::settings::Settings;
use crate::setup::SetupError;
use crate::store::{
    Block, Carried, CredentialStatus, DictionaryRow, Recovered, RecoveredList, Recovery,
    SeenDocument, Store, StoreError, VersionRow,
};

/// Longest copy of a list or dictionary that is read, in bytes.
const MAX_COPY_BYTES: usize = 3 * 1024 * 1024;
/// Most that all copies together may take, in bytes.
const MAX_ALL_BYTES: usize = 512 * 1024 * 1024;

/// Why nothing was recovered.
#[derive(Debug, Error)]
pub enum RecoverError {
    #[error("this home has no issuer; put the whole home back, not only the database")]
    NotSetUp,
    #[error("the home can't be used")]
    Home(#[from] HomeError),
    #[error("the issuer isn't set up right")]
    Setup(#[from] SetupError),
    #[error("the database can't be used")]
    Store(#[from] StoreError),
    #[error("the ledger can't be used")]
    Ledger(#[from] LedgerError),
    #[error("the DID is deactivated; there is nothing to recover")]
    Deactivated,
    #[error("{path} can't be read")]
    Source {
        path: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error(
        "no copy of these lists was found: {}. Get the tokens from a counter (the folder ledger/lists of its home), a wallet or the old server and name them with --from. Only if none is left anywhere: --lost NUMBER revokes every entry of a list",
        .0.join("; ")
    )]
    CopiesMissing(Vec<String>),
}

/// Where copies of what the issuer published may be.
#[derive(Debug, Clone)]
pub enum Source {
    /// A file, or a folder of files.
    Path(PathBuf),
    Url(Url),
}

impl std::str::FromStr for Source {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Url(url),
            _ => Self::Path(PathBuf::from(text)),
        })
    }
}

/// A recovery that is ready to be written into the database.
pub struct Prepared {
    store: Store,
    recovery: Recovery,
    /// What it will do, a line each.
    pub lines: Vec<String>,
}

/// Finds what the ledger has and the database doesn't know, and a copy of each list of that.
///
/// # Errors
/// [`RecoverError::CopiesMissing`] where a copy is missing of a list that isn't among those given up in `lost`.
pub async fn prepare(
    home: &Home,
    settings: &Settings,
    sources: &[Source],
    lost: &[u32],
) -> Result<Prepared, RecoverError> {
    let did = home.did()?.ok_or(RecoverError::NotSetUp)?;
    let ledger = issuer_ledger(home, settings, did)?;
    let store = Store::open(&home.database()).await?;
    let http = Client::new().map_err(SetupError::from)?;
    let bundle = ledger.ledger.bundle().await?;
    let world = World::read(&ledger, &bundle)?;
    let mut copies = read_sources(sources, &http).await?;
    let lists = find_lists(&store, &world).await?;
    for list in lists.iter().filter(|list| list.anchor.is_some()) {
        // The list's own address may still be answered by a cache, or by the old machine.
        copies.extend(fetch_version(&http, list).await);
    }
    let (mut recovered, mut lines, mut missing) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        match list.recover(&world, &copies, lost) {
            Ok((one, line)) => {
                recovered.push(one);
                lines.push(line);
            }
            Err(line) => missing.push(line),
        }
    }
    if !missing.is_empty() {
        return Err(RecoverError::CopiesMissing(missing));
    }
    let dictionaries = find_dictionaries(&store, &world, &copies, &mut lines).await?;
    lines.push(format!(
        "the DID document is version {} with the address {}",
        world.seen.version,
        world.seen.public_url.as_deref().unwrap_or("(none)")
    ));
    Ok(Prepared {
        store,
        recovery: Recovery {
            lists: recovered,
            dictionaries,
            document: world.seen,
        },
        lines,
    })
}

impl Prepared {
    /// Writes it, all or nothing.
    pub async fn write(self, now: u64) -> Result<Recovered, RecoverError> {
        let recovered = self.store.recover(&self.recovery, now).await;
        self.store.close().await;
        Ok(recovered?)
    }
}

/// What the ledger has of this issuer.
struct World {
    document: DidDocument,
    seen: SeenDocument,
    lists: Vec<(String, AnchorRecord)>,
    dictionaries: Vec<(String, AnchorRecord)>,
    issuer: IssuerLedger,
}

impl World {
    fn read(ledger: &IssuerLedger, bundle: &VerifiedBundle) -> Result<Self, RecoverError> {
        let (mut lists, mut dictionaries, mut document) = (Vec::new(), Vec::new(), None);
        for (key, record) in bundle.records() {
            match (key, record) {
                (RecordKey::Did(did), Record::Did(record)) if *did == ledger.did => {
                    document = Some(record);
                }
                (RecordKey::Anchor { issuer, kind, name }, Record::Anchor(anchor))
                    if *issuer == ledger.did =>
                {
                    match kind {
                        AnchorKind::StatusList => lists.push((name.clone(), anchor.clone())),
                        AnchorKind::Dictionary => dictionaries.push((name.clone(), anchor.clone())),
                    }
                }
                _ => {}
            }
        }
        let record = document.ok_or(LedgerError::UnknownDid)?;
        if record.deactivated.is_some() {
            return Err(RecoverError::Deactivated);
        }
        Ok(Self {
            document: record.document.clone(),
            seen: SeenDocument {
                version: record.version,
                public_url: address_in(&record.document),
            },
            lists,
            dictionaries,
            issuer: ledger.clone(),
        })
    }

    /// Reads a token as a list of this issuer, if it is one and the very list that is anchored.
    fn verified(
        &self,
        token: &str,
        uri: &str,
        anchor: &AnchorRecord,
    ) -> Option<VerifiedStatusList> {
        let token = UnverifiedStatusListToken::parse(token).ok()?;
        let signed = token.dangerous_issued_at_unverified()?;
        let kid: jumin_identity::DidUrl = token.dangerous_kid_unverified()?.parse().ok()?;
        if *kid.did() != self.issuer.did {
            return None;
        }
        let key = self
            .document
            .key_at(kid.fragment(), Purpose::AssertionMethod, signed)?;
        // An expired copy still says what was anchored; the digest decides.
        let list = token.verify(key, uri, signed).ok()?;
        (list.list.digest() == anchor.sha256).then_some(list)
    }
}

/// A list that the database or the ledger has.
struct FoundList {
    number: u32,
    uri: String,
    /// What the ledger has, if the database doesn't know it.
    anchor: Option<AnchorRecord>,
}

impl FoundList {
    fn recover(
        self,
        world: &World,
        copies: &[Vec<u8>],
        lost: &[u32],
    ) -> Result<(RecoveredList, String), String> {
        let (number, uri) = (self.number, self.uri);
        let Some(anchor) = self.anchor else {
            let line = format!("list {number}: as the ledger has it; no new credentials in it");
            let list = RecoveredList {
                number,
                uri,
                carried: None,
            };
            return Ok((list, line));
        };
        let copy = copies.iter().find_map(|bytes| {
            let token = std::str::from_utf8(bytes).ok()?.trim();
            Some((token, world.verified(token, &uri, &anchor)?))
        });
        let version = anchor.version;
        let (carried, line) = match copy {
            Some((token, list)) => {
                let not_valid = not_valid(&list);
                let count = not_valid.len();
                let line = format!(
                    "list {number}: version {version} of the ledger with {count} entries that aren't valid; no new credentials in it"
                );
                (
                    carry(number, &anchor, Some((token, &list)), Some(not_valid)),
                    line,
                )
            }
            None if lost.contains(&number) => {
                let line = format!(
                    "list {number}: LOST, every credential in it is revoked and has to be issued anew"
                );
                (carry(number, &anchor, None, None), line)
            }
            None => {
                let digest = jumin_identity::b64url(&anchor.sha256);
                return Err(format!(
                    "list {number}, {uri}, version {version}, sha256 {digest}"
                ));
            }
        };
        let list = RecoveredList {
            number,
            uri,
            carried: Some(carried),
        };
        Ok((list, line))
    }
}

fn carry(
    list: u32,
    anchor: &AnchorRecord,
    copy: Option<(&str, &VerifiedStatusList)>,
    not_valid: Option<Vec<(u32, CredentialStatus)>>,
) -> Carried {
    let expires = copy.and_then(|(_, list)| list.expires);
    Carried {
        row: VersionRow {
            list,
            version: anchor.version,
            digest: anchor.sha256,
            token: copy.map_or_else(String::new, |(token, _)| token.to_owned()),
            signed: copy.map_or(anchor.updated, |(_, list)| list.issued_at),
            expires: anchor.next_update.or(expires).unwrap_or(anchor.updated),
        },
        block: Block {
            height: anchor.height,
            at: anchor.updated,
        },
        not_valid,
    }
}

fn not_valid(list: &VerifiedStatusList) -> Vec<(u32, CredentialStatus)> {
    (0..list.list.entries())
        .filter_map(|index| match list.list.get(index)? {
            Status::Valid => None,
            Status::Suspended => Some((index, CredentialStatus::Suspended)),
            // No version of this program writes another status: what it means can only be guessed, and not to the good.
            Status::Invalid | Status::ApplicationSpecific(_) => {
                Some((index, CredentialStatus::Revoked))
            }
        })
        .collect()
}

/// Puts the lists of the database and of the ledger together.
async fn find_lists(store: &Store, world: &World) -> Result<Vec<FoundList>, StoreError> {
    let mut found = Vec::new();
    for list in store.lists().await? {
        let anchored = world.lists.iter().find(|(uri, _)| *uri == list.uri);
        let mut anchor = anchored.map(|(_, anchor)| anchor.clone());
        if let Some(known) = &anchor
            && let Some(row) = store.version(list.number, known.version).await?
            && is_anchored(&row, known)
        {
            anchor = None;
        }
        found.push(FoundList {
            number: list.number,
            uri: list.uri,
            anchor,
        });
    }
    for (uri, anchor) in &world.lists {
        if found.iter().any(|list| list.uri == *uri) {
            continue;
        }
        let taken = |number: &u32| found.iter().any(|list| list.number == *number);
        let named = uri.rsplit('/').next().and_then(|last| last.parse().ok());
        let next = found.iter().map(|list| list.number).max().unwrap_or(0) + 1;
        found.push(FoundList {
            number: named.filter(|number| !taken(number)).unwrap_or(next),
            uri: uri.clone(),
            anchor: Some(anchor.clone()),
        });
    }
    Ok(found)
}

async fn find_dictionaries(
    store: &Store,
    world: &World,
    copies: &[Vec<u8>],
    lines: &mut Vec<String>,
) -> Result<Vec<DictionaryRow>, StoreError> {
    let mut rows = Vec::new();
    for configuration in Configuration::ALL {
        let vct = configuration.vct();
        let Some((_, anchor)) = world.dictionaries.iter().find(|(name, _)| name == vct) else {
            continue;
        };
        if knows_dictionary(store.dictionary(vct).await?.as_ref(), Some(anchor)) {
            continue;
        }
        let copy = copies.iter().find(|bytes| sha256(bytes) == anchor.sha256);
        lines.push(match copy {
            Some(_) => format!("dictionary of {vct}: version {} taken over", anchor.version),
            None => format!(
                "dictionary of {vct}: no copy found, so another is made after version {}",
                anchor.version
            ),
        });
        rows.push(DictionaryRow {
            vct: vct.to_owned(),
            public_url: match copy {
                Some(_) => world.seen.public_url.clone().unwrap_or_default(),
                // Of no address, so that another one is made.
                None => String::new(),
            },
            bytes: copy.cloned().unwrap_or_default(),
            version: anchor.version,
            anchored: true,
        });
    }
    Ok(rows)
}

async fn fetch_version(http: &Client, list: &FoundList) -> Option<Vec<u8>> {
    let mut url = Url::parse(&list.uri).ok()?;
    let version = list.anchor.as_ref()?.version.to_string();
    url.query_pairs_mut().append_pair("version", &version);
    let answer = http.get(&url, "application/statuslist+jwt", MAX_COPY_BYTES);
    let answer = answer.await.ok()?;
    answer.is_success().then_some(answer.body)
}

/// Reads everything that may be a copy; what it is, its digest decides.
async fn read_sources(sources: &[Source], http: &Client) -> Result<Vec<Vec<u8>>, RecoverError> {
    let mut copies = Vec::new();
    for source in sources {
        match source {
            Source::Url(url) => {
                let failed =
                    |source: Box<dyn std::error::Error + Send + Sync>| RecoverError::Source {
                        path: url.to_string(),
                        source,
                    };
                let answer = http.get(url, "*/*", MAX_COPY_BYTES).await;
                let answer = answer.map_err(|error| failed(error.into()))?;
                if !answer.is_success() {
                    return Err(failed(
                        format!("the server answers {}", answer.status).into(),
                    ));
                }
                copies.push(answer.body);
            }
            Source::Path(path) => {
                let failed = |source: std::io::Error| RecoverError::Source {
                    path: path.display().to_string(),
                    source: source.into(),
                };
                if !path.exists() {
                    return Err(failed(std::io::ErrorKind::NotFound.into()));
                }
                read_path(path, &mut copies).map_err(failed)?;
            }
        }
    }
    Ok(copies)
}

fn read_path(path: &Path, copies: &mut Vec<Vec<u8>>) -> std::io::Result<()> {
    let too_large = |text| std::io::Error::new(std::io::ErrorKind::FileTooLarge, text);
    let mut files = vec![path.to_owned()];
    let is_folder = path.is_dir();
    if is_folder {
        let entries = std::fs::read_dir(path)?;
        files = entries
            .map(|entry| Ok(entry?.path()))
            .collect::<std::io::Result<_>>()?;
    }
    let mut total: usize = copies.iter().map(Vec::len).sum();
    for file in files.iter().filter(|file| file.is_file()) {
        let length = std::fs::metadata(file)?.len();
        match length > MAX_COPY_BYTES as u64 {
            // Other files of a folder are none of ours.
            true if is_folder => continue,
            true => return Err(too_large("the file is larger than 3 MiB")),
            false => copies.push(std::fs::read(file)?),
        }
        total += length as usize;
        if total > MAX_ALL_BYTES {
            return Err(too_large("all copies together are larger than 512 MiB"));
        }
    }
    Ok(())
}
