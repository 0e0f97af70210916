use std::fmt;

use jumin_identity::{b64url, random_bytes};
use jumin_verifier::{Assurance, Checked, IssuerName, Report, StepReport, Verdict};
use serde::Serialize;
use serde_json::{Map, Value};
use ts_rs::TS;

use crate::parties::Trouble;
use crate::sync::Network;

/// Is a verdict as the API and the command line give it.
#[derive(Clone, Serialize, TS)]
pub struct Outcome {
    /// Names this outcome, for the clerk's decision about it.
    pub id: String,
    /// The verdict's stable code.
    #[ts(type = "Verdict")]
    pub verdict: Verdict,
    /// `strict`, `one-way` or `online`; none if the scan could not be matched to a service.
    #[ts(type = "Assurance | null")]
    pub assurance: Option<Assurance>,
    /// The service asked for; none if the scan could not be matched to one.
    pub service: Option<String>,
    /// The credential's type, once it was found signed by its issuer.
    pub credential_type: Option<String>,
    /// The claims asked for and shown.
    #[ts(type = "Record<string, unknown>")]
    pub claims: Map<String, Value>,
    /// The issuer that the credential names, once the ledger knows it.
    #[ts(type = "IssuerName | null")]
    pub issuer: Option<IssuerName>,
    /// Whether that issuer is accredited and its signature right: else it is only a name.
    pub issuer_proven: bool,
    /// The evidence and its age.
    #[ts(type = "Checked")]
    pub checked: CheckedWith,
    /// What became of each step.
    #[ts(type = "StepReport[]")]
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
    /// Where the issuer's list is missing: what is wrong with the issuer's server, if something is.
    pub issuer_trouble: Option<Trouble>,
}

impl Outcome {
    /// Joins a report with whether the network was there.
    pub fn new(report: Report, network: Network) -> Outcome {
        Outcome {
            id: b64url(&random_bytes::<16>()),
            issuer_proven: report.issuer_proven(),
            verdict: report.verdict,
            assurance: Some(report.assurance),
            service: Some(report.service),
            credential_type: report.credential_type,
            claims: report.claims,
            issuer: report.issuer,
            checked: CheckedWith {
                evidence: report.checked,
                network,
                issuer_trouble: None,
            },
            steps: report.steps,
            clerk_may_accept: report.clerk_may_accept,
            reason: report.reason,
            at: report.at,
        }
    }

    /// Says what is wrong with the server of the issuer whose list is missing.
    #[must_use]
    pub(crate) fn with_trouble(mut self, trouble: Option<Trouble>) -> Outcome {
        self.checked.issuer_trouble = trouble;
        let name = self.issuer.as_ref().and_then(|issuer| issuer.name.as_ref());
        let name = name.map_or("its issuer", |name| name.en.as_str());
        self.reason += &match trouble {
            Some(Trouble::Unreachable) => format!(" The server of {name} could not be reached."),
            Some(Trouble::Unusable) => format!(" The server of {name} gave no list as anchored."),
            None => String::new(),
        };
        self
    }

    /// Makes the outcome of a scan that never came to a check.
    pub fn unmatched(verdict: Verdict, reason: String, network: Network, at: u64) -> Outcome {
        Outcome {
            id: b64url(&random_bytes::<16>()),
            issuer_proven: false,
            verdict,
            assurance: None,
            service: None,
            credential_type: None,
            claims: Map::new(),
            issuer: None,
            checked: CheckedWith {
                evidence: Checked::default(),
                network,
                issuer_trouble: None,
            },
            steps: Vec::new(),
            clerk_may_accept: false,
            reason,
            at,
        }
    }

    /// Returns the outcome in one line for people.
    pub fn line(&self) -> String {
        let issuer = self.issuer.as_ref().filter(|_| self.issuer_proven);
        let issuer = issuer.and_then(|issuer| issuer.name.as_ref());
        let issuer = issuer.map_or(String::new(), |name| {
            format!(" — {} ({})", name.ko, name.en)
        });
        format!("{}: {}{issuer}", self.verdict, self.reason)
    }
}

impl fmt::Debug for Outcome {
    /// Leaves out the claims, which are somebody's personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("id", &self.id)
            .field("verdict", &self.verdict)
            .field("service", &self.service)
            .field("reason", &self.reason)
            .finish_non_exhaustive()
    }
}
