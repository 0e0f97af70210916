//! The types of the desk's page, as TypeScript.

use jumin_verifier::{Assurance, Step, Verdict};
use ts_rs::{Config, TS};

use crate::agencies::AgencyTrouble;
use crate::clerk::{ClerkDecision, Ruling};
use crate::desk::{Mode, Started};
use crate::outcome::Outcome;
use crate::parties::Trouble;
use crate::routes::{RequestState, RequestView, ScanAnswer, ScanProgress};
use crate::services::{AskedClaim, ServiceInfo};
use crate::standing::Standing;
use crate::status::{ClockState, Freshness, OfficeStatus, ServiceFreshness};
use crate::sync::{Network, SyncReport};

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../ui/shared/src/types/counter.ts"
);
const FOREIGN: &str = "\
export interface Localized { ko: string; en: string }
/** A QR code: modules a side, and the dark ones as one SVG path. */
export interface CodeDrawing { modules: number; path: string }
/** RFC 9457; `code` is stable. */
export interface Problem { status: number; code: string; title: string; detail: string }
/** `name` is none where the issuer is not accredited. */
export interface IssuerName { did: string; name: Localized | null }
export type StepOutcome = 'passed' | 'failed' | 'not_checked'
export interface StepReport { step: Step; outcome: StepOutcome }
/** The evidence, and how old it was. */
export interface Checked {
  checkpoint_height: number | null; checkpoint_age_seconds: number | null
  status_list_version: number | null; status_list_age_seconds: number | null; network: Network
  /** What is wrong with the issuer's server, where its list is missing. */
  issuer_trouble: Trouble | null
}
";

fn union(name: &str, codes: impl Iterator<Item = String>) -> String {
    format!(
        "export type {name} = {}\n",
        codes.collect::<Vec<_>>().join(" | ")
    )
}

fn rendered() -> String {
    let config = Config::new().with_large_int("number");
    let mut text =
        "// Generated from the Rust DTOs of `verifier/counter`; its test writes and checks this file.\n\n"
            .to_owned();
    text.push_str(FOREIGN);
    let quoted = |code: &str| format!("'{code}'");
    text.push_str(&union(
        "Verdict",
        Verdict::ALL.iter().map(|v| quoted(v.code())),
    ));
    let step = |step: &Step| serde_json::to_string(step).unwrap().replace('"', "'");
    text.push_str(&union("Step", Step::ALL.iter().map(step)));
    let assurances = [Assurance::Strict, Assurance::OneWay, Assurance::Online];
    text.push_str(&union(
        "Assurance",
        assurances.iter().map(|a| quoted(a.code())),
    ));
    for declaration in [
        Network::decl(&config),
        Trouble::decl(&config),
        AgencyTrouble::decl(&config),
        Mode::decl(&config),
        Started::decl(&config),
        RequestState::decl(&config),
        RequestView::decl(&config),
        Outcome::decl(&config),
        ScanProgress::decl(&config),
        ScanAnswer::decl(&config),
        Ruling::decl(&config),
        ClerkDecision::decl(&config),
        AskedClaim::decl(&config),
        ServiceInfo::decl(&config),
        ClockState::decl(&config),
        Freshness::decl(&config),
        Standing::decl(&config),
        ServiceFreshness::decl(&config),
        OfficeStatus::decl(&config),
        SyncReport::decl(&config),
    ] {
        text.push_str(&format!("export {declaration}\n"));
    }
    text
}

#[test]
fn the_pages_types_are_those_of_the_api() {
    let now = rendered();
    if std::env::var_os("UPDATE_TYPES").is_some() {
        std::fs::write(FILE, &now).unwrap();
    }
    let committed = std::fs::read_to_string(FILE).unwrap_or_default();
    assert_eq!(committed, now, "run the test with UPDATE_TYPES=1");
}
