//! Issues a batch: the same claims for every proven holder key, each copy with its own status index.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jumin_identity::{
    CredentialType, Did, DidUrl, IssuanceRequest, IssueError, PublicKey, Signer, StatusReference,
    issue_credential,
};
use serde_json::{Map, Value};

use crate::claims::{Configuration, NotEligible, claims};
use crate::register::Date;
use crate::store::Subject;

const DAY: u64 = 86_400;

/// Who signs: the issuer's DID and the key that its document and certificate name.
#[derive(Clone)]
pub struct IssuerKey {
    pub did: Did,
    pub kid: DidUrl,
    /// The certificate chain in base64 of DER, the signer's first.
    pub x5c: Vec<String>,
    pub signer: Arc<dyn Signer>,
    /// The first second from which the ledger vouches for the issuer (key and accreditation), Unix time; 0 while that is not known.
    pub vouched_from: Arc<AtomicU64>,
}

impl IssuerKey {
    /// Tells whether it is known from when on the ledger vouches for the issuer.
    pub fn is_vouched_for(&self) -> bool {
        self.vouched_from.load(Ordering::Relaxed) != 0
    }
}

/// What is to be issued.
pub struct Order<'a> {
    pub configuration: Configuration,
    pub credential_type: &'a CredentialType,
    /// One copy each.
    pub holders: &'a [PublicKey],
    pub list_uri: &'a str,
}

/// A batch that may be issued: everything about it is decided but the indexes of its copies.
pub struct Batch<'a> {
    issuer: &'a IssuerKey,
    order: Order<'a>,
    claims: Map<String, Value>,
    iat: u64,
    /// Seconds since the Unix epoch.
    pub expires: u64,
}

/// Decides what `order` says about `subject` at `now` (Unix seconds), or that they can't have it.
pub fn prepare<'a>(
    issuer: &'a IssuerKey,
    order: Order<'a>,
    subject: &Subject,
    now: u64,
) -> Result<Batch<'a>, NotEligible> {
    let claims = claims(order.configuration, subject, Date::in_korea(now))?;
    let iat = issued_at(now, issuer.vouched_from.load(Ordering::Relaxed));
    let expires = iat + order.credential_type.validity_seconds();
    Ok(Batch {
        issuer,
        order,
        claims,
        iat,
        expires,
    })
}

impl Batch<'_> {
    /// Signs a compact SD-JWT VC for each holder, with the index that has the same place.
    pub fn sign(
        &self,
        indexes: &[u32],
        salts: &mut dyn FnMut() -> [u8; 16],
    ) -> Result<Vec<String>, IssueError> {
        let issuer_id = self.issuer.did.to_string();
        let copies = self.order.holders.iter().zip(indexes);
        copies
            .map(|(holder, index)| {
                let request = IssuanceRequest {
                    credential_type: self.order.credential_type,
                    issuer: &issuer_id,
                    kid: &self.issuer.kid,
                    x5c: &self.issuer.x5c,
                    claims: &self.claims,
                    iat: self.iat,
                    nbf: self.iat,
                    exp: self.expires,
                    holder,
                    status: StatusReference {
                        uri: self.order.list_uri.to_owned(),
                        idx: *index,
                    },
                };
                issue_credential(&request, salts, self.issuer.signer.as_ref())
            })
            .collect()
    }
}

/// Rounds down to the day, since a time in seconds would link the copies of a batch to each other; but never to before
/// the ledger vouched for the issuer, where a verifier would refuse them.
fn issued_at(now: u64, vouched_from: u64) -> u64 {
    (now - now % DAY).max(vouched_from).min(now)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashSet;

    use jumin_identity::{
        FileKey, NetworkName, UnverifiedCredential, VerifiedCredential, builtin_types,
    };
    use serde_json::json;

    use super::*;
    use crate::register::synthetic_register;

    const NOW: u64 = 1_795_000_000;

    pub(crate) fn issuer() -> IssuerKey {
        let network: NetworkName = "dev".parse().unwrap();
        let did = Did::from_digest(&network, &[9; 32]);
        IssuerKey {
            kid: DidUrl::new(&did, "key-1").unwrap(),
            did,
            x5c: Vec::new(),
            signer: Arc::new(FileKey::generate().unwrap()),
            vouched_from: Arc::default(),
        }
    }

    fn subject() -> Subject {
        let register = synthetic_register(1, 50);
        let household = register
            .households
            .iter()
            .find(|household| {
                let members = register.residents.iter();
                members.filter(|one| one.household == household.id).count() > 3
            })
            .unwrap();
        let members: Vec<_> = register
            .residents
            .iter()
            .filter(|one| one.household == household.id)
            .cloned()
            .collect();
        Subject {
            resident: members[0].clone(),
            household: household.clone(),
            members,
            portrait: Some(vec![0xff, 0xd8, 0xff]),
        }
    }

    fn issue_to(
        configuration: Configuration,
        subject: &Subject,
        copies: u32,
    ) -> Result<Vec<VerifiedCredential>, NotEligible> {
        let issuer = issuer();
        let types = builtin_types();
        let holders: Vec<PublicKey> = (0..copies)
            .map(|_| FileKey::generate().unwrap().public_key().clone())
            .collect();
        let order = Order {
            configuration,
            credential_type: types
                .iter()
                .find(|one| one.vct() == configuration.vct())
                .unwrap(),
            holders: &holders,
            list_uri: "https://issuer.example/status/1",
        };
        let indexes: Vec<u32> = (0..copies).map(|at| at * 7 + 1).collect();
        let batch = prepare(&issuer, order, subject, NOW)?;
        let credentials = batch.sign(&indexes, &mut jumin_identity::random_bytes);
        Ok(credentials
            .unwrap()
            .iter()
            .map(|compact| {
                let unverified = UnverifiedCredential::parse(compact).unwrap();
                let key = issuer.signer.public_key();
                unverified.verify(key, NOW).unwrap()
            })
            .collect())
    }

    #[test]
    fn every_configuration_issues_a_credential_that_verifies() {
        for configuration in Configuration::ALL {
            let issued = issue_to(configuration, &subject(), 1).unwrap();
            assert_eq!(issued[0].vct(), configuration.vct());
        }
    }

    #[test]
    fn copies_of_a_batch_share_no_key_index_salt_or_exact_time() {
        let copies = issue_to(Configuration::ResidentCard, &subject(), 5).unwrap();
        let mut seen = HashSet::new();
        for copy in &copies {
            assert!(seen.insert(copy.status().idx.to_string()));
            assert!(seen.insert(format!("{:?}", copy.holder_key().thumbprint())));
            for part in copy
                .compact()
                .split('~')
                .skip(1)
                .filter(|part| !part.is_empty())
            {
                assert!(seen.insert(part.to_owned()));
            }
            assert_eq!(copy.issued_at() % DAY, 0);
        }
    }

    #[test]
    fn card_says_what_the_register_says() {
        let subject = subject();
        let card = &issue_to(Configuration::ResidentCard, &subject, 1).unwrap()[0];
        let claims = card.claims();
        assert_eq!(
            claims["name"]["hangul"],
            json!(subject.resident.name.hangul)
        );
        assert_eq!(claims["age_equal_or_over"]["19"], json!(true));
        assert_eq!(claims["portrait"], json!("data:image/jpeg;base64,/9j/"));
        assert!(claims["issuing_authority"].as_str().unwrap().contains(' '));
    }

    #[test]
    fn household_copy_names_every_member() {
        let subject = subject();
        let copy = &issue_to(Configuration::HouseholdRegister, &subject, 1).unwrap()[0];
        let members = copy.claims()["members"].as_array().unwrap();
        assert_eq!(members.len(), subject.members.len());
    }

    #[test]
    fn child_gets_no_card() {
        let mut subject = subject();
        subject.resident.number = "210105-3123456".parse().unwrap();
        assert!(matches!(
            issue_to(Configuration::ResidentCard, &subject, 1),
            Err(NotEligible::TooYoung)
        ));
    }

    #[test]
    fn issuance_is_never_dated_before_the_ledger_vouches_for_the_issuer() {
        assert_eq!(issued_at(10 * DAY + 500, 0), 10 * DAY);
        assert_eq!(issued_at(10 * DAY + 500, 10 * DAY + 100), 10 * DAY + 100);
        assert_eq!(issued_at(10 * DAY, 11 * DAY), 10 * DAY);
    }
}
