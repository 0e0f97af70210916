//! Issuer and authorization server metadata (OpenID4VCI 1.0 §12.2, RFC 8414).

use jumin_http::{Client, Url};
use jumin_identity::parse_object_strict;
use jumin_registry::Localized;
use serde_json::{Map, Value};

use super::{IssuanceError, Offer, PRE_AUTHORIZED, printable, secure_url};

const MAX_BYTES: usize = 512 * 1024;
const DEPTH: usize = 24;
const FORMAT: &str = "dc+sd-jwt";
/// A wallet asks for no more copies than this, whatever the issuer offers.
const BATCH_MAX: u64 = 20;

/// Is what the wallet needs of an issuer's metadata.
#[derive(Debug)]
pub(crate) struct IssuerMetadata {
    pub name: Option<String>,
    pub credential_endpoint: Url,
    pub nonce_endpoint: Option<Url>,
    pub notification_endpoint: Option<Url>,
    pub token_endpoint: Url,
    pub batch_size: u64,
    configurations: Vec<Configuration>,
}

/// Is one offered kind of credential that this wallet can hold.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub id: String,
    pub vct: String,
    pub name: Localized,
}

impl IssuerMetadata {
    /// Fetches and checks the metadata of an offer's issuer and of its authorization server.
    pub(crate) async fn fetch(offer: &Offer, http: &Client) -> Result<Self, IssuanceError> {
        let url = well_known(&offer.issuer_url, "openid-credential-issuer");
        let issuer = fetch_object(http, &url).await?;
        // OpenID4VCI 1.0 §12.2.3: identical to the identifier in the offer.
        if issuer.get("credential_issuer").and_then(Value::as_str) != Some(offer.issuer.as_str()) {
            return Err(IssuanceError::IssuerMismatch {
                expected: offer.issuer.clone(),
            });
        }
        let server = authorization_server(&issuer, offer)?;
        let server_url =
            secure_url(&server).ok_or(IssuanceError::WrongAnswer("authorization_servers"))?;
        let url = well_known(&server_url, "oauth-authorization-server");
        let authorization = fetch_object(http, &url).await?;
        // RFC 8414 §3.3: identical to the identifier that led here.
        if authorization.get("issuer").and_then(Value::as_str) != Some(server.as_str()) {
            return Err(IssuanceError::IssuerMismatch { expected: server });
        }
        check_grant(&authorization)?;
        Self::from_objects(&issuer, &authorization)
    }

    fn from_objects(
        issuer: &Map<String, Value>,
        authorization: &Map<String, Value>,
    ) -> Result<Self, IssuanceError> {
        let configurations = issuer
            .get("credential_configurations_supported")
            .and_then(Value::as_object)
            .ok_or(IssuanceError::WrongAnswer(
                "credential_configurations_supported",
            ))?;
        let batch_size = issuer
            .get("batch_credential_issuance")
            .and_then(|batch| batch.get("batch_size")?.as_u64());
        Ok(Self {
            name: display_name(issuer.get("display"), "ko").map(|name| printable(&name)),
            credential_endpoint: endpoint(issuer, "credential_endpoint")?
                .ok_or(IssuanceError::WrongAnswer("credential_endpoint"))?,
            nonce_endpoint: endpoint(issuer, "nonce_endpoint")?,
            notification_endpoint: endpoint(issuer, "notification_endpoint")?,
            token_endpoint: endpoint(authorization, "token_endpoint")?
                .ok_or(IssuanceError::WrongAnswer("token_endpoint"))?,
            batch_size: batch_size.unwrap_or(1).clamp(1, BATCH_MAX),
            configurations: configurations
                .iter()
                .filter_map(|(id, value)| configuration(id, value))
                .collect(),
        })
    }

    pub(crate) fn configuration(&self, id: &str) -> Option<&Configuration> {
        self.configurations
            .iter()
            .find(|configuration| configuration.id == id)
    }
}

/// Puts the well-known part between host and path (OpenID4VCI 1.0 §12.2.2, RFC 8414 §3.1).
fn well_known(url: &Url, name: &str) -> Url {
    let mut out = url.clone();
    let path = url.path().trim_end_matches('/');
    out.set_path(&format!("/.well-known/{name}{path}"));
    out
}

async fn fetch_object(http: &Client, url: &Url) -> Result<Map<String, Value>, IssuanceError> {
    let answer = http.get(url, "application/json", MAX_BYTES).await?;
    if !answer.is_success() {
        return Err(IssuanceError::WrongAnswer(
            "its metadata could not be fetched",
        ));
    }
    parse_object_strict(&answer.body, DEPTH)
        .map_err(|_| IssuanceError::WrongAnswer("its metadata is malformed"))
}

/// Finds the authorization server: the one the offer names, which must be among the issuer's, else the issuer's first.
fn authorization_server(
    issuer: &Map<String, Value>,
    offer: &Offer,
) -> Result<String, IssuanceError> {
    let wrong = || IssuanceError::WrongAnswer("authorization_servers");
    let servers: Vec<&str> = match issuer.get("authorization_servers") {
        None => vec![offer.issuer.as_str()],
        Some(Value::Array(servers)) => servers.iter().filter_map(Value::as_str).collect(),
        Some(_) => return Err(wrong()),
    };
    let chosen = match &offer.authorization_server {
        Some(named) => servers.iter().find(|server| *server == named),
        None => servers.first(),
    };
    chosen.map(|server| (*server).to_owned()).ok_or_else(wrong)
}

fn check_grant(authorization: &Map<String, Value>) -> Result<(), IssuanceError> {
    let Some(grants) = authorization.get("grant_types_supported") else {
        return Ok(());
    };
    let has = grants
        .as_array()
        .is_some_and(|grants| grants.iter().any(|grant| grant == PRE_AUTHORIZED));
    match has {
        true => Ok(()),
        false => Err(IssuanceError::Unsupported(
            "a server without pre-authorized codes",
        )),
    }
}

fn endpoint(object: &Map<String, Value>, name: &'static str) -> Result<Option<Url>, IssuanceError> {
    match object.get(name) {
        None => Ok(None),
        Some(value) => value
            .as_str()
            .and_then(secure_url)
            .map(Some)
            .ok_or(IssuanceError::WrongAnswer(name)),
    }
}

/// Takes what this wallet can hold: `dc+sd-jwt`, bound to a key that is proven by an ES256 `jwt` proof.
fn configuration(id: &str, value: &Value) -> Option<Configuration> {
    if value.get("format")?.as_str()? != FORMAT {
        return None;
    }
    let vct = value.get("vct")?.as_str()?.to_owned();
    let algorithms = value
        .pointer("/proof_types_supported/jwt/proof_signing_alg_values_supported")?
        .as_array()?;
    if !algorithms.iter().any(|algorithm| algorithm == "ES256") {
        return None;
    }
    // OpenID4VCI 1.0 §12.2.4 puts `display` into `credential_metadata`; older issuers have it beside.
    let display = value
        .pointer("/credential_metadata/display")
        .or_else(|| value.get("display"));
    let name = |language| {
        let name = display_name(display, language).unwrap_or_else(|| vct.clone());
        printable(&name)
    };
    Some(Configuration {
        id: id.to_owned(),
        name: Localized {
            ko: name("ko"),
            en: name("en"),
        },
        vct,
    })
}

fn display_name(display: Option<&Value>, language: &str) -> Option<String> {
    let entries = display?.as_array()?;
    let speaks = |entry: &&Value| {
        entry
            .get("locale")
            .and_then(Value::as_str)
            .is_some_and(|locale| locale.starts_with(language))
    };
    let entry = entries.iter().find(speaks).or_else(|| entries.first())?;
    Some(entry.get("name")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn well_known_part_goes_between_host_and_path() {
        let at = |url: &str| {
            well_known(&Url::parse(url).unwrap(), "openid-credential-issuer").to_string()
        };
        assert_eq!(
            at("https://a.example"),
            "https://a.example/.well-known/openid-credential-issuer"
        );
        assert_eq!(
            at("https://a.example/tenant/"),
            "https://a.example/.well-known/openid-credential-issuer/tenant"
        );
    }
}
