//! The nonce of one-way mode (`docs/qr-presentation.md`), which the wallet makes because no request was shown to it.

use crate::encoding::{b64url, b64url_array};

/// Is how long a window of one-way nonces is, in seconds; the wallet redraws its code as often.
pub const ONE_WAY_WINDOW_SECONDS: u64 = 15;
/// Is how long after the start of its window a one-way nonce is accepted, in seconds.
pub const ONE_WAY_MAX_AGE_SECONDS: u64 = 60;

const MARK: [u8; 2] = *b"j1";

/// Is a nonce that says when it was made: a time window and 128 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OneWayNonce {
    /// Is the time in seconds since the Unix epoch, divided by 15.
    pub window: u64,
    /// Makes the nonce unique, for the replay cache of the office.
    pub random: [u8; 16],
}

/// Says that a text is not a one-way nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a one-way nonce")]
pub struct NotOneWayNonce;

impl NotOneWayNonce {
    /// Returns the stable code of this error.
    pub fn code(&self) -> &'static str {
        "nonce_malformed"
    }
}

impl OneWayNonce {
    /// Makes the nonce for `now`, in seconds since the Unix epoch.
    pub fn new(now: u64, random: [u8; 16]) -> Self {
        Self {
            window: now / ONE_WAY_WINDOW_SECONDS,
            random,
        }
    }

    /// Reads a nonce from its 32 characters of base64url: the bytes `j1`, the window as 6 bytes, 16 random bytes.
    pub fn parse(text: &str) -> Result<Self, NotOneWayNonce> {
        let bytes: [u8; 24] = b64url_array(text).map_err(|_| NotOneWayNonce)?;
        let (mark, rest) = bytes.split_first_chunk::<2>().ok_or(NotOneWayNonce)?;
        let (window, random) = rest.split_first_chunk::<6>().ok_or(NotOneWayNonce)?;
        if *mark != MARK {
            return Err(NotOneWayNonce);
        }
        Ok(Self {
            window: window
                .iter()
                .fold(0, |value, byte| (value << 8) | u64::from(*byte)),
            random: random.try_into().map_err(|_| NotOneWayNonce)?,
        })
    }

    /// Returns when the window starts, in seconds since the Unix epoch.
    pub fn starts(&self) -> u64 {
        self.window.saturating_mul(ONE_WAY_WINDOW_SECONDS)
    }

    /// Says whether a counter accepts the nonce at `now`: at most 60 s after its window started, and at most one window
    /// ahead of the counter's clock.
    pub fn accepted(&self, now: u64) -> bool {
        let starts = self.starts();
        starts <= now.saturating_add(ONE_WAY_WINDOW_SECONDS)
            && now.saturating_sub(starts) <= ONE_WAY_MAX_AGE_SECONDS
    }
}

impl std::fmt::Display for OneWayNonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let window = self.window.to_be_bytes();
        let mut bytes = MARK.to_vec();
        bytes.extend(window.iter().skip(2));
        bytes.extend(self.random);
        f.write_str(&b64url(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000;

    #[test]
    fn nonce_reads_back_from_its_text() {
        let nonce = OneWayNonce::new(NOW, [7; 16]);
        let text = nonce.to_string();
        assert_eq!(text.len(), 32);
        assert_eq!(OneWayNonce::parse(&text), Ok(nonce));
    }

    #[test]
    fn nonce_is_accepted_for_sixty_seconds_and_one_window_ahead() {
        let nonce = OneWayNonce::new(NOW, [7; 16]);
        let starts = nonce.starts();
        for (now, accepted) in [
            (starts, true),
            (starts + 60, true),
            (starts + 61, false),
            (starts - 15, true),
            (starts - 16, false),
        ] {
            assert_eq!(nonce.accepted(now), accepted, "{now}");
        }
    }

    #[test]
    fn nonce_of_a_request_is_not_a_one_way_nonce() {
        for text in [
            "",
            "AAAAAAAAAAAAAAAAAAAAAA",
            &"A".repeat(32),
            &"j".repeat(33),
        ] {
            assert_eq!(OneWayNonce::parse(text), Err(NotOneWayNonce), "{text}");
        }
        let far = OneWayNonce {
            window: (1 << 48) - 1,
            random: [0; 16],
        };
        assert!(!OneWayNonce::parse(&far.to_string()).unwrap().accepted(NOW));
    }
}
