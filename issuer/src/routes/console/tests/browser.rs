//! A browser on the console's page.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::console::put_account;
use crate::testing::{Answer, HOST, TestIssuer};

pub const PASSWORD: &str = "correct horse battery";

/// A browser on the console's page.
pub struct Browser<'a> {
    issuer: &'a TestIssuer,
    pub cookie: Option<String>,
    pub origin: Option<String>,
    pub host: &'static str,
    pub kind: &'static str,
}

impl<'a> Browser<'a> {
    pub fn new(issuer: &'a TestIssuer) -> Self {
        Self {
            issuer,
            cookie: None,
            origin: Some(format!("http://{HOST}")),
            host: HOST,
            kind: "application/json",
        }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, self.host)
            .header(header::CONTENT_TYPE, self.kind);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(origin) = &self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        self.issuer.ask_console(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Value::Null).await
    }

    /// Signs in and keeps the cookie.
    pub async fn sign_in(&mut self, account: &str, password: &str) -> Answer {
        let wish = json!({ "account": account, "password": password });
        let answer = self.send(Method::POST, "/v1/session", wish).await;
        if let Some(cookie) = answer.headers.get(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        answer
    }
}

/// An issuer with the account `admin`.
pub async fn issuer() -> TestIssuer {
    let issuer = TestIssuer::new().await;
    let app = &issuer.app;
    put_account(&app.store, "admin", PASSWORD, app.now())
        .await
        .unwrap();
    issuer
}
