use anyhow::{Context, Result, anyhow, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::Input;

pub fn decode(text: &str) -> Result<Vec<u8>> {
    Ok(URL_SAFE_NO_PAD.decode(text)?)
}

pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The uncompressed point of a public JWK.
pub fn point(jwk: &Value) -> Result<Vec<u8>> {
    let mut point = vec![4];
    for name in ["x", "y"] {
        point.extend(decode(jwk[name].as_str().context("not an EC key")?)?);
    }
    Ok(point)
}

/// Verifies a compact JWS and gives its payload.
pub fn verify_jws(jws: &str, point: &[u8]) -> Result<Value> {
    let (signed, signature) = jws.rsplit_once('.').context("not a JWS")?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        .verify(signed.as_bytes(), &decode(signature)?)
        .map_err(|_| anyhow!("the signature does not fit"))?;
    let (_, payload) = signed.split_once('.').context("not a JWS")?;
    Ok(serde_json::from_slice(&decode(payload)?)?)
}

pub fn key_pair(pkcs8: &[u8]) -> Result<EcdsaKeyPair> {
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
        .map_err(|_| anyhow!("not a P-256 key"))
}

/// Writes a compact JWS.
pub fn sign_jws(header: &Value, payload: &Value, key: &EcdsaKeyPair) -> Result<String> {
    let signed = format!(
        "{}.{}",
        encode(header.to_string().as_bytes()),
        encode(payload.to_string().as_bytes())
    );
    let signature = key
        .sign(&SystemRandom::new(), signed.as_bytes())
        .map_err(|_| anyhow!("signing failed"))?;
    Ok(format!("{signed}.{}", encode(signature.as_ref())))
}

/// The bound of a verification: the two signatures, raw.
pub fn two_verifies(input: &Input) -> Result<()> {
    let parts: Vec<_> = input.presentation.split('~').collect();
    let jws = [
        (parts.first(), &input.issuer_jwk),
        (parts.last(), &input.holder_jwk),
    ];
    for (jws, jwk) in jws {
        let (signed, signature) = jws
            .and_then(|jws| jws.rsplit_once('.'))
            .context("not a JWS")?;
        let result = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point(jwk)?)
            .verify(signed.as_bytes(), &decode(signature)?);
        ensure!(result.is_ok(), "the signature does not fit");
    }
    Ok(())
}

/// The bound of an issuance: one signature, raw.
pub fn one_sign(input: &Input) -> Result<()> {
    thread_local! { static KEY: std::cell::RefCell<Option<EcdsaKeyPair>> = const { std::cell::RefCell::new(None) }; }
    KEY.with_borrow_mut(|slot| {
        let key = match slot {
            Some(key) => key,
            None => slot.insert(key_pair(&input.issuer_pkcs8)?),
        };
        key.sign(&SystemRandom::new(), &[7; 2000])
            .map_err(|_| anyhow!("signing failed"))?;
        Ok(())
    })
}
