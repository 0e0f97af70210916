//! A browser on the console's page.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use crate::console::put_account;
use crate::testing::{Answer, HOST, TestIssuer};

pub const PASSWORD: &str = "correct horse battery";

/// A browser on the console's page.
pub struct Browser<'a> {
    issuer: &'a TestIssuer,
    /// The session's.
    pub cookie: Option<String>,
    /// What marks the browser as one of an account's.
    pub device: Option<String>,
    /// Where it comes from, if not from this machine.
    pub peer: Option<&'static str>,
    pub origin: Option<String>,
    pub host: &'static str,
    pub kind: &'static str,
}

impl<'a> Browser<'a> {
    pub fn new(issuer: &'a TestIssuer) -> Self {
        Self {
            issuer,
            cookie: None,
            device: None,
            peer: None,
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
        for cookie in [&self.cookie, &self.device].into_iter().flatten() {
            request = request.header(header::COOKIE, cookie);
        }
        if let Some(peer) = self.peer {
            let peer: SocketAddr = format!("{peer}:4000").parse().unwrap();
            request = request.extension(ConnectInfo(peer));
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

    /// Signs in and keeps the cookies.
    pub async fn sign_in(&mut self, account: &str, password: &str) -> Answer {
        let wish = json!({ "account": account, "password": password });
        let answer = self.send(Method::POST, "/v1/session", wish).await;
        for cookie in answer.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap().split(';').next();
            match cookie.is_some_and(|cookie| cookie.starts_with("jumin-device")) {
                true => self.device = cookie.map(str::to_owned),
                false => self.cookie = cookie.map(str::to_owned),
            }
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
