//! Makes answers about a ledger in memory, and alters them.

use jumin_identity::{b64url, b64url_decode};
use jumin_registry::testing::{TestAgency, TestLedger};
use jumin_registry::{AnchorKind, Checkpoint, NetworkTrust, ProvenRecord, RecordKey, Role};
use serde_json::{Value, json};

use super::vectors::{failure, judged};

const NOW: u64 = 1_800_000_000;
const CARD: &str = "urn:jumin:resident-card:1";

/// A ledger and what a node would answer about it.
struct Source {
    trust: Value,
    checkpoint: Checkpoint,
    handovers: Vec<String>,
}

impl Source {
    fn answer(&self, record: &ProvenRecord) -> Value {
        json!({
            "key": record.key,
            "value": record.value.as_deref().map(b64url),
            "proof": b64url(&record.proof),
            "checkpoint": b64url(&self.checkpoint.to_bytes()),
            "handovers": self.handovers,
        })
    }
}

struct Cases {
    cases: Vec<Value>,
}

impl Cases {
    /// Adds a case with what Rust says about it; `expected` is the step that fails and its code, none for a true answer.
    fn add(
        &mut self,
        name: &str,
        key: &RecordKey,
        trust: &Value,
        answer: Value,
        expected: Option<(&str, &str)>,
    ) {
        let case = json!({"name": name, "key": key.to_string(), "trust": trust, "answer": answer});
        let report = judged(&case, NOW + 10);
        let expected = expected.map(|(step, code)| json!({"step": step, "code": code}));
        assert_eq!(failure(&report), expected.unwrap_or_default(), "{name}");
        let mut case = case;
        case["failed"] = failure(&report);
        case["proven"] = json!(report.proven());
        case["exists"] = json!(report.proven().then_some(report.record.is_some()));
        self.cases.push(case);
    }
}

/// Changes the bytes of a member.
fn altered(answer: &Value, member: &str, change: impl Fn(&mut Vec<u8>)) -> Value {
    let mut bytes = b64url_decode(answer[member].as_str().unwrap()).unwrap();
    change(&mut bytes);
    with(answer, member, json!(b64url(&bytes)))
}

fn with(object: &Value, member: &str, value: Value) -> Value {
    let mut changed = object.clone();
    changed[member] = value;
    changed
}

fn flip(at: usize) -> impl Fn(&mut Vec<u8>) {
    move |bytes| bytes[at] ^= 1
}

struct Sample {
    ledger: TestLedger,
    office: TestAgency,
    did: RecordKey,
    accreditation: RecordKey,
}

fn sample(mut ledger: TestLedger) -> Sample {
    let office = ledger.agency();
    for _ in 0..6 {
        ledger.agency();
    }
    ledger.accredit(&office.did, Role::Issuer, &[CARD], NOW, NOW + 1000);
    let list = "https://issuer.example/status/1";
    ledger.anchor(&office, AnchorKind::StatusList, list, 1, [1; 32], None);
    Sample {
        did: RecordKey::Did(office.did.clone()),
        accreditation: RecordKey::Accreditation {
            subject: office.did.clone(),
            role: Role::Issuer,
        },
        office,
        ledger,
    }
}

fn source(trust: &NetworkTrust, checkpoint: Checkpoint) -> Source {
    Source {
        trust: json!(trust),
        checkpoint,
        handovers: Vec::new(),
    }
}

/// Makes all answers anew.
pub(super) fn written() -> Value {
    let mut cases = Cases { cases: Vec::new() };
    let mut sample = sample(TestLedger::with_validators("test", 4, NOW));
    let checkpoint = sample.ledger.checkpoint(NOW);
    let source = source(&sample.ledger.trust(), checkpoint);
    true_answers(&mut cases, &sample, &source);
    altered_certificates(&mut cases, &mut sample, &source);
    altered_proofs(&mut cases, &sample, &source);
    altered_forms(&mut cases, &sample, &source);
    other_networks(&mut cases, &sample, &source);
    changed_validators(&mut cases);
    json!({"now": NOW + 10, "cases": cases.cases})
}

fn true_answers(cases: &mut Cases, sample: &Sample, source: &Source) {
    let mut add = |name: &str, key: &RecordKey| {
        let answer = source.answer(&sample.ledger.prove(key));
        cases.add(name, key, &source.trust, answer, None);
    };
    add("did", &sample.did);
    add("accreditation", &sample.accreditation);
    add("governance", &RecordKey::Governance);
    add("validators", &RecordKey::Validators);
    add("absent_type", &RecordKey::CredentialType("urn:none".into()));
    for name in ["absent-a", "absent-b", "absent-c", "absent-d", "absent-e"] {
        add(name, &RecordKey::CredentialType(name.into()));
    }
    let absent = RecordKey::Accreditation {
        subject: sample.office.did.clone(),
        role: Role::Verifier,
    };
    add("absent_accreditation", &absent);
}

/// Bytes before the certificate: version, name's length, "test", three numbers, four digests.
const HEADER: usize = 2 + 4 + 3 * 8 + 4 * 32;
const STATE_ROOT: usize = 2 + 4 + 3 * 8 + 32;
const BITMAP: usize = HEADER + 3 * 8 + 2;

fn altered_certificates(cases: &mut Cases, sample: &mut Sample, source: &Source) {
    let key = sample.did.clone();
    let answer = source.answer(&sample.ledger.prove(&key));
    let mut add = |name: &str, change: &dyn Fn(&mut Vec<u8>), step: &str, code: &str| {
        let changed = altered(&answer, "checkpoint", change);
        cases.add(name, &key, &source.trust, changed, Some((step, code)));
    };
    let invalid = ("signatures", "signature_invalid");
    add("signature_altered", &flip(BITMAP + 1), invalid.0, invalid.1);
    add(
        "last_signature_altered",
        &flip(BITMAP + 1 + 3 * 64 - 1),
        invalid.0,
        invalid.1,
    );
    add(
        "state_root_altered",
        &flip(STATE_ROOT),
        invalid.0,
        invalid.1,
    );
    add(
        "time_altered",
        &flip(2 + 4 + 3 * 8 - 1),
        invalid.0,
        invalid.1,
    );
    add(
        "height_altered",
        &flip(2 + 4 + 2 * 8 - 1),
        invalid.0,
        invalid.1,
    );
    add("view_altered", &flip(HEADER + 15), invalid.0, invalid.1);
    add(
        "parent_view_altered",
        &flip(HEADER + 23),
        invalid.0,
        invalid.1,
    );
    add(
        "another_signer_named",
        &|bytes| bytes[BITMAP] = 0b1110,
        invalid.0,
        invalid.1,
    );
    add(
        "signatures_in_another_order",
        &|bytes| bytes[BITMAP + 1..].rotate_left(64),
        invalid.0,
        invalid.1,
    );
    add("network_altered", &flip(2), "checkpoint", "wrong_network");
    add(
        "certificate_epoch_altered",
        &flip(HEADER + 7),
        "checkpoint",
        "wrong_epoch",
    );
    add(
        "header_version_unknown",
        &flip(0),
        "checkpoint",
        "malformed",
    );
    add(
        "network_not_a_name",
        &|bytes| bytes[2] = b'T',
        "checkpoint",
        "malformed",
    );
    add(
        "committee_of_none",
        &|bytes| bytes[BITMAP - 1] = 0,
        "checkpoint",
        "malformed",
    );
    add(
        "signer_outside_the_committee",
        &|bytes| bytes[BITMAP] = 0b1_0011,
        "checkpoint",
        "malformed",
    );
    add(
        "committee_of_another_size",
        &|bytes| bytes[BITMAP - 1] = 5,
        "signatures",
        "not_this_committee",
    );
    add(
        "checkpoint_truncated",
        &|bytes| bytes.truncate(bytes.len() - 1),
        "checkpoint",
        "malformed",
    );
    add(
        "checkpoint_with_more_bytes",
        &|bytes| bytes.push(0),
        "checkpoint",
        "malformed",
    );
    add("checkpoint_empty", &Vec::clear, "checkpoint", "malformed");

    let few = Source {
        checkpoint: sample.ledger.finalize(&[0, 1]),
        trust: source.trust.clone(),
        handovers: Vec::new(),
    };
    let answer = few.answer(&sample.ledger.prove(&key));
    let expected = Some(("signatures", "too_few_signers"));
    cases.add("two_of_four_signed", &key, &source.trust, answer, expected);
    let all = Source {
        checkpoint: sample.ledger.finalize(&[0, 1, 2, 3]),
        trust: source.trust.clone(),
        handovers: Vec::new(),
    };
    let answer = all.answer(&sample.ledger.prove(&key));
    cases.add("all_signed", &key, &source.trust, answer, None);
}

fn altered_proofs(cases: &mut Cases, sample: &Sample, source: &Source) {
    let (key, trust) = (&sample.did, &source.trust);
    let answer = source.answer(&sample.ledger.prove(key));
    let other = source.answer(&sample.ledger.prove(&sample.accreditation));
    let absent = RecordKey::CredentialType("absent-a".into());
    let absence = source.answer(&sample.ledger.prove(&absent));
    let mut add = |name: &str, changed: Value, step: &str, code: &str| {
        cases.add(name, key, trust, changed, Some((step, code)));
    };
    let invalid = ("path", "proof_invalid");
    let end = b64url_decode(answer["proof"].as_str().unwrap())
        .unwrap()
        .len();
    add(
        "value_altered",
        altered(&answer, "value", flip(20)),
        invalid.0,
        invalid.1,
    );
    add(
        "value_withheld",
        with(&answer, "value", Value::Null),
        invalid.0,
        invalid.1,
    );
    add(
        "value_of_another_record",
        with(&answer, "value", other["value"].clone()),
        invalid.0,
        invalid.1,
    );
    add(
        "proof_of_another_record",
        with(&answer, "proof", other["proof"].clone()),
        invalid.0,
        invalid.1,
    );
    add(
        "sibling_altered",
        altered(&answer, "proof", flip(end - 1)),
        invalid.0,
        invalid.1,
    );
    let claimed = with(
        &with(&answer, "value", Value::Null),
        "proof",
        absence["proof"].clone(),
    );
    add(
        "absence_claimed_with_anothers_proof",
        claimed,
        invalid.0,
        invalid.1,
    );
    let own_leaf = with(
        &altered(&answer, "proof", |proof| proof[0] = 0),
        "value",
        Value::Null,
    );
    add(
        "absence_claimed_at_own_leaf",
        own_leaf,
        invalid.0,
        invalid.1,
    );
    add(
        "proof_truncated",
        altered(&answer, "proof", |proof| proof.truncate(end - 1)),
        "path",
        "malformed",
    );
    add(
        "proof_with_more_bytes",
        altered(&answer, "proof", |proof| proof.push(0)),
        "path",
        "malformed",
    );
    add(
        "proof_empty",
        altered(&answer, "proof", Vec::clear),
        "path",
        "malformed",
    );
    add(
        "end_of_path_unknown",
        altered(&answer, "proof", |proof| proof[0] = 3),
        "path",
        "malformed",
    );
    let unused = altered(&answer, "proof", |proof| proof[2] |= 0x80);
    add("unused_bit_of_siblings_set", unused, "path", "malformed");
    let bad = with(&absence, "key", json!(key.to_string()));
    let expected = Some(("path", "proof_invalid"));
    let length = b64url_decode(absence["proof"].as_str().unwrap())
        .unwrap()
        .len();
    let wrong = altered(&absence, "proof", flip(length - 1));
    cases.add("absence_altered", &absent, trust, wrong, expected);
    cases.add("absence_of_another_record", key, trust, bad, expected);
}

fn altered_forms(cases: &mut Cases, sample: &Sample, source: &Source) {
    let (key, trust) = (&sample.did, &source.trust);
    let answer = source.answer(&sample.ledger.prove(key));
    let other = source.answer(&sample.ledger.prove(&sample.accreditation));
    let mut add = |name: &str, changed: Value, step: &str, code: &str| {
        cases.add(name, key, trust, changed, Some((step, code)));
    };
    add("answer_about_another_record", other, "answer", "wrong_key");
    add("answer_not_an_object", json!([]), "answer", "malformed");
    add(
        "proof_not_base64url",
        with(&answer, "proof", json!("AQ=")),
        "answer",
        "malformed",
    );
    add(
        "checkpoint_missing",
        with(&answer, "checkpoint", Value::Null),
        "answer",
        "malformed",
    );
    add(
        "handover_not_one",
        with(&answer, "handovers", json!(["AAAA"])),
        "handovers",
        "malformed",
    );
}

fn other_networks(cases: &mut Cases, sample: &Sample, source: &Source) {
    let key = &sample.did;
    let answer = source.answer(&sample.ledger.prove(key));
    let mut add = |name: &str, trust: Value, step: &str, code: &str| {
        cases.add(name, key, &trust, answer.clone(), Some((step, code)));
    };
    let trust = &source.trust;
    let validators = trust["validators"].as_array().unwrap();
    let other = json!(TestLedger::with_validators("test", 7, NOW).trust());
    add(
        "trust_of_another_network",
        with(trust, "network", json!("other")),
        "checkpoint",
        "wrong_network",
    );
    add(
        "trust_of_another_genesis",
        with(trust, "genesis", json!(b64url(&[7; 32]))),
        "signatures",
        "signature_invalid",
    );
    add(
        "trust_of_other_validators",
        other,
        "signatures",
        "not_this_committee",
    );
    let strangers: Vec<_> = (1..5_u8).map(|seed| b64url(&[seed; 32])).collect();
    add(
        "trust_of_strangers",
        with(trust, "validators", json!(strangers)),
        "signatures",
        "signature_invalid",
    );
    add(
        "trust_of_a_later_epoch",
        with(trust, "epoch", json!(1)),
        "checkpoint",
        "wrong_epoch",
    );
    let reversed: Vec<_> = validators.iter().rev().collect();
    add(
        "trust_not_ascending",
        with(trust, "validators", json!(reversed)),
        "trust",
        "malformed",
    );
    let twice = [&validators[0], &validators[0]];
    add(
        "trust_with_a_validator_twice",
        with(trust, "validators", json!(twice)),
        "trust",
        "malformed",
    );
    add(
        "trust_without_validators",
        with(trust, "validators", json!([])),
        "trust",
        "malformed",
    );
    add(
        "trust_with_more_members",
        with(trust, "more", json!(1)),
        "trust",
        "malformed",
    );
    let old = NOW - 181 * 86_400;
    add(
        "trust_expired",
        with(trust, "as_of", json!(old)),
        "trust",
        "trust_expired",
    );
}

fn changed_validators(cases: &mut Cases) {
    let mut sample = sample(TestLedger::with_epochs("test", &[1, 2, 3, 4], 40, NOW));
    let first = sample.ledger.trust();
    let handovers = [
        sample.ledger.hand_over(&[1, 2, 3, 4, 9]),
        sample.ledger.hand_over(&[2, 3, 4, 9]),
    ];
    let encoded: Vec<_> = handovers
        .iter()
        .map(|one| b64url(&one.to_bytes()))
        .collect();
    let checkpoint = sample.ledger.checkpoint(NOW);
    let source = Source {
        trust: json!(first),
        checkpoint,
        handovers: encoded.clone(),
    };
    let (key, trust) = (&sample.accreditation, &source.trust);
    let answer = source.answer(&sample.ledger.prove(key));
    cases.add(
        "two_changes_of_validators",
        key,
        trust,
        answer.clone(),
        None,
    );
    let mut add = |name: &str, handovers: Value, step: &str, code: &str| {
        let changed = with(&answer, "handovers", handovers);
        cases.add(name, key, trust, changed, Some((step, code)));
    };
    let altered = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = handovers[0].to_bytes();
        change(&mut bytes);
        json!([b64url(&bytes), encoded[1]])
    };
    let last = handovers[0].to_bytes().len() - 1;
    add(
        "handover_out_of_order",
        json!([encoded[1], encoded[0]]),
        "handovers",
        "unordered",
    );
    add(
        "handover_twice",
        json!([encoded[0], encoded[0]]),
        "handovers",
        "unordered",
    );
    add(
        "handover_to_others_than_committed_to",
        altered(&flip(last)),
        "handovers",
        "not_this_committee",
    );
    add(
        "handover_of_altered_header",
        altered(&flip(4 + STATE_ROOT)),
        "handovers",
        "signature_invalid",
    );
    add(
        "handover_with_half_a_key",
        altered(&|bytes| bytes.truncate(last)),
        "handovers",
        "malformed",
    );
    add(
        "first_handover_left_out",
        json!([encoded[1]]),
        "handovers",
        "not_this_committee",
    );
    add(
        "last_handover_left_out",
        json!([encoded[0]]),
        "signatures",
        "not_this_committee",
    );
    add(
        "handovers_left_out",
        json!([]),
        "signatures",
        "signature_invalid",
    );
}
