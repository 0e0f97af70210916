//! Messages and their compact forms.

use std::fmt;

use super::cbor::{Item, put, put_bytes};
use super::context::{CodecContext, HeaderUse, short_hash};
use super::envelope::{Envelope, Kind};
use super::error::FrameError;
use super::expand::Expander;
use super::shrink::{Place, Shrinker, compact_json};
use super::vocabulary::tag;
use crate::encoding::{b64url, b64url_array, b64url_decode, sha256};
use crate::vp_token::VpToken;
use serde_json::Value;

/// Is the length of the longest message, in bytes.
pub(super) const TEXT_MAX: usize = 256 * 1024;
/// Is how deep JSON may nest.
pub(super) const DEPTH_MAX: usize = 12;
const DISCLOSURES_MAX: usize = 200;

/// Is what a QR code carries.
#[derive(Clone, PartialEq, Eq)]
pub enum Message {
    /// A signed request object, a compact JWS.
    Request(String),
    /// A VP Token, `{"<query id>":["<SD-JWT+KB>"]}`.
    Presentation(String),
}

impl fmt::Debug for Message {
    /// Leaves out the text, which may be somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Request(_) => "Request",
            Self::Presentation(_) => "Presentation",
        };
        write!(f, "{name}({} bytes)", self.text().len())
    }
}

impl Message {
    /// Returns the text of the message.
    pub fn text(&self) -> &str {
        match self {
            Self::Request(text) | Self::Presentation(text) => text,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Request(_) => Kind::Request,
            Self::Presentation(_) => Kind::Presentation,
        }
    }

    /// Writes the message compactly; `None` if it is not of the form for that.
    pub(super) fn shrink(&self, context: &CodecContext, headers: HeaderUse) -> Option<Vec<u8>> {
        let mut shrinker = Shrinker::default();
        self.shrink_into(&mut shrinker, context, headers)?;
        Some(shrinker.finish())
    }

    pub(super) fn shrink_into(
        &self,
        shrinker: &mut Shrinker,
        context: &CodecContext,
        headers: HeaderUse,
    ) -> Option<()> {
        match self {
            Self::Request(text) => {
                put(&mut shrinker.shape, Item::Array(2));
                shrink_jws(shrinker, &Jws::split(text)?, context, HeaderUse::Inline);
                Some(())
            }
            Self::Presentation(text) => {
                let token = VpToken::parse(text).ok()?;
                shrink_presentation(shrinker, &token, context, headers)
            }
        }
    }
}

/// Is a compact JWS, taken apart.
struct Jws {
    header: Vec<u8>,
    payload: Vec<u8>,
    signature: [u8; 64],
}

impl Jws {
    fn split(text: &str) -> Option<Self> {
        let (rest, signature) = text.rsplit_once('.')?;
        let (header, payload) = rest.split_once('.')?;
        Some(Self {
            header: b64url_decode(header).ok()?,
            payload: b64url_decode(payload).ok()?,
            signature: b64url_array(signature).ok()?,
        })
    }

    fn join(&self) -> String {
        format!(
            "{}.{}.{}",
            b64url(&self.header),
            b64url(&self.payload),
            b64url(&self.signature)
        )
    }
}

const CLAIMED: Place<'_> = Place {
    name: "",
    disclosed: false,
};
const DISCLOSED: Place<'_> = Place {
    name: "",
    disclosed: true,
};

fn shrink_jws(shrinker: &mut Shrinker, jws: &Jws, context: &CodecContext, headers: HeaderUse) {
    let hash = short_hash(&jws.header);
    if headers == HeaderUse::Interned && context.header(&hash) == Some(jws.header.as_slice()) {
        put(&mut shrinker.shape, Item::Tag(tag::HEADER));
        put_bytes(&mut shrinker.shape, &hash);
    } else {
        shrinker.part(&jws.header, CLAIMED);
    }
    shrinker.part(&jws.payload, CLAIMED);
    shrinker.values.extend(jws.signature);
}

fn expand_jws(expander: &mut Expander<'_>) -> Result<String, FrameError> {
    let jws = Jws {
        header: expander.part()?,
        payload: expander.part()?,
        signature: expander.values.array()?,
    };
    Ok(jws.join())
}

/// Writes `[query id, [disclosures …], header, payload, key binding header, key binding payload]`.
///
/// Disclosures stand in reverse, so that a disclosure is known before the one that has its digest.
fn shrink_presentation(
    shrinker: &mut Shrinker,
    token: &VpToken,
    context: &CodecContext,
    headers: HeaderUse,
) -> Option<()> {
    let (signed, binding) = token.presentation.rsplit_once('~')?;
    let mut parts = signed.split('~');
    let issued = Jws::split(parts.next()?)?;
    let binding = Jws::split(binding)?;
    let disclosures: Vec<&str> = parts.collect();
    if disclosures.len() > DISCLOSURES_MAX {
        return None;
    }
    put(&mut shrinker.shape, Item::Array(6));
    shrinker.name(&token.query_id);
    put(&mut shrinker.shape, Item::Array(disclosures.len()));
    for (number, text) in disclosures.iter().enumerate().rev() {
        shrink_disclosure(shrinker, &b64url_decode(text).ok()?);
        let digest = b64url(&sha256(text.as_bytes()));
        shrinker.digests.insert(digest, u64::try_from(number).ok()?);
    }
    shrink_jws(shrinker, &issued, context, headers);
    // RFC 9901 §4.3.1: over everything before the key binding JWT, the last `~` included.
    let hashed = format!("{signed}~");
    shrinker.sd_hash = Some(b64url(&sha256(hashed.as_bytes())));
    shrink_jws(shrinker, &binding, context, HeaderUse::Inline);
    Some(())
}

/// Writes `[salt, name, value]` or `[salt, value]`, or the bytes if the JSON is of another form.
fn shrink_disclosure(shrinker: &mut Shrinker, json: &[u8]) {
    match compact_json(json) {
        Some(Value::Array(array)) => match array.as_slice() {
            [salt, Value::String(name), value] => {
                put(&mut shrinker.shape, Item::Array(3));
                shrinker.value(salt, DISCLOSED);
                shrinker.name(name);
                shrinker.value(value, DISCLOSED);
            }
            [salt, value] => {
                put(&mut shrinker.shape, Item::Array(2));
                shrinker.value(salt, DISCLOSED);
                shrinker.value(value, DISCLOSED);
            }
            _ => put_bytes(&mut shrinker.shape, json),
        },
        _ => put_bytes(&mut shrinker.shape, json),
    }
}

fn expand_disclosure(expander: &mut Expander<'_>) -> Result<String, FrameError> {
    let array = match expander.shape.peek()? {
        Item::Bytes(_) => return expander.part().map(|json| b64url(&json)),
        _ => expander.shape.array_head()?,
    };
    let mut members = vec![expander.value(DEPTH_MAX)?];
    if array == 3 {
        members.push(expander.name()?.into());
    }
    members.push(expander.value(DEPTH_MAX)?);
    if members.len() != array {
        return Err(FrameError::Malformed);
    }
    let json = serde_json::to_vec(&members).map_err(|_| FrameError::Malformed)?;
    Ok(b64url(&json))
}

fn expand_presentation(expander: &mut Expander<'_>) -> Result<String, FrameError> {
    if expander.shape.array_head()? != 6 {
        return Err(FrameError::Malformed);
    }
    let query_id = expander.name()?;
    let count = expander.shape.array_head()?;
    if count > DISCLOSURES_MAX {
        return Err(FrameError::Limit);
    }
    expander.digests = vec![None; count];
    let mut disclosures = vec![String::new(); count];
    for number in (0..count).rev() {
        let text = expand_disclosure(expander)?;
        if let Some(digest) = expander.digests.get_mut(number) {
            *digest = Some(b64url(&sha256(text.as_bytes())));
        }
        if let Some(disclosure) = disclosures.get_mut(number) {
            *disclosure = text;
        }
    }
    let mut presentation = expand_jws(expander)?;
    for disclosure in &disclosures {
        presentation.push('~');
        presentation.push_str(disclosure);
    }
    presentation.push('~');
    expander.sd_hash = Some(b64url(&sha256(presentation.as_bytes())));
    presentation.push_str(&expand_jws(expander)?);
    Ok(VpToken::new(query_id, presentation).to_json())
}

fn expand_request(expander: &mut Expander<'_>) -> Result<String, FrameError> {
    match expander.shape.array_head()? {
        2 => expand_jws(expander),
        _ => Err(FrameError::Malformed),
    }
}

/// Reads a message from its packed form.
pub(super) fn decode(bytes: &[u8], context: &CodecContext) -> Result<Message, FrameError> {
    let Envelope { kind, body } = Envelope::unpack(bytes, context)?;
    let expand = |how: fn(&mut Expander<'_>) -> Result<String, FrameError>| {
        let mut expander = Expander::new(&body, context)?;
        let text = how(&mut expander)?;
        expander.finish()?;
        Ok(text)
    };
    let text = |body: Vec<u8>| String::from_utf8(body).map_err(|_| FrameError::Malformed);
    match kind {
        Kind::Request => expand(expand_request).map(Message::Request),
        Kind::Presentation => expand(expand_presentation).map(Message::Presentation),
        Kind::RequestText => text(body).map(Message::Request),
        Kind::PresentationText => text(body).map(Message::Presentation),
    }
}
