//! Agencies made for a load: accredited by the governors, then created.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, ensure};
use jumin_http::Client;
use jumin_identity::{Did, FileKey, NetworkName, Signer as _, sha256};
use jumin_registry::{
    Accreditor, AnchorKind, Claims, DidDocument, GovernanceRecord, Localized, Operation,
    OperationSigner, Purpose, Record, RecordKey, Role, SignedOperation, VerificationMethod,
    client::LedgerClient, sign_operation,
};
use tokio::task::JoinSet;

use super::submit::Submitter;
use super::{Target, unix_now};

const TYPE: &str = "urn:jumin:load:1";
const ACCREDITED_SECONDS: u64 = 7 * 86_400;
/// How far the nodes' clocks may be behind this one's.
const CLOCK_SECONDS: u64 = 3_600;

/// The governors' keys at hand.
pub(super) struct Governors {
    network: NetworkName,
    /// With each key's place in the ledger's list.
    keys: Vec<(usize, FileKey)>,
}

impl Governors {
    /// Reads the keys and finds their places on the ledger.
    pub(super) async fn load(files: &[PathBuf], reader: &LedgerClient) -> anyhow::Result<Self> {
        let found = reader.record(&RecordKey::Governance).await;
        let Some(Record::Governance(record)) = found.context("cannot read the governors")?.record
        else {
            anyhow::bail!("the network has no governors");
        };
        let keys = files.iter().map(|file| {
            let pem = std::fs::read_to_string(file);
            let pem = pem.with_context(|| format!("cannot read {}", file.display()))?;
            let key = FileKey::from_pkcs8_pem(&pem).context("a governor's key can't be used")?;
            let place = place_of(&record, &key);
            let place = place.with_context(|| format!("{} is no governor's", file.display()))?;
            Ok((place, key))
        });
        let keys: Vec<_> = keys.collect::<anyhow::Result<_>>()?;
        ensure!(
            keys.len() >= usize::from(record.threshold),
            "--governor is needed {} times: so many must sign",
            record.threshold
        );
        Ok(Self {
            network: reader.trust().network.clone(),
            keys,
        })
    }

    fn sign(&self, operation: &Operation) -> anyhow::Result<SignedOperation> {
        let signers = self.keys.iter();
        let signers: Vec<_> = signers
            .map(|(place, key)| OperationSigner::Kid(format!("governance#{place}"), key))
            .collect();
        Ok(sign_operation(&self.network, operation, &signers)?)
    }

    fn accredit(&self, subject: &Did, number: usize) -> anyhow::Result<SignedOperation> {
        let now = unix_now();
        self.sign(&Operation::Accredit {
            accreditor: Accreditor::Governance,
            subject: subject.clone(),
            role: Role::Issuer,
            name: Localized {
                ko: format!("부하 시험 {number}"),
                en: format!("Load test {number}"),
            },
            types: vec![TYPE.to_owned()],
            claims: Claims::default(),
            from: now - CLOCK_SECONDS,
            until: now + ACCREDITED_SECONDS,
            version: 0,
        })
    }
}

fn place_of(record: &GovernanceRecord, key: &FileKey) -> Option<usize> {
    let thumbprint = key.public_key().thumbprint();
    let mut listed = record.governors.iter();
    listed.position(|governor| governor.thumbprint() == thumbprint)
}

/// An agency that anchors.
pub(super) struct Agency {
    network: NetworkName,
    pub did: Did,
    kid: String,
    key: FileKey,
}

impl Agency {
    /// Makes keys and the creation of a DID with them.
    fn prepare(network: &NetworkName) -> anyhow::Result<(Self, SignedOperation)> {
        let (key, next) = (FileKey::generate()?, FileKey::generate()?);
        let method = VerificationMethod {
            fragment: "key-1".to_owned(),
            public_key: key.public_key().clone(),
            purposes: vec![Purpose::AssertionMethod, Purpose::CapabilityInvocation],
            valid_from: 0,
            valid_until: None,
        };
        let create = Operation::CreateDid {
            document: DidDocument {
                verification_methods: vec![method],
                services: Vec::new(),
            },
            next_key_hash: next.public_key().thumbprint(),
        };
        let create = sign_operation(network, &create, &[OperationSigner::Jwk(&key)])?;
        let did = create.created_did().context("no DID was created")?;
        let agency = Self {
            network: network.clone(),
            kid: format!("{did}#key-1"),
            did,
            key,
        };
        Ok((agency, create))
    }

    /// Signs the first anchor under `name`.
    pub(super) fn anchor(&self, name: &str) -> anyhow::Result<SignedOperation> {
        let anchor = Operation::Anchor {
            issuer: self.did.clone(),
            kind: AnchorKind::StatusList,
            name: name.to_owned(),
            version: 1,
            sha256: sha256(name.as_bytes()),
            next_update: None,
        };
        let signer = OperationSigner::Kid(self.kid.clone(), &self.key);
        Ok(sign_operation(&self.network, &anchor, &[signer])?)
    }
}

/// Makes agencies and has them accredited and created, as many at a time as there are clients; gives the height of the last.
pub(super) async fn make(
    count: usize,
    target: &Target,
    http: &Client,
    governors: Arc<Governors>,
) -> anyhow::Result<(Vec<Arc<Agency>>, u64)> {
    let mut agencies = Vec::with_capacity(count);
    let mut making = JoinSet::new();
    for number in 0..count {
        if making.len() >= target.clients {
            agencies.extend(joined(&mut making).await?);
        }
        let submitter = Submitter::new(http.clone(), &target.node, number);
        making.spawn(make_one(number, submitter, governors.clone()));
    }
    while !making.is_empty() {
        agencies.extend(joined(&mut making).await?);
    }
    let last = agencies.iter().map(|(_, height)| *height).max();
    let agencies = agencies.into_iter().map(|(agency, _)| agency);
    Ok((agencies.collect(), last.unwrap_or_default()))
}

async fn joined<T: 'static>(tasks: &mut JoinSet<anyhow::Result<T>>) -> anyhow::Result<Option<T>> {
    tasks.join_next().await.map(|done| done?).transpose()
}

async fn make_one(
    number: usize,
    mut submitter: Submitter,
    governors: Arc<Governors>,
) -> anyhow::Result<(Arc<Agency>, u64)> {
    let (agency, create) = Agency::prepare(&governors.network)?;
    let accredit = governors.accredit(&agency.did, number)?;
    let mut last = 0;
    for operation in [accredit, create] {
        let height = submitter.finalize(&operation).await;
        let failed = || format!("an agency could not be made: {:?}", submitter.refusals);
        last = height.with_context(failed)?;
    }
    Ok((Arc::new(agency), last))
}
