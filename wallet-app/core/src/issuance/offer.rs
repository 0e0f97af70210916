//! Credential offers (OpenID4VCI 1.0 §4.1), by value or by reference.

use jumin_http::{Client, Url};
use jumin_identity::parse_object_strict;
use serde_json::{Map, Value};

use super::{IssuanceError, TransactionCodeHint, printable, secure_url};

/// Names the grant for a code that was given in person (OpenID4VCI 1.0 §4.1.1).
pub(crate) const PRE_AUTHORIZED: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
const SCHEMES: [&str; 2] = ["openid-credential-offer", "haip-vci"];
const MAX_BYTES: usize = 32 * 1024;
const DEPTH: usize = 8;
const TEXT_MAX: usize = 2048;
const CONFIGURATIONS_MAX: usize = 8;

/// Is a credential offer that this wallet can follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    pub issuer: String,
    pub issuer_url: Url,
    pub configuration_ids: Vec<String>,
    pub code: String,
    pub transaction_code: Option<TransactionCodeHint>,
    pub authorization_server: Option<String>,
}

enum Reference {
    Value(String),
    Url(Url),
}

impl Offer {
    /// Reads an offer from what was scanned or typed, fetching it where it is only referred to.
    pub(crate) async fn read(text: &str, http: &Client) -> Result<Self, IssuanceError> {
        match reference(text.trim())? {
            Reference::Value(json) => Self::from_json(json.as_bytes()),
            Reference::Url(url) => {
                let answer = http.get(&url, "application/json", MAX_BYTES).await?;
                match answer.status {
                    200..300 => Self::from_json(&answer.body),
                    400..500 => Err(IssuanceError::OfferGone),
                    _ => Err(IssuanceError::WrongAnswer("the offer could not be fetched")),
                }
            }
        }
    }

    fn from_json(bytes: &[u8]) -> Result<Self, IssuanceError> {
        if bytes.len() > MAX_BYTES {
            return Err(IssuanceError::NotAnOffer("it is too long"));
        }
        let object = parse_object_strict(bytes, DEPTH)
            .map_err(|_| IssuanceError::NotAnOffer("it is not a JSON object"))?;
        let issuer = text(&object, "credential_issuer")
            .ok_or(IssuanceError::NotAnOffer("credential_issuer is missing"))?;
        let issuer_url = secure_url(&issuer)
            .filter(|url| url.query().is_none() && url.fragment().is_none())
            .ok_or(IssuanceError::NotAnOffer("the issuer's URL is not https"))?;
        let grant = object
            .get("grants")
            .and_then(|grants| grants.get(PRE_AUTHORIZED))
            .and_then(Value::as_object)
            .ok_or(IssuanceError::Unsupported(
                "a grant without a pre-authorized code",
            ))?;
        let code = text(grant, "pre-authorized_code")
            .ok_or(IssuanceError::NotAnOffer("pre-authorized_code is missing"))?;
        let transaction_code = grant.get("tx_code").map(hint).transpose()?;
        Ok(Self {
            configuration_ids: configuration_ids(&object)?,
            authorization_server: text(grant, "authorization_server"),
            issuer,
            issuer_url,
            code,
            transaction_code,
        })
    }

    /// Checks a transaction code's form before it is sent: a try at the issuer is too good for a typing error.
    pub(crate) fn check_code(&self, given: Option<&str>) -> Result<(), IssuanceError> {
        let Some(hint) = &self.transaction_code else {
            return Ok(());
        };
        let given = given.ok_or(IssuanceError::TransactionCodeMissing)?;
        let length = given.chars().count() as u64;
        let digits = !hint.numeric || given.bytes().all(|byte| byte.is_ascii_digit());
        if digits && length > 0 && hint.length.is_none_or(|expected| expected == length) {
            return Ok(());
        }
        let what = if hint.numeric { "digits" } else { "characters" };
        Err(IssuanceError::TransactionCodeForm(match hint.length {
            Some(length) => format!("{length} {what}"),
            None => what.to_owned(),
        }))
    }
}

fn reference(text: &str) -> Result<Reference, IssuanceError> {
    if text.len() > MAX_BYTES {
        return Err(IssuanceError::NotAnOffer("it is too long"));
    }
    if text.starts_with('{') {
        return Ok(Reference::Value(text.to_owned()));
    }
    let url = Url::parse(text).map_err(|_| IssuanceError::NotAnOffer("it is not a link"))?;
    let parameter = |name: &str| {
        let mut found = url.query_pairs().filter(|(key, _)| key == name);
        let value = found.next().map(|(_, value)| value.into_owned());
        value.filter(|_| found.next().is_none())
    };
    let known = SCHEMES.contains(&url.scheme()) || url.scheme() == "https";
    // OpenID4VCI 1.0 §4.1: one of the two parameters, never both.
    match (
        parameter("credential_offer"),
        parameter("credential_offer_uri"),
    ) {
        (Some(json), None) if known => Ok(Reference::Value(json)),
        (None, Some(uri)) if known => {
            secure_url(&uri)
                .map(Reference::Url)
                .ok_or(IssuanceError::NotAnOffer(
                    "credential_offer_uri is not https",
                ))
        }
        _ => Err(IssuanceError::NotAnOffer("it carries no credential offer")),
    }
}

fn configuration_ids(object: &Map<String, Value>) -> Result<Vec<String>, IssuanceError> {
    let malformed = || IssuanceError::NotAnOffer("credential_configuration_ids is malformed");
    let ids = object
        .get("credential_configuration_ids")
        .and_then(Value::as_array)
        .ok_or_else(malformed)?;
    if ids.is_empty() || ids.len() > CONFIGURATIONS_MAX {
        return Err(malformed());
    }
    ids.iter()
        .map(|id| id.as_str().map(str::to_owned).ok_or_else(malformed))
        .collect()
}

fn hint(tx_code: &Value) -> Result<TransactionCodeHint, IssuanceError> {
    let object = tx_code
        .as_object()
        .ok_or(IssuanceError::NotAnOffer("tx_code is malformed"))?;
    Ok(TransactionCodeHint {
        // OpenID4VCI 1.0 §4.1.1: `numeric` is the default.
        numeric: text(object, "input_mode").is_none_or(|mode| mode == "numeric"),
        length: object.get("length").and_then(Value::as_u64),
        description: text(object, "description").map(|text| printable(&text)),
    })
}

fn text(object: &Map<String, Value>, name: &str) -> Option<String> {
    let text = object.get(name)?.as_str()?;
    (!text.is_empty() && text.len() <= TEXT_MAX).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn offer(tx_code: Option<Value>) -> Value {
        let mut grant = json!({"pre-authorized_code": "abc"});
        if let Some(tx_code) = tx_code {
            grant["tx_code"] = tx_code;
        }
        json!({
            "credential_issuer": "https://issuer.example",
            "credential_configuration_ids": ["resident-card"],
            "grants": {PRE_AUTHORIZED: grant},
        })
    }

    fn read(value: &Value) -> Result<Offer, IssuanceError> {
        Offer::from_json(value.to_string().as_bytes())
    }

    #[test]
    fn offer_by_value_is_found_in_the_link() {
        let json = offer(None).to_string();
        let link = Url::parse_with_params(
            "openid-credential-offer://",
            [("credential_offer", json.as_str())],
        )
        .unwrap();
        let Ok(Reference::Value(found)) = reference(link.as_str()) else {
            panic!("no value");
        };
        assert_eq!(found, json);
    }

    #[test]
    fn offer_by_reference_must_be_https_or_on_this_machine() {
        let link = |uri: &str| format!("openid-credential-offer://?credential_offer_uri={uri}");
        assert!(reference(&link("https%3A%2F%2Fissuer.example%2Foffers%2F1")).is_ok());
        assert!(reference(&link("http%3A%2F%2F127.0.0.1%3A7200%2Foffers%2F1")).is_ok());
        assert!(reference(&link("http%3A%2F%2Fissuer.example%2Foffers%2F1")).is_err());
    }

    #[test]
    fn link_with_both_forms_or_the_same_twice_is_refused() {
        for query in [
            "credential_offer=%7B%7D&credential_offer_uri=https%3A%2F%2Fa.example",
            "credential_offer=%7B%7D&credential_offer=%7B%7D",
            "other=1",
        ] {
            assert!(reference(&format!("openid-credential-offer://?{query}")).is_err());
        }
    }

    #[test]
    fn what_is_not_an_offer_is_named() {
        for text in ["", "hello", "[]", "{}", "{\"credential_issuer\":1}"] {
            let refused = match reference(text) {
                Ok(Reference::Value(json)) => Offer::from_json(json.as_bytes()).err(),
                Ok(Reference::Url(_)) => None,
                Err(error) => Some(error),
            };
            assert_eq!(refused.unwrap().code(), "not_an_offer", "{text}");
        }
        let mut insecure = offer(None);
        insecure["credential_issuer"] = json!("http://issuer.example");
        assert_eq!(read(&insecure).unwrap_err().code(), "not_an_offer");
        let mut no_grant = offer(None);
        no_grant["grants"] = json!({"authorization_code": {}});
        assert_eq!(read(&no_grant).unwrap_err().code(), "unsupported");
    }

    #[test]
    fn transaction_code_of_another_form_is_not_even_sent() {
        let offer = read(&offer(Some(json!({"length": 6})))).unwrap();
        assert!(offer.check_code(Some("123456")).is_ok());
        assert_eq!(
            offer.check_code(None).unwrap_err().code(),
            "tx_code_missing"
        );
        for code in ["12345", "1234567", "12345a", ""] {
            let error = offer.check_code(Some(code)).unwrap_err();
            assert_eq!(error.code(), "tx_code_form");
        }
    }
}
