use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::scenario::Scenario;
use super::{Report, run};

/// How many seeds run where nobody says how many.
const SEEDS: u64 = 24;

fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number")),
        Err(_) => default,
    }
}

/// Runs one seed; a node's panic is a violation as any other.
fn run_seed(seed: u64) -> Result<Report, String> {
    let run = AssertUnwindSafe(|| run(Scenario::new(seed)));
    let ended = catch_unwind(run).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        Err(format!("panic: {}", text.unwrap_or_default()))
    });
    ended.map_err(|violation| {
        format!("seed {seed}: {violation}\nrepeat it: make simulate FROM={seed} SEEDS=1")
    })
}

#[test]
fn every_seed_keeps_the_rules() {
    let (from, count) = (
        number("JUMIN_SIMULATE_FROM", 0),
        number("JUMIN_SIMULATE_SEEDS", SEEDS),
    );
    let (next, begin) = (AtomicU64::new(from), Instant::now());
    let (total, failed) = (Mutex::new(Report::default()), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    match run_seed(seed) {
                        Ok(report) => total.lock().unwrap().add(report),
                        Err(violation) => {
                            eprintln!("{violation}");
                            failed.lock().unwrap().push(seed);
                        }
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap();
    println!(
        "{count} seeds from {from} in {:.0?}, on {threads} threads",
        begin.elapsed()
    );
    println!("{total}");
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "seeds that broke a rule: {failed:?}");
}

#[test]
fn one_seed_is_the_same_run_each_time() {
    let eventful = |seed: &u64| {
        let scenario = Scenario::new(*seed);
        scenario.faults.len() > 1 && scenario.changes && scenario.outages
    };
    let mut seeds = (0..).filter(eventful);
    let (one, other) = (seeds.next().unwrap(), seeds.next().unwrap());
    let audits = [one, one, other].map(|seed| run_seed(seed).unwrap().audit);
    assert_eq!(audits[0], audits[1]);
    assert_ne!(audits[0], audits[2]);
}
