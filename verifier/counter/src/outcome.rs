use jumin_verifier::{Assurance, Checked, IssuerName, Report, StepReport, Verdict};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::sync::Network;

/// Is a verdict as the API and the command line give it.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The verdict's stable code.
    pub verdict: Verdict,
    /// `strict`, `one-way` or `online`; none if the scan could not be matched to a service.
    pub assurance: Option<Assurance>,
    /// The service asked for; none if the scan could not be matched to one.
    pub service: Option<String>,
    /// The credential's type, once it was found signed by its issuer.
    pub credential_type: Option<String>,
    /// The claims asked for and shown.
    pub claims: Map<String, Value>,
    /// The issuer, once the ledger knows it.
    pub issuer: Option<IssuerName>,
    /// The evidence and its age.
    pub checked: CheckedWith,
    /// What became of each step.
    pub steps: Vec<StepReport>,
    /// Whether the clerk may accept although the status could not be learnt.
    pub clerk_may_accept: bool,
    /// One sentence for people.
    pub reason: String,
    /// When it was decided, in seconds since the epoch.
    pub at: u64,
}

/// Is the evidence of a check and whether the network was there.
#[derive(Clone, Debug, Serialize)]
pub struct CheckedWith {
    /// The evidence.
    #[serde(flatten)]
    pub evidence: Checked,
    /// `online` or `offline`.
    pub network: Network,
}

impl Outcome {
    /// Joins a report with whether the network was there.
    pub fn new(report: Report, network: Network) -> Outcome {
        Outcome {
            verdict: report.verdict,
            assurance: Some(report.assurance),
            service: Some(report.service),
            credential_type: report.credential_type,
            claims: report.claims,
            issuer: report.issuer,
            checked: CheckedWith {
                evidence: report.checked,
                network,
            },
            steps: report.steps,
            clerk_may_accept: report.clerk_may_accept,
            reason: report.reason,
            at: report.at,
        }
    }

    /// Makes the outcome of a scan that never came to a check.
    pub fn unmatched(verdict: Verdict, reason: String, network: Network, at: u64) -> Outcome {
        Outcome {
            verdict,
            assurance: None,
            service: None,
            credential_type: None,
            claims: Map::new(),
            issuer: None,
            checked: CheckedWith {
                evidence: Checked::default(),
                network,
            },
            steps: Vec::new(),
            clerk_may_accept: false,
            reason,
            at,
        }
    }

    /// Returns the outcome in one line for people.
    pub fn line(&self) -> String {
        let issuer = self.issuer.as_ref().and_then(|issuer| issuer.name.as_ref());
        let issuer = issuer.map_or(String::new(), |name| {
            format!(" — {} ({})", name.ko, name.en)
        });
        format!("{}: {}{issuer}", self.verdict, self.reason)
    }
}
