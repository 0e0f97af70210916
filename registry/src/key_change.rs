//! Changes of the keys in a DID document, and whether a key may sign for its DID at a time.

use jumin_identity::PublicKey;

use crate::{
    document::{DidDocument, MAX_KEYS, Purpose, VerificationMethod},
    record::DidRecord,
};

/// How far back a new key is good for that signs no credentials, in seconds: clocks differ a little, and nobody can have
/// signed with it before.
const BACKDATE: u64 = 300;

/// A key to be added to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The part of its DID URL after `#`.
    pub fragment: String,
    /// The key.
    pub public_key: PublicKey,
}

/// What became of the period of a key that was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyEnd {
    /// What it signed before this second (Unix time) stays good.
    At(u64),
    /// It was taken out of the document: nothing that it signed is good.
    Removed,
}

/// Why a document's keys can't be changed as asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyChangeError {
    /// The document has no key of this name.
    #[error("the document has no key {0}")]
    Unknown(String),
    /// The document has a key of the new name already.
    #[error("the document has a key {0} already")]
    Exists(String),
    /// The key ended then or earlier, and an end is never put off.
    #[error("{fragment} ended already, at {until} (Unix time): it can only be ended earlier")]
    Ended {
        /// The key's name.
        fragment: String,
        /// The first second that it was no longer good for.
        until: u64,
    },
    /// The document has 16 keys, each of which something signed still needs.
    #[error(
        "the document is full: it has {MAX_KEYS} keys, and what each signed may still be in use"
    )]
    Full,
    /// No key would be left for something that this one is for.
    #[error(
        "no key would be left for what this one is for: put another in its place (`key rotate`), or deactivate the DID"
    )]
    LastKey,
}

/// Why a key may not sign for its DID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// The DID was deactivated at this second.
    #[error("the DID was deactivated at {0} (Unix time)")]
    Deactivated(u64),
    /// The document doesn't have the key under this name, or not for this purpose.
    #[error("the key isn't in the DID document")]
    Absent,
    /// Its period begins at this second.
    #[error("the key is good from {0} (Unix time) on only")]
    NotYet(u64),
    /// Its period ended at this second.
    #[error("the key ended at {0} (Unix time)")]
    Ended(u64),
}

impl KeyChangeError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "key_unknown",
            Self::Exists(_) => "key_exists",
            Self::Ended { .. } => "key_ended",
            Self::Full => "document_full",
            Self::LastKey => "last_key",
        }
    }
}

impl KeyRefused {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Deactivated(_) => "did_deactivated",
            Self::Absent => "key_absent",
            Self::NotYet(_) => "key_not_yet",
            Self::Ended(_) => "key_ended",
        }
    }
}

impl DidDocument {
    /// Puts `new` in the place of the key named `old`, with its purposes: the old one ends at `since` as by
    /// [`end_key`](Self::end_key), unless it ended by then, and the new one is good from `now` on (Unix seconds).
    ///
    /// Ended keys that never signed credentials make room for it if the document is full.
    ///
    /// # Errors
    /// [`KeyChangeError`]; the document is as it was then.
    pub fn rotate_key(
        &mut self,
        old: &str,
        new: NewKey,
        since: u64,
        now: u64,
    ) -> Result<KeyEnd, KeyChangeError> {
        if self
            .verification_methods
            .iter()
            .any(|m| m.fragment == new.fragment)
        {
            return Err(KeyChangeError::Exists(new.fragment));
        }
        let purposes = self.method(old)?.purposes.clone();
        // A credential of today may be dated to when its key began, so such a key never begins earlier than it was made.
        let valid_from = match purposes.contains(&Purpose::AssertionMethod) {
            true => now,
            false => now.saturating_sub(BACKDATE),
        };
        let mut changed = self.clone();
        changed.verification_methods.push(VerificationMethod {
            fragment: new.fragment,
            public_key: new.public_key,
            purposes,
            valid_from,
            valid_until: None,
        });
        // A key that was ended without another in its place keeps its end.
        let ended = changed.method(old)?.valid_until;
        let end = match ended.filter(|until| *until <= since) {
            Some(until) => KeyEnd::At(until),
            None => changed.end_key(old, since)?,
        };
        changed.make_room(now)?;
        *self = changed;
        Ok(end)
    }

    /// Ends the period of the key named `fragment` at `since` (Unix seconds), now, earlier or later; a key that would never
    /// have been good is taken out.
    ///
    /// # Errors
    /// [`KeyChangeError`]; the document is as it was then.
    pub fn end_key(&mut self, fragment: &str, since: u64) -> Result<KeyEnd, KeyChangeError> {
        let method = self.method(fragment)?;
        if let Some(until) = method.valid_until.filter(|until| *until <= since) {
            let fragment = fragment.to_owned();
            return Err(KeyChangeError::Ended { fragment, until });
        }
        if since > method.valid_from {
            let methods = self.verification_methods.iter_mut();
            for method in methods.filter(|method| method.fragment == fragment) {
                method.valid_until = Some(since);
            }
            return Ok(KeyEnd::At(since));
        }
        // Its name and purposes are what another one takes over: without them no key of its kind could follow.
        let remains = |purpose: &Purpose| {
            let mut others = self.verification_methods.iter();
            others.any(|other| other.fragment != fragment && other.purposes.contains(purpose))
        };
        if !method.purposes.iter().all(remains) {
            return Err(KeyChangeError::LastKey);
        }
        self.verification_methods
            .retain(|method| method.fragment != fragment);
        Ok(KeyEnd::Removed)
    }

    /// Drops ended keys, the oldest first, whose signatures nobody checks later: of requests and operations.
    fn make_room(&mut self, now: u64) -> Result<(), KeyChangeError> {
        while self.verification_methods.len() > MAX_KEYS {
            let unneeded = self.verification_methods.iter().position(|method| {
                !method.purposes.contains(&Purpose::AssertionMethod)
                    && method.valid_until.is_some_and(|until| until <= now)
            });
            self.verification_methods
                .remove(unneeded.ok_or(KeyChangeError::Full)?);
        }
        Ok(())
    }

    fn method(&self, fragment: &str) -> Result<&VerificationMethod, KeyChangeError> {
        self.verification_methods
            .iter()
            .find(|method| method.fragment == fragment)
            .ok_or_else(|| KeyChangeError::Unknown(fragment.to_owned()))
    }
}

impl DidRecord {
    /// Requires that whoever holds `key` may sign for the DID as `fragment` for `purpose` at `at` (Unix seconds).
    ///
    /// # Errors
    /// [`KeyRefused`].
    pub fn require_key(
        &self,
        fragment: &str,
        key: &PublicKey,
        purpose: Purpose,
        at: u64,
    ) -> Result<(), KeyRefused> {
        if let Some(deactivated) = self.deactivated {
            return Err(KeyRefused::Deactivated(deactivated));
        }
        let methods = self.document.verification_methods.iter();
        let method = methods
            .filter(|method| method.fragment == fragment && method.purposes.contains(&purpose))
            .find(|method| method.public_key == *key)
            .ok_or(KeyRefused::Absent)?;
        if at < method.valid_from {
            return Err(KeyRefused::NotYet(method.valid_from));
        }
        match method.valid_until.filter(|until| *until <= at) {
            Some(until) => Err(KeyRefused::Ended(until)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jumin_identity::{FileKey, Signer};

    use super::*;

    const NOON: u64 = 1_800_000_000;

    fn key() -> PublicKey {
        FileKey::generate().unwrap().public_key().clone()
    }

    fn method(fragment: &str, purpose: Purpose) -> VerificationMethod {
        VerificationMethod {
            fragment: fragment.to_owned(),
            public_key: key(),
            purposes: vec![purpose],
            valid_from: NOON - 1_000,
            valid_until: None,
        }
    }

    fn document() -> DidDocument {
        DidDocument {
            verification_methods: vec![
                method("key-1", Purpose::AssertionMethod),
                method("ledger-1", Purpose::CapabilityInvocation),
            ],
            services: Vec::new(),
        }
    }

    fn new(fragment: &str) -> NewKey {
        NewKey {
            fragment: fragment.to_owned(),
            public_key: key(),
        }
    }

    #[test]
    fn rotated_key_keeps_what_it_signed_before_and_hands_its_purposes_on() {
        let mut document = document();
        let end = document
            .rotate_key("key-1", new("key-2"), NOON, NOON + 60)
            .unwrap();
        assert_eq!(end, KeyEnd::At(NOON));
        let good = |name, at| {
            document
                .key_at(name, Purpose::AssertionMethod, at)
                .is_some()
        };
        assert!(good("key-1", NOON - 1) && !good("key-1", NOON));
        assert!(!good("key-2", NOON + 59) && good("key-2", NOON + 60));
        document.validate().unwrap();
    }

    #[test]
    fn new_key_for_operations_is_good_a_little_earlier() {
        let mut document = document();
        document
            .rotate_key("ledger-1", new("ledger-2"), NOON, NOON)
            .unwrap();
        let operations = Purpose::CapabilityInvocation;
        assert!(
            document
                .key_at("ledger-2", operations, NOON - 300)
                .is_some()
        );
        assert!(
            document
                .key_at("ledger-2", operations, NOON - 301)
                .is_none()
        );
    }

    #[test]
    fn key_ended_from_its_beginning_is_taken_out() {
        let mut document = document();
        document
            .rotate_key("key-1", new("key-2"), NOON, NOON)
            .unwrap();
        assert_eq!(document.end_key("key-1", NOON - 1_000), Ok(KeyEnd::Removed));
        assert_eq!(document.verification_methods.len(), 2);
        document.validate().unwrap();
    }

    #[test]
    fn last_key_of_its_kind_is_taken_out_only_when_another_takes_its_place() {
        let mut document = document();
        let before = document.clone();
        for last in ["key-1", "ledger-1"] {
            assert_eq!(document.end_key(last, 0), Err(KeyChangeError::LastKey));
        }
        assert_eq!(document, before);
        let end = document.rotate_key("key-1", new("key-2"), 0, NOON).unwrap();
        assert_eq!(end, KeyEnd::Removed);
    }

    #[test]
    fn key_that_was_ended_alone_is_replaced_later_and_keeps_its_end() {
        let mut document = document();
        document.end_key("key-1", NOON).unwrap();
        let end = document.rotate_key("key-1", new("key-2"), NOON + 60, NOON + 60);
        assert_eq!(end, Ok(KeyEnd::At(NOON)));
        let good = |name, at| {
            document
                .key_at(name, Purpose::AssertionMethod, at)
                .is_some()
        };
        assert!(good("key-1", NOON - 1) && !good("key-1", NOON));
        assert!(good("key-2", NOON + 60));
    }

    #[test]
    fn an_end_is_never_put_off_and_an_unknown_key_never_ended() {
        let mut document = document();
        document.end_key("key-1", NOON).unwrap();
        let refused = document.end_key("key-1", NOON + 1).unwrap_err();
        assert_eq!(refused.code(), "key_ended");
        assert_eq!(
            document.end_key("key-1", NOON - 10),
            Ok(KeyEnd::At(NOON - 10))
        );
        assert_eq!(
            document.end_key("key-9", NOON).unwrap_err().code(),
            "key_unknown"
        );
        let exists = document.rotate_key("ledger-1", new("key-1"), NOON, NOON);
        assert_eq!(exists.unwrap_err().code(), "key_exists");
    }

    #[test]
    fn full_document_gives_up_ended_keys_for_operations_only() {
        let mut full = document();
        for number in 2..=15 {
            let (old, next) = (format!("ledger-{}", number - 1), format!("ledger-{number}"));
            full.rotate_key(&old, new(&next), NOON, NOON).unwrap();
        }
        full.rotate_key("ledger-15", new("ledger-16"), NOON, NOON)
            .unwrap();
        assert_eq!(full.verification_methods.len(), MAX_KEYS);
        assert!(
            full.key_at("key-1", Purpose::AssertionMethod, NOON)
                .is_some()
        );

        let mut issuing = document();
        for number in 2..=15 {
            let (old, next) = (format!("key-{}", number - 1), format!("key-{number}"));
            issuing
                .rotate_key(&old, new(&next), NOON + number, NOON + number)
                .unwrap();
        }
        let before = issuing.clone();
        let refused = issuing.rotate_key("key-15", new("key-16"), NOON + 99, NOON + 99);
        assert_eq!(refused, Err(KeyChangeError::Full));
        assert_eq!(issuing, before);
    }

    #[test]
    fn only_the_named_key_of_an_active_did_may_sign() {
        let mut record = DidRecord {
            version: 1,
            document: document(),
            next_key_hash: [0; 32],
            deactivated: None,
            updated: 0,
            height: 1,
        };
        let mine = record.document.verification_methods[0].public_key.clone();
        let may = |record: &DidRecord, key: &PublicKey, at| {
            record.require_key("key-1", key, Purpose::AssertionMethod, at)
        };
        assert_eq!(may(&record, &mine, NOON), Ok(()));
        assert_eq!(may(&record, &key(), NOON), Err(KeyRefused::Absent));
        assert_eq!(
            may(&record, &mine, 0),
            Err(KeyRefused::NotYet(NOON - 1_000))
        );
        record.document.end_key("key-1", NOON).unwrap();
        assert_eq!(may(&record, &mine, NOON), Err(KeyRefused::Ended(NOON)));
        record.deactivated = Some(NOON);
        assert_eq!(
            may(&record, &mine, NOON - 1),
            Err(KeyRefused::Deactivated(NOON))
        );
    }
}
