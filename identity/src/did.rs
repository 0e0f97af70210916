//! `did:jumin` identifiers, as `docs/did-method.md` defines them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::encoding::{base32_decode, base32_encode};

const PREFIX: &str = "did:jumin:";
const DIGEST_CHARS: usize = 52;
const NETWORK_MAX: usize = 24;
const FRAGMENT_MAX: usize = 32;

/// Says why a text is not a `did:jumin` identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DidError {
    /// A network name is 1 to 24 characters of `a`–`z`, `0`–`9` and `-`.
    #[error("not a network name")]
    Network,
    /// The method is another one than `did:jumin`.
    #[error("not a did:jumin identifier")]
    Method,
    /// The last part is not 52 characters of lower-case base32.
    #[error("not a digest in lower-case base32")]
    Digest,
    /// A fragment is 1 to 32 characters of `A`–`Z`, `a`–`z`, `0`–`9`, `_` and `-`.
    #[error("not a fragment of a DID URL")]
    Fragment,
}

impl DidError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        "malformed"
    }
}

/// Names a ledger network: 1 to 24 characters of `a`–`z`, `0`–`9` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(String);

impl NetworkName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NetworkName {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        let fits = (1..=NETWORK_MAX).contains(&text.len());
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if fits && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(DidError::Network)
        }
    }
}

/// Identifies an agency: `did:jumin:<network>:<digest>`, where the digest is the SHA-256 of the operation that created
/// the DID, in 52 characters of lower-case base32.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Did(String);

impl Did {
    /// Makes the DID of a network and the 32-byte digest of a creation operation.
    pub fn from_digest(network: &NetworkName, digest: &[u8; 32]) -> Self {
        Self(format!("{PREFIX}{network}:{}", base32_encode(digest)))
    }

    /// Returns the network on which the DID lives.
    pub fn network(&self) -> NetworkName {
        NetworkName(self.split().0.to_owned())
    }

    /// Returns the digest of the operation that created the DID.
    pub fn digest(&self) -> [u8; 32] {
        base32_decode(self.split().1).unwrap_or_default()
    }

    /// Returns the DID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, &str) {
        let rest = self.0.strip_prefix(PREFIX).unwrap_or_default();
        rest.rsplit_once(':').unwrap_or_default()
    }
}

impl FromStr for Did {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        if text.len() > PREFIX.len() + NETWORK_MAX + 1 + DIGEST_CHARS {
            return Err(DidError::Digest);
        }
        let rest = text.strip_prefix(PREFIX).ok_or(DidError::Method)?;
        let (network, digest) = rest.split_once(':').ok_or(DidError::Digest)?;
        NetworkName::from_str(network)?;
        base32_decode(digest).ok_or(DidError::Digest)?;
        Ok(Self(text.to_owned()))
    }
}

/// Points at a key of a DID document: a DID, `#` and a fragment of 1 to 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DidUrl {
    did: Did,
    fragment: String,
}

impl DidUrl {
    /// Joins a DID and a fragment.
    pub fn new(did: &Did, fragment: &str) -> Result<Self, DidError> {
        let fits = (1..=FRAGMENT_MAX).contains(&fragment.len());
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if !fits || !fragment.bytes().all(allowed) {
            return Err(DidError::Fragment);
        }
        Ok(Self {
            did: did.clone(),
            fragment: fragment.to_owned(),
        })
    }

    /// Returns the part before `#`.
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// Returns the part after `#`.
    pub fn fragment(&self) -> &str {
        &self.fragment
    }
}

impl FromStr for DidUrl {
    type Err = DidError;

    fn from_str(text: &str) -> Result<Self, DidError> {
        let (did, fragment) = text.split_once('#').ok_or(DidError::Fragment)?;
        Self::new(&did.parse()?, fragment)
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for DidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.did, self.fragment)
    }
}

macro_rules! string_form {
    ($($name:ty),*) => {$(
        impl TryFrom<String> for $name {
            type Error = DidError;
            fn try_from(text: String) -> Result<Self, DidError> {
                text.parse()
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    )*};
}

string_form!(NetworkName, Did, DidUrl);

#[cfg(test)]
mod tests {
    use super::*;

    fn did() -> Did {
        Did::from_digest(&"dev".parse().unwrap(), &[7; 32])
    }

    #[test]
    fn did_returns_its_network_and_digest() {
        assert_eq!(did().to_string().parse::<Did>(), Ok(did()));
        assert_eq!(did().network().as_str(), "dev");
        assert_eq!(did().digest(), [7; 32]);
        assert_eq!(did().as_str().len(), "did:jumin:dev:".len() + 52);
    }

    #[test]
    fn did_of_another_form_is_refused() {
        let good = did().to_string();
        for bad in [
            String::new(),
            good.replace("jumin", "web"),
            good.replace("dev", "Dev"),
            good.replace("dev", ""),
            good.replace("dev", &"d".repeat(25)),
            good.to_uppercase(),
            format!("{good}a"),
            format!("{good}#key"),
            good.replace("dev:", ""),
        ] {
            assert!(bad.parse::<Did>().is_err(), "{bad}");
        }
    }

    #[test]
    fn did_url_keeps_did_and_fragment_apart() {
        let url: DidUrl = format!("{}#assert-1", did()).parse().unwrap();
        assert_eq!((url.did(), url.fragment()), (&did(), "assert-1"));
        for bad in ["#", "#a b", "#a#b", "", &format!("#{}", "a".repeat(33))] {
            assert!(
                format!("{}{bad}", did()).parse::<DidUrl>().is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn json_form_is_checked_text() {
        let json = serde_json::to_string(&did()).unwrap();
        assert_eq!(serde_json::from_str::<Did>(&json).unwrap(), did());
        assert!(serde_json::from_str::<Did>("\"did:jumin:dev:x\"").is_err());
    }
}
