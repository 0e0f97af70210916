//! Credential types: SD-JWT VC type metadata (draft-ietf-oauth-sd-jwt-vc, "SD-JWT VC Type Metadata") with two members of
//! our own, `validity_seconds` and `card`, which other consumers ignore as the draft tells them to.

use serde::Deserialize;

use crate::claim_path::{ClaimPath, PathSegment};
use crate::encoding::{b64_standard, sha256};
use crate::json::parse_json_strict;
use crate::text::require_legible;

const MAX_BYTES: usize = 64 * 1024;
const MAX_DEPTH: usize = 12;
const MAX_CLAIMS: usize = 128;
const MAX_TEXT: usize = 1024;

/// Are the claims that no disclosure may carry (SD-JWT VC, "Registered JWT Claims"; RFC 9901 §9.7), with the ones that
/// describe the SD-JWT itself.
pub(crate) const PROTECTED_CLAIMS: [&str; 10] = [
    "iss",
    "nbf",
    "exp",
    "cnf",
    "vct",
    "vct#integrity",
    "aka_vcts",
    "status",
    "_sd_alg",
    "aud",
];

/// Says why a type definition is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CredentialTypeError {
    /// The document is longer than 64 KiB, has more than 128 claims or a text over 1,024 bytes.
    #[error("the type definition is too large")]
    TooLarge,
    /// The document is not type metadata.
    #[error("malformed type definition")]
    Malformed,
    /// A claim has a name that is taken by the format, is there twice, or has an index in its path.
    #[error("a claim of the type definition has a path that is not allowed")]
    Path,
    /// A name or label holds what people can't see, or shows nothing.
    #[error("a name in the type definition can't be read as it is")]
    Illegible,
}

impl CredentialTypeError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        "malformed"
    }
}

/// Defines what credentials of one `vct` say, how they are named and shown, and how long they are valid.
#[derive(Debug, Clone)]
pub struct CredentialType {
    bytes: Vec<u8>,
    integrity: String,
    document: Document,
    root: Node,
}

#[derive(Debug, Clone, Deserialize)]
struct Document {
    vct: String,
    display: Vec<Display>,
    claims: Vec<ClaimDefinition>,
    validity_seconds: u64,
    card: DisplayCard,
}

#[derive(Debug, Clone, Deserialize)]
struct Display {
    locale: String,
    name: String,
    #[serde(default)]
    description: String,
}

/// Describes one claim, or every element of an array of claims.
#[derive(Debug, Clone, Deserialize)]
pub struct ClaimDefinition {
    /// Leads to the claim; `Any` stands for every element of an array.
    pub path: ClaimPath,
    #[serde(default)]
    display: Vec<ClaimLabel>,
    /// Says whether the claim is a disclosure of its own (`sd` is `always`) or never one (`never`); a type that leaves it
    /// open (`allowed`) is refused, as the draft recommends against it.
    #[serde(rename = "sd", deserialize_with = "disclosable")]
    pub selectively_disclosable: bool,
    /// Says whether every credential of the type has the claim.
    #[serde(default)]
    pub mandatory: bool,
}

/// Names a claim in one language.
#[derive(Debug, Clone, Deserialize)]
pub struct ClaimLabel {
    /// Is a language tag, such as `ko-KR`.
    pub locale: String,
    /// Is what a citizen reads.
    pub label: String,
}

/// Says how a wallet draws the card of a credential.
#[derive(Debug, Clone, Deserialize)]
pub struct DisplayCard {
    /// Is the colour behind the text, as `#rrggbb`.
    pub background_color: String,
    /// Is the colour of the text, as `#rrggbb`.
    pub text_color: String,
    /// Leads to the claim that is the heading.
    pub title: ClaimPath,
    /// Leads to the picture of the holder.
    #[serde(default)]
    pub portrait: Option<ClaimPath>,
    /// Leads to the claims shown on the card, in order.
    pub fields: Vec<ClaimPath>,
}

/// Is a definition as the issuer walks it, beside the value it defines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Node {
    pub(crate) disclosable: bool,
    pub(crate) mandatory: bool,
    pub(crate) members: Vec<(String, Node)>,
    pub(crate) items: Option<Box<Node>>,
}

impl CredentialType {
    /// Reads a type definition of at most 64 KiB.
    pub fn from_json(bytes: &[u8]) -> Result<Self, CredentialTypeError> {
        if bytes.len() > MAX_BYTES {
            return Err(CredentialTypeError::TooLarge);
        }
        let value =
            parse_json_strict(bytes, MAX_DEPTH).map_err(|_| CredentialTypeError::Malformed)?;
        let document = Document::deserialize(value).map_err(|_| CredentialTypeError::Malformed)?;
        document.check()?;
        let root = Node::from_definitions(&document.claims)?;
        let integrity = format!("sha256-{}", b64_standard(&sha256(bytes)));
        Ok(Self {
            bytes: bytes.to_vec(),
            integrity,
            document,
            root,
        })
    }

    /// Returns the identifier of the type.
    pub fn vct(&self) -> &str {
        &self.document.vct
    }

    /// Returns the name of the type in the language nearest to `language`, such as `ko` or `en-US`.
    pub fn name(&self, language: &str) -> &str {
        nearest(&self.document.display, language, |display| &display.locale)
            .map_or("", |display| &display.name)
    }

    /// Returns the description of the type in the language nearest to `language`.
    pub fn description(&self, language: &str) -> &str {
        nearest(&self.document.display, language, |display| &display.locale)
            .map_or("", |display| &display.description)
    }

    /// Returns the claims of the type, in the order in which they are shown.
    pub fn claims(&self) -> &[ClaimDefinition] {
        &self.document.claims
    }

    /// Returns the definition of the claim at `path`, if the type has one.
    pub fn claim(&self, path: &[PathSegment]) -> Option<&ClaimDefinition> {
        self.claims()
            .iter()
            .find(|claim| claim.path.len() == path.len() && claim.path.covers(path))
    }

    /// Returns for how many seconds a credential of the type is valid.
    pub fn validity_seconds(&self) -> u64 {
        self.document.validity_seconds
    }

    /// Returns how a wallet draws the card.
    pub fn card(&self) -> &DisplayCard {
        &self.document.card
    }

    /// Returns the value of `vct#integrity`: `sha256-` and the base64 of the SHA-256 of [`Self::bytes`].
    pub fn integrity(&self) -> String {
        self.integrity.clone()
    }

    /// Returns the document exactly as it is published.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn root(&self) -> &Node {
        &self.root
    }
}

impl ClaimDefinition {
    /// Returns the name of the claim in the language nearest to `language`, such as `ko` or `en-US`.
    pub fn label(&self, language: &str) -> &str {
        nearest(&self.display, language, |label| &label.locale).map_or("", |label| &label.label)
    }

    /// Returns the names of the claim in all languages.
    pub fn labels(&self) -> &[ClaimLabel] {
        &self.display
    }
}

impl Document {
    fn check(&self) -> Result<(), CredentialTypeError> {
        let texts = self
            .claims
            .iter()
            .flat_map(|claim| &claim.display)
            .map(|label| &label.label);
        let texts = texts.chain(
            self.display
                .iter()
                .flat_map(|display| [&display.name, &display.description]),
        );
        if self.claims.len() > MAX_CLAIMS
            || texts.chain([&self.vct]).any(|text| text.len() > MAX_TEXT)
        {
            return Err(CredentialTypeError::TooLarge);
        }
        if self.vct.is_empty() || self.display.is_empty() || self.validity_seconds == 0 {
            return Err(CredentialTypeError::Malformed);
        }
        if self.shown().any(|text| require_legible(text).is_err()) {
            return Err(CredentialTypeError::Illegible);
        }
        Ok(())
    }

    /// Lists what people read of the definition: names, descriptions that there are, labels, and the claims' own names.
    fn shown(&self) -> impl Iterator<Item = &str> {
        let displays = self.display.iter().flat_map(|display| {
            let description = Some(&display.description).filter(|text| !text.is_empty());
            [Some(&display.name), description].into_iter().flatten()
        });
        let claims = self.claims.iter();
        let labels = claims.flat_map(|claim| claim.display.iter().map(|label| &label.label));
        let segments = self.claims.iter().flat_map(|claim| claim.path.iter());
        let names = segments.filter_map(|segment| match segment {
            PathSegment::Name(name) => Some(name),
            _ => None,
        });
        displays.chain(labels).chain(names).map(String::as_str)
    }
}

impl Node {
    fn from_definitions(claims: &[ClaimDefinition]) -> Result<Self, CredentialTypeError> {
        let mut root = Self::default();
        let mut paths: Vec<_> = claims.iter().map(|claim| &claim.path).collect();
        paths.sort();
        if paths.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(CredentialTypeError::Path);
        }
        for claim in claims {
            let protected = |name: &str| PROTECTED_CLAIMS.contains(&name) || name == "iat";
            match claim.path.first() {
                Some(PathSegment::Name(name)) if !protected(name) => {}
                _ => return Err(CredentialTypeError::Path),
            }
            let node = root.at(&claim.path)?;
            node.disclosable = claim.selectively_disclosable;
            node.mandatory = claim.mandatory;
        }
        Ok(root)
    }

    /// Returns the node at a path, made on the way if it is not there yet.
    fn at(&mut self, path: &[PathSegment]) -> Result<&mut Self, CredentialTypeError> {
        let Some((segment, rest)) = path.split_first() else {
            return Ok(self);
        };
        let next = match segment {
            PathSegment::Name(name) if !is_reserved(name) => self.member(name),
            PathSegment::Any => self.items.get_or_insert_default().as_mut(),
            _ => return Err(CredentialTypeError::Path),
        };
        next.at(rest)
    }

    fn member(&mut self, name: &str) -> &mut Self {
        let known = self.members.iter().position(|(own, _)| own == name);
        let at = known.unwrap_or_else(|| {
            self.members.push((name.to_owned(), Self::default()));
            self.members.len() - 1
        });
        &mut self.members[at].1
    }

    pub(crate) fn is_leaf(&self) -> bool {
        self.members.is_empty() && self.items.is_none()
    }
}

/// Says whether a name is one that RFC 9901 §4.1 keeps for digests.
pub(crate) fn is_reserved(name: &str) -> bool {
    matches!(name, "_sd" | "..." | "_sd_alg")
}

fn nearest<'a, T>(items: &'a [T], language: &str, locale: impl Fn(&T) -> &str) -> Option<&'a T> {
    let primary = |tag: &str| {
        tag.split('-')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    };
    let exact = items
        .iter()
        .find(|item| locale(item).eq_ignore_ascii_case(language));
    let near = || {
        items
            .iter()
            .find(|item| primary(locale(item)) == primary(language))
    };
    exact.or_else(near).or_else(|| items.first())
}

fn disclosable<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "always" => Ok(true),
        "never" => Ok(false),
        _ => Err(serde::de::Error::custom("sd")),
    }
}

/// Returns the three types that come with Jumin: resident registration card, household register copy, individual
/// register abstract.
pub fn builtin_types() -> Vec<CredentialType> {
    const FILES: [&[u8]; 3] = [
        include_bytes!("../types/resident-card.json"),
        include_bytes!("../types/household-register.json"),
        include_bytes!("../types/individual-register.json"),
    ];
    FILES
        .into_iter()
        .filter_map(|bytes| CredentialType::from_json(bytes).ok())
        .collect()
}
