//! Which agencies could not be reached, by name: only their cards are affected.

use jumin_identity::Did;
use jumin_registry::{AnchorKind, Localized, Role, accreditation_at};
use jumin_verifier::LedgerView;
use serde::Serialize;
use ts_rs::TS;

use crate::gather::{agencies, wanted};
use crate::parties::{Item, Told, Trouble};
use crate::sync::Shared;

/// Says of how many agencies something is missing.
pub struct Agencies {
    /// Agencies that publish lists or dictionaries.
    pub count: usize,
    /// Those of which something was asked for in vain.
    pub troubled: Vec<AgencyTrouble>,
    /// What is missing, one line each.
    pub missing: Vec<String>,
}

/// Is an agency of which a list or dictionary could not be had. Cards of no other agency are affected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS, utoipa::ToSchema)]
pub struct AgencyTrouble {
    /// Its DID.
    pub did: String,
    /// What its accreditation calls it; none if it is not accredited now.
    #[ts(type = "Localized | null")]
    #[schema(value_type = Option<Object>)]
    pub name: Option<Localized>,
    /// What is wrong.
    pub trouble: Trouble,
    /// Since when, in seconds since the epoch.
    pub since: u64,
    /// Lists and dictionaries that are missing.
    pub missing: usize,
}

impl Agencies {
    /// Says that an unknown dictionary may be one of those that could not be had; empty if all are at hand.
    pub(crate) fn doubt(&self) -> String {
        match (self.troubled.len(), self.count) {
            (0, _) => String::new(),
            (some, all) => {
                format!(" Of {some} of {all} agencies a list or dictionary could not be had.")
            }
        }
    }
}

impl Shared {
    pub(crate) fn agencies(&self, now: u64) -> Agencies {
        let Some(view) = self.view() else {
            return Agencies {
                count: 0,
                troubled: Vec::new(),
                missing: Vec::new(),
            };
        };
        let (mut troubled, mut missing) = (Vec::new(), Vec::new());
        for (did, items) in wanted(&view, now) {
            let told: Vec<(Item, Told)> = {
                let parties = self.parties();
                let told = items.into_iter().filter_map(|item| {
                    let told = parties.told(&item)?;
                    Some((item, told))
                });
                told.collect()
            };
            let Some((_, first)) = told.first() else {
                continue;
            };
            troubled.push(AgencyTrouble {
                did: did.to_string(),
                name: name_of(&view, &did, now),
                trouble: first.trouble,
                since: first.since,
                missing: told.len(),
            });
            missing.extend(told.iter().map(|(item, told)| line(item, told)));
        }
        Agencies {
            count: agencies(&view),
            troubled,
            missing,
        }
    }
}

fn name_of(view: &LedgerView, did: &Did, now: u64) -> Option<Localized> {
    let at = now.max(view.checkpoint().time_ms() / 1000);
    let chain = accreditation_at(view.ledger(), did, Role::Issuer, None, at);
    chain.ok().map(|chain| chain.name)
}

fn line(item: &Item, told: &Told) -> String {
    let what = match item.kind {
        AnchorKind::StatusList => "status list",
        AnchorKind::Dictionary => "dictionary",
    };
    format!("{what} {}: {}", item.name, told.cause)
}
