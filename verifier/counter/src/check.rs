use jumin_identity::{OneWayNonce, UnverifiedPresentation, VpToken};
use jumin_verifier::{
    PendingRequest, QuerySource, Refusal, Report, ServicePolicy, Verdict, VerifiedPresentation,
    verdict_of,
};

use crate::clock::unix_now;
use crate::desk::{Desk, DeskError};
use crate::outcome::Outcome;
use crate::store::Decision;
use crate::sync::Network;

/// A request's id, if it has one, and what to check the answer against; or why there is none.
type Match = Result<(Option<String>, PendingRequest), (Verdict, String)>;

impl Desk {
    /// Checks an answer (`vp_token` JSON) against the request that it answers: the one named by
    /// `request`, else the one that its nonce belongs to, else the service that its one-way code
    /// is for.
    pub async fn check(&self, vp_token: &str, request: Option<&str>) -> Result<Outcome, DeskError> {
        let nonce = read_nonce(vp_token);
        let matched = self.matching_request(vp_token, &nonce, request).await?;
        let (request, pending) = match matched {
            Ok(matched) => matched,
            Err((verdict, reason)) => {
                let network = self.ledger.known_network();
                let outcome = Outcome::unmatched(verdict, reason, network, unix_now());
                return self.refused(request, &nonce, outcome).await;
            }
        };
        let network = self
            .ledger
            .refresh(pending.policy().refresh_after, unix_now())
            .await;
        let Some(view) = self.ledger.view() else {
            let (verdict, reason) = self.ledger.why_no_view();
            let outcome = Outcome::unmatched(verdict, reason.to_owned(), network, unix_now());
            return self.refused(request.as_deref(), &nonce, outcome).await;
        };
        match pending.finish(vp_token, &view, unix_now()) {
            Ok(accepted) => self.accepted(request.as_deref(), accepted, network).await,
            Err(refusal) => {
                let refusal = self.tell_replay(refusal, &nonce).await?;
                let outcome = Outcome::new(refusal, network);
                self.refused(request.as_deref(), &nonce, outcome).await
            }
        }
    }

    /// Uses the nonce up before anyone is told `valid`; a nonce that was used up is a replay.
    async fn accepted(
        &self,
        request: Option<&str>,
        accepted: VerifiedPresentation,
        network: Network,
    ) -> Result<Outcome, DeskError> {
        let nonce = accepted.nonce().to_owned();
        let outcome = Outcome::new(accepted.report().clone(), network);
        let first = self
            .store
            .accept(&Decision {
                request_id: request,
                nonce: &nonce,
                outcome: &outcome,
            })
            .await?;
        if first {
            self.results.put(request, &outcome);
            return Ok(outcome);
        }
        let outcome = Outcome::new(accepted.replayed().report().clone(), network);
        self.refused(request, &nonce, outcome).await
    }

    /// A code that was used and then grew old is still, first of all, a used one.
    async fn tell_replay(&self, refusal: Refusal, nonce: &str) -> Result<Report, DeskError> {
        let mut report = refusal.report().clone();
        if report.verdict == Verdict::PresentationExpired && self.store.is_used(nonce).await? {
            report.verdict = Verdict::Replayed;
            report.reason = "This code was used before.".to_owned();
        }
        Ok(report)
    }

    pub(crate) async fn refused(
        &self,
        request: Option<&str>,
        nonce: &str,
        outcome: Outcome,
    ) -> Result<Outcome, DeskError> {
        self.store
            .refuse(&Decision {
                request_id: request,
                nonce,
                outcome: &outcome,
            })
            .await?;
        self.results.put_unless_valid(request, &outcome);
        Ok(outcome)
    }

    async fn matching_request(
        &self,
        vp_token: &str,
        nonce: &str,
        named: Option<&str>,
    ) -> Result<Match, DeskError> {
        if let Some(id) = named {
            let found = self.store.request(id).await?;
            let request = found.ok_or(DeskError::UnknownRequest)?;
            return Ok(Ok((Some(request.id), request.pending)));
        }
        if let Some(request) = self.store.request_by_nonce(nonce).await? {
            return Ok(Ok((Some(request.id), request.pending)));
        }
        let token = match readable(vp_token) {
            Ok(token) => token,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        if OneWayNonce::parse(nonce).is_err() {
            let reason = "The code answers a request that is not this office's.";
            return Ok(Err((Verdict::RequestMismatch, reason.to_owned())));
        }
        Ok(self.one_way_service(&token.query_id))
    }

    fn one_way_service(&self, query_id: &str) -> Match {
        let asks = |policy: &&ServicePolicy| match &policy.query {
            QuerySource::Template(template) => template == query_id,
            QuerySource::Dcql(_) => policy.service == query_id,
        };
        let refused = |reason: &str| Err((Verdict::RequestMismatch, reason.to_owned()));
        let Some(policy) = self.services.values().find(asks) else {
            return refused("The code is for a service that this office does not have.");
        };
        match PendingRequest::one_way(policy.clone(), &self.verifier, unix_now()) {
            Ok(pending) => Ok((None, pending)),
            Err(_) => refused("The service takes no one-way codes; show a request."),
        }
    }
}

/// Reads the nonce that an answer claims, to find its request; nothing is believed of it.
fn read_nonce(vp_token: &str) -> String {
    VpToken::parse(vp_token)
        .ok()
        .and_then(|token| UnverifiedPresentation::parse(&token.presentation).ok())
        .map(|answer| answer.dangerous_nonce_unverified().to_owned())
        .unwrap_or_default()
}

fn readable(vp_token: &str) -> Result<VpToken, (Verdict, String)> {
    let token = VpToken::parse(vp_token).map_err(|e| {
        (
            Verdict::Malformed,
            format!("The code holds no presentation: {e}."),
        )
    })?;
    match UnverifiedPresentation::parse(&token.presentation) {
        Ok(_) => Ok(token),
        Err(error) => Err((verdict_of(&error), format!("{error}."))),
    }
}
