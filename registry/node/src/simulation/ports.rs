//! How one node of a simulation is connected: to the peers that it tracks, and, if it is faulty, as it likes.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use commonware_actor::{Feedback, Unreliable};
use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{
    Address, AddressableManager, AddressableTrackedPeers, BlockedSubscription, Blocker,
    CheckedSender, LimitedSender, Message, PeerSetSubscription, PeerSetUpdate, Provider, Receiver,
    Recipients, TrackedPeers, simulated,
};
use commonware_runtime::{IoBufs, deterministic};
use commonware_utils::channel::mpsc;
use commonware_utils::ordered::{Map, Set};

use super::context::Place;

/// How many changes of validators ago a node may have been one and is still connected to, as in production.
const TRACKED_SETS: usize = 2;

/// Whom a faulty node keeps its blocks and messages from.
#[derive(Clone, Debug, Default)]
pub(super) struct Deceit {
    /// The only ones to hear anything from this node, if not all.
    pub audience: Option<BTreeSet<PublicKey>>,
    /// The only ones to get its blocks, if not all.
    pub blocks_to: Option<BTreeSet<PublicKey>>,
}

#[derive(Default)]
struct Tracked {
    sets: Vec<(u64, Set<PublicKey>)>,
    subscribers: Vec<mpsc::UnboundedSender<PeerSetUpdate<PublicKey>>>,
}

impl Tracked {
    fn all(&self) -> Set<PublicKey> {
        Set::from_iter_dedup(self.sets.iter().flat_map(|(_, set)| set.iter().cloned()))
    }

    fn update(&self) -> Option<PeerSetUpdate<PublicKey>> {
        let (index, latest) = self.sets.last()?;
        Some(PeerSetUpdate {
            index: *index,
            latest: TrackedPeers::primary(latest.clone()),
            all: TrackedPeers::primary(self.all()),
        })
    }
}

/// One node's connections, as long as it runs.
#[derive(Clone)]
pub(crate) struct Port {
    me: PublicKey,
    control: simulated::Control<PublicKey, deterministic::Context>,
    tracked: Arc<Mutex<Tracked>>,
    deceit: Arc<Mutex<Deceit>>,
    place: Arc<Place>,
    everybody: bool,
}

impl Port {
    pub(super) fn new(
        me: PublicKey,
        control: simulated::Control<PublicKey, deterministic::Context>,
        deceit: Arc<Mutex<Deceit>>,
        place: Arc<Place>,
    ) -> Self {
        Self {
            me,
            control,
            tracked: Arc::default(),
            deceit,
            place,
            everybody: false,
        }
    }

    fn tracked(&self) -> MutexGuard<'_, Tracked> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears everybody, for a faulty node that listens beside its engine.
    pub(super) fn open(
        me: PublicKey,
        control: simulated::Control<PublicKey, deterministic::Context>,
    ) -> Self {
        Self {
            everybody: true,
            ..Self::new(me, control, Arc::default(), Arc::default())
        }
    }

    /// Tells whether this node is connected to `peer`.
    fn knows(&self, peer: &PublicKey) -> bool {
        let sets = &self.tracked().sets;
        self.everybody || sets.iter().any(|(_, set)| set.position(peer).is_some())
    }

    /// Tells whether this node takes messages of `peer`.
    pub(super) fn hears(&self, peer: &PublicKey) -> bool {
        let audience = self.deceit().audience.clone();
        self.knows(peer) && audience.is_none_or(|audience| audience.contains(peer))
    }

    fn deceit(&self) -> MutexGuard<'_, Deceit> {
        self.deceit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whom a message goes to that is meant for `recipients`.
    fn reach(&self, recipients: Recipients<PublicKey>, is_block: bool) -> Vec<PublicKey> {
        let wanted: Vec<_> = match recipients {
            Recipients::All => self.tracked().all().into_iter().collect(),
            Recipients::Some(peers) => peers,
            Recipients::One(peer) => vec![peer],
        };
        let deceit = self.deceit();
        let hears = |set: &Option<BTreeSet<PublicKey>>, peer: &PublicKey| {
            set.as_ref().is_none_or(|set| set.contains(peer))
        };
        let reached = wanted.into_iter().filter(|peer| {
            *peer != self.me
                && self.knows(peer)
                && hears(&deceit.audience, peer)
                && (!is_block || hears(&deceit.blocks_to, peer))
        });
        reached.collect()
    }
}

impl fmt::Debug for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Port").finish_non_exhaustive()
    }
}

impl Provider for Port {
    type PublicKey = PublicKey;

    async fn peer_set(&mut self, id: u64) -> Option<TrackedPeers<PublicKey>> {
        let tracked = self.tracked();
        let found = tracked.sets.iter().find(|(index, _)| *index == id);
        found.map(|(_, set)| TrackedPeers::primary(set.clone()))
    }

    async fn subscribe(&mut self) -> PeerSetSubscription<PublicKey> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut tracked = self.tracked();
        if let Some(update) = tracked.update() {
            // The receiver is at hand.
            let _ = sender.send(update);
        }
        tracked.subscribers.push(sender);
        receiver
    }
}

impl AddressableManager for Port {
    fn track<R>(&mut self, id: u64, peers: R) -> Feedback
    where
        R: Into<AddressableTrackedPeers<PublicKey>> + Send,
    {
        let mut tracked = self.tracked();
        if tracked.sets.last().is_some_and(|(last, _)| *last >= id) {
            return Feedback::Ok;
        }
        tracked.sets.push((id, peers.into().primary.into_keys()));
        if tracked.sets.len() > TRACKED_SETS {
            tracked.sets.remove(0);
        }
        if let Some(update) = tracked.update() {
            let known = &mut tracked.subscribers;
            known.retain(|subscriber| subscriber.send(update.clone()).is_ok());
        }
        Feedback::Ok
    }

    fn overwrite(&mut self, _: Map<PublicKey, Address>) -> Feedback {
        Feedback::Ok
    }
}

impl Blocker for Port {
    type PublicKey = PublicKey;

    fn block(&mut self, peer: PublicKey) -> Feedback {
        self.control.block(peer)
    }

    fn blocked(&mut self) -> BlockedSubscription<PublicKey> {
        self.control.blocked()
    }
}

type Wire = simulated::Sender<PublicKey, deterministic::Context>;

/// Sends on one channel.
#[derive(Clone)]
pub(crate) struct Outlet {
    pub(super) wire: Wire,
    pub(super) port: Port,
    pub(super) is_block: bool,
}

/// A message's recipients, found out.
pub(crate) struct Checked<'a>(<Wire as LimitedSender>::Checked<'a>);

impl LimitedSender for Outlet {
    type PublicKey = PublicKey;
    type Checked<'a> = Checked<'a>;

    fn check(&mut self, recipients: Recipients<PublicKey>) -> Result<Checked<'_>, SystemTime> {
        let reached = self.port.reach(recipients, self.is_block);
        let checked = self.wire.check(Recipients::Some(reached));
        // Until when it has to wait is told by the node's own clock.
        checked
            .map(Checked)
            .map_err(|until| self.port.place.shown(until))
    }
}

impl CheckedSender for Checked<'_> {
    type PublicKey = PublicKey;

    fn recipients(&self) -> Vec<PublicKey> {
        self.0.recipients()
    }

    fn send(self, message: impl Into<IoBufs> + Send, priority: bool) -> Unreliable<Feedback> {
        self.0.send(message, priority)
    }
}

/// The network is gone.
#[derive(Debug, thiserror::Error)]
#[error("the network is gone")]
pub(crate) struct Gone;

/// Receives on one channel.
#[derive(Debug)]
pub(crate) struct Inlet {
    pub(super) messages: mpsc::UnboundedReceiver<Message<PublicKey>>,
    pub(super) capacity: NonZeroUsize,
}

impl Receiver for Inlet {
    type Error = Gone;
    type PublicKey = PublicKey;

    async fn recv(&mut self) -> Result<Message<PublicKey>, Gone> {
        self.messages.recv().await.ok_or(Gone)
    }

    fn capacity(&self) -> NonZeroUsize {
        self.capacity
    }
}
