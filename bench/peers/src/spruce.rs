use anyhow::{Context, Result, anyhow};
use futures_executor::block_on;
use ssi::JWK;
use ssi::claims::JWTClaims;
use ssi::claims::VerificationParameters;
use ssi::claims::jwt::AnyClaims;
use ssi::claims::sd_jwt::{ConcealJwtClaims, JsonPointer, SdAlg, SdJwt};

use crate::Input;

/// The library checks the issuer's part; the key binding is verified as the JWS it is.
pub fn verify(input: &Input) -> Result<()> {
    let issuer: JWK = serde_json::from_value(input.issuer_jwk.clone())?;
    let holder: JWK = serde_json::from_value(input.holder_jwk.clone())?;
    let sd_jwt = SdJwt::new(&input.presentation).map_err(|_| anyhow!("not an SD-JWT"))?;
    block_on(async {
        let parameters = VerificationParameters::from_resolver(&issuer);
        let (_, verification) = sd_jwt.decode_reveal_verify_any(parameters).await?;
        verification.map_err(|error| anyhow!("{error:?}"))?;
        let parameters = VerificationParameters::from_resolver(&holder);
        let key_binding = sd_jwt.kb().context("no key binding")?;
        let verification = key_binding.verify(parameters).await?;
        verification.map_err(|error| anyhow!("{error:?}"))
    })
}

pub fn issue(input: &Input) -> Result<String> {
    let key: JWK = serde_json::from_value(input.issuer_private_jwk.clone())?;
    let claims: JWTClaims<AnyClaims> = serde_json::from_value(input.claims.clone())?;
    let pointers = input
        .pointers
        .iter()
        .map(|pointer| JsonPointer::new(pointer));
    let pointers: Vec<&JsonPointer> = pointers
        .collect::<Result<_, _>>()
        .map_err(|_| anyhow!("not a JSON pointer"))?;
    let issued = block_on(claims.conceal_and_sign(SdAlg::Sha256, &pointers, &key))?;
    Ok(issued.to_string())
}
