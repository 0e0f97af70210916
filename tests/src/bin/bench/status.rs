use anyhow::{Context, Result};
use jumin_identity::{Status, StatusList, compact_status, sign_status_list};

use crate::fixture::Fixture;
use crate::measure::{Table, interleaved, median_us, once};

const ENTRIES_PER_LIST: u32 = 1 << 20;
const LISTS: u32 = 49; // 51,000,000 entries
const BUILD_GOAL_MS: f64 = 2_000.0;
const REPUBLISH_GOAL_MS: f64 = 100.0;
const LOOKUPS: usize = 1 << 16;

/// Measures building, republishing and reading status lists of a whole country.
pub fn measure(fixture: &Fixture, table: &mut Table) -> Result<()> {
    let mut lists: Vec<_> = (0..LISTS).map(one_percent_revoked).collect::<Result<_>>()?;
    let (tokens, time) = once(|| {
        lists
            .iter()
            .map(|list| sign(fixture, list))
            .collect::<Result<Vec<_>>>()
    });
    table.add(
        "status: compress and sign 51,000,000",
        "ms",
        time.as_secs_f64() * 1e3,
        BUILD_GOAL_MS,
    );
    let size: usize = tokens?.iter().map(String::len).sum();
    eprintln!("    tokens: {size} bytes");
    let (compact, time) = once(|| {
        lists
            .iter()
            .map(|list| compact_status::encode(list).len())
            .sum::<usize>()
    });
    table.add(
        "status: compact form of 51,000,000",
        "ms",
        time.as_secs_f64() * 1e3,
        BUILD_GOAL_MS,
    );
    let entropy = entropy_bytes();
    table.add(
        "status: compact form's size",
        "kB",
        compact as f64 / 1e3,
        entropy / 1e3,
    );
    republish(fixture, lists.first_mut().context("no list")?, table);
    check(&lists, table);
    Ok(())
}

fn one_percent_revoked(seed: u32) -> Result<StatusList> {
    let mut list = StatusList::new(ENTRIES_PER_LIST);
    let mut random = Xorshift(u64::from(seed) + 0x9E37_79B9_7F4A_7C15);
    for index in 0..ENTRIES_PER_LIST {
        if random.next().is_multiple_of(100) {
            list.set(index, Status::Invalid)?;
        }
    }
    Ok(list)
}

fn sign(fixture: &Fixture, list: &StatusList) -> Result<String> {
    let (uri, now) = ("https://issuer.example/status/0", fixture.now);
    Ok(sign_status_list(
        list,
        uri,
        now,
        now + 86_400,
        300,
        &fixture.kid,
        &[],
        &fixture.issuer,
    )?)
}

fn republish(fixture: &Fixture, list: &mut StatusList, table: &mut Table) {
    let time = median_us(9, 1, || {
        let changed = list.set(4711, Status::Suspended).is_ok();
        changed
            && sign(fixture, list).is_ok_and(|token| !token.is_empty() && list.digest() != [0; 32])
    });
    table.add(
        "status: republish after one change",
        "ms",
        time / 1e3,
        REPUBLISH_GOAL_MS,
    );
}

/// A lookup beside its bound: one read at a random place of as much memory.
fn check(lists: &[StatusList], table: &mut Table) {
    let memory: Vec<u8> = lists
        .iter()
        .flat_map(|list| list.as_bytes().iter().copied())
        .collect();
    let places: Vec<(usize, u32)> = {
        let mut random = Xorshift(7);
        let mut place = || {
            (
                random.next() as usize % lists.len(),
                (random.next() as u32) % ENTRIES_PER_LIST,
            )
        };
        (0..LOOKUPS).map(|_| place()).collect()
    };
    let (ours, bound) = interleaved(
        21,
        1,
        || {
            places
                .iter()
                .filter(|(list, index)| lists[*list].get(*index) == Some(Status::Valid))
                .count()
        },
        || {
            let offset = |list: usize, index: u32| {
                list * (ENTRIES_PER_LIST as usize / 4) + index as usize / 4
            };
            places
                .iter()
                .filter(|(list, index)| memory[offset(*list, *index)] == 0)
                .count()
        },
    );
    let ns = |us: f64| us * 1e3 / LOOKUPS as f64;
    table.add("status: check one", "ns", ns(ours), ns(bound));
}

/// The least number of bytes that tell which 1 % of 51,000,000 are revoked.
fn entropy_bytes() -> f64 {
    let p: f64 = 0.01;
    let bits = -(p * p.log2() + (1.0 - p) * (1.0 - p).log2());
    bits * f64::from(ENTRIES_PER_LIST) * f64::from(LISTS) / 8.0
}

struct Xorshift(u64);

impl Xorshift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
