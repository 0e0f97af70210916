//! Claim values as the page may see them: typed, bounded, and the resident registration number masked.

use jumin_identity::{ClaimPath, PathSegment, text::seen_part};
use serde_json::Value;

use crate::dto::ClaimValue;

const SECRET_NAME: &str = "resident_registration_number";
const TEXT_MAX: usize = 2000;
const PICTURE_MAX: usize = 512 * 1024;
const PICTURES: [&str; 2] = ["data:image/jpeg;base64,", "data:image/png;base64,"];
/// Is how many characters of a number stay readable: the date of birth, the hyphen and the first digit after it.
const READABLE: usize = 8;

/// Makes the value of a claim at a path (as text) fit to show.
pub(crate) fn shown(path: &str, value: &Value) -> ClaimValue {
    match value {
        Value::String(text) if is_secret(path, text) => ClaimValue::Masked { text: masked(text) },
        Value::String(text) => text_value(text),
        Value::Bool(yes) => ClaimValue::YesNo { yes: *yes },
        _ if names_secret(path) => ClaimValue::Masked { text: masked("") },
        other => ClaimValue::Text {
            text: bounded(&flat(other)),
        },
    }
}

/// Returns a picture fit for an image's source, or nothing.
pub(crate) fn picture(text: &str) -> Option<String> {
    let data = PICTURES.iter().find_map(|kind| text.strip_prefix(kind))?;
    let body = data.trim_end_matches('=');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let fits = text.len() <= PICTURE_MAX && !body.is_empty() && data.len() - body.len() <= 2;
    (fits && body.bytes().all(plain)).then(|| text.to_owned())
}

fn text_value(text: &str) -> ClaimValue {
    if let Some(src) = picture(text) {
        return ClaimValue::Picture { src };
    }
    if is_date(text) {
        return ClaimValue::Date {
            date: text.to_owned(),
        };
    }
    ClaimValue::Text {
        text: bounded(text),
    }
}

fn is_secret(path: &str, text: &str) -> bool {
    names_secret(path) || is_number(text)
}

fn names_secret(path: &str) -> bool {
    let path: Option<ClaimPath> = path.parse().ok();
    path.is_some_and(|path| {
        path.iter()
            .any(|segment| matches!(segment, PathSegment::Name(name) if name == SECRET_NAME))
    })
}

/// Recognizes a resident registration number wherever it stands: six digits, a hyphen, seven digits.
fn is_number(text: &str) -> bool {
    let digits =
        |part: &str, count| part.len() == count && part.bytes().all(|b| b.is_ascii_digit());
    matches!(text.trim().split_once('-'), Some((one, two)) if digits(one, 6) && digits(two, 7))
}

fn masked(number: &str) -> String {
    let kept: String = match is_number(number) {
        true => number.trim().chars().take(READABLE).collect(),
        false => String::new(),
    };
    kept + "******"
}

fn is_date(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| -> Option<u32> {
        let part = text.get(range)?;
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| part.parse().ok())?
    };
    let hyphens = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    let month = number(5..7).is_some_and(|month| (1..=12).contains(&month));
    let day = number(8..10).is_some_and(|day| (1..=31).contains(&day));
    hyphens && number(0..4).is_some() && month && day
}

/// Tells a value that the type gives no name to, part by part; numbers in it are masked too.
fn flat(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if is_number(text) => masked(text),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(flat).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| match name == SECRET_NAME {
                true => masked(value.as_str().unwrap_or("")),
                false => flat(value),
            };
            members.iter().map(member).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

fn bounded(text: &str) -> String {
    let mut out: String = seen_part(text).chars().take(TEXT_MAX + 1).collect();
    if let Some((at, _)) = out.char_indices().nth(TEXT_MAX) {
        out.truncate(at);
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn masked_as(path: &str, value: Value) -> Option<String> {
        match shown(path, &value) {
            ClaimValue::Masked { text } => Some(text),
            _ => None,
        }
    }

    #[test]
    fn resident_registration_number_is_masked_wherever_it_stands() {
        let number = json!("900101-1234567");
        let masked = Some("900101-1******".to_owned());
        assert_eq!(
            masked_as("resident_registration_number", number.clone()),
            masked
        );
        assert_eq!(
            masked_as("members[2].resident_registration_number", number.clone()),
            masked
        );
        assert_eq!(masked_as("note", number), masked);
        let odd = |value| masked_as("resident_registration_number", value);
        assert_eq!(odd(json!("9001011234567")).as_deref(), Some("******"));
        assert_eq!(odd(json!(9001011234567_u64)).as_deref(), Some("******"));
        assert_eq!(
            odd(json!({"a": "900101-1234567"})).as_deref(),
            Some("******")
        );
    }

    #[test]
    fn no_digit_behind_the_mask_gets_through_in_a_larger_value() {
        let member = json!([{"name": "홍길동", "resident_registration_number": "900101-1234567"}]);
        let ClaimValue::Text { text } = shown("members", &member) else {
            panic!("not a text");
        };
        assert_eq!(text, "홍길동, 900101-1******");
    }

    #[test]
    fn dates_answers_and_texts_are_told_apart() {
        assert!(matches!(
            shown("birthdate", &json!("1990-01-31")),
            ClaimValue::Date { .. }
        ));
        for text in ["1990-13-01", "1990-1-1", "가나다라-01-01", "1990-01-32", ""] {
            assert!(
                matches!(shown("x", &json!(text)), ClaimValue::Text { .. }),
                "{text}"
            );
        }
        assert!(matches!(
            shown("age.19", &json!(true)),
            ClaimValue::YesNo { yes: true }
        ));
        assert_eq!(shown("x", &json!(7)), ClaimValue::Text { text: "7".into() });
    }

    #[test]
    fn only_bounded_jpeg_and_png_are_pictures() {
        assert!(picture("data:image/jpeg;base64,/9j/4AAQ").is_some());
        assert!(picture("data:image/png;base64,iVBORw0KGgo=").is_some());
        let long = format!("data:image/png;base64,{}", "A".repeat(PICTURE_MAX));
        for text in [
            "data:image/svg+xml;base64,PHN2Zz4=",
            "data:text/html;base64,PHN2Zz4=",
            "data:image/png;base64,",
            "data:image/png;base64,AA\"onload",
            "data:image/png;base64,A===",
            "https://example.com/a.png",
            &long,
        ] {
            assert_eq!(picture(text), None, "{text:.40}");
            assert!(matches!(
                shown("portrait", &json!(text)),
                ClaimValue::Text { .. }
            ));
        }
    }

    #[test]
    fn texts_are_bounded_and_without_control_characters() {
        let ClaimValue::Text { text } = shown("x", &json!("가\u{0}\n".repeat(5000))) else {
            panic!("not a text");
        };
        assert_eq!(text.chars().count(), TEXT_MAX + 1);
        assert!(text.ends_with('…') && !text.contains('\n'));
    }
}
