//! How a node keeps its disk from growing for ever: one limit on all that is past, and when unused room is given back.

use std::time::Duration;

use jumin_registry::{Header, ValidatorsRecord};

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// So many blocks are kept however old they are: a network that stood for long goes on with members that are not quite
/// at its last block.
const AT_LEAST: u64 = 2_048;

/// What a node keeps of the past, and when it gives room back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upkeep {
    /// How long blocks, and what the explorer shows of them, are kept; `None` for good.
    pub keep: Option<Duration>,
    /// How many blocks are kept in any case.
    pub at_least: u64,
    /// How often the state database is looked at for room that nothing uses.
    pub room_every: Duration,
    /// When in that time. Validators differ in it, so that they don't pause together.
    pub room_at: Duration,
}

/// What may be forgotten: what is both older than a time and below a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limit {
    pub before_ms: u64,
    pub below: u64,
}

impl Upkeep {
    /// Keeps everything.
    pub(crate) fn archive() -> Self {
        Self {
            keep: None,
            at_least: AT_LEAST,
            room_every: DAY,
            room_at: Duration::ZERO,
        }
    }

    /// Keeps so many days.
    pub(crate) fn of_days(days: u32) -> Self {
        Self {
            keep: Some(DAY * days),
            ..Self::archive()
        }
    }

    /// Gives room back at a time of day that depends on the node's key.
    pub(crate) fn by_key(self, key: &[u8; 32]) -> Self {
        let [first, second, ..] = key;
        let minute = u64::from(u16::from_be_bytes([*first, *second])) % (24 * 60);
        Self {
            room_at: Duration::from_secs(60 * minute),
            ..self
        }
    }

    /// What may be forgotten once a block is applied that left these validators; time is the ledger's.
    ///
    /// The engine begins an epoch with the last block of the one before.
    pub(crate) fn limit(&self, applied: &Header, set: &ValidatorsRecord) -> Option<Limit> {
        let keep = u64::try_from(self.keep?.as_millis()).unwrap_or(u64::MAX);
        let epoch = set.epoch_of(applied.height + 1);
        let begins = epoch.saturating_mul(set.epoch_blocks);
        Some(Limit {
            before_ms: applied.time_ms.saturating_sub(keep),
            below: applied
                .height
                .saturating_sub(self.at_least)
                .min(begins.saturating_sub(1)),
        })
    }

    /// Tells whether the time to look for unused room lies between two blocks.
    pub(crate) fn is_room_due(&self, before_ms: u64, now_ms: u64) -> bool {
        let every = u64::try_from(self.room_every.as_millis()).unwrap_or(u64::MAX);
        let at = u64::try_from(self.room_at.as_millis()).unwrap_or_default();
        let turn = |ms: u64| ms.saturating_sub(at) / every.max(1);
        turn(before_ms) != turn(now_ms)
    }
}

/// Says what to do where the newest block is so old that others, who keep `keep_days`, may have forgotten those after it.
pub(crate) fn long_away(height: u64, time_ms: u64, now_ms: u64, keep_days: u32) -> Option<String> {
    let away = Duration::from_millis(now_ms.saturating_sub(time_ms));
    let days = away.as_secs() / DAY.as_secs();
    (away >= DAY * keep_days).then(|| {
        format!(
            "the newest block here, {height}, is of {days} days ago, and the others may have forgotten those that followed. If \
             `height` in /v1/status doesn't rise: name nodes under `sync` in config.toml, remove data/state.redb and nothing else, \
             and start again"
        )
    })
}

#[cfg(test)]
mod tests {
    use jumin_registry::HEADER_VERSION;

    use super::*;

    const DAY_MS: u64 = 24 * 3_600 * 1_000;

    fn header(height: u64, time_ms: u64) -> Header {
        Header {
            version: HEADER_VERSION,
            network: "test".parse().unwrap(),
            epoch: 0,
            height,
            time_ms,
            parent: [0; 32],
            state_root: [0; 32],
            body_hash: [0; 32],
            next_validators: [0; 32],
        }
    }

    fn set(epoch_blocks: u64) -> ValidatorsRecord {
        ValidatorsRecord {
            version: 1,
            epoch_blocks,
            current: Vec::new(),
            next: None,
        }
    }

    #[test]
    fn block_that_the_present_epoch_began_with_and_the_last_ones_are_kept_however_old() {
        let upkeep = Upkeep::of_days(30);
        let limit = |height, epoch_blocks| {
            let limit = upkeep.limit(&header(height, 40 * DAY_MS), &set(epoch_blocks));
            limit.unwrap()
        };
        assert_eq!(limit(100_000, 1_000).before_ms, 10 * DAY_MS);
        assert_eq!(limit(100_000, 1_000).below, 100_000 - AT_LEAST);
        // The epoch of block 90,001 is the second of two.
        assert_eq!(limit(90_000, 50_000).below, 49_999);
        assert_eq!(limit(99_999, 50_000).below, 99_999 - AT_LEAST);
        assert_eq!(limit(5, 1_000).below, 0);
        assert!(Upkeep::archive().limit(&header(9, 9), &set(2)).is_none());
    }

    #[test]
    fn node_that_was_away_for_longer_than_blocks_are_kept_is_told_where_to_get_the_state() {
        let away = |days| long_away(7, DAY_MS, DAY_MS + days * DAY_MS, 30);
        assert_eq!(away(29), None);
        let said = away(31).unwrap();
        assert!(said.contains("7, is of 31 days ago"), "{said}");
        assert!(said.contains("`sync`"), "{said}");
        // A clock set back says nothing about others.
        assert_eq!(long_away(7, 5 * DAY_MS, DAY_MS, 30), None);
    }

    #[test]
    fn room_is_looked_for_once_a_day_at_a_time_of_the_nodes_own() {
        let upkeep = Upkeep::of_days(30).by_key(&[0; 32]);
        assert!(!upkeep.is_room_due(5, DAY_MS - 1));
        assert!(upkeep.is_room_due(DAY_MS - 1, DAY_MS));
        let other = Upkeep::of_days(30).by_key(&[1; 32]);
        assert!(!other.is_room_due(DAY_MS - 1, DAY_MS));
        let at = 257 * 60_000;
        assert!(other.is_room_due(DAY_MS + at - 1, DAY_MS + at));
    }
}
