//! Runs whole networks of the real node, with real ledgers and the real engine, on a simulated clock, network and disks.
//!
//! A seed decides everything: the [`scenario`], every delay and every fault. A run that breaks a rule can be repeated to the
//! bit by its seed. `town` holds a run's nodes, `trouble` lets things fail, `checker` and `reader` say what must hold.

mod checker;
mod checks;
mod context;
mod copies;
mod dice;
mod disk;
mod hub;
mod keys;
mod node;
mod ports;
mod reader;
mod scenario;
mod tests;
mod town;
mod trouble;
mod workload;
mod world;
mod years;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::time::Duration;

use commonware_runtime::{Runner as _, deterministic};

use checker::Violation;
pub(crate) use disk::Disk;
use scenario::Scenario;
use town::Town;
use trouble::Trouble;

use crate::mempool::Outcome;

/// Simulated time within which everybody must have a new operation once faults are over.
const LIVENESS: Duration = Duration::from_secs(120);
/// Simulated time after which a run is stuck.
const STUCK: Duration = Duration::from_secs(3_600);

/// What a run was like.
#[derive(Default)]
struct Report {
    injected: BTreeMap<&'static str, usize>,
    blocks: u64,
    epochs: u64,
    operations: usize,
    proofs: usize,
    forgeries: usize,
    states: HashSet<[u8; 32]>,
    /// Simulated milliseconds until everybody had a new operation.
    recovery_ms: u64,
    /// The run-time's digest of all that happened.
    audit: String,
}

/// Runs a scenario to its end.
fn run(scenario: Scenario) -> Result<Report, Violation> {
    play(scenario, async |town| {
        let mut trouble = Trouble::default();
        trouble.make(town).await?;
        trouble.end(town).await;
        let recovery_ms = recover(town, &mut trouble).await?;
        conclude(town, &trouble)?;
        town.check_blocked().await?;
        Ok(town.report(recovery_ms))
    })
}

/// Founds a scenario's network and plays what is to happen to it.
fn play<T>(
    scenario: Scenario,
    script: impl AsyncFnOnce(&mut Town) -> Result<T, Violation>,
) -> Result<T, Violation> {
    let config = deterministic::Config::new()
        .with_seed(scenario.seed)
        .with_start_time(town::beginning())
        .with_timeout(Some(STUCK));
    deterministic::Runner::new(config).start(|context| async move {
        let mut town = Town::found(context, scenario).await;
        script(&mut town).await
    })
}

/// Requires the honest validators to finalize new operations, and to come to one state with nothing left to do.
async fn recover(town: &mut Town, trouble: &mut Trouble) -> Result<u64, Violation> {
    let begin = town.now_ms();
    let mut fresh = Vec::new();
    for index in validators(town) {
        // What a node with a wrong clock could not send on waits there: nobody votes for its blocks.
        if town.nodes[index].fault.is_some() {
            continue;
        }
        let flight = town.workload.fresh();
        let now = town
            .now_ms()
            .saturating_add_signed(town.nodes[index].ahead());
        let answer = town.nodes[index].submit(&flight.bytes, now);
        answer.map_err(|code| format!("a new operation was refused: {code}"))?;
        fresh.push(flight.hash);
    }
    loop {
        town.wait(Duration::from_millis(200)).await;
        trouble.deceive(town);
        town.check(false)?;
        let all = validators(town);
        let known = |index: &usize| {
            let node = &town.nodes[*index];
            let may_wait = node.fault.is_some();
            node.ledger().is_some_and(|ledger| {
                let is_final =
                    |hash| matches!(ledger.outcome(hash), Ok(Some(Outcome::Finalized(_))));
                fresh.iter().all(is_final) && (may_wait || ledger.mempool().len() == 0)
            })
        };
        let roots = all.iter().filter_map(|index| town.nodes[*index].ledger());
        let roots: BTreeSet<_> = roots.map(|ledger| ledger.applied().state_root).collect();
        if all.iter().all(known) && roots.len() == 1 {
            return Ok(town.now_ms() - begin);
        }
        if town.now_ms() - begin > LIVENESS.as_millis() as u64 {
            let states = town.nodes.iter().map(|node| {
                let state = node.ledger().map(|ledger| {
                    let waiting = ledger.mempool().len();
                    (ledger.applied().height, ledger.epoch(), waiting)
                });
                format!("{} {:?}: {state:?}", node.name(), node.fault)
            });
            let states: Vec<_> = states.collect();
            return Err(format!("no recovery (height, epoch, waiting): {states:#?}"));
        }
    }
}

/// The honest nodes that vote now.
fn validators(town: &Town) -> Vec<usize> {
    let newest = town.newest().and_then(|node| node.ledger());
    let keys = newest.map(|ledger| ledger.set().keys_at(ledger.epoch()));
    let keys = keys.unwrap_or_default();
    let mut honest = town.honest();
    honest.retain(|index| {
        let public = &town.nodes[*index].public;
        keys.iter().any(|key| key == public.as_ref())
    });
    honest
}

/// Compares what the honest nodes say at the end.
fn conclude(town: &mut Town, trouble: &Trouble) -> Result<(), Violation> {
    for index in town.honest() {
        town.check_node(index)?;
    }
    for accepted in &trouble.accepted {
        let node = &town.nodes[accepted.node];
        let Some(ledger) = node.ledger() else {
            continue;
        };
        // Nor may anything wait for good: `recover` saw to that.
        let lost = matches!(
            ledger.outcome(&accepted.hash),
            Ok(None | Some(Outcome::Forgotten))
        );
        let forgotten = town.checker.is_forgotten(node, &accepted.hash);
        if lost && !forgotten && node.crashes == accepted.crashes {
            return Err(format!("{} took in an operation and lost it", node.name()));
        }
    }
    let now = town.now_ms();
    for index in validators(town) {
        let node = &town.nodes[index];
        for (flight, code) in &town.workload.forbidden {
            let answer = node.submit(&flight.bytes, now);
            if answer != Err(*code) {
                let name = node.name();
                return Err(format!("{name} answered {answer:?} instead of {code}"));
            }
        }
    }
    Ok(())
}

impl Report {
    fn add(&mut self, other: Self) {
        for (fault, count) in other.injected {
            *self.injected.entry(fault).or_default() += count;
        }
        self.blocks += other.blocks;
        self.epochs += other.epochs;
        self.operations += other.operations;
        self.proofs += other.proofs;
        self.forgeries += other.forgeries;
        self.recovery_ms = self.recovery_ms.max(other.recovery_ms);
        self.states.extend(other.states);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "blocks finalized   {}", self.blocks)?;
        writeln!(f, "epochs ended       {}", self.epochs)?;
        writeln!(f, "operations final   {}", self.operations)?;
        writeln!(f, "distinct states    {}", self.states.len())?;
        writeln!(f, "proofs verified    {}", self.proofs)?;
        writeln!(f, "forgeries refused  {}", self.forgeries)?;
        writeln!(f, "slowest recovery   {} ms", self.recovery_ms)?;
        writeln!(f, "faults injected:")?;
        for (fault, count) in &self.injected {
            writeln!(f, "  {fault:<22} {count}")?;
        }
        Ok(())
    }
}
