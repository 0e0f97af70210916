//! Agencies on the ledger, found by identifier or name for showing a document without a request.

use jumin_identity::{DcqlQuery, text::tidied};

use super::Wallet;
use super::connect::Connections;
use crate::present::{Plan, PresentError, VerifierParty};
use crate::trust::{
    Agency, Asked, BundleView, TrustError, verifier_accreditation, verifier_agencies,
};

const CLIENT_PREFIX: &str = "decentralized_identifier:";

impl Wallet {
    /// Lists the agencies that may ask for documents, from the network or from the wallet's own copy of the records.
    pub async fn agencies(&self, now: u64) -> Result<Vec<Agency>, PresentError> {
        let connections = self.connect()?;
        let (view, _) = self.newest_bundle(&connections, now).await?;
        Ok(verifier_agencies(&view.bundle, view.latest(now)))
    }

    /// Finds an agency by its DID or its name on the ledger, and whether it may ask for what a service asks for.
    pub(super) async fn agency(
        &self,
        named: &str,
        query: &DcqlQuery,
        plan: &Plan,
        now: u64,
    ) -> Result<VerifierParty, PresentError> {
        let connections = self.connect()?;
        let (view, online) = self.newest_bundle(&connections, now).await?;
        let agency = find_agency(&view, &connections, named, now)?;
        let did = agency.parse().map_err(|_| no_such(named))?;
        let present = view.latest(now);
        let types: Vec<&str> = plan.0.iter().map(|pick| pick.credential.vct()).collect();
        let asked = Asked::of(query, |vct| types.contains(&vct));
        let mut checked = view.checked(now);
        checked.online = online;
        let party = VerifierParty {
            client_id: format!("{CLIENT_PREFIX}{agency}"),
            did: Some(agency),
            checked: Some(checked),
            ..VerifierParty::default()
        };
        let accreditation = verifier_accreditation(&view.bundle, &did, &asked, present);
        Ok(party.judged(accreditation))
    }
}

fn no_such(named: &str) -> PresentError {
    TrustError::NoSuchAgency(named.to_owned()).into()
}

/// Finds the DID of an agency: as given, or by its exact name in either language, or by a part of the name that only one has.
fn find_agency(
    view: &BundleView,
    connections: &Connections,
    named: &str,
    now: u64,
) -> Result<String, PresentError> {
    if let Ok(did) = named.parse::<jumin_identity::Did>() {
        return match did.network() == connections.trust.network {
            true => Ok(did.to_string()),
            false => Err(PresentError::ForeignVerifier(named.to_owned())),
        };
    }
    let agencies = verifier_agencies(&view.bundle, view.latest(now));
    let wanted = tidied(named).to_lowercase();
    let names = |agency: &&Agency| [agency.name.ko.to_lowercase(), agency.name.en.to_lowercase()];
    let exact: Vec<_> = agencies
        .iter()
        .filter(|a| names(a).contains(&wanted))
        .collect();
    let partial: Vec<_> = agencies
        .iter()
        .filter(|agency| !wanted.is_empty() && names(agency).iter().any(|n| n.contains(&wanted)))
        .collect();
    match (exact.as_slice(), partial.as_slice()) {
        ([one], _) | ([], [one]) => Ok(one.did.clone()),
        ([], []) => Err(no_such(named)),
        _ => Err(TrustError::AmbiguousAgency(named.to_owned()).into()),
    }
}
