//! Writes JSON values in the compact form.
//!
//! A message has two parts. The first is its shape in CBOR, the same for all presentations of a type, so that a dictionary
//! takes it away in one piece. The second holds what differs: keys, salts, hidden digests, signatures, values.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::calendar;
use super::cbor::{self, Item, put, put_bytes, put_text};
use super::vocabulary::{self, simple, tag};
use crate::encoding::b64url_decode;
use crate::{Did, Jwk, PublicKey};

const DID_STARTS: [&str; 2] = ["did:jumin:", "decentralized_identifier:did:jumin:"];
const DID_DIGEST_CHARS: usize = 52;
/// Is the shortest base64url text that is written as bytes without being of a known length.
const BASE64URL_MIN: usize = 24;

/// Names members whose texts are the same in all credentials of an issuer and type, and so belong to the shape.
const OF_THE_SHAPE: [&str; 10] = [
    "alg",
    "typ",
    "kid",
    "iss",
    "vct",
    "vct#integrity",
    "uri",
    "_sd_alg",
    "response_mode",
    "format",
];

/// Says where a value stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// Is the name of the member in which the value is, or an empty text.
    pub(super) name: &'a str,
    /// Says whether the value is a citizen's: then its words are no part of the shape.
    pub(super) disclosed: bool,
}

/// Collects the two parts of a message.
#[derive(Debug, Default)]
pub(super) struct Shrinker {
    pub(super) shape: Vec<u8>,
    pub(super) values: Vec<u8>,
    /// Are texts of the second part, from which a dictionary learns.
    pub(super) texts: Vec<String>,
    /// Are the digests of the disclosures written so far, with the disclosures' numbers.
    pub(super) digests: HashMap<String, u64>,
    pub(super) sd_hash: Option<String>,
    dids: BTreeMap<[u8; 32], u64>,
    iat: Option<u64>,
}

impl Shrinker {
    /// Joins the two parts: the length of the first, the first, the second.
    pub(super) fn finish(self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.shape.len() + self.values.len() + 3);
        put(&mut body, unsigned(self.shape.len()));
        body.extend(self.shape);
        body.extend(self.values);
        body
    }

    /// Writes one part of a JWS: as a value if its JSON is compact, else as the bytes it is.
    pub(super) fn part(&mut self, json: &[u8], place: Place<'_>) {
        self.iat = None;
        match compact_json(json) {
            Some(value) => self.value(&value, place),
            None => put_bytes(&mut self.shape, json),
        }
    }

    pub(super) fn value(&mut self, value: &Value, place: Place<'_>) {
        match value {
            Value::Null => put(&mut self.shape, Item::Simple(cbor::NULL)),
            Value::Bool(false) => put(&mut self.shape, Item::Simple(cbor::FALSE)),
            Value::Bool(true) => put(&mut self.shape, Item::Simple(cbor::TRUE)),
            Value::Number(number) => self.number(number, place),
            Value::String(text) => self.text(text, place),
            Value::Array(array) => self.array(array, place),
            Value::Object(object) => self.object(object, place),
        }
    }

    /// Writes the name of a member: its number if it is a known word.
    pub(super) fn name(&mut self, name: &str) {
        match vocabulary::number_of(name) {
            Some(number) => put(&mut self.shape, Item::Unsigned(number)),
            None => put_text(&mut self.shape, name),
        }
    }

    fn tag(&mut self, number: u64) {
        put(&mut self.shape, Item::Tag(number));
    }

    fn simple(&mut self, value: u8, bytes: &[u8]) {
        put(&mut self.shape, Item::Simple(value));
        self.values.extend(bytes);
    }

    fn number(&mut self, number: &Number, place: Place<'_>) {
        let item = match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => return self.unsigned(value, place),
            // CBOR counts negative integers from -1 (RFC 8949 §3.1).
            (None, Some(value)) => Item::Negative((-1 - value).unsigned_abs()),
            (None, None) => Item::Float(number.as_f64().unwrap_or_default()),
        };
        put(&mut self.shape, item);
    }

    fn unsigned(&mut self, value: u64, place: Place<'_>) {
        let after = self.iat.and_then(|iat| value.checked_sub(iat));
        match (place.name, after, u32::try_from(value)) {
            ("nbf" | "exp", Some(after), _) => {
                self.tag(tag::AFTER_IAT);
                put(&mut self.shape, Item::Unsigned(after));
            }
            ("iat" | "nbf" | "exp" | "idx", _, Ok(value)) => {
                self.simple(simple::INTEGER_32, &value.to_be_bytes());
            }
            _ => put(&mut self.shape, Item::Unsigned(value)),
        }
        if place.name == "iat" {
            self.iat = Some(value);
        }
    }

    fn text(&mut self, text: &str, place: Place<'_>) {
        let known = match place.disclosed {
            true => None,
            false => vocabulary::number_of(text),
        };
        if let Some(number) = known {
            self.tag(tag::WORD);
            put(&mut self.shape, Item::Unsigned(number));
        } else if self.sd_hash.as_deref() == Some(text) {
            self.simple(simple::SD_HASH, &[]);
        } else if let Some(number) = self.digests.get(text).copied() {
            self.tag(tag::DIGEST);
            put(&mut self.shape, Item::Unsigned(number));
        } else if !(self.number_text(text) || self.did(text, place) || self.base64(text, place)) {
            self.plain_text(text, place);
        }
    }

    fn plain_text(&mut self, text: &str, place: Place<'_>) {
        if OF_THE_SHAPE.contains(&place.name) && !place.disclosed {
            return put_text(&mut self.shape, text);
        }
        self.texts.push(text.to_owned());
        self.simple(simple::TEXT, &[]);
        put_text(&mut self.values, text);
    }

    /// Writes dates and registration numbers as numbers.
    fn number_text(&mut self, text: &str) -> bool {
        if let Some(days) = calendar::days(text) {
            self.simple(simple::DATE, &days.to_be_bytes());
            return true;
        }
        match registration_number(text) {
            Some(number) => {
                let bytes = number.to_be_bytes();
                put(&mut self.shape, Item::Simple(simple::REGISTRATION_NUMBER));
                self.values.extend(bytes.iter().skip(2));
                true
            }
            None => false,
        }
    }

    fn did(&mut self, text: &str, place: Place<'_>) -> bool {
        let Some((start, did, rest)) = split_did(text) else {
            return false;
        };
        self.tag(tag::DID);
        put(&mut self.shape, Item::Array(4));
        put(&mut self.shape, unsigned(start));
        put_text(&mut self.shape, &did.network().to_string());
        let (digest, next) = (did.digest(), self.dids.len() as u64);
        match self.dids.get(&digest) {
            Some(number) => put(&mut self.shape, Item::Unsigned(*number)),
            None if OF_THE_SHAPE.contains(&place.name) => put_bytes(&mut self.shape, &digest),
            None => self.simple(cbor::NULL, &digest),
        }
        self.dids.entry(digest).or_insert(next);
        put_text(&mut self.shape, rest);
        true
    }

    fn base64(&mut self, text: &str, place: Place<'_>) -> bool {
        if let Some((start, bytes)) = padded(text, place) {
            self.tag(tag::BASE64);
            put(&mut self.shape, Item::Array(2));
            put_text(&mut self.shape, start);
            if place.disclosed {
                put(&mut self.shape, unsigned(bytes.len()));
                self.values.extend(bytes);
            } else {
                put_bytes(&mut self.shape, &bytes);
            }
            return true;
        }
        if text.len() != 22 && text.len() < BASE64URL_MIN {
            return false;
        }
        let Ok(bytes) = b64url_decode(text) else {
            return false;
        };
        match bytes.len() {
            16 => self.simple(simple::BYTES_16, &bytes),
            32 => self.simple(simple::BYTES_32, &bytes),
            length => {
                self.tag(tag::BYTES);
                put(&mut self.shape, unsigned(length));
                self.values.extend(bytes);
            }
        }
        true
    }

    fn array(&mut self, array: &[Value], place: Place<'_>) {
        if place.name == "_sd" && self.sorted(array) {
            return;
        }
        put(&mut self.shape, Item::Array(array.len()));
        for value in array {
            self.value(value, place);
        }
    }

    /// Writes digests in ascending order without saying which is where: hidden ones as bytes, the others by number.
    fn sorted(&mut self, array: &[Value]) -> bool {
        let digests: Option<Vec<&str>> = array.iter().map(Value::as_str).collect();
        let Some(digests) = digests.filter(|digests| digests.is_sorted()) else {
            return false;
        };
        let number = |digest: &&str| self.digests.get(*digest).copied();
        let disclosed: Vec<u64> = digests.iter().filter_map(number).collect();
        let hidden: Option<Vec<Vec<u8>>> = digests
            .iter()
            .filter(|digest| number(digest).is_none())
            .map(|digest| b64url_decode(digest).ok().filter(|bytes| bytes.len() == 32))
            .collect();
        let Some(hidden) = hidden else {
            return false;
        };
        let mut disclosed = disclosed;
        disclosed.sort_unstable();
        self.tag(tag::SORTED);
        put(&mut self.shape, Item::Array(disclosed.len() + 1));
        put(&mut self.shape, unsigned(hidden.len()));
        for number in disclosed {
            put(&mut self.shape, Item::Unsigned(number));
        }
        self.values.extend(hidden.concat());
        true
    }

    fn object(&mut self, object: &Map<String, Value>, place: Place<'_>) {
        if let Some(point) = compressed_key(object) {
            return self.simple(simple::JWK, &point);
        }
        if let Some(number) = fragment_number(object, place) {
            self.tag(tag::FRAGMENT);
            return put(&mut self.shape, Item::Unsigned(number));
        }
        put(&mut self.shape, Item::Map(object.len()));
        for (name, value) in object {
            self.name(name);
            let disclosed = place.disclosed;
            self.value(value, Place { name, disclosed });
        }
    }
}

fn unsigned(value: usize) -> Item {
    Item::Unsigned(u64::try_from(value).unwrap_or(u64::MAX))
}

/// Parses JSON that is written without white space, so that it can be written again byte by byte.
pub(super) fn compact_json(json: &[u8]) -> Option<Value> {
    let value = crate::json::parse_json_strict(json, super::message::DEPTH_MAX).ok()?;
    let again = serde_json::to_vec(&value).ok()?;
    (again == json).then_some(value)
}

fn fragment_number(object: &Map<String, Value>, place: Place<'_>) -> Option<u64> {
    if !matches!(place.name, "dcql_query" | "client_metadata") {
        return None;
    }
    vocabulary::number_of_fragment(&serde_json::to_string(object).ok()?)
}

/// Compresses the point of `{"kty":"EC","crv":"P-256","x":…,"y":…}`, if the members stand in this order.
fn compressed_key(object: &Map<String, Value>) -> Option<[u8; 33]> {
    if !object.keys().eq(["kty", "crv", "x", "y"]) {
        return None;
    }
    let value = Value::Object(object.clone());
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    let key = PublicKey::from_jwk(&jwk).ok()?;
    (serde_json::to_value(key.to_jwk()).ok()? == value).then(|| key.to_sec1_compressed())
}

/// Reads `NNNNNN-NNNNNNN` as one number of 13 digits.
fn registration_number(text: &str) -> Option<u64> {
    let (first, second) = text.split_once('-')?;
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(first, 6) || !digits(second, 7) {
        return None;
    }
    Some(first.parse::<u64>().ok()? * 10_000_000 + second.parse::<u64>().ok()?)
}

/// Splits a text at the DID in it: the number of its start, the DID, and what follows.
fn split_did(text: &str) -> Option<(usize, Did, &str)> {
    let starts = DID_STARTS.iter().enumerate();
    let (number, tail) = starts
        .filter_map(|(at, start)| Some((at, text.strip_prefix(start)?)))
        .next()?;
    let network = tail.find(':')? + 1;
    let end = network.checked_add(DID_DIGEST_CHARS)?;
    let (inner, rest) = tail.split_at_checked(end)?;
    let did = format!("did:jumin:{inner}").parse().ok()?;
    Some((number, did, rest))
}

pub(super) fn did_start(number: u64) -> Option<&'static str> {
    DID_STARTS.get(usize::try_from(number).ok()?).copied()
}

/// Splits off base64 with padding: a certificate in `x5c`, or what follows `;base64,` in a data URI.
fn padded<'a>(text: &'a str, place: Place<'_>) -> Option<(&'a str, Vec<u8>)> {
    let start = match text.find(";base64,") {
        Some(at) if text.starts_with("data:") => at + 8,
        _ if place.name == "x5c" => 0,
        _ => return None,
    };
    let (start, digits) = text.split_at_checked(start)?;
    let bytes = STANDARD.decode(digits).ok()?;
    (STANDARD.encode(&bytes) == digits).then_some((start, bytes))
}
