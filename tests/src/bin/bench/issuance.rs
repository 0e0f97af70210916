use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use jumin_http::{Client, Url};
use jumin_identity::{FileKey, Signer, b64url, random_bytes, sign_jws};
use jumin_tests::{Offer, Stack, unix_now};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::measure::Table;

/// 500 issuances a second.
const GOAL_MS: f64 = 2.0;
const ISSUANCES: usize = 600;
const WALLETS: usize = 16;
const MAX_ANSWER: usize = 1 << 20;

/// Token, nonce and credential for one offer each, by several wallets at once.
pub fn measure(stack: &Stack, runtime: &Runtime, table: &mut Table) -> Result<(String, FileKey)> {
    let resident = stack.issuer.adult()?;
    let resident = resident["id"].as_str().context("no id")?;
    let offers: Vec<Offer> = (0..ISSUANCES)
        .map(|_| stack.issuer.offer(resident, "resident-card"))
        .collect::<Result<_>>()?;
    let issuer = stack.issuer.url();
    let (elapsed, last) = runtime.block_on(async {
        let codes = pre_authorized_codes(&offers).await?;
        let (codes, next) = (Arc::new(codes), Arc::new(AtomicUsize::new(0)));
        let start = Instant::now();
        let mut wallets = JoinSet::new();
        for _ in 0..WALLETS {
            let (codes, next, issuer) = (codes.clone(), next.clone(), issuer.clone());
            wallets.spawn(async move {
                let client = Client::new()?;
                let mut last = None;
                while let Some((code, tx_code)) = codes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    last = Some(obtain(&client, &issuer, code, tx_code).await?);
                }
                anyhow::Ok(last)
            });
        }
        let mut last = None;
        while let Some(wallet) = wallets.join_next().await {
            last = wallet??.or(last);
        }
        anyhow::Ok((start.elapsed(), last.context("nothing was issued")?))
    })?;
    let each = elapsed.as_secs_f64() * 1e3 / ISSUANCES as f64;
    table.add("issuance over HTTP, one of many", "ms", each, GOAL_MS);
    Ok(last)
}

async fn pre_authorized_codes(offers: &[Offer]) -> Result<Vec<(String, String)>> {
    let client = Client::new()?;
    let mut codes = Vec::new();
    for offer in offers {
        let link = Url::parse(&offer.uri)?;
        let (_, uri) = link
            .query_pairs()
            .find(|(name, _)| name == "credential_offer_uri")
            .context("no credential_offer_uri")?;
        let answer = client
            .get(&Url::parse(&uri)?, "application/json", MAX_ANSWER)
            .await?;
        let offer_object: Value = answer.json()?;
        let grant = &offer_object["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"];
        let code = grant["pre-authorized_code"].as_str().context("no code")?;
        codes.push((code.to_owned(), offer.tx_code.clone()));
    }
    Ok(codes)
}

async fn obtain(
    client: &Client,
    issuer: &str,
    code: &str,
    tx_code: &str,
) -> Result<(String, FileKey)> {
    let url = |path: &str| Url::parse(&format!("{issuer}{path}"));
    let form = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        ),
        ("pre-authorized_code", code),
        ("tx_code", tx_code),
    ];
    let token: Value = client
        .post_form(&url("/token")?, &form, &[], MAX_ANSWER)
        .await?
        .json()?;
    let token = token["access_token"]
        .as_str()
        .with_context(|| token.to_string())?;
    let nonce: Value = client
        .post_json(&url("/nonce")?, &json!({}), &[], MAX_ANSWER)
        .await?
        .json()?;
    let holder = FileKey::generate()?;
    let nonce = nonce["c_nonce"].as_str().context("no nonce")?;
    let proof = proof(&holder, issuer, nonce)?;
    let body = json!({
        "credential_configuration_id": "resident-card",
        "proofs": { "jwt": [proof] },
    });
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    let answer = client
        .post_json(&url("/credential")?, &body, &headers, MAX_ANSWER)
        .await?;
    ensure!(
        answer.is_success(),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    let answer: Value = answer.json()?;
    let credential = answer["credentials"][0]["credential"].as_str();
    Ok((credential.context("no credential")?.to_owned(), holder))
}

fn proof(key: &FileKey, issuer: &str, nonce: &str) -> Result<String> {
    let mut header = Map::new();
    header.insert("typ".into(), json!("openid4vci-proof+jwt"));
    header.insert(
        "jwk".into(),
        serde_json::to_value(key.public_key().to_jwk())?,
    );
    let payload = json!({"aud": issuer, "nonce": nonce, "iat": unix_now(), "jti": b64url(&random_bytes::<8>())});
    Ok(sign_jws(&header, payload.to_string().as_bytes(), key)?)
}
