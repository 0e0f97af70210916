//! Points in time that a clock set by hand does not move: what a machine has run since its start beside the time of day.

use std::fs::File;
use std::io::Read;

use serde::{Deserialize, Serialize};

/// The kernel's name for this start of the machine, and the seconds since then, sleep included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Uptime {
    pub(super) boot: String,
    pub(super) seconds: u64,
}

/// A point in time: seconds since 1970 by the clock, and the machine's uptime where the platform tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moment {
    pub(super) clock: u64,
    pub(super) uptime: Option<Uptime>,
}

impl Moment {
    /// Returns the seconds since `earlier`; `None` where the clock was set back and nothing else tells.
    ///
    /// Within one start of the machine the uptime alone counts, which no one sets.
    pub(super) fn since(&self, earlier: &Self) -> Option<u64> {
        match (&self.uptime, &earlier.uptime) {
            (Some(now), Some(then)) if now.boot == then.boot => {
                now.seconds.checked_sub(then.seconds)
            }
            _ => self.clock.checked_sub(earlier.clock),
        }
    }
}

/// Reads the uptime of this machine; `None` on platforms other than Linux.
pub(super) fn system_uptime() -> Option<Uptime> {
    let boot = first_line("/proc/sys/kernel/random/boot_id")?;
    // Like CLOCK_BOOTTIME it goes on while the machine sleeps.
    let uptime = first_line("/proc/uptime")?;
    Some(Uptime {
        boot,
        seconds: uptime.split(['.', ' ']).next()?.parse().ok()?,
    })
}

fn first_line(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path)
        .ok()?
        .take(128)
        .read_to_string(&mut text)
        .ok()?;
    text.lines().next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(clock: u64, boot: &str, seconds: u64) -> Moment {
        let uptime = Uptime {
            boot: boot.to_owned(),
            seconds,
        };
        Moment {
            clock,
            uptime: Some(uptime),
        }
    }

    #[test]
    fn clock_set_by_hand_moves_nothing_within_one_start() {
        let then = at(1000, "a", 50);
        assert_eq!(at(999_999, "a", 60).since(&then), Some(10));
        assert_eq!(at(0, "a", 60).since(&then), Some(10));
    }

    #[test]
    fn after_a_restart_the_clock_counts_unless_it_went_back() {
        let then = at(1000, "a", 50);
        assert_eq!(at(1030, "b", 3).since(&then), Some(30));
        assert_eq!(at(10, "b", 3).since(&then), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn linux_tells_its_uptime() {
        let uptime = system_uptime().unwrap();
        assert_eq!(uptime.boot.len(), 36);
    }
}
