//! How fast a body must come: whoever sends a byte now and then must not hold its reader for long.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::HttpError;

/// Progress is looked at so often.
const WINDOW: Duration = Duration::from_secs(2);
/// Fewest bytes in a window: 32 kbit/s, which the slowest of lines has.
const LEAST: usize = 8 * 1024;
/// How long any body may take, whatever its size.
const BASE: Duration = Duration::from_secs(20);
/// How much longer for each MiB that the reader takes.
const FOR_EACH_MIB: Duration = Duration::from_secs(2);

/// The time that a body still has.
pub(crate) struct Pace {
    /// When the current window ends.
    look: Instant,
    /// Bytes in it.
    came: usize,
    /// When the body must be whole.
    end: Instant,
}

impl Pace {
    /// Begins with a body of at most `max_bytes`.
    pub(crate) fn new(max_bytes: usize) -> Self {
        let now = Instant::now();
        let mib = u32::try_from(max_bytes >> 20).unwrap_or(u32::MAX);
        Self {
            look: now + WINDOW,
            came: 0,
            end: now + BASE + FOR_EACH_MIB.saturating_mul(mib),
        }
    }

    /// Counts a piece of the body.
    pub(crate) fn came(&mut self, bytes: usize) {
        self.came = self.came.saturating_add(bytes);
    }

    /// Waits for the next piece.
    ///
    /// # Errors
    /// [`HttpError::TooSlow`] when too little came in a window, or the time is up.
    pub(crate) async fn wait<T>(&mut self, next: impl Future<Output = T>) -> Result<T, HttpError> {
        let mut next = pin!(next);
        // What is there already is taken before the clock is asked: a reader that was held up itself blames nobody.
        loop {
            match timeout_at(self.look.min(self.end), next.as_mut()).await {
                Ok(piece) => return Ok(piece),
                Err(_) => self.turn()?,
            }
        }
    }

    fn turn(&mut self) -> Result<(), HttpError> {
        let now = Instant::now();
        if self.came < LEAST || now >= self.end {
            return Err(HttpError::TooSlow);
        }
        self.look = now + WINDOW;
        self.came = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    /// Has pieces of `bytes` come every `pause` until the body is whole or refused; says after how long.
    async fn read(size: usize, bytes: usize, pause: Duration) -> (Result<(), HttpError>, Duration) {
        let began = Instant::now();
        let (mut pace, mut came) = (Pace::new(2 << 20), 0);
        while came < size {
            if let Err(error) = pace.wait(sleep(pause)).await {
                return (Err(error), began.elapsed());
            }
            pace.came(bytes);
            came += bytes;
        }
        (Ok(()), began.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn trickling_body_is_left_after_one_window() {
        let (read, after) = read(1 << 20, 1, Duration::from_millis(10)).await;
        assert!(matches!(read, Err(HttpError::TooSlow)));
        assert!(after <= WINDOW, "{after:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn silent_body_is_left_after_one_window() {
        let (read, after) = read(1 << 20, 1 << 20, Duration::from_secs(3600)).await;
        assert!(matches!(read, Err(HttpError::TooSlow)));
        assert_eq!(after, WINDOW);
    }

    #[tokio::test(start_paused = true)]
    async fn slow_line_that_keeps_going_is_read_to_the_end() {
        let (read, _) = read(100 << 10, 1 << 10, Duration::from_millis(180)).await;
        assert!(read.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn least_rate_does_not_hold_a_reader_for_ever() {
        let (read, after) = read(usize::MAX, LEAST, WINDOW / 2).await;
        assert!(matches!(read, Err(HttpError::TooSlow)));
        assert!(after <= BASE + 2 * FOR_EACH_MIB, "{after:?}");
    }
}
