//! Holds a citizen's credentials and presents them.

mod home;
mod store;
mod vault;

pub use store::{ActivityEntry, ActivityKind, ActivityParty};
pub use vault::{
    DeviceError, DeviceStore, Protection, SecretService, StoreError, UnlockSecret, VaultError,
};
