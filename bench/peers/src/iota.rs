use anyhow::{Context, Result, ensure};
use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::EcdsaKeyPair;
use futures_executor::block_on;
use sd_jwt_payload::{
    Hasher, JsonObject, JwsSigner, RequiredKeyBinding, SdJwt, SdJwtBuilder, Sha256Hasher,
};
use serde_json::Value;

use crate::{Input, es256};

struct AwsSigner(EcdsaKeyPair);

#[async_trait]
impl JwsSigner for AwsSigner {
    type Error = anyhow::Error;

    async fn sign(&self, header: &JsonObject, payload: &JsonObject) -> Result<Vec<u8>> {
        let header = Value::Object(header.clone());
        let payload = Value::Object(payload.clone());
        Ok(es256::sign_jws(&header, &payload, &self.0)?.into_bytes())
    }
}

/// The library leaves the signatures and the key binding's claims to its caller.
pub fn verify(input: &Input) -> Result<()> {
    let (sd_jwt, key_binding) = input
        .presentation
        .rsplit_once('~')
        .context("no key binding")?;
    let (jws, _) = sd_jwt.split_once('~').context("no disclosures")?;
    es256::verify_jws(jws, &es256::point(&input.issuer_jwk)?)?;
    let bound = es256::verify_jws(key_binding, &es256::point(&input.holder_jwk)?)?;
    let hash = es256::encode(digest(&SHA256, format!("{sd_jwt}~").as_bytes()).as_ref());
    ensure!(
        bound["sd_hash"] == hash && bound["nonce"] == input.nonce,
        "the key binding does not fit"
    );
    ensure!(bound["aud"] == input.audience, "another audience");
    let parsed = SdJwt::parse(&input.presentation)?;
    let claims = parsed.into_disclosed_object(&Sha256Hasher::new() as &dyn Hasher)?;
    ensure!(!claims.is_empty(), "no claims");
    Ok(())
}

pub fn issue(input: &Input) -> Result<String> {
    let signer = AwsSigner(es256::key_pair(&input.issuer_pkcs8)?);
    let mut builder = SdJwtBuilder::new(input.claims.clone())?;
    for pointer in &input.pointers {
        builder = builder.make_concealable(pointer)?;
    }
    let holder = input.holder_jwk.as_object().context("not a key")?.clone();
    let builder = builder.require_key_binding(RequiredKeyBinding::Jwk(holder));
    Ok(block_on(builder.finish(&signer, "ES256"))?.presentation())
}
