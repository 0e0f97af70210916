use std::borrow::Cow;

use jumin_identity::text::require_legible;
use jumin_identity::{DcqlQuery, template};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Largest policy file accepted, in bytes.
const MAX_POLICY_BYTES: usize = 64 * 1024;
/// Longest time any policy may set, in seconds (one year).
const MAX_SECONDS: u64 = 366 * 86_400;
/// Longest life of a request, in seconds (one hour).
const MAX_REQUEST_SECONDS: u64 = 3_600;

/// Says what one service of an office asks for and how fresh its evidence must be. It is data:
/// an office adds a service by adding a JSON file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServicePolicy {
    /// Identifier of the service, `[a-z0-9-]{1,48}`.
    pub service: String,
    /// What people call it.
    pub name: ServiceName,
    /// What is asked of the citizen.
    pub query: QuerySource,
    /// Credential types (`vct`) that may answer.
    pub credential_types: Vec<String>,
    /// Life of a request, in seconds.
    pub request_seconds: u64,
    /// Oldest key binding (`iat`) accepted, in seconds.
    pub max_presentation_age: u64,
    /// Oldest ledger checkpoint accepted, in seconds; older is `ledger_stale`.
    pub max_checkpoint_age: u64,
    /// Longest time since the status was last known to be current, in seconds; longer is
    /// `status_stale`.
    pub max_status_age: u64,
    /// Time since a node last answered, in seconds, from which a counter with a network asks again
    /// before it decides.
    pub refresh_after: u64,
    /// Whether a one-way code (without a request of this desk) is accepted.
    pub one_way: bool,
    /// What a desk does when the status could not be learnt.
    pub on_status_unknown: OnStatusUnknown,
}

/// Names a service in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceName {
    /// Korean.
    pub ko: String,
    /// English.
    pub en: String,
}

/// Says where the query of a service comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuerySource {
    /// A registered template, by its id.
    Template(String),
    /// A DCQL query, in full.
    Dcql(Value),
}

/// Says what a desk may do with `status_unknown` and `status_stale`. The verdict stays what it
/// is; only the clerk's room to decide differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnStatusUnknown {
    /// The desk refuses.
    Refuse,
    /// The clerk may accept, being told what was not checked.
    ClerkDecides,
}

/// Says why a policy file was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// More than 64 KiB.
    #[error("the policy file is too large")]
    TooLarge,
    /// Not the JSON of a policy.
    #[error("the policy file is not a policy")]
    Malformed(#[source] serde_json::Error),
    /// A member has a value that makes no sense.
    #[error("the policy's {0} is out of bounds")]
    OutOfBounds(&'static str),
    /// The template is not registered.
    #[error("the policy names the unregistered template {0}")]
    UnknownTemplate(String),
    /// The DCQL query is not acceptable.
    #[error("the policy's query is not acceptable")]
    Query(#[source] jumin_identity::QueryError),
}

impl PolicyError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            PolicyError::TooLarge => "policy_too_large",
            PolicyError::Malformed(_) => "policy_malformed",
            PolicyError::OutOfBounds(_) => "policy_out_of_bounds",
            PolicyError::UnknownTemplate(_) => "policy_unknown_template",
            PolicyError::Query(_) => "policy_query",
        }
    }
}

impl ServicePolicy {
    /// Reads a policy file (JSON, at most 64 KiB) and checks that it makes sense.
    pub fn from_json(bytes: &[u8]) -> Result<ServicePolicy, PolicyError> {
        if bytes.len() > MAX_POLICY_BYTES {
            return Err(PolicyError::TooLarge);
        }
        let policy: ServicePolicy =
            serde_json::from_slice(bytes).map_err(PolicyError::Malformed)?;
        policy.check()?;
        Ok(policy)
    }

    /// Returns the query of the service.
    pub fn dcql(&self) -> Result<Cow<'static, DcqlQuery>, PolicyError> {
        match &self.query {
            QuerySource::Template(id) => template(id)
                .map(|template| Cow::Borrowed(template.query()))
                .ok_or_else(|| PolicyError::UnknownTemplate(id.clone())),
            QuerySource::Dcql(query) => DcqlQuery::parse(query)
                .map(Cow::Owned)
                .map_err(PolicyError::Query),
        }
    }

    fn check(&self) -> Result<(), PolicyError> {
        let id_ok = (1..=48).contains(&self.service.len())
            && self
                .service
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let named = [&self.name.ko, &self.name.en];
        let legible = named.iter().all(|name| require_legible(name).is_ok());
        let bounds = [
            ("service", id_ok),
            ("name", legible),
            ("credential_types", !self.credential_types.is_empty()),
            (
                "request_seconds",
                (1..=MAX_REQUEST_SECONDS).contains(&self.request_seconds),
            ),
            (
                "max_presentation_age",
                (1..=MAX_REQUEST_SECONDS).contains(&self.max_presentation_age),
            ),
            ("max_checkpoint_age", self.max_checkpoint_age <= MAX_SECONDS),
            ("max_status_age", self.max_status_age <= MAX_SECONDS),
            ("refresh_after", self.refresh_after <= MAX_SECONDS),
        ];
        if let Some((name, _)) = bounds.into_iter().find(|(_, ok)| !ok) {
            return Err(PolicyError::OutOfBounds(name));
        }
        // An answer has one presentation, and no trusted authority but the ledger is looked at.
        match self.dcql()?.credentials() {
            [asked] if asked.trusted_authorities.is_empty() => Ok(()),
            _ => Err(PolicyError::OutOfBounds("query")),
        }
    }
}

/// Returns the services that come with the counter: proof of age, proof of address, full
/// identity, and the same with the photo.
pub fn builtin_services() -> Result<Vec<ServicePolicy>, PolicyError> {
    [
        include_bytes!("../services/age-19.json").as_slice(),
        include_bytes!("../services/address.json").as_slice(),
        include_bytes!("../services/identity.json").as_slice(),
        include_bytes!("../services/identity-photo.json").as_slice(),
    ]
    .into_iter()
    .map(ServicePolicy::from_json)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_services_that_come_along_are_acceptable() {
        let names: Vec<_> = builtin_services()
            .unwrap()
            .into_iter()
            .map(|p| p.service)
            .collect();
        assert_eq!(names, ["age-19", "address", "identity", "identity-photo"]);
    }

    #[test]
    fn the_service_with_the_photo_asks_for_the_portrait_and_takes_no_one_way_code() {
        let services = builtin_services().unwrap();
        let photo = services.iter().find(|p| p.service == "identity-photo");
        let photo = photo.unwrap();
        assert!(!photo.one_way);
        let query = photo.dcql().unwrap();
        let claims = query.credentials()[0].claims.as_ref().unwrap();
        assert!(claims.iter().any(|c| c.path.to_string() == "portrait"));
    }

    #[test]
    fn a_policy_with_an_unknown_member_or_template_is_refused() {
        let good = String::from_utf8(include_bytes!("../services/age-19.json").to_vec()).unwrap();
        let extra = good.replacen('{', "{\"max_list_age\":1,", 1);
        assert_eq!(code(extra.as_bytes()), "policy_malformed");
        let template = good.replace("\"template\": \"age-19\"", "\"template\": \"age-7\"");
        assert_eq!(code(template.as_bytes()), "policy_unknown_template");
        let never = good.replace("\"request_seconds\": 300", "\"request_seconds\": 0");
        assert_eq!(code(never.as_bytes()), "policy_out_of_bounds");
        assert_eq!(code(&vec![b' '; 70_000]), "policy_too_large");
    }

    #[test]
    fn a_query_with_what_no_check_would_hold_to_is_refused() {
        let asking = |change: &dyn Fn(&mut Value)| {
            let good = include_bytes!("../services/age-19.json");
            let mut policy: Value = serde_json::from_slice(good).unwrap();
            let mut query = template("age-19").unwrap().query().to_json();
            change(&mut query);
            policy["query"] = serde_json::json!({ "dcql": query });
            ServicePolicy::from_json(policy.to_string().as_bytes())
        };
        assert!(asking(&|_| ()).is_ok());
        let authority =
            serde_json::json!([{"type": "aki", "values": ["s9tIpPmhxdiuNkHMEWNpYim8S8Y"]}]);
        let refused = asking(&|query| {
            query["credentials"][0]["trusted_authorities"] = authority.clone();
        });
        assert_eq!(refused.unwrap_err().code(), "policy_out_of_bounds");
        let refused = asking(&|query| {
            let mut second = query["credentials"][0].clone();
            second["id"] = Value::from("second");
            query["credentials"].as_array_mut().unwrap().push(second);
        });
        assert_eq!(refused.unwrap_err().code(), "policy_out_of_bounds");
    }

    fn code(bytes: &[u8]) -> &'static str {
        ServicePolicy::from_json(bytes).unwrap_err().code()
    }
}
