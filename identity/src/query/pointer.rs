//! Claims path pointers in queries (OpenID4VP 1.0 §7).

use serde_json::{Map, Value};

use super::QueryError;
use crate::claim_path::{ClaimPath, PathSegment};

const SELECTED_MAX: usize = 256;

/// Reads a pointer; the root of a credential is an object, so it starts with a name.
pub(super) fn parse(json: Option<&Value>) -> Result<ClaimPath, QueryError> {
    let malformed = QueryError::Malformed("path");
    let path = ClaimPath::from_json(json.ok_or(malformed)?).map_err(|_| malformed)?;
    match path.0.first() {
        Some(PathSegment::Name(_)) => Ok(path),
        _ => Err(malformed),
    }
}

type Selected<'a> = Vec<(ClaimPath, &'a Value)>;

/// Finds the claims that a pointer selects, each with its own path; none where OpenID4VP 1.0 §7.1.1 says to abort.
pub(super) fn select<'a>(pointer: &ClaimPath, claims: &'a Map<String, Value>) -> Selected<'a> {
    let Some((PathSegment::Name(name), rest)) = pointer.0.split_first() else {
        return Vec::new();
    };
    let mut selected: Selected = claims
        .get(name)
        .map(|value| (ClaimPath(vec![PathSegment::Name(name.clone())]), value))
        .into_iter()
        .collect();
    for segment in rest {
        selected = match step(&selected, segment) {
            Some(next) if next.len() <= SELECTED_MAX => next,
            _ => return Vec::new(),
        };
    }
    selected
}

/// Follows one segment from every selected element; `None` if one of them is neither object nor array as needed.
fn step<'a>(selected: &Selected<'a>, segment: &PathSegment) -> Option<Selected<'a>> {
    let mut next = Vec::new();
    for (path, value) in selected {
        match segment {
            PathSegment::Name(name) => {
                if let Some(member) = value.as_object()?.get(name) {
                    next.push((longer(path, segment.clone()), member));
                }
            }
            PathSegment::Index(index) => {
                if let Some(element) = value.as_array()?.get(*index) {
                    next.push((longer(path, segment.clone()), element));
                }
            }
            PathSegment::Any => {
                let elements = value.as_array()?.iter().take(SELECTED_MAX + 1).enumerate();
                next.extend(
                    elements
                        .map(|(index, element)| (longer(path, PathSegment::Index(index)), element)),
                );
            }
        }
    }
    Some(next)
}

fn longer(path: &ClaimPath, segment: PathSegment) -> ClaimPath {
    let mut segments = path.0.clone();
    segments.push(segment);
    ClaimPath(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn selected(path: Value) -> Vec<String> {
        let claims = json!({
            "name": "Arthur Dent",
            "address": {"street_address": "42 Market Street"},
            "degrees": [{"type": "Bachelor"}, {"type": "Master"}],
            "nationalities": ["British", "Betelgeusian"],
        });
        let pointer = parse(Some(&path)).unwrap();
        let selected = select(&pointer, claims.as_object().unwrap());
        selected
            .iter()
            .map(|(path, _)| path.to_json().to_string())
            .collect()
    }

    #[test]
    fn pointers_select_as_in_the_example_of_the_specification() {
        for (path, expected) in [
            (json!(["name"]), vec![r#"["name"]"#]),
            (json!(["address"]), vec![r#"["address"]"#]),
            (
                json!(["address", "street_address"]),
                vec![r#"["address","street_address"]"#],
            ),
            (
                json!(["degrees", null, "type"]),
                vec![r#"["degrees",0,"type"]"#, r#"["degrees",1,"type"]"#],
            ),
            (json!(["nationalities", 1]), vec![r#"["nationalities",1]"#]),
            (json!(["nationalities", 2]), vec![]),
            (json!(["name", "first"]), vec![]),
        ] {
            assert_eq!(selected(path.clone()), expected, "{path}");
        }
    }

    #[test]
    fn malformed_pointers_are_refused() {
        for path in [
            json!([]),
            json!("name"),
            json!([-1]),
            json!([null]),
            json!(["a", true]),
        ] {
            assert!(parse(Some(&path)).is_err(), "{path}");
        }
    }
}
