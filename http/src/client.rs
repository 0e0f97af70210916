use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use reqwest::{Certificate, RequestBuilder, redirect};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::{Host, Url};

use crate::install_crypto_provider;
use crate::pace::Pace;

/// Names a PEM file of additional trust roots for TLS.
pub const TRUST_ANCHORS_VARIABLE: &str = "JUMIN_TRUST_ANCHORS";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a server may take until its answer to a question begins.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long it may take over what it is told to do: some work is waited for.
const DONE_WITHIN: Duration = Duration::from_secs(20);
const MAX_TRUST_ANCHORS_BYTES: u64 = 1 << 20;

/// Why an HTTP exchange gave no answer to read.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("the trust anchors file cannot be read")]
    TrustAnchors(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the HTTP client cannot be set up")]
    Setup(#[source] reqwest::Error),
    #[error("plain http is allowed to this machine only")]
    Insecure,
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the server did not answer in time")]
    Timeout,
    #[error("the server's answer came too slowly")]
    TooSlow,
    #[error("the connection broke off")]
    Broken(#[source] reqwest::Error),
    #[error("the server answered with a redirect, which is not followed")]
    Redirect,
    #[error("the answer is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("the answer is not the JSON that was expected")]
    Json(#[source] serde_json::Error),
    #[error("the request cannot be written")]
    Request(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl HttpError {
    /// A stable name of this error for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TrustAnchors(_) => "trust_anchors_unreadable",
            Self::Setup(_) => "client_setup_failed",
            Self::Insecure => "insecure_url",
            Self::Unreachable(_) => "unreachable",
            Self::Timeout => "timeout",
            Self::TooSlow => "too_slow",
            Self::Broken(_) => "connection_broken",
            Self::Redirect => "redirect_refused",
            Self::TooLarge { .. } => "answer_too_large",
            Self::Json(_) => "answer_not_json",
            Self::Request(_) => "request_unwritable",
        }
    }

    fn from_reqwest(error: reqwest::Error) -> Self {
        // Errors get into logs, and what an address asks for does not.
        let error = error.without_url();
        if error.is_timeout() {
            Self::Timeout
        } else if error.is_connect() {
            Self::Unreachable(error)
        } else {
            Self::Broken(error)
        }
    }
}

/// An HTTP answer, read whole within the caller's size limit.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status, errors included.
    pub status: u16,
    /// The media type without parameters, in lower case.
    pub content_type: Option<String>,
    /// All header fields.
    pub headers: HeaderMap,
    /// The decoded body.
    pub body: Vec<u8>,
}

impl Response {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reads the body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, HttpError> {
        serde_json::from_slice(&self.body).map_err(HttpError::Json)
    }

    /// A header field's value where it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An HTTP client that bounds time and size, follows no redirect and speaks plain http to loopback only.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
}

impl Client {
    /// Makes a client trusting the system's roots and those in the file named by `JUMIN_TRUST_ANCHORS`.
    pub fn new() -> Result<Self, HttpError> {
        match std::env::var_os(TRUST_ANCHORS_VARIABLE) {
            Some(path) if !path.is_empty() => {
                let pem = read_bounded(path.as_ref())
                    .map_err(|error| HttpError::TrustAnchors(error.into()))?;
                Self::with_roots_pem(&pem)
            }
            _ => Self::with_roots(Vec::new()),
        }
    }

    /// Makes a client trusting the system's roots and the certificates in `pem`.
    pub fn with_roots_pem(pem: &[u8]) -> Result<Self, HttpError> {
        let roots = Certificate::from_pem_bundle(pem)
            .map_err(|error| HttpError::TrustAnchors(error.into()))?;
        Self::with_roots(roots)
    }

    fn with_roots(roots: Vec<Certificate>) -> Result<Self, HttpError> {
        install_crypto_provider();
        let settings = || {
            reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .redirect(redirect::Policy::none())
                .no_proxy()
                .user_agent(concat!("jumin/", env!("CARGO_PKG_VERSION")))
        };
        let system = settings().tls_certs_merge(roots.clone()).build();
        // A machine without any system roots still reaches loopback and the given roots.
        let inner = match system {
            Ok(client) => client,
            Err(_) => settings()
                .tls_certs_only(roots)
                .build()
                .map_err(HttpError::Setup)?,
        };
        Ok(Self { inner })
    }

    /// Fetches `url`, asking for the media type `accept`, reading at most `max_bytes` bytes.
    pub async fn get(
        &self,
        url: &Url,
        accept: &str,
        max_bytes: usize,
    ) -> Result<Response, HttpError> {
        self.get_with(url, &[(ACCEPT.as_str(), accept)], max_bytes)
            .await
    }

    /// Fetches `url` with the given header fields.
    pub async fn get_with(
        &self,
        url: &Url,
        headers: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Response, HttpError> {
        require_secure(url)?;
        let request = with_headers(self.inner.get(url.clone()), headers);
        head(request, ANSWER_WITHIN).await?.read(max_bytes).await
    }

    /// Asks for `url` and returns as soon as the answer begins, so that a caller can tell a silent server from a slow one.
    pub async fn open(&self, url: &Url, accept: &str) -> Result<Answer, HttpError> {
        require_secure(url)?;
        let headers = [(ACCEPT.as_str(), accept)];
        let request = with_headers(self.inner.get(url.clone()), &headers);
        head(request, ANSWER_WITHIN).await
    }

    /// Posts `body` as JSON.
    pub async fn post_json<T: Serialize + ?Sized>(
        &self,
        url: &Url,
        body: &T,
        headers: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Response, HttpError> {
        let body = serde_json::to_vec(body).map_err(|error| HttpError::Request(error.into()))?;
        self.post_bytes(url, "application/json", body, headers, max_bytes)
            .await
    }

    /// Posts `fields` as a form (application/x-www-form-urlencoded).
    pub async fn post_form(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Response, HttpError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let media_type = "application/x-www-form-urlencoded";
        self.post_bytes(url, media_type, body.into_bytes(), headers, max_bytes)
            .await
    }

    /// Posts `body` as `content_type`.
    pub async fn post_bytes(
        &self,
        url: &Url,
        content_type: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
        max_bytes: usize,
    ) -> Result<Response, HttpError> {
        require_secure(url)?;
        let request = self
            .inner
            .post(url.clone())
            .header(CONTENT_TYPE, content_type)
            .body(body);
        let request = with_headers(request, headers);
        head(request, DONE_WITHIN).await?.read(max_bytes).await
    }
}

fn read_bounded(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(MAX_TRUST_ANCHORS_BYTES)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn require_secure(url: &Url) -> Result<(), HttpError> {
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err(HttpError::Insecure),
    }
}

fn with_headers(mut request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request
}

async fn head(request: RequestBuilder, within: Duration) -> Result<Answer, HttpError> {
    let answered = tokio::time::timeout(within, request.send()).await;
    let answer = answered
        .map_err(|_| HttpError::Timeout)?
        .map_err(HttpError::from_reqwest)?;
    if answer.status().is_redirection() {
        return Err(HttpError::Redirect);
    }
    Ok(Answer { inner: answer })
}

/// An answer that has begun and whose body is still to be read.
#[derive(Debug)]
pub struct Answer {
    inner: reqwest::Response,
}

impl Answer {
    /// Reads the body, of at most `max_bytes` bytes, for as long as it keeps coming fast enough.
    pub async fn read(mut self, max_bytes: usize) -> Result<Response, HttpError> {
        let too_large = || HttpError::TooLarge { limit: max_bytes };
        if self.inner.content_length() > Some(max_bytes as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        let mut pace = Pace::new(max_bytes);
        loop {
            let chunk = pace.wait(self.inner.chunk()).await?;
            let Some(chunk) = chunk.map_err(HttpError::from_reqwest)? else {
                break;
            };
            pace.came(chunk.len());
            if body.len() + chunk.len() > max_bytes {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Response {
            status: self.inner.status().as_u16(),
            content_type: media_type(self.inner.headers()),
            headers: self.inner.headers().clone(),
            body,
        })
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let essence = value.split(';').next().unwrap_or(value);
    Some(essence.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(url: &str) -> bool {
        require_secure(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn plain_http_reaches_loopback_only() {
        assert!(allowed("http://127.0.0.1:7100/v1"));
        assert!(allowed("http://localhost/"));
        assert!(allowed("http://[::1]:1/"));
        assert!(allowed("https://issuer.example/"));
        assert!(!allowed("http://issuer.example/"));
        assert!(!allowed("http://127.0.0.1.example/"));
        assert!(!allowed("ftp://127.0.0.1/"));
        assert!(!allowed("file:///etc/passwd"));
    }
}
