//! What was measured: counts, times, and how much of the machine the measuring itself took.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;

/// Linux counts a process's time in these.
const TICKS_PER_SECOND: f64 = 100.0;

/// The times of many requests.
#[derive(Default)]
pub(super) struct Times(Vec<u32>);

impl Times {
    pub(super) fn add(&mut self, time: Duration) {
        self.0
            .push(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that this share of the requests did not exceed, in milliseconds.
    fn percentile(&self, share: f64) -> Option<f64> {
        let last = self.0.len().checked_sub(1)?;
        let index = (last as f64 * share).round() as usize;
        Some(f64::from(self.0[index]) / 1e3)
    }

    fn sort(&mut self) {
        self.0.sort_unstable();
    }
}

/// Refusals by their stable code.
pub(super) type Refusals = BTreeMap<String, u64>;

/// The figures of one run.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    pub what: &'static str,
    pub done: usize,
    pub clients: usize,
    pub seconds: f64,
    pub per_second: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub refusals: Refusals,
    /// How many were read with their proof and hold.
    pub proven: u64,
    /// How many were reported done and don't hold.
    pub broken: u64,
    pub validators: usize,
    pub cores: usize,
    /// How much of the machine's cores this program itself took while it measured; the nodes had the rest at most.
    pub own_cpu_percent: Option<f64>,
}

/// Measures from its making on.
pub(super) struct Stopwatch {
    start: Instant,
    cpu: Option<f64>,
}

impl Stopwatch {
    pub(super) fn start() -> Self {
        Self {
            start: Instant::now(),
            cpu: cpu_seconds(),
        }
    }

    /// Puts together what was measured until now.
    pub(super) fn figures(&self, what: &'static str, mut times: Times) -> Figures {
        let seconds = self.start.elapsed().as_secs_f64();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let own = self.cpu.zip(cpu_seconds()).map(|(start, end)| end - start);
        times.sort();
        Figures {
            what,
            done: times.len(),
            clients: 0,
            seconds,
            per_second: times.len() as f64 / seconds,
            p50_ms: times.percentile(0.5),
            p99_ms: times.percentile(0.99),
            refusals: Refusals::new(),
            proven: 0,
            broken: 0,
            validators: 0,
            cores,
            own_cpu_percent: own.map(|own| own / seconds / cores as f64 * 100.0),
        }
    }
}

impl Figures {
    pub(super) fn print(&self, json: bool) -> anyhow::Result<()> {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        let ms = |time: Option<f64>| time.map_or("-".to_owned(), |time| format!("{time:.1} ms"));
        println!(
            "{} {}: {} in {:.1} s by {} clients, {:.0} a second, p50 {}, p99 {}",
            self.validators,
            if self.validators == 1 {
                "validator"
            } else {
                "validators"
            },
            format_args!("{} {}", self.done, self.what),
            self.seconds,
            self.clients,
            self.per_second,
            ms(self.p50_ms),
            ms(self.p99_ms),
        );
        for (code, count) in &self.refusals {
            println!("refused {count} times: {code}");
        }
        println!("proven {}, broken {}", self.proven, self.broken);
        if let Some(own) = self.own_cpu_percent {
            println!(
                "{} cores, of which this program took {own:.0} %",
                self.cores
            );
        }
        Ok(())
    }
}

/// The processor time that this process took so far, in seconds; known on Linux only.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // proc(5): after the name in parentheses the third field comes; utime and stime are the 14th and 15th.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let mut times = Times::default();
        (1..=101)
            .rev()
            .for_each(|ms| times.add(Duration::from_millis(ms)));
        let figures = Stopwatch::start().figures("things", times);
        assert_eq!((figures.p50_ms, figures.p99_ms), (Some(51.0), Some(100.0)));
        assert_eq!(figures.done, 101);
        let none = Stopwatch::start().figures("things", Times::default());
        assert_eq!((none.p50_ms, none.done), (None, 0));
    }
}
