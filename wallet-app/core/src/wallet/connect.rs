//! What the wallet needs to talk to others: the ledger's nodes, an HTTP client, the authorities it trusts.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jumin_http::{Client, HttpError, TRUST_ANCHORS_VARIABLE, Url};
use jumin_registry::client::{LedgerClient, PreferredNode};
use jumin_registry::{
    AnchorKind, Lookup, LookupRecord, NetworkTrust, Record, RecordKey, TrustError as TrustFileError,
};
use tokio::task::JoinSet;

use super::Wallet;
use crate::issuance::{IssuanceError, secure_url};
use crate::online::Anchors;
use crate::present::PresentError;
use crate::store::Setup;
use crate::trust::{BundleView, CheckedAgainst, LedgerReader, RecordSource, TrustError};
use crate::vault::VaultError;

const ANCHORS_MAX: u64 = 1 << 20;
const DICTIONARY_MAX: usize = 256 * 1024;

/// Makes the source of proven records for one operation.
pub(super) type Source =
    Arc<dyn Fn(&Setup, &Client) -> Option<Box<dyn RecordSource>> + Send + Sync>;

/// Is the network that a new wallet belongs to.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    /// Are the nodes to ask, in order.
    pub nodes: Vec<Url>,
    /// Is what the network's answers are checked against.
    pub trust: NetworkTrust,
    /// Is a PEM file of further authorities, for TLS and for verifiers' certificates.
    pub trust_anchors: Option<PathBuf>,
}

/// Says why the settings of a new wallet are refused.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// A node's URL is not https, nor http on this machine.
    #[error("{0} is not an https URL (plain http is for this machine only)")]
    Node(String),
    /// No node was named.
    #[error("name at least one node")]
    NoNode,
    /// The trust file can't be read.
    #[error("the network's trust file can't be read")]
    TrustFile(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The file of authorities can't be read.
    #[error("the file of trust anchors can't be read")]
    Anchors(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SettingsError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Node(_) | Self::NoNode => "bad_node",
            Self::TrustFile(_) => "bad_trust_file",
            Self::Anchors(_) => "trust_anchors_unreadable",
        }
    }
}

impl Setup {
    /// Keeps a network file's content.
    pub(super) fn of(network: &NetworkSettings) -> Self {
        Self {
            nodes: network.nodes.iter().map(ToString::to_string).collect(),
            trust: network.trust.clone(),
            followed: None,
            trust_anchors: network.trust_anchors.clone(),
        }
    }
}

impl NetworkSettings {
    /// Takes node URLs, the bytes of `network.json`, and a PEM file of further authorities.
    pub fn new(
        nodes: &[String],
        trust_file: &[u8],
        trust_anchors: Option<&Path>,
    ) -> Result<Self, SettingsError> {
        if nodes.is_empty() {
            return Err(SettingsError::NoNode);
        }
        let nodes = nodes
            .iter()
            .map(|node| secure_url(node).ok_or_else(|| SettingsError::Node(node.clone())))
            .collect::<Result<_, _>>()?;
        let trust = NetworkTrust::from_json(trust_file)
            .map_err(|error: TrustFileError| SettingsError::TrustFile(error.into()))?;
        let trust_anchors = trust_anchors
            .map(|path| {
                let pem =
                    read_bounded(path).map_err(|error| SettingsError::Anchors(error.into()))?;
                let readable = Anchors::from_pem(&pem).is_some();
                readable
                    .then(|| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
                    .ok_or_else(|| SettingsError::Anchors("not a PEM file of certificates".into()))
            })
            .transpose()?;
        Ok(Self {
            nodes,
            trust,
            trust_anchors,
        })
    }
}

/// Says why there is no connection to anybody, or nothing to believe.
pub(super) enum ConnectError {
    Vault(VaultError),
    Http(HttpError),
    Trust(TrustError),
}

impl From<VaultError> for ConnectError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<TrustError> for ConnectError {
    fn from(error: TrustError) -> Self {
        Self::Trust(error)
    }
}

impl From<ConnectError> for IssuanceError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Trust(error) => Self::Trust(error),
            ConnectError::Vault(error) => Self::Vault(error),
            ConnectError::Http(error) => Self::Http(error),
        }
    }
}

impl From<ConnectError> for PresentError {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Trust(error) => Self::Trust(error),
            ConnectError::Vault(error) => Self::Vault(error),
            ConnectError::Http(error) => Self::Http(error),
        }
    }
}

/// Is what one operation talks through.
pub(super) struct Connections {
    pub http: Client,
    pub anchors: Anchors,
    pub ledger: LedgerReader,
    pub trust: NetworkTrust,
}

pub(super) fn nodes_over_http() -> Source {
    // Every operation has its own client; the node that answered one of them is asked first by the next.
    let preferred = PreferredNode::default();
    Arc::new(move |setup, http| {
        let nodes = setup.nodes.iter().filter_map(|node| Url::parse(node).ok());
        let client = LedgerClient::new(nodes.collect(), setup.trust.clone(), http.clone());
        let client = client
            .with_followed(setup.followed.clone())
            .with_preferred(preferred.clone());
        Some(Box::new(client))
    })
}

impl Wallet {
    pub(super) fn connect(&self) -> Result<Connections, ConnectError> {
        let mut setup = self.setup()?;
        setup.followed = self.with(|database| database.followed())?;
        let remembered = self.with(|database| database.remembered())?;
        let (http, anchors) = authorities(setup.trust_anchors.as_deref())?;
        let source =
            (self.source)(&setup, &http).ok_or(ConnectError::Vault(VaultError::Damaged {
                file: "wallet.db",
            }))?;
        Ok(Connections {
            ledger: LedgerReader::new(source, remembered),
            trust: setup.trust,
            http,
            anchors,
        })
    }

    /// Remembers the newest checkpoint that an operation saw.
    pub(super) fn remember(&self, connections: &Connections) -> Result<(), VaultError> {
        if let Some(followed) = connections.ledger.followed() {
            self.with(|database| database.set_followed(&followed))?;
        }
        match connections.ledger.remembered() {
            Some(seen) => self.with(|database| database.remember(seen)),
            None => Ok(()),
        }
    }

    /// Fetches the ledger's records for offline use, and newer dictionaries for the codes of the documents here.
    pub async fn sync(&self, now: u64) -> Result<CheckedAgainst, PresentError> {
        let connections = self.connect()?;
        let view = self.refresh_bundle(&connections, now).await?;
        self.refresh_dictionaries(&connections.http, &view).await?;
        Ok(CheckedAgainst {
            online: true,
            ..view.checked(now)
        })
    }

    /// Fetches the dictionaries that changed from all issuers at once, and keeps each as it comes: an issuer that doesn't
    /// answer keeps no other's from being renewed.
    async fn refresh_dictionaries(
        &self,
        http: &Client,
        view: &BundleView,
    ) -> Result<(), PresentError> {
        let (mut fetches, mut asked) = (JoinSet::new(), BTreeSet::new());
        for document in self.with(|database| database.documents())? {
            let (issuer, vct) = (document.issuer, document.vct);
            let key = dictionary_key(&issuer, &vct);
            let Some(digest) = key.and_then(|key| anchored(&view.bundle, &key)) else {
                continue;
            };
            let known = document.dictionary.as_deref().map(jumin_identity::sha256);
            if known == Some(digest) || !asked.insert((issuer.clone(), vct.clone())) {
                continue;
            }
            let (http, issuer_url) = (http.clone(), document.issuer_url);
            fetches.spawn(async move {
                let found = fetch_dictionary(&http, &issuer_url, &vct, &digest).await;
                (issuer, vct, found)
            });
        }
        while let Some(fetched) = fetches.join_next().await {
            if let Ok((issuer, vct, Some(found))) = fetched {
                self.with(|database| database.set_dictionary(&issuer, &vct, &found))?;
            }
        }
        Ok(())
    }

    /// Says how old the wallet's own copy of the ledger's records is; `None` if it has none that still serves.
    pub fn records(&self, now: u64) -> Result<Option<CheckedAgainst>, VaultError> {
        let trust = self.setup()?.trust;
        let bytes = self.with(|database| database.bundle())?;
        let view = BundleView::read(bytes.as_deref(), &trust, now);
        Ok(view.ok().map(|view| view.checked(now)))
    }

    /// Returns the nodes that this wallet asks.
    pub fn nodes(&self) -> Result<Vec<String>, VaultError> {
        Ok(self.setup()?.nodes)
    }

    pub(super) async fn refresh_bundle(
        &self,
        connections: &Connections,
        now: u64,
    ) -> Result<BundleView, ConnectError> {
        let (bytes, bundle) = connections.ledger.bundle(now).await?;
        self.remember(connections)?;
        self.with(|database| database.set_bundle(&bytes))?;
        Ok(BundleView { bundle })
    }

    /// Returns the ledger's records, from a node if one answers, else from the wallet's own copy.
    pub(super) async fn newest_bundle(
        &self,
        connections: &Connections,
        now: u64,
    ) -> Result<(BundleView, bool), ConnectError> {
        match self.refresh_bundle(connections, now).await {
            Err(ConnectError::Trust(TrustError::Unreachable(_))) => {}
            answered => return Ok((answered?, true)),
        }
        let bytes = self.with(|database| database.bundle())?;
        let view = BundleView::read(bytes.as_deref(), &connections.trust, now)?;
        Ok((view, false))
    }
}

/// Fetches the dictionary of an issuer's codes and checks it against its anchor; codes are only larger without one.
pub(super) async fn dictionary(
    connections: &Connections,
    issuer: &str,
    issuer_url: &str,
    vct: &str,
    now: u64,
) -> Option<Vec<u8>> {
    let key = dictionary_key(issuer, vct)?;
    let proven = connections.ledger.record(&key, now).await.ok()?;
    let Some(Record::Anchor(anchor)) = proven.record else {
        return None;
    };
    fetch_dictionary(&connections.http, issuer_url, vct, &anchor.sha256).await
}

fn dictionary_key(issuer: &str, vct: &str) -> Option<RecordKey> {
    Some(RecordKey::Anchor {
        issuer: issuer.parse().ok()?,
        kind: AnchorKind::Dictionary,
        name: vct.to_owned(),
    })
}

fn anchored(records: &dyn LookupRecord, key: &RecordKey) -> Option<[u8; 32]> {
    match records.lookup(key) {
        Lookup::Present(Record::Anchor(anchor)) => Some(anchor.sha256),
        _ => None,
    }
}

async fn fetch_dictionary(
    http: &Client,
    issuer_url: &str,
    vct: &str,
    digest: &[u8; 32],
) -> Option<Vec<u8>> {
    let url = below(issuer_url, "dictionaries", vct)?;
    let answer = http.get(&url, "*/*", DICTIONARY_MAX).await.ok()?;
    let right = answer.is_success() && jumin_identity::sha256(&answer.body) == *digest;
    right.then_some(answer.body)
}

/// Appends a folder and a name to an issuer's URL.
pub(super) fn below(issuer_url: &str, folder: &str, name: &str) -> Option<Url> {
    let mut url = secure_url(issuer_url)?;
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .push(folder)
        .push(name);
    Some(url)
}

/// Reads the authorities named in the settings and in the environment; both serve TLS and verifiers' certificates.
fn authorities(setting: Option<&Path>) -> Result<(Client, Anchors), ConnectError> {
    let variable = std::env::var_os(TRUST_ANCHORS_VARIABLE).filter(|path| !path.is_empty());
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| {
        ConnectError::Http(HttpError::TrustAnchors(error))
    };
    let mut pem = Vec::new();
    for path in [setting, variable.as_deref().map(Path::new)]
        .into_iter()
        .flatten()
    {
        pem.extend(read_bounded(path).map_err(|error| unreadable(error.into()))?);
        pem.push(b'\n');
    }
    let http = match pem.is_empty() {
        true => Client::new(),
        false => Client::with_roots_pem(&pem),
    };
    let anchors = match pem.is_empty() {
        true => Anchors::none(),
        false => Anchors::from_pem(&pem)
            .ok_or_else(|| unreadable("not a PEM file of certificates".into()))?,
    };
    Ok((http.map_err(ConnectError::Http)?, anchors))
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    std::fs::File::open(path)?
        .take(ANCHORS_MAX)
        .read_to_end(&mut out)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jumin_registry::{Localized, Role};

    use super::super::stage::{CARD, NOW, Stage};
    use super::*;
    use crate::store::{ActivityKind, NewActivity, NewDocument};

    const DICTIONARY: &[u8] = b"what cards of this issuer have in common";

    /// Gives the wallet a document of a new agency at `url`, which has anchored a dictionary; returns the agency's DID.
    fn hold_document(stage: &Stage, url: &str) -> String {
        let mut ledger = stage.ledger.ledger.lock().unwrap();
        ledger.set_time(NOW - 800);
        let agency = ledger.agency();
        ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW - 900, NOW + 900);
        let digest = jumin_identity::sha256(DICTIONARY);
        ledger.anchor(&agency, AnchorKind::Dictionary, CARD, 1, digest, None);
        let issuer = agency.did.to_string();
        let document = NewDocument {
            vct: CARD.to_owned(),
            configuration: "resident-card".to_owned(),
            issuer: issuer.clone(),
            issuer_url: url.to_owned(),
            issuer_name: Localized {
                ko: "기관".to_owned(),
                en: "Agency".to_owned(),
            },
            type_metadata: b"{}".to_vec(),
            dictionary: None,
            issued_at: NOW,
            not_before: NOW,
            expires: NOW + 900,
            copies: Vec::new(),
        };
        let activity = NewActivity {
            kind: ActivityKind::Accepted,
            vct: Some(CARD.to_owned()),
            party: None,
            claims: Vec::new(),
            outcome: "stored",
        };
        let added = stage
            .wallet
            .with(|database| database.add_document(&document, &activity, NOW));
        added.unwrap();
        issuer
    }

    fn has_dictionary(stage: &Stage, issuer: &str) -> bool {
        let documents = stage.wallet.with(|database| database.documents()).unwrap();
        let of_issuer = documents.iter().find(|one| one.issuer == issuer).unwrap();
        of_issuer.dictionary.as_deref() == Some(DICTIONARY)
    }

    #[tokio::test]
    async fn dictionary_is_renewed_while_the_servers_of_other_issuers_hang() {
        let stage = Stage::new().await;
        let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mute = format!("http://{}", mute.local_addr().unwrap());
        let answering = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", answering.local_addr().unwrap());
        let app = axum::Router::new().fallback(|| async { DICTIONARY });
        tokio::spawn(async move { axum::serve(answering, app).await });
        hold_document(&stage, &mute);
        let issuer = hold_document(&stage, &url);
        hold_document(&stage, &mute);

        let mut sync = std::pin::pin!(stage.wallet.sync(NOW));
        while !has_dictionary(&stage, &issuer) {
            tokio::select! {
                ended = &mut sync => panic!("{ended:?}"),
                () = tokio::time::sleep(Duration::from_millis(5)) => {}
            }
        }
    }
}
