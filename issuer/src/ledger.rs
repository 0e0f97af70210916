//! What the issuer writes to and reads from the ledger in its own name.

use std::sync::Arc;

use jumin_identity::{CredentialType, Did, DidUrl, FileKey, NetworkName, Signer};
use jumin_registry::client::{ClientError, LedgerClient};
use jumin_registry::{
    AccreditationRecord, Accreditor, AnchorKind, AnchorRecord, Claims, DidRecord, Localized,
    NetworkTrust, Operation, OperationSigner, Record, RecordKey, Role, SignOperationError,
    SignedOperation, VerifiedBundle, sign_operation,
};
use thiserror::Error;

/// Why the ledger didn't do or tell something.
#[derive(Debug, Error)]
pub enum LedgerError {
    #[error("the ledger can't be used now")]
    Client(#[from] ClientError),
    #[error("the operation can't be signed")]
    Sign(#[from] SignOperationError),
    #[error("the ledger has a record of another kind under this key")]
    WrongRecord,
    #[error("the ledger doesn't show what was anchored")]
    NotAnchored,
    #[error("the issuer has no DID on this ledger")]
    UnknownDid,
}

impl LedgerError {
    /// A stable name of this error for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::Client(error) => error.code(),
            Self::Sign(_) => "unsignable",
            Self::WrongRecord => "ledger_proof_invalid",
            Self::NotAnchored => "not_anchored",
            Self::UnknownDid => "unknown_did",
        }
    }

    /// Says whether a node answered, but with something that isn't proven.
    pub fn is_false_answer(&self) -> bool {
        self.code() == "ledger_proof_invalid"
    }
}

/// The ledger's state at which something is proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProvenAt {
    pub height: u64,
    /// Seconds since the Unix epoch.
    pub time: u64,
}

/// The ledger, without anybody's signature.
#[derive(Clone)]
pub struct Ledger {
    client: Arc<LedgerClient>,
    network: NetworkName,
}

macro_rules! typed_read {
    ($(#[$doc:meta])* $name:ident, $variant:ident, $record:ty) => {
        $(#[$doc])*
        pub async fn $name(&self, key: &RecordKey) -> Result<Option<$record>, LedgerError> {
            match self.client.record(key).await?.record {
                None => Ok(None),
                Some(Record::$variant(record)) => Ok(Some(record)),
                Some(_) => Err(LedgerError::WrongRecord),
            }
        }
    };
}

impl Ledger {
    pub fn new(client: LedgerClient, network: NetworkName) -> Self {
        Self {
            client: Arc::new(client),
            network,
        }
    }

    pub fn network(&self) -> &NetworkName {
        &self.network
    }

    /// Returns the validators that the network has come to, as far as this client saw.
    pub fn followed(&self) -> NetworkTrust {
        self.client.followed()
    }

    /// Reads any record, or its absence, with the state at which that is proven.
    pub async fn proven(&self, key: &RecordKey) -> Result<(ProvenAt, Option<Record>), LedgerError> {
        let proven = self.client.record(key).await?;
        let at = ProvenAt {
            height: proven.checkpoint.height(),
            time: proven.checkpoint.time_ms() / 1000,
        };
        Ok((at, proven.record))
    }

    typed_read!(
        /// Reads an anchor, with proof.
        anchor_record, Anchor, AnchorRecord);
    typed_read!(
        /// Reads a DID's record, with proof.
        did_record, Did, DidRecord);
    typed_read!(
        /// Reads an agency's grants, with proof.
        accreditation, Accreditation, AccreditationRecord);

    /// Reads the version and the integrity of a credential type, with proof.
    pub async fn credential_type(&self, vct: &str) -> Result<Option<(u64, String)>, LedgerError> {
        let key = RecordKey::CredentialType(vct.to_owned());
        match self.client.record(&key).await?.record {
            None => Ok(None),
            Some(Record::CredentialType(record)) => Ok(Some((record.version, record.integrity))),
            Some(_) => Err(LedgerError::WrongRecord),
        }
    }

    /// Fetches everything that the ledger has, with proof.
    pub async fn bundle(&self) -> Result<VerifiedBundle, LedgerError> {
        Ok(self.client.bundle().await?.1)
    }

    /// Waits for the first checkpoint of a network that has just begun.
    pub async fn begun(&self) -> Result<(), LedgerError> {
        self.client.await_checkpoint().await?;
        Ok(())
    }

    /// Submits an operation; done once it is finalized.
    pub async fn submit(&self, signed: &SignedOperation) -> Result<(), LedgerError> {
        self.client.submit(signed).await?;
        Ok(())
    }

    /// Has the governor (development: there is one) accredit an issuer.
    pub async fn accredit_issuer(
        &self,
        grant: &IssuerGrant<'_>,
        governor: &FileKey,
    ) -> Result<(), LedgerError> {
        let operation = Operation::Accredit {
            accreditor: Accreditor::Governance,
            subject: grant.issuer.clone(),
            role: Role::Issuer,
            name: grant.name.clone(),
            types: grant.types.iter().map(|one| one.vct().to_owned()).collect(),
            claims: Claims::Any,
            from: grant.from,
            until: grant.until,
            version: grant.version,
        };
        self.submit_as_governor(&operation, governor).await
    }

    /// Has the governor put a credential type on the ledger, in place of version `version`.
    pub async fn anchor_type(
        &self,
        definition: &CredentialType,
        version: u64,
        governor: &FileKey,
    ) -> Result<(), LedgerError> {
        let operation = Operation::AnchorCredentialType {
            by: Accreditor::Governance,
            vct: definition.vct().to_owned(),
            integrity: definition.integrity(),
            version,
        };
        self.submit_as_governor(&operation, governor).await
    }

    async fn submit_as_governor(
        &self,
        operation: &Operation,
        governor: &FileKey,
    ) -> Result<(), LedgerError> {
        let signer = OperationSigner::Kid("governance#0".to_owned(), governor);
        let signed = sign_operation(&self.network, operation, &[signer])?;
        self.submit(&signed).await
    }
}

/// A grant that lets an agency issue.
pub struct IssuerGrant<'a> {
    pub issuer: &'a Did,
    pub name: Localized,
    pub types: &'a [CredentialType],
    /// Seconds since the Unix epoch.
    pub from: u64,
    pub until: u64,
    /// Version of the accreditation record replaced, 0 if there is none.
    pub version: u64,
}

/// The ledger, with the key for the issuer's own operations.
#[derive(Clone)]
pub struct IssuerLedger {
    pub ledger: Ledger,
    pub did: Did,
    pub kid: DidUrl,
    pub signer: Arc<dyn Signer>,
}

/// Something to be anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchoring {
    pub kind: AnchorKind,
    pub name: String,
    pub version: u64,
    pub sha256: [u8; 32],
    /// Seconds since the Unix epoch.
    pub next_update: Option<u64>,
}

impl IssuerLedger {
    /// Anchors a digest; done once it is finalized.
    pub async fn anchor(&self, anchoring: &Anchoring) -> Result<(), LedgerError> {
        let operation = Operation::Anchor {
            issuer: self.did.clone(),
            kind: anchoring.kind,
            name: anchoring.name.clone(),
            version: anchoring.version,
            sha256: anchoring.sha256,
            next_update: anchoring.next_update,
        };
        let signer = OperationSigner::Kid(self.kid.to_string(), self.signer.as_ref());
        let signed = sign_operation(&self.ledger.network, &operation, &[signer])?;
        self.ledger.client.submit(&signed).await?;
        Ok(())
    }

    /// Reads what is anchored under this name.
    pub async fn anchored(
        &self,
        kind: AnchorKind,
        name: &str,
    ) -> Result<Option<AnchorRecord>, LedgerError> {
        let key = RecordKey::Anchor {
            issuer: self.did.clone(),
            kind,
            name: name.to_owned(),
        };
        self.ledger.anchor_record(&key).await
    }
}
