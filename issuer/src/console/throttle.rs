//! How long the next sign-in has to wait after wrong ones.
//!
//! Wrong tries are counted apart: by account whether there is one or not, by where they come from, and by device. Invented
//! names use up nothing that another name needs, and a device that is known is not held up by strangers.

use std::net::IpAddr;

use jumin_identity::sha256;

use super::device::Device;
use crate::store::Tries;

/// Wrong tries in a row for one account, or from one device, before it has to wait.
const FREE_TRIES: u32 = 5;
/// The same from one address: more than one person may be behind it.
const FREE_TRIES_OF_ADDRESS: u32 = 50;
const FIRST_WAIT: u64 = 30;
const LONGEST_WAIT: u64 = 15 * 60;
/// Wrong tries are forgotten when the last is this old, in seconds.
const FORGOTTEN_AFTER: u64 = 24 * 3600;

/// Where a sign-in comes from, as far as that tells one stranger from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// One party of the network.
    Party(IpAddr),
    /// This machine, or a proxy on it: whoever that stands for, so that nothing is counted against it.
    Local,
}

impl Source {
    /// Tells where a connection comes from.
    pub fn of(peer: Option<IpAddr>) -> Self {
        match peer.map(|address| address.to_canonical()) {
            Some(address) if !address.is_loopback() => Self::Party(jumin_http::party(address)),
            _ => Self::Local,
        }
    }
}

/// What tries count against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Account,
    Address,
    Device,
}

/// One count of wrong tries. The database knows names and addresses by their digests only: strangers may type anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    pub kind: Kind,
    pub digest: [u8; 32],
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Address => "address",
            Self::Device => "device",
        }
    }
}

impl Bucket {
    fn new(kind: Kind, of: &[u8]) -> Self {
        let domain = format!("jumin sign-in tries {}\0", kind.as_str());
        let digest = sha256(&[domain.as_bytes(), of].concat());
        Self { kind, digest }
    }

    /// Counts the tries of a device that is known to the account.
    pub fn of_device(device: &Device) -> Self {
        Self::new(Kind::Device, device.as_bytes())
    }

    /// Counts a stranger's tries: by the name, whether or not there is such an account, and by where they come from.
    pub fn of_stranger(name: &str, source: Source) -> Vec<Self> {
        let account = Self::new(Kind::Account, name.as_bytes());
        let address = match source {
            Source::Party(address) => {
                Some(Self::new(Kind::Address, address.to_string().as_bytes()))
            }
            Source::Local => None,
        };
        std::iter::once(account).chain(address).collect()
    }
}

/// Counts one more wrong try at `now` (Unix seconds).
pub fn count(kind: Kind, tries: Tries, now: u64) -> Tries {
    let forgotten = now.saturating_sub(tries.last_failed) >= FORGOTTEN_AFTER;
    let failed = if forgotten {
        1
    } else {
        tries.failed.saturating_add(1)
    };
    let free = match kind {
        Kind::Address => FREE_TRIES_OF_ADDRESS,
        Kind::Account | Kind::Device => FREE_TRIES,
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

    fn party(address: &str) -> Source {
        Source::of(Some(address.parse().unwrap()))
    }

    #[test]
    fn wait_grows_from_the_fifth_wrong_try_to_fifteen_minutes() {
        for kind in [Kind::Account, Kind::Device] {
            let mut tries = Tries::default();
            let waits: Vec<u64> = (0..12)
                .map(|_| {
                    tries = count(kind, tries, NOW);
                    tries.blocked.saturating_sub(NOW)
                })
                .collect();
            assert_eq!(waits, [0, 0, 0, 0, 30, 60, 120, 240, 480, 900, 900, 900]);
        }
    }

    #[test]
    fn day_without_a_wrong_try_starts_anew() {
        let tries = Tries {
            failed: 9,
            last_failed: NOW,
            blocked: NOW + 900,
        };
        let after = |wait| count(Kind::Account, tries, NOW + wait).failed;
        assert_eq!(after(FORGOTTEN_AFTER), 1);
        assert_eq!(after(FORGOTTEN_AFTER - 1), 10);
    }

    #[test]
    fn address_has_more_tries() {
        let tries = |failed| Tries {
            failed,
            last_failed: NOW,
            blocked: 0,
        };
        assert_eq!(count(Kind::Address, tries(48), NOW).blocked, 0);
        assert_eq!(count(Kind::Address, tries(49), NOW).blocked, NOW + 30);
    }

    #[test]
    fn invented_names_share_nothing_with_an_account() {
        let admin = Bucket::of_stranger("admin", Source::Local);
        for n in 0..100_000 {
            let invented = Bucket::of_stranger(&format!("name-{n}"), Source::Local);
            assert!(admin.iter().all(|bucket| !invented.contains(bucket)));
        }
    }

    #[test]
    fn nothing_is_counted_against_this_machine_or_a_proxy_on_it() {
        for local in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(party(local), Source::Local);
        }
        assert_eq!(Bucket::of_stranger("admin", Source::Local).len(), 1);
        let [one, other] =
            ["192.0.2.1", "192.0.2.2"].map(|at| Bucket::of_stranger("admin", party(at)));
        assert_eq!(one[0], other[0], "the account's");
        assert_ne!(one[1], other[1], "each address's own");
        assert_eq!(party("2001:db8::1"), party("2001:db8::2"), "one network");
    }
}
