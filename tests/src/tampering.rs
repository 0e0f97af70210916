use anyhow::{Context, Result};
use jumin_identity::{b64url, b64url_decode};
use serde_json::Value;

/// What a forger changes in a presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tampering {
    /// Puts another value into a disclosure.
    Disclosure,
    /// Flips a bit of the issuer's signature.
    IssuerSignature,
    /// Flips a bit of the holder's signature.
    HolderSignature,
}

/// Changes the one presentation in a `vp_token` (JSON).
pub fn tamper(vp_token: &str, tampering: Tampering) -> Result<String> {
    let mut token: Value = serde_json::from_str(vp_token)?;
    let members = token
        .as_object_mut()
        .context("the vp_token is not an object")?;
    let (_, presentations) = members.iter_mut().next().context("the vp_token is empty")?;
    let presentation = presentations.get_mut(0).context("no presentation")?;
    let original = presentation
        .as_str()
        .context("not a compact presentation")?;
    *presentation = Value::String(tamper_presentation(original, tampering)?);
    Ok(token.to_string())
}

fn tamper_presentation(original: &str, tampering: Tampering) -> Result<String> {
    let mut parts: Vec<String> = original.split('~').map(str::to_owned).collect();
    let last = parts.len() - 1;
    match tampering {
        Tampering::Disclosure => {
            let index = (1..last)
                .rev()
                .find(|index| is_text_disclosure(&parts[*index]))
                .context("no disclosed text to change")?;
            parts[index] = change_value(&parts[index])?;
        }
        Tampering::IssuerSignature => parts[0] = flip_signature(&parts[0])?,
        Tampering::HolderSignature => parts[last] = flip_signature(&parts[last])?,
    }
    Ok(parts.join("~"))
}

fn is_text_disclosure(disclosure: &str) -> bool {
    let value = parse_disclosure(disclosure).ok();
    value.is_some_and(|value| value[2].is_string() || value[2].is_boolean())
}

fn parse_disclosure(disclosure: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&b64url_decode(disclosure)?)?)
}

fn change_value(disclosure: &str) -> Result<String> {
    let mut value = parse_disclosure(disclosure)?;
    value[2] = match &value[2] {
        Value::Bool(flag) => Value::Bool(!flag),
        _ => Value::String("홍길동".into()),
    };
    Ok(b64url(value.to_string().as_bytes()))
}

fn flip_signature(jws: &str) -> Result<String> {
    let (signed, signature) = jws.rsplit_once('.').context("not a JWS")?;
    let mut bytes = b64url_decode(signature)?;
    let byte = bytes.get_mut(40).context("a short signature")?;
    *byte ^= 1;
    Ok(format!("{signed}.{}", b64url(&bytes)))
}
