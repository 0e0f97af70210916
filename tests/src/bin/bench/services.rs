use anyhow::Result;
use jumin_tests::Stack;

use crate::measure::Table;
use crate::{counter, issuance, ledger};

const VALIDATORS: usize = 4;

/// Measures four validators, an issuer and a counter's check, over HTTP.
pub fn measure(table: &mut Table) -> Result<()> {
    let stack = Stack::with_validators(VALIDATORS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    ledger::measure_proof(&stack, table)?;
    let (credential, holder) = issuance::measure(&stack, &runtime, table)?;
    counter::measure_check(&stack, &credential, &holder, table)
}
