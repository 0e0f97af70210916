//! Checks every copy that came before anything is stored.

use std::collections::BTreeSet;

use jumin_identity::{
    CredentialType, DidUrl, FileKey, PublicKey, Signer, UnverifiedCredential, VerifiedCredential,
};
use jumin_registry::Localized;
use serde_json::{Map, Value};

use super::{Configuration, IssuanceError, ProvenOffer, Received};
use crate::trust::{IssuerStanding, LedgerReader, TrustError, issuer_standing};

/// Differs between the copies of one document by intent: holder key, status entry, and when it was signed.
const OF_ONE_COPY: [&str; 3] = ["cnf", "status", "iat"];

/// Is a document all of whose copies are right.
pub(crate) struct Checked {
    pub issuer: IssuerStanding,
    pub copies: Vec<IssuedCopy>,
}

/// Is one verified copy with the keys that belong to it.
pub(crate) struct IssuedCopy {
    pub credential: VerifiedCredential,
    pub issuer_key: PublicKey,
    pub holder: FileKey,
}

impl Checked {
    pub(crate) fn name(&self) -> &Localized {
        &self.issuer.name
    }
}

/// Verifies signature, issuer, accreditation, holder binding and equality of all copies; `now` in seconds since 1970.
pub(crate) async fn check_copies(
    proven: &ProvenOffer<'_>,
    received: &mut Received,
    ledger: &LedgerReader,
    now: u64,
) -> Result<Checked, IssuanceError> {
    let copies = std::mem::take(&mut received.copies);
    let mut keys: Vec<Option<FileKey>> = std::mem::take(&mut received.keys)
        .into_iter()
        .map(Some)
        .collect();
    if copies.is_empty() || copies.len() > keys.len() {
        return Err(IssuanceError::WrongAnswer("the number of copies"));
    }
    let mut standing: Option<(Signed, IssuerStanding)> = None;
    let mut checked = Vec::new();
    for compact in &copies {
        let unverified = UnverifiedCredential::parse(compact).map_err(IssuanceError::Credential)?;
        let signed = Signed::of(&unverified, proven.configuration())?;
        let issuer = match standing.take() {
            Some((before, issuer)) if before == signed => issuer,
            _ => issuer_of(&signed, proven, ledger, now).await?,
        };
        let credential = unverified
            .verify(&issuer.key, now)
            .map_err(IssuanceError::Credential)?;
        let issuer_key = issuer.key.clone();
        check_type(&credential, &issuer)?;
        let holder = own_key(&credential, &mut keys)?;
        checked.push(IssuedCopy {
            credential,
            issuer_key,
            holder,
        });
        standing = Some((signed, issuer));
    }
    same_claims(&checked)?;
    let (_, issuer) = standing.ok_or(IssuanceError::WrongAnswer("credentials"))?;
    Ok(Checked {
        issuer,
        copies: checked,
    })
}

/// Is what decides which key of which issuer must have signed a copy.
#[derive(PartialEq, Eq)]
struct Signed {
    kid: String,
    url: DidUrl,
    vct: String,
    issued_at: u64,
}

impl Signed {
    fn of(
        credential: &UnverifiedCredential,
        configuration: &Configuration,
    ) -> Result<Self, IssuanceError> {
        let wrong = IssuanceError::WrongCredential;
        let vct = credential.dangerous_vct_unverified();
        if vct != configuration.vct {
            return Err(wrong("its type is another"));
        }
        let kid = credential
            .dangerous_kid_unverified()
            .ok_or(wrong("it does not name its issuer's key"))?;
        let url: DidUrl = kid
            .parse()
            .map_err(|_| wrong("its issuer is not on the ledger"))?;
        if url.did().as_str() != credential.dangerous_issuer_unverified() {
            return Err(wrong("its issuer and the key that signed it differ"));
        }
        Ok(Self {
            kid: kid.to_owned(),
            url,
            vct: vct.to_owned(),
            issued_at: credential
                .dangerous_issued_at_unverified()
                .ok_or(wrong("it does not say when it was issued"))?,
        })
    }
}

async fn issuer_of(
    signed: &Signed,
    proven: &ProvenOffer<'_>,
    ledger: &LedgerReader,
    now: u64,
) -> Result<IssuerStanding, IssuanceError> {
    // Whoever relays another agency's documents could read along; the agency's own DID document says which server is its.
    if !proven.is_by(signed.url.did()) {
        return Err(IssuanceError::ForeignServer {
            did: signed.url.did().to_string(),
            url: proven.open().offer.issuer.clone(),
        });
    }
    let (issuer, _) = ledger
        .judge(now, |view, present| {
            issuer_standing(view, &signed.url, &signed.vct, signed.issued_at, present)
        })
        .await?;
    Ok(issuer)
}

pub(crate) fn same_server(one: &jumin_http::Url, other: &jumin_http::Url) -> bool {
    let path = |url: &jumin_http::Url| url.path().trim_end_matches('/').to_owned();
    one.origin() == other.origin() && path(one) == path(other)
}

fn check_type(
    credential: &VerifiedCredential,
    issuer: &IssuerStanding,
) -> Result<(), IssuanceError> {
    match credential.vct_integrity() {
        Some(integrity) if integrity != issuer.type_integrity => Err(IssuanceError::Trust(
            TrustError::TypeIntegrity(credential.vct().to_owned()),
        )),
        _ => Ok(()),
    }
}

/// Takes the holder key that a copy is bound to out of those that were proven, so that no two copies share one.
fn own_key(
    credential: &VerifiedCredential,
    keys: &mut [Option<FileKey>],
) -> Result<FileKey, IssuanceError> {
    keys.iter_mut()
        .find(|key| {
            key.as_ref()
                .is_some_and(|key| key.public_key() == credential.holder_key())
        })
        .and_then(Option::take)
        .ok_or(IssuanceError::WrongCredential(
            "it is not bound to this wallet's key",
        ))
}

fn same_claims(copies: &[IssuedCopy]) -> Result<(), IssuanceError> {
    let told = |copy: &IssuedCopy| -> Map<String, Value> {
        let claims = copy.credential.claims().iter();
        claims
            .filter(|(name, _)| !OF_ONE_COPY.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    let mut all = copies.iter().map(told);
    let first = all.next();
    if all.any(|other| Some(&other) != first.as_ref()) {
        return Err(IssuanceError::WrongCredential("its copies differ"));
    }
    let entries: BTreeSet<(&str, u32)> = copies
        .iter()
        .map(|copy| copy.credential.status())
        .map(|status| (status.uri.as_str(), status.idx))
        .collect();
    match entries.len() == copies.len() {
        true => Ok(()),
        // Copies that share a status entry could be linked by it.
        false => Err(IssuanceError::WrongCredential(
            "two copies have the same status entry",
        )),
    }
}

/// Checks a type's definition against the integrity that the ledger has.
pub(crate) fn type_with_integrity(bytes: &[u8], integrity: &str) -> Option<CredentialType> {
    CredentialType::from_json(bytes)
        .ok()
        .filter(|definition| definition.integrity() == integrity)
}
