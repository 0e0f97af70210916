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
    let name = || vec![json!(["name", "hangul"])];
    let address = || ADDRESS.iter().map(|part| json!(["address", part]));
    let identity = || {
        let mut paths = name();
        paths.extend(
            ["resident_registration_number", "birthdate", "sex"].map(|claim| json!([claim])),
        );
        paths.extend(address());
        paths
    };
    let with = |mut paths: Vec<Value>, more: Vec<Value>| {
        paths.extend(more);
        paths
    };
    [
        ("age-19", vec![json!(["age_equal_or_over", "19"])]),
        ("address", with(name(), address().collect())),
        ("identity", identity()),
        (
            "identity-portrait",
            with(identity(), vec![json!(["portrait"])]),
        ),
    ]
    .into_iter()
    .filter_map(|(id, paths)| build(id, paths))
    .collect()
});

fn build(id: &'static str, paths: Vec<Value>) -> Option<Template> {
    let claims: Vec<Value> = paths
        .into_iter()
        .map(|path| json!({"path": path}))
        .collect();
    let json = json!({"credentials": [{
        "id": id,
        "format": FORMAT_SD_JWT_VC,
        "meta": {"vct_values": [RESIDENT_CARD]},
        "claims": claims,
    }]});
    Some(Template {
        id,
        query: DcqlQuery::parse(&json).ok()?,
        json: json.to_string(),
    })
}

/// Finds a registered template: `age-19`, `address`, `identity` or `identity-portrait`.
pub fn template(id: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.id == id)
}
