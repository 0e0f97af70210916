//! Keeps a validator from voting before the others have said what they last saw of its votes.
//!
//! The engine's files are the only place where a validator's own votes are. An older copy of them looks like the newest one,
//! and a validator that starts with it could sign another block than before. So every node remembers the newest vote of each
//! validator, and one that starts asks for its own. A vote proves itself by its signature: nobody can make a validator wait
//! with a false one. It votes once so many others have answered that, with itself, they are a quorum: whenever the network
//! can go on at all, so many are there. They answer whether they vote or not, so a network that was off comes up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use commonware_actor::Feedback;
use commonware_codec::{Copying, DecodeExt as _, Encode as _, MaxEncodeSize as _};
use commonware_consensus::simplex::types::{Activity, Vote};
use commonware_consensus::{Epochable as _, Reporter, Viewable as _};
use commonware_cryptography::{Signer as _, ed25519, sha256};
use commonware_parallel::Sequential;
use commonware_utils::{Participant, ordered};
use rand_core::CryptoRng;

use crate::Scheme;
use crate::store::SeenVote;

/// A vote as the engine sends it.
pub(crate) type SignedVote = Vote<Scheme, sha256::Digest>;
/// The longest message about votes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 1 + SignedVote::MAX_ENCODE_SIZE;

/// Where a vote stands among those of one validator: by epoch, by view, and by what is voted on after what.
pub(crate) type Place = (u64, u64, u8);

/// The place of a vote.
pub(crate) fn place(vote: &SignedVote) -> Place {
    let kind = match vote {
        Vote::Notarize(_) => 0,
        Vote::Nullify(_) => 1,
        Vote::Finalize(_) => 2,
    };
    (vote.epoch().get(), vote.view().get(), kind)
}

type Newest = BTreeMap<[u8; 32], (Place, Vec<u8>)>;

/// The newest vote that was seen of each validator.
#[derive(Default)]
pub(crate) struct Seen(Mutex<Newest>);

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Newest> {
        // The map is valid after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what was written before; what can't be read is forgotten.
    pub(crate) fn of(rows: Vec<SeenVote>) -> Self {
        let votes = rows.into_iter().filter_map(|(key, bytes)| {
            let vote = SignedVote::decode(Copying(bytes.as_slice())).ok()?;
            Some((key, (place(&vote), bytes)))
        });
        Self(Mutex::new(votes.collect()))
    }

    fn note(&self, key: [u8; 32], vote: &SignedVote) {
        let (mut seen, place) = (self.lock(), place(vote));
        if seen.get(&key).is_none_or(|(known, _)| *known < place) {
            seen.insert(key, (place, vote.encode().to_vec()));
        }
    }

    /// The newest vote of a validator, as it sent it.
    pub(crate) fn newest(&self, key: &[u8; 32]) -> Option<Vec<u8>> {
        self.lock().get(key).map(|(_, bytes)| bytes.clone())
    }

    /// What is to be written, of these validators only: the others can't vote.
    pub(crate) fn rows(&self, of: &BTreeSet<[u8; 32]>) -> Vec<SeenVote> {
        let mut seen = self.lock();
        seen.retain(|key, _| of.contains(key));
        let rows = seen.iter().map(|(key, (_, bytes))| (*key, bytes.clone()));
        rows.collect()
    }
}

/// Remembers votes on their way to who is told of them.
#[derive(Clone)]
pub(super) struct Watched<R> {
    pub inner: R,
    pub ledger: std::sync::Arc<crate::ledger::Ledger>,
    /// Who votes, in the engine's order.
    pub validators: std::sync::Arc<Vec<[u8; 32]>>,
}

impl<R> Reporter for Watched<R>
where
    R: Reporter<Activity = Activity<Scheme, sha256::Digest>>,
{
    type Activity = R::Activity;

    fn report(&mut self, activity: Self::Activity) -> Feedback {
        // The engine takes a vote only from who signs it, so nobody can put one in another's place.
        let vote = match &activity {
            Activity::Notarize(vote) => {
                Some((vote.attestation.signer, Vote::Notarize(vote.clone())))
            }
            Activity::Nullify(vote) => Some((vote.attestation.signer, Vote::Nullify(vote.clone()))),
            Activity::Finalize(vote) => {
                Some((vote.attestation.signer, Vote::Finalize(vote.clone())))
            }
            _ => None,
        };
        if let Some((signer, vote)) = vote
            && let Ok(index) = usize::try_from(signer.get())
            && let Some(key) = self.validators.get(index)
        {
            self.ledger.seen().note(*key, &vote);
        }
        self.inner.report(activity)
    }
}

/// A message about votes.
pub(crate) enum Message {
    /// Asks for the sender's own newest vote.
    Question,
    /// The newest vote that was seen of the receiver, if any was.
    Answer(Option<Vec<u8>>),
}

impl Message {
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Question => vec![0],
            Self::Answer(vote) => {
                let vote = vote.as_deref().unwrap_or_default();
                [&[1], vote].concat()
            }
        }
    }

    /// Parses a peer's message.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (0, []) => Some(Self::Question),
            (1, []) => Some(Self::Answer(None)),
            (1, vote) if vote.len() < MAX_MESSAGE_BYTES => Some(Self::Answer(Some(vote.to_vec()))),
            _ => None,
        }
    }
}

/// What the others say of this node's own votes.
pub(crate) struct Answers {
    own: Scheme,
    answered: BTreeSet<Vec<u8>>,
    newest: Option<Place>,
}

impl Answers {
    /// Nobody has answered yet.
    pub(crate) fn new(namespace: &[u8], key: &ed25519::PrivateKey) -> Self {
        let own = ordered::Set::from_iter_dedup([key.public_key()]);
        Self {
            own: Scheme::verifier(namespace, own),
            answered: BTreeSet::new(),
            newest: None,
        }
    }

    /// Takes an answer; one that shows a vote which this node never signed doesn't count.
    pub(crate) fn add(
        &mut self,
        rng: &mut impl CryptoRng,
        peer: &[u8],
        vote: Option<&[u8]>,
    ) -> bool {
        if let Some(bytes) = vote {
            let Some(place) = self.own_place(rng, bytes) else {
                return false;
            };
            self.newest = self.newest.max(Some(place));
        }
        self.answered.insert(peer.to_vec());
        true
    }

    /// The place of a vote with this node's own signature.
    fn own_place(&self, rng: &mut impl CryptoRng, bytes: &[u8]) -> Option<Place> {
        let mut vote = SignedVote::decode(Copying(bytes)).ok()?;
        // In its epoch this node stood somewhere among the validators; here it stands alone.
        let alone = Participant::new(0);
        let signed = match &mut vote {
            Vote::Notarize(vote) => {
                vote.attestation.signer = alone;
                vote.verify(rng, &self.own, &Sequential)
            }
            Vote::Nullify(vote) => {
                vote.attestation.signer = alone;
                vote.verify::<_, sha256::Digest>(rng, &self.own, &Sequential)
            }
            Vote::Finalize(vote) => {
                vote.attestation.signer = alone;
                vote.verify(rng, &self.own, &Sequential)
            }
        };
        signed.then(|| place(&vote))
    }

    /// Tells whether enough of these validators have answered: with this node, a quorum.
    pub(crate) fn are_enough(&self, validators: &[[u8; 32]], me: &[u8; 32]) -> bool {
        let others = validators.iter().filter(|key| *key != me);
        let answered = others.filter(|key| self.answered.contains(key.as_slice()));
        answered.count() + 1 >= quorum(validators.len())
    }

    /// The newest of this node's votes that one of them saw.
    pub(crate) fn newest(&self) -> Option<Place> {
        self.newest
    }
}

/// How many of so many validators must sign.
pub(crate) fn quorum(validators: usize) -> usize {
    validators - validators.saturating_sub(1) / 3
}
