//! A key's place on the simulated network, which outlives crashes of the node and can be shared by twins.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::{Message, Receiver as _, Recipients, Sender as _, simulated};
use commonware_runtime::{IoBuf, Quota, Spawner as _, Supervisor as _, deterministic};
use commonware_utils::NZU32;
use commonware_utils::channel::mpsc;

use super::context::Place;
use super::ports::{Deceit, Inlet, Outlet, Port};
use super::world::Simulated;
use crate::validator::world::{Channel, Channels};

/// The channels in the order of [`Channels`], with the quotas of production.
const QUOTAS: [u32; 7] = [512, 512, 512, 512, 512, 4_096, 16];
const BLOCKS: usize = 4;

struct Subscriber {
    port: Port,
    messages: mpsc::UnboundedSender<Message<PublicKey>>,
}

struct Line {
    wire: simulated::Sender<PublicKey, deterministic::Context>,
    capacity: NonZeroUsize,
    subscribers: Arc<Mutex<Vec<Subscriber>>>,
}

/// One key's channels.
pub(super) struct Hub {
    me: PublicKey,
    control: simulated::Control<PublicKey, deterministic::Context>,
    lines: Vec<Line>,
}

impl Hub {
    pub(super) async fn open(
        context: &deterministic::Context,
        oracle: &simulated::Oracle<PublicKey, deterministic::Context>,
        me: PublicKey,
    ) -> Self {
        let control = oracle.control(me.clone());
        let mut lines = Vec::new();
        for (channel, quota) in QUOTAS.iter().enumerate() {
            let quota = Quota::per_second(NZU32!(*quota));
            let registered = control.register(channel as u64, quota).await;
            let (wire, mut receiver) = registered.expect("the network runs");
            let subscribers: Arc<Mutex<Vec<Subscriber>>> = Arc::default();
            let capacity = receiver.capacity();
            let known = subscribers.clone();
            context.child("line").spawn(|_| async move {
                while let Ok(message) = receiver.recv().await {
                    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
                    known.retain(|one| {
                        !one.messages.is_closed()
                            && (!one.port.hears(&message.0)
                                || one.messages.send(message.clone()).is_ok())
                    });
                }
            });
            lines.push(Line {
                wire,
                capacity,
                subscribers,
            });
        }
        Self { me, control, lines }
    }

    /// Connects a node that starts.
    pub(super) fn connect(
        &self,
        deceit: Arc<Mutex<Deceit>>,
        place: Arc<Place>,
    ) -> (Port, Channels<Simulated>) {
        let port = Port::new(self.me.clone(), self.control.clone(), deceit, place);
        let mut channels = self.lines.iter().enumerate().map(|(channel, line)| {
            let (messages, receiver) = mpsc::unbounded_channel();
            let subscriber = Subscriber {
                port: port.clone(),
                messages,
            };
            let mut known = line
                .subscribers
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            known.push(subscriber);
            let outlet = Outlet {
                wire: line.wire.clone(),
                port: port.clone(),
                is_block: channel == BLOCKS,
            };
            let inlet = Inlet {
                messages: receiver,
                capacity: line.capacity,
            };
            (outlet, inlet)
        });
        let mut next = || -> Channel<Simulated> { channels.next().expect("seven channels") };
        let opened = Channels {
            votes: next(),
            certificates: next(),
            requests: next(),
            backfill: next(),
            blocks: next(),
            operations: next(),
            past: next(),
        };
        drop(channels);
        (port, opened)
    }

    /// Sends bytes of any kind to a peer, past all that an honest node would do.
    pub(super) fn shout(&self, channel: usize, to: &PublicKey, bytes: Vec<u8>) {
        let mut wire = self.lines[channel].wire.clone();
        drop(wire.send(Recipients::One(to.clone()), IoBuf::from(bytes), false));
    }

    pub(super) fn key(&self) -> &PublicKey {
        &self.me
    }

    pub(super) fn channels(&self) -> usize {
        self.lines.len()
    }

    /// A key's messages as they come, for a faulty node that repeats or garbles them.
    pub(super) fn tap(&self, channel: usize) -> mpsc::UnboundedReceiver<Message<PublicKey>> {
        let (messages, receiver) = mpsc::unbounded_channel();
        let port = Port::open(self.me.clone(), self.control.clone());
        let mut known = self.lines[channel]
            .subscribers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        known.push(Subscriber { port, messages });
        receiver
    }
}
