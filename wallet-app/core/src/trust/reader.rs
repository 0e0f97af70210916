//! Reads the ledger's records with their proofs, and holds every answer against the newest checkpoint ever seen.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jumin_registry::client::{ClientError, LedgerClient, NodeFailure};
use jumin_registry::{
    Bundle, CheckpointStale, Lookup, LookupRecord, NetworkTrust, Record, RecordKey, VerifiedBundle,
    VerifiedCheckpoint,
};

use super::{CheckedAgainst, TrustError};
use crate::store::Remembered;

/// A wallet believes an answer about who is accredited for this long (10 minutes): so old may the block be that it is read from, and
/// for so long does what was judged by it count.
pub(crate) const MAX_AGE: u64 = 600;
/// A wallet's own copy of the records serves this long without the network (7 days).
const BUNDLE_MAX_AGE: u64 = 7 * 24 * 3600;
/// The ledger's clock may be ahead of the device's by this much (2 minutes).
const MAX_AHEAD: u64 = 120;
/// A judgement needs a handful of records; more is a loop.
const MAX_RECORDS: usize = 64;
/// Other nodes may be a few blocks behind the one asked last; they get this many chances to catch up.
const PATIENCE: (u32, Duration) = (10, Duration::from_millis(300));

/// Is a record, or its absence, proven at a verified checkpoint.
#[derive(Debug, Clone)]
pub(crate) struct Proven {
    pub checkpoint: VerifiedCheckpoint,
    pub record: Option<Record>,
}

/// Gives proven records; nodes over HTTP in life, a ledger in memory in tests.
#[async_trait]
pub(crate) trait RecordSource: Send + Sync {
    async fn record(&self, key: &RecordKey) -> Result<Proven, TrustError>;
    async fn bundle(&self) -> Result<(Vec<u8>, VerifiedBundle), TrustError>;

    /// Returns the validators that the network has come to, for the next source to start from.
    fn followed(&self) -> Option<NetworkTrust> {
        None
    }
}

/// Tells a silent network, which the wallet's own copy can stand in for, from answers that must not be believed.
fn refused(error: ClientError) -> TrustError {
    let failure = match error {
        ClientError::Nodes(failure) => failure,
        other => return TrustError::Unreachable(Box::new(other)),
    };
    match failure {
        NodeFailure::Stale(stale) => not_fresh(stale),
        NodeFailure::Expired(expired) => TrustError::Expired { days: expired.days },
        NodeFailure::Checkpoint(_)
        | NodeFailure::Handover(_)
        | NodeFailure::Proof(_)
        | NodeFailure::Bundle(_) => TrustError::Unproven(Box::new(failure)),
        other => TrustError::Unreachable(Box::new(other)),
    }
}

#[async_trait]
impl RecordSource for LedgerClient {
    async fn record(&self, key: &RecordKey) -> Result<Proven, TrustError> {
        let proven = LedgerClient::record(self, key).await.map_err(refused)?;
        Ok(Proven {
            checkpoint: proven.checkpoint,
            record: proven.record,
        })
    }

    async fn bundle(&self) -> Result<(Vec<u8>, VerifiedBundle), TrustError> {
        LedgerClient::bundle(self).await.map_err(refused)
    }

    fn followed(&self) -> Option<NetworkTrust> {
        Some(LedgerClient::followed(self))
    }
}

/// Says how old a view of the ledger may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Freshness {
    Online,
    Offline,
}

/// Reads through a source for one operation of the wallet.
pub(crate) struct LedgerReader {
    source: Box<dyn RecordSource>,
    remembered: Mutex<Option<Remembered>>,
}

impl LedgerReader {
    pub(crate) fn new(source: Box<dyn RecordSource>, remembered: Option<Remembered>) -> Self {
        Self {
            source,
            remembered: Mutex::new(remembered),
        }
    }

    /// Returns the validators that the network has come to, for the wallet to keep.
    pub(crate) fn followed(&self) -> Option<NetworkTrust> {
        self.source.followed()
    }

    /// Returns the newest checkpoint seen, for the wallet to remember.
    pub(crate) fn remembered(&self) -> Option<Remembered> {
        *self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Judges by as many records as the judgement asks for; `None` from it means that it lacks one. Its second argument is
    /// the present by [`latest`].
    pub(crate) async fn judge<T>(
        &self,
        now: u64,
        judgement: impl Fn(&dyn LookupRecord, u64) -> Option<Result<T, TrustError>>,
    ) -> Result<(T, CheckedAgainst), TrustError> {
        let mut view = Gathered::default();
        let mut oldest: Option<VerifiedCheckpoint> = None;
        let mut present = now;
        for _ in 0..MAX_RECORDS {
            if let Some(judged) = judgement(&view, present) {
                let checked = oldest
                    .as_ref()
                    .map(|c| checked_against(c, Freshness::Online, now));
                let checked = checked.ok_or(TrustError::NoBundle)?;
                return Ok((judged?, checked));
            }
            let missing = view.take_missing().ok_or(TrustError::NoBundle)?;
            let proven = self.record(&missing, now).await?;
            present = present.max(latest(&proven.checkpoint, now));
            if oldest
                .as_ref()
                .is_none_or(|c| proven.checkpoint.height() < c.height())
            {
                oldest = Some(proven.checkpoint);
            }
            view.records.insert(missing, proven.record);
        }
        Err(TrustError::NoBundle)
    }

    /// Fetches one record by proof from a checkpoint that is fresh and not older than any seen before.
    pub(crate) async fn record(&self, key: &RecordKey, now: u64) -> Result<Proven, TrustError> {
        let mut chances = PATIENCE.0;
        loop {
            let proven = self.source.record(key).await?;
            match self.accept(&proven.checkpoint, Freshness::Online, now) {
                Ok(()) => return Ok(proven),
                Err(TrustError::WentBack { .. }) if chances > 0 => chances -= 1,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PATIENCE.1).await;
        }
    }

    /// Fetches the bundle for offline use; it must not be older than what was seen before either.
    pub(crate) async fn bundle(&self, now: u64) -> Result<(Vec<u8>, VerifiedBundle), TrustError> {
        let mut chances = PATIENCE.0;
        loop {
            let (bytes, bundle) = self.source.bundle().await?;
            match self.accept(bundle.checkpoint(), Freshness::Online, now) {
                Ok(()) => return Ok((bytes, bundle)),
                Err(TrustError::WentBack { .. }) if chances > 0 => chances -= 1,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PATIENCE.1).await;
        }
    }

    fn accept(
        &self,
        checkpoint: &VerifiedCheckpoint,
        freshness: Freshness,
        now: u64,
    ) -> Result<(), TrustError> {
        require_fresh(checkpoint, freshness, now)?;
        let shown = remember(checkpoint);
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match *remembered {
            Some(seen) if shown.height < seen.height || shown.time_ms < seen.time_ms => {
                Err(TrustError::WentBack {
                    seen: seen.height,
                    now: shown.height,
                })
            }
            Some(seen) if shown.height == seen.height && shown.digest != seen.digest => {
                Err(TrustError::Forked {
                    height: seen.height,
                })
            }
            _ => {
                *remembered = Some(shown);
                Ok(())
            }
        }
    }
}

/// Is the wallet's own copy of the ledger's records, checked again each time it is read.
pub(crate) struct BundleView {
    pub bundle: VerifiedBundle,
}

impl BundleView {
    /// Checks certificate, proofs and age of a kept bundle.
    pub(crate) fn read(
        bytes: Option<&[u8]>,
        trust: &NetworkTrust,
        now: u64,
    ) -> Result<Self, TrustError> {
        let bundle = Bundle::from_bytes(bytes.ok_or(TrustError::NoBundle)?)
            .and_then(|bundle| bundle.verify(trust))
            .map_err(|_| TrustError::NoBundle)?;
        match require_fresh(bundle.checkpoint(), Freshness::Offline, now) {
            Err(TrustError::Stale { .. }) => Err(TrustError::NoBundle),
            other => other.map(|()| Self { bundle }),
        }
    }

    /// Judges by the bundle alone.
    pub(crate) fn judge<T>(
        &self,
        now: u64,
        judgement: impl Fn(&dyn LookupRecord, u64) -> Option<Result<T, TrustError>>,
    ) -> Result<(T, CheckedAgainst), TrustError> {
        let judged = judgement(&self.bundle, self.latest(now)).ok_or(TrustError::NoBundle)??;
        Ok((judged, self.checked(now)))
    }

    /// Returns the present by [`latest`].
    pub(crate) fn latest(&self, now: u64) -> u64 {
        latest(self.bundle.checkpoint(), now)
    }

    pub(crate) fn checked(&self, now: u64) -> CheckedAgainst {
        checked_against(self.bundle.checkpoint(), Freshness::Offline, now)
    }
}

/// Takes the later of the device's clock and the checkpoint's time: what the ledger says was taken away is so, also for a
/// clock that lags behind the ledger's.
fn latest(checkpoint: &VerifiedCheckpoint, now: u64) -> u64 {
    now.max(checkpoint.time_ms() / 1000)
}

pub(crate) fn remember(checkpoint: &VerifiedCheckpoint) -> Remembered {
    Remembered {
        height: checkpoint.height(),
        time_ms: checkpoint.time_ms(),
        digest: checkpoint.header().digest(),
    }
}

fn require_fresh(
    checkpoint: &VerifiedCheckpoint,
    freshness: Freshness,
    now: u64,
) -> Result<(), TrustError> {
    let max_age = match freshness {
        Freshness::Online => MAX_AGE,
        Freshness::Offline => BUNDLE_MAX_AGE,
    };
    checkpoint
        .require_fresh(now, max_age, MAX_AHEAD)
        .map_err(not_fresh)
}

fn not_fresh(stale: CheckpointStale) -> TrustError {
    match stale {
        CheckpointStale::TooOld(seconds) => TrustError::Stale { seconds },
        CheckpointStale::Ahead(seconds) => TrustError::ClockBehind { seconds },
    }
}

fn checked_against(
    checkpoint: &VerifiedCheckpoint,
    freshness: Freshness,
    now: u64,
) -> CheckedAgainst {
    CheckedAgainst {
        online: matches!(freshness, Freshness::Online),
        checkpoint_height: checkpoint.height(),
        checkpoint_age_seconds: checkpoint.age_seconds(now),
    }
}

/// Is what was fetched so far; it notes the first record that a judgement looked for in vain.
#[derive(Default)]
struct Gathered {
    records: BTreeMap<RecordKey, Option<Record>>,
    missing: Mutex<Option<RecordKey>>,
}

impl Gathered {
    fn take_missing(&self) -> Option<RecordKey> {
        self.missing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }
}

impl LookupRecord for Gathered {
    fn lookup(&self, key: &RecordKey) -> Lookup {
        match self.records.get(key) {
            Some(Some(record)) => Lookup::Present(record.clone()),
            Some(None) => Lookup::Absent,
            None => {
                self.missing
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert_with(|| key.clone());
                Lookup::Unknown
            }
        }
    }
}
