//! Makes the console's account from the command line.

use thiserror::Error;

use crate::console::{AccountError, put_account};
use crate::home::Home;
use crate::store::{Store, StoreError};

/// Why the account wasn't made.
#[derive(Debug, Error)]
pub enum AccountFailed {
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error("the database can't be used")]
    Store(#[from] StoreError),
}

/// Makes an account of this home's console, or gives it a new password and ends its sessions.
pub async fn set_account(
    home: &Home,
    name: &str,
    password: &str,
    now: u64,
) -> Result<(), AccountFailed> {
    let store = Store::open(&home.database()).await?;
    let made = put_account(&store, name, password, now).await;
    store.close().await;
    Ok(made?)
}
