//! What a ledger forgets of the past, and when it gives the room back.

use std::sync::Arc;
use std::time::Instant;

use super::Ledger;
use crate::store::{Snapshot, StoreError};

impl Ledger {
    /// The first block that this node still has.
    pub(crate) fn kept_from(&self) -> Result<Option<u64>, StoreError> {
        self.snapshot().history().first()
    }

    /// Gives the database's unused room back when the time for it lies between two blocks, or as soon after as nobody reads.
    ///
    /// Who wants to read meanwhile waits: the pause is the price of a file that doesn't keep the size of its largest day.
    pub(super) fn give_room_back(&self, before_ms: u64, now_ms: u64) -> Result<(), StoreError> {
        if self.upkeep.is_room_due(before_ms, now_ms) && self.store.is_roomy()? {
            self.chain().is_roomy = true;
        }
        let mut chain = self.chain();
        if !chain.is_roomy {
            return Ok(());
        }
        let began = Instant::now();
        // What nobody else holds either is let go of by this.
        chain.snapshot = Arc::new(Snapshot::of_nothing()?);
        let compacted = self.store.compact();
        chain.snapshot = Arc::new(self.store.snapshot()?);
        if compacted? {
            chain.is_roomy = false;
            let milliseconds = began.elapsed().as_millis();
            tracing::info!(
                milliseconds,
                "unused room of the state database was given back"
            );
        }
        Ok(())
    }
}
