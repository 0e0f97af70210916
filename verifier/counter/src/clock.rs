use std::time::{SystemTime, UNIX_EPOCH};

/// Returns the time in seconds since the epoch; a clock before 1970 counts as 0, which makes
/// everything look stale rather than fresh.
pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
