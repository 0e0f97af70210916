use jumin_registry::Localized;
use jumin_verifier::{LedgerView, ServicePolicy};
use serde::Serialize;
use ts_rs::TS;

use crate::agencies::AgencyTrouble;
use crate::desk::Desk;
use crate::services::AskedClaim;
use crate::standing::{Standing, standing};
use crate::sync::Network;

/// How far the ledger may be ahead of the counter's clock before the clock is in doubt, in seconds.
const BEHIND: u64 = 30;
/// How old the newest checkpoint of a network that answers may be before the clock is in doubt.
const AHEAD: u64 = 300;

/// Tells a desk's page how the office stands.
#[derive(Clone, Debug, Serialize, TS, utoipa::ToSchema)]
pub struct OfficeStatus {
    /// What the office is called.
    #[ts(type = "Localized")]
    #[schema(value_type = Object)]
    pub office: Localized,
    /// The office's DID.
    pub verifier: String,
    /// Whether a node answered at the last attempt.
    #[schema(value_type = String)]
    pub network: Network,
    /// Height of the checkpoint in use; none if nothing is known of the ledger yet.
    pub checkpoint_height: Option<u64>,
    /// Its age.
    pub checkpoint_age_seconds: Option<u64>,
    /// Time since the oldest of the status lists in use was signed.
    pub oldest_list_age_seconds: Option<u64>,
    /// Status lists at hand as anchored.
    pub status_lists: Option<usize>,
    /// Dictionaries at hand as anchored.
    pub dictionaries: Option<usize>,
    /// Agencies that publish lists or dictionaries.
    pub agencies: usize,
    /// Those of which something could not be had: only their cards are affected.
    pub troubled: Vec<AgencyTrouble>,
    /// Whether the clock of this machine seems right.
    pub clock: ClockState,
    /// Whether what is known is young enough for each service, and whether the office may ask for it.
    pub services: Vec<ServiceFreshness>,
    /// The counter's clock, in seconds since the epoch.
    pub now: u64,
}

/// Says whether the clock of this machine seems right, compared with the ledger's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClockState {
    /// Nothing speaks against it.
    Ok,
    /// The ledger is ahead of it: it is slow.
    Behind,
    /// The network answers, but with old news: it is fast, or the ledger stands still.
    Doubtful,
}

/// Says whether what is known is young enough for a service, and whether the office may ask for it.
#[derive(Clone, Debug, Serialize, TS, utoipa::ToSchema)]
pub struct ServiceFreshness {
    /// The service.
    pub service: String,
    /// How it stands.
    pub freshness: Freshness,
    /// Whether the office is accredited for what it asks for.
    pub standing: Standing,
    /// What it asks for beyond that, if some of it.
    pub beyond: Vec<AskedClaim>,
}

/// Says what old evidence leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Freshness {
    /// Young enough for everything.
    Fresh,
    /// Too old to tell a status: answers will be `status_stale`.
    StatusStale,
    /// Too old for anything: answers will be `ledger_stale`.
    LedgerStale,
}

impl OfficeStatus {
    /// Looks at what a desk knows at `now`, in seconds since the epoch.
    pub fn of(desk: &Desk, office: Localized, now: u64) -> OfficeStatus {
        let view = desk.ledger().view();
        let view = view.as_deref();
        let network = desk.ledger().known_network();
        let agencies = desk.ledger().agencies(now);
        let freshness = |policy: &ServicePolicy| {
            let (standing, beyond) = standing(view, desk.verifier().did(), policy, now);
            ServiceFreshness {
                service: policy.service.clone(),
                freshness: freshness(policy, view, now),
                standing,
                beyond,
            }
        };
        OfficeStatus {
            office,
            verifier: desk.verifier().did().to_string(),
            network,
            checkpoint_height: view.map(|v| v.checkpoint().height()),
            checkpoint_age_seconds: view.map(|v| v.checkpoint().age_seconds(now)),
            oldest_list_age_seconds: view.and_then(|v| v.oldest_list_age(now)),
            status_lists: view.map(LedgerView::current_lists),
            dictionaries: view.map(LedgerView::dictionaries),
            agencies: agencies.count,
            troubled: agencies.troubled,
            clock: view.map_or(ClockState::Ok, |v| clock(v, network, now)),
            services: desk.services().map(freshness).collect(),
            now,
        }
    }
}

fn clock(view: &LedgerView, network: Network, now: u64) -> ClockState {
    let checkpoint = view.checkpoint();
    if (checkpoint.time_ms() / 1000).saturating_sub(now) > BEHIND {
        ClockState::Behind
    } else if network == Network::Online && checkpoint.age_seconds(now) > AHEAD {
        ClockState::Doubtful
    } else {
        ClockState::Ok
    }
}

fn freshness(policy: &ServicePolicy, view: Option<&LedgerView>, now: u64) -> Freshness {
    match view.map(|view| view.checkpoint().age_seconds(now)) {
        None => Freshness::LedgerStale,
        Some(age) if age > policy.max_checkpoint_age => Freshness::LedgerStale,
        Some(age) if age > policy.max_status_age => Freshness::StatusStale,
        Some(_) => Freshness::Fresh,
    }
}
