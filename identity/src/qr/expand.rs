//! Reads JSON values back from the compact form, within a budget.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

use super::calendar;
use super::cbor::{self, Item, Reader};
use super::context::CodecContext;
use super::error::FrameError;
use super::message::{DEPTH_MAX, TEXT_MAX};
use super::shrink::did_start;
use super::vocabulary::{self, simple, tag};
use crate::encoding::{b64url, base32_encode};
use crate::{NetworkName, PublicKey};

/// Is what a value costs beside its text, in bytes: a bound on memory as well as on output.
const VALUE_COST: usize = 4;

/// Reads the two parts of a message.
pub(super) struct Expander<'a> {
    pub(super) shape: Reader<'a>,
    pub(super) values: Reader<'a>,
    /// Are the digests of the disclosures, by number; those not yet read are missing.
    pub(super) digests: Vec<Option<String>>,
    pub(super) sd_hash: Option<String>,
    context: &'a CodecContext,
    budget: usize,
    dids: Vec<[u8; 32]>,
    iat: Option<u64>,
}

impl<'a> Expander<'a> {
    /// Splits a message into its two parts.
    pub(super) fn new(body: &'a [u8], context: &'a CodecContext) -> Result<Self, FrameError> {
        let mut body = Reader::new(body);
        let length = body.count()?;
        let shape = Reader::new(body.take(length)?);
        Ok(Self {
            shape,
            values: Reader::new(body.rest()),
            digests: Vec::new(),
            sd_hash: None,
            context,
            budget: TEXT_MAX,
            dids: Vec::new(),
            iat: None,
        })
    }

    /// Checks that nothing is left over.
    pub(super) fn finish(self) -> Result<(), FrameError> {
        match self.shape.is_empty() && self.values.is_empty() {
            true => Ok(()),
            false => Err(FrameError::Malformed),
        }
    }

    /// Reads one part of a JWS and returns its bytes.
    pub(super) fn part(&mut self) -> Result<Vec<u8>, FrameError> {
        self.iat = None;
        match self.shape.peek()? {
            Item::Bytes(length) => {
                self.spend(length)?;
                self.shape.bytes().map(<[u8]>::to_vec)
            }
            Item::Tag(tag::HEADER) => self.header(),
            _ => {
                let value = self.value(DEPTH_MAX)?;
                serde_json::to_vec(&value).map_err(|_| FrameError::Malformed)
            }
        }
    }

    fn header(&mut self) -> Result<Vec<u8>, FrameError> {
        self.shape.item()?;
        let hash: [u8; 8] = self
            .shape
            .bytes()?
            .try_into()
            .map_err(|_| FrameError::Malformed)?;
        let header = self
            .context
            .header(&hash)
            .ok_or(FrameError::HeaderUnknown)?;
        self.spend(header.len())?;
        Ok(header.to_vec())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), FrameError> {
        self.budget = self.budget.checked_sub(bytes).ok_or(FrameError::Limit)?;
        Ok(())
    }

    /// Takes a text into a value, at its cost.
    fn string(&mut self, text: impl Into<String>) -> Result<Value, FrameError> {
        let text = text.into();
        self.spend(text.len())?;
        Ok(Value::String(text))
    }

    pub(super) fn value(&mut self, depth: usize) -> Result<Value, FrameError> {
        self.spend(VALUE_COST)?;
        match self.shape.item()? {
            Item::Unsigned(value) => Ok(value.into()),
            Item::Negative(value) => negative(value),
            Item::Float(value) => Number::from_f64(value)
                .map(Value::Number)
                .ok_or(FrameError::Malformed),
            Item::Text(length) => {
                let bytes = self.shape.take(length)?;
                let text = std::str::from_utf8(bytes).map_err(|_| FrameError::Malformed)?;
                self.string(text)
            }
            Item::Array(count) => {
                let depth = depth.checked_sub(1).ok_or(FrameError::Limit)?;
                (0..count).map(|_| self.value(depth)).collect()
            }
            Item::Map(count) => self.object(count, depth),
            Item::Simple(value) => self.simple(value),
            Item::Tag(number) => self.tagged(number),
            Item::Bytes(_) => Err(FrameError::Malformed),
        }
    }

    fn object(&mut self, count: usize, depth: usize) -> Result<Value, FrameError> {
        let depth = depth.checked_sub(1).ok_or(FrameError::Limit)?;
        let mut object = Map::new();
        for _ in 0..count {
            let name = self.name()?;
            let value = self.value(depth)?;
            if name == "iat" {
                self.iat = value.as_u64();
            }
            if object.insert(name, value).is_some() {
                return Err(FrameError::Malformed);
            }
        }
        Ok(Value::Object(object))
    }

    /// Reads the name of a member.
    pub(super) fn name(&mut self) -> Result<String, FrameError> {
        let name = match self.shape.peek()? {
            Item::Unsigned(number) => {
                self.shape.item()?;
                vocabulary::word(number).ok_or(FrameError::Malformed)?
            }
            _ => self.shape.text()?,
        };
        self.spend(name.len())?;
        Ok(name.to_owned())
    }

    fn simple(&mut self, value: u8) -> Result<Value, FrameError> {
        match value {
            cbor::NULL => Ok(Value::Null),
            cbor::FALSE => Ok(false.into()),
            cbor::TRUE => Ok(true.into()),
            simple::BYTES_32 => self.bytes(32),
            simple::BYTES_16 => self.bytes(16),
            simple::INTEGER_32 => Ok(u32::from_be_bytes(self.values.array()?).into()),
            simple::TEXT => {
                let text = self.values.text()?;
                self.string(text)
            }
            simple::JWK => self.jwk(),
            simple::DATE => {
                let days = u16::from_be_bytes(self.values.array()?);
                self.string(calendar::date(days))
            }
            simple::SD_HASH => {
                let hash = self.sd_hash.clone().ok_or(FrameError::Malformed)?;
                self.string(hash)
            }
            simple::REGISTRATION_NUMBER => self.registration_number(),
            _ => Err(FrameError::Malformed),
        }
    }

    fn bytes(&mut self, count: usize) -> Result<Value, FrameError> {
        let bytes = self.values.take(count)?;
        self.string(b64url(bytes))
    }

    fn jwk(&mut self) -> Result<Value, FrameError> {
        let point: [u8; 33] = self.values.array()?;
        self.spend(160)?;
        let key = PublicKey::from_sec1(&point).map_err(|_| FrameError::Malformed)?;
        serde_json::to_value(key.to_jwk()).map_err(|_| FrameError::Malformed)
    }

    fn registration_number(&mut self) -> Result<Value, FrameError> {
        let bytes: [u8; 6] = self.values.array()?;
        let number = bytes
            .iter()
            .fold(0, |number, byte| (number << 8) | u64::from(*byte));
        let (first, second) = (number / 10_000_000, number % 10_000_000);
        if first > 999_999 {
            return Err(FrameError::Malformed);
        }
        self.string(format!("{first:06}-{second:07}"))
    }

    fn tagged(&mut self, number: u64) -> Result<Value, FrameError> {
        match number {
            tag::WORD => {
                let number = self.shape.unsigned()?;
                self.string(vocabulary::word(number).ok_or(FrameError::Malformed)?)
            }
            tag::DIGEST => {
                let number = self.shape.count()?;
                let digest = self.digest(number)?;
                self.string(digest)
            }
            tag::BYTES => {
                let count = self.shape.count()?;
                self.bytes(count)
            }
            tag::DID => self.did(),
            tag::FRAGMENT => self.fragment(),
            tag::AFTER_IAT => {
                let after = self.shape.unsigned()?;
                let iat = self.iat.ok_or(FrameError::Malformed)?;
                let time = iat.checked_add(after).ok_or(FrameError::Malformed)?;
                Ok(time.into())
            }
            tag::BASE64 => self.base64(),
            tag::SORTED => self.sorted(),
            _ => Err(FrameError::Malformed),
        }
    }

    fn digest(&self, number: usize) -> Result<String, FrameError> {
        match self.digests.get(number) {
            Some(Some(digest)) => Ok(digest.clone()),
            _ => Err(FrameError::Malformed),
        }
    }

    fn did(&mut self) -> Result<Value, FrameError> {
        if self.shape.array_head()? != 4 {
            return Err(FrameError::Malformed);
        }
        let start = did_start(self.shape.unsigned()?).ok_or(FrameError::Malformed)?;
        let network: NetworkName = self
            .shape
            .text()?
            .parse()
            .map_err(|_| FrameError::Malformed)?;
        let digest = self.did_digest()?;
        let rest = self.shape.text()?;
        self.string(format!("{start}{network}:{}{rest}", base32_encode(&digest)))
    }

    fn did_digest(&mut self) -> Result<[u8; 32], FrameError> {
        let digest = match self.shape.peek()? {
            Item::Unsigned(_) => {
                let number = self.shape.count()?;
                return self.dids.get(number).copied().ok_or(FrameError::Malformed);
            }
            Item::Simple(cbor::NULL) => {
                self.shape.item()?;
                self.values.array()?
            }
            _ => self
                .shape
                .bytes()?
                .try_into()
                .map_err(|_| FrameError::Malformed)?,
        };
        self.dids.push(digest);
        Ok(digest)
    }

    fn fragment(&mut self) -> Result<Value, FrameError> {
        let number = self.shape.unsigned()?;
        let json = vocabulary::fragment(number).ok_or(FrameError::Malformed)?;
        self.spend(json.len())?;
        serde_json::from_str(json).map_err(|_| FrameError::Malformed)
    }

    fn base64(&mut self) -> Result<Value, FrameError> {
        if self.shape.array_head()? != 2 {
            return Err(FrameError::Malformed);
        }
        let start = self.shape.text()?;
        let bytes = match self.shape.peek()? {
            Item::Unsigned(_) => {
                let count = self.shape.count()?;
                self.values.take(count)?
            }
            _ => self.shape.bytes()?,
        };
        self.string(format!("{start}{}", STANDARD.encode(bytes)))
    }

    fn sorted(&mut self) -> Result<Value, FrameError> {
        let disclosed = self
            .shape
            .array_head()?
            .checked_sub(1)
            .ok_or(FrameError::Malformed)?;
        let hidden = self.shape.count()?;
        let mut digests = Vec::new();
        for _ in 0..disclosed {
            let number = self.shape.count()?;
            let digest = self.digest(number)?;
            self.spend(digest.len())?;
            digests.push(digest);
        }
        for _ in 0..hidden {
            let digest = b64url(self.values.take(32)?);
            self.spend(digest.len())?;
            digests.push(digest);
        }
        digests.sort_unstable();
        Ok(digests.into())
    }
}

fn negative(value: u64) -> Result<Value, FrameError> {
    let value = i64::try_from(value).map_err(|_| FrameError::Malformed)?;
    Ok((-1 - value).into())
}
