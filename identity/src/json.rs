//! Strict JSON for signed objects: no member twice, no deep nesting.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Says that bytes are not one JSON text, have a member twice, or nest deeper than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed JSON")]
pub struct MalformedJson;

/// Parses one JSON text, refusing a member that is there twice (RFC 8259 §4 leaves its meaning open, so two readers may
/// see two different claims) and more than `max_depth` levels of arrays and objects.
pub fn parse_json_strict(bytes: &[u8], max_depth: usize) -> Result<Value, MalformedJson> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict(max_depth)
        .deserialize(&mut deserializer)
        .map_err(|_| MalformedJson)?;
    deserializer.end().map_err(|_| MalformedJson)?;
    Ok(value)
}

/// Parses one JSON object under the rules of [`parse_json_strict`].
pub fn parse_object_strict(
    bytes: &[u8],
    max_depth: usize,
) -> Result<Map<String, Value>, MalformedJson> {
    match parse_json_strict(bytes, max_depth)? {
        Value::Object(object) => Ok(object),
        _ => Err(MalformedJson),
    }
}

#[derive(Clone, Copy)]
struct Strict(usize);

impl Strict {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        self.0
            .checked_sub(1)
            .map(Self)
            .ok_or_else(|| E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.inner()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if object
                .insert(name, members.next_value_seed(inner)?)
                .is_some()
            {
                return Err(A::Error::custom("member twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_without_repetition_reads_as_usual() {
        let text = r#"{"a":[1,-2,3.5,"x",null,true],"b":{"c":{}}}"#;
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse_json_strict(text.as_bytes(), 8), Ok(value));
    }

    #[test]
    fn member_twice_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"b":[{"a":1,"c":2,"\u0061":3}]}"#] {
            assert_eq!(
                parse_json_strict(text.as_bytes(), 8),
                Err(MalformedJson),
                "{text}"
            );
        }
    }

    #[test]
    fn nesting_is_bounded() {
        assert!(parse_json_strict(b"[[1]]", 2).is_ok());
        assert_eq!(parse_json_strict(b"[[[1]]]", 2), Err(MalformedJson));
        assert_eq!(
            parse_json_strict("[".repeat(100_000).as_bytes(), 8),
            Err(MalformedJson)
        );
    }

    #[test]
    fn text_after_the_value_is_refused() {
        assert_eq!(parse_json_strict(b"{} {}", 2), Err(MalformedJson));
    }
}
