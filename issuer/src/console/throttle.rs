//! How long the next sign-in has to wait after wrong ones.

use jumin_identity::sha256;

use crate::store::Tries;

/// Wrong tries in a row for one name before it has to wait.
const FREE_TRIES: u32 = 5;
/// The same over all names.
const FREE_TRIES_OVERALL: u32 = 20;
const FIRST_WAIT: u64 = 30;
const LONGEST_WAIT: u64 = 15 * 60;
/// Wrong tries are forgotten when the last is this old, in seconds.
const FORGOTTEN_AFTER: u64 = 24 * 3600;
/// The bucket of all names together.
const OVERALL: i64 = 0;
const BUCKETS: u16 = 1024;

/// The buckets in which a try for this name counts.
///
/// A name's bucket is one of a fixed number whether or not there is such an account: strangers can neither fill the
/// database nor find out by waiting which names exist.
pub fn buckets(name: &str) -> [i64; 2] {
    let digest = sha256(&[b"jumin sign-in tries\0", name.as_bytes()].concat());
    let number = u16::from_be_bytes([digest[0], digest[1]]) % BUCKETS;
    [OVERALL, i64::from(number) + 1]
}

/// Counts one more wrong try at `now` (Unix seconds).
pub fn count(bucket: i64, tries: Tries, now: u64) -> Tries {
    let forgotten = now.saturating_sub(tries.last_failed) >= FORGOTTEN_AFTER;
    let failed = if forgotten {
        1
    } else {
        tries.failed.saturating_add(1)
    };
    let free = match bucket {
        OVERALL => FREE_TRIES_OVERALL,
        _ => FREE_TRIES,
    };
    let wait = match failed.checked_sub(free) {
        None => 0,
        Some(doublings) => (FIRST_WAIT << doublings.min(8)).min(LONGEST_WAIT),
    };
    Tries {
        failed,
        last_failed: now,
        blocked: if wait > 0 { now + wait } else { 0 },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;

    #[test]
    fn wait_grows_from_the_fifth_wrong_try_to_fifteen_minutes() {
        let mut tries = Tries::default();
        let waits: Vec<u64> = (0..12)
            .map(|_| {
                tries = count(1, tries, NOW);
                tries.blocked.saturating_sub(NOW)
            })
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
    }

    #[test]
    fn day_without_a_wrong_try_starts_anew() {
        let tries = Tries {
            failed: 9,
            last_failed: NOW,
            blocked: NOW + 900,
        };
        assert_eq!(count(1, tries, NOW + FORGOTTEN_AFTER).failed, 1);
        assert_eq!(count(1, tries, NOW + FORGOTTEN_AFTER - 1).failed, 10);
    }

    #[test]
    fn all_names_together_have_more_tries() {
        let tries = Tries {
            failed: 18,
            last_failed: NOW,
            blocked: 0,
        };
        assert_eq!(count(OVERALL, tries, NOW).blocked, 0);
        let tries = Tries {
            failed: 19,
            ..tries
        };
        assert_eq!(count(OVERALL, tries, NOW).blocked, NOW + 30);
    }

    #[test]
    fn every_name_has_a_bucket_of_a_fixed_number() {
        for name in ["admin", "", "관리자", &"x".repeat(10_000)] {
            let [overall, own] = buckets(name);
            assert_eq!(overall, OVERALL);
            assert!((1..=1024).contains(&own));
        }
    }
}
