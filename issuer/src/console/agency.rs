//! What the ledger says about this agency, by proof.

use std::time::{Duration, Instant};

use jumin_identity::Did;
use jumin_registry::{AnchorKind, DidDocument, Grant, Record, RecordKey};
use tokio::sync::Mutex;

use super::agency_answer::{
    Accreditation, Agency, AgencyCheckpoint, AgencyKey, Anchor, Proof, PublisherState,
};
use crate::app::{App, chain};
use crate::compare::Standing;
use crate::ledger::{Ledger, LedgerError, ProvenAt};
use crate::standing::{self, MAX_RECORDS};
use crate::store::StoreError;

/// An answer of the ledger is given again for this long.
const FRESH: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(10);

/// What was proven last, and what came of the last look.
#[derive(Default)]
pub struct AgencyView(Mutex<Option<(Instant, Look)>>);

#[derive(Clone, Default)]
struct Look {
    proven: Option<Findings>,
    problem: Option<(Proof, String)>,
}

/// Everything that one look proved.
#[derive(Clone)]
struct Findings {
    /// The oldest checkpoint of the look: everything was so then or later.
    at: ProvenAt,
    document: Option<(u64, DidDocument)>,
    accreditation: Option<Grant>,
    accreditation_problem: Option<String>,
    anchors: Vec<Anchor>,
}

impl App {
    /// Describes the agency as the ledger proves it; where the ledger can't be asked, as it was proven last.
    pub async fn agency(&self) -> Result<Agency, StoreError> {
        let names = self.anchored_names().await?;
        let look = self
            .agency_view
            .look(&self.ledger.ledger, &self.ledger.did, &names, self.now())
            .await;
        let standing = self.publisher.standing();
        let publisher = PublisherState {
            pending: self.store.standing().await?.pending,
            problem: self.publisher.problem(),
            compared: standing != Standing::Unknown,
            conflicts: match standing {
                Standing::Conflicts(conflicts) => conflicts,
                _ => Vec::new(),
            },
        };
        let (proof, proof_problem) = match look.problem {
            None => (Proof::Proven, None),
            Some((proof, problem)) => (proof, Some(problem)),
        };
        // What an invalid answer contradicts isn't shown beside it.
        let found = look.proven.filter(|_| proof != Proof::Invalid);
        let now = self.now();
        Ok(Agency {
            did: self.ledger.did.to_string(),
            name: self.names.clone(),
            network: self.ledger.ledger.network().to_string(),
            public_url: self.public_url.clone(),
            proof,
            proof_problem,
            checkpoint: found.as_ref().map(|found| AgencyCheckpoint {
                height: found.at.height,
                at: found.at.time,
                age_seconds: now.saturating_sub(found.at.time),
            }),
            document_version: document(&found).map(|(version, _)| *version),
            keys: document(&found)
                .map(|(_, document)| keys(&self.ledger.did, document))
                .unwrap_or_default(),
            accreditation: found
                .as_ref()
                .and_then(|found| found.accreditation.as_ref())
                .map(accreditation),
            accreditation_problem: found
                .as_ref()
                .and_then(|found| found.accreditation_problem.clone()),
            anchors: found.map(|found| found.anchors).unwrap_or_default(),
            publisher,
        })
    }

    /// Names of everything that the agency anchors.
    async fn anchored_names(&self) -> Result<Vec<(AnchorKind, String)>, StoreError> {
        let mut names = Vec::new();
        for list in self.store.lists().await? {
            names.push((AnchorKind::StatusList, list.uri));
        }
        for (configuration, _) in &self.types {
            names.push((AnchorKind::Dictionary, configuration.vct().to_owned()));
        }
        Ok(names)
    }
}

fn document(found: &Option<Findings>) -> Option<&(u64, DidDocument)> {
    found.as_ref()?.document.as_ref()
}

fn keys(did: &Did, document: &DidDocument) -> Vec<AgencyKey> {
    let methods = document.verification_methods.iter();
    methods
        .map(|method| AgencyKey {
            id: format!("{did}#{}", method.fragment),
            purposes: method.purposes.iter().map(name_of).collect(),
            valid_from: method.valid_from,
            valid_until: method.valid_until,
        })
        .collect()
}

fn accreditation(grant: &Grant) -> Accreditation {
    Accreditation {
        types: grant.types.clone(),
        from: grant.from,
        until: grant.until,
        accreditor: grant.by.to_string(),
        name: grant.name.clone().into(),
    }
}

/// The name that the ledger's JSON has for a purpose or a kind.
fn name_of(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

impl AgencyView {
    /// Gives the last look again while it is fresh, or takes another; only one is on its way at a time.
    async fn look(
        &self,
        ledger: &Ledger,
        did: &Did,
        names: &[(AnchorKind, String)],
        now: u64,
    ) -> Look {
        let mut last = self.0.lock().await;
        if let Some((when, look)) = last.as_ref()
            && when.elapsed() < FRESH
        {
            return look.clone();
        }
        let found = tokio::time::timeout(PATIENCE, find(ledger, did, names, now)).await;
        let look = match found {
            Ok(Ok(found)) => Look {
                proven: Some(found),
                problem: None,
            },
            Ok(Err(error)) => {
                tracing::warn!(problem = %chain(&error), "the ledger didn't prove what it says of this agency");
                let proof = if error.is_false_answer() {
                    Proof::Invalid
                } else {
                    Proof::Unreachable
                };
                failed(last.take(), proof, error.code())
            }
            Err(_) => failed(last.take(), Proof::Unreachable, "ledger_unreachable"),
        };
        *last = Some((Instant::now(), look.clone()));
        look
    }
}

fn failed(before: Option<(Instant, Look)>, proof: Proof, code: &str) -> Look {
    Look {
        proven: before.and_then(|(_, look)| look.proven),
        problem: Some((proof, code.to_owned())),
    }
}

async fn find(
    ledger: &Ledger,
    did: &Did,
    names: &[(AnchorKind, String)],
    now: u64,
) -> Result<Findings, LedgerError> {
    let mut view = standing::Look::default();
    let document = match view.read(ledger, &RecordKey::Did(did.clone())).await? {
        Some(Record::Did(record)) => Some((record.version, record.document)),
        Some(_) => return Err(LedgerError::WrongRecord),
        None => None,
    };
    let (accreditation, accreditation_problem) =
        match view.accreditation(ledger, did, None, now).await? {
            Ok(chain) => (chain.grants.into_iter().next(), None),
            Err(problem) => (view.last_grant(did), Some(problem.code().to_owned())),
        };
    let mut anchors = Vec::new();
    for (kind, name) in names.iter().take(MAX_RECORDS) {
        let key = RecordKey::Anchor {
            issuer: did.clone(),
            kind: *kind,
            name: name.clone(),
        };
        match view.read(ledger, &key).await? {
            Some(Record::Anchor(anchor)) => anchors.push(Anchor {
                kind: name_of(kind),
                name: name.clone(),
                version: anchor.version,
                sha256: jumin_identity::b64url(&anchor.sha256),
                next_update: anchor.next_update,
            }),
            Some(_) => return Err(LedgerError::WrongRecord),
            None => {}
        }
    }
    let at = view.oldest.ok_or(LedgerError::UnknownDid)?;
    Ok(Findings {
        at,
        document,
        accreditation,
        accreditation_problem,
        anchors,
    })
}
