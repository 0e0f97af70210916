use jumin_identity::b64url;
use jumin_registry::{Accreditor, Claims, GrantStanding, Operation, SignedOperation};
use serde::Serialize;
use utoipa::ToSchema;

use crate::history::Place;

/// A name in both languages.
#[derive(Clone, Debug, Serialize, ToSchema, ts_rs::TS)]
pub(super) struct Localized {
    pub ko: String,
    pub en: String,
}

impl From<&jumin_registry::Localized> for Localized {
    fn from(name: &jumin_registry::Localized) -> Self {
        Self {
            ko: name.ko.clone(),
            en: name.en.clone(),
        }
    }
}

/// A finalized operation in short: enough to say in words what it did.
#[derive(Clone, Debug, Serialize, ToSchema, ts_rs::TS)]
pub(super) struct OperationView {
    /// base64url.
    pub hash: String,
    pub height: u64,
    /// Its place in the block, from 0.
    pub index: u16,
    /// `create-did`, `update-did`, `deactivate-did`, `accredit`, `end-accreditation`, `anchor`, `anchor-credential-type`,
    /// `set-validators` or `set-governors`.
    pub kind: &'static str,
    /// The DID that signed, or `governance`.
    pub by: String,
    /// The record that it wrote.
    pub record: String,
    /// The DID whose record that is.
    pub subject: Option<String>,
    /// `issuer`, `verifier` or `accreditor`.
    pub role: Option<String>,
    pub name: Option<Localized>,
    /// Credential types; empty means every type.
    pub types: Vec<String>,
    /// When an accreditation begins, Unix seconds.
    pub from: Option<u64>,
    /// When it is over.
    pub until: Option<u64>,
    /// The number of the grant that ended.
    pub grant: Option<u64>,
    /// The version that the record has after it.
    pub version: Option<u64>,
    /// What is anchored: a status list's address, or a credential type.
    pub anchored: Option<String>,
    /// The keys of validators added.
    pub added: Vec<String>,
    /// The keys of validators removed.
    pub removed: Vec<String>,
    /// How many governors there are after it, and how many must sign.
    pub governors: Option<(usize, u8)>,
    /// How many signatures it carries.
    pub signatures: usize,
    /// Its size in bytes.
    pub size: usize,
}

impl OperationView {
    pub(super) fn new(operation: &SignedOperation, (height, index): Place) -> Self {
        let mut view = Self {
            hash: operation.hash().to_string(),
            height,
            index,
            kind: kind(operation.operation()),
            by: operation.submitter().to_string(),
            record: operation.record_key().to_string(),
            subject: None,
            role: None,
            name: None,
            types: Vec::new(),
            from: None,
            until: None,
            grant: None,
            version: None,
            anchored: None,
            added: Vec::new(),
            removed: Vec::new(),
            governors: None,
            signatures: operation.signature_count(),
            size: operation.to_bytes().len(),
        };
        view.fill(operation.operation());
        if let (None, Some(created)) = (&view.subject, operation.created_did()) {
            view.subject = Some(created.to_string());
        }
        view
    }

    fn fill(&mut self, operation: &Operation) {
        match operation {
            Operation::CreateDid { .. } => self.version = Some(1),
            Operation::UpdateDid { did, version, .. }
            | Operation::DeactivateDid { did, version } => {
                self.subject = Some(did.to_string());
                self.version = version.checked_add(1);
            }
            Operation::Accredit {
                subject,
                role,
                name,
                types,
                from,
                until,
                version,
                ..
            } => {
                self.subject = Some(subject.to_string());
                self.role = Some(role.to_string());
                self.name = Some(name.into());
                self.types = types.clone();
                (self.from, self.until) = (Some(*from), Some(*until));
                self.version = version.checked_add(1);
            }
            Operation::EndAccreditation {
                subject,
                role,
                grant,
                version,
                ..
            } => {
                self.subject = Some(subject.to_string());
                self.role = Some(role.to_string());
                self.grant = Some(*grant);
                self.version = version.checked_add(1);
            }
            Operation::Anchor {
                issuer,
                name,
                version,
                ..
            } => {
                self.subject = Some(issuer.to_string());
                self.anchored = Some(name.clone());
                self.version = Some(*version);
            }
            Operation::AnchorCredentialType { vct, version, .. } => {
                self.anchored = Some(vct.clone());
                self.version = version.checked_add(1);
            }
            Operation::SetValidators {
                add,
                remove,
                version,
            } => {
                self.added = add.iter().map(|new| b64url(&new.key)).collect();
                self.removed = remove.iter().map(|key| b64url(key)).collect();
                self.version = version.checked_add(1);
            }
            Operation::SetGovernors {
                governors,
                threshold,
                version,
            } => {
                self.governors = Some((governors.len(), *threshold));
                self.version = version.checked_add(1);
            }
        }
    }
}

fn kind(operation: &Operation) -> &'static str {
    match operation {
        Operation::CreateDid { .. } => "create-did",
        Operation::UpdateDid { .. } => "update-did",
        Operation::DeactivateDid { .. } => "deactivate-did",
        Operation::Accredit { .. } => "accredit",
        Operation::EndAccreditation { .. } => "end-accreditation",
        Operation::Anchor { .. } => "anchor",
        Operation::AnchorCredentialType { .. } => "anchor-credential-type",
        Operation::SetValidators { .. } => "set-validators",
        Operation::SetGovernors { .. } => "set-governors",
    }
}

/// One accreditation as the record has it.
#[derive(Clone, Debug, Serialize, ToSchema, ts_rs::TS)]
pub(super) struct GrantView {
    /// Its number within the record.
    pub id: u64,
    /// The DID that granted it, or `governance`.
    pub by: String,
    pub name: Localized,
    /// Credential types; empty means every type.
    pub types: Vec<String>,
    /// Claims that a verifier may ask for; null means every claim.
    pub claims: Option<Vec<String>>,
    /// Unix seconds.
    pub from: u64,
    pub until: u64,
    pub ended: Option<u64>,
    /// How it stands with everything that it hangs below: `in_force`, `later`, `ran_out`, `ended`, `deactivated`, `not_created` or
    /// `unknown`. Where it is `ended` without a time of its own, one above it was.
    pub standing: &'static str,
}

impl GrantView {
    pub(super) fn new(grant: &jumin_registry::Grant, standing: GrantStanding) -> Self {
        Self {
            id: grant.id,
            by: match &grant.by {
                Accreditor::Governance => "governance".to_owned(),
                Accreditor::Did(did) => did.to_string(),
            },
            name: (&grant.name).into(),
            types: grant.types.clone(),
            claims: match &grant.claims {
                Claims::Any => None,
                Claims::Only(paths) => Some(paths.iter().map(ToString::to_string).collect()),
            },
            from: grant.from,
            until: grant.until,
            ended: grant.ended,
            standing: standing.code(),
        }
    }
}
