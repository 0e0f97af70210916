//! The activity log.

use jumin_wallet_core::ActivityLine;
use serde::Serialize;
use ts_rs::TS;

use super::{Localized, localized};

/// Says what was done.
#[derive(Debug, Clone, Copy, Serialize, TS)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ActivityKind {
    Accepted,
    Shown,
    ShownOneWay,
    Sent,
    Deleted,
}

impl From<jumin_wallet_core::ActivityKind> for ActivityKind {
    fn from(kind: jumin_wallet_core::ActivityKind) -> Self {
        use jumin_wallet_core::ActivityKind as Core;
        match kind {
            Core::Accepted => Self::Accepted,
            Core::Shown => Self::Shown,
            Core::ShownOneWay => Self::ShownOneWay,
            Core::Sent => Self::Sent,
            Core::Deleted => Self::Deleted,
        }
    }
}

/// Is the other side, as it was known at that time.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct ActivityParty {
    pub id: String,
    pub name: Option<Localized>,
    pub accredited: bool,
}

/// Is one line of the log.
#[derive(Debug, Clone, Serialize, TS)]
pub(crate) struct Activity {
    pub at: u64,
    pub kind: ActivityKind,
    pub document: Option<String>,
    pub document_name: Option<Localized>,
    pub party: Option<ActivityParty>,
    /// Names of what was disclosed.
    pub claims: Vec<Localized>,
    /// `done`, `sending` (never heard of again), or an error's code.
    pub outcome: String,
}

pub(crate) fn activity(line: ActivityLine) -> Activity {
    let party = line.entry.party.map(|party| ActivityParty {
        id: party.id,
        name: party.name.map(Localized::from),
        accredited: party.accredited,
    });
    Activity {
        at: line.entry.at,
        kind: line.entry.kind.into(),
        document: line.entry.document,
        document_name: line.document_name.map(Localized::from),
        party,
        claims: localized(line.claims),
        outcome: line.entry.outcome,
    }
}
