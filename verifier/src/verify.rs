use std::borrow::Cow;

use jumin_identity::{
    ClaimPath, DcqlQuery, Did, IssuerVerified, KeyBindingExpectation, NonceCheck,
    ONE_WAY_MAX_AGE_SECONDS, OneWayNonce, PathSegment, QueryError, Status, UnverifiedPresentation,
    VerifiedCredential, VerifiedPresentation as BoundPresentation, VpToken,
};
use serde_json::{Map, Value};

use crate::issuer::{accreditation, issuer_document, issuer_signature};
use crate::ledger_view::Standing;
use crate::request::PendingRequest;
use crate::trail::{Failure, Trail};
use crate::{LedgerView, Report, Step, Verdict};

/// How far a key binding's `iat` may lie ahead of the counter's clock, in seconds.
const MAX_AHEAD: u64 = 30;
/// How far the checkpoint's time may lie ahead of the counter's clock, in seconds.
const MAX_CLOCK_LAG: u64 = 300;

/// Is a presentation that passed every step.
#[derive(Clone, Debug)]
pub struct VerifiedPresentation {
    presentation: BoundPresentation,
    report: Report,
}

impl VerifiedPresentation {
    /// Returns the verified credential with what was disclosed of it.
    pub fn credential(&self) -> &VerifiedCredential {
        self.presentation.credential()
    }

    /// Returns the nonce of the key binding. A caller must make sure that it is accepted once
    /// only, and answer `replayed` otherwise (see [`VerifiedPresentation::replayed`]).
    pub fn nonce(&self) -> &str {
        self.presentation.nonce()
    }

    /// Returns what was checked.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// Turns the presentation into the refusal `replayed`, for a nonce that was used before.
    pub fn replayed(self) -> Refusal {
        self.refused(Verdict::Replayed, "This code was used before.")
    }

    /// Turns the presentation into the refusal `presentation_expired`, for a nonce from so long before the newest time that
    /// the caller knows that it can no longer tell whether it was used.
    pub fn outlived(self) -> Refusal {
        let reason = "It can't be told whether this code was used: the clock may be wrong, or the counter was put back from a \
                      backup and has not reached the ledger since.";
        self.refused(Verdict::PresentationExpired, reason)
    }

    fn refused(self, verdict: Verdict, reason: &str) -> Refusal {
        let mut report = self.report;
        report.verdict = verdict;
        report.claims = Map::new();
        report.reason = reason.to_owned();
        Refusal::new(report)
    }
}

/// Is a presentation that did not pass, with the stable reason.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}", .report.reason)]
pub struct Refusal {
    report: Box<Report>,
}

impl Refusal {
    pub(crate) fn new(report: Report) -> Refusal {
        Refusal {
            report: Box::new(report),
        }
    }

    /// Returns the verdict; never [`Verdict::Valid`].
    pub fn verdict(&self) -> Verdict {
        self.report.verdict
    }

    /// Returns what was checked, and what was not.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl PendingRequest {
    /// Checks an answer (the `vp_token` JSON of OpenID4VP 1.0 §8.1) against this request and
    /// what is known of the ledger; `now` is in seconds since the epoch.
    ///
    /// Every step must pass; the first that does not decides the verdict. Whether the nonce was
    /// used before is the caller's to know.
    pub fn finish(
        &self,
        vp_token: &str,
        view: &LedgerView,
        now: u64,
    ) -> Result<VerifiedPresentation, Refusal> {
        let mut trail = Trail::new(self, now);
        match self.check(vp_token, view, now, &mut trail) {
            Ok(presentation) => Ok(VerifiedPresentation {
                presentation,
                report: trail.valid(),
            }),
            Err(failure) => Err(Refusal::new(trail.refused(failure))),
        }
    }

    fn check(
        &self,
        vp_token: &str,
        view: &LedgerView,
        now: u64,
        trail: &mut Trail,
    ) -> Result<BoundPresentation, Failure> {
        let answer = trail.step(Step::Form, |_| self.form(vp_token, now))?;
        trail.step(Step::Checkpoint, |t| self.checkpoint(view, now, t))?;
        let issuer = trail.step(Step::IssuerDocument, |t| issuer_document(&answer, view, t))?;
        trail.step(Step::Accreditation, |t| {
            accreditation(&answer, &issuer, view, now, t)
        })?;
        let signed = trail.step(Step::IssuerSignature, |t| {
            issuer_signature(answer, &issuer, t)
        })?;
        trail.step(Step::Validity, |_| Ok(signed.check_validity(now)?))?;
        let bound = trail.step(Step::HolderBinding, |_| self.holder_binding(signed, now))?;
        let credential = bound.credential();
        // A clerk who may decide about an unknown status sees only what was asked for, too.
        let asked = self.asked_claims(credential);
        trail.claims = asked.as_ref().ok().cloned();
        trail.step(Step::Status, |t| {
            self.status(credential, &issuer.did, view, now, t)
        })?;
        trail.step(Step::Query, |_| asked)?;
        Ok(bound)
    }

    /// Reads the answer and makes sure that it is one to this request, in time.
    fn form(&self, vp_token: &str, now: u64) -> Result<UnverifiedPresentation, Failure> {
        let token = VpToken::parse(vp_token).map_err(|e| {
            Failure::because(Verdict::Malformed, "The code holds no presentation", &e)
        })?;
        if self.dcql()?.credential(&token.query_id).is_none() {
            return Err(mismatch("The presentation answers another question."));
        }
        if self.is_over(now) {
            return Err(Failure::new(
                Verdict::PresentationExpired,
                "The request this answers is over; ask anew.",
            ));
        }
        Ok(UnverifiedPresentation::parse(&token.presentation)?)
    }

    fn checkpoint(&self, view: &LedgerView, now: u64, trail: &mut Trail) -> Result<(), Failure> {
        let checkpoint = view.checkpoint();
        trail.checked.checkpoint_height = Some(checkpoint.height());
        trail.checked.checkpoint_age_seconds = Some(checkpoint.age_seconds(now));
        // The certificate was checked when the bundle became a `VerifiedBundle`.
        checkpoint
            .require_fresh(now, self.policy().max_checkpoint_age, MAX_CLOCK_LAG)
            .map_err(|e| {
                Failure::because(
                    Verdict::LedgerStale,
                    "What is known of the ledger is not current",
                    &e,
                )
            })
    }

    fn holder_binding(
        &self,
        signed: IssuerVerified,
        now: u64,
    ) -> Result<BoundPresentation, Failure> {
        let one_way = |nonce: &str| OneWayNonce::parse(nonce).is_ok();
        let (nonce, max_age) = match self.nonce() {
            Some(nonce) => (NonceCheck::Exact(nonce), self.policy().max_presentation_age),
            None => (NonceCheck::Rule(&one_way), ONE_WAY_MAX_AGE_SECONDS),
        };
        let bound = signed.verify_key_binding(&KeyBindingExpectation {
            audience: self.audience(),
            nonce,
            now,
            max_age,
            max_ahead: MAX_AHEAD,
        })?;
        let in_window = match self.nonce() {
            Some(_) => true,
            None => OneWayNonce::parse(bound.nonce()).is_ok_and(|nonce| nonce.accepted(now)),
        };
        if !in_window {
            return Err(Failure::new(
                Verdict::PresentationExpired,
                "The code is more than a minute old; have it redrawn.",
            ));
        }
        Ok(bound)
    }

    fn status(
        &self,
        credential: &VerifiedCredential,
        issuer: &Did,
        view: &LedgerView,
        now: u64,
        trail: &mut Trail,
    ) -> Result<(), Failure> {
        let reference = credential.status();
        trail.status_list = Some(reference.uri.clone());
        let held = view
            .list(issuer, &reference.uri)
            .ok_or_else(|| status_unknown("The issuer's status list is not at hand."))?;
        trail.checked.status_list_age_seconds = Some(now.saturating_sub(held.issued_at));
        // A list too old to answer is no reason to overrule what it last said.
        let entry = held.list.get(reference.idx);
        if entry.is_some_and(|status| status != Status::Valid) {
            trail.claims = None;
        }
        match held.standing {
            Standing::Anchored { version } => trail.checked.status_list_version = Some(version),
            Standing::Older => {
                return Err(status_stale(
                    "The status list is older than the anchored one.",
                ));
            }
            Standing::Newer => {
                return Err(status_unknown(
                    "The status list is newer than what is known of the ledger.",
                ));
            }
        }
        let current = held.anchor.require_current(&held.digest, held.expires, now);
        current.map_err(|error| {
            Failure::because(
                Verdict::StatusStale,
                "The status list answers no more",
                &error,
            )
        })?;
        // The anchor vouches that the list was the current one at the checkpoint's time.
        if view.checkpoint().age_seconds(now) > self.policy().max_status_age {
            return Err(status_stale(
                "It is too long ago that the status was known to be current.",
            ));
        }
        match entry {
            Some(Status::Valid) => Ok(()),
            Some(Status::Invalid) => Err(Failure::new(
                Verdict::Revoked,
                "The issuer revoked the credential.",
            )),
            Some(Status::Suspended) => Err(Failure::new(
                Verdict::Suspended,
                "The issuer suspended the credential.",
            )),
            Some(Status::ApplicationSpecific(_)) => Err(Failure::new(
                Verdict::Unsupported,
                "The credential has a status that this verifier does not know.",
            )),
            // Token Status List §8.3: an index outside of the list is no status.
            None => Err(status_unknown(
                "The status list has no entry for the credential.",
            )),
        }
    }

    /// Returns the claims asked for, if the answer has them all; anything else that was
    /// disclosed is left out.
    fn asked_claims(&self, credential: &VerifiedCredential) -> Result<Map<String, Value>, Failure> {
        let accepted = &self.policy().credential_types;
        if !accepted.iter().any(|vct| vct == credential.vct()) {
            return Err(mismatch(
                "The service does not take this type of credential.",
            ));
        }
        let query = self.dcql()?;
        let mut claims = Map::new();
        for asked in query.credentials() {
            // OpenID4VP 1.0 §14.7: check the answer against one's own query.
            let paths = asked
                .matching_claims(credential.vct(), credential.claims())
                .map_err(unmet)?;
            for ClaimPath(path) in &paths {
                copy_claim(path, credential.claims(), &mut claims);
            }
        }
        Ok(claims)
    }

    fn dcql(&self) -> Result<Cow<'static, DcqlQuery>, Failure> {
        self.policy().dcql().map_err(|e| {
            Failure::because(
                Verdict::Unsupported,
                "The service's query is not usable",
                &e,
            )
        })
    }
}

fn copy_claim(path: &[PathSegment], from: &Map<String, Value>, to: &mut Map<String, Value>) {
    let Some((PathSegment::Name(name), rest)) = path.split_first() else {
        return;
    };
    let Some(value) = from.get(name) else {
        return;
    };
    match (value, rest.first()) {
        (Value::Object(inner), Some(PathSegment::Name(_))) => {
            let slot = to
                .entry(name.clone())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(slot) = slot {
                copy_claim(rest, inner, slot);
            }
        }
        // Inside of an array, or the whole value: shown as disclosed.
        _ => {
            to.insert(name.clone(), value.clone());
        }
    }
}

fn unmet(error: QueryError) -> Failure {
    Failure::because(
        Verdict::RequestMismatch,
        "Not everything asked for was shown",
        &error,
    )
}

fn mismatch(reason: &str) -> Failure {
    Failure::new(Verdict::RequestMismatch, reason)
}

fn status_unknown(reason: &str) -> Failure {
    Failure::new(Verdict::StatusUnknown, reason)
}

fn status_stale(reason: &str) -> Failure {
    Failure::new(Verdict::StatusStale, reason)
}
