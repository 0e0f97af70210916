use std::fs;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use jumin_identity::{Did, FileKey, NetworkName, b64url_decode, random_bytes};
use jumin_registry::{
    AccreditationRecord, Accreditor, Claims, Localized, NetworkTrust, Operation, OperationSigner,
    Record, RecordKey, Role, SignedOperation, sign_operation,
};

use crate::http::Http;
use crate::issuer::text;
use crate::network::Network;

/// Holds the governance key of a development ledger and uses the node's HTTP API.
pub struct Governor {
    key: FileKey,
    trust: NetworkTrust,
    node: String,
    http: Rc<Http>,
}

/// Accredits an agency that is still to create its DID, a new one at every call.
pub fn accredit_somebody(network: &NetworkName, governor: &FileKey) -> Result<SignedOperation> {
    let operation = Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: Did::from_digest(network, &random_bytes::<32>()),
        role: Role::Issuer,
        name: Localized {
            ko: "서울특별시 종로구".into(),
            en: "Jongno-gu, Seoul".into(),
        },
        types: vec!["urn:jumin:resident-card:1".into()],
        claims: Claims::Any,
        from: 0,
        until: u64::MAX,
        version: 0,
    };
    let signer = OperationSigner::Kid("governance#0".into(), governor);
    Ok(sign_operation(network, &operation, &[signer])?)
}

impl Governor {
    /// Takes the key that `init` wrote beside the network's nodes.
    pub fn new(network: &Network, http: Rc<Http>) -> Result<Self> {
        let pem = fs::read_to_string(network.governor_file())?;
        let node = network
            .urls()
            .into_iter()
            .next()
            .context("a network without nodes")?;
        Ok(Self {
            key: FileKey::from_pkcs8_pem(&pem)?,
            trust: NetworkTrust::from_json(&fs::read(network.trust_file())?)?,
            node,
            http,
        })
    }

    /// Ends every running accreditation of `did` for `role`.
    pub fn end_accreditation(&self, did: &str, role: Role) -> Result<()> {
        let subject: Did = did.parse()?;
        let record = self.accreditation(&subject, role)?;
        let running = record.grants.iter().filter(|grant| grant.ended.is_none());
        for (version, grant) in (record.version..).zip(running) {
            self.submit(&Operation::EndAccreditation {
                accreditor: Accreditor::Governance,
                subject: subject.clone(),
                role,
                grant: grant.id,
                version,
            })?;
        }
        Ok(())
    }

    /// Accredits `did` again, with the name and the types of its last accreditation.
    pub fn accredit_again(&self, did: &str, role: Role, from: u64, until: u64) -> Result<()> {
        let subject: Did = did.parse()?;
        let record = self.accreditation(&subject, role)?;
        let last = record.grants.last().context("never accredited")?;
        self.submit(&Operation::Accredit {
            accreditor: Accreditor::Governance,
            subject,
            role,
            name: last.name.clone(),
            types: last.types.clone(),
            claims: last.claims.clone(),
            from,
            until,
            version: record.version,
        })
    }

    fn accreditation(&self, subject: &Did, role: Role) -> Result<AccreditationRecord> {
        let key = RecordKey::Accreditation {
            subject: subject.clone(),
            role,
        };
        match self.record(&key)? {
            Some(Record::Accreditation(record)) => Ok(record),
            _ => bail!("{key}: no accreditation on the ledger"),
        }
    }

    /// Reads a record as a node tells it; scenarios that need proofs ask a counter or a wallet.
    pub fn record(&self, key: &RecordKey) -> Result<Option<Record>> {
        let name: String =
            url::form_urlencoded::byte_serialize(key.to_string().as_bytes()).collect();
        let answer = self
            .http
            .get(&format!("{}/v1/records/{name}", self.node), &[])?
            .success()?;
        match answer["value"].as_str() {
            None => Ok(None),
            Some(value) => Ok(Some(Record::from_bytes(&b64url_decode(value)?)?)),
        }
    }

    /// Submits an operation signed by governance and waits until it is finalized.
    pub fn submit(&self, operation: &Operation) -> Result<()> {
        let signer = OperationSigner::Kid("governance#0".into(), &self.key);
        self.send(&sign_operation(&self.trust.network, operation, &[signer])?)
    }

    /// The network's name.
    pub fn network(&self) -> &NetworkName {
        &self.trust.network
    }

    /// Sends a signed operation and waits until it is finalized.
    pub fn send(&self, signed: &SignedOperation) -> Result<()> {
        let url = format!("{}/v1/operations?wait=15", self.node);
        let answer = self
            .http
            .post_bytes(&url, "application/json", signed.to_bytes(), &[])?;
        let answer = answer.success()?;
        if text(&answer, "status")? != "finalized" {
            bail!("the operation was not finalized in time: {answer}");
        }
        Ok(())
    }
}
