use std::fmt;

use jumin_identity::Did;
use jumin_registry::Localized;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Verdict;

/// Says how strongly a presentation is bound to this desk and moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Assurance {
    /// It answers this desk's own fresh request, by QR.
    Strict,
    /// It was made for this office within the last minute, without a request: the lower one.
    OneWay,
    /// It answers this desk's own fresh request, over the network.
    Online,
}

impl Assurance {
    /// Returns the stable code, as in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Assurance::Strict => "strict",
            Assurance::OneWay => "one-way",
            Assurance::Online => "online",
        }
    }
}

/// Names the steps of a check, in the order in which they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Step {
    /// The answer has the form of an answer to this request.
    Form,
    /// The ledger's checkpoint is certified and young enough.
    Checkpoint,
    /// The issuer's document is on the ledger, and active.
    IssuerDocument,
    /// The issuer is accredited for this type at that date.
    Accreditation,
    /// The issuer's signature, and every disclosure it covers, is right.
    IssuerSignature,
    /// The credential is within its validity.
    Validity,
    /// The presenter holds the credential's key and answers this request.
    HolderBinding,
    /// The issuer's list, as anchored, says valid.
    Status,
    /// What was asked for was disclosed.
    Query,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Step; 9] = [
        Step::Form,
        Step::Checkpoint,
        Step::IssuerDocument,
        Step::Accreditation,
        Step::IssuerSignature,
        Step::Validity,
        Step::HolderBinding,
        Step::Status,
        Step::Query,
    ];
}

/// Says what became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// In order.
    Passed,
    /// Not in order: the verdict says why.
    Failed,
    /// Not looked at, because an earlier step failed.
    NotChecked,
}

/// Is one line of what was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepReport {
    /// The step.
    pub step: Step,
    /// What became of it.
    pub outcome: StepOutcome,
}

/// Says against which evidence a presentation was checked, and how old that was (in seconds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Height of the ledger checkpoint.
    pub checkpoint_height: Option<u64>,
    /// Age of the ledger checkpoint.
    pub checkpoint_age_seconds: Option<u64>,
    /// Anchored version of the status list.
    pub status_list_version: Option<u64>,
    /// Time since the issuer signed the status list.
    pub status_list_age_seconds: Option<u64>,
}

/// Names the issuer of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerName {
    /// Its DID.
    pub did: Did,
    /// What its accreditation calls it; none if it is not accredited.
    pub name: Option<Localized>,
}

/// Tells a desk what came out, and what that rests on.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The verdict.
    pub verdict: Verdict,
    /// How strongly the presentation is bound to this desk and moment.
    pub assurance: Assurance,
    /// The service that was asked for.
    pub service: String,
    /// The credential's type (`vct`), once the issuer's signature was found right.
    pub credential_type: Option<String>,
    /// The claims asked for and disclosed; empty unless valid, or for the clerk to decide.
    pub claims: Map<String, Value>,
    /// The issuer, once the ledger was found to know it.
    pub issuer: Option<IssuerName>,
    /// The evidence and its age.
    pub checked: Checked,
    /// Address of the list that answers for the credential, once the status was looked at.
    pub status_list: Option<String>,
    /// What became of each step.
    pub steps: Vec<StepReport>,
    /// Whether the clerk may accept although the status could not be learnt: the policy leaves it to
    /// the clerk, what was asked for was shown, and no list at hand says that it is not valid.
    pub clerk_may_accept: bool,
    /// One sentence for people, in English; screens translate by the verdict.
    pub reason: String,
    /// When this was decided, in seconds since the epoch.
    pub at: u64,
}

impl Report {
    /// Names the issuer and the address of the status list that stood between this and another verdict: none at hand
    /// answers for the credential.
    pub fn missing_list(&self) -> Option<(&Did, &str)> {
        let inconclusive = matches!(self.verdict, Verdict::StatusUnknown | Verdict::StatusStale);
        let issuer = self.issuer.as_ref().filter(|_| inconclusive)?;
        Some((&issuer.did, self.status_list.as_deref()?))
    }

    /// Tells whether the issuer named here was found to have made the credential: it is accredited
    /// and its signature is right. Without that, anyone may have written its name.
    pub fn issuer_proven(&self) -> bool {
        let passed = |step| {
            let passed = StepOutcome::Passed;
            self.steps.contains(&StepReport {
                step,
                outcome: passed,
            })
        };
        passed(Step::Accreditation) && passed(Step::IssuerSignature)
    }
}

impl fmt::Debug for Report {
    /// Leaves out the claims, which are somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("verdict", &self.verdict)
            .field("service", &self.service)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
