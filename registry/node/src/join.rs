//! The home of a node that is to become a validator of a network that runs.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::Args;
use commonware_cryptography::Signer as _;
use jumin_http::Url;
use jumin_registry::{NetworkTrust, NewValidator, POSSESSION_NAMESPACE, possession_statement};

use crate::genesis::Genesis;
use crate::home::{CONFIG, Config, Peer, local, new_key, public_key, read, write, write_home};

/// Writes the home of a node that is to become a validator, and what the governors need to add it.
#[derive(Args)]
pub struct Join {
    /// The directory to write to.
    #[arg(long)]
    home: PathBuf,
    /// The network's genesis.json, from a member.
    #[arg(long)]
    genesis: PathBuf,
    /// The network's present trust file, from a member; without it the validators of genesis are trusted.
    #[arg(long)]
    network: Option<PathBuf>,
    /// The agency that runs the node.
    #[arg(long)]
    name: String,
    /// Where the node listens for the other validators.
    #[arg(long)]
    p2p_listen: SocketAddr,
    /// Where the others reach it, if that is another address.
    #[arg(long)]
    p2p_address: Option<SocketAddr>,
    /// Validators that the node can reach beside those of genesis, KEY@ADDRESS with the key in hexadecimal.
    #[arg(long)]
    peer: Vec<String>,
    /// Nodes to fetch the state from instead of replaying all blocks, base URLs; the first that proves one is used.
    #[arg(long)]
    sync: Vec<Url>,
}

/// Writes the home, and `validator.json` for the governors, which proves that the node holds its key.
///
/// # Errors
/// When the genesis, the trust file or a peer can't be used, or a file can't be written.
pub fn join(node: &Join) -> anyhow::Result<()> {
    let genesis: Genesis =
        serde_json::from_slice(&read(&node.genesis)?).context("genesis.json can't be used")?;
    let trust = trust(node, &genesis)?.to_json();
    let address = node.p2p_address.unwrap_or(node.p2p_listen);
    let peers = node.peer.iter().map(|peer| {
        let (key, address) = peer.split_once('@').context("a peer is KEY@ADDRESS")?;
        Ok(Peer {
            key: key.to_owned(),
            address: address.parse().context("a peer's address can't be used")?,
        })
    });
    let config = Config {
        peers: peers.collect::<anyhow::Result<_>>()?,
        sync: node.sync.iter().map(Url::to_string).collect(),
        ..Config::new(local(0), node.p2p_listen)
    };
    let home = node.home.display();
    ensure!(
        !node.home.join(CONFIG).exists(),
        "{home} holds a validator already"
    );
    let key = new_key()?;
    let public = public_key(&key);
    let statement = possession_statement(&genesis.network, &public, address);
    let validator = NewValidator {
        key: public,
        address,
        name: node.name.clone(),
        proof: key.sign(POSSESSION_NAMESPACE, &statement).as_ref().to_vec(),
    };
    std::fs::create_dir_all(&node.home).with_context(|| format!("cannot create {home}"))?;
    let path = node.home.join("validator.json");
    write(&path, &serde_json::to_vec_pretty(&validator)?)?;
    write_home(&node.home, &key, &genesis, &trust, &config)?;
    println!("{}", path.display());
    Ok(())
}

fn trust(node: &Join, genesis: &Genesis) -> anyhow::Result<NetworkTrust> {
    let first = genesis.trust(genesis.block()?.header());
    let Some(path) = &node.network else {
        return Ok(first);
    };
    let trust = NetworkTrust::from_json(&read(path)?)?;
    ensure!(
        trust.genesis == first.genesis && trust.network == first.network,
        "{} is of another network than the genesis",
        path.display()
    );
    Ok(trust)
}
