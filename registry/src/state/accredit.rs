//! Grants and their end. A grant comes before its subject's DID is created.

use std::cell::Cell;
use std::collections::BTreeMap;

use jumin_identity::Did;

use super::{Change, ReadState, Rejection};
use crate::{
    accreditation::{
        AccreditationError, Lookup, LookupRecord, MAX_CHAIN_DEPTH, accreditation_at, chain_through,
    },
    key::{RecordKey, Role},
    operation::Operation,
    record::{AccreditationRecord, Accreditor, Grant, Record},
};

const MAX_GRANTS: usize = 16;
/// Leaves room in the 64 KiB that readers take for the end of every grant.
const MAX_RECORD_BYTES: usize = 60 * 1024;

impl Change<'_> {
    pub(super) fn accredit(&self) -> Result<(RecordKey, Record), Rejection> {
        let Operation::Accredit {
            accreditor,
            subject,
            role,
            name,
            types,
            claims,
            from,
            until,
            version,
        } = self.signed.operation()
        else {
            return Err(Rejection::Malformed("operation"));
        };
        self.require_accreditor(accreditor)?;
        let mut record = self.accreditation_record(subject, *role, *version)?;
        if record.grants.len() >= MAX_GRANTS {
            return Err(Rejection::Limits("grants"));
        }
        let mut grant = Grant {
            id: record.version + 1,
            by: accreditor.clone(),
            under: None,
            name: name.clone(),
            types: types.clone(),
            claims: claims.clone(),
            from: *from,
            until: *until,
            ended: None,
        };
        if let Accreditor::Did(accreditor) = accreditor {
            grant.under = Some(self.parent(accreditor, subject, *role, &grant)?);
        }
        self.require_not_deactivated(subject)?;
        record.version += 1;
        record.grants.push(grant);
        let record = Record::Accreditation(record);
        // One record that nobody can read would spoil every bundle that it is in.
        if record.to_bytes().len() > MAX_RECORD_BYTES {
            return Err(Rejection::Limits("bytes in an accreditation record"));
        }
        Ok((accreditation_key(subject, *role), record))
    }

    pub(super) fn end_accreditation(&self) -> Result<(RecordKey, Record), Rejection> {
        let Operation::EndAccreditation {
            accreditor,
            subject,
            role,
            grant,
            version,
        } = self.signed.operation()
        else {
            return Err(Rejection::Malformed("operation"));
        };
        self.require_accreditor(accreditor)?;
        let mut record = self.accreditation_record(subject, *role, *version)?;
        let ended = record
            .grants
            .iter_mut()
            .find(|held| held.id == *grant && held.ended.is_none())
            .ok_or(Rejection::UnknownGrant)?;
        // Governance may end any grant, an accreditor its own.
        if *accreditor != Accreditor::Governance && ended.by != *accreditor {
            return Err(Rejection::NotAccredited);
        }
        ended.ended = Some(self.block.time());
        record.version += 1;
        Ok((
            accreditation_key(subject, *role),
            Record::Accreditation(record),
        ))
    }

    /// Tells whether somebody answers for `did`: whether it has a grant for any role that is in force, or will be, by somebody
    /// who may still accredit.
    pub(super) fn is_accredited(&self, did: &Did) -> Result<bool, Rejection> {
        let now = self.block.time();
        let mut above = BTreeMap::new();
        for role in Role::ALL {
            let record = self.state.accreditation(&accreditation_key(did, role))?;
            let grants = record.into_iter().flat_map(|record| record.grants);
            for grant in grants.filter(|grant| grant.ended.is_none() && now < grant.until) {
                let (Accreditor::Did(accreditor), Some(parent)) = (grant.by, grant.under) else {
                    return Ok(true);
                };
                // Many grants may hang below the same one, which is judged once.
                let way = (accreditor, parent);
                let stands = match above.get(&way) {
                    Some(stands) => *stands,
                    None => self.stands(&way.0, way.1)?,
                };
                if stands {
                    return Ok(true);
                }
                above.insert(way, stands);
            }
        }
        Ok(false)
    }

    fn stands(&self, accreditor: &Did, grant: u64) -> Result<bool, Rejection> {
        match self.chain_through(accreditor, grant) {
            Ok(_) => Ok(true),
            Err(Rejection::NotAccredited) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Requires `pause` seconds since a record was `updated` where nobody answers for its owner any more: it must be able to
    /// change what it has, and must not fill the ledger with it.
    pub(super) fn require_pause(
        &self,
        owner: &Did,
        updated: u64,
        pause: u64,
    ) -> Result<(), Rejection> {
        let next = updated.saturating_add(pause);
        if next <= self.block.time() || self.is_accredited(owner)? {
            Ok(())
        } else {
            Err(Rejection::TooSoon(next))
        }
    }

    /// Reads the subject's accreditation record, empty if there is none, and compares versions.
    fn accreditation_record(
        &self,
        subject: &Did,
        role: Role,
        version: u64,
    ) -> Result<AccreditationRecord, Rejection> {
        self.require_network(subject)?;
        let record = self
            .state
            .accreditation(&accreditation_key(subject, role))?
            .unwrap_or(AccreditationRecord {
                version: 0,
                grants: Vec::new(),
            });
        if record.version == version {
            Ok(record)
        } else {
            Err(Rejection::StaleVersion(record.version))
        }
    }

    /// Finds the grant of `accreditor` that `grant` lies within and will hang below: of several the one that lasts longest.
    fn parent(
        &self,
        accreditor: &Did,
        subject: &Did,
        role: Role,
        grant: &Grant,
    ) -> Result<u64, Rejection> {
        let own = accreditation_key(accreditor, Role::Accreditor);
        let own = self.state.accreditation(&own)?;
        let own = own.ok_or(Rejection::NotAccredited)?;
        let mut parents = Vec::new();
        for parent in &own.grants {
            match self.chain_through(accreditor, parent.id) {
                Ok(chain) => parents.push((parent, chain.grants.len())),
                Err(Rejection::NotAccredited) => {}
                Err(error) => return Err(error),
            }
        }
        if parents.is_empty() {
            return Err(Rejection::NotAccredited);
        }
        parents.retain(|(parent, _)| encloses(parent, grant, role));
        if accreditor == subject || parents.is_empty() {
            return Err(Rejection::OutsideParent);
        }
        // An accreditor leaves room for one more below.
        let room = MAX_CHAIN_DEPTH - usize::from(role == Role::Accreditor);
        let reachable = parents.into_iter().filter(|(_, above)| *above < room);
        let longest = reachable.map(|(parent, _)| (parent.until, parent.id)).max();
        longest
            .map(|(_, id)| id)
            .ok_or(Rejection::Limits("accreditors in a chain"))
    }

    /// Walks up to governance from one grant of an accreditor, in the state as it is now.
    fn chain_through(
        &self,
        accreditor: &Did,
        grant: u64,
    ) -> Result<crate::AccreditationChain, Rejection> {
        let now = self.block.time();
        self.judged(|view| chain_through(view, accreditor, Role::Accreditor, grant, now, now))
    }

    /// Walks up to governance in the state as it is.
    pub(super) fn accreditation(
        &self,
        subject: &Did,
        role: Role,
        credential_type: Option<&str>,
        at: u64,
    ) -> Result<crate::AccreditationChain, Rejection> {
        self.judged(|view| accreditation_at(view, subject, role, credential_type, at))
    }

    fn judged(
        &self,
        judge: impl FnOnce(&View<'_>) -> Result<crate::AccreditationChain, AccreditationError>,
    ) -> Result<crate::AccreditationChain, Rejection> {
        let view = View {
            state: &self.state,
            failed: Cell::new(false),
        };
        let result = judge(&view);
        if view.failed.get() {
            return Err(Rejection::StateUnavailable(super::StateUnavailable));
        }
        result.map_err(|error| match error {
            AccreditationError::Unknown => Rejection::StateUnavailable(super::StateUnavailable),
            _ => Rejection::NotAccredited,
        })
    }
}

fn accreditation_key(subject: &Did, role: Role) -> RecordKey {
    RecordKey::Accreditation {
        subject: subject.clone(),
        role,
    }
}

/// Tells whether `parent` holds at least as long as `child` and covers its types and, other than for issuers, which ask for
/// nothing, its claims; "every type" only within "every type".
fn encloses(parent: &Grant, child: &Grant, role: Role) -> bool {
    let types = if child.types.is_empty() {
        parent.types.is_empty()
    } else {
        child.types.iter().all(|name| parent.covers(name))
    };
    types
        && (role == Role::Issuer || parent.claims.enclose(&child.claims))
        && parent.from <= child.from
        && child.until <= parent.until
}

/// The state as a view to walk; remembers a failed read, which must not pass for an absent record.
struct View<'a> {
    state: &'a dyn ReadState,
    failed: Cell<bool>,
}

impl LookupRecord for View<'_> {
    fn lookup(&self, key: &RecordKey) -> Lookup {
        match self.state.read(key) {
            Ok(Some(record)) => Lookup::Present(record),
            Ok(None) => Lookup::Absent,
            Err(_) => {
                self.failed.set(true);
                Lookup::Unknown
            }
        }
    }
}
