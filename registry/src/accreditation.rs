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
    /// No grant for this role and type has a period that covers the time.
    #[error("not accredited for this role, type and time")]
    NotAccredited,
    /// A grant of the chain was ended, the agency's own or one above it.
    #[error("the accreditation was ended")]
    Ended,
    /// The agency's DID, or an accreditor's above it, was deactivated.
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

/// Finds out whether what `subject` did in `role` at `issued` stands, by what the ledger says up to `latest`; both in Unix seconds,
/// for `credential_type` if one is given.
///
/// It stands by one chain of grants up to governance: every period of it covers `issued` and every grant the type, none of its
/// grants was ended and none of its DIDs deactivated up to `latest`. Whether a period has run out since is not asked, so what
/// was taken away stays so; nor is any other chain, unless that one covers `issued` itself.
///
/// # Errors
/// [`AccreditationError`]; when several ways up fail, `Unknown` wins over `Deactivated` over `Ended` over `NotAccredited`.
pub fn accreditation_since(
    view: &dyn LookupRecord,
    subject: &Did,
    role: Role,
    credential_type: Option<&str>,
    issued: u64,
    latest: u64,
) -> Result<AccreditationChain, AccreditationError> {
    let walk = Walk {
        view,
        credential_type,
        issued,
        latest: latest.max(issued),
    };
    walk.chain(subject, role, None)
}

/// Finds out whether `subject` was accredited for `role` at `at` (Unix seconds), by what the ledger said then: as
/// [`accreditation_since`] for what is done at the very moment at which it is judged.
///
/// # Errors
/// As [`accreditation_since`].
pub fn accreditation_at(
    view: &dyn LookupRecord,
    subject: &Did,
    role: Role,
    credential_type: Option<&str>,
    at: u64,
) -> Result<AccreditationChain, AccreditationError> {
    accreditation_since(view, subject, role, credential_type, at, at)
}

/// Finds the way up from the grant of `subject` with this id, for any type; else as [`accreditation_since`].
///
/// # Errors
/// As [`accreditation_since`].
pub(crate) fn chain_through(
    view: &dyn LookupRecord,
    subject: &Did,
    role: Role,
    grant: u64,
    issued: u64,
    latest: u64,
) -> Result<AccreditationChain, AccreditationError> {
    let walk = Walk {
        view,
        credential_type: None,
        issued,
        latest: latest.max(issued),
    };
    walk.chain(subject, role, Some(grant))
}

/// How one grant stands, with everything that it hangs below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantStanding {
    /// It holds.
    InForce,
    /// It will hold.
    Later,
    /// Its period is over; what was done under it stands.
    RanOut,
    /// It, or one above it, was ended: nothing that was done under it stands any more.
    Ended,
    /// The agency's DID, or an accreditor's above it, was deactivated: as if ended.
    Deactivated,
    /// The agency's DID is not created yet.
    NotCreated,
    /// The view of the ledger lacks a record that decides it.
    Unknown,
}

impl GrantStanding {
    /// Returns the stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Later => "later",
            Self::RanOut => "ran_out",
            Self::Ended => "ended",
            Self::Deactivated => "deactivated",
            Self::NotCreated => "not_created",
            Self::Unknown => "unknown",
        }
    }
}

/// Tells how a grant of `subject` stands at `now` (Unix seconds).
pub fn grant_standing(
    view: &dyn LookupRecord,
    subject: &Did,
    role: Role,
    grant: &Grant,
    now: u64,
) -> GrantStanding {
    // The moment of its period nearest to now: what would be done under it then stands or falls as all of it does.
    let moment = now.min(grant.until.saturating_sub(1)).max(grant.from);
    match chain_through(view, subject, role, grant.id, moment, now) {
        Ok(_) if now < grant.from => GrantStanding::Later,
        Ok(_) if grant.until <= now => GrantStanding::RanOut,
        Ok(_) => GrantStanding::InForce,
        Err(AccreditationError::Ended) => GrantStanding::Ended,
        Err(AccreditationError::Deactivated) => GrantStanding::Deactivated,
        Err(AccreditationError::NotAccredited) => GrantStanding::NotCreated,
        Err(AccreditationError::Unknown) => GrantStanding::Unknown,
    }
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
        issued: at,
        latest: at,
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
    issued: u64,
    latest: u64,
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
        let covers = |wanted| grant.covers(wanted);
        if !self.credential_type.is_none_or(covers) || !grant.spans(self.issued) {
            return Err(AccreditationError::NotAccredited);
        }
        if grant.ended.is_some_and(|ended| ended <= self.latest) {
            return Err(AccreditationError::Ended);
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
            Lookup::Present(Record::Did(record)) if record.is_active_at(self.latest) => Ok(()),
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
