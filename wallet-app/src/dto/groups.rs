//! Puts the claims of the built-in types into groups that a person reads; unknown types have one group.

use jumin_identity::{ClaimPath, CredentialType, PathSegment, builtin_types};
use jumin_wallet_core::ClaimView;
use serde::Serialize;
use ts_rs::TS;

use super::{Claim, Localized};

/// `key`: `person`, `address`, `age`, `document`, `household`, `history` or `other`; `entry` numbers repeated groups.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct ClaimGroup {
    pub key: String,
    pub label: Option<Localized>,
    pub entry: Option<u32>,
    pub claims: Vec<Claim>,
}

/// Are the groups in the order of a screen, each with the first names of its claims' paths.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "person",
        &[
            "portrait",
            "name",
            "resident_registration_number",
            "birthdate",
            "sex",
            "relation_to_head",
        ],
    ),
    ("household", &["household_head", "composition", "members"]),
    ("address", &["address"]),
    ("history", &["address_history", "name_changes"]),
    ("age", &["age_equal_or_over"]),
    ("document", &["issuing_authority", "issue_date"]),
];
const OTHER: (usize, &str) = (GROUPS.len(), "other");

/// Groups claims that come in the order of their type.
pub(crate) fn grouped(vct: &str, claims: Vec<ClaimView>) -> Vec<ClaimGroup> {
    let definition = builtin_types()
        .into_iter()
        .find(|definition| definition.vct() == vct);
    let mut groups: Vec<(Place, ClaimGroup)> = Vec::new();
    for claim in claims {
        let place = Place::of(definition.as_ref(), &claim.path);
        let claim = Claim::from(claim);
        match groups.iter_mut().find(|(known, _)| *known == place) {
            Some((_, group)) => group.claims.push(claim),
            None => {
                let group = place.group(definition.as_ref(), claim);
                groups.push((place, group));
            }
        }
    }
    groups.sort_by(|(one, _), (other, _)| one.cmp(other));
    groups.into_iter().map(|(_, group)| group).collect()
}

/// Is where a claim belongs: the group's number and key, then the array and the element's number of a repeated group.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    group: (usize, &'static str),
    repeated: Option<(String, usize)>,
}

impl Place {
    fn of(definition: Option<&CredentialType>, path: &str) -> Self {
        let path: Option<ClaimPath> = path.parse().ok();
        let segments = path.as_ref().map_or(&[][..], |path| path.as_ref());
        let (Some(PathSegment::Name(first)), Some(_)) = (segments.first(), definition) else {
            return Self {
                group: OTHER,
                repeated: None,
            };
        };
        let known = GROUPS.iter().enumerate();
        let group = known
            .filter(|(_, (_, names))| names.contains(&first.as_str()))
            .map(|(place, (key, _))| (place, *key))
            .next();
        let repeated = match segments.get(1) {
            Some(PathSegment::Index(at)) => Some((first.clone(), *at)),
            _ => None,
        };
        Self {
            group: group.unwrap_or(OTHER),
            repeated,
        }
    }

    fn group(&self, definition: Option<&CredentialType>, first: Claim) -> ClaimGroup {
        let label = self.repeated.as_ref().and_then(|(array, at)| {
            let path = [PathSegment::Name(array.clone()), PathSegment::Index(*at)];
            let claim = definition?.claim(&path)?;
            Some(Localized {
                ko: claim.label("ko").to_owned(),
                en: claim.label("en").to_owned(),
            })
        });
        let entry = self
            .repeated
            .as_ref()
            .and_then(|(_, at)| u32::try_from(at + 1).ok());
        ClaimGroup {
            key: self.group.1.to_owned(),
            label,
            entry,
            claims: vec![first],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claim(path: &str) -> ClaimView {
        ClaimView {
            path: path.to_owned(),
            label: jumin_wallet_core::Localized {
                ko: path.to_owned(),
                en: path.to_owned(),
            },
            value: json!("x"),
            selectively_disclosable: true,
        }
    }

    fn keys(vct: &str, paths: &[&str]) -> Vec<(String, Option<u32>, usize)> {
        let claims = paths.iter().map(|path| claim(path)).collect();
        let groups = grouped(vct, claims).into_iter();
        groups
            .map(|group| (group.key, group.entry, group.claims.len()))
            .collect()
    }

    #[test]
    fn every_claim_of_the_built_in_types_has_a_group() {
        for definition in builtin_types() {
            for claim in definition.claims() {
                let path = claim.path.to_string().replace("[*]", "[0]");
                let place = Place::of(Some(&definition), &path);
                assert_ne!(place.group, OTHER, "{path}");
            }
        }
    }

    #[test]
    fn members_of_a_household_are_numbered_groups() {
        let paths = [
            "issue_date",
            "members[0].name",
            "members[0].birthdate",
            "members[1].name",
            "address.sido",
        ];
        let expected = [
            ("household", Some(1), 2),
            ("household", Some(2), 1),
            ("address", None, 1),
            ("document", None, 1),
        ];
        let found = keys("urn:jumin:household-register:1", &paths);
        let found: Vec<_> = found
            .iter()
            .map(|(key, entry, n)| (key.as_str(), *entry, *n))
            .collect();
        assert_eq!(found, expected);
        let members = grouped(
            "urn:jumin:household-register:1",
            vec![claim("members[0].name")],
        );
        assert_eq!(members[0].label.as_ref().unwrap().ko, "세대원");
    }

    #[test]
    fn unknown_type_and_unknown_claim_fall_into_other() {
        assert_eq!(
            keys("urn:x", &["name", "address.sido"]),
            [("other".to_owned(), None, 2)]
        );
        let found = keys("urn:jumin:resident-card:1", &["name.hangul", "shoe_size"]);
        assert_eq!(found[1], ("other".to_owned(), None, 1));
    }
}
