//! Paths to claims, as type metadata and DCQL write them (OpenID4VP 1.0 §7, claims path pointer).

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value};

const MAX_SEGMENTS: usize = 8;
const MAX_NAME: usize = 256;

/// Says that a text or a JSON array is not a path of 1 to 8 segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a path to a claim")]
pub struct NotAClaimPath;

/// Is one step on the way to a claim.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PathSegment {
    /// Goes to the member of an object with this name.
    Name(String),
    /// Goes to the element of an array at this index, counted from 0 in the array as it was issued.
    Index(usize),
    /// Goes to every element of an array (`null` in JSON).
    Any,
}

impl PathSegment {
    fn covers(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Any, Self::Index(_)))
    }
}

/// Leads from the payload of a credential to a claim.
///
/// As text, names are joined by `.` and elements are in brackets: `address.sido`, `members[0].name`, `members[*]`. As
/// JSON it is an array of strings, integers and `null`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimPath(pub Vec<PathSegment>);

impl ClaimPath {
    /// Takes a path from its JSON array.
    pub fn from_json(value: &Value) -> Result<Self, NotAClaimPath> {
        let array = value
            .as_array()
            .filter(|array| (1..=MAX_SEGMENTS).contains(&array.len()));
        let segments = array.ok_or(NotAClaimPath)?.iter().map(segment_from_json);
        segments
            .collect::<Option<Vec<_>>>()
            .map(Self)
            .ok_or(NotAClaimPath)
    }

    /// Returns the JSON array of the path.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(segment_to_json).collect()
    }

    /// Says whether this path leads to `other`, or to something in which `other` lies; `null` stands for any index.
    pub fn covers(&self, other: &[PathSegment]) -> bool {
        covers(&self.0, other)
    }

    /// Says whether `other` lies on this path, around it or inside it.
    pub(crate) fn meets(&self, other: &[PathSegment]) -> bool {
        self.covers(other)
            || self
                .0
                .get(..other.len())
                .is_some_and(|outer| covers(outer, other))
    }

    /// Returns every value to which the path leads in a payload whose arrays are complete.
    pub fn select<'a>(&self, claims: &'a Map<String, Value>) -> Vec<&'a Value> {
        let Some((PathSegment::Name(name), rest)) = self.0.split_first() else {
            return Vec::new();
        };
        let mut found: Vec<&Value> = claims.get(name).into_iter().collect();
        for segment in rest {
            found = found
                .into_iter()
                .flat_map(|value| step(value, segment))
                .collect();
        }
        found
    }
}

fn covers(path: &[PathSegment], other: &[PathSegment]) -> bool {
    path.len() <= other.len()
        && path
            .iter()
            .zip(other)
            .all(|(own, theirs)| own.covers(theirs))
}

fn step<'a>(value: &'a Value, segment: &PathSegment) -> Vec<&'a Value> {
    match (value, segment) {
        (Value::Object(object), PathSegment::Name(name)) => object.get(name).into_iter().collect(),
        (Value::Array(array), PathSegment::Index(index)) => array.get(*index).into_iter().collect(),
        (Value::Array(array), PathSegment::Any) => array.iter().collect(),
        _ => Vec::new(),
    }
}

fn segment_from_json(value: &Value) -> Option<PathSegment> {
    match value {
        Value::Null => Some(PathSegment::Any),
        Value::String(name) if name.len() <= MAX_NAME => Some(PathSegment::Name(name.clone())),
        Value::Number(number) => Some(PathSegment::Index(usize::try_from(number.as_u64()?).ok()?)),
        _ => None,
    }
}

fn segment_to_json(segment: &PathSegment) -> Value {
    match segment {
        PathSegment::Name(name) => Value::from(name.as_str()),
        PathSegment::Index(index) => Value::from(*index),
        PathSegment::Any => Value::Null,
    }
}

impl Deref for ClaimPath {
    type Target = [PathSegment];

    fn deref(&self) -> &[PathSegment] {
        &self.0
    }
}

impl From<Vec<PathSegment>> for ClaimPath {
    fn from(segments: Vec<PathSegment>) -> Self {
        Self(segments)
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, segment) in self.0.iter().enumerate() {
            match segment {
                PathSegment::Name(name) if at == 0 => f.write_str(name)?,
                PathSegment::Name(name) => write!(f, ".{name}")?,
                PathSegment::Index(index) => write!(f, "[{index}]")?,
                PathSegment::Any => f.write_str("[*]")?,
            }
        }
        Ok(())
    }
}

impl FromStr for ClaimPath {
    type Err = NotAClaimPath;

    fn from_str(text: &str) -> Result<Self, NotAClaimPath> {
        let mut segments = Vec::new();
        for part in text.split('.') {
            let (name, elements) = part.split_at(part.find('[').unwrap_or(part.len()));
            if name.is_empty() || name.len() > MAX_NAME {
                return Err(NotAClaimPath);
            }
            segments.push(PathSegment::Name(name.to_owned()));
            parse_elements(elements, &mut segments)?;
            if segments.len() > MAX_SEGMENTS {
                return Err(NotAClaimPath);
            }
        }
        Ok(Self(segments))
    }
}

fn parse_elements(mut text: &str, segments: &mut Vec<PathSegment>) -> Result<(), NotAClaimPath> {
    while !text.is_empty() {
        let inner = text.strip_prefix('[').ok_or(NotAClaimPath)?;
        let (element, rest) = inner.split_once(']').ok_or(NotAClaimPath)?;
        let index = || {
            element
                .parse()
                .map(PathSegment::Index)
                .map_err(|_| NotAClaimPath)
        };
        segments.push(if element == "*" {
            PathSegment::Any
        } else {
            index()?
        });
        text = rest;
    }
    Ok(())
}

impl Serialize for ClaimPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ClaimPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_json(&Value::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_keeps_numeric_names_and_indexes_apart() {
        for text in [
            "address.sido",
            "age_equal_or_over.19",
            "members[0].name",
            "members[*]",
            "a[1][2]",
        ] {
            assert_eq!(text.parse::<ClaimPath>().unwrap().to_string(), text);
        }
        let age: ClaimPath = "age_equal_or_over.19".parse().unwrap();
        assert_eq!(
            age.to_json(),
            serde_json::json!(["age_equal_or_over", "19"])
        );
    }

    #[test]
    fn text_of_another_form_is_refused() {
        for text in [
            "",
            ".",
            "a.",
            "[0]",
            "a[",
            "a[]",
            "a[x]",
            "a[0]b",
            "a[-1]",
            "a.b.c.d.e.f.g.h.i",
        ] {
            assert_eq!(text.parse::<ClaimPath>(), Err(NotAClaimPath), "{text}");
        }
    }

    #[test]
    fn path_covers_what_lies_inside_it() {
        let path = |text: &str| text.parse::<ClaimPath>().unwrap();
        assert!(path("address").covers(&path("address.sido")));
        assert!(path("members[*]").covers(&path("members[3].name")));
        assert!(!path("address.sido").covers(&path("address")));
        assert!(!path("members[1]").covers(&path("members[3]")));
    }

    #[test]
    fn path_selects_every_value_it_leads_to() {
        let claims = serde_json::json!({"members": [{"name": "a"}, {"name": "b"}], "x": 1});
        let found = "members[*].name".parse::<ClaimPath>().unwrap();
        assert_eq!(found.select(claims.as_object().unwrap()), ["a", "b"]);
        assert!(
            "x.y"
                .parse::<ClaimPath>()
                .unwrap()
                .select(claims.as_object().unwrap())
                .is_empty()
        );
    }
}
