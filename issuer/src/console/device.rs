//! Devices that an account has signed in from before (OWASP: device cookies against locking accounts out).
//!
//! A device is not let in for its cookie: it only waits in a line of its own, which strangers can't fill.

use aws_lc_rs::hmac;
use jumin_identity::{b64url, b64url_decode};

use crate::secret::same;

const DOMAIN: &[u8] = b"jumin console device\0";
const TEXT: usize = 54;
const BODY: usize = 24;
const MAC: usize = 16;

/// Marks devices: what it writes says since when and for which account, and nobody else can write it.
pub struct DeviceKey(hmac::Key);

/// One browser of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device([u8; BODY]);

impl DeviceKey {
    /// How long a browser is remembered after it signed in, in seconds.
    pub const LIFETIME: u64 = 180 * 86_400;

    pub fn new(key: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// Marks a browser from which `account` signed in at `now` (Unix seconds).
    pub fn mark(&self, account: &str, now: u64, random: [u8; 16]) -> String {
        let mut bytes = [&now.to_be_bytes()[..], &random[..]].concat();
        let mac = hmac::sign(&self.0, &message(&bytes, account));
        bytes.extend_from_slice(&mac.as_ref()[..MAC]);
        b64url(&bytes)
    }

    /// Recognizes a browser of `account`.
    pub fn recognize(&self, account: &str, mark: &str, now: u64) -> Option<Device> {
        let bytes = (mark.len() == TEXT).then(|| b64url_decode(mark).ok())??;
        let (body, mac) = bytes.split_first_chunk::<BODY>()?;
        let expected = hmac::sign(&self.0, &message(body, account));
        let made = u64::from_be_bytes(*body.first_chunk()?);
        let fresh = (made..made.saturating_add(Self::LIFETIME)).contains(&now);
        (same(&expected.as_ref()[..MAC], mac) && fresh).then_some(Device(*body))
    }
}

impl Device {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn message(body: &[u8], account: &str) -> Vec<u8> {
    // The body has a fixed length, so that no two pairs share a message.
    [DOMAIN, body, account.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_795_000_000;

    #[test]
    fn device_is_recognized_for_its_account_until_it_is_forgotten() {
        let key = DeviceKey::new(&[7; 32]);
        let mark = key.mark("admin", NOW, [1; 16]);
        assert!(mark.len() <= 64);
        let recognized = |account, now| key.recognize(account, &mark, now).is_some();
        assert!(recognized("admin", NOW));
        assert!(recognized("admin", NOW + DeviceKey::LIFETIME - 1));
        assert!(!recognized("admin", NOW + DeviceKey::LIFETIME));
        assert!(!recognized("admin", NOW - 1));
        assert!(!recognized("admi", NOW));
        assert!(!recognized("clerk", NOW));
    }

    #[test]
    fn made_up_and_changed_marks_are_no_devices() {
        let key = DeviceKey::new(&[7; 32]);
        let mark = key.mark("admin", NOW, [1; 16]);
        for at in 0..mark.len() {
            let mut changed = mark.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            let recognized = key.recognize("admin", &changed, NOW);
            // The last character has bits that say nothing.
            assert!(recognized.is_none() || at + 1 == mark.len(), "{at}");
        }
        let others = DeviceKey::new(&[8; 32]).mark("admin", NOW, [1; 16]);
        for mark in [&others, "", &mark[1..], &"é".repeat(27)] {
            assert_eq!(key.recognize("admin", mark, NOW), None);
        }
    }
}
