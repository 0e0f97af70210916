//! Writes the page's types from the answers' own.

use ts_rs::{Config, TS};

use super::agency_answer::{Accreditation, Agency, AgencyKey, Anchor, Localized};
use super::overview::{DayCount, Overview};
use super::{AuditEntry, ChangeAnswer, CodeDrawing, CredentialDetail, OfferAnswer, Session};
use crate::compare::Conflict;
use crate::register::{Address, Household, Name, NameChange, Resident, Stay};
use crate::routes::ResidentDetail;
use crate::store::{
    AuditReport, Block, CredentialRow, CredentialStatus, OfferState, OfferSummary, ResidentSummary,
    StatusChange,
};

const HEADER: &str = "// Generated from the Rust DTOs of `issuer`; its test writes (UPDATE_TYPES=1) and checks this file.\n";

/// An error answer (RFC 9457), as `jumin_http::Problem` writes it.
#[derive(TS)]
#[expect(dead_code, reason = "only its type is written")]
struct Problem {
    status: u16,
    /// Stable.
    code: String,
    title: String,
    detail: String,
}

macro_rules! declarations {
    ($config:expr, $($type:ty),* $(,)?) => {
        [$(format!("{}export {}\n", documentation(<$type>::docs()), <$type>::decl($config))),*]
    };
}

fn documentation(docs: Option<String>) -> String {
    docs.map(|docs| format!("{}\n", docs.trim_end()))
        .unwrap_or_default()
}

fn rendered() -> String {
    let config = Config::default().with_large_int("number");
    let declarations = declarations!(
        &config,
        Localized,
        CodeDrawing,
        Problem,
        Session,
        ResidentSummary,
        Name,
        Address,
        Stay,
        NameChange,
        Resident,
        Household,
        CredentialStatus,
        CredentialRow,
        Block,
        StatusChange,
        CredentialDetail,
        ChangeAnswer,
        OfferState,
        OfferSummary,
        OfferAnswer,
        ResidentDetail,
        DayCount,
        Overview,
        AuditEntry,
        AuditReport,
        AgencyKey,
        Accreditation,
        Anchor,
        Conflict,
        Agency,
    );
    let text = format!("{HEADER}\n{}", declarations.join("\n"));
    text.lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect()
}

#[test]
fn committed_types_are_those_of_the_answers() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../ui/shared/src/types/console.ts"
    );
    let rendered = rendered();
    if std::env::var_os("UPDATE_TYPES").is_some() {
        std::fs::write(path, &rendered).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap();
    assert!(
        committed == rendered,
        "run the test with UPDATE_TYPES=1 and commit {path}"
    );
}
