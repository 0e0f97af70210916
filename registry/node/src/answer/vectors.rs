//! Answers, true and altered, with what a check has to say of each: the explorer's page reads the same file.

use serde_json::{Value, json};

use super::altered::written;
use super::judge::{Question, Report, StepResult, judge};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/vectors/answers.json");

pub(super) fn judged(case: &Value, now: u64) -> Report {
    judge(&Question {
        trust: case["trust"].to_string().as_bytes(),
        answer: case["answer"].to_string().as_bytes(),
        key: &case["key"].as_str().unwrap().parse().unwrap(),
        now,
        max_age: None,
    })
}

pub(super) fn failure(report: &Report) -> Value {
    let failed = report.steps.iter().find_map(|step| match step.result {
        StepResult::Failed(code) => Some(json!({"step": step.name, "code": code})),
        _ => None,
    });
    failed.unwrap_or(Value::Null)
}

#[test]
fn committed_answers_are_judged_as_they_say() {
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&written()).unwrap();
        std::fs::write(PATH, format!("{text}\n")).unwrap();
    }
    let vectors: Value = serde_json::from_slice(&std::fs::read(PATH).unwrap()).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    assert!(cases.len() > 30, "{} cases", cases.len());
    for case in cases {
        let report = judged(case, vectors["now"].as_u64().unwrap());
        assert_eq!(failure(&report), case["failed"], "{}", case["name"]);
        assert_eq!(json!(report.proven()), case["proven"], "{}", case["name"]);
        let exists = report.proven().then_some(report.record.is_some());
        assert_eq!(json!(exists), case["exists"], "{}", case["name"]);
    }
}
