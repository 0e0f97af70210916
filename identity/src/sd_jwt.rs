//! SD-JWT parsing and the processing of disclosures (RFC 9901 §4, §7.1).

use std::fmt;
use std::ops::Range;

use serde_json::{Map, Value};

use crate::claim_path::{ClaimPath, PathSegment};
use crate::credential::CredentialError;
use crate::credential_type::{PROTECTED_CLAIMS, is_reserved};
use crate::encoding::{b64url_array, b64url_decode, sha256};
use crate::json::{parse_json_strict, parse_object_strict};
use crate::jws::UnverifiedJws;
use crate::key::PublicKey;

/// Is the longest SD-JWT that is read, in bytes.
pub(crate) const MAX_BYTES: usize = 256 * 1024;
/// Is the highest number of disclosures that is read.
pub(crate) const MAX_DISCLOSURES: usize = 200;
/// Is how deep a payload may nest, disclosed values included.
pub(crate) const MAX_DEPTH: usize = 8;
const MAX_NAME: usize = 256;
const MAX_SALT: usize = 256;

/// Is one claim or array element that can be disclosed alone.
#[derive(Clone)]
pub struct Disclosure {
    /// Leads to the claim; an index counts elements as they were issued.
    pub path: ClaimPath,
    /// Is the value as the disclosure has it; where disclosures nest it may hold digests.
    pub value: Value,
    pub(crate) text: Range<usize>,
}

impl fmt::Debug for Disclosure {
    /// Leaves the value out, which is somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosure({})", self.path)
    }
}

/// Is an SD-JWT in compact form, ending in `~`, of which nothing has been checked.
#[derive(Clone)]
pub(crate) struct SdJwt {
    pub(crate) compact: String,
    pub(crate) jws: UnverifiedJws,
    pub(crate) payload: Map<String, Value>,
}

impl SdJwt {
    /// Parses `<Issuer-signed JWT>~<Disclosure 1>~…~<Disclosure N>~` (RFC 9901 §4).
    pub(crate) fn parse(compact: &str) -> Result<Self, CredentialError> {
        if compact.len() > MAX_BYTES {
            return Err(CredentialError::TooLong);
        }
        if !compact.ends_with('~') {
            return Err(CredentialError::Malformed);
        }
        if compact.bytes().filter(|byte| *byte == b'~').count() > MAX_DISCLOSURES + 1 {
            return Err(CredentialError::TooLong);
        }
        let jwt = compact.split('~').next().unwrap_or_default();
        let jws = UnverifiedJws::parse(jwt, MAX_BYTES)?;
        let payload = parse_object_strict(jws.dangerous_payload_unverified(), MAX_DEPTH)?;
        Ok(Self {
            compact: compact.to_owned(),
            jws,
            payload,
        })
    }

    /// Checks the issuer's signature and puts the disclosures into the payload.
    pub(crate) fn verify(mut self, key: &PublicKey) -> Result<Processed, CredentialError> {
        // SD-JWT VC, "JOSE Header": the type must be `dc+sd-jwt`.
        self.jws.require_typ("dc+sd-jwt")?;
        // RFC 9901 §7.1 step 2.
        self.jws.verify(key)?;
        self.require_sha256()?;
        let mut processor = Processor::new(&self.compact)?;
        processor.object(&mut self.payload, MAX_DEPTH, true)?;
        let disclosures = processor.finish()?;
        let kid = self.jws.kid().map(str::to_owned);
        Ok(Processed {
            compact: self.compact,
            kid,
            claims: self.payload,
            disclosures,
        })
    }

    /// Takes `_sd_alg` out of the payload; SHA-256 is the default (RFC 9901 §4.1.1) and the only one accepted.
    fn require_sha256(&mut self) -> Result<(), CredentialError> {
        match self.payload.shift_remove("_sd_alg") {
            None => Ok(()),
            Some(Value::String(name)) if name == "sha-256" => Ok(()),
            Some(Value::String(_)) => Err(CredentialError::UnsupportedHash),
            Some(_) => Err(CredentialError::Malformed),
        }
    }
}

/// Is an SD-JWT whose signature and disclosures are right.
pub(crate) struct Processed {
    pub(crate) compact: String,
    pub(crate) kid: Option<String>,
    pub(crate) claims: Map<String, Value>,
    pub(crate) disclosures: Vec<Disclosure>,
}

struct Given {
    digest: [u8; 32],
    text: Range<usize>,
    name: Option<String>,
    value: Option<Value>,
    path: ClaimPath,
}

/// Walks a payload and replaces digests by what was disclosed for them.
struct Processor {
    given: Vec<Given>,
    by_digest: Vec<usize>,
    seen: Vec<[u8; 32]>,
    path: Vec<PathSegment>,
    kept: Vec<Option<Value>>,
}

impl Processor {
    fn new(compact: &str) -> Result<Self, CredentialError> {
        let mut given = Vec::new();
        let mut start = compact.find('~').map_or(compact.len(), |at| at + 1);
        while let Some(length) = compact.get(start..).and_then(|rest| rest.find('~')) {
            given.push(read_disclosure(compact, start..start + length)?);
            start += length + 1;
        }
        let mut by_digest: Vec<usize> = (0..given.len()).collect();
        by_digest.sort_unstable_by_key(|at| given[*at].digest);
        if by_digest
            .windows(2)
            .any(|pair| given[pair[0]].digest == given[pair[1]].digest)
        {
            return Err(CredentialError::DigestRepeated);
        }
        let kept = vec![None; given.len()];
        Ok(Self {
            given,
            by_digest,
            seen: Vec::with_capacity(16),
            path: Vec::new(),
            kept,
        })
    }

    fn object(
        &mut self,
        object: &mut Map<String, Value>,
        depth: usize,
        top: bool,
    ) -> Result<(), CredentialError> {
        let depth = depth.checked_sub(1).ok_or(CredentialError::TooDeep)?;
        // RFC 9901 §4.1: `_sd` and `...` only convey digests; §4.1.1: `_sd_alg` only at the top.
        if object.contains_key("...") || object.contains_key("_sd_alg") {
            return Err(CredentialError::ReservedName);
        }
        match object.shift_remove("_sd") {
            None => {}
            Some(Value::Array(digests)) => {
                for digest in &digests {
                    self.insert_member(object, digest, top)?;
                }
            }
            Some(_) => return Err(CredentialError::Malformed),
        }
        for (name, value) in object
            .iter_mut()
            .filter(|(_, value)| value.is_object() || value.is_array())
        {
            self.path.push(PathSegment::Name(name.clone()));
            self.value(value, depth)?;
            self.path.pop();
        }
        Ok(())
    }

    /// Does RFC 9901 §7.1 step 3.c.ii for one digest of an `_sd` array.
    fn insert_member(
        &mut self,
        object: &mut Map<String, Value>,
        digest: &Value,
        top: bool,
    ) -> Result<(), CredentialError> {
        let Some((at, value)) = self.take(digest)? else {
            return Ok(());
        };
        let name = self.given[at]
            .name
            .clone()
            .ok_or(CredentialError::DisclosureMalformed)?;
        if is_reserved(&name) {
            return Err(CredentialError::ReservedName);
        }
        // SD-JWT VC, "Registered JWT Claims": these must not be in disclosures, whether they are in the payload or not.
        if top && PROTECTED_CLAIMS.contains(&name.as_str()) {
            return Err(CredentialError::ProtectedClaim);
        }
        if object.contains_key(&name) {
            return Err(CredentialError::ClaimShadowed);
        }
        self.keep(at, PathSegment::Name(name.clone()), &value);
        object.insert(name, value);
        Ok(())
    }

    fn value(&mut self, value: &mut Value, depth: usize) -> Result<(), CredentialError> {
        match value {
            Value::Object(object) => self.object(object, depth, false),
            Value::Array(array) => self.array(array, depth),
            _ => Ok(()),
        }
    }

    /// Does RFC 9901 §7.1 steps 3.c.iii and 3.d for the elements of an array.
    fn array(&mut self, array: &mut Vec<Value>, depth: usize) -> Result<(), CredentialError> {
        let depth = depth.checked_sub(1).ok_or(CredentialError::TooDeep)?;
        for (index, mut value) in std::mem::take(array).into_iter().enumerate() {
            if let Some(digest) = placeholder(&value)? {
                let Some((at, disclosed)) = self.take(digest)? else {
                    continue;
                };
                if self.given[at].name.is_some() {
                    return Err(CredentialError::DisclosureMalformed);
                }
                self.keep(at, PathSegment::Index(index), &disclosed);
                value = disclosed;
            }
            if value.is_object() || value.is_array() {
                self.path.push(PathSegment::Index(index));
                self.value(&mut value, depth)?;
                self.path.pop();
            }
            array.push(value);
        }
        Ok(())
    }

    /// Notes a digest and returns the disclosure that it belongs to, if it was given.
    fn take(&mut self, digest: &Value) -> Result<Option<(usize, Value)>, CredentialError> {
        let text = digest.as_str().ok_or(CredentialError::Malformed)?;
        let digest = b64url_array::<32>(text).map_err(|_| CredentialError::Malformed)?;
        self.seen.push(digest);
        let given = &mut self.given;
        let Ok(found) = self
            .by_digest
            .binary_search_by_key(&digest, |at| given[*at].digest)
        else {
            return Ok(None);
        };
        let at = self.by_digest[found];
        // SD-JWT VC, "Registered JWT Claims": nor may anything inside them.
        if let Some(PathSegment::Name(name)) = self.path.first()
            && PROTECTED_CLAIMS.contains(&name.as_str())
        {
            return Err(CredentialError::ProtectedClaim);
        }
        // RFC 9901 §7.1 step 4: a digest that comes a second time.
        let value = given[at]
            .value
            .take()
            .ok_or(CredentialError::DigestRepeated)?;
        Ok(Some((at, value)))
    }

    fn keep(&mut self, at: usize, segment: PathSegment, value: &Value) {
        let mut path = self.path.clone();
        path.push(segment);
        self.given[at].path = ClaimPath(path);
        self.kept[at] = Some(value.clone());
    }

    fn finish(mut self) -> Result<Vec<Disclosure>, CredentialError> {
        self.seen.sort_unstable();
        if self.seen.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(CredentialError::DigestRepeated);
        }
        // RFC 9901 §7.1 step 5.
        let pairs = self.given.into_iter().zip(self.kept);
        let kept = pairs.map(|(given, value)| {
            Some(Disclosure {
                path: given.path,
                value: value?,
                text: given.text,
            })
        });
        kept.collect::<Option<_>>()
            .ok_or(CredentialError::DisclosureUnreferenced)
    }
}

/// Returns the digest of an array element that stands for a disclosure (RFC 9901 §4.2.4.2): an object with the one key `...`.
fn placeholder(element: &Value) -> Result<Option<&Value>, CredentialError> {
    match element
        .as_object()
        .and_then(|object| object.get("...").map(|digest| (object.len(), digest)))
    {
        None => Ok(None),
        Some((1, digest)) => Ok(Some(digest)),
        Some(_) => Err(CredentialError::ReservedName),
    }
}

fn read_disclosure(compact: &str, text: Range<usize>) -> Result<Given, CredentialError> {
    let encoded = compact.get(text.clone()).unwrap_or_default();
    let json = b64url_decode(encoded).map_err(|_| CredentialError::DisclosureMalformed)?;
    let parsed =
        parse_json_strict(&json, MAX_DEPTH).map_err(|_| CredentialError::DisclosureMalformed)?;
    let Value::Array(parts) = parsed else {
        return Err(CredentialError::DisclosureMalformed);
    };
    let mut parts = parts.into_iter();
    // RFC 9901 §4.2.1 (salt, name, value) and §4.2.2 (salt, value).
    let (salt, name, value) = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(salt), Some(value), None, None) => (salt, None, value),
        (Some(salt), Some(Value::String(name)), Some(value), None) => (salt, Some(name), value),
        _ => return Err(CredentialError::DisclosureMalformed),
    };
    let fits = |text: &Option<String>| text.as_ref().is_none_or(|text| text.len() <= MAX_NAME);
    if salt.as_str().is_none_or(|salt| salt.len() > MAX_SALT) || !fits(&name) {
        return Err(CredentialError::DisclosureMalformed);
    }
    let digest = sha256(encoded.as_bytes());
    Ok(Given {
        digest,
        text,
        name,
        value: Some(value),
        path: ClaimPath(Vec::new()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::b64url;

    /// RFC 9901 §4.2.1, §4.2.3.
    #[test]
    fn digest_of_the_disclosure_in_the_rfc_is_right() {
        let text = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0";
        let given = read_disclosure(text, 0..text.len()).unwrap();
        assert_eq!(
            b64url(&given.digest),
            "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
        );
        assert_eq!(
            (given.name.as_deref(), given.value),
            (Some("family_name"), Some("Möbius".into()))
        );
    }

    /// RFC 9901 appendix A.3: a recursive disclosure, one inside it and one beside it, bound to its holder.
    #[test]
    fn presentation_in_the_rfc_is_processed_as_the_rfc_prints_it() {
        use crate::{KeyBindingExpectation, NonceCheck};
        let file = include_bytes!("../../tests/vectors/rfc9901/appendix_a3.json");
        let vector: Value = serde_json::from_slice(file).unwrap();
        let text = |name: &str| vector[name].as_str().unwrap();
        let (sd_jwt, binding) = text("presentation").rsplit_once('~').unwrap();
        let key: PublicKey = serde_json::from_value(vector["issuer_jwk"].clone()).unwrap();
        let processed = SdJwt::parse(&format!("{sd_jwt}~"))
            .unwrap()
            .verify(&key)
            .unwrap();
        assert_eq!(Value::Object(processed.claims.clone()), vector["processed"]);
        let paths: Vec<_> = processed
            .disclosures
            .iter()
            .map(|d| d.path.to_string())
            .collect();
        assert_eq!(
            paths,
            ["age_equal_or_over", "age_equal_or_over.18", "nationalities"]
        );

        let holder: PublicKey =
            serde_json::from_value(vector["processed"]["cnf"]["jwk"].clone()).unwrap();
        let nonce = NonceCheck::Exact(text("nonce"));
        let expected = KeyBindingExpectation {
            audience: text("audience"),
            nonce,
            now: 1_748_537_250,
            max_age: 60,
            max_ahead: 0,
        };
        let binding = crate::key_binding::KeyBinding::parse(binding).unwrap();
        assert_eq!(binding.check_signature(&holder), Ok(()));
        assert_eq!(binding.check_time(&expected), Ok(1_748_537_244));
        assert_eq!(binding.check_transaction(&expected), Ok(()));
        assert_eq!(binding.check_hash(&processed.compact), Ok(()));
    }

    /// RFC 9901 §4.2.2.
    #[test]
    fn disclosure_of_an_array_element_has_no_name() {
        let text = "WyJsa2x4RjVqTVlsR1RQVW92TU5JdkNBIiwgIkZSIl0";
        let given = read_disclosure(text, 0..text.len()).unwrap();
        assert_eq!((given.name, given.value), (None, Some("FR".into())));
    }
}
