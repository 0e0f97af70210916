//! The issuer's address: the one that its DID document on the ledger names, which only a command changes.

use jumin_registry::{DidDocument, RecordKey};
use thiserror::Error;

use crate::ledger::{IssuerLedger, LedgerError};
use crate::setup::SERVICE_ID;
use crate::store::{SeenDocument, Store, StoreError};

/// Why the issuer has no address to serve under.
#[derive(Debug, Error)]
pub enum AddressError {
    #[error("the ledger can't be asked at which address it has this issuer")]
    Ledger(#[from] LedgerError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the ledger has this issuer at {recorded}, not at {given}: start it without --public-url and public_url, or move it with `jumin-issuer key address --public-url {given}`"
    )]
    Other { recorded: String, given: String },
    #[error(
        "the ledger has no address of this issuer: give it one with `jumin-issuer key address --public-url {given}`"
    )]
    Missing { given: String },
}

/// Reads an issuer's address from its DID document.
pub fn address_in(document: &DidDocument) -> Option<String> {
    let service = document.services.iter().find(|one| one.id == SERVICE_ID);
    service.map(|service| service.endpoint.clone())
}

/// Decides under which address the issuer serves: the one that it wrote or saw on the ledger last. `given` is what it was
/// started with, `listening` where it listens.
///
/// # Errors
/// [`AddressError`] where it was started with another address: only a command changes what is on the ledger.
pub async fn settled_address(
    store: &Store,
    ledger: &IssuerLedger,
    given: Option<&str>,
    listening: &str,
) -> Result<String, AddressError> {
    let seen = match store.seen_document().await? {
        Some(seen) => seen,
        None => {
            let seen = read_document(ledger).await?;
            store.see_document(&seen).await?;
            seen
        }
    };
    judge(seen.public_url, given, listening)
}

fn judge(
    recorded: Option<String>,
    given: Option<&str>,
    listening: &str,
) -> Result<String, AddressError> {
    let text = |given: Option<&str>| given.unwrap_or(listening).to_owned();
    match (recorded, given) {
        (Some(recorded), None) => Ok(recorded),
        (Some(recorded), Some(given)) if recorded == given => Ok(recorded),
        (Some(recorded), given) => Err(AddressError::Other {
            recorded,
            given: text(given),
        }),
        (None, given) => Err(AddressError::Missing { given: text(given) }),
    }
}

/// Reads the version and the address of the DID document that the ledger has.
pub async fn read_document(issuer: &IssuerLedger) -> Result<SeenDocument, LedgerError> {
    let key = RecordKey::Did(issuer.did.clone());
    let record = issuer.ledger.did_record(&key).await?;
    let record = record.ok_or(LedgerError::UnknownDid)?;
    Ok(SeenDocument {
        version: record.version,
        public_url: address_in(&record.document),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "http://127.0.0.1:7200";

    #[test]
    fn issuer_serves_under_the_address_that_the_ledger_has() {
        let recorded = || Some("https://a.example".to_owned());
        let address = judge(recorded(), None, HERE).unwrap();
        assert_eq!(address, "https://a.example");
        let address = judge(recorded(), Some("https://a.example"), HERE).unwrap();
        assert_eq!(address, "https://a.example");
    }

    #[test]
    fn start_with_another_address_is_refused_with_the_command_that_moves_the_issuer() {
        let recorded = Some("https://a.example".to_owned());
        let refused = judge(recorded, Some("https://b.example"), HERE).unwrap_err();
        let text = refused.to_string();
        assert!(
            text.contains("key address --public-url https://b.example"),
            "{text}"
        );
        let refused = judge(None, None, HERE).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("key address --public-url {HERE}")),
            "{refused}"
        );
    }
}
