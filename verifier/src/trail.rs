use std::error::Error;

use jumin_identity::Did;
use serde_json::{Map, Value};

use crate::policy::OnStatusUnknown;
use crate::request::PendingRequest;
use crate::{Assurance, Checked, IssuerName, Report, Step, StepOutcome, StepReport, Verdict};

/// Says which verdict a failed step leads to, and why.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) verdict: Verdict,
    pub(crate) reason: String,
}

impl Failure {
    pub(crate) fn new(verdict: Verdict, reason: impl Into<String>) -> Failure {
        Failure {
            verdict,
            reason: reason.into(),
        }
    }

    /// Makes a reason of an error and the errors behind it.
    pub(crate) fn because(verdict: Verdict, reason: &str, error: &dyn Error) -> Failure {
        let mut text = format!("{reason}: {error}");
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        text.push('.');
        Failure::new(verdict, text)
    }
}

/// Writes down what was checked while it is being checked.
pub(crate) struct Trail {
    passed: Vec<Step>,
    failed: Option<Step>,
    assurance: Assurance,
    service: String,
    on_status_unknown: OnStatusUnknown,
    at: u64,
    /// The evidence looked at so far.
    pub(crate) checked: Checked,
    /// Address of the credential's status list, once it was looked for.
    pub(crate) status_list: Option<String>,
    /// The issuer, once known to the ledger.
    pub(crate) issuer: Option<IssuerName>,
    /// The type, once signed for.
    pub(crate) credential_type: Option<String>,
    /// What was asked for and disclosed, once holder and issuer are right; none where a clerk has
    /// nothing to decide.
    pub(crate) claims: Option<Map<String, Value>>,
}

impl Trail {
    pub(crate) fn new(request: &PendingRequest, at: u64) -> Trail {
        Trail {
            passed: Vec::with_capacity(Step::ALL.len()),
            failed: None,
            assurance: request.assurance(),
            service: request.policy().service.clone(),
            on_status_unknown: request.policy().on_status_unknown,
            at,
            checked: Checked::default(),
            status_list: None,
            issuer: None,
            credential_type: None,
            claims: None,
        }
    }

    /// Makes a step: its outcome is on the trail whatever comes.
    pub(crate) fn step<T>(
        &mut self,
        step: Step,
        check: impl FnOnce(&mut Trail) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let outcome = check(self);
        match outcome {
            Ok(_) => self.passed.push(step),
            Err(_) => self.failed = Some(step),
        }
        outcome
    }

    pub(crate) fn knows_issuer(&mut self, did: &Did) {
        self.issuer = Some(IssuerName {
            did: did.clone(),
            name: None,
        });
    }

    pub(crate) fn valid(self) -> Report {
        let reason = "Everything asked for was checked and is in order.";
        self.report(Verdict::Valid, reason.to_owned(), false)
    }

    pub(crate) fn refused(mut self, failure: Failure) -> Report {
        let status_open = matches!(
            failure.verdict,
            Verdict::StatusUnknown | Verdict::StatusStale
        );
        let clerk_decides = self.on_status_unknown == OnStatusUnknown::ClerkDecides;
        if !(status_open && clerk_decides) {
            self.claims = None;
        }
        let clerk_may_accept = self.claims.is_some();
        self.report(failure.verdict, failure.reason, clerk_may_accept)
    }

    fn report(self, verdict: Verdict, reason: String, clerk_may_accept: bool) -> Report {
        let outcome = |step| {
            if self.passed.contains(&step) {
                StepOutcome::Passed
            } else if self.failed == Some(step) {
                StepOutcome::Failed
            } else {
                StepOutcome::NotChecked
            }
        };
        let steps = Step::ALL
            .into_iter()
            .map(|step| StepReport {
                step,
                outcome: outcome(step),
            })
            .collect();
        Report {
            verdict,
            assurance: self.assurance,
            service: self.service,
            credential_type: self.credential_type,
            claims: self.claims.unwrap_or_default(),
            issuer: self.issuer,
            checked: self.checked,
            status_list: self.status_list,
            steps,
            clerk_may_accept,
            reason,
            at: self.at,
        }
    }
}
