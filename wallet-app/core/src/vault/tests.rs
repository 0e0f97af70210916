use std::fs;

use super::*;

const CHEAP: Cost = Cost {
    memory_kib: 64,
    passes: 1,
    lanes: 1,
};
const NOW: u64 = 1_800_000_000;

fn pin(text: &str) -> UnlockSecret {
    UnlockSecret::new(text.to_owned())
}

fn with_keyring(path: &Path, store: &MemoryStore) -> Vault {
    let device: Arc<dyn DeviceStore> = Arc::new(store.clone());
    Vault::create_at_cost(path, &pin("135790"), Some(device), CHEAP)
        .unwrap()
        .0
}

fn reopen(path: &Path, store: &MemoryStore) -> Result<Vault, VaultError> {
    Vault::open_with(path, || Ok(Arc::new(store.clone())))
}

fn with_passphrase(path: &Path) -> Vault {
    Vault::create_at_cost(path, &pin("correct horse"), None, CHEAP)
        .unwrap()
        .0
}

fn fails<T>(result: Result<T, VaultError>) -> VaultError {
    result.err().unwrap()
}

#[test]
fn vault_opens_again_with_its_pin() {
    let (folder, store) = (tempfile::tempdir().unwrap(), MemoryStore::default());
    drop(with_keyring(folder.path(), &store));
    let vault = reopen(folder.path(), &store).unwrap();
    assert_eq!(vault.protection(), Protection::Keyring);
    vault.unlock(&pin("135790"), NOW).unwrap();
}

#[cfg(unix)]
#[test]
fn files_are_private_to_their_owner() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("wallet");
    drop(with_passphrase(&home));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&home), 0o700);
    for entry in fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn second_process_is_kept_out() {
    let folder = tempfile::tempdir().unwrap();
    let vault = with_passphrase(folder.path());
    let reopen = || Vault::open_with(folder.path(), || unreachable!());
    assert!(matches!(fails(reopen()), VaultError::InUse));
    drop(vault);
    reopen().unwrap();
}

#[test]
fn existing_wallet_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    drop(with_passphrase(folder.path()));
    let before = fs::read(folder.path().join(KEY_FILE)).unwrap();
    let again = Vault::create_at_cost(folder.path(), &pin("another one!"), None, CHEAP);
    assert!(matches!(fails(again), VaultError::Exists));
    assert_eq!(fs::read(folder.path().join(KEY_FILE)).unwrap(), before);
}

#[test]
fn short_secrets_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let device: Arc<dyn DeviceStore> = Arc::new(MemoryStore::default());
    let short = Vault::create_at_cost(folder.path(), &pin("12345"), Some(device), CHEAP);
    assert!(matches!(fails(short), VaultError::PinTooShort));
    let short = Vault::create_at_cost(folder.path(), &pin("123456789"), None, CHEAP);
    assert!(matches!(fails(short), VaultError::PassphraseTooShort));
}

#[test]
fn lost_keyring_secret_is_named_and_costs_no_try() {
    let (folder, store) = (tempfile::tempdir().unwrap(), MemoryStore::default());
    let vault = with_keyring(folder.path(), &store);
    let kept = std::mem::take(&mut *store.entries.lock().unwrap());
    assert!(matches!(
        fails(vault.unlock(&pin("135790"), NOW)),
        VaultError::KeyringEntryMissing
    ));
    *store.entries.lock().unwrap() = kept;
    let error = fails(vault.unlock(&pin("000000"), NOW));
    assert!(matches!(
        error,
        VaultError::WrongSecret { left: Some(9), .. }
    ));
}

#[test]
fn pin_alone_opens_nothing_without_the_keyring_secret() {
    let (folder, store) = (tempfile::tempdir().unwrap(), MemoryStore::default());
    let vault = with_keyring(folder.path(), &store);
    for value in store.entries.lock().unwrap().values_mut() {
        if value.len() == 32 {
            value[0] ^= 1;
        }
    }
    // Nor does the count of tries fit the vault with another secret.
    assert!(matches!(
        fails(vault.unlock(&pin("135790"), NOW)),
        VaultError::CountLost { seconds: 30 }
    ));
    assert!(matches!(
        fails(vault.unlock(&pin("135790"), NOW + 30)),
        VaultError::WrongSecret { .. }
    ));
}

#[test]
fn damaged_files_are_named_and_left_as_they_are() {
    for (file, at) in [(KEY_FILE, 40), (DATABASE_FILE, 100), (DATABASE_FILE, 9000)] {
        let folder = tempfile::tempdir().unwrap();
        drop(with_passphrase(folder.path()));
        let path = folder.path().join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[at] ^= 0x20;
        fs::write(&path, &bytes).unwrap();
        let error = fails(
            Vault::open_with(folder.path(), || unreachable!())
                .and_then(|vault| vault.unlock(&pin("correct horse"), NOW)),
        );
        assert!(matches!(error, VaultError::Damaged { file: f } if f == file));
        assert_eq!(fs::read(&path).unwrap(), bytes, "{file}");
    }
}

#[test]
fn truncated_or_missing_database_is_damage_and_not_an_empty_wallet() {
    for keep in [None, Some(0), Some(4096)] {
        let folder = tempfile::tempdir().unwrap();
        let vault = with_passphrase(folder.path());
        let path = folder.path().join(DATABASE_FILE);
        match keep {
            None => fs::remove_file(&path).unwrap(),
            Some(size) => fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(size)
                .unwrap(),
        }
        let error = fails(vault.unlock(&pin("correct horse"), NOW));
        assert!(
            matches!(
                error,
                VaultError::Damaged {
                    file: DATABASE_FILE
                }
            ),
            "{keep:?}: {error:?}"
        );
        assert_eq!(path.exists(), keep.is_some());
    }
}

#[test]
fn database_on_disk_shows_nothing_of_its_content() {
    let folder = tempfile::tempdir().unwrap();
    let vault = with_passphrase(folder.path());
    let database = vault.unlock(&pin("correct horse"), NOW).unwrap();
    database
        .0
        .execute(
            "INSERT INTO setting VALUES ('marker', CAST('홍길동 in clear' AS BLOB))",
            [],
        )
        .unwrap();
    drop(database);
    let bytes = fs::read(folder.path().join(DATABASE_FILE)).unwrap();
    let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    assert!(!found("홍길동".as_bytes()) && !found(b"SQLite format 3"));
}

#[test]
fn new_pin_replaces_the_old_one() {
    let (folder, store) = (tempfile::tempdir().unwrap(), MemoryStore::default());
    let mut vault = with_keyring(folder.path(), &store);
    let (old, new) = (pin("135790"), pin("246802"));
    assert!(matches!(
        fails(vault.change_secret(&pin("000000"), &new, NOW)),
        VaultError::WrongSecret { .. }
    ));
    vault.change_secret(&old, &new, NOW).unwrap();
    drop(vault);
    let vault = reopen(folder.path(), &store).unwrap();
    fails(vault.unlock(&old, NOW));
    vault.unlock(&new, NOW).unwrap();
}

#[test]
fn erased_wallet_makes_room_for_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    drop(with_passphrase(folder.path()));
    fs::write(folder.path().join(KEY_FILE), b"damaged").unwrap();
    erase(folder.path()).unwrap();
    drop(with_passphrase(folder.path()));
}
