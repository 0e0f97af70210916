//! Holds a citizen's credentials and presents them.

mod home;
mod vault;

pub use vault::{
    DeviceError, DeviceStore, Protection, SecretService, StoreError, UnlockSecret, VaultError,
};
