//! The VP Token of one presentation (OpenID4VP 1.0 §8.1).

use std::fmt;

use serde_json::{Map, Value};

use crate::json::parse_object_strict;

/// Is the greatest length of a VP Token that is read, in bytes.
pub const VP_TOKEN_MAX_BYTES: usize = 256 * 1024;
const QUERY_ID_MAX: usize = 64;

/// Is a VP Token with exactly one presentation: `{"<query id>":["<SD-JWT+KB>"]}`.
#[derive(Clone, PartialEq, Eq)]
pub struct VpToken {
    /// Is the identifier of the credential query that is answered.
    pub query_id: String,
    /// Is the presentation, in the compact form of SD-JWT+KB.
    pub presentation: String,
}

impl fmt::Debug for VpToken {
    /// Leaves out the presentation, which is somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VpToken({:?})", self.query_id)
    }
}

/// Says why a VP Token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VpTokenError {
    /// The text is longer than [`VP_TOKEN_MAX_BYTES`].
    #[error("the VP Token is too long")]
    TooLong,
    /// The text is not `{"<query id>":["<presentation>"]}`.
    #[error("malformed VP Token")]
    Malformed,
}

impl VpTokenError {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "vp_token_too_long",
            Self::Malformed => "vp_token_malformed",
        }
    }
}

impl VpToken {
    /// Joins a query identifier and a presentation.
    pub fn new(query_id: impl Into<String>, presentation: impl Into<String>) -> Self {
        Self {
            query_id: query_id.into(),
            presentation: presentation.into(),
        }
    }

    /// Reads a VP Token with exactly one presentation.
    pub fn parse(json: &str) -> Result<Self, VpTokenError> {
        if json.len() > VP_TOKEN_MAX_BYTES {
            return Err(VpTokenError::TooLong);
        }
        let object =
            parse_object_strict(json.as_bytes(), 2).map_err(|_| VpTokenError::Malformed)?;
        let mut members = object.into_iter();
        match (members.next(), members.next()) {
            (Some((query_id, Value::Array(presentations))), None) => one(query_id, presentations),
            _ => Err(VpTokenError::Malformed),
        }
    }

    /// Returns the compact JSON text.
    pub fn to_json(&self) -> String {
        let presentations = vec![Value::from(self.presentation.as_str())];
        let mut object = Map::new();
        object.insert(self.query_id.clone(), Value::from(presentations));
        Value::Object(object).to_string()
    }
}

fn one(query_id: String, presentations: Vec<Value>) -> Result<VpToken, VpTokenError> {
    let mut presentations = presentations.into_iter();
    match (presentations.next(), presentations.next()) {
        (Some(Value::String(presentation)), None)
            if !query_id.is_empty() && query_id.len() <= QUERY_ID_MAX =>
        {
            Ok(VpToken::new(query_id, presentation))
        }
        _ => Err(VpTokenError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vp_token_reads_back() {
        let token = VpToken::new("identity", "a.b.c~d~e.f.g");
        assert_eq!(token.to_json(), r#"{"identity":["a.b.c~d~e.f.g"]}"#);
        assert_eq!(VpToken::parse(&token.to_json()), Ok(token));
    }

    #[test]
    fn presentation_is_not_in_the_debug_text() {
        let token = VpToken::new("identity", "a.b.c~d~e.f.g");
        let message = crate::Message::Presentation(token.to_json());
        for text in [format!("{token:?}"), format!("{message:?}")] {
            assert!(!text.contains("~d~"), "{text}");
        }
    }

    #[test]
    fn vp_token_with_other_than_one_presentation_is_refused() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"a":[]}"#,
            r#"{"a":["x","y"]}"#,
            r#"{"a":["x"],"b":["y"]}"#,
            r#"{"a":["x"],"a":["x"]}"#,
            r#"{"a":"x"}"#,
            r#"{"":["x"]}"#,
            r#"{"a":[{"b":{}}]}"#,
        ] {
            assert_eq!(VpToken::parse(json), Err(VpTokenError::Malformed), "{json}");
        }
    }
}
