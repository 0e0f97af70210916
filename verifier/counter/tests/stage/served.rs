//! A counter with both its listeners, asked as a program of the office and as a wallet.
#![allow(dead_code)]

use std::sync::Arc;

use jumin_counter::desk::Desk;
use jumin_counter::routes::{Office, router};
use jumin_counter::sign_in::{digest, new_secret};
use jumin_http::{Client, Listen, OwnNames, Response, SessionCookie, Url};
use jumin_identity::UnverifiedRequest;
use jumin_registry::Localized;
use serde_json::{Value, json};

use crate::stage::world::World;
use crate::stage::{Stage, now, payload};

pub const MAX: usize = 1 << 20;

pub struct Served {
    pub stage: Stage,
    pub desk: Arc<Desk>,
    pub http: Client,
    /// The desk's listener.
    pub base: String,
    /// The wallets' listener.
    pub wallets: String,
    /// `Bearer` and the desk's token.
    pub token: String,
}

impl Served {
    pub async fn new() -> Served {
        let stage = Stage::new().await;
        let desk = Arc::new(stage.desk().await);
        let listen = Listen {
            address: "127.0.0.1:0".parse().unwrap(),
            tls: None,
        };
        let at_desk = jumin_http::bind(&listen).await.unwrap();
        let at_wallets = jumin_http::bind(&listen).await.unwrap();
        let (base, wallets) = (at_desk.base_url(), at_wallets.base_url());
        let token = new_secret();
        let office = Office {
            desk: Arc::clone(&desk),
            name: Localized {
                ko: "종로구청 민원실".to_owned(),
                en: "Jongno-gu Civil Service Counter".to_owned(),
            },
            public_url: Arc::from(wallets.as_str()),
            names: Arc::new(OwnNames::of(at_desk.address(), None)),
            token: digest(&token),
            cookie: Arc::new(SessionCookie::new(
                "jumin-desk",
                at_desk.address().port(),
                false,
            )),
        };
        let never = std::future::pending;
        tokio::spawn(jumin_http::serve(at_desk, router(office.clone()), never()));
        let router = jumin_counter::wallets::router(office);
        tokio::spawn(jumin_http::serve(at_wallets, router, never()));
        Served {
            stage,
            desk,
            http: Client::new().unwrap(),
            base,
            wallets,
            token: format!("Bearer {}", token.as_str()),
        }
    }

    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.base)).unwrap()
    }

    pub fn at_wallets(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.wallets)).unwrap()
    }

    /// Asks the desk as a program of the office.
    pub async fn get(&self, path: &str) -> Response {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, more: &[(&str, &str)]) -> Response {
        let mut headers = vec![("authorization", self.token.as_str())];
        headers.extend(more);
        let answer = self.http.get_with(&self.url(path), &headers, MAX).await;
        answer.unwrap()
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        let headers = [("authorization", self.token.as_str())];
        let url = self.url(path);
        let answer = self.http.post_json(&url, body, &headers, MAX).await;
        answer.unwrap()
    }

    /// Asks the wallets' listener.
    pub async fn get_as_wallet(&self, path: &str) -> Response {
        let url = self.at_wallets(path);
        self.http.get(&url, "*/*", MAX).await.unwrap()
    }

    pub async fn start(&self, service: &str, mode: &str) -> Value {
        let body = json!({"service": service, "mode": mode});
        let answer = self.post("/v1/requests", &body).await;
        assert_eq!(answer.status, 201);
        answer.json().unwrap()
    }

    /// What a wallet posts to the response endpoint of a request.
    pub async fn respond(&self, started: &Value, fields: &[(&str, &str)]) -> Response {
        let path = format!("/openid4vp/responses/{}", wallets_name(started));
        let url = self.at_wallets(&path);
        self.http.post_form(&url, fields, &[], MAX).await.unwrap()
    }

    /// Fetches and checks a request object as a wallet does.
    pub async fn request_object(&self, started: &Value) -> Value {
        let uri = started["request_uri"].as_str().unwrap();
        let answer = self
            .http
            .get(
                &Url::parse(uri).unwrap(),
                "application/oauth-authz-req+jwt",
                MAX,
            )
            .await
            .unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(
            answer.content_type.as_deref(),
            Some("application/oauth-authz-req+jwt")
        );
        let text = String::from_utf8(answer.body).unwrap();
        let office = self.stage.world().office.key.to_pkcs8_der();
        let key = jumin_identity::FileKey::from_pkcs8_der(&office).unwrap();
        let request = UnverifiedRequest::parse(&text).unwrap();
        let public = jumin_identity::Signer::public_key(&key).clone();
        request.verify(&public, now()).unwrap();
        payload(&text)
    }

    pub fn vp_token(&self, request: &Value) -> Value {
        let world: &World = &self.stage.world();
        let answer = world.present_as(
            &world.card().issue(),
            "age-19",
            request["client_id"].as_str().unwrap(),
            request["nonce"].as_str().unwrap(),
            now(),
        );
        serde_json::from_str(&answer).unwrap()
    }
}

/// What the wallet is told that a request is called.
pub fn wallets_name(started: &Value) -> &str {
    let uri = started["request_uri"].as_str().unwrap();
    uri.rsplit('/').next().unwrap()
}
