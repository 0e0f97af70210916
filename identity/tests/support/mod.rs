//! A forge of SD-JWTs, key bindings and status lists with one defect each.
#![allow(dead_code)]

use jumin_identity::{
    FileKey, KeyBindingExpectation, NonceCheck, PresentationError, Signer, UnverifiedPresentation,
    VerifiedPresentation, b64url, sha256,
};
use p256::pkcs8::EncodePrivateKey;
use serde_json::{Value, json};

pub const NOW: u64 = 1_790_000_000;
pub const AUDIENCE: &str = "decentralized_identifier:did:jumin:dev:verifier";
pub const NONCE: &str = "bm9uY2Utb2YtMTI4LWJpdHM";
pub const LIST: &str = "https://issuer.example/status/1";

/// Makes the same key for the same number, so that vectors can be rebuilt.
pub fn key(number: u8) -> FileKey {
    let secret = p256::SecretKey::from_slice(&[number; 32]).expect("a scalar");
    FileKey::from_pkcs8_der(secret.to_pkcs8_der().expect("DER").as_bytes()).expect("a key")
}

pub fn issuer() -> FileKey {
    key(1)
}

pub fn holder() -> FileKey {
    key(2)
}

/// Signs whatever header and payload are given.
pub fn raw_jws(header: &str, payload: &str, signer: &FileKey) -> String {
    let input = format!(
        "{}.{}",
        b64url(header.as_bytes()),
        b64url(payload.as_bytes())
    );
    let signature = signer.sign(input.as_bytes()).expect("a signature");
    format!("{input}.{}", b64url(&signature))
}

/// Encodes a disclosure from its JSON.
pub fn disclosure(parts: &Value) -> String {
    b64url(parts.to_string().as_bytes())
}

pub fn digest(disclosure: &str) -> String {
    b64url(&sha256(disclosure.as_bytes()))
}

/// Is a presentation in the making; a test changes one thing and takes the text.
pub struct Forge {
    pub header: Value,
    pub payload: Value,
    pub disclosures: Vec<String>,
    pub signer: FileKey,
    pub kb_header: Value,
    pub kb: Value,
    pub kb_signer: FileKey,
    /// Gives the text over which `sd_hash` is taken.
    pub hashed: fn(&str) -> String,
}

impl Forge {
    /// Starts from a presentation in which everything is right: three claims of the top, two of `address`, one of two
    /// elements of `members`.
    pub fn right() -> Self {
        let top = ["birthdate", "sex", "portrait"]
            .map(|name| disclosure(&json!(["c2FsdDE", name, "value"])));
        let inner = ["sido", "road"].map(|name| disclosure(&json!(["c2FsdDI", name, "value"])));
        let members = ["a", "b"].map(|name| disclosure(&json!(["c2FsdDM", {"name": name}])));
        let payload = json!({
            "iss": "did:jumin:dev:issuer", "iat": NOW - 100, "nbf": NOW - 100, "exp": NOW + 1000,
            "vct": "urn:jumin:resident-card:1", "cnf": {"jwk": holder().public_key().to_jwk()},
            "status": {"status_list": {"idx": 7, "uri": LIST}}, "issue_date": "2026-09-21",
            "_sd": top.each_ref().map(|text| digest(text)),
            "address": {"_sd": inner.each_ref().map(|text| digest(text))},
            "members": members.each_ref().map(|text| json!({"...": digest(text)})),
            "_sd_alg": "sha-256",
        });
        let disclosures = top
            .into_iter()
            .take(2)
            .chain(inner)
            .chain(members.into_iter().skip(1))
            .collect();
        Self {
            header: json!({"alg": "ES256", "typ": "dc+sd-jwt", "kid": "did:jumin:dev:issuer#key-1"}),
            payload,
            disclosures,
            signer: issuer(),
            kb_header: json!({"alg": "ES256", "typ": "kb+jwt"}),
            kb: json!({"iat": NOW - 1, "aud": AUDIENCE, "nonce": NONCE, "sd_hash": ""}),
            kb_signer: holder(),
            hashed: str::to_owned,
        }
    }

    /// Adds a disclosure and its digest at the top.
    pub fn disclose(mut self, parts: Value) -> Self {
        let text = disclosure(&parts);
        self.digest_at_top(&digest(&text));
        self.disclosures.push(text);
        self
    }

    pub fn digest_at_top(&mut self, digest: &str) {
        self.payload["_sd"]
            .as_array_mut()
            .expect("_sd")
            .push(json!(digest));
    }

    /// Adds a disclosure and its digest to `address`.
    pub fn disclose_in_address(mut self, parts: Value) -> Self {
        let text = disclosure(&parts);
        self.payload["address"]["_sd"]
            .as_array_mut()
            .expect("_sd")
            .push(json!(digest(&text)));
        self.disclosures.push(text);
        self
    }

    /// Adds a disclosure and its digest to `members`.
    pub fn disclose_member(mut self, parts: Value) -> Self {
        let text = disclosure(&parts);
        self.payload["members"]
            .as_array_mut()
            .expect("members")
            .push(json!({"...": digest(&text)}));
        self.disclosures.push(text);
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Sets a member of the issuer's payload; `null` takes it away.
    pub fn claim(mut self, name: &str, value: Value) -> Self {
        set(&mut self.payload, name, value);
        self
    }

    /// Sets a member of the issuer's header; `null` takes it away.
    pub fn head(mut self, name: &str, value: Value) -> Self {
        set(&mut self.header, name, value);
        self
    }

    /// Sets a member of the key binding's payload; `null` takes it away.
    pub fn kb(mut self, name: &str, value: Value) -> Self {
        set(&mut self.kb, name, value);
        self
    }

    /// Sets a member of the key binding's header; `null` takes it away.
    pub fn kb_head(mut self, name: &str, value: Value) -> Self {
        set(&mut self.kb_header, name, value);
        self
    }

    pub fn sd_jwt(&self) -> String {
        self.sd_jwt_of(&self.payload.to_string())
    }

    pub fn sd_jwt_of(&self, payload: &str) -> String {
        let mut text = raw_jws(&self.header.to_string(), payload, &self.signer);
        text.push('~');
        for disclosure in &self.disclosures {
            text.push_str(disclosure);
            text.push('~');
        }
        text
    }

    pub fn text(&self) -> String {
        self.bind(&self.sd_jwt())
    }

    /// Adds the key binding to an SD-JWT.
    pub fn bind(&self, sd_jwt: &str) -> String {
        let mut kb = self.kb.clone();
        if kb.get("sd_hash") == Some(&json!("")) {
            kb["sd_hash"] = json!(digest(&(self.hashed)(sd_jwt)));
        }
        format!(
            "{sd_jwt}{}",
            raw_jws(
                &self.kb_header.to_string(),
                &kb.to_string(),
                &self.kb_signer
            )
        )
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    let object = object.as_object_mut().expect("an object");
    if value.is_null() {
        object.shift_remove(name);
    } else {
        object.insert(name.to_owned(), value);
    }
}

/// Changes one character of the last part that `separator` cuts off, where it carries whole bits.
pub fn spoil_after(text: &str, separator: char) -> String {
    let at = text.rfind(separator).expect("the separator") + 5;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

pub fn expectation() -> KeyBindingExpectation<'static> {
    let nonce = NonceCheck::Exact(NONCE);
    KeyBindingExpectation {
        audience: AUDIENCE,
        nonce,
        now: NOW,
        max_age: 60,
        max_ahead: 10,
    }
}

/// Does what a verifier does, in its order.
pub fn verify(text: &str) -> Result<VerifiedPresentation, PresentationError> {
    let presentation = UnverifiedPresentation::parse(text)?;
    presentation
        .verify_issuer(issuer().public_key())?
        .verify_key_binding(&expectation())
}
