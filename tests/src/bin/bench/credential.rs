use anyhow::{Context, Result, anyhow};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use jumin_identity::{
    KeyBindingExpectation, NonceCheck, PublicKey, Signer, Status, StatusList,
    UnverifiedPresentation, b64url_decode,
};
use jumin_tests::Codec;

use crate::fixture::{AUDIENCE, Fixture, NONCE, five_claims};
use crate::measure::{Table, interleaved, median_us};

const ROUNDS: usize = 41;
const BATCH: usize = 10;
const CODEC_GOAL_MS: f64 = 5.0;

/// Measures verification, issuance and the QR codec.
pub fn measure(fixture: &Fixture, table: &mut Table) -> Result<()> {
    verify(fixture, table)?;
    sign(fixture, table)?;
    codec(fixture, table)
}

fn verify(fixture: &Fixture, table: &mut Table) -> Result<()> {
    let list = StatusList::new(1 << 20);
    let raw = RawVerifies::new(
        &fixture.presentation,
        fixture.issuer.public_key(),
        fixture.holder.public_key(),
    )?;
    verify_once(fixture, &list)?;
    let (ours, bound) = interleaved(
        ROUNDS,
        BATCH,
        || verify_once(fixture, &list).is_ok(),
        || raw.verify(),
    );
    table.add("verify", "µs", ours, bound);
    Ok(())
}

fn verify_once(fixture: &Fixture, list: &StatusList) -> Result<()> {
    let presentation = UnverifiedPresentation::parse(&fixture.presentation)?;
    let verified = presentation.verify_issuer(fixture.issuer.public_key())?;
    let expectation = KeyBindingExpectation {
        audience: AUDIENCE,
        nonce: NonceCheck::Exact(NONCE),
        now: fixture.now,
        max_age: 300,
        max_ahead: 60,
    };
    let presentation = verified.verify_key_binding(&expectation)?;
    match list.get(presentation.credential().status().idx) {
        Some(Status::Valid) => Ok(()),
        other => Err(anyhow!("status {other:?}")),
    }
}

/// The two signatures of a presentation, taken apart beforehand.
pub struct RawVerifies {
    parts: Vec<(Vec<u8>, Vec<u8>, [u8; 65])>,
}

impl RawVerifies {
    /// Takes a presentation apart.
    pub fn new(presentation: &str, issuer: &PublicKey, holder: &PublicKey) -> Result<Self> {
        let pieces: Vec<_> = presentation.split('~').collect();
        let keys = [issuer, holder];
        let jws = [pieces.first(), pieces.last()];
        let parts = jws.into_iter().zip(keys).map(|(jws, key)| {
            let (signed, signature) = jws
                .and_then(|jws| jws.rsplit_once('.'))
                .context("not a JWS")?;
            Ok((
                signed.into(),
                b64url_decode(signature)?,
                key.to_sec1_uncompressed(),
            ))
        });
        Ok(Self {
            parts: parts.collect::<Result<_>>()?,
        })
    }

    /// Verifies both, and nothing else.
    pub fn verify(&self) -> bool {
        self.parts.iter().all(|(signed, signature, key)| {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key)
                .verify(signed, signature)
                .is_ok()
        })
    }
}

fn sign(fixture: &Fixture, table: &mut Table) -> Result<()> {
    let pkcs8 = fixture.issuer.to_pkcs8_der();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8)
        .map_err(|_| anyhow!("not a P-256 key"))?;
    let random = SystemRandom::new();
    let message = fixture
        .credential
        .split('~')
        .next()
        .unwrap_or_default()
        .as_bytes();
    let (ours, bound) = interleaved(
        ROUNDS,
        BATCH,
        || fixture.issue().is_ok(),
        || key.sign(&random, message).is_ok(),
    );
    table.add("sign", "µs", ours, bound);
    Ok(())
}

fn codec(fixture: &Fixture, table: &mut Table) -> Result<()> {
    let presentation = fixture.present(&five_claims())?;
    let token = serde_json::json!({ "address": [presentation] }).to_string();
    let codec = Codec::plain();
    let texts = codec.encode_presentation(&token)?;
    let encode = median_us(ROUNDS, BATCH, || codec.encode_presentation(&token).is_ok());
    let decode = median_us(ROUNDS, BATCH, || codec.decode_presentation(&texts).is_ok());
    table.add(
        "encode to QR text (no dictionary)",
        "ms",
        encode / 1e3,
        CODEC_GOAL_MS,
    );
    table.add(
        "decode from QR text (no dictionary)",
        "ms",
        decode / 1e3,
        CODEC_GOAL_MS,
    );
    Ok(())
}
