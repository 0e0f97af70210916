//! An agency's DID document.

use std::collections::BTreeSet;

use jumin_identity::{Did, PublicKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const MAX_DOCUMENT_BYTES: usize = 8 * 1024;
pub(crate) const MAX_KEYS: usize = 16;
const MAX_SERVICES: usize = 8;
const MAX_KIND_BYTES: usize = 64;
const MAX_ENDPOINT_BYTES: usize = 256;

/// The part of a DID document that its controller writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DidDocument {
    /// The agency's keys, 1 to 16, past ones included.
    pub verification_methods: Vec<VerificationMethod>,
    /// Where the agency can be reached, at most 8.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// A key, what it is for, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationMethod {
    /// The part of its DID URL after `#`: 1 to 32 of `A-Z a-z 0-9 _ -`.
    pub fragment: String,
    /// The P-256 key, as JWK.
    pub public_key: PublicKey,
    /// What it may sign, at least one.
    pub purposes: Vec<Purpose>,
    /// First second the key is good for, Unix time.
    pub valid_from: u64,
    /// First second it is no longer good for; none while it is in use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<u64>,
}

/// A verification relationship of DID Core §5.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Purpose {
    /// Signs credentials and status lists.
    AssertionMethod,
    /// Signs requests for presentations.
    Authentication,
    /// Signs the agency's operations on the ledger.
    CapabilityInvocation,
}

/// A service of DID Core §5.4.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The part of its identifier after `#`.
    pub id: String,
    /// Its type, e.g. `OpenID4VCI`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its URL.
    pub endpoint: String,
}

/// Why a document is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Longer than 8 KiB, or too many keys or services.
    #[error("the document has more {0} than allowed")]
    Limits(&'static str),
    /// A member is not what it should be.
    #[error("the document's {0} is malformed")]
    Malformed(&'static str),
}

impl DocumentError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limits(_) => "limits",
            Self::Malformed(_) => "malformed",
        }
    }
}

impl DidDocument {
    /// Checks sizes, names and periods.
    ///
    /// # Errors
    /// [`DocumentError`] naming the part.
    pub fn validate(&self) -> Result<(), DocumentError> {
        if self.verification_methods.len() > MAX_KEYS {
            return Err(DocumentError::Limits("keys"));
        }
        if self.services.len() > MAX_SERVICES {
            return Err(DocumentError::Limits("services"));
        }
        if self.verification_methods.is_empty() {
            return Err(DocumentError::Malformed("list of keys"));
        }
        let mut names = BTreeSet::new();
        for method in &self.verification_methods {
            method.validate()?;
            if !names.insert(&method.fragment) {
                return Err(DocumentError::Malformed("key name"));
            }
        }
        for service in &self.services {
            service.validate()?;
            if !names.insert(&service.id) {
                return Err(DocumentError::Malformed("service name"));
            }
        }
        let bytes = serde_json::to_vec(self).map_err(|_| DocumentError::Malformed("form"))?;
        if bytes.len() > MAX_DOCUMENT_BYTES {
            return Err(DocumentError::Limits("bytes"));
        }
        Ok(())
    }

    /// Returns the key named `fragment` if it is for `purpose` and its period holds `at` (Unix seconds).
    pub fn key_at(&self, fragment: &str, purpose: Purpose, at: u64) -> Option<&PublicKey> {
        self.verification_methods
            .iter()
            .find(|method| method.fragment == fragment)
            .filter(|method| method.purposes.contains(&purpose) && method.holds_at(at))
            .map(|method| &method.public_key)
    }

    /// Writes the document as DID Core JSON-LD for `did`.
    ///
    /// Every key is listed, past ones with `expires`, since credentials they signed may still be valid.
    pub fn to_did_core(&self, did: &Did) -> Value {
        let url = |fragment: &str| format!("{did}#{fragment}");
        let methods: Vec<Value> = self
            .verification_methods
            .iter()
            .map(|method| method.to_did_core(did))
            .collect();
        let with = |purpose| -> Vec<String> {
            self.verification_methods
                .iter()
                .filter(|method| method.purposes.contains(&purpose))
                .map(|method| url(&method.fragment))
                .collect()
        };
        let services: Vec<Value> = self
            .services
            .iter()
            .map(|s| json!({"id": url(&s.id), "type": s.kind, "serviceEndpoint": s.endpoint}))
            .collect();
        json!({
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"],
            "id": did.to_string(),
            "verificationMethod": methods,
            "assertionMethod": with(Purpose::AssertionMethod),
            "authentication": with(Purpose::Authentication),
            "capabilityInvocation": with(Purpose::CapabilityInvocation),
            "service": services,
        })
    }
}

impl VerificationMethod {
    fn validate(&self) -> Result<(), DocumentError> {
        if !is_fragment(&self.fragment) {
            return Err(DocumentError::Malformed("key name"));
        }
        let distinct: BTreeSet<_> = self.purposes.iter().collect();
        if self.purposes.is_empty() || distinct.len() != self.purposes.len() {
            return Err(DocumentError::Malformed("key purposes"));
        }
        if self
            .valid_until
            .is_some_and(|until| until <= self.valid_from)
        {
            return Err(DocumentError::Malformed("key period"));
        }
        Ok(())
    }

    fn holds_at(&self, at: u64) -> bool {
        self.valid_from <= at && self.valid_until.is_none_or(|until| at < until)
    }

    fn to_did_core(&self, did: &Did) -> Value {
        let mut method = json!({
            "id": format!("{did}#{}", self.fragment),
            "type": "JsonWebKey2020",
            "controller": did.to_string(),
            "publicKeyJwk": self.public_key.to_jwk(),
        });
        if let (Some(until), Some(members)) = (self.valid_until, method.as_object_mut()) {
            members.insert("expires".to_owned(), Value::String(rfc3339(until)));
        }
        method
    }
}

impl Service {
    fn validate(&self) -> Result<(), DocumentError> {
        if !is_fragment(&self.id) {
            return Err(DocumentError::Malformed("service name"));
        }
        if !is_bounded_ascii(&self.kind, MAX_KIND_BYTES) {
            return Err(DocumentError::Malformed("service type"));
        }
        let is_url = ["https://", "http://"]
            .iter()
            .any(|scheme| self.endpoint.starts_with(scheme));
        if !is_url || !is_bounded_ascii(&self.endpoint, MAX_ENDPOINT_BYTES) {
            return Err(DocumentError::Malformed("service endpoint"));
        }
        Ok(())
    }
}

fn is_bounded_ascii(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_fragment(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

/// Writes Unix seconds as an XML Schema dateTimeStamp in UTC.
fn rfc3339(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days since 0000-03-01, in eras of 400 years (Howard Hinnant's civil_from_days).
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn dates_are_written_as_utc_timestamps() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(4_102_444_799), "2099-12-31T23:59:59Z");
    }
}
