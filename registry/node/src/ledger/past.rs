//! What a ledger knows of votes: the others' newest, and whether this node may vote.

use std::collections::BTreeSet;

use jumin_registry::{Header, ValidatorsRecord};
use tokio::sync::watch;

use super::Ledger;
use crate::store::StoreError;
use crate::validator::past::Seen;

impl Ledger {
    /// The newest vote that was seen of each validator.
    pub(crate) fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What of them is written with a block: those of who votes now or next.
    pub(super) fn votes_seen(
        &self,
        set: &ValidatorsRecord,
        applied: &Header,
    ) -> Vec<([u8; 32], Vec<u8>)> {
        let now = set.keys_at(applied.epoch);
        let next = set.keys_at(u64::MAX);
        self.seen
            .rows(&BTreeSet::from_iter(now.into_iter().chain(next)))
    }

    /// Says that the others have told what they saw of this node's votes.
    pub(crate) fn know_votes(&self) {
        self.votes_known.send_replace(true);
    }

    /// Tells whether the others have told what they saw of this node's votes.
    pub(crate) fn knows_its_votes(&self) -> bool {
        *self.votes_known.borrow()
    }

    /// Changes when the others have told it.
    pub(crate) fn votes_known(&self) -> watch::Receiver<bool> {
        self.votes_known.subscribe()
    }

    /// Has this node only follow in all epochs that may have begun before `time_ms`.
    pub(crate) fn follow_until(&self, time_ms: u64) -> Result<(), StoreError> {
        self.store.follow_until(time_ms)?;
        self.chain().follows_until = Some(time_ms);
        Ok(())
    }

    /// Tells whether the epoch that begins is the first that forgotten votes can't be in.
    pub(super) fn votes_again(&self, epoch_begins: Option<u64>) -> bool {
        let until = self.chain().follows_until;
        until.is_some_and(|until| epoch_begins.is_some_and(|time| time > until))
    }

    /// Tells whether this node's key may sign: it knows all that it signed in this epoch.
    pub(crate) fn may_vote(&self) -> bool {
        self.knows_its_votes() && self.chain().follows_until.is_none()
    }
}
