use std::sync::LazyLock;

use jumin_identity::{ClaimPath, CredentialType, PathSegment};
use jumin_registry::Localized;
use jumin_verifier::{OnStatusUnknown, ServicePolicy};
use serde::Serialize;
use ts_rs::TS;

/// Are the types whose claims have names here; a claim of another type goes by its path.
static TYPES: LazyLock<Vec<CredentialType>> = LazyLock::new(|| {
    [
        include_bytes!("../../../identity/types/resident-card.json").as_slice(),
        include_bytes!("../../../identity/types/household-register.json").as_slice(),
        include_bytes!("../../../identity/types/individual-register.json").as_slice(),
    ]
    .into_iter()
    .filter_map(|bytes| CredentialType::from_json(bytes).ok())
    .collect()
});

/// Is one service as a desk's page offers it.
#[derive(Clone, Debug, Serialize, TS, utoipa::ToSchema)]
pub struct ServiceInfo {
    /// Identifier of the service.
    pub service: String,
    /// What people call it.
    #[ts(type = "Localized")]
    #[schema(value_type = Object)]
    pub name: Localized,
    /// Whether a code without a request is taken, at a lower assurance.
    pub one_way: bool,
    /// Whether the clerk may accept where the status could not be learnt.
    pub clerk_decides: bool,
    /// Life of a request, in seconds.
    pub request_seconds: u64,
    /// What is asked, in the order of the query.
    pub asks: Vec<AskedClaim>,
}

/// Is one claim that a service asks for.
#[derive(Clone, Debug, PartialEq, Serialize, TS, utoipa::ToSchema)]
pub struct AskedClaim {
    /// Where it is: `address.sido`, `members[*].name`.
    pub path: String,
    /// What its type calls it.
    #[ts(type = "Localized")]
    #[schema(value_type = Object)]
    pub label: Localized,
    /// What its type calls the group it is in, if it is in one.
    #[ts(type = "Localized | null")]
    #[schema(value_type = Object)]
    pub group: Option<Localized>,
}

impl ServiceInfo {
    /// Describes a service.
    pub fn of(policy: &ServicePolicy) -> ServiceInfo {
        ServiceInfo {
            service: policy.service.clone(),
            name: Localized {
                ko: policy.name.ko.clone(),
                en: policy.name.en.clone(),
            },
            one_way: policy.one_way,
            clerk_decides: policy.on_status_unknown == OnStatusUnknown::ClerkDecides,
            request_seconds: policy.request_seconds,
            asks: asks(policy),
        }
    }
}

fn asks(policy: &ServicePolicy) -> Vec<AskedClaim> {
    // A policy's query was read when the policy was.
    let Ok(query) = policy.dcql() else {
        return Vec::new();
    };
    let credentials = query.credentials().iter();
    let claims = credentials.flat_map(|asked| asked.claims.iter().flatten());
    let paths: Vec<_> = claims.map(|claim| claim.path.clone()).collect();
    named_claims(policy, &paths)
}

/// Names claims of a service's types, in the given order.
pub(crate) fn named_claims(policy: &ServicePolicy, paths: &[ClaimPath]) -> Vec<AskedClaim> {
    let known = |vct: &String| TYPES.iter().find(|known| known.vct() == vct);
    let kind = policy.credential_types.iter().find_map(known);
    paths.iter().flat_map(|path| named(kind, path)).collect()
}

/// Names a path, or every claim that lies in what it leads to.
fn named(kind: Option<&CredentialType>, path: &ClaimPath) -> Vec<AskedClaim> {
    let all = kind.map_or(&[][..], |kind| kind.claims());
    let parents = |inner: &ClaimPath| {
        let lies_in = |other: &ClaimPath| other.len() > inner.len() && inner.covers(other);
        all.iter().any(|other| lies_in(&other.path))
    };
    let leaves = all.iter().filter(|claim| path.covers(&claim.path));
    let leaves: Vec<&ClaimPath> = leaves
        .map(|claim| &claim.path)
        .filter(|inner| !parents(inner))
        .collect();
    let leaves = if leaves.is_empty() {
        vec![path]
    } else {
        leaves
    };
    leaves.into_iter().map(|leaf| asked(kind, leaf)).collect()
}

fn asked(kind: Option<&CredentialType>, path: &ClaimPath) -> AskedClaim {
    let named = path.iter().rposition(|s| matches!(s, PathSegment::Name(_)));
    let group = path.get(..named.unwrap_or(0)).and_then(|p| label(kind, p));
    let fallback = || {
        let text = path.to_string();
        Localized {
            ko: text.clone(),
            en: text,
        }
    };
    AskedClaim {
        path: path.to_string(),
        label: label(kind, path).unwrap_or_else(fallback),
        group,
    }
}

fn label(kind: Option<&CredentialType>, path: &[PathSegment]) -> Option<Localized> {
    let claim = kind?.claim(path)?;
    Some(Localized {
        ko: claim.label("ko").to_owned(),
        en: claim.label("en").to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use jumin_verifier::builtin_services;

    use super::*;

    #[test]
    fn every_claim_of_the_services_has_its_name_in_both_languages() {
        assert_eq!(TYPES.len(), 3);
        for policy in builtin_services().unwrap() {
            let info = ServiceInfo::of(&policy);
            assert!(!info.asks.is_empty());
            for claim in info.asks {
                assert_ne!(claim.label.ko, claim.path);
                assert_ne!(claim.label.en, claim.label.ko);
            }
        }
    }

    #[test]
    fn parts_of_the_address_are_one_group() {
        let services = builtin_services().unwrap();
        let address = services.iter().find(|p| p.service == "address").unwrap();
        let asks = ServiceInfo::of(address).asks;
        let groups = asks.iter().filter_map(|claim| claim.group.as_ref());
        assert_eq!(groups.filter(|group| group.ko == "주소").count(), 5);
        assert_eq!(asks[0].path, "name.hangul");
    }

    #[test]
    fn a_claim_that_no_type_names_goes_by_its_path() {
        let path: ClaimPath = "club.number".parse().unwrap();
        let claims = named(None, &path);
        assert_eq!(claims[0].label.ko, "club.number");
        assert_eq!(claims[0].group, None);
    }
}
