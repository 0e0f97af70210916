use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::super::envelope::tests::underivable;
use super::super::moment::Uptime;
use super::super::{Cost, MemoryStore, UnlockSecret, Vault};
use super::*;

const CHEAP: Cost = Cost {
    memory_kib: 64,
    passes: 1,
    lanes: 1,
};
const NOW: u64 = 1_800_000_000;
const PIN: &str = "135790";
const PASSPHRASE: &str = "correct horse";
const WRONG: &str = "000000";

thread_local! {
    static UPTIME: RefCell<Option<Uptime>> = const { RefCell::new(None) };
}

/// Has the machine run for so many seconds since a start of this name.
fn machine_runs(boot: &str, seconds: u64) {
    let uptime = Uptime {
        boot: boot.to_owned(),
        seconds,
    };
    UPTIME.with_borrow_mut(|kept| *kept = Some(uptime));
}

struct Safe {
    vault: Vault,
    folder: tempfile::TempDir,
    store: MemoryStore,
    secret: &'static str,
}

impl Safe {
    fn with_keyring() -> Self {
        let store = MemoryStore::default();
        Self::new(PIN, Some(Arc::new(store.clone())), store)
    }

    fn with_passphrase() -> Self {
        Self::new(PASSPHRASE, None, MemoryStore::default())
    }

    fn new(secret: &'static str, device: Option<Arc<dyn DeviceStore>>, store: MemoryStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let typed = UnlockSecret::new(secret.to_owned());
        let (mut vault, _) = Vault::create_at_cost(folder.path(), &typed, device, CHEAP).unwrap();
        vault.uptime = || UPTIME.with_borrow(Clone::clone);
        Self {
            vault,
            folder,
            store,
            secret,
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.path().join(FILE)
    }

    fn try_it(&self, secret: &str, now: u64) -> Result<(), VaultError> {
        let secret = UnlockSecret::new(secret.to_owned());
        self.vault.unlock(&secret, now).map(drop)
    }

    fn right(&self, now: u64) -> Result<(), VaultError> {
        self.try_it(self.secret, now)
    }

    fn wrong(&self, now: u64) -> VaultError {
        self.try_it(WRONG, now).unwrap_err()
    }

    fn entry(&self) -> String {
        device_name(self.vault.envelope.id(), ENTRY)
    }
}

/// Returns an error's code and the seconds that it tells to wait.
fn told(result: Result<(), VaultError>) -> (&'static str, u64) {
    match result {
        Ok(()) => ("open", 0),
        Err(error) => match error {
            VaultError::TooSoon { seconds }
            | VaultError::CountLost { seconds }
            | VaultError::WrongSecret { seconds, .. } => (error.code(), seconds),
            _ => (error.code(), 0),
        },
    }
}

#[test]
fn ten_wrong_pins_shut_a_vault_with_a_keyring_for_good() {
    let safe = Safe::with_keyring();
    let mut now = NOW;
    for left in (0..10).rev() {
        now += 10_000;
        let error = safe.wrong(now);
        assert!(matches!(error, VaultError::WrongSecret { left: Some(l), .. } if l == left));
    }
    let error = safe.right(now + 1_000_000).unwrap_err();
    assert_eq!(error.code(), "pin_locked_out");
    assert!(error.to_string().contains("erase"));
}

#[test]
fn vault_of_a_passphrase_alone_makes_guessers_wait_but_never_shuts_for_good() {
    let safe = Safe::with_passphrase();
    let mut now = NOW;
    for wait in [0, 0, 0, 0, 30, 60, 300, 900, 3600, 3600, 3600, 3600] {
        assert_eq!(told(Err(safe.wrong(now))), ("wrong_pin", wait));
        if wait > 0 {
            assert_eq!(told(safe.right(now + wait - 1)), ("pin_too_soon", 1));
        }
        now += wait;
    }
    assert_eq!(told(safe.right(now)), ("open", 0));
}

#[test]
fn right_pin_must_wait_too_and_resets_the_count() {
    let safe = Safe::with_keyring();
    for _ in 0..4 {
        assert_eq!(told(Err(safe.wrong(NOW))), ("wrong_pin", 0));
    }
    assert_eq!(told(Err(safe.wrong(NOW))), ("wrong_pin", 30));
    assert_eq!(told(safe.right(NOW + 1)), ("pin_too_soon", 29));
    assert_eq!(told(safe.right(NOW + 30)), ("open", 0));
    let error = safe.wrong(NOW + 31);
    assert!(matches!(
        error,
        VaultError::WrongSecret { left: Some(9), .. }
    ));
}

#[test]
fn lost_or_damaged_record_costs_one_wait_of_the_time_that_is_told() {
    let damage: [fn(&Path); 5] = [
        |file| fs::remove_file(file).unwrap(),
        |file| fs::write(file, b"").unwrap(),
        |file| fs::write(file, br#"{"failed":0,"last":0}"#).unwrap(),
        |file| fs::write(file, vec![b'x'; 5000]).unwrap(),
        |file| {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, bytes).unwrap();
        },
    ];
    for damage in damage {
        for safe in [Safe::with_keyring(), Safe::with_passphrase()] {
            damage(&safe.file());
            for (later, seconds) in [(0, 30), (1, 29), (29, 1)] {
                let refused = told(safe.right(NOW + later));
                assert_eq!(refused, ("pin_count_lost", seconds));
            }
            assert_eq!(told(safe.right(NOW + 30)), ("open", 0));
        }
    }
}

#[test]
fn lost_record_keeps_the_wrong_tries_that_the_keyring_knows_of() {
    let safe = Safe::with_keyring();
    for wait in [0, 0, 0, 0, 30, 60, 300, 900, 3600] {
        assert_eq!(told(Err(safe.wrong(NOW + 10_000 * wait))).1, wait);
    }
    fs::remove_file(safe.file()).unwrap();
    let later = NOW + 100_000_000;
    assert_eq!(told(safe.right(later)), ("pin_count_lost", 3600));
    let error = safe.wrong(later + 3600);
    assert!(matches!(
        error,
        VaultError::WrongSecret { left: Some(0), .. }
    ));
}

#[test]
fn count_set_to_zero_by_hand_opens_nothing_to_guessing() {
    let safe = Safe::with_keyring();
    for _ in 0..5 {
        safe.wrong(NOW);
    }
    let text = fs::read_to_string(safe.file()).unwrap();
    let forged = text.replace("\"failed\":5", "\"failed\":0");
    assert_ne!(text, forged);
    fs::write(safe.file(), &forged).unwrap();
    assert_eq!(told(safe.right(NOW)), ("pin_count_lost", 30));
    // Nor with the tag that would do for a vault without a keyring, which anybody can make.
    let keyless = TryBook::new(&safe.vault.home, safe.vault.envelope.id(), None).unwrap();
    keyless
        .put(&Tries::default().next(0, Moment::default()))
        .unwrap();
    assert_eq!(told(safe.right(NOW)), ("pin_count_lost", 30));
}

#[test]
fn record_of_another_vault_is_not_this_ones() {
    let (one, other) = (Safe::with_passphrase(), Safe::with_passphrase());
    fs::copy(other.file(), one.file()).unwrap();
    assert_eq!(told(one.right(NOW)), ("pin_count_lost", 30));
}

#[test]
fn older_copy_of_the_file_that_is_put_back_is_noticed() {
    let safe = Safe::with_keyring();
    let fresh = fs::read(safe.file()).unwrap();
    for _ in 0..4 {
        safe.wrong(NOW);
    }
    fs::write(safe.file(), &fresh).unwrap();
    assert_eq!(told(Err(safe.wrong(NOW))), ("pin_count_lost", 30));
    fs::write(safe.file(), fresh).unwrap();
    assert_eq!(told(safe.right(NOW + 29)), ("pin_count_lost", 30));
    assert_eq!(told(safe.right(NOW + 59)), ("open", 0));
}

#[test]
fn older_copy_of_the_keyring_is_outweighed_by_the_file() {
    let safe = Safe::with_keyring();
    let fresh = safe.store.entries.lock().unwrap().clone();
    for _ in 0..5 {
        safe.wrong(NOW);
    }
    *safe.store.entries.lock().unwrap() = fresh;
    assert_eq!(told(safe.right(NOW)), ("pin_too_soon", 30));
}

#[test]
fn record_lost_from_the_keyring_costs_one_wait_too() {
    let safe = Safe::with_keyring();
    let entry = safe.entry();
    safe.store.entries.lock().unwrap().remove(&entry);
    assert_eq!(told(safe.right(NOW)), ("pin_count_lost", 30));
    assert_eq!(told(safe.right(NOW + 30)), ("open", 0));
}

#[test]
fn clock_set_forward_or_back_neither_opens_nor_shuts() {
    let safe = Safe::with_keyring();
    machine_runs("first", 100);
    for _ in 0..5 {
        safe.wrong(NOW);
    }
    let year = 365 * 24 * 3600;
    machine_runs("first", 110);
    assert_eq!(told(safe.right(NOW + year)), ("pin_too_soon", 20));
    assert_eq!(told(safe.right(NOW - year)), ("pin_too_soon", 20));
    machine_runs("first", 130);
    assert_eq!(told(safe.right(NOW - year)), ("open", 0));
}

#[test]
fn clock_set_back_while_the_machine_was_off_costs_the_wait_once_more() {
    let safe = Safe::with_keyring();
    machine_runs("first", 100);
    for _ in 0..5 {
        safe.wrong(NOW);
    }
    let back = NOW - 365 * 24 * 3600;
    machine_runs("second", 3);
    assert_eq!(told(safe.right(back)), ("pin_too_soon", 30));
    machine_runs("second", 33);
    assert_eq!(told(safe.right(back + 30)), ("open", 0));
}

#[test]
fn clock_set_back_where_no_uptime_is_told_costs_the_wait_once_more() {
    let safe = Safe::with_passphrase();
    for _ in 0..5 {
        safe.wrong(NOW);
    }
    let back = NOW - 365 * 24 * 3600;
    assert_eq!(told(safe.right(back)), ("pin_too_soon", 30));
    assert_eq!(told(safe.right(back + 29)), ("pin_too_soon", 1));
    assert_eq!(told(safe.right(back + 30)), ("open", 0));
}

#[test]
fn try_that_cannot_be_counted_is_not_checked_and_costs_nothing() {
    let safe = Safe::with_keyring();
    for (broken, read_only) in [(true, false), (false, true)] {
        *safe.store.broken.lock().unwrap() = broken;
        *safe.store.read_only.lock().unwrap() = read_only;
        for _ in 0..12 {
            assert_eq!(told(safe.right(NOW)), ("no_keyring", 0));
        }
    }
    *safe.store.read_only.lock().unwrap() = false;
    assert!(matches!(
        safe.wrong(NOW),
        VaultError::WrongSecret { left: Some(9), .. }
    ));
}

#[test]
fn key_that_cannot_be_derived_is_no_try_and_never_shuts_the_vault() {
    let mut safe = Safe::with_keyring();
    let whole = safe.vault.envelope.clone();
    safe.vault.envelope = underivable(&whole);
    for _ in 0..12 {
        assert_eq!(told(safe.right(NOW)), ("key_failed", 0));
    }
    safe.vault.envelope = whole;
    assert_eq!(told(safe.right(NOW)), ("open", 0));
}

#[test]
fn disk_that_takes_nothing_keeps_the_vault_shut_and_costs_nothing() {
    let safe = Safe::with_keyring();
    // What the new content is written to first.
    let beside = format!(".{FILE}.{}.new", std::process::id());
    let beside = safe.folder.path().join(beside);
    fs::create_dir(&beside).unwrap();
    for _ in 0..12 {
        assert_eq!(told(safe.right(NOW)), ("storage_failed", 0));
    }
    fs::remove_dir(&beside).unwrap();
    assert!(matches!(
        safe.wrong(NOW),
        VaultError::WrongSecret { left: Some(9), .. }
    ));
    for (kind, code) in [
        (std::io::ErrorKind::StorageFull, "disk_full"),
        (std::io::ErrorKind::ReadOnlyFilesystem, "storage_read_only"),
        (std::io::ErrorKind::PermissionDenied, "storage_read_only"),
    ] {
        assert_eq!(VaultError::Storage(kind.into()).code(), code);
    }
}

#[test]
fn try_is_on_disk_before_it_is_checked() {
    let safe = Safe::with_keyring();
    let part = safe.vault.part().unwrap().unwrap();
    let book = safe.vault.tries(Some(&part)).unwrap();
    // The process ends here, before it has compared anything.
    book.count(&safe.vault.moment(NOW)).unwrap();
    assert!(matches!(
        safe.wrong(NOW),
        VaultError::WrongSecret { left: Some(8), .. }
    ));
}

#[test]
fn tries_at_the_same_time_are_all_counted() {
    let safe = Safe::with_keyring();
    let vault = std::sync::Mutex::new(&safe.vault);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let wrong = UnlockSecret::new(WRONG.to_owned());
                assert!(vault.lock().unwrap().unlock(&wrong, NOW).is_err());
            });
        }
    });
    assert!(matches!(
        safe.wrong(NOW),
        VaultError::WrongSecret { left: Some(5), .. }
    ));
}
