//! What a wanted change makes of a DID's document, in full and in words, before anything is written.

use jumin_identity::{FileKey, Signer as _};
use jumin_registry::{
    DidDocument, DidRecord, KeyChangeError, KeyEnd, NewKey, Purpose, Service, VerificationMethod,
};
use serde::{Deserialize, Serialize};

use crate::signing::series;
use crate::times::show_time;
use crate::{KeysError, SigningKeys};

/// A change of an agency's DID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// New keys in the place of these, or of all that the server signs with if none is named.
    Rotate {
        /// The keys' names.
        keys: Vec<String>,
        /// When the old ones end, in Unix seconds; now if not given.
        since: Option<u64>,
    },
    /// An end of these keys.
    End {
        /// The keys' names.
        keys: Vec<String>,
        /// When they end, in Unix seconds; now if not given.
        since: Option<u64>,
    },
    /// These services in the place of those in the document.
    Services(Vec<Service>),
    /// Another update key, and nothing else.
    NextUpdateKey,
    /// The end of the DID.
    Deactivate,
}

/// A key whose period was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndedKey {
    /// The key's name.
    pub key: String,
    /// First second that it was good for, Unix time.
    pub from: u64,
    /// First second that it is no longer good for; `from` or earlier if nothing that it signed counts.
    pub since: u64,
    /// When it would have ended before, if it would.
    pub until: Option<u64>,
}

/// Why a change can't be planned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Change(#[from] KeyChangeError),
    #[error(
        "the document has none of the keys that the server signs with; name those to be replaced"
    )]
    NoneInUse,
    #[error("the document can't be as it would become")]
    Document(#[from] jumin_registry::DocumentError),
}

/// A planned change.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The new document; none for a deactivation.
    pub(crate) document: Option<DidDocument>,
    /// New keys by their names, perhaps not written yet.
    pub(crate) new: Vec<(String, FileKey)>,
    pub(crate) ended: Vec<EndedKey>,
    /// What it changes, in words.
    pub(crate) lines: Vec<String>,
}

impl Plan {
    pub(crate) fn make(
        wanted: &Wanted,
        record: &DidRecord,
        keys: &SigningKeys,
        now: u64,
    ) -> Result<Self, PlanError> {
        let mut plan = Self {
            document: Some(record.document.clone()),
            new: Vec::new(),
            ended: Vec::new(),
            lines: Vec::new(),
        };
        match wanted {
            Wanted::Rotate { keys: named, since } => {
                let olds = match named.is_empty() {
                    true => in_use(record, keys)?,
                    false => named.clone(),
                };
                for old in &olds {
                    plan.rotate(old, since.unwrap_or(now), keys, now)?;
                }
            }
            Wanted::End { keys: named, since } => {
                for key in named {
                    plan.end(key, since.unwrap_or(now), now)?;
                }
            }
            Wanted::Services(services) => plan.replace_services(services),
            Wanted::NextUpdateKey => {
                plan.say("another update key becomes the next one; the document stays as it is")
            }
            Wanted::Deactivate => {
                plan.document = None;
                plan.say(
                    "the DID is deactivated for good: it signs and issues nothing any more, whoever it accredited is \
                     accredited no more, and counters refuse all that it issued",
                );
            }
        }
        if let Some(document) = &plan.document {
            document.validate()?;
        }
        Ok(plan)
    }

    fn say(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }

    fn rotate(
        &mut self,
        old: &str,
        since: u64,
        keys: &SigningKeys,
        now: u64,
    ) -> Result<(), PlanError> {
        let Some(document) = &mut self.document else {
            return Ok(());
        };
        let before = method(document, old)?.clone();
        let fragment = next_fragment(document, old, keys)?;
        let key = keys.read_or_generate(&fragment)?;
        let new = NewKey {
            fragment: fragment.clone(),
            public_key: key.public_key().clone(),
        };
        let end = document.rotate_key(old, new, since, now)?;
        let purposes = show_purposes(&before.purposes);
        if before.valid_until.is_none_or(|until| until > since) {
            self.note_end(before, end, since, now);
        }
        self.say(format!(
            "{fragment}, a new key, takes its place, for {purposes}"
        ));
        self.new.push((fragment, key));
        Ok(())
    }

    fn end(&mut self, key: &str, since: u64, now: u64) -> Result<(), PlanError> {
        let Some(document) = &mut self.document else {
            return Ok(());
        };
        let before = method(document, key)?.clone();
        let end = document.end_key(key, since)?;
        self.note_end(before, end, since, now);
        Ok(())
    }

    fn note_end(&mut self, before: VerificationMethod, end: KeyEnd, since: u64, now: u64) {
        let (key, purposes) = (&before.fragment, show_purposes(&before.purposes));
        self.lines.push(match end {
            KeyEnd::Removed => format!(
                "{key} ({purposes}) is taken out of the document: nothing that it ever signed counts any more"
            ),
            KeyEnd::At(at) if at > now => format!(
                "{key} ({purposes}) ends at {}; until then it stays good",
                show_time(at)
            ),
            KeyEnd::At(at) => format!(
                "{key} ({purposes}) ended at {}: what it signed from then on counts no more, what is dated before stays good",
                show_time(at)
            ),
        });
        self.ended.push(EndedKey {
            key: before.fragment,
            from: before.valid_from,
            since,
            until: before.valid_until,
        });
    }

    fn replace_services(&mut self, services: &[Service]) {
        let Some(document) = &mut self.document else {
            return;
        };
        document.services = services.to_vec();
        for service in services {
            let line = format!(
                "{} ({}) is at {}",
                service.id, service.kind, service.endpoint
            );
            self.lines.push(line);
        }
        if services.is_empty() {
            self.say("the document names no address any more");
        }
    }
}

fn method<'a>(
    document: &'a DidDocument,
    fragment: &str,
) -> Result<&'a VerificationMethod, KeyChangeError> {
    let mut methods = document.verification_methods.iter();
    methods
        .find(|method| method.fragment == fragment)
        .ok_or_else(|| KeyChangeError::Unknown(fragment.to_owned()))
}

/// The keys of the document that the server signs with.
fn in_use(record: &DidRecord, keys: &SigningKeys) -> Result<Vec<String>, PlanError> {
    let mut found = Vec::new();
    for method in &record.document.verification_methods {
        if keys.in_use(series(&method.fragment).0)? == method.fragment {
            found.push(method.fragment.clone());
        }
    }
    match found.is_empty() {
        true => Err(PlanError::NoneInUse),
        false => Ok(found),
    }
}

/// Names the key that follows `old`: after all of its series that the document has or the server uses.
fn next_fragment(
    document: &DidDocument,
    old: &str,
    keys: &SigningKeys,
) -> Result<String, KeysError> {
    let (name, number) = series(old);
    let methods = document.verification_methods.iter();
    let used = methods
        .map(|method| series(&method.fragment))
        .filter(|(other, _)| *other == name)
        .map(|(_, number)| number);
    let in_use = keys.in_use(name)?;
    let last = used.chain([number, series(&in_use).1]).max();
    Ok(format!(
        "{name}-{}",
        last.unwrap_or(number).saturating_add(1)
    ))
}

pub(crate) fn show_purposes(purposes: &[Purpose]) -> String {
    let words = purposes.iter().map(|purpose| match purpose {
        Purpose::AssertionMethod => "documents and status lists",
        Purpose::Authentication => "requests",
        Purpose::CapabilityInvocation => "operations on the ledger",
    });
    words.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {

    use super::*;

    const NOON: u64 = 1_800_000_000;

    fn record(keys: &SigningKeys) -> DidRecord {
        let method = |fragment: &str, purpose| VerificationMethod {
            fragment: fragment.to_owned(),
            public_key: keys.read_or_make(fragment).unwrap().public_key().clone(),
            purposes: vec![purpose],
            valid_from: NOON - 1_000,
            valid_until: None,
        };
        DidRecord {
            version: 1,
            document: DidDocument {
                verification_methods: vec![
                    method("key-1", Purpose::AssertionMethod),
                    method("ledger-1", Purpose::CapabilityInvocation),
                ],
                services: Vec::new(),
            },
            next_key_hash: [0; 32],
            deactivated: None,
            updated: 0,
            height: 1,
        }
    }

    fn names(plan: &Plan) -> Vec<&str> {
        plan.new.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn everything_in_use_is_replaced_where_no_key_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SigningKeys::at(folder.path());
        let record = record(&keys);
        let wanted = Wanted::Rotate {
            keys: Vec::new(),
            since: Some(NOON),
        };
        let plan = Plan::make(&wanted, &record, &keys, NOON + 60).unwrap();
        assert_eq!(names(&plan), ["key-2", "ledger-2"]);
        assert!(
            !keys.has("key-2"),
            "nothing is written before somebody agreed"
        );
        let document = plan.document.unwrap();
        assert!(
            document
                .key_at("key-1", Purpose::AssertionMethod, NOON)
                .is_none()
        );
        assert_eq!(plan.ended[0].since, NOON);

        // A key that an interrupted rotation left is used.
        let left = keys.read_or_make("key-2").unwrap();
        let plan = Plan::make(&wanted, &record, &keys, NOON + 60).unwrap();
        assert_eq!(plan.new[0].1.public_key(), left.public_key());
    }

    #[test]
    fn key_that_was_ended_in_haste_is_replaced_by_the_next_rotation() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SigningKeys::at(folder.path());
        let mut record = record(&keys);
        record.document.end_key("key-1", NOON).unwrap();
        let wanted = Wanted::Rotate {
            keys: Vec::new(),
            since: None,
        };
        let plan = Plan::make(&wanted, &record, &keys, NOON + 60).unwrap();
        assert_eq!(names(&plan), ["key-2", "ledger-2"]);
        let ended: Vec<_> = plan.ended.iter().map(|ended| ended.key.as_str()).collect();
        assert_eq!(ended, ["ledger-1"], "the other one ended before");
    }

    #[test]
    fn name_of_a_key_that_was_taken_out_is_not_given_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SigningKeys::at(folder.path());
        let mut record = record(&keys);
        let rotate = |since| Wanted::Rotate {
            keys: vec!["key-1".into()],
            since: Some(since),
        };
        let plan = Plan::make(&rotate(0), &record, &keys, NOON).unwrap();
        assert!(plan.lines[0].contains("taken out"), "{:?}", plan.lines);
        record.document = plan.document.unwrap();
        keys.put_in_use(&["key-2".into()]).unwrap();
        record
            .document
            .verification_methods
            .retain(|method| method.fragment != "key-2");
        assert_eq!(
            next_fragment(&record.document, "key-9", &keys).unwrap(),
            "key-10"
        );
        assert_eq!(
            next_fragment(&record.document, "key-2", &keys).unwrap(),
            "key-3"
        );
    }

    #[test]
    fn changes_that_are_impossible_are_refused_before_anybody_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SigningKeys::at(folder.path());
        let record = record(&keys);
        let end = |keys: &[&str]| Wanted::End {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            since: Some(0),
        };
        let refused = |wanted| {
            Plan::make(&wanted, &record, &keys, NOON)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(end(&["key-7"])).contains("key-7"));
        assert!(refused(end(&["key-1", "ledger-1"])).contains("no key would be left"));
        let service = Service {
            id: "issuer".into(),
            kind: "OpenID4VCI".into(),
            endpoint: "ftp://issuer.example".into(),
        };
        assert!(refused(Wanted::Services(vec![service])).contains("can't be"));
    }
}
