use jumin_identity::{Did, OneWayNonce, UnverifiedPresentation, VpToken};
use jumin_registry::client::MAX_AGE_SECONDS;
use jumin_verifier::{
    PendingRequest, QuerySource, Refusal, Report, ServicePolicy, Verdict, VerifiedPresentation,
    verdict_of,
};

use crate::clock::unix_now;
use crate::desk::{Desk, DeskError};
use crate::outcome::Outcome;
use crate::store::Decision;
use crate::sync::Network;
use crate::used::Use;

const USED: &str = "This code was used before.";

/// Says what a desk waits for: an answer to anything else is a mismatch.
#[derive(Clone, Copy, Debug, Default)]
pub struct Expected<'a> {
    /// The request that is answered, whatever nonce the answer carries.
    pub request: Option<&'a str>,
    /// The requests that the desk shows; empty: any of the office's.
    pub showing: &'a [String],
    /// The service of one-way codes; none: any that takes them.
    pub service: Option<&'a str>,
}

impl<'a> From<Option<&'a str>> for Expected<'a> {
    fn from(request: Option<&'a str>) -> Expected<'a> {
        Expected {
            request,
            ..Expected::default()
        }
    }
}

/// A request's id, if it has one, and what to check the answer against; or why there is none.
type Match = Result<(Option<String>, PendingRequest), (Verdict, String)>;

impl Desk {
    /// Checks an answer (`vp_token` JSON) against the request that it answers: the one named by
    /// `request`, else the one that its nonce belongs to, else the service that its one-way code
    /// is for.
    pub async fn check(
        &self,
        vp_token: &str,
        expected: impl Into<Expected<'_>>,
    ) -> Result<Outcome, DeskError> {
        let expected = expected.into();
        let nonce = read_nonce(vp_token);
        let matched = self.matching_request(vp_token, &nonce, expected).await?;
        let (request, pending) = match matched {
            Ok(matched) => matched,
            Err((verdict, reason)) => {
                let network = self.ledger.known_network();
                let outcome = Outcome::unmatched(verdict, reason, network, unix_now());
                return self.refused(expected.request, &nonce, outcome).await;
            }
        };
        let network = self.ledger.refresh(pending.policy().refresh_after).await;
        let Some(view) = self.ledger.view() else {
            let (verdict, reason) = self.ledger.why_no_view();
            let outcome = Outcome::unmatched(verdict, reason.to_owned(), network, unix_now());
            return self.refused(request.as_deref(), &nonce, outcome).await;
        };
        if network == Network::Online {
            // When the nodes answered, it was not more than that after their newest checkpoint, whatever the clock says now.
            let told = view.checkpoint().time_ms() / 1000;
            let time = unix_now().clamp(told, told.saturating_add(MAX_AGE_SECONDS));
            self.store.told_time(time).await?;
        }
        let mut checked = pending.finish(vp_token, &view, unix_now());
        if let Some((issuer, uri)) = missing_list(&checked) {
            self.ledger.await_list(&issuer, &uri).await;
            let view = self.ledger.view().unwrap_or(view);
            checked = pending.finish(vp_token, &view, unix_now());
        }
        match checked {
            Ok(accepted) => self.accepted(request.as_deref(), accepted, network).await,
            Err(refusal) => {
                let refusal = self.tell_replay(refusal, &nonce).await?;
                let trouble = refusal.missing_list();
                let trouble = trouble.and_then(|(issuer, uri)| self.ledger.trouble(issuer, uri));
                let outcome = Outcome::new(refusal, network).with_trouble(trouble);
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
        let used = self
            .store
            .accept(&Decision {
                request_id: request,
                nonce: &nonce,
                outcome: &outcome,
            })
            .await?;
        let refusal = match used {
            Use::First => {
                self.results.put(request, &outcome);
                return Ok(outcome);
            }
            Use::Again => accepted.replayed(),
            Use::Forgotten => accepted.outlived(),
        };
        let outcome = Outcome::new(refusal.report().clone(), network);
        self.refused(request, &nonce, outcome).await
    }

    /// A code that was used is, first of all, a used one: also if it grew old since, and where
    /// nothing but the clerk's decision would use it up.
    async fn tell_replay(&self, refusal: Refusal, nonce: &str) -> Result<Report, DeskError> {
        let mut report = refusal.report().clone();
        let open = report.verdict == Verdict::PresentationExpired || report.clerk_may_accept;
        if open && self.store.is_used(nonce).await? {
            report.verdict = Verdict::Replayed;
            report.claims.clear();
            report.clerk_may_accept = false;
            report.reason = USED.to_owned();
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
        expected: Expected<'_>,
    ) -> Result<Match, DeskError> {
        if let Some(id) = expected.request {
            let found = self.store.request(id).await?;
            let request = found.ok_or(DeskError::UnknownRequest)?;
            return Ok(Ok((Some(request.id), request.pending)));
        }
        if let Some(request) = self.store.request_by_nonce(nonce).await? {
            if !expected.showing.is_empty() && !expected.showing.contains(&request.id) {
                if self.store.is_used(nonce).await? {
                    return Ok(Err((Verdict::Replayed, USED.to_owned())));
                }
                return Ok(mismatch(
                    "The code answers a request that this desk does not show now.",
                ));
            }
            return Ok(Ok((Some(request.id), request.pending)));
        }
        let token = match readable(vp_token) {
            Ok(token) => token,
            Err(unreadable) => return Ok(Err(unreadable)),
        };
        if OneWayNonce::parse(nonce).is_err() {
            return Ok(mismatch(
                "The code answers a request that is not this office's.",
            ));
        }
        Ok(self.one_way_service(&token.query_id, expected.service))
    }

    fn one_way_service(&self, query_id: &str, wanted: Option<&str>) -> Match {
        let asks = |policy: &&ServicePolicy| match &policy.query {
            QuerySource::Template(template) => template == query_id,
            QuerySource::Dcql(_) => policy.service == query_id,
        };
        let Some(policy) = self.services.values().find(asks) else {
            return mismatch("The code is for a service that this office does not have.");
        };
        if wanted.is_some_and(|wanted| wanted != policy.service) {
            return mismatch("The code is for another service than this desk's.");
        }
        match PendingRequest::one_way(policy.clone(), &self.verifier, unix_now()) {
            Ok(pending) => Ok((None, pending)),
            Err(_) => mismatch("The service takes no one-way codes; show a request."),
        }
    }
}

/// Names the list, with its issuer, that a check of a proven card lacked.
fn missing_list(checked: &Result<VerifiedPresentation, Refusal>) -> Option<(Did, String)> {
    let refusal = checked.as_ref().err()?;
    let (issuer, uri) = refusal.report().missing_list()?;
    Some((issuer.clone(), uri.to_owned()))
}

fn mismatch(reason: &str) -> Match {
    Err((Verdict::RequestMismatch, reason.to_owned()))
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
