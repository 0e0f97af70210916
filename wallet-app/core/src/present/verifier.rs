//! Finds out who signed a request: an identifier on the ledger, or a certificate by an authority that the wallet trusts.

use jumin_identity::{
    AuthorizationRequest, ClientIdentifier, Did, DidUrl, PublicKey, UnverifiedRequest,
};
use jumin_registry::{LookupRecord, NetworkTrust};

use super::{PresentError, VerifiedRequest, VerifierParty};
use crate::online::Anchors;
use crate::trust::{
    Asked, BundleView, CheckedAgainst, LedgerReader, MAX_AGE, TrustError, VerifierStanding,
    verifier_standing,
};

/// Is what the wallet can check a verifier against.
pub(crate) struct Backing<'a> {
    pub ledger: &'a LedgerReader,
    pub bundle: Option<&'a [u8]>,
    pub trust: &'a NetworkTrust,
    pub anchors: &'a Anchors,
    /// The types of the documents in the wallet: an accreditation has to cover those that are asked for.
    pub held_types: &'a [String],
}

/// Verifies a request and says who stands behind it; an unknown signer is an error, a missing accreditation is not.
///
/// What is found out counts for ten minutes: a request that lasts longer ends then for this wallet, so that nobody answers a
/// verifier that was accredited when it asked and is no more.
pub(crate) async fn verify_request(
    request: UnverifiedRequest,
    backing: &Backing<'_>,
    now: u64,
) -> Result<VerifiedRequest, PresentError> {
    let mut verified = match request.client().clone() {
        ClientIdentifier::Did(did) => by_ledger(request, &did, backing, now).await?,
        ClientIdentifier::X509Hash(_) => by_certificate(request, backing.anchors, now)?,
    };
    let counts_until = now.saturating_add(MAX_AGE);
    verified.request.expires = verified.request.expires.min(counts_until);
    Ok(verified)
}

async fn by_ledger(
    request: UnverifiedRequest,
    did: &str,
    backing: &Backing<'_>,
    now: u64,
) -> Result<VerifiedRequest, PresentError> {
    let foreign = || PresentError::ForeignVerifier(did.to_owned());
    let own: Did = did.parse().map_err(|_| foreign())?;
    if own.network() != backing.trust.network {
        return Err(foreign());
    }
    let kid = request.dangerous_kid_unverified().unwrap_or_default();
    let kid: DidUrl = kid.parse().map_err(|_| foreign())?;
    let (key, _) = backing.standing(&kid, &[], now).await?;
    let client_id = request.client_id().to_owned();
    let request = request.verify(&key.key, now)?;
    let asked = backing.asked(&request);
    let (standing, checked) = backing.standing(&kid, &asked, now).await?;
    let party = VerifierParty {
        client_id,
        did: Some(own.to_string()),
        checked: Some(checked),
        ..VerifierParty::default()
    };
    Ok(VerifiedRequest {
        verifier: party.judged(standing.accreditation),
        request,
    })
}

fn by_certificate(
    request: UnverifiedRequest,
    anchors: &Anchors,
    now: u64,
) -> Result<VerifiedRequest, PresentError> {
    let (key, name): (PublicKey, _) = anchors.verify(request.header(), now)?;
    let client_id = request.client_id().to_owned();
    Ok(VerifiedRequest {
        request: request.verify(&key, now)?,
        verifier: VerifierParty {
            client_id,
            name,
            not_accredited_because: Some("not_on_the_ledger"),
            ..VerifierParty::default()
        },
    })
}

impl Backing<'_> {
    /// Asks the ledger, and the wallet's own copy of its records where no node can be reached.
    async fn standing(
        &self,
        kid: &DidUrl,
        asked: &[Asked],
        now: u64,
    ) -> Result<(VerifierStanding, CheckedAgainst), PresentError> {
        let judgement = |view: &dyn LookupRecord, at| verifier_standing(view, kid, asked, at);
        match self.ledger.judge(now, judgement).await {
            Err(TrustError::Unreachable(_)) => {}
            answered => return Ok(answered?),
        }
        let bundle = BundleView::read(self.bundle, self.trust, now)?;
        Ok(bundle.judge(now, judgement)?)
    }

    /// Returns what is asked of the types that the wallet could answer with; of all if it has none.
    fn asked(&self, request: &AuthorizationRequest) -> Vec<Asked> {
        let held = |vct: &str| self.held_types.iter().any(|held| held == vct);
        let of_held = Asked::of(&request.query, held);
        if of_held.is_empty() {
            Asked::of(&request.query, |_| true)
        } else {
            of_held
        }
    }
}
