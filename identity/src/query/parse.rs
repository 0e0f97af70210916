//! Reads a DCQL query from JSON within fixed limits.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::pointer;
use super::{
    ClaimsQuery, CredentialQuery, CredentialSet, DcqlQuery, FORMAT_SD_JWT_VC, QueryError,
    TrustedAuthority,
};

const CREDENTIALS_MAX: usize = 8;
const CLAIMS_MAX: usize = 64;
const SETS_MAX: usize = 16;
const VALUES_MAX: usize = 32;
const TEXT_MAX: usize = 512;
const ID_MAX: usize = 64;

pub(super) fn query(json: &Value) -> Result<DcqlQuery, QueryError> {
    let object = object(json, "the query is not an object")?;
    let credentials = required_array(object, "credentials", CREDENTIALS_MAX)?
        .iter()
        .map(credential)
        .collect::<Result<Vec<_>, _>>()?;
    unique(credentials.iter().map(|query| query.id.as_str()))?;
    let credential_sets = optional_array(object, "credential_sets", SETS_MAX)?
        .iter()
        .map(|set| credential_set(set, &credentials))
        .collect::<Result<_, _>>()?;
    Ok(DcqlQuery {
        credentials,
        credential_sets,
        json: json.clone(),
    })
}

fn credential(json: &Value) -> Result<CredentialQuery, QueryError> {
    let object = object(json, "a credential query is not an object")?;
    let format = text(object.get("format"), "format")?;
    let meta = match object.get("meta") {
        Some(meta) => self::object(meta, "meta is not an object")?,
        None => return Err(QueryError::Malformed("meta is missing")),
    };
    let vct_values = match meta.get("vct_values") {
        Some(_) => texts(required_array(meta, "vct_values", VALUES_MAX)?)?,
        // OpenID4VP 1.0 Appendix B.3.5: `vct_values` is required for this format.
        None if format == FORMAT_SD_JWT_VC => {
            return Err(QueryError::Malformed("vct_values is missing"));
        }
        None => Vec::new(),
    };
    let claims = match object.get("claims") {
        None => None,
        Some(_) => Some(claims(required_array(object, "claims", CLAIMS_MAX)?)?),
    };
    let claim_sets = claim_sets(object, claims.as_deref())?;
    Ok(CredentialQuery {
        id: identifier(object.get("id"))?,
        format,
        vct_values,
        claims,
        claim_sets,
        multiple: flag(object, "multiple", false)?,
        holder_binding: flag(object, "require_cryptographic_holder_binding", true)?,
        trusted_authorities: optional_array(object, "trusted_authorities", SETS_MAX)?
            .iter()
            .map(trusted_authority)
            .collect::<Result<_, _>>()?,
    })
}

fn claims(array: &[Value]) -> Result<Vec<ClaimsQuery>, QueryError> {
    let claims = array.iter().map(claim).collect::<Result<Vec<_>, _>>()?;
    unique(claims.iter().filter_map(|claim| claim.id.as_deref()))?;
    Ok(claims)
}

fn claim(json: &Value) -> Result<ClaimsQuery, QueryError> {
    let object = object(json, "a claims query is not an object")?;
    let values = optional_array(object, "values", VALUES_MAX)?;
    // OpenID4VP 1.0 §6.3: strings, integers and booleans.
    let allowed = |value: &Value| value.is_string() || value.is_boolean() || is_integer(value);
    if !values.iter().all(allowed) {
        return Err(QueryError::Malformed(
            "values has something else than strings, integers and booleans",
        ));
    }
    Ok(ClaimsQuery {
        id: match object.get("id") {
            None => None,
            id => Some(identifier(id)?),
        },
        path: pointer::parse(object.get("path"))?,
        values: values.to_vec(),
    })
}

fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64()
}

fn claim_sets(
    object: &Map<String, Value>,
    claims: Option<&[ClaimsQuery]>,
) -> Result<Vec<Vec<String>>, QueryError> {
    let sets = optional_array(object, "claim_sets", SETS_MAX)?;
    if sets.is_empty() {
        return Ok(Vec::new());
    }
    // OpenID4VP 1.0 §6.4.1: `claim_sets` needs `claims`, and §6.3: each claim then has an `id`.
    let known: HashSet<&str> = claims
        .unwrap_or_default()
        .iter()
        .filter_map(|claim| claim.id.as_deref())
        .collect();
    sets.iter().map(|set| references(set, &known)).collect()
}

fn credential_set(json: &Value, known: &[CredentialQuery]) -> Result<CredentialSet, QueryError> {
    let object = object(json, "a credential set is not an object")?;
    let known: HashSet<&str> = known.iter().map(|query| query.id.as_str()).collect();
    Ok(CredentialSet {
        options: required_array(object, "options", SETS_MAX)?
            .iter()
            .map(|option| references(option, &known))
            .collect::<Result<_, _>>()?,
        required: flag(object, "required", true)?,
    })
}

fn references(json: &Value, known: &HashSet<&str>) -> Result<Vec<String>, QueryError> {
    let array = json
        .as_array()
        .ok_or(QueryError::Malformed("a set is not an array"))?;
    let ids = texts(bounded(array, CLAIMS_MAX, "a set")?)?;
    if ids.is_empty() || !ids.iter().all(|id| known.contains(id.as_str())) {
        return Err(QueryError::Malformed("a set names what is not there"));
    }
    Ok(ids)
}

fn trusted_authority(json: &Value) -> Result<TrustedAuthority, QueryError> {
    let object = object(json, "a trusted authority is not an object")?;
    Ok(TrustedAuthority {
        kind: text(object.get("type"), "type")?,
        values: texts(required_array(object, "values", VALUES_MAX)?)?,
    })
}

fn object<'a>(json: &'a Value, reason: &'static str) -> Result<&'a Map<String, Value>, QueryError> {
    json.as_object().ok_or(QueryError::Malformed(reason))
}

fn required_array<'a>(
    object: &'a Map<String, Value>,
    name: &'static str,
    max: usize,
) -> Result<&'a [Value], QueryError> {
    match object.get(name) {
        Some(Value::Array(array)) if !array.is_empty() => bounded(array, max, name),
        _ => Err(QueryError::Malformed(name)),
    }
}

fn optional_array<'a>(
    object: &'a Map<String, Value>,
    name: &'static str,
    max: usize,
) -> Result<&'a [Value], QueryError> {
    match object.get(name) {
        None => Ok(&[]),
        Some(_) => required_array(object, name, max),
    }
}

fn bounded<'a>(
    array: &'a [Value],
    max: usize,
    name: &'static str,
) -> Result<&'a [Value], QueryError> {
    if array.len() > max {
        return Err(QueryError::TooLarge(name));
    }
    Ok(array)
}

fn texts(array: &[Value]) -> Result<Vec<String>, QueryError> {
    array
        .iter()
        .map(|value| text(Some(value), "not a string"))
        .collect()
}

fn text(value: Option<&Value>, name: &'static str) -> Result<String, QueryError> {
    match value {
        Some(Value::String(text)) if text.len() > TEXT_MAX => Err(QueryError::TooLarge(name)),
        Some(Value::String(text)) => Ok(text.clone()),
        _ => Err(QueryError::Malformed(name)),
    }
}

/// Reads an identifier: alphanumeric characters, `_` and `-` (OpenID4VP 1.0 §6.1).
fn identifier(value: Option<&Value>) -> Result<String, QueryError> {
    let id = text(value, "id")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if id.is_empty() || id.len() > ID_MAX || !id.bytes().all(allowed) {
        return Err(QueryError::Malformed("id"));
    }
    Ok(id)
}

fn flag(
    object: &Map<String, Value>,
    name: &'static str,
    default: bool,
) -> Result<bool, QueryError> {
    match object.get(name) {
        None => Ok(default),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(QueryError::Malformed(name)),
    }
}

fn unique<'a>(ids: impl Iterator<Item = &'a str>) -> Result<(), QueryError> {
    let mut seen = HashSet::new();
    for id in ids {
        if !seen.insert(id) {
            return Err(QueryError::Malformed("the same id twice"));
        }
    }
    Ok(())
}
