//! Writes the page's types from the answers' own.

use ts_rs::{Config, TS};

use super::accreditations::{AccreditationView, Accreditations};
use super::blocks::{BlockPage, BlockSummary, Blocks, Signer};
use super::dids::{AnchorView, DidPage, HistoryEntry, HistoryPage, Version};
use super::operation::{GrantView, Localized, OperationView};
use super::operations::OperationPage;
use super::overview::{CheckpointView, ExplorerOverview, Minute};
use super::validators::{ValidatorView, Validators};
use crate::api::records::{Handovers, Proved};

const HEADER: &str = "// Generated from the Rust DTOs of `registry/node`; its test writes (UPDATE_TYPES=1) and checks this file.\n";

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
        Minute,
        CheckpointView,
        ExplorerOverview,
        ValidatorView,
        Validators,
        BlockSummary,
        Blocks,
        Signer,
        OperationView,
        BlockPage,
        OperationPage,
        GrantView,
        AccreditationView,
        Accreditations,
        AnchorView,
        Version,
        DidPage,
        HistoryEntry,
        HistoryPage,
        Proved,
        Handovers,
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
        "/../../ui/shared/src/types/explorer.ts"
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
