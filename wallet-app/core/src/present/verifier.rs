//! Finds out who signed a request: an identifier on the ledger, or a certificate by an authority that the wallet trusts.

use jumin_identity::{
    AuthorizationRequest, ClientIdentifier, Did, DidUrl, PublicKey, UnverifiedRequest,
};
use jumin_registry::{LookupRecord, NetworkTrust};

use super::{PresentError, VerifiedRequest, VerifierParty};
use crate::online::Anchors;
use crate::trust::{
    BundleView, CheckedAgainst, LedgerReader, TrustError, VerifierStanding, verifier_standing,
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
pub(crate) async fn verify_request(
    request: UnverifiedRequest,
    backing: &Backing<'_>,
    now: u64,
) -> Result<VerifiedRequest, PresentError> {
    match request.client().clone() {
        ClientIdentifier::Did(did) => by_ledger(request, &did, backing, now).await,
        ClientIdentifier::X509Hash(_) => by_certificate(request, backing.anchors, now),
    }
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
    let types = backing.types_asked(&request);
    let (standing, checked) = backing.standing(&kid, &types, now).await?;
    let (name, because) = match standing.accreditation {
        Ok(name) => (Some(name), None),
        Err(error) => (None, Some(error.code())),
    };
    Ok(VerifiedRequest {
        verifier: VerifierParty {
            client_id,
            did: Some(own.to_string()),
            accredited: because.is_none(),
            name,
            not_accredited_because: because,
            checked: Some(checked),
        },
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
            did: None,
            name,
            accredited: false,
            not_accredited_because: Some("not_on_the_ledger"),
            checked: None,
        },
    })
}

impl Backing<'_> {
    /// Asks the ledger, and the wallet's own copy of its records where no node can be reached.
    async fn standing(
        &self,
        kid: &DidUrl,
        types: &[String],
        now: u64,
    ) -> Result<(VerifierStanding, CheckedAgainst), PresentError> {
        let judgement = |view: &dyn LookupRecord, at| verifier_standing(view, kid, types, at);
        match self.ledger.judge(now, judgement).await {
            Err(TrustError::Unreachable(_)) => {}
            answered => return Ok(answered?),
        }
        let bundle = BundleView::read(self.bundle, self.trust, now)?;
        Ok(bundle.judge(now, judgement)?)
    }

    /// Returns the asked types that the wallet could answer with; all of them if it has none.
    fn types_asked(&self, request: &AuthorizationRequest) -> Vec<String> {
        let asked: Vec<String> = request
            .query
            .credentials()
            .iter()
            .flat_map(|query| query.vct_values.iter().cloned())
            .collect();
        let held: Vec<String> = asked
            .iter()
            .filter(|vct| self.held_types.contains(vct))
            .cloned()
            .collect();
        if held.is_empty() { asked } else { held }
    }
}
