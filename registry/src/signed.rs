//! A signed operation: parsed and bounded, its signatures not yet believed.

use jumin_identity::{Did, NetworkName, SignError, Signer, b64url};

use crate::{
    encoding::{Malformed, domain_hash},
    jws::{GeneralJws, KeyName, Signature, WireSignature},
    operation::{Operation, OperationError, OperationHash, Payload},
};

/// The longest operation accepted, as JSON.
pub const MAX_OPERATION_BYTES: usize = 16 * 1024;
/// The most signatures accepted on one operation.
pub const MAX_SIGNATURES: usize = 16;

const OPERATION_DOMAIN: &[u8] = b"jumin-operation-v1";

/// A well-formed operation with signatures that [`apply`](crate::apply) checks against the ledger's state.
#[derive(Debug, Clone)]
pub struct SignedOperation {
    wire: GeneralJws,
    payload: Payload,
    hash: OperationHash,
    pub(crate) signatures: Vec<Signature>,
}

/// A key to sign an operation with, and how the signature names it.
pub enum OperationSigner<'a> {
    /// Gives the key itself: creation, update and deactivation of a DID.
    Jwk(&'a dyn Signer),
    /// Names the key: `<did>#<fragment>` or `governance#<index>`.
    Kid(String, &'a dyn Signer),
}

/// Why an operation could not be signed.
#[derive(Debug, thiserror::Error)]
pub enum SignOperationError {
    /// The operation would be refused as it is.
    #[error("the operation can't be signed as it is")]
    Operation(#[source] OperationError),
    /// The signer failed.
    #[error("the signer failed")]
    Signer(#[source] SignError),
}

impl SignedOperation {
    /// Parses an operation in its wire form and checks all that needs no ledger, signatures apart.
    ///
    /// # Errors
    /// [`OperationError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, OperationError> {
        if bytes.len() > MAX_OPERATION_BYTES {
            return Err(OperationError::TooLarge);
        }
        let wire: GeneralJws = serde_json::from_slice(bytes)
            .map_err(|_| OperationError::Malformed(Malformed("JWS JSON serialization")))?;
        Self::from_wire(wire)
    }

    fn from_wire(wire: GeneralJws) -> Result<Self, OperationError> {
        let (bytes, signatures) = wire.decode().map_err(OperationError::Malformed)?;
        let payload: Payload = serde_json::from_slice(&bytes)
            .map_err(|_| OperationError::Malformed(Malformed("operation")))?;
        payload.op.validate()?;
        let hash = OperationHash(domain_hash(OPERATION_DOMAIN, &bytes));
        Ok(Self {
            wire,
            payload,
            hash,
            signatures,
        })
    }

    /// Writes the wire form: JWS JSON General Serialization.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&self.wire).unwrap_or_default()
    }

    /// Returns the operation's identifier, which doesn't depend on its signatures.
    pub fn hash(&self) -> OperationHash {
        self.hash
    }

    /// Returns what is asked for.
    pub fn operation(&self) -> &Operation {
        &self.payload.op
    }

    /// Returns the network that it is meant for.
    pub fn network(&self) -> &NetworkName {
        &self.payload.network
    }

    /// Returns the DID that this operation creates, if it creates one: its hash in the DID's form.
    pub fn created_did(&self) -> Option<Did> {
        matches!(self.payload.op, Operation::CreateDid { .. })
            .then(|| Did::from_digest(&self.payload.network, &self.hash.0))
    }

    /// Returns how many signatures it carries; nothing says yet that they are valid.
    pub fn signature_count(&self) -> usize {
        self.signatures.len()
    }

    /// Returns the names that the signatures give their keys; keys given themselves have none.
    pub fn signers(&self) -> impl Iterator<Item = &str> {
        self.signatures
            .iter()
            .filter_map(|signature| match &signature.key {
                KeyName::Kid(kid) => Some(kid.as_str()),
                KeyName::Jwk(_) => None,
            })
    }

    /// Adds a signature, for operations that several governors sign in turn.
    ///
    /// # Errors
    /// [`SignOperationError`].
    pub fn with_signature(
        mut self,
        signer: &OperationSigner<'_>,
    ) -> Result<Self, SignOperationError> {
        let signature = signer
            .sign(&self.wire.payload)
            .map_err(SignOperationError::Signer)?;
        self.wire.signatures.push(signature);
        bounded(self.wire)
    }
}

impl OperationSigner<'_> {
    fn sign(&self, payload: &str) -> Result<WireSignature, SignError> {
        match self {
            Self::Jwk(signer) => WireSignature::sign(payload, None, *signer),
            Self::Kid(kid, signer) => WireSignature::sign(payload, Some(kid), *signer),
        }
    }
}

/// Signs an operation for a network.
///
/// # Errors
/// [`SignOperationError`] when the operation would be refused for its form, or a signer fails.
pub fn sign_operation(
    network: &NetworkName,
    operation: &Operation,
    signers: &[OperationSigner<'_>],
) -> Result<SignedOperation, SignOperationError> {
    let payload = Payload {
        network: network.clone(),
        op: operation.clone(),
    };
    let payload = b64url(&serde_json::to_vec(&payload).unwrap_or_default());
    let signatures = signers
        .iter()
        .map(|signer| signer.sign(&payload))
        .collect::<Result<_, _>>()
        .map_err(SignOperationError::Signer)?;
    bounded(GeneralJws {
        payload,
        signatures,
    })
}

fn bounded(wire: GeneralJws) -> Result<SignedOperation, SignOperationError> {
    let operation = SignedOperation::from_wire(wire).map_err(SignOperationError::Operation)?;
    if operation.to_bytes().len() > MAX_OPERATION_BYTES {
        return Err(SignOperationError::Operation(OperationError::TooLarge));
    }
    Ok(operation)
}
