use anyhow::{Context, Result};
use jumin_identity::{
    ClaimPath, CredentialType, Did, DidUrl, FileKey, IssuanceRequest, OneWayNonce, Signer,
    StatusReference, UnverifiedCredential, VpToken, builtin_types, issue_credential, present,
    random_bytes,
};
use serde_json::{Map, Value, json};

use crate::clock::unix_now;
use crate::issuer::Issuer;

const CARD: &str = "urn:jumin:resident-card:1";
const SERVICE: &str = "age-19";
const YEAR: u64 = 365 * 86_400;

/// A thief of an issuer's home: forges cards with the signing key that is in it.
pub struct Forger {
    card: CredentialType,
    issuer: Did,
    kid: DidUrl,
    key: FileKey,
    holder: FileKey,
    list: String,
}

impl Forger {
    /// Takes the key named `fragment` out of the issuer's home.
    pub fn with_key_of(issuer: &Issuer, fragment: &str) -> Result<Self> {
        let path = issuer.home().join(format!("keys/{fragment}.pem"));
        let key = FileKey::from_pkcs8_pem(&std::fs::read_to_string(path)?)?;
        Self::with_key(issuer, fragment, key)
    }

    /// Forges in the issuer's name with a key that the ledger has, or had, as `fragment`.
    pub fn with_key(issuer: &Issuer, fragment: &str, key: FileKey) -> Result<Self> {
        let did: Did = issuer.did()?.parse()?;
        let types = builtin_types().into_iter();
        Ok(Self {
            card: types
                .into_iter()
                .find(|one| one.vct() == CARD)
                .context("no such type")?,
            kid: DidUrl::new(&did, fragment)?,
            issuer: did,
            key,
            holder: FileKey::generate()?,
            list: format!("{}/status/1", issuer.url()),
        })
    }

    /// Forges a card dated `dated` (Unix seconds) under the status index `index`, and answers an office with it without a
    /// request: the text of the code.
    pub fn show(&self, office: &str, dated: u64, index: u32) -> Result<String> {
        let request = IssuanceRequest {
            credential_type: &self.card,
            issuer: self.issuer.as_str(),
            kid: &self.kid,
            x5c: &[],
            claims: &claims(),
            iat: dated,
            nbf: dated,
            exp: dated + YEAR,
            holder: self.holder.public_key(),
            status: StatusReference {
                uri: self.list.clone(),
                idx: index,
            },
        };
        let card = issue_credential(&request, &mut random_bytes::<16>, &self.key)?;
        let now = unix_now();
        let card = UnverifiedCredential::parse(&card)?.verify(self.key.public_key(), now)?;
        let nonce = OneWayNonce::new(now, random_bytes()).to_string();
        let audience = format!("decentralized_identifier:{office}");
        let disclosed: ClaimPath = "age_equal_or_over.19".parse()?;
        let shown = present(&card, &[disclosed], &audience, &nonce, now, &self.holder)?;
        Ok(VpToken::new(SERVICE, shown).to_json())
    }
}

fn claims() -> Map<String, Value> {
    let claims = json!({
        "name": {"hangul": "김서연", "hanja": "金瑞姸", "roman": "KIM SEOYEON"},
        "resident_registration_number": "900101-2345678",
        "birthdate": "1990-01-01",
        "sex": "female",
        "address": {
            "sido": "서울특별시", "sigungu": "종로구", "eupmyeondong": "청운효자동",
            "road": "자하문로 92", "detail": "101동 1203호"
        },
        "issuing_authority": "서울특별시 종로구청장",
        "issue_date": "2024-03-02",
        "age_equal_or_over": {"14": true, "19": true, "65": false}
    });
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}
