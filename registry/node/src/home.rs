//! The directory of one validator: its key, its network's genesis, its settings and its data.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use commonware_codec::{Copying, DecodeExt as _, Encode as _};
use commonware_cryptography::{Signer as _, ed25519};
use jumin_identity::{FileKey, NetworkName, Signer as _};
use jumin_registry::GovernanceRecord;
use serde::{Deserialize, Serialize};

use crate::application::unix_ms;
use crate::genesis::Genesis;

const CONFIG: &str = "config.toml";
const GENESIS: &str = "genesis.json";
const VALIDATOR_KEY: &str = "validator.key";
const NETWORK: &str = "network.json";
const GOVERNOR: &str = "governor.pem";
const FIRST_P2P_PORT: u16 = 12_000;
const P2P_PORTS: u16 = 20_000;
const PORT_TRIES: usize = 1_000;

/// A validator's settings, `config.toml`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the HTTP API listens.
    pub api_listen: SocketAddr,
    /// Where the other validators connect.
    pub p2p_listen: SocketAddr,
    /// After this many milliseconds without operations an empty block refreshes the checkpoint.
    #[serde(default = "default_idle")]
    pub idle_block_ms: u64,
    /// Every validator's key and address, this one included.
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

fn default_idle() -> u64 {
    1000
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
            !validators.is_empty() && validators.is_sorted_by(|a, b| a < b),
            "genesis.json: the validators are not an ascending set"
        );
        ensure!(
            validators.contains(&public_key(&self.key)),
            "validator.key is not of a validator in genesis.json"
        );
        ensure!(
            (50..=60_000).contains(&self.config.idle_block_ms),
            "config.toml: idle_block_ms must be between 50 and 60000"
        );
        let peers = self.peers()?;
        ensure!(
            validators
                .iter()
                .all(|key| peers.iter().any(|(peer, _)| peer.as_ref() == key)),
            "config.toml: a validator has no address"
        );
        Ok(())
    }

    /// The validators' keys and addresses.
    pub(crate) fn peers(&self) -> anyhow::Result<Vec<(ed25519::PublicKey, SocketAddr)>> {
        let decoded = self.config.peers.iter().map(|peer| {
            let key = hex::decode(&peer.key).ok();
            let key = key.and_then(|key| ed25519::PublicKey::decode(Copying(key.as_slice())).ok());
            Ok((
                key.context("config.toml: a peer's key is not an ed25519 key")?,
                peer.address,
            ))
        });
        decoded.collect()
    }

    /// How long the registry may go without a block.
    pub(crate) fn idle(&self) -> Duration {
        Duration::from_millis(self.config.idle_block_ms)
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
        network: "dev".to_owned(),
        validators: 1,
        api_ports: vec![0],
    };
    create(home, &[home.to_owned()], &new)
}

fn create(out: &Path, homes: &[PathBuf], new: &NewNetwork) -> anyhow::Result<()> {
    ensure!(
        (1..=64).contains(&new.validators),
        "a network has 1 to 64 validators"
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
    let governor = FileKey::generate().context("cannot make the governor's key")?;
    let genesis = Genesis {
        network,
        time_ms: unix_ms(SystemTime::now()),
        governance: GovernanceRecord {
            version: 1,
            threshold: 1,
            governors: vec![governor.public_key().clone()],
        },
        validators: keys.iter().map(public_key).collect(),
    };
    let trust = genesis.trust(genesis.block()?.header()).to_json();
    let addresses = free_addresses(new.validators)?;
    let peers: Vec<_> = keys.iter().zip(&addresses).map(peer).collect();
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    for (index, home) in homes.iter().enumerate() {
        let config = Config {
            api_listen: local(new.api_ports[index]),
            p2p_listen: addresses[index],
            idle_block_ms: default_idle(),
            peers: peers.clone(),
        };
        write_home(home, &keys[index], &genesis, &trust, &config)?;
    }
    write(&out.join(NETWORK), &trust)?;
    write_secret(&out.join(GOVERNOR), governor.to_pkcs8_pem().as_bytes())
}

fn write_home(
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
    // Last, because its presence says that the home is complete.
    write(
        &home.join(CONFIG),
        toml::to_string_pretty(config)?.as_bytes(),
    )
}

fn new_key() -> anyhow::Result<ed25519::PrivateKey> {
    let seed: [u8; 32] = jumin_identity::random_bytes();
    let key = ed25519::PrivateKey::decode(Copying(seed.as_slice()));
    key.map_err(|_| anyhow::anyhow!("cannot make a validator's key"))
}

fn public_key(key: &ed25519::PrivateKey) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(key.public_key().as_ref());
    bytes
}

fn peer((key, address): (&ed25519::PrivateKey, &SocketAddr)) -> Peer {
    Peer {
        key: hex::encode(public_key(key)),
        address: *address,
    }
}

fn local(port: u16) -> SocketAddr {
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

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Writes a file that only its owner can read.
fn write_secret(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path);
    file.and_then(|mut file| file.write_all(bytes))
        .with_context(|| format!("cannot write {}", path.display()))
}
