use anyhow::{Context, Result, bail};
use jumin_http::{Client, Url};
use serde_json::Value;

use crate::process::Settings;

const MAX_BYTES: usize = 64 << 20;

/// An HTTP answer of a server under test.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads the body as JSON.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("status {}, not JSON: {}", self.status, self.text()))
    }

    /// Requires a 2xx status and reads the body as JSON.
    pub fn success(&self) -> Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("status {}: {}", self.status, self.text());
        }
        self.json()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A blocking HTTP client: scenarios read as a sequence of steps.
pub struct Http {
    runtime: tokio::runtime::Runtime,
    client: Client,
}

impl Http {
    /// Makes a client that trusts the stack's certificate authority, if there is one.
    pub fn new(settings: &Settings) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let client = match &settings.tls {
            Some(ca) => Client::with_roots_pem(&std::fs::read(ca.ca_path())?)?,
            None => Client::new()?,
        };
        Ok(Self { runtime, client })
    }

    /// The client itself, for code that is asynchronous.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Runs a future to its end.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Fetches a URL.
    pub fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let url = Url::parse(url)?;
        let answer = self.client.get_with(&url, headers, MAX_BYTES);
        self.finish(&url, self.block_on(answer))
    }

    /// Posts JSON.
    pub fn post(&self, url: &str, body: &Value, headers: &[(&str, &str)]) -> Result<Answer> {
        let url = Url::parse(url)?;
        let answer = self.client.post_json(&url, body, headers, MAX_BYTES);
        self.finish(&url, self.block_on(answer))
    }

    /// Posts bytes.
    pub fn post_bytes(
        &self,
        url: &str,
        media_type: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let url = Url::parse(url)?;
        let answer = self
            .client
            .post_bytes(&url, media_type, body, headers, MAX_BYTES);
        self.finish(&url, self.block_on(answer))
    }

    /// Posts a form.
    pub fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Result<Answer> {
        let url = Url::parse(url)?;
        let answer = self.client.post_form(&url, fields, &[], MAX_BYTES);
        self.finish(&url, self.block_on(answer))
    }

    fn finish(
        &self,
        url: &Url,
        answer: Result<jumin_http::Response, jumin_http::HttpError>,
    ) -> Result<Answer> {
        let answer = answer.with_context(|| url.to_string())?;
        Ok(Answer {
            status: answer.status,
            content_type: answer.content_type,
            body: answer.body,
        })
    }
}
