//! The state behind the window: the wallet or none, what is at hand, the timer, a link that waits.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jumin_wallet_core::Wallet;

use crate::dto::{CommandError, Preferences};
use crate::hand::Hand;
use crate::idle::IdleClock;
use crate::links;
use crate::network::{self, NetworkFile};
use crate::preferences;

/// A desktop may deliver one link by two ways; the second within this time is the same.
const SAME_LINK: Duration = Duration::from_secs(2);

/// Is the one session of this process.
pub(crate) struct Session {
    home: PathBuf,
    inner: Mutex<Inner>,
    /// Lets one task at a time open, make or erase the wallet.
    pub(crate) changing: tokio::sync::Mutex<()>,
}

struct Inner {
    wallet: Option<Arc<Wallet>>,
    /// Is what the wallet here was made with.
    kept: Option<NetworkFile>,
    /// Is what a new wallet is made with.
    given: Option<NetworkFile>,
    keyring: bool,
    preferences: Preferences,
    hand: Hand,
    clock: IdleClock,
    /// Counts the locks: what was begun before one must not come to hand after it.
    locks: u64,
    link: Option<String>,
    last_link: Option<(String, Instant)>,
}

/// Is an unlocked wallet, as it was when an operation began.
#[derive(Clone)]
pub(crate) struct Unlocked {
    pub wallet: Arc<Wallet>,
    locks: u64,
}

impl Session {
    /// Starts with the folder of a wallet and the network file that was given for a new one; opens nothing yet.
    pub(crate) fn new(home: PathBuf, given: Option<NetworkFile>) -> Self {
        let inner = Inner {
            wallet: None,
            kept: network::kept(&home),
            given,
            keyring: false,
            preferences: preferences::read(&home),
            hand: Hand::default(),
            clock: IdleClock::new(Instant::now(), SystemTime::now()),
            locks: 0,
            link: None,
            last_link: None,
        };
        Self {
            home,
            inner: Mutex::new(inner),
            changing: tokio::sync::Mutex::new(()),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// Returns the wallet of this folder, locked or not, if it is open.
    pub(crate) fn wallet(&self) -> Option<Arc<Wallet>> {
        self.inner().wallet.clone()
    }

    pub(crate) fn set_wallet(&self, wallet: Option<Arc<Wallet>>) {
        self.inner().wallet = wallet;
    }

    /// Returns the wallet if it is unlocked.
    pub(crate) fn unlocked(&self) -> Result<Unlocked, CommandError> {
        let inner = self.inner();
        match &inner.wallet {
            Some(wallet) if !wallet.is_locked() => Ok(Unlocked {
                wallet: wallet.clone(),
                locks: inner.locks,
            }),
            _ => Err(CommandError::of("wallet_locked")),
        }
    }

    /// Works on what is at hand, unless the wallet was locked since the operation began.
    pub(crate) fn hand<T>(
        &self,
        unlocked: &Unlocked,
        work: impl FnOnce(&mut Hand) -> T,
    ) -> Result<T, CommandError> {
        let mut inner = self.inner();
        match inner.locks == unlocked.locks {
            true => Ok(work(&mut inner.hand)),
            false => Err(CommandError::of("wallet_locked")),
        }
    }

    /// Locks the wallet and drops everything at hand; says whether there was something to lock.
    pub(crate) fn lock(&self) -> bool {
        let mut inner = self.inner();
        let was_open = inner
            .wallet
            .as_ref()
            .is_some_and(|wallet| !wallet.is_locked());
        let had = was_open || !inner.hand.is_empty();
        inner.hand = Hand::default();
        inner.locks += 1;
        if let Some(wallet) = &inner.wallet {
            wallet.lock();
        }
        had
    }

    /// Notes that somebody is there.
    pub(crate) fn touch(&self) {
        self.inner().clock.touch(Instant::now());
    }

    /// Says whether the wallet is open and has to be locked now.
    pub(crate) fn idle_too_long(&self, now: Instant, wall: SystemTime) -> bool {
        let mut inner = self.inner();
        let limit = limit(&inner.preferences);
        let due = inner.clock.due(now, wall, limit);
        let wallet = inner.wallet.clone();
        drop(inner);
        due && wallet.is_some_and(|wallet| !wallet.is_locked())
    }

    pub(crate) fn preferences(&self) -> Preferences {
        self.inner().preferences.clone()
    }

    pub(crate) fn set_preferences(&self, preferences: Preferences) {
        self.inner().preferences = preferences;
    }

    /// Returns the network of the wallet here, or that of a new one.
    pub(crate) fn network(&self) -> Option<NetworkFile> {
        let inner = self.inner();
        let (first, second) = match inner.wallet {
            Some(_) => (&inner.kept, &inner.given),
            None => (&inner.given, &inner.kept),
        };
        first.as_ref().or(second.as_ref()).cloned()
    }

    /// Takes the network for a new wallet.
    pub(crate) fn set_network(&self, network: NetworkFile) {
        self.inner().given = Some(network);
    }

    /// Takes the network of a wallet that was just made.
    pub(crate) fn keep_network(&self, network: NetworkFile) {
        self.inner().kept = Some(network);
    }

    pub(crate) fn keyring(&self) -> bool {
        self.inner().keyring
    }

    pub(crate) fn set_keyring(&self, available: bool) {
        self.inner().keyring = available;
    }

    /// Keeps a link of ours until the page takes it; says whether it is news.
    pub(crate) fn offer_link(&self, link: Option<&str>) -> bool {
        let Some(link) = link.and_then(links::known) else {
            return false;
        };
        let (mut inner, now) = (self.inner(), Instant::now());
        let again = inner
            .last_link
            .as_ref()
            .is_some_and(|(last, at)| last == link && now.duration_since(*at) < SAME_LINK);
        inner.last_link = Some((link.to_owned(), now));
        if !again {
            inner.link = Some(link.to_owned());
        }
        !again
    }

    /// Hands the link that waits to the page, once, and not while the wallet is locked.
    pub(crate) fn take_link(&self) -> Option<String> {
        let mut inner = self.inner();
        let open = inner
            .wallet
            .as_ref()
            .is_some_and(|wallet| !wallet.is_locked());
        open.then(|| inner.link.take()).flatten()
    }
}

/// Returns how long nobody may be there; a development build can be told to be quicker, for tests of the window.
fn limit(preferences: &Preferences) -> Duration {
    let told = cfg!(debug_assertions).then(|| std::env::var("JUMIN_WALLET_LOCK_SECONDS").ok());
    let told = told.flatten().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(told.unwrap_or(u64::from(preferences.lock_minutes) * 60))
}

#[cfg(test)]
mod tests {
    use jumin_wallet_core::UnlockSecret;

    use super::*;
    use crate::hand::{Asked, Question};
    use crate::network::tests::sample;

    const SECRET: &str = "correct horse battery";

    fn session(home: &Path) -> Session {
        let file = NetworkFile::parse(sample().to_string().as_bytes(), None).unwrap();
        let secret = UnlockSecret::new(SECRET.into());
        let wallet = Wallet::create(home, &secret, None, &file.settings).unwrap();
        let session = Session::new(home.to_owned(), Some(file));
        session.set_wallet(Some(Arc::new(wallet)));
        session
    }

    fn asked() -> Asked {
        Asked {
            what: Question::OneWay {
                agency: "a".into(),
                service: "age-19".into(),
            },
            document: None,
        }
    }

    #[test]
    fn idle_lock_drops_everything_and_refuses_what_was_under_way() {
        let home = tempfile::tempdir().unwrap();
        let session = session(&home.path().join("wallet"));
        let before = session.unlocked().unwrap();
        session
            .hand(&before, |hand| hand.take_asked(asked()))
            .unwrap();
        let now = Instant::now();
        assert!(!session.idle_too_long(now, SystemTime::now()));
        assert!(session.idle_too_long(now + Duration::from_secs(301), SystemTime::now()));
        assert!(session.lock());
        assert!(session.wallet().unwrap().is_locked());
        assert!(session.inner().hand.is_empty());
        let late = session.hand(&before, |hand| hand.take_asked(asked()));
        assert_eq!(late.unwrap_err().code, "wallet_locked");
        assert_eq!(session.unlocked().err().unwrap().code, "wallet_locked");
        assert!(!session.lock());
        assert!(!session.idle_too_long(now + Duration::from_secs(700), SystemTime::now()));
    }

    #[test]
    fn what_began_before_a_lock_stays_out_after_unlocking_again() {
        let home = tempfile::tempdir().unwrap();
        let session = session(&home.path().join("wallet"));
        let before = session.unlocked().unwrap();
        session.lock();
        let secret = UnlockSecret::new(SECRET.into());
        session.wallet().unwrap().unlock(&secret, 1).unwrap();
        let late = session.hand(&before, |hand| hand.take_asked(asked()));
        assert_eq!(late.unwrap_err().code, "wallet_locked");
        assert!(session.inner().hand.is_empty());
    }

    #[test]
    fn link_waits_until_the_wallet_is_unlocked_and_is_given_once() {
        let home = tempfile::tempdir().unwrap();
        let session = session(&home.path().join("wallet"));
        session.lock();
        assert!(session.offer_link(Some("openid4vp://?client_id=a")));
        assert!(!session.offer_link(Some("openid4vp://?client_id=a")));
        assert!(!session.offer_link(Some("javascript:alert(1)")));
        assert_eq!(session.take_link(), None);
        let secret = UnlockSecret::new(SECRET.into());
        session.wallet().unwrap().unlock(&secret, 1).unwrap();
        assert_eq!(
            session.take_link().as_deref(),
            Some("openid4vp://?client_id=a")
        );
        assert_eq!(session.take_link(), None);
    }

    #[test]
    fn new_offer_or_request_takes_the_place_of_the_old_one() {
        let home = tempfile::tempdir().unwrap();
        let session = session(&home.path().join("wallet"));
        let unlocked = session.unlocked().unwrap();
        let work = |hand: &mut Hand| {
            hand.redirect = Some("https://a.example".into());
            hand.take_asked(asked());
            hand.redirect.is_none() && hand.offer.is_none() && hand.asked.is_some()
        };
        assert!(session.hand(&unlocked, work).unwrap());
    }
}
