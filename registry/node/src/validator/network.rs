//! The authenticated connections between validators and the channels on them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use commonware_codec::{Copying, DecodeExt as _};
use commonware_consensus::marshal::{self, standard::Standard};
use commonware_consensus::simplex;
use commonware_cryptography::{ChaCha20Poly1305, ed25519, sha256};
use commonware_p2p::authenticated::lookup;
use commonware_p2p::utils::mux::prefixed;
use commonware_p2p::{Address, AddressableManager};
use commonware_runtime::{Quota, Supervisor as _, tokio as runtime};
use commonware_stream::{cups, sake};
use commonware_utils::{NZU32, NZUsize, ordered};
use jumin_registry::{MAX_NETWORK_VALIDATORS, ValidatorsRecord};

use super::MAILBOX;
use super::past::MAX_MESSAGE_BYTES;
use super::world::{Channels, Machine};
use crate::Scheme;
use crate::block::Block;
use crate::exchange::MAX_BATCH_BYTES;
use crate::home::Home;

/// How many nodes may join before this one has to be restarted to connect to more.
const HEADROOM: usize = 8;
/// How many changes of validators ago a node may have been one and is still connected to.
const TRACKED_SETS: NonZeroUsize = NZUsize!(2);

type Handshake = cups::Cups<sake::Sake<ed25519::PrivateKey>, ChaCha20Poly1305>;
pub(super) type Network = lookup::Network<runtime::Context, Handshake>;
type Oracle = lookup::Oracle<ed25519::PublicKey>;

/// How many nodes this one connects to at most, itself included. Every queue of the network is as long as this asks for and
/// takes its memory at once, so it follows the validators of now rather than the most there may ever be.
pub(super) fn limit(set: &ValidatorsRecord, settled: usize) -> NonZeroUsize {
    let listed = set.current.len() + set.next.as_ref().map_or(0, |next| next.validators.len());
    NonZeroUsize::MIN.saturating_add(listed + settled + HEADROOM)
}

/// Prepares the network of the validators in `home`; nothing is sent before it is started.
pub(super) fn open(
    context: &runtime::Context,
    home: &Home,
    namespace: &[u8],
    limit: NonZeroUsize,
) -> anyhow::Result<(Network, Oracle, Channels<Machine>)> {
    let committee = u32::try_from(MAX_NETWORK_VALIDATORS)?;
    let mut config = lookup::Config::local(
        handshake(home.key.clone()),
        namespace,
        home.config.p2p_listen,
        limit,
        commonware_p2p::max_message_size(&[
            // Each epoch has a channel of its own within the engine's channels.
            prefixed(simplex::max_payload_size::<Scheme, sha256::Digest>(
                committee,
            )),
            marshal::max_payload_size::<Standard<Block>, Scheme>(committee, &()),
            MAX_BATCH_BYTES,
            MAX_MESSAGE_BYTES,
        ]),
        MAILBOX,
    );
    config.tracked_peer_sets = TRACKED_SETS;
    let (mut network, oracle) = lookup::Network::new(context.child("network"), config);

    let consensus = Quota::per_second(NZU32!(512));
    let operations = Quota::per_second(NZU32!(128));
    let channels = Channels {
        votes: network.register(0, consensus),
        certificates: network.register(1, consensus),
        requests: network.register(2, consensus),
        backfill: network.register(3, consensus),
        blocks: network.register(4, consensus),
        operations: network.register(5, operations),
        past: network.register(6, Quota::per_second(NZU32!(16))),
    };
    Ok((network, oracle, channels))
}

/// Says whom this node connects to: the validators of now and next, and those that its settings name.
pub(super) fn track(
    oracle: &mut impl AddressableManager<PublicKey = ed25519::PublicKey>,
    set: &ValidatorsRecord,
    epoch: u64,
    settled: &BTreeMap<[u8; 32], SocketAddr>,
    limit: NonZeroUsize,
) {
    let listed = set.at(epoch).iter().chain(set.at(u64::MAX));
    let listed = listed.map(|validator| (validator.key, validator.address));
    let named = settled.iter().map(|(key, address)| (*key, *address));
    let mut addresses: BTreeMap<[u8; 32], SocketAddr> = BTreeMap::new();
    // Where there isn't room for all, those that vote come before those that will, and both before others.
    for (key, address) in listed.chain(named) {
        // One place is this node's own.
        if addresses.len() + 1 < limit.get() || addresses.contains_key(&key) {
            // The settings know better: an agency may reach another by an inner address.
            addresses.insert(key, *settled.get(&key).unwrap_or(&address));
        } else {
            tracing::warn!("restart this node to connect to all others");
        }
    }
    let peers = addresses.iter().filter_map(|(key, address)| {
        let key = ed25519::PublicKey::decode(Copying(key.as_slice())).ok()?;
        Some((key, Address::from(*address)))
    });
    let peers = ordered::Map::from_iter_dedup(peers);
    oracle.track(set.version, peers);
}

fn handshake(signer: ed25519::PrivateKey) -> Handshake {
    let authentication = sake::Sake {
        signer,
        synchrony_bound: Duration::from_secs(5),
        max_handshake_age: Duration::from_secs(10),
        version: sake::Version::V1,
    };
    cups::Cups::new(authentication, cups::Version::V1)
}
