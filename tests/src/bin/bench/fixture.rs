use anyhow::{Context, Result};
use jumin_identity::{
    ClaimPath, CredentialType, DidUrl, FileKey, IssuanceRequest, Signer, StatusReference,
    UnverifiedCredential, builtin_types, issue_credential, present, random_bytes,
};
use jumin_tests::unix_now;
use serde_json::{Map, Value, json};

pub const AUDIENCE: &str =
    "decentralized_identifier:did:jumin:dev:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
pub const NONCE: &str = "pGvSx9bUQ2eEoQ8mD0JzYg";
const ISSUER: &str = "did:jumin:dev:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbba";
const LIST: &str = "https://issuer.example/status/0";

/// One resident registration card without portrait and one presentation of it.
pub struct Fixture {
    pub card: CredentialType,
    pub issuer: FileKey,
    pub holder: FileKey,
    pub kid: DidUrl,
    pub claims: Map<String, Value>,
    pub credential: String,
    pub presentation: String,
    pub now: u64,
}

impl Fixture {
    /// Makes the keys, the card and the presentation of four of its claims.
    pub fn new() -> Result<Self> {
        let card = builtin_types()
            .into_iter()
            .find(|card| card.vct() == "urn:jumin:resident-card:1")
            .context("no resident card among the types")?;
        let mut fixture = Self {
            card,
            issuer: FileKey::generate()?,
            holder: FileKey::generate()?,
            kid: format!("{ISSUER}#key-1").parse()?,
            claims: claims(),
            credential: String::new(),
            presentation: String::new(),
            now: unix_now(),
        };
        fixture.credential = fixture.issue()?;
        fixture.presentation = fixture.present(&disclosed())?;
        Ok(fixture)
    }

    /// Issues the card once more.
    pub fn issue(&self) -> Result<String> {
        let request = IssuanceRequest {
            credential_type: &self.card,
            issuer: ISSUER,
            kid: &self.kid,
            x5c: &[],
            claims: &self.claims,
            iat: self.now - 60,
            nbf: self.now - 60,
            exp: self.now + 86_400,
            holder: self.holder.public_key(),
            status: StatusReference {
                uri: LIST.into(),
                idx: 4711,
            },
        };
        Ok(issue_credential(
            &request,
            &mut random_bytes::<16>,
            &self.issuer,
        )?)
    }

    /// Presents some claims of the card.
    pub fn present(&self, disclose: &[ClaimPath]) -> Result<String> {
        let credential = UnverifiedCredential::parse(&self.credential)?;
        let credential = credential.verify(self.issuer.public_key(), self.now)?;
        Ok(present(
            &credential,
            disclose,
            AUDIENCE,
            NONCE,
            self.now,
            &self.holder,
        )?)
    }
}

/// The four claims that are disclosed.
pub fn disclosed() -> Vec<ClaimPath> {
    [
        "name.hangul",
        "birthdate",
        "address.sido",
        "address.sigungu",
    ]
    .iter()
    .filter_map(|path| path.parse().ok())
    .collect()
}

/// The five claims of the QR code's size goal.
pub fn five_claims() -> Vec<ClaimPath> {
    [
        "name.hangul",
        "address.sido",
        "address.sigungu",
        "address.eupmyeondong",
        "address.road",
    ]
    .iter()
    .filter_map(|path| path.parse().ok())
    .collect()
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
