//! The authenticated connections between validators and the channels on them.

use std::num::NonZeroUsize;
use std::time::Duration;

use commonware_consensus::marshal::{self, standard::Standard};
use commonware_consensus::simplex;
use commonware_cryptography::{ChaCha20Poly1305, ed25519, sha256};
use commonware_p2p::authenticated::lookup;
use commonware_p2p::{Address, AddressableManager as _};
use commonware_runtime::{Quota, Supervisor as _, tokio as runtime};
use commonware_stream::{cups, sake};
use commonware_utils::{NZU32, ordered};

use super::MAILBOX;
use crate::Scheme;
use crate::block::{Block, MAX_OPERATION_BYTES};
use crate::home::Home;

type Handshake = cups::Cups<sake::Sake<ed25519::PrivateKey>, ChaCha20Poly1305>;
pub(super) type Network = lookup::Network<runtime::Context, Handshake>;
pub(super) type Oracle = lookup::Oracle<ed25519::PublicKey>;
pub(super) type Channel = (
    lookup::Sender<ed25519::PublicKey, runtime::Context>,
    lookup::Receiver<ed25519::PublicKey>,
);

/// The channels that consensus and the ledger use.
pub(super) struct Channels {
    pub votes: Channel,
    pub certificates: Channel,
    pub requests: Channel,
    pub backfill: Channel,
    pub blocks: Channel,
    pub operations: Channel,
}

/// Prepares the network of the validators in `home`; nothing is sent before it is started.
pub(super) fn open(
    context: &runtime::Context,
    home: &Home,
    namespace: &[u8],
) -> anyhow::Result<(Network, Oracle, Channels)> {
    let peers = home.peers()?;
    let committee = u32::try_from(peers.len())?;
    let config = lookup::Config::local(
        handshake(home.key.clone()),
        namespace,
        home.config.p2p_listen,
        NonZeroUsize::MIN.saturating_add(peers.len()),
        commonware_p2p::max_message_size(&[
            simplex::max_payload_size::<Scheme, sha256::Digest>(committee),
            marshal::max_payload_size::<Standard<Block>, Scheme>(committee, &()),
            MAX_OPERATION_BYTES,
        ]),
        MAILBOX,
    );
    let (mut network, mut oracle) = lookup::Network::new(context.child("network"), config);
    let addresses = peers
        .into_iter()
        .map(|(key, address)| (key, Address::from(address)));
    oracle.track(0, ordered::Map::from_iter_dedup(addresses));

    let consensus = Quota::per_second(NZU32!(512));
    let operations = Quota::per_second(NZU32!(4_096));
    let channels = Channels {
        votes: network.register(0, consensus),
        certificates: network.register(1, consensus),
        requests: network.register(2, consensus),
        backfill: network.register(3, consensus),
        blocks: network.register(4, consensus),
        operations: network.register(5, operations),
    };
    Ok((network, oracle, channels))
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
