use jumin_identity::b64url_decode;
use jumin_registry::{
    Checkpoint, CheckpointError, Handover, NetworkTrust, ProvenRecord, Record, RecordKey,
    VerifiedCheckpoint, quorum, verify_proof,
};
use serde::Deserialize;
use serde_json::Value;

const MALFORMED: &str = "malformed";

/// What is to be checked, and by what.
pub(super) struct Question<'a> {
    /// The trust file, as read.
    pub trust: &'a [u8],
    /// The answer, as read.
    pub answer: &'a [u8],
    /// The record that the caller asks for.
    pub key: &'a RecordKey,
    /// Unix seconds.
    pub now: u64,
    /// In seconds; `None` for any age.
    pub max_age: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StepResult {
    Ok,
    /// With a stable code.
    Failed(&'static str),
    NotReached,
}

/// One step and what it found.
#[derive(Debug)]
pub(super) struct Step {
    pub name: &'static str,
    pub result: StepResult,
    pub note: String,
}

/// All steps, in the order in which they build on each other.
#[derive(Default, Debug)]
pub(super) struct Report {
    pub steps: Vec<Step>,
    pub record: Option<Record>,
    pub height: u64,
}

impl Report {
    /// Tells whether every step holds.
    pub(super) fn proven(&self) -> bool {
        self.steps.iter().all(|step| step.result == StepResult::Ok)
    }
}

#[derive(Deserialize)]
struct Answer {
    key: String,
    value: Option<String>,
    proof: String,
    checkpoint: String,
    #[serde(default)]
    handovers: Vec<String>,
}

/// An answer in bytes, nothing checked.
struct Parsed {
    value: Option<Vec<u8>>,
    proof: Vec<u8>,
    checkpoint: Vec<u8>,
    handovers: Vec<Vec<u8>>,
}

const STEPS: [&str; 8] = [
    "trust",
    "answer",
    "handovers",
    "checkpoint",
    "signatures",
    "age",
    "path",
    "value",
];

/// Checks step by step; what comes after a step that fails is not reached.
pub(super) fn judge(question: &Question<'_>) -> Report {
    let mut report = Report::default();
    // The report says how far it came.
    let _ = walk(question, &mut report);
    let reached = report.steps.len();
    report
        .steps
        .extend(STEPS.iter().skip(reached).map(|name| Step {
            name,
            result: StepResult::NotReached,
            note: String::new(),
        }));
    report
}

/// Writes a step down; a failed one ends the walk.
fn step<T>(
    report: &mut Report,
    found: Result<T, &'static str>,
    note: impl FnOnce(&T) -> String,
) -> Option<T> {
    let name = STEPS.get(report.steps.len()).copied().unwrap_or_default();
    let (result, note) = match &found {
        Ok(value) => (StepResult::Ok, note(value)),
        Err(code) => (StepResult::Failed(code), String::new()),
    };
    report.steps.push(Step { name, result, note });
    found.ok()
}

fn walk(question: &Question<'_>, report: &mut Report) -> Option<()> {
    let trust = step(report, trusted(question), |trust| {
        let validators = trust.validators.len();
        format!("network {}, {validators} validators", trust.network)
    })?;
    let answer = step(report, parse(question), |_| question.key.to_string())?;
    let followed = step(report, follow(&trust, &answer), |(_, count)| {
        format!("{count} changes of validators followed")
    })?;
    let trust = followed.0;
    let checkpoint = Checkpoint::from_bytes(&answer.checkpoint);
    let verified = match &checkpoint {
        Ok(checkpoint) => checkpoint.verify(&trust),
        Err(error) => Err(*error),
    };
    let placed = match &verified {
        Err(error) if !is_of_signatures(error) => Err(error.code()),
        _ => checkpoint.map_err(|error| error.code()),
    };
    let checkpoint = step(report, placed, |one| {
        format!("block {}, epoch {}", one.header.height, one.header.epoch)
    })?;
    let (signed, total) = (
        checkpoint.certificate.signatures.len(),
        trust.validators.len(),
    );
    let verified = step(report, verified.map_err(|error| error.code()), |_| {
        let needed = quorum(total);
        format!("{signed} of {total} validators signed, {needed} are needed")
    })?;
    report.height = verified.height();
    let age = verified.age_seconds(question.now);
    step(report, recent(question, &verified), |()| {
        format!("{age} seconds old")
    })?;
    let (root, hash) = (verified.state_root(), question.key.hash());
    let proven = verify_proof(root, &hash, answer.value.as_deref(), &answer.proof);
    step(report, proven.map_err(|error| error.code()), |()| {
        format!("{} bytes lead to the state root", answer.proof.len())
    })?;
    let record = ProvenRecord {
        key: question.key.clone(),
        value: answer.value,
        proof: answer.proof,
    };
    let record = record.verify(question.key, &verified);
    let record = step(report, record.map_err(|error| error.code()), |record| {
        let found = record.is_some();
        if found {
            "the record exists"
        } else {
            "there is no such record"
        }
        .to_owned()
    })?;
    report.record = record;
    Some(())
}

fn trusted(question: &Question<'_>) -> Result<NetworkTrust, &'static str> {
    let trust = NetworkTrust::from_json(question.trust).map_err(|error| error.code())?;
    let recent = trust.require_recent(question.now);
    recent.map_err(|error| error.code())?;
    Ok(trust)
}

fn parse(question: &Question<'_>) -> Result<Parsed, &'static str> {
    let answer: Answer = serde_json::from_slice(question.answer).map_err(|_| MALFORMED)?;
    let bytes = |text: &String| b64url_decode(text).map_err(|_| MALFORMED);
    let parsed = Parsed {
        value: answer.value.as_ref().map(bytes).transpose()?,
        proof: bytes(&answer.proof)?,
        checkpoint: bytes(&answer.checkpoint)?,
        handovers: answer
            .handovers
            .iter()
            .map(bytes)
            .collect::<Result<_, _>>()?,
    };
    // An absence proof holds for whatever is absent: only the caller's own question counts.
    if answer.key == question.key.to_string() {
        Ok(parsed)
    } else {
        Err("wrong_key")
    }
}

fn follow(trust: &NetworkTrust, answer: &Parsed) -> Result<(NetworkTrust, usize), &'static str> {
    let handovers = answer.handovers.iter();
    let handovers = handovers.map(|bytes| Handover::from_bytes(bytes));
    let handovers: Vec<_> = handovers
        .collect::<Result<_, _>>()
        .map_err(|error| error.code())?;
    let followed = trust.follow_all(&handovers);
    let followed = followed.map_err(|error| error.code())?;
    let ahead = |one: &&Handover| one.checkpoint.header.epoch >= trust.epoch;
    Ok((followed, handovers.iter().filter(ahead).count()))
}

fn is_of_signatures(error: &CheckpointError) -> bool {
    matches!(
        error,
        CheckpointError::NotThisCommittee
            | CheckpointError::TooFewSigners
            | CheckpointError::SignatureInvalid
    )
}

fn recent(question: &Question<'_>, checkpoint: &VerifiedCheckpoint) -> Result<(), &'static str> {
    let Some(max) = question.max_age else {
        return Ok(());
    };
    let fresh = checkpoint.require_fresh(question.now, max, max);
    fresh.map_err(|stale| stale.code())
}

/// The epoch of an encoded handover.
pub(super) fn last_epoch(handover: &Value) -> Option<u64> {
    let bytes = b64url_decode(handover.as_str()?).ok()?;
    Some(Handover::from_bytes(&bytes).ok()?.checkpoint.header.epoch)
}
