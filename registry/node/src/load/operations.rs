use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use clap::Args;
use jumin_http::Client;
use jumin_identity::random_bytes;
use jumin_registry::{AnchorKind, RecordKey, SignedOperation, client::LedgerClient};
use tokio::task::JoinSet;

use super::agencies::{Agency, Governors, make};
use super::figures::{Refusals, Stopwatch, Times};
use super::submit::{Submitter, reach};
use super::{Amount, Target};

const MAX_AGENCIES: usize = 10_000;

/// Loads a network with operations.
#[derive(Args)]
pub struct Operations {
    #[command(flatten)]
    target: Target,
    /// The governors' private keys, as many as must sign.
    #[arg(long, required = true)]
    governor: Vec<PathBuf>,
    /// How many agencies write.
    #[arg(long, default_value_t = 50)]
    agencies: usize,
    /// How many of the operations reported finalized are proven at the end, spread evenly; all unless given.
    #[arg(long)]
    prove_at_most: Option<u64>,
    /// Writes the keys of some of the records here, for `load reads`.
    #[arg(long)]
    keys_out: Option<PathBuf>,
}

/// An operation that a node reported finalized.
struct Reported {
    number: u64,
    height: u64,
}

/// What one client saw.
#[derive(Default)]
struct Seen {
    times: Times,
    refusals: Refusals,
    reported: Vec<Reported>,
}

/// How each number becomes an operation, in this run and when it is read back.
struct Plan {
    run: String,
    agencies: Vec<Arc<Agency>>,
}

impl Plan {
    fn agency(&self, number: u64) -> &Agency {
        &self.agencies[usize::try_from(number).unwrap_or_default() % self.agencies.len()]
    }

    fn name(&self, number: u64) -> String {
        format!("https://load.invalid/{}/{number}", self.run)
    }

    fn operation(&self, number: u64) -> anyhow::Result<SignedOperation> {
        self.agency(number).anchor(&self.name(number))
    }

    fn key(&self, number: u64) -> RecordKey {
        RecordKey::Anchor {
            issuer: self.agency(number).did.clone(),
            kind: AnchorKind::StatusList,
            name: self.name(number),
        }
    }
}

impl Operations {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        self.target.check()?;
        ensure!(
            (1..=MAX_AGENCIES).contains(&self.agencies),
            "--agencies is 1 to {MAX_AGENCIES}"
        );
        let http = Client::new()?;
        let reader = Arc::new(self.target.reader(&http)?);
        let governors = Arc::new(Governors::load(&self.governor, &reader).await?);
        let (agencies, last) = make(self.agencies, &self.target, &http, governors).await?;
        let run = u64::from_be_bytes(random_bytes());
        let plan = Arc::new(Plan {
            run: format!("{run:016x}"),
            agencies,
        });

        reach(&http, &self.target.node, last).await?;
        let stopwatch = Stopwatch::start();
        let seen = self.write(&http, &plan).await?;
        let mut figures = stopwatch.figures("operations finalized", seen.times);
        figures.refusals = seen.refusals;
        figures.clients = self.target.clients;
        figures.validators = reader.followed().validators.len();
        if let Some(file) = &self.keys_out {
            write_keys(file, &plan, &seen.reported)?;
        }
        let sample = sample(&seen.reported, self.prove_at_most);
        (figures.proven, figures.broken) =
            prove(&plan, &reader, &sample, self.target.clients).await?;
        figures.print(self.target.json)?;
        ensure!(
            figures.broken == 0,
            "{} operations were reported finalized and are not on the ledger",
            figures.broken
        );
        Ok(())
    }

    async fn write(&self, http: &Client, plan: &Arc<Plan>) -> anyhow::Result<Seen> {
        let amount = Arc::new(self.target.amount());
        let mut writers = JoinSet::new();
        for client in 0..self.target.clients {
            let submitter = Submitter::new(http.clone(), &self.target.node, client);
            writers.spawn(write_some(submitter, plan.clone(), amount.clone()));
        }
        let mut all = Seen::default();
        while let Some(seen) = writers.join_next().await {
            let seen = seen??;
            all.times.extend(seen.times);
            all.reported.extend(seen.reported);
            for (code, count) in seen.refusals {
                *all.refusals.entry(code).or_default() += count;
            }
        }
        Ok(all)
    }
}

async fn write_some(
    mut submitter: Submitter,
    plan: Arc<Plan>,
    amount: Arc<Amount>,
) -> anyhow::Result<Seen> {
    let mut reported = Vec::new();
    while let Some(number) = amount.take() {
        let operation = plan.operation(number)?;
        if let Some(height) = submitter.finalize(&operation).await {
            reported.push(Reported { number, height });
        }
    }
    Ok(Seen {
        times: submitter.times,
        refusals: submitter.refusals,
        reported,
    })
}

/// The operations to prove: all, or so many of them at even distances.
fn sample(reported: &[Reported], at_most: Option<u64>) -> Vec<(u64, u64)> {
    let most = at_most.and_then(|most| usize::try_from(most).ok());
    let step = reported
        .len()
        .div_ceil(most.unwrap_or(usize::MAX).max(1))
        .max(1);
    let some = reported.iter().step_by(step);
    some.map(|one| (one.number, one.height)).collect()
}

/// Reads operations back with their proofs; gives how many hold and how many don't.
async fn prove(
    plan: &Arc<Plan>,
    reader: &Arc<LedgerClient>,
    sample: &[(u64, u64)],
    at_once: usize,
) -> anyhow::Result<(u64, u64)> {
    let mut provers = JoinSet::new();
    let share = sample.len().div_ceil(at_once).max(1);
    for some in sample.chunks(share).map(<[_]>::to_vec) {
        let (plan, reader) = (plan.clone(), reader.clone());
        provers.spawn(async move {
            let (mut proven, mut broken) = (0, 0);
            for (number, height) in some {
                match holds(&plan, &reader, number, height).await? {
                    true => proven += 1,
                    false => broken += 1,
                }
            }
            anyhow::Ok((proven, broken))
        });
    }
    let (mut proven, mut broken) = (0, 0);
    while let Some(counted) = provers.join_next().await {
        let counted = counted??;
        proven += counted.0;
        broken += counted.1;
    }
    Ok((proven, broken))
}

/// Tells whether the ledger provably shows an operation, at the height that was reported or later.
async fn holds(
    plan: &Plan,
    reader: &LedgerClient,
    number: u64,
    height: u64,
) -> anyhow::Result<bool> {
    let operation = plan.operation(number)?;
    loop {
        let found = reader.record(&plan.key(number)).await;
        let found = found.context("cannot read an operation's record back")?;
        if let Some(record) = found.record {
            return Ok(operation.is_reflected_in(&record));
        }
        // A node that is behind says nothing against the operation.
        if found.checkpoint.height() >= height {
            return Ok(false);
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
}

/// How many keys are written for `load reads`.
const MAX_KEYS: u64 = 100_000;

fn write_keys(file: &PathBuf, plan: &Plan, reported: &[Reported]) -> anyhow::Result<()> {
    let mut text = Vec::new();
    for agency in &plan.agencies {
        writeln!(text, "{}", RecordKey::Did(agency.did.clone()))?;
    }
    for (number, _) in sample(reported, Some(MAX_KEYS)) {
        writeln!(text, "{}", plan.key(number))?;
    }
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sample_is_spread_evenly_and_whole_when_nothing_bounds_it() {
        let reported: Vec<_> = (0..10)
            .map(|number| Reported { number, height: 1 })
            .collect();
        let numbers = |at_most| -> Vec<u64> {
            let some = sample(&reported, at_most);
            some.iter().map(|(number, _)| *number).collect()
        };
        assert_eq!(numbers(Some(4)), [0, 3, 6, 9]);
        assert_eq!(numbers(None).len(), 10);
        assert_eq!(numbers(Some(100)).len(), 10);
        assert_eq!(numbers(Some(0)), [0]);
        assert!(sample(&[], None).is_empty());
    }
}
