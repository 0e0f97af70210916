//! What the desktop keeps for the vault: one random secret and the count of wrong tries, in the Secret Service.

use std::fmt;
use std::sync::Arc;

use jumin_identity::{b64url, b64url_decode, random_bytes};
use keyring_core::{CredentialStore, Entry};
use zeroize::Zeroizing;

const SERVICE: &str = "jumin-wallet";

/// Says why the device's keyring did not serve.
#[derive(Debug, thiserror::Error)]
#[error("the desktop's keyring could not be used")]
pub struct DeviceError(#[source] Option<Box<dyn std::error::Error + Send + Sync>>);

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
        let store =
            zbus_secret_service_keyring_store::Store::new().map_err(DeviceError::from_keyring)?;
        Ok(Self(store))
    }

    fn entry(&self, name: &str) -> Result<Entry, DeviceError> {
        self.0
            .build(SERVICE, name, None)
            .map_err(DeviceError::from_keyring)
    }
}

impl DeviceStore for SecretService {
    fn read(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, DeviceError> {
        match self.entry(name)?.get_password() {
            Ok(text) => {
                let text = Zeroizing::new(text);
                let bytes = b64url_decode(&text).map_err(|_| DeviceError(None))?;
                Ok(Some(Zeroizing::new(bytes)))
            }
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(DeviceError::from_keyring(error)),
        }
    }

    /// Writes text, because the KDE Wallet keeps nothing else.
    fn write(&self, name: &str, value: &[u8]) -> Result<(), DeviceError> {
        let text = Zeroizing::new(b64url(value));
        self.entry(name)?
            .set_password(&text)
            .map_err(DeviceError::from_keyring)
    }

    fn remove(&self, name: &str) -> Result<(), DeviceError> {
        match self.entry(name)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(DeviceError::from_keyring(error)),
        }
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
