//! The operation that creates an agency's DID: made once, since the DID is its hash.

use std::path::Path;

use jumin_identity::{FileKey, NetworkName, Signer as _};
use jumin_registry::{
    DidDocument, Operation, OperationSigner, Purpose, Service, SignedOperation, VerificationMethod,
    sign_operation,
};

use crate::files;
use crate::{KeysError, SigningKeys, UpdateKeys};

/// The file of the signed operation that creates the DID, in the agency's home.
pub const CREATION: &str = "creation.json";

/// What an agency's first document says, and where its keys go.
pub struct DidPlan<'a> {
    /// The agency's home; the operation is kept there.
    pub home: &'a Path,
    /// Where the signing keys are kept.
    pub keys: &'a SigningKeys,
    /// Where the key for the first change goes; never into the home.
    pub update_keys: &'a UpdateKeys,
    /// The ledger's network.
    pub network: &'a NetworkName,
    /// Names and purposes of the first keys.
    pub methods: &'a [(&'a str, &'a [Purpose])],
    /// Where the agency can be reached.
    pub services: Vec<Service>,
    /// First second that the keys are good for, Unix time.
    pub valid_from: u64,
}

/// Reads the operation that creates the agency's DID, making it and the keys first if there is none. Nothing is sent.
///
/// # Errors
/// [`KeysError`]; `OtherServices` when the operation was made with other services than these.
pub fn prepare_creation(plan: DidPlan<'_>) -> Result<SignedOperation, KeysError> {
    let path = plan.home.join(CREATION);
    if let Some(text) = files::read(&path)? {
        let creation = SignedOperation::parse(text.as_bytes())
            .map_err(|error| KeysError::NotACreation(Some(error)))?;
        return match creation.operation() {
            Operation::CreateDid { document, .. } if document.services == plan.services => {
                Ok(creation)
            }
            Operation::CreateDid { .. } => Err(KeysError::OtherServices),
            _ => Err(KeysError::NotACreation(None)),
        };
    }
    plan.update_keys.require_apart(plan.home)?;
    let method = |(fragment, purposes): &(&str, &[Purpose])| {
        Ok(VerificationMethod {
            fragment: (*fragment).to_owned(),
            public_key: plan.keys.read_or_make(fragment)?.public_key().clone(),
            purposes: purposes.to_vec(),
            valid_from: plan.valid_from,
            valid_until: None,
        })
    };
    let document = DidDocument {
        verification_methods: plan
            .methods
            .iter()
            .map(method)
            .collect::<Result<_, KeysError>>()?,
        services: plan.services,
    };
    let next_key_hash = plan.update_keys.make()?;
    let operation = Operation::CreateDid {
        document,
        next_key_hash,
    };
    // The signature gives its key no rights, so nobody needs to keep it.
    let creator = FileKey::generate().map_err(KeysError::Make)?;
    let creation = sign_operation(plan.network, &operation, &[OperationSigner::Jwk(&creator)])?;
    files::write(&path, &creation.to_bytes())?;
    eprintln!(
        "The key that any change of this DID needs is {}. Put it away, on a medium of its own: no server needs it.",
        plan.update_keys.path(&next_key_hash).display()
    );
    Ok(creation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creation_is_made_once_and_its_update_key_lies_apart() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        let (keys, update_keys) = (
            SigningKeys::at(home.join("keys")),
            UpdateKeys::beside(&home),
        );
        let network: NetworkName = "test".parse().unwrap();
        let prepare = |update_keys: &UpdateKeys, services| {
            prepare_creation(DidPlan {
                home: &home,
                keys: &keys,
                update_keys,
                network: &network,
                methods: &[("key-1", &[Purpose::CapabilityInvocation])],
                services,
                valid_from: 0,
            })
        };
        let inside = UpdateKeys::at(home.join("update-keys"));
        let refused = prepare(&inside, Vec::new()).unwrap_err();
        assert_eq!(refused.code(), "update_key_not_apart");

        let first = prepare(&update_keys, Vec::new()).unwrap();
        let again = prepare(&update_keys, Vec::new()).unwrap();
        assert_eq!(first.created_did(), again.created_did());
        let Operation::CreateDid { next_key_hash, .. } = first.operation() else {
            panic!("not a creation");
        };
        assert!(update_keys.has(next_key_hash));
        UpdateKeys::require_none_in(&home).unwrap();
        let moved = Service {
            id: "issuer".into(),
            kind: "OpenID4VCI".into(),
            endpoint: "https://other.example".into(),
        };
        let refused = prepare(&update_keys, vec![moved]).unwrap_err();
        assert_eq!(refused.code(), "other_services");
    }
}
