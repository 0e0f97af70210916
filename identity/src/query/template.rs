//! The registered queries, which a request names instead of spelling them out.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::{DcqlQuery, FORMAT_SD_JWT_VC};

const RESIDENT_CARD: &str = "urn:jumin:resident-card:1";
const ADDRESS: [&str; 5] = ["sido", "sigungu", "eupmyeondong", "road", "detail"];

/// Is a registered query. Once registered it never changes: another query gets another identifier.
#[derive(Debug)]
pub struct Template {
    /// Names the template, and is the identifier of its only credential query.
    pub id: &'static str,
    /// Tells whether a code without a request may answer it, by its registration: what proves a full identity may not.
    pub one_way: bool,
    query: DcqlQuery,
    json: String,
}

impl Template {
    /// Returns the query.
    pub fn query(&self) -> &DcqlQuery {
        &self.query
    }

    /// Returns the query as the exact JSON text that stands in a request.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }
}

/// Are the registered templates, in the order of their numbers in `docs/qr-presentation.md`.
pub static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let claim = |path: Value| json!({"path": path});
    let name = || vec![claim(json!(["name", "hangul"]))];
    let address = || ADDRESS.iter().map(|part| claim(json!(["address", part])));
    let identity = || {
        let mut claims = name();
        claims.extend(
            ["resident_registration_number", "birthdate", "sex"].map(|name| claim(json!([name]))),
        );
        claims.extend(address());
        claims
    };
    let with = |mut claims: Vec<Value>, more: Vec<Value>| {
        claims.extend(more);
        claims
    };
    // A card says of the young that they are not of age: only `true` is a proof.
    let of_age = json!({"path": ["age_equal_or_over", "19"], "values": [true]});
    [
        ("age-19", true, vec![of_age]),
        ("address", true, with(name(), address().collect())),
        ("identity", false, identity()),
        (
            "identity-portrait",
            false,
            with(identity(), vec![claim(json!(["portrait"]))]),
        ),
    ]
    .into_iter()
    .filter_map(|(id, one_way, claims)| build(id, one_way, claims))
    .collect()
});

fn build(id: &'static str, one_way: bool, claims: Vec<Value>) -> Option<Template> {
    let json = json!({"credentials": [{
        "id": id,
        "format": FORMAT_SD_JWT_VC,
        "meta": {"vct_values": [RESIDENT_CARD]},
        "claims": claims,
    }]});
    Some(Template {
        id,
        one_way,
        query: DcqlQuery::parse(&json).ok()?,
        json: json.to_string(),
    })
}

/// Finds a registered template: `age-19`, `address`, `identity` or `identity-portrait`.
pub fn template(id: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.id == id)
}
