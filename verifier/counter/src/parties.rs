//! How it stands with each agency that lists and dictionaries are fetched from: one that gives trouble is left alone for a
//! while, and costs the others nothing.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use jumin_identity::Did;
use jumin_registry::AnchorKind;
use serde::Serialize;

/// How long an agency is left alone after its first failure; doubled with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The longest that it is left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How long after a failure a check does not ask again by itself.
const HOPELESS: Duration = Duration::from_secs(10);

/// Names a list or a dictionary.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Item {
    pub issuer: Did,
    pub kind: AnchorKind,
    /// A list's address or a dictionary's type (`vct`).
    pub name: String,
}

/// Says why something of an agency could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ts_rs::TS, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trouble {
    /// Its server does not answer, or too slowly.
    Unreachable,
    /// Its server answers, but not with what it anchored.
    Unusable,
}

/// Is what went wrong with a party or an item the last time.
#[derive(Clone, Debug)]
struct Failure {
    count: u32,
    at: Instant,
    /// When the first of these failures was, in seconds since the epoch.
    since: u64,
    cause: String,
    /// What the anchor said then.
    digest: [u8; 32],
}

impl Failure {
    fn rests(&self, now: Instant) -> bool {
        let doubled = FIRST_PAUSE.saturating_mul(1_u32 << self.count.saturating_sub(1).min(16));
        now.saturating_duration_since(self.at) < doubled.min(LONGEST_PAUSE)
    }
}

/// Is what is known of the servers of all agencies.
#[derive(Default)]
pub(crate) struct Parties {
    /// Agencies whose server could not be reached.
    outages: HashMap<Did, Failure>,
    /// Items that a server did not give as anchored.
    refused: HashMap<Item, Failure>,
    /// Agencies whose items are being fetched one after the other.
    turns: HashSet<Did>,
    /// Items that are being fetched.
    flights: HashSet<Item>,
}

/// Says how an agency is to be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    /// Nothing speaks against it.
    Sound,
    /// It could not be reached the last time.
    Doubtful,
}

/// Is what went wrong, for those who are told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub trouble: Trouble,
    /// In seconds since the epoch.
    pub since: u64,
    pub cause: String,
}

impl Parties {
    /// Begins an agency's turn, unless it has one or is left alone; `anyway` asks also who is left alone.
    pub fn begin_turn(&mut self, issuer: &Did, now: Instant, anyway: bool) -> Option<Footing> {
        let outage = self.outages.get(issuer);
        if outage.is_some_and(|outage| outage.rests(now) && !anyway) || self.turns.contains(issuer)
        {
            return None;
        }
        let footing = outage.map_or(Footing::Sound, |_| Footing::Doubtful);
        self.turns.insert(issuer.clone());
        Some(footing)
    }

    /// Ends an agency's turn.
    pub fn end_turn(&mut self, issuer: &Did) {
        self.turns.remove(issuer);
    }

    /// Tells whether an item that was refused is left alone: not once another is anchored.
    pub fn rests(&self, item: &Item, digest: &[u8; 32], now: Instant) -> bool {
        let refused = self.refused.get(item);
        refused.is_some_and(|failure| failure.digest == *digest && failure.rests(now))
    }

    /// Tells whether asking for an item failed only just now, so that a check need not wait for another try.
    pub fn is_hopeless(&self, item: &Item, digest: &[u8; 32], now: Instant) -> bool {
        let fresh = |failure: &Failure| now.saturating_duration_since(failure.at) < HOPELESS;
        let refused = self.refused.get(item).filter(|one| one.digest == *digest);
        self.outages.get(&item.issuer).is_some_and(fresh) || refused.is_some_and(fresh)
    }

    /// Begins to fetch an item; false if it is being fetched.
    pub fn begin_flight(&mut self, item: &Item) -> bool {
        self.flights.insert(item.clone())
    }

    /// Ends fetching an item.
    pub fn end_flight(&mut self, item: &Item) {
        self.flights.remove(item);
    }

    /// Tells whether an item is being fetched.
    pub fn is_in_flight(&self, item: &Item) -> bool {
        self.flights.contains(item)
    }

    /// Tells whether nothing is being fetched or waits for it.
    pub fn is_idle(&self) -> bool {
        self.turns.is_empty() && self.flights.is_empty()
    }

    /// Takes note that an agency gave an item as anchored.
    pub fn succeeded(&mut self, item: &Item) {
        self.outages.remove(&item.issuer);
        self.refused.remove(item);
    }

    /// Takes note that an item could not be had; `at` is in seconds since the epoch.
    pub fn failed(&mut self, item: &Item, digest: [u8; 32], told: Told, now: Instant) {
        let before = match told.trouble {
            Trouble::Unreachable => self.outages.get(&item.issuer),
            Trouble::Unusable => self.refused.get(item),
        };
        let failure = Failure {
            count: before.map_or(0, |before| before.count).saturating_add(1),
            at: now,
            since: before.map_or(told.since, |before| before.since),
            cause: told.cause,
            digest,
        };
        match told.trouble {
            Trouble::Unreachable => {
                self.outages.insert(item.issuer.clone(), failure);
            }
            Trouble::Unusable => {
                // It answered.
                self.outages.remove(&item.issuer);
                self.refused.insert(item.clone(), failure);
            }
        }
    }

    /// Says why an item that is wanted is not there, if it was asked for in vain.
    pub fn told(&self, item: &Item) -> Option<Told> {
        let of = |trouble, failure: &Failure| Told {
            trouble,
            since: failure.since,
            cause: failure.cause.clone(),
        };
        let outage = self.outages.get(&item.issuer);
        outage
            .map(|failure| of(Trouble::Unreachable, failure))
            .or_else(|| {
                let refused = self.refused.get(item)?;
                Some(of(Trouble::Unusable, refused))
            })
    }

    /// Forgets what is anchored no more.
    pub fn keep_only(&mut self, wanted: impl Fn(&Item) -> bool, known: impl Fn(&Did) -> bool) {
        self.refused.retain(|item, _| wanted(item));
        self.outages.retain(|issuer, _| known(issuer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: [u8; 32] = [1; 32];

    fn item(agency: u8) -> Item {
        let id = "a".repeat(51) + if agency == 0 { "a" } else { "q" };
        Item {
            issuer: format!("did:jumin:test:{id}").parse().unwrap(),
            kind: AnchorKind::StatusList,
            name: "https://issuer.example/status/1".to_owned(),
        }
    }

    fn told(trouble: Trouble) -> Told {
        Told {
            trouble,
            since: 7,
            cause: "because".to_owned(),
        }
    }

    #[test]
    fn agency_that_fails_is_left_alone_longer_each_time_and_no_other_is() {
        let (mut parties, now) = (Parties::default(), Instant::now());
        let (bad, good) = (item(0), item(1));
        let mut pauses = Vec::new();
        for _ in 0..8 {
            parties.failed(&bad, DIGEST, told(Trouble::Unreachable), now);
            let rested = (0..).find(|seconds| {
                let then = now + Duration::from_secs(*seconds);
                let begun = parties.begin_turn(&bad.issuer, then, false);
                parties.end_turn(&bad.issuer);
                begun.is_some()
            });
            pauses.push(rested.unwrap());
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(parties.told(&bad).unwrap().since, 7);
        let footing = parties.begin_turn(&good.issuer, now, false);
        assert_eq!(footing, Some(Footing::Sound));
        parties.succeeded(&bad);
        assert_eq!(parties.told(&bad), None);
        let footing = parties.begin_turn(&bad.issuer, now, false);
        assert_eq!(footing, Some(Footing::Sound));
    }

    #[test]
    fn agency_has_one_turn_at_a_time_and_is_asked_anyway_when_told() {
        let (mut parties, now) = (Parties::default(), Instant::now());
        let bad = item(0);
        parties.failed(&bad, DIGEST, told(Trouble::Unreachable), now);
        assert_eq!(parties.begin_turn(&bad.issuer, now, false), None);
        let footing = parties.begin_turn(&bad.issuer, now, true);
        assert_eq!(footing, Some(Footing::Doubtful));
        assert_eq!(parties.begin_turn(&bad.issuer, now, true), None);
        assert!(!parties.is_idle());
    }

    #[test]
    fn item_that_was_refused_is_asked_for_at_once_when_another_is_anchored() {
        let (mut parties, now) = (Parties::default(), Instant::now());
        let list = item(0);
        parties.failed(&list, DIGEST, told(Trouble::Unusable), now);
        assert!(parties.rests(&list, &DIGEST, now));
        assert!(parties.is_hopeless(&list, &DIGEST, now));
        assert!(!parties.rests(&list, &[2; 32], now));
        assert!(!parties.is_hopeless(&list, &[2; 32], now));
        // Its server answers, so its other lists are asked for.
        assert!(parties.begin_turn(&list.issuer, now, false).is_some());
    }
}
