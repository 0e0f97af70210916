//! Key proofs of type `jwt` (OID4VCI 1.0, appendix F.1 and F.4).

use jumin_identity::{Jwk, JwsError, PublicKey, UnverifiedJws, parse_object_strict, sha256};
use serde::Deserialize;
use thiserror::Error;

use crate::secret::{NonceKey, NonceRefused};

/// The most copies of a credential in one batch, as the metadata says.
pub const BATCH_SIZE: usize = 10;
const TYP: &str = "openid4vci-proof+jwt";
const MAX_PROOF: usize = 4096;
/// How old a proof may be, and how far ahead a wallet's clock may be, in seconds.
const MAX_AGE: u64 = 300;
const MAX_AHEAD: u64 = 60;

/// The keys that a request proved to hold, and the nonce it did it with.
#[derive(Debug)]
pub struct ProvenKeys {
    pub holders: Vec<PublicKey>,
    pub nonce_digest: [u8; 32],
    /// Seconds since the Unix epoch.
    pub nonce_expires: u64,
}

/// Why proofs aren't accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ProofError {
    #[error("proofs.jwt must have 1 to {BATCH_SIZE} key proofs")]
    Count,
    #[error("a key proof is not a compact JWS of a JSON object")]
    Malformed,
    #[error("a key proof must be signed with ES256")]
    Algorithm,
    #[error("the typ of a key proof must be {TYP}")]
    Type,
    #[error("a key proof must carry its public P-256 key in jwk, and neither kid nor x5c")]
    Key,
    #[error("the signature of a key proof does not match its jwk")]
    Signature,
    #[error("the aud of a key proof must be the credential issuer identifier")]
    Audience,
    #[error("the iat of a key proof is missing or not now; check the clock of the wallet")]
    IssuedAt,
    #[error("a key proof has no nonce; get one from the nonce endpoint")]
    NonceMissing,
    #[error("the nonce is not one of this issuer; get one from the nonce endpoint")]
    NonceUnknown,
    #[error("the nonce has expired; get a new one from the nonce endpoint")]
    NonceExpired,
    #[error("all key proofs of a request must carry the same nonce")]
    NonceDiffers,
    #[error("every key proof of a batch must be for another key")]
    DuplicateKey,
}

impl ProofError {
    /// The error code of OID4VCI 1.0 §8.3.1.2.
    pub fn code(self) -> &'static str {
        match self {
            Self::NonceUnknown | Self::NonceExpired | Self::NonceDiffers => "invalid_nonce",
            _ => "invalid_proof",
        }
    }
}

#[derive(Deserialize)]
struct Claims {
    aud: Option<serde_json::Value>,
    iat: Option<serde_json::Number>,
    nonce: Option<String>,
}

/// Checks all proofs of one request; `audience` is the credential issuer identifier, `now` in Unix seconds.
///
/// Whether the nonce was used before is for the store to say, in the transaction that records the credential.
pub fn check_proofs(
    proofs: &[String],
    audience: &str,
    nonces: &NonceKey,
    now: u64,
) -> Result<ProvenKeys, ProofError> {
    if proofs.is_empty() || proofs.len() > BATCH_SIZE {
        return Err(ProofError::Count);
    }
    let mut holders: Vec<PublicKey> = Vec::with_capacity(proofs.len());
    let mut shared: Option<(String, u64)> = None;
    for proof in proofs {
        let (holder, nonce) = check_proof(proof, audience, now)?;
        if holders.contains(&holder) {
            return Err(ProofError::DuplicateKey);
        }
        holders.push(holder);
        match &shared {
            Some((first, _)) if *first != nonce => return Err(ProofError::NonceDiffers),
            Some(_) => {}
            None => {
                let expires = nonces.check(&nonce, now).map_err(|refused| match refused {
                    NonceRefused::NotOurs => ProofError::NonceUnknown,
                    NonceRefused::Expired => ProofError::NonceExpired,
                })?;
                shared = Some((nonce, expires));
            }
        }
    }
    let (nonce, nonce_expires) = shared.ok_or(ProofError::Count)?;
    Ok(ProvenKeys {
        holders,
        nonce_digest: sha256(nonce.as_bytes()),
        nonce_expires,
    })
}

fn check_proof(proof: &str, audience: &str, now: u64) -> Result<(PublicKey, String), ProofError> {
    let jws = UnverifiedJws::parse(proof, MAX_PROOF).map_err(|error| match error {
        JwsError::UnsupportedAlgorithm => ProofError::Algorithm,
        _ => ProofError::Malformed,
    })?;
    jws.require_typ(TYP).map_err(|_| ProofError::Type)?;
    let key = holder_key(&jws)?;
    // Appendix F.4: the signature verifies with the public key contained in the header.
    let payload = jws.verify(&key).map_err(|_| ProofError::Signature)?;
    let claims = parse_object_strict(payload, 4).map_err(|_| ProofError::Malformed)?;
    let claims = Claims::deserialize(serde_json::Value::Object(claims))
        .map_err(|_| ProofError::Malformed)?;
    if claims.aud.as_ref().and_then(serde_json::Value::as_str) != Some(audience) {
        return Err(ProofError::Audience);
    }
    let issued_at = claims.iat.as_ref().and_then(whole_seconds);
    let in_window =
        |at: u64| at <= now.saturating_add(MAX_AHEAD) && now <= at.saturating_add(MAX_AGE);
    if !issued_at.is_some_and(in_window) {
        return Err(ProofError::IssuedAt);
    }
    let nonce = claims.nonce.ok_or(ProofError::NonceMissing)?;
    Ok((key, nonce))
}

/// Appendix F.1: exactly one of `jwk`, `kid` and `x5c` names the key; here it is `jwk`, and never a private one.
fn holder_key(jws: &UnverifiedJws) -> Result<PublicKey, ProofError> {
    let header = jws.header();
    if header.contains_key("kid") || header.contains_key("x5c") {
        return Err(ProofError::Key);
    }
    let jwk = header.get("jwk").ok_or(ProofError::Key)?;
    let jwk = Jwk::deserialize(jwk).map_err(|_| ProofError::Key)?;
    PublicKey::from_jwk(&jwk).map_err(|_| ProofError::Key)
}

/// RFC 7519 §2: a NumericDate may have a fraction.
fn whole_seconds(number: &serde_json::Number) -> Option<u64> {
    number.as_u64().or_else(|| {
        let seconds = number.as_f64()?;
        (seconds.is_finite() && seconds >= 0.0).then_some(seconds as u64)
    })
}

#[cfg(test)]
mod tests {
    use jumin_identity::{FileKey, Signer, sign_jws};
    use serde_json::{Map, Value, json};

    use super::*;

    const NOW: u64 = 1_795_000_000;
    const AUDIENCE: &str = "https://issuer.example";

    fn nonces() -> NonceKey {
        NonceKey::new(&[3; 32])
    }

    fn header(key: &FileKey) -> Map<String, Value> {
        let mut header = Map::new();
        header.insert("typ".to_owned(), json!(TYP));
        header.insert("jwk".to_owned(), json!(key.public_key().to_jwk()));
        header
    }

    fn claims() -> Value {
        json!({ "aud": AUDIENCE, "iat": NOW, "nonce": nonces().issue(NOW, [1; 16]) })
    }

    fn signed(key: &FileKey, header: &Map<String, Value>, claims: &Value) -> String {
        sign_jws(header, claims.to_string().as_bytes(), key).unwrap()
    }

    fn check(proofs: &[String]) -> Result<ProvenKeys, ProofError> {
        check_proofs(proofs, AUDIENCE, &nonces(), NOW)
    }

    fn proof_with(change: impl FnOnce(&mut Map<String, Value>, &mut Value)) -> ProofError {
        let key = FileKey::generate().unwrap();
        let (mut header, mut claims) = (header(&key), claims());
        change(&mut header, &mut claims);
        check(&[signed(&key, &header, &claims)]).unwrap_err()
    }

    #[test]
    fn batch_of_distinct_keys_is_accepted_in_order() {
        let keys: Vec<_> = (0..10).map(|_| FileKey::generate().unwrap()).collect();
        let proofs: Vec<_> = keys
            .iter()
            .map(|key| signed(key, &header(key), &claims()))
            .collect();
        let proven = check(&proofs).unwrap();
        assert!(
            keys.iter()
                .zip(&proven.holders)
                .all(|(key, holder)| key.public_key() == holder)
        );
        assert_eq!(proven.nonce_expires, NOW + NonceKey::LIFETIME);
    }

    #[test]
    fn each_defect_has_its_own_error() {
        assert_eq!(
            proof_with(|h, _| drop(h.insert("typ".into(), json!("JWT")))),
            ProofError::Type
        );
        assert_eq!(proof_with(|h, _| drop(h.remove("jwk"))), ProofError::Key);
        assert_eq!(
            proof_with(|h, _| drop(h.insert("kid".into(), json!("x")))),
            ProofError::Key
        );
        assert_eq!(
            proof_with(|_, c| c["aud"] = json!("https://other.example")),
            ProofError::Audience
        );
        assert_eq!(
            proof_with(|_, c| c["aud"] = json!([AUDIENCE])),
            ProofError::Audience
        );
        assert_eq!(
            proof_with(|_, c| c["iat"] = json!(NOW - 301)),
            ProofError::IssuedAt
        );
        assert_eq!(
            proof_with(|_, c| c["iat"] = json!(NOW + 61)),
            ProofError::IssuedAt
        );
        assert_eq!(
            proof_with(|_, c| c["iat"] = Value::Null),
            ProofError::IssuedAt
        );
        assert_eq!(
            proof_with(|_, c| c["nonce"] = Value::Null),
            ProofError::NonceMissing
        );
        assert_eq!(
            proof_with(|_, c| c["nonce"] = json!("x")),
            ProofError::NonceUnknown
        );
        let old = nonces().issue(NOW - 300, [1; 16]);
        assert_eq!(
            proof_with(|_, c| c["nonce"] = json!(old)),
            ProofError::NonceExpired
        );
        assert_eq!(check(&[]).unwrap_err(), ProofError::Count);
        assert_eq!(
            check(&vec![String::new(); 11]).unwrap_err(),
            ProofError::Count
        );
        assert_eq!(
            check(&["a.b.c".to_owned()]).unwrap_err(),
            ProofError::Malformed
        );
    }

    #[test]
    fn proof_signed_by_another_key_is_refused() {
        let (key, other) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
        let proof = signed(&other, &header(&key), &claims());
        assert_eq!(check(&[proof]).unwrap_err(), ProofError::Signature);
    }

    #[test]
    fn private_key_in_the_header_is_refused() {
        assert_eq!(
            proof_with(|h, _| h["jwk"]["d"] = json!("AA")),
            ProofError::Key
        );
    }

    #[test]
    fn one_key_twice_or_two_nonces_in_a_batch_are_refused() {
        let (key, other) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
        let first = signed(&key, &header(&key), &claims());
        let again = signed(&key, &header(&key), &claims());
        assert_eq!(
            check(&[first.clone(), again]).unwrap_err(),
            ProofError::DuplicateKey
        );
        let mut second = claims();
        second["nonce"] = json!(nonces().issue(NOW, [2; 16]));
        let second = signed(&other, &header(&other), &second);
        assert_eq!(
            check(&[first, second]).unwrap_err(),
            ProofError::NonceDiffers
        );
    }
}
