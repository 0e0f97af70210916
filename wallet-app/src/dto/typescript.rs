//! Writes the page's types from the DTOs, and checks that the committed ones are these.

use std::path::Path;

use ts_rs::{Config, TS};

use super::activity::*;
use super::ask::*;
use super::document::*;
use super::groups::ClaimGroup;
use super::state::*;
use super::*;

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../ui/shared/src/types/wallet.ts"
);
const HEAD: &str = "// Generated from the Rust DTOs of `wallet-app/src/dto`; its test writes and checks this file.\n";

fn rendered() -> String {
    let config = Config::new().with_large_int("number");
    let mut out = HEAD.to_owned();
    let codes = error::CODES.iter().map(|code| format!("  '{code}',\n"));
    out += "\n/** Are all codes of `CommandError`. */\nexport const errorCodes = [\n";
    out.extend(codes);
    out += "] as const\nexport type ErrorCode = (typeof errorCodes)[number]\n";
    macro_rules! declare {
        ($($name:ty),* $(,)?) => {
            $(
                let docs = <$name>::docs().unwrap_or_default();
                let docs = docs.trim();
                out += &format!("\n{docs}{}export {}\n", if docs.is_empty() { "" } else { "\n" }, <$name>::decl(&config));
            )*
        };
    }
    declare!(
        Localized,
        CodeDrawing,
        CommandError,
        Language,
        Theme,
        Preferences,
        WalletState,
        Protection,
        AppState,
        Checked,
        About,
        Verification,
        DocumentStatus,
        CardLine,
        CardFace,
        DocumentSummary,
        ClaimValue,
        Claim,
        ClaimGroup,
        ActivityKind,
        ActivityParty,
        Activity,
        DocumentDetail,
        Party,
        TransactionCode,
        OfferedDocument,
        Offer,
        ConsentDocument,
        Mode,
        Consent,
        Answer,
        Scan,
        Agency,
        Service,
    );
    let lines = out.lines().map(str::trim_end);
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[test]
fn types_of_the_page_are_generated_from_these() {
    let rendered = rendered();
    if std::env::var_os("UPDATE_TYPES").is_some() {
        std::fs::write(Path::new(FILE), &rendered).unwrap();
    }
    let committed = std::fs::read_to_string(FILE).unwrap();
    assert!(
        committed == rendered,
        "ui/shared/src/types/wallet.ts is out of date: run this test with UPDATE_TYPES=1"
    );
}
