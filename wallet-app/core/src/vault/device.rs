//! What the desktop keeps for the vault: one random secret and the count of wrong tries, in the Secret Service.

use std::fmt;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use jumin_identity::{b64url, b64url_decode, random_bytes};
use keyring_core::{CredentialStore, Entry};
use zeroize::Zeroizing;

const SERVICE: &str = "jumin-wallet";
/// A keyring that is alive opens a session at once.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A locked keyring asks its owner for a password meanwhile. Who needs longer unlocks it all the same, and tries again.
const CALL_LIMIT: Duration = Duration::from_secs(20);

/// Says why the device's keyring did not serve.
#[derive(Debug, thiserror::Error)]
#[error("the desktop's keyring could not be used")]
pub struct DeviceError(#[source] Option<Box<dyn std::error::Error + Send + Sync>>);

/// Says that the keyring was given up.
#[derive(Debug, thiserror::Error)]
#[error(
    "it did not answer within {0} seconds; log out and in again, or restart the keyring, and try again"
)]
struct Silent(u64);

impl DeviceError {
    fn from_keyring(error: keyring_core::Error) -> Self {
        Self(Some(Box::new(error)))
    }
}

/// Keeps small secrets by name outside the wallet's folder.
pub trait DeviceStore: Send + Sync {
    /// Reads a secret; `None` if there is none of this name.
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DeviceError>;

    /// Writes a secret over any older one.
    fn write(&self, name: &str, value: &[u8]) -> Result<(), DeviceError>;

    /// Removes a secret; a missing one is as good as removed.
    fn remove(&self, name: &str) -> Result<(), DeviceError>;
}

/// Is the freedesktop.org Secret Service (GNOME Keyring, KDE Wallet).
pub struct SecretService(Arc<CredentialStore>);

impl SecretService {
    /// Connects, and writes, reads and removes a probe: a bus without a keyring connects too and fails only at a write.
    ///
    /// The calls block; inside an async task use `spawn_blocking`.
    pub fn connect() -> Result<Self, DeviceError> {
        let service = Self::connect_unprobed()?;
        let name = format!("probe-{}", b64url(&random_bytes::<9>()));
        service.write(&name, b"probe")?;
        let read = service.read(&name)?;
        service.remove(&name)?;
        match read {
            Some(value) if value.as_slice() == b"probe" => Ok(service),
            _ => Err(DeviceError(None)),
        }
    }

    /// Connects for an existing vault, whose own entries are the probe.
    pub(crate) fn connect_unprobed() -> Result<Self, DeviceError> {
        let connect =
            || zbus_secret_service_keyring_store::Store::new().map_err(DeviceError::from_keyring);
        Ok(Self(bounded(CONNECT_LIMIT, connect)?))
    }

    /// Makes one call about an entry.
    fn call<T: Send + 'static>(
        &self,
        name: &str,
        call: impl FnOnce(Entry) -> Result<T, keyring_core::Error> + Send + 'static,
    ) -> Result<Option<T>, DeviceError> {
        let (store, name) = (self.0.clone(), name.to_owned());
        bounded(CALL_LIMIT, move || {
            match store.build(SERVICE, &name, None).and_then(call) {
                Ok(done) => Ok(Some(done)),
                Err(keyring_core::Error::NoEntry) => Ok(None),
                Err(error) => Err(DeviceError::from_keyring(error)),
            }
        })
    }
}

/// Waits for a call no longer than `limit`: a keyring that is stuck answers nothing, not even a refusal. The thread that
/// was given up ends with its call or with the program.
fn bounded<T: Send + 'static>(
    limit: Duration,
    call: impl FnOnce() -> Result<T, DeviceError> + Send + 'static,
) -> Result<T, DeviceError> {
    let (done, answer) = mpsc::sync_channel(1);
    let work = move || {
        let _ = done.send(call());
    };
    let thread = std::thread::Builder::new().name("keyring".into());
    thread
        .spawn(work)
        .map_err(|error| DeviceError(Some(error.into())))?;
    let silent = |_| DeviceError(Some(Silent(limit.as_secs()).into()));
    answer.recv_timeout(limit).map_err(silent)?
}

impl DeviceStore for SecretService {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DeviceError> {
        let text = self.call(name, |entry| entry.get_password().map(Zeroizing::new))?;
        let bytes = text.map(|text| b64url_decode(&text).map(Zeroizing::new));
        bytes.transpose().map_err(|_| DeviceError(None))
    }

    /// Writes text, because the KDE Wallet keeps nothing else.
    fn write(&self, name: &str, value: &[u8]) -> Result<(), DeviceError> {
        let text = Zeroizing::new(b64url(value));
        let written = self.call(name, move |entry| entry.set_password(&text))?;
        written.ok_or(DeviceError(None))
    }

    fn remove(&self, name: &str) -> Result<(), DeviceError> {
        self.call(name, |entry| entry.delete_credential())?;
        Ok(())
    }
}

impl fmt::Debug for SecretService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretService")
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use std::collections::HashMap;
    use std::sync::Mutex;

    use super::*;

    /// Keeps secrets in memory, shared by its clones, and can be made to fail.
    #[derive(Clone, Default)]
    pub(crate) struct MemoryStore {
        pub(crate) entries: Arc<Mutex<HashMap<String, Vec<u8>>>>,
        pub(crate) broken: Arc<Mutex<bool>>,
        pub(crate) read_only: Arc<Mutex<bool>>,
    }

    impl MemoryStore {
        fn works(&self) -> Result<(), DeviceError> {
            match *self.broken.lock().unwrap() {
                true => Err(DeviceError(None)),
                false => Ok(()),
            }
        }
    }

    impl DeviceStore for MemoryStore {
        fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DeviceError> {
            self.works()?;
            Ok(self
                .entries
                .lock()
                .unwrap()
                .get(name)
                .cloned()
                .map(Zeroizing::new))
        }

        fn write(&self, name: &str, value: &[u8]) -> Result<(), DeviceError> {
            self.works()?;
            if *self.read_only.lock().unwrap() {
                return Err(DeviceError(None));
            }
            self.entries
                .lock()
                .unwrap()
                .insert(name.to_owned(), value.to_vec());
            Ok(())
        }

        fn remove(&self, name: &str) -> Result<(), DeviceError> {
            self.works()?;
            self.entries.lock().unwrap().remove(name);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn call_that_is_never_answered_is_given_up() {
        let (_kept, never) = mpsc::channel::<()>();
        let silent = bounded(Duration::from_millis(20), move || {
            let _ = never.recv();
            Ok(())
        });
        let cause = silent.unwrap_err().0.unwrap().to_string();
        assert!(cause.contains("did not answer"), "{cause}");
    }
}
