//! The directory of one validator: its key, its network's genesis, its settings and its data.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519};
use jumin_http::{TrustedProxies, Url};
use jumin_identity::{FileKey, NetworkName, Signer as _};
use jumin_registry::{
    GovernanceRecord, MAX_NETWORK_VALIDATORS, MAX_SIGNATURES, NetworkTrust, Validator,
};
use serde::{Deserialize, Serialize};

use crate::application::unix_ms;
use crate::genesis::{DEFAULT_IDLE_BLOCK_MS, Genesis};
use crate::mempool::Capacity;
use crate::upkeep::Upkeep;
use crate::votes;

pub(crate) const CONFIG: &str = "config.toml";
const GENESIS: &str = "genesis.json";
const VALIDATOR_KEY: &str = "validator.key";
const NETWORK: &str = "network.json";
const GOVERNOR: &str = "governor.pem";
const FIRST_P2P_PORT: u16 = 12_000;
const P2P_PORTS: u16 = 20_000;
const EPOCH_BLOCKS: u64 = 1_000;
const MIN_EPOCH_BLOCKS: u64 = 2;
const MAX_EPOCH_BLOCKS: u64 = 1_000_000;
/// Somebody who tries things out is not to wait for a block.
const DEV_IDLE_BLOCK_MS: u64 = 1_000;
const IDLE_BLOCK_MS: RangeInclusive<u64> = 50..=60_000;
const MAX_KEEP_DAYS: u32 = 36_500;
const PORT_TRIES: usize = 1_000;
/// More would only make a start without any that answers last longer.
const MAX_SOURCES: usize = 16;
const MAX_PENDING: usize = 1_000_000;

/// A validator's settings, `config.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the HTTP API listens.
    pub api_listen: SocketAddr,
    /// Where the other validators connect.
    pub p2p_listen: SocketAddr,
    /// After so many milliseconds without operations an empty block refreshes the checkpoint, where the network's members
    /// agreed on another time than genesis.json has. All must have the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_block_ms: Option<u64>,
    /// For how many days blocks and what the explorer shows of them are kept.
    #[serde(default = "default_keep_days")]
    pub keep_days: u32,
    /// Keeps all blocks for good.
    #[serde(default)]
    pub archive: bool,
    /// How many requests one address may make in a second.
    #[serde(default = "default_requests")]
    pub requests_per_second: u32,
    /// Reverse proxies before the API: requests through them count for who `X-Forwarded-For` says asks.
    #[serde(default, skip_serializing_if = "TrustedProxies::is_empty")]
    pub trusted_proxies: TrustedProxies,
    /// How many operations may wait for a block.
    #[serde(default = "default_pending")]
    pub max_pending: usize,
    /// How many of them may come from one submitter.
    #[serde(default = "default_pending_per_submitter")]
    pub max_pending_per_submitter: usize,
    /// Nodes to fetch the state from when there is none yet, base URLs; without any, all blocks are replayed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sync: Vec<String>,
    /// Nodes to connect to beside the validators on the ledger, or by other addresses than there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<Peer>,
}

/// Where a validator is reached by the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Peer {
    /// ed25519 public key in hexadecimal.
    pub key: String,
    pub address: SocketAddr,
}

fn default_keep_days() -> u32 {
    30
}

impl Config {
    pub(crate) fn new(api_listen: SocketAddr, p2p_listen: SocketAddr) -> Self {
        Self {
            api_listen,
            p2p_listen,
            idle_block_ms: None,
            keep_days: default_keep_days(),
            archive: false,
            requests_per_second: default_requests(),
            trusted_proxies: TrustedProxies::default(),
            max_pending: default_pending(),
            max_pending_per_submitter: default_pending_per_submitter(),
            sync: Vec::new(),
            peers: Vec::new(),
        }
    }

    /// How many operations may wait.
    pub(crate) fn capacity(&self) -> Capacity {
        Capacity {
            operations: self.max_pending,
            per_submitter: self.max_pending_per_submitter,
        }
    }
}

fn default_requests() -> u32 {
    5_000
}

fn default_pending() -> usize {
    Capacity::default().operations
}

fn default_pending_per_submitter() -> usize {
    Capacity::default().per_submitter
}

/// Everything a validator needs to start.
pub(crate) struct Home {
    pub path: PathBuf,
    pub config: Config,
    pub genesis: Genesis,
    pub key: ed25519::PrivateKey,
}

impl Home {
    /// Reads a home that `init` or `dev` made.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let config = read(&path.join(CONFIG))?;
        let config = std::str::from_utf8(&config).context("config.toml is not UTF-8")?;
        let config: Config = toml::from_str(config).context("config.toml can't be used")?;
        let genesis = read(&path.join(GENESIS))?;
        let genesis: Genesis =
            serde_json::from_slice(&genesis).context("genesis.json can't be used")?;
        let key = read(&path.join(VALIDATOR_KEY))?;
        let key = hex::decode(key.trim_ascii()).context("validator.key is not hexadecimal")?;
        let key = ed25519::PrivateKey::decode(Copying(key.as_slice()));
        let key = key.map_err(|_| anyhow::anyhow!("validator.key is not an ed25519 key"))?;
        let home = Self {
            path: path.to_owned(),
            config,
            genesis,
            key,
        };
        home.check()?;
        Ok(home)
    }

    fn check(&self) -> anyhow::Result<()> {
        let validators = &self.genesis.validators;
        ensure!(
            !validators.is_empty() && validators.is_sorted_by(|a, b| a.key < b.key),
            "genesis.json: the validators are not an ascending set"
        );
        ensure!(
            (MIN_EPOCH_BLOCKS..=MAX_EPOCH_BLOCKS).contains(&self.genesis.epoch_blocks),
            "genesis.json: an epoch has 2 to 1000000 blocks"
        );
        ensure!(
            IDLE_BLOCK_MS.contains(&self.idle_block_ms()),
            "genesis.json, config.toml: idle_block_ms must be between 50 and 60000"
        );
        ensure!(
            (1..=MAX_KEEP_DAYS).contains(&self.config.keep_days),
            "config.toml: keep_days must be between 1 and {MAX_KEEP_DAYS}; to keep all blocks say archive = true"
        );
        ensure!(
            self.config.requests_per_second >= 1
                && (1..=MAX_PENDING).contains(&self.config.max_pending)
                && (1..=MAX_PENDING).contains(&self.config.max_pending_per_submitter),
            "config.toml: requests_per_second must be at least 1, max_pending and max_pending_per_submitter between 1 and {MAX_PENDING}"
        );
        self.sources()?;
        let peers = self.peers()?;
        ensure!(
            peers.len() <= MAX_NETWORK_VALIDATORS,
            "config.toml: too many peers"
        );
        Ok(())
    }

    /// The nodes that the settings name beside the validators on the ledger, or with other addresses.
    pub(crate) fn peers(&self) -> anyhow::Result<BTreeMap<[u8; 32], SocketAddr>> {
        let decoded = self.config.peers.iter().map(|peer| {
            let key = hex::decode(&peer.key).ok();
            let key = key.filter(|key| ed25519::PublicKey::decode(Copying(key.as_slice())).is_ok());
            let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
            Ok((
                key.context("config.toml: a peer's key is not an ed25519 key")?,
                peer.address,
            ))
        });
        decoded.collect()
    }

    /// The nodes to fetch the state from.
    pub(crate) fn sources(&self) -> anyhow::Result<Vec<Url>> {
        ensure!(
            self.config.sync.len() <= MAX_SOURCES,
            "config.toml: too many nodes under sync"
        );
        let parsed = self.config.sync.iter().map(|url| url.parse::<Url>());
        parsed
            .collect::<Result<_, _>>()
            .context("config.toml: sync is a list of URLs")
    }

    /// The validators that this node was told to trust.
    pub(crate) fn trust(&self) -> anyhow::Result<NetworkTrust> {
        let trust = NetworkTrust::from_json(&read(&self.path.join(NETWORK))?)?;
        let genesis = self.genesis.block()?.header().digest();
        ensure!(
            trust.genesis == genesis && trust.network == self.genesis.network,
            "network.json is of another network than genesis.json"
        );
        Ok(trust)
    }

    /// This node's public key.
    pub(crate) fn public_key(&self) -> [u8; 32] {
        public_key(&self.key)
    }

    /// How long the registry may go without a block.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.idle_block_ms())
    }

    fn idle_block_ms(&self) -> u64 {
        let agreed = self.config.idle_block_ms;
        agreed.unwrap_or(self.genesis.idle_block_ms)
    }

    /// What this node keeps of the past.
    pub(crate) fn upkeep(&self) -> Upkeep {
        let upkeep = match self.config.archive {
            true => Upkeep::archive(),
            false => Upkeep::of_days(self.config.keep_days),
        };
        upkeep.by_key(&self.public_key())
    }

    /// The state database.
    pub(crate) fn state(&self) -> PathBuf {
        self.data().join("state.redb")
    }

    /// Where data is kept.
    pub(crate) fn data(&self) -> PathBuf {
        self.path.join("data")
    }
}

/// How a new network is laid out.
pub struct NewNetwork {
    /// The network's name, as in its DIDs.
    pub network: String,
    /// How many validators it has.
    pub validators: usize,
    /// The API port of each validator; 0 lets the system choose at each start.
    pub api_ports: Vec<u16>,
    /// How many blocks an epoch has; validators change between epochs only.
    pub epoch_blocks: u64,
    /// After how many milliseconds without operations an empty block comes.
    pub idle_block_ms: u64,
    /// How many governors it has.
    pub governors: usize,
    /// How many governors must sign.
    pub threshold: u8,
}

impl Default for NewNetwork {
    fn default() -> Self {
        Self {
            network: "dev".to_owned(),
            validators: 1,
            api_ports: vec![0],
            epoch_blocks: EPOCH_BLOCKS,
            idle_block_ms: DEFAULT_IDLE_BLOCK_MS,
            governors: 1,
            threshold: 1,
        }
    }
}

/// Writes the homes of a new network's validators below `out`, its trust file and its governor's key.
///
/// # Errors
/// When the name or the numbers can't be used, a home exists already, or a file can't be written.
pub fn init(out: &Path, new: &NewNetwork) -> anyhow::Result<()> {
    let homes: Vec<_> = (0..new.validators)
        .map(|index| out.join(format!("node-{index}")))
        .collect();
    create(out, &homes, new)
}

/// Writes the home of a development network's only validator, unless it is there.
///
/// # Errors
/// As [`init`].
pub fn init_dev(home: &Path) -> anyhow::Result<()> {
    if home.join(CONFIG).exists() {
        return Ok(());
    }
    let new = NewNetwork {
        idle_block_ms: DEV_IDLE_BLOCK_MS,
        ..NewNetwork::default()
    };
    create(home, &[home.to_owned()], &new)
}

fn create(out: &Path, homes: &[PathBuf], new: &NewNetwork) -> anyhow::Result<()> {
    ensure!(
        (1..=64).contains(&new.validators),
        "a network has 1 to 64 validators"
    );
    ensure!(
        (1..=MAX_SIGNATURES).contains(&new.governors)
            && (1..=new.governors).contains(&usize::from(new.threshold)),
        "a network has 1 to {MAX_SIGNATURES} governors, and at most that many must sign"
    );
    ensure!(
        (MIN_EPOCH_BLOCKS..=MAX_EPOCH_BLOCKS).contains(&new.epoch_blocks),
        "an epoch has {MIN_EPOCH_BLOCKS} to {MAX_EPOCH_BLOCKS} blocks"
    );
    ensure!(
        IDLE_BLOCK_MS.contains(&new.idle_block_ms),
        "an idle network makes a block every 50 to 60000 milliseconds"
    );
    ensure!(
        new.api_ports.len() == new.validators,
        "one API port for each validator is needed"
    );
    let network: NetworkName = new
        .network
        .parse()
        .ok()
        .context("a network's name is 1 to 24 of a-z, 0-9 and '-'")?;
    for home in homes {
        if home.join(CONFIG).exists() {
            bail!("{} holds a validator already", home.display());
        }
    }
    let mut keys: Vec<_> = (0..new.validators)
        .map(|_| new_key())
        .collect::<Result<_, _>>()?;
    keys.sort_by_key(public_key);
    let governors = (0..new.governors).map(|_| FileKey::generate());
    let governors: Vec<_> = governors
        .collect::<Result<_, _>>()
        .context("cannot make a governor's key")?;
    let addresses = free_addresses(new.validators)?;
    let listed = keys.iter().zip(&addresses).enumerate();
    let validators = listed.map(|(index, (key, address))| Validator {
        key: public_key(key),
        address: *address,
        name: format!("node-{index}"),
    });
    let genesis = Genesis {
        network,
        time_ms: unix_ms(SystemTime::now()),
        governance: GovernanceRecord {
            version: 1,
            threshold: new.threshold,
            governors: governors
                .iter()
                .map(|key| key.public_key().clone())
                .collect(),
        },
        epoch_blocks: new.epoch_blocks,
        idle_block_ms: new.idle_block_ms,
        validators: validators.collect(),
    };
    let trust = genesis.trust(genesis.block()?.header()).to_json();
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    for (index, home) in homes.iter().enumerate() {
        let config = Config::new(local(new.api_ports[index]), addresses[index]);
        write_home(home, &keys[index], &genesis, &trust, &config)?;
    }
    write(&out.join(NETWORK), &trust)?;
    for (index, governor) in governors.iter().enumerate() {
        // The first keeps the name that a network of one governor gives it.
        let name = match index {
            0 => GOVERNOR.to_owned(),
            _ => format!("governor-{index}.pem"),
        };
        write_secret(&out.join(name), governor.to_pkcs8_pem().as_bytes())?;
    }
    Ok(())
}

pub(crate) fn write_home(
    home: &Path,
    key: &ed25519::PrivateKey,
    genesis: &Genesis,
    trust: &[u8],
    config: &Config,
) -> anyhow::Result<()> {
    fs::create_dir_all(home).with_context(|| format!("cannot create {}", home.display()))?;
    write_secret(
        &home.join(VALIDATOR_KEY),
        hex::encode(key.encode()).as_bytes(),
    )?;
    write(&home.join(GENESIS), &serde_json::to_vec_pretty(genesis)?)?;
    write(&home.join(NETWORK), trust)?;
    votes::mark_new(home)?;
    // Last, because its presence says that the home is complete.
    write(
        &home.join(CONFIG),
        toml::to_string_pretty(config)?.as_bytes(),
    )
}

pub(crate) fn new_key() -> anyhow::Result<ed25519::PrivateKey> {
    let seed: [u8; 32] = jumin_identity::random_bytes();
    let key = ed25519::PrivateKey::decode(Copying(seed.as_slice()));
    key.map_err(|_| anyhow::anyhow!("cannot make a validator's key"))
}

pub(crate) fn public_key(key: &ed25519::PrivateKey) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(key.public_key().as_ref());
    bytes
}

pub(crate) fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Finds loopback ports for the validators' connections that nobody listens on now.
///
/// They lie below the ports that systems give out by themselves, so that they are still free after a restart.
fn free_addresses(count: usize) -> anyhow::Result<Vec<SocketAddr>> {
    if count == 1 {
        // Nobody connects to a validator that is alone.
        return Ok(vec![local(0)]);
    }
    // All are held at once, so that no port is given twice.
    let mut listeners = Vec::with_capacity(count);
    for _ in 0..PORT_TRIES {
        if listeners.len() == count {
            break;
        }
        let random = u16::from_be_bytes(jumin_identity::random_bytes());
        let port = FIRST_P2P_PORT + random % P2P_PORTS;
        listeners.extend(TcpListener::bind(local(port)));
    }
    ensure!(
        listeners.len() == count,
        "cannot find free ports for the validators"
    );
    let addresses = listeners.iter().map(TcpListener::local_addr);
    Ok(addresses.collect::<Result<_, _>>()?)
}

pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

pub(crate) fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Replaces a file whole or not at all, whatever happens meanwhile: after a power cut too it is the old or the new one.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    write(&new, bytes)?;
    sync(&new)?;
    fs::rename(&new, path).with_context(|| format!("cannot write {}", path.display()))?;
    path.parent().map_or(Ok(()), sync)
}

/// Has the system write a file or a directory to the disk.
pub(crate) fn sync(path: &Path) -> anyhow::Result<()> {
    let synced = fs::File::open(path).and_then(|file| file.sync_all());
    synced.with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that only its owner can read.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}
