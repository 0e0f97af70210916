//! Walks from an agency's accreditation up to governance.

use jumin_identity::Did;

use crate::{
    claims::Claims,
    key::{RecordKey, Role},
    record::{Accreditor, DidRecord, Grant, Localized, Record},
};

/// The longest chain of grants from an agency up to governance.
pub const MAX_CHAIN_DEPTH: usize = 4;

/// What a view of the ledger knows about a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// The record's value.
    Present(Record),
    /// The ledger provably has no such record.
    Absent,
    /// This view can't tell.
    Unknown,
}

/// A view of the ledger at one point.
pub trait LookupRecord {
    /// Looks a record up.
    fn lookup(&self, key: &RecordKey) -> Lookup;
}

/// The grants that lead from an agency up to governance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccreditationChain {
    /// The agency's own grant first, the one by governance last.
    pub grants: Vec<Grant>,
    /// The agency's name, from its own grant.
    pub name: Localized,
}

/// Why an agency is not accredited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccreditationError {
    /// No grant for this role and type held at that time.
    #[error("not accredited for this role, type and time")]
    NotAccredited,
    /// A grant had been ended by that time, the agency's own or one above it.
    #[error("the accreditation was ended")]
    Ended,
    /// The agency's DID, or an accreditor's above it, had been deactivated by that time.
    #[error("the identifier was deactivated")]
    Deactivated,
    /// The view of the ledger lacks a record that decides it.
    #[error("the accreditation could not be found out")]
    Unknown,
}

impl AccreditationError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAccredited => "not_accredited",
            Self::Ended => "ended",
            Self::Deactivated => "deactivated",
            Self::Unknown => "unknown",
        }
    }
}

/// Finds out whether `subject` was accredited for `role` at `at` (Unix seconds), for `credential_type` if one is given.
///
/// Every grant of the chain must hold at `at` and cover the type, and no DID of it may have been deactivated by then. A grant
/// hangs below one grant of its accreditor, so one that was ended takes with it what hangs below, for good; what held before
/// goes on holding for the times before. A grant that was ended answers [`Ended`](AccreditationError::Ended) for every later time, also past its period; so a caller
/// that asks for the present too tells an accreditation that ran out from one that was taken away.
///
/// # Errors
/// [`AccreditationError`]; when several ways up fail, `Unknown` wins over `Deactivated` over `Ended` over `NotAccredited`.
pub fn accreditation_at(
    view: &dyn LookupRecord,
    subject: &Did,
    role: Role,
    credential_type: Option<&str>,
    at: u64,
) -> Result<AccreditationChain, AccreditationError> {
    let walk = Walk {
        view,
        credential_type,
        at,
    };
    walk.chain(subject, role, None)
}

/// Finds the way up from the grant of `subject` with this id, for any type; else as [`accreditation_at`].
///
/// # Errors
/// As [`accreditation_at`].
pub fn chain_through(
    view: &dyn LookupRecord,
    subject: &Did,
    role: Role,
    grant: u64,
    at: u64,
) -> Result<AccreditationChain, AccreditationError> {
    let walk = Walk {
        view,
        credential_type: None,
        at,
    };
    walk.chain(subject, role, Some(grant))
}

/// Finds out which claims of `credential_type` the verifier `subject` was accredited to ask for at `at` (Unix seconds): those
/// of all its grants that held.
///
/// # Errors
/// As [`accreditation_at`]; also [`Unknown`](AccreditationError::Unknown) when one of several grants can't be judged.
pub fn accredited_claims_at(
    view: &dyn LookupRecord,
    subject: &Did,
    credential_type: &str,
    at: u64,
) -> Result<Claims, AccreditationError> {
    let walk = Walk {
        view,
        credential_type: Some(credential_type),
        at,
    };
    let (mut allowed, mut failure) = (None, AccreditationError::NotAccredited);
    for grant in walk.grants(subject, Role::Verifier)? {
        let claims = grant.claims.clone();
        match walk.through(grant, MAX_CHAIN_DEPTH) {
            Ok(_) => {
                allowed = Some(match allowed {
                    Some(others) => claims.or(others),
                    None => claims,
                });
            }
            Err(AccreditationError::Unknown) => return Err(AccreditationError::Unknown),
            Err(error) => failure = graver(failure, error),
        }
    }
    allowed.ok_or(failure)
}

struct Walk<'a> {
    view: &'a dyn LookupRecord,
    credential_type: Option<&'a str>,
    at: u64,
}

impl Walk<'_> {
    fn chain(
        &self,
        subject: &Did,
        role: Role,
        only: Option<u64>,
    ) -> Result<AccreditationChain, AccreditationError> {
        let mut grants = self.up(subject, role, only, MAX_CHAIN_DEPTH)?;
        grants.reverse();
        let name = grants.first().map(|grant| grant.name.clone());
        Ok(AccreditationChain {
            name: name.ok_or(AccreditationError::NotAccredited)?,
            grants,
        })
    }

    /// Returns all grants of an agency that was not deactivated.
    fn grants(&self, subject: &Did, role: Role) -> Result<Vec<Grant>, AccreditationError> {
        self.require_active(subject)?;
        let key = RecordKey::Accreditation {
            subject: subject.clone(),
            role,
        };
        match self.view.lookup(&key) {
            Lookup::Present(Record::Accreditation(record)) => Ok(record.grants),
            Lookup::Present(_) | Lookup::Absent => Err(AccreditationError::NotAccredited),
            Lookup::Unknown => Err(AccreditationError::Unknown),
        }
    }

    /// Returns the grants from governance down to `subject`, through its grant `only` if one is named.
    fn up(
        &self,
        subject: &Did,
        role: Role,
        only: Option<u64>,
        depth: usize,
    ) -> Result<Vec<Grant>, AccreditationError> {
        let mut failure = AccreditationError::NotAccredited;
        for grant in self.grants(subject, role)? {
            if only.is_some_and(|id| grant.id != id) {
                continue;
            }
            match self.through(grant, depth) {
                Ok(grants) => return Ok(grants),
                Err(error) => failure = graver(failure, error),
            }
        }
        Err(failure)
    }

    fn through(&self, grant: Grant, depth: usize) -> Result<Vec<Grant>, AccreditationError> {
        if depth == 0 {
            return Err(AccreditationError::NotAccredited);
        }
        if !self
            .credential_type
            .is_none_or(|wanted| grant.covers(wanted))
            || self.at < grant.from
        {
            return Err(AccreditationError::NotAccredited);
        }
        if grant.ended.is_some_and(|ended| ended <= self.at) {
            return Err(AccreditationError::Ended);
        }
        if !grant.holds_at(self.at) {
            return Err(AccreditationError::NotAccredited);
        }
        let mut grants = match &grant.by {
            Accreditor::Governance => Vec::new(),
            Accreditor::Did(_) if grant.under.is_none() => {
                return Err(AccreditationError::NotAccredited);
            }
            Accreditor::Did(accreditor) => {
                self.up(accreditor, Role::Accreditor, grant.under, depth - 1)?
            }
        };
        grants.push(grant);
        Ok(grants)
    }

    fn require_active(&self, did: &Did) -> Result<(), AccreditationError> {
        match self.view.lookup(&RecordKey::Did(did.clone())) {
            Lookup::Present(Record::Did(record)) if record.is_active_at(self.at) => Ok(()),
            Lookup::Present(Record::Did(_)) => Err(AccreditationError::Deactivated),
            Lookup::Present(_) | Lookup::Absent => Err(AccreditationError::NotAccredited),
            Lookup::Unknown => Err(AccreditationError::Unknown),
        }
    }
}

impl DidRecord {
    /// Tells whether the DID had not been deactivated by `at` (Unix seconds).
    pub fn is_active_at(&self, at: u64) -> bool {
        self.deactivated.is_none_or(|deactivated| at < deactivated)
    }
}

fn graver(one: AccreditationError, other: AccreditationError) -> AccreditationError {
    let gravity = |error| match error {
        AccreditationError::NotAccredited => 0,
        AccreditationError::Ended => 1,
        AccreditationError::Deactivated => 2,
        AccreditationError::Unknown => 3,
    };
    if gravity(other) > gravity(one) {
        other
    } else {
        one
    }
}
