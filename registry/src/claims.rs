//! Which claims an accredited verifier may ask for.

use std::collections::BTreeSet;

use jumin_identity::{ClaimPath, PathSegment, text::require_legible};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::Value;

use crate::{encoding::Malformed, key::Role, operation::OperationError};

const MAX_CLAIMS: usize = 64;

/// The claims that a verifier may ask for; as JSON, `"any"` or a list of claims path pointers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Claims {
    /// Every claim of the granted types.
    #[default]
    Any,
    /// These, and what lies in them; 1 to 64.
    Only(Vec<ClaimPath>),
}

impl Claims {
    /// Tells whether `path` may be asked for.
    pub fn cover(&self, path: &ClaimPath) -> bool {
        match self {
            Self::Any => true,
            Self::Only(granted) => granted.iter().any(|one| one.covers(path)),
        }
    }

    /// Returns those of `asked` that may not be asked for; empty if all may.
    pub fn beyond<'a>(&self, asked: impl IntoIterator<Item = &'a ClaimPath>) -> Vec<ClaimPath> {
        let beyond = asked.into_iter().filter(|path| !self.cover(path));
        beyond.cloned().collect()
    }

    /// Allows what either allows.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut paths), Self::Only(others)) => {
                paths.extend(others);
                paths.sort();
                paths.dedup();
                Self::Only(paths)
            }
            _ => Self::Any,
        }
    }

    /// Tells whether everything that `other` allows is allowed here.
    pub(crate) fn enclose(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Only(_), Self::Any) => false,
            (Self::Only(_), Self::Only(paths)) => paths.iter().all(|path| self.cover(path)),
        }
    }

    pub(crate) fn validate(&self, role: Role) -> Result<(), OperationError> {
        let malformed = Err(OperationError::Malformed(Malformed("list of claims")));
        match self {
            Self::Any => Ok(()),
            Self::Only(_) if role == Role::Issuer => malformed,
            Self::Only(paths) if paths.len() > MAX_CLAIMS => Err(OperationError::Limits("claims")),
            Self::Only(paths) => {
                let distinct: BTreeSet<_> = paths.iter().collect();
                let illegible = |segment: &PathSegment| match segment {
                    PathSegment::Name(name) => require_legible(name).is_err(),
                    _ => false,
                };
                let unclear = paths.iter().any(|path| path.iter().any(illegible));
                if distinct.is_empty() || distinct.len() != paths.len() || unclear {
                    return malformed;
                }
                Ok(())
            }
        }
    }
}

impl Serialize for Claims {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("any"),
            Self::Only(paths) => serializer.collect_seq(paths.iter().map(ClaimPath::to_json)),
        }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let error = || de::Error::custom("neither \"any\" nor a list of claims");
        match Value::deserialize(deserializer)? {
            Value::String(text) if text == "any" => Ok(Self::Any),
            Value::Array(paths) => paths
                .iter()
                .map(|path| ClaimPath::from_json(path).map_err(|_| error()))
                .collect::<Result<_, _>>()
                .map(Self::Only),
            _ => Err(error()),
        }
    }
}
