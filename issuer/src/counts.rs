//! What operators watch: requests and refusals, and which of many are worth an entry of the audit.
//!
//! No label takes a value that a client can choose: routes are the API's own patterns, methods, codes and statuses are fixed.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use metrics::{counter, describe_counter, with_local_recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

const REQUESTS: &str = "jumin_issuer_requests_total";
const REFUSED: &str = "jumin_issuer_refused_total";
const ISSUED: &str = "jumin_issuer_batches_issued_total";
/// Refusals are summarised for so long, in seconds.
const WINDOW: u64 = 3600;
/// So many refusals at one route within an hour are worth an entry of the audit, and ten times as many another one.
const WORTH_AN_ENTRY: u64 = 100;

/// Of what a stranger can repeat without end, so many in an hour have an entry of their own.
const EACH_WRITTEN: u64 = 20;

/// The counts of this issuer since it started.
pub struct Counts {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    tallies: Mutex<HashMap<&'static str, Tally>>,
}

/// Refusals at one route within an hour, by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// When the hour began, in seconds since the Unix epoch.
    pub since: u64,
    pub refused: u64,
    pub codes: BTreeMap<&'static str, u64>,
}

impl Default for Counts {
    fn default() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        with_local_recorder(&recorder, || {
            describe_counter!(REQUESTS, "Requests by route, method and status");
            describe_counter!(REFUSED, "Refused requests by route and code");
            describe_counter!(ISSUED, "Issued batches");
            counter!(ISSUED).absolute(0);
        });
        Self {
            handle: recorder.handle(),
            recorder,
            tallies: Mutex::default(),
        }
    }
}

impl Counts {
    /// Counts a request by the pattern of its route.
    pub fn request(&self, route: &str, method: &'static str, status: u16) {
        let (route, status) = (route.to_owned(), status.to_string());
        with_local_recorder(&self.recorder, || {
            counter!(REQUESTS, "route" => route, "method" => method, "status" => status)
                .increment(1);
        });
    }

    /// Counts a refused request.
    pub fn refused(&self, route: &str, code: &'static str) {
        let route = route.to_owned();
        with_local_recorder(&self.recorder, || {
            counter!(REFUSED, "route" => route, "code" => code).increment(1);
        });
    }

    /// Counts an issued batch.
    pub fn issued(&self) {
        with_local_recorder(&self.recorder, || counter!(ISSUED).increment(1));
    }

    /// Adds a refusal at a route that strangers can reach to its hour; gives the hour's sum when it is worth an entry of the
    /// audit, so that however many there are, the entries are few.
    pub fn tally(&self, route: &'static str, code: &'static str, now: u64) -> Option<Tally> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(route).or_default();
        tally.add(code, now).then(|| tally.clone())
    }

    /// Writes everything in Prometheus's text form.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

impl Tally {
    fn add(&mut self, code: &'static str, now: u64) -> bool {
        if !is_in_window(self.since, now) {
            *self = Self {
                since: now,
                ..Self::default()
            };
        }
        self.refused += 1;
        *self.codes.entry(code).or_default() += 1;
        let mut step = WORTH_AN_ENTRY;
        while step < self.refused {
            step = step.saturating_mul(10);
        }
        step == self.refused
    }
}

/// The first of every hour.
#[derive(Debug, Default)]
pub struct Few(Mutex<(u64, u64)>);

impl Few {
    /// Counts one more at `now` (Unix seconds) and says whether it is among the first of its hour.
    pub fn is_worth_an_entry(&self, now: u64) -> bool {
        let mut few = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, counted) = &mut *few;
        if !is_in_window(*since, now) {
            (*since, *counted) = (now, 0);
        }
        *counted += 1;
        *counted <= EACH_WRITTEN
    }
}

fn is_in_window(since: u64, now: u64) -> bool {
    (since..since.saturating_add(WINDOW)).contains(&now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_million_refusals_in_an_hour_are_five_entries() {
        let counts = Counts::default();
        let entries: Vec<u64> = (0..1_000_000)
            .filter_map(|n| counts.tally("/token", "invalid_grant", 1000 + n / 1000))
            .map(|tally| tally.refused)
            .collect();
        assert_eq!(entries, [100, 1000, 10_000, 100_000, 1_000_000]);
    }

    #[test]
    fn hour_without_many_refusals_is_no_entry() {
        let counts = Counts::default();
        for hour in 0..10 {
            for _ in 0..99 {
                let now = 1000 + hour * WINDOW;
                assert_eq!(counts.tally("/token", "invalid_grant", now), None);
            }
        }
    }

    #[test]
    fn refusals_are_written_by_route_and_code() {
        let counts = Counts::default();
        counts.refused("/credential", "invalid_proof");
        counts.request("/credential", "POST", 400);
        let text = counts.render();
        let line = r#"jumin_issuer_refused_total{route="/credential",code="invalid_proof"} 1"#;
        assert!(text.contains(line), "{text}");
    }
}
