//! Key binding JWTs (RFC 9901 §4.3, §7.3 step 5).

use serde_json::{Map, Value};

use crate::encoding::{b64url, sha256};
use crate::json::parse_object_strict;
use crate::jws::{JwsError, UnverifiedJws};
use crate::key::PublicKey;
use crate::presentation::PresentationError;

const MAX_BYTES: usize = 8 * 1024;
const MAX_DEPTH: usize = 4;

/// Says which nonce a verifier accepts.
#[derive(Clone, Copy)]
pub enum NonceCheck<'a> {
    /// Accepts the nonce of one request.
    Exact(&'a str),
    /// Accepts what a rule accepts, as for a one-way presentation.
    Rule(&'a dyn Fn(&str) -> bool),
}

/// Is what a verifier expects of a key binding JWT.
#[derive(Clone, Copy)]
pub struct KeyBindingExpectation<'a> {
    /// Is the client identifier of the verifier.
    pub audience: &'a str,
    /// Says which nonce is accepted.
    pub nonce: NonceCheck<'a>,
    /// Is the time, in seconds.
    pub now: u64,
    /// Is for how many seconds a presentation is accepted.
    pub max_age: u64,
    /// Is by how many seconds the holder's clock may be ahead.
    pub max_ahead: u64,
}

/// Is a key binding JWT, taken apart.
#[derive(Clone)]
pub(crate) struct KeyBinding {
    jws: UnverifiedJws,
    payload: Map<String, Value>,
}

impl KeyBinding {
    pub(crate) fn parse(text: &str) -> Result<Self, PresentationError> {
        let jws = UnverifiedJws::parse(text, MAX_BYTES).map_err(binding_error)?;
        // RFC 9901 §7.3 step 5.d.
        jws.require_typ("kb+jwt").map_err(binding_error)?;
        let payload = parse_object_strict(jws.dangerous_payload_unverified(), MAX_DEPTH);
        Ok(Self {
            jws,
            payload: payload.map_err(|_| PresentationError::KeyBindingMalformed)?,
        })
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.payload.get(name)?.as_str()
    }

    fn required(&self, name: &str) -> Result<&str, PresentationError> {
        self.text(name)
            .ok_or(PresentationError::KeyBindingMalformed)
    }

    fn time(&self, name: &str) -> Result<Option<u64>, PresentationError> {
        let number = |value: &Value| value.as_u64().ok_or(PresentationError::KeyBindingMalformed);
        self.payload.get(name).map(number).transpose()
    }

    /// Does RFC 9901 §7.3 steps 5.a to 5.c.
    pub(crate) fn check_signature(&self, holder: &PublicKey) -> Result<(), PresentationError> {
        self.jws.verify(holder).map(|_| ()).map_err(binding_error)
    }

    /// Does RFC 9901 §7.3 step 5.e, and RFC 7519 §4.1.4 and §4.1.5 where a key binding has `exp` or `nbf`.
    pub(crate) fn check_time(
        &self,
        expected: &KeyBindingExpectation<'_>,
    ) -> Result<u64, PresentationError> {
        let issued_at = self
            .time("iat")?
            .ok_or(PresentationError::KeyBindingMalformed)?;
        let latest = expected.now.saturating_add(expected.max_ahead);
        if issued_at > latest || self.time("nbf")?.is_some_and(|nbf| nbf > latest) {
            return Err(PresentationError::InFuture);
        }
        let too_old = issued_at.saturating_add(expected.max_age) < expected.now;
        if too_old || self.time("exp")?.is_some_and(|exp| exp <= expected.now) {
            return Err(PresentationError::TooOld);
        }
        Ok(issued_at)
    }

    /// Does RFC 9901 §7.3 step 5.f; `aud` is a single string (§4.3).
    pub(crate) fn check_transaction(
        &self,
        expected: &KeyBindingExpectation<'_>,
    ) -> Result<(), PresentationError> {
        let (nonce, audience) = (self.required("nonce")?, self.required("aud")?);
        let accepted = match expected.nonce {
            NonceCheck::Exact(wanted) => nonce == wanted,
            NonceCheck::Rule(rule) => rule(nonce),
        };
        if !accepted {
            return Err(PresentationError::WrongNonce);
        }
        if audience != expected.audience {
            Err(PresentationError::WrongAudience)
        } else {
            Ok(())
        }
    }

    /// Does RFC 9901 §7.3 step 5.g.
    pub(crate) fn check_hash(&self, sd_jwt: &str) -> Result<(), PresentationError> {
        let hash = b64url(&sha256(sd_jwt.as_bytes()));
        if self.required("sd_hash")? != hash {
            Err(PresentationError::WrongHash)
        } else {
            Ok(())
        }
    }
}

fn binding_error(error: JwsError) -> PresentationError {
    match error {
        JwsError::UnsupportedAlgorithm | JwsError::UnsupportedExtension => {
            PresentationError::KeyBindingUnsupported
        }
        JwsError::SignatureInvalid => PresentationError::HolderSignatureInvalid,
        JwsError::TooLong | JwsError::Malformed | JwsError::WrongType => {
            PresentationError::KeyBindingMalformed
        }
    }
}
