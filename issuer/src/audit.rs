//! The audit trail: entries chained by hash, so that none can be changed or taken out unseen.
//!
//! It names residents and credentials by their ids and contains no other personal data.

use jumin_identity::sha256;
use serde_json::Value;
use thiserror::Error;

const DOMAIN: &[u8] = b"jumin issuer audit entry v1";

/// The link before the first entry.
pub const GENESIS: [u8; 32] = [0; 32];

/// Something that happened, not yet in the trail.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'a> {
    /// Seconds since the Unix epoch.
    pub at: u64,
    pub actor: &'a str,
    /// What was done, for example `credential.suspend`.
    pub action: &'a str,
    /// The id of the resident or the credential it was done to.
    pub subject: &'a str,
    pub detail: Value,
}

/// One entry of the trail.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Counts from 1 without gaps.
    pub seq: u64,
    /// Seconds since the Unix epoch.
    pub at: u64,
    pub actor: String,
    pub action: String,
    pub subject: String,
    /// JSON, as it was hashed.
    pub detail: String,
    pub prev: [u8; 32],
    pub hash: [u8; 32],
}

/// The first place at which a trail doesn't hold together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BrokenLink {
    #[error("entry {0} is missing")]
    Missing(u64),
    #[error("entry {0} doesn't continue the entry before it")]
    Discontinued(u64),
    #[error("entry {0} was changed")]
    Changed(u64),
}

impl BrokenLink {
    /// The sequence number at which the trail breaks.
    pub fn seq(self) -> u64 {
        match self {
            Self::Missing(seq) | Self::Discontinued(seq) | Self::Changed(seq) => seq,
        }
    }
}

impl Entry {
    /// Chains `event` behind the entry (`seq` - 1) whose hash is `prev`.
    pub fn chain(seq: u64, prev: [u8; 32], event: &Event<'_>) -> Self {
        let mut entry = Self {
            seq,
            at: event.at,
            actor: event.actor.to_owned(),
            action: event.action.to_owned(),
            subject: event.subject.to_owned(),
            detail: event.detail.to_string(),
            prev,
            hash: GENESIS,
        };
        entry.hash = entry.digest();
        entry
    }

    /// Hashes every field behind its length, so that no two entries share an encoding.
    fn digest(&self) -> [u8; 32] {
        let (seq, at) = (self.seq.to_be_bytes(), self.at.to_be_bytes());
        let fields: [&[u8]; 8] = [
            DOMAIN,
            &seq,
            &at,
            self.actor.as_bytes(),
            self.action.as_bytes(),
            self.subject.as_bytes(),
            self.detail.as_bytes(),
            &self.prev,
        ];
        let mut bytes = Vec::new();
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        sha256(&bytes)
    }
}

/// Follows a trail from its first entry, one entry at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainCheck {
    seq: u64,
    hash: [u8; 32],
}

impl Default for ChainCheck {
    fn default() -> Self {
        Self {
            seq: 0,
            hash: GENESIS,
        }
    }
}

impl ChainCheck {
    /// Takes the next entry, or tells how it breaks the chain.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), BrokenLink> {
        let expected = self.seq + 1;
        if entry.seq != expected {
            return Err(BrokenLink::Missing(expected));
        }
        if entry.prev != self.hash {
            return Err(BrokenLink::Discontinued(expected));
        }
        if entry.digest() != entry.hash {
            return Err(BrokenLink::Changed(expected));
        }
        self.seq = expected;
        self.hash = entry.hash;
        Ok(())
    }

    /// The sequence number and the hash of the last entry followed: what to write down elsewhere against a cut-off end.
    pub fn head(&self) -> (u64, [u8; 32]) {
        (self.seq, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn trail(length: u64) -> Vec<Entry> {
        let mut prev = GENESIS;
        (1..=length)
            .map(|seq| {
                let event = Event {
                    at: 1_800_000_000 + seq,
                    actor: "console",
                    action: "credential.suspend",
                    subject: "c1",
                    detail: json!({ "n": seq }),
                };
                let entry = Entry::chain(seq, prev, &event);
                prev = entry.hash;
                entry
            })
            .collect()
    }

    fn check(trail: &[Entry]) -> Result<(), BrokenLink> {
        let mut check = ChainCheck::default();
        trail.iter().try_for_each(|entry| check.follow(entry))
    }

    #[test]
    fn untouched_trail_holds() {
        assert_eq!(check(&trail(20)), Ok(()));
    }

    #[test]
    fn changed_entry_is_the_first_broken_link() {
        let mut entries = trail(20);
        entries[6].subject = "c2".to_owned();
        assert_eq!(check(&entries), Err(BrokenLink::Changed(7)));
    }

    #[test]
    fn removed_entry_is_the_first_broken_link() {
        let mut entries = trail(20);
        entries.remove(4);
        assert_eq!(check(&entries), Err(BrokenLink::Missing(5)));
    }

    #[test]
    fn entry_rehashed_after_a_change_breaks_at_the_next_link() {
        let mut entries = trail(20);
        entries[9].detail = "{}".to_owned();
        entries[9].hash = entries[9].digest();
        assert_eq!(check(&entries), Err(BrokenLink::Discontinued(11)));
    }

    #[test]
    fn text_moved_between_fields_changes_the_hash() {
        let mut entries = trail(1);
        entries[0].actor = "consolec".to_owned();
        entries[0].action = "redential.suspend".to_owned();
        assert_eq!(check(&entries), Err(BrokenLink::Changed(1)));
    }
}
