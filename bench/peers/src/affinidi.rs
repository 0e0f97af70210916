use affinidi_sd_jwt::{
    JwtSigner, JwtVerifier, SdJwt, SdJwtError, Sha256Hasher, VerificationOptions, issuer, verifier,
};
use anyhow::{Result, ensure};
use aws_lc_rs::signature::EcdsaKeyPair;
use serde_json::{Map, Value, json};

use crate::{Input, es256};

struct AwsVerifier(Vec<u8>);

impl JwtVerifier for AwsVerifier {
    fn verify_jwt(&self, jws: &str) -> Result<Value, SdJwtError> {
        es256::verify_jws(jws, &self.0).map_err(|error| SdJwtError::Verification(error.to_string()))
    }
}

struct AwsSigner(EcdsaKeyPair);

impl JwtSigner for AwsSigner {
    fn algorithm(&self) -> &str {
        "ES256"
    }

    fn sign_jwt(&self, header: &Value, payload: &Value) -> Result<String, SdJwtError> {
        es256::sign_jws(header, payload, &self.0)
            .map_err(|error| SdJwtError::Verification(error.to_string()))
    }
}

pub fn verify(input: &Input) -> Result<()> {
    let hasher = Sha256Hasher;
    let sd_jwt = SdJwt::parse(&input.presentation, &hasher)?;
    let issuer = AwsVerifier(es256::point(&input.issuer_jwk)?);
    let holder = AwsVerifier(es256::point(&input.holder_jwk)?);
    let options = VerificationOptions {
        verify_kb: true,
        expected_audience: Some(&input.audience),
        expected_nonce: Some(&input.nonce),
    };
    let result = verifier::verify(&sd_jwt, &issuer, &hasher, &options, Some(&holder))?;
    ensure!(result.is_verified(), "not verified");
    Ok(())
}

pub fn issue(input: &Input) -> Result<String> {
    let signer = AwsSigner(es256::key_pair(&input.issuer_pkcs8)?);
    let frame = frame(&input.pointers);
    let issued = issuer::issue(
        &input.claims,
        &frame,
        &signer,
        &Sha256Hasher,
        Some(&input.holder_jwk),
    )?;
    Ok(issued.serialize())
}

/// Turns `/address/sido` into `{"address": {"_sd": ["sido"]}}`.
fn frame(pointers: &[String]) -> Value {
    let mut frame = Map::new();
    for pointer in pointers {
        let mut names: Vec<_> = pointer.split('/').skip(1).collect();
        let Some(last) = names.pop() else { continue };
        let mut level = &mut frame;
        for name in names {
            let next = level.entry(name).or_insert_with(|| json!({}));
            let Value::Object(next) = next else {
                return Value::Null;
            };
            level = next;
        }
        let concealed = level.entry("_sd").or_insert_with(|| json!([]));
        if let Value::Array(concealed) = concealed {
            concealed.push(json!(last));
        }
    }
    Value::Object(frame)
}
