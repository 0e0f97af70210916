mod browser;
mod looks;
mod names;
mod offers;
mod origin;
mod records;
mod sessions;
mod staff;
mod throttle;

use serde_json::Value;

use crate::testing::{TestIssuer, card_request, keys};

/// Issues the first resident's card and gives its id.
async fn issued(issuer: &TestIssuer) -> String {
    let token = issuer.access_token().await;
    let request = card_request(&issuer.nonce().await, &keys(2));
    issuer.credential(&token, &request).await;
    let listed = issuer.console("GET", "/v1/credentials", Value::Null).await;
    listed.body["credentials"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned()
}
