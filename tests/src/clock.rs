use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

const POLL: Duration = Duration::from_millis(25);

/// Tells the seconds since the Unix epoch.
pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_secs())
}

/// Polls `condition` until it gives a value, and fails with `what` once `deadline` has passed.
pub fn wait_until<T>(
    what: &str,
    deadline: Duration,
    mut condition: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let last = match condition() {
            Ok(Some(value)) => return Ok(value),
            Ok(None) => None,
            Err(error) => Some(error),
        };
        if start.elapsed() > deadline {
            match last {
                Some(error) => {
                    return Err(error.context(format!("{what}: not within {deadline:?}")));
                }
                None => bail!("{what}: not within {deadline:?}"),
            }
        }
        std::thread::sleep(POLL);
    }
}
