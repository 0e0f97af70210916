//! Fetches the state as of a certified block instead of replaying all blocks up to it.
//!
//! No source is believed. From genesis on the changes of validators are followed, through those that the trust file names;
//! they certify a header; every chunk of records is checked against that header's state root before it is written, and
//! the root is computed once more from what was stored. A source that fails or lies is replaced by the next.

mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail};
use jumin_http::{Client, Url};
use jumin_identity::b64url;
use jumin_registry::{Checkpoint, Handover, NetworkTrust, TRUSTING_PERIOD};

use crate::application::unix_ms;
use crate::genesis::Genesis;
use crate::snapshot::{Chunk, MIN_CHUNK_BYTES};
use crate::store::{RestoreError, Restorer, Store, StoreError};
use source::{Source, SourceError};

/// How often all sources are asked before this node gives up.
const ROUNDS: u32 = 5;
const ROUND_PAUSE: Duration = Duration::from_secs(2);
/// How often progress is logged.
const PROGRESS: Duration = Duration::from_secs(2);

/// What a joining node knows beforehand.
pub(crate) struct Known<'a> {
    pub genesis: &'a Genesis,
    /// The validators at some time, from somebody who is trusted.
    pub trust: &'a NetworkTrust,
    pub sources: &'a [Url],
}

/// Fetches the state from the first source that proves one.
pub(crate) async fn fetch(store: &Arc<Store>, known: &Known<'_>) -> anyhow::Result<()> {
    let now = unix_ms(SystemTime::now()) / 1000;
    known.trust.require_recent(now)?;
    let http = Client::new()?;
    for round in 0..ROUNDS {
        if round > 0 {
            tokio::time::sleep(ROUND_PAUSE).await;
        }
        for url in known.sources {
            let source = Source::new(&http, url);
            match from(&source, store, known).await {
                Ok(()) => return Ok(()),
                Err(SourceError::Store(error)) => {
                    return Err(error).context("cannot store the state");
                }
                Err(error) => {
                    let code = error.code();
                    let error = anyhow::Error::new(error);
                    tracing::warn!(source = %url, code, "state sync: source not used: {error:#}");
                }
            }
        }
    }
    bail!(
        "no source gave a state that can be believed; see the warnings above. Name others under `sync` in config.toml, or \
         remove the line to replay all blocks from the validators instead"
    )
}

/// Fetches the state that an interrupted fetch has a part of, while the source has it still, else its newest.
async fn from(
    source: &Source<'_>,
    store: &Arc<Store>,
    known: &Known<'_>,
) -> Result<(), SourceError> {
    if let Some(start) = store.restoring_from()? {
        match as_of(start, source, store, known).await {
            Err(error) if error.is_about_start() => {}
            fetched => return fetched,
        }
    }
    let start = source.checkpoint().await?;
    as_of(start, source, store, known).await
}

async fn as_of(
    start: Checkpoint,
    source: &Source<'_>,
    store: &Arc<Store>,
    known: &Known<'_>,
) -> Result<(), SourceError> {
    let (trust, handovers) = follow(source, known, &start).await?;
    let (height, root) = (start.header.height, start.header.state_root);
    tracing::info!(source = %source, height, "state sync: begins");
    let began = Instant::now();
    // This is the only task of the process now, so it may wait for the disk.
    let mut restorer = Restorer::open(store.clone(), &start)?;
    chunks(source, &mut restorer, &root).await?;
    let restored = restorer.finish().map_err(refused)?;
    let mut handovers = handovers;
    handovers.extend(last_handover(store, &start, &trust)?);
    store.adopt(restored, &start, &handovers)?;
    let seconds = began.elapsed().as_secs_f64();
    tracing::info!(source = %source, height, seconds, "state sync: done");
    Ok(())
}

/// Follows the changes of validators up to those that certified `start`, and checks its certificate.
async fn follow(
    source: &Source<'_>,
    known: &Known<'_>,
    start: &Checkpoint,
) -> Result<(NetworkTrust, Vec<Handover>), SourceError> {
    let genesis = known
        .genesis
        .block()
        .map_err(|_| SourceError::Malformed("genesis"))?;
    let mut trust = known.genesis.trust(genesis.header());
    let (header, mut followed) = (&start.header, Vec::new());
    if header.epoch < known.trust.epoch {
        return Err(SourceError::Behind);
    }
    'pages: loop {
        let page = source.handovers(trust.epoch).await?;
        let before = trust.epoch;
        for handover in page {
            if handover.checkpoint.header.height >= header.height {
                break 'pages;
            }
            if handover.checkpoint.header.epoch < trust.epoch {
                continue;
            }
            require_agreement(&trust, Some(&handover), known.trust)?;
            trust = trust.follow(&handover).map_err(SourceError::Handover)?;
            followed.push(handover);
        }
        if trust.epoch == before {
            break;
        }
    }
    require_agreement(&trust, None, known.trust)?;
    let verified = start.verify(&trust).map_err(SourceError::Checkpoint)?;
    let now = unix_ms(SystemTime::now()) / 1000;
    // Validators of so long ago may have given their keys away since.
    if verified.age_seconds(now) > TRUSTING_PERIOD {
        return Err(SourceError::Old);
    }
    Ok((trust, followed))
}

/// Requires the validators that the trust file names to be those of its epoch, once all changes before it are followed.
fn require_agreement(
    trust: &NetworkTrust,
    next: Option<&Handover>,
    known: &NetworkTrust,
) -> Result<(), SourceError> {
    let ends = next.map_or(u64::MAX, |next| next.checkpoint.header.epoch);
    let holds_then = trust.epoch <= known.epoch && known.epoch <= ends;
    if holds_then && trust.validators != known.validators {
        return Err(SourceError::OtherValidators);
    }
    Ok(())
}

async fn chunks(
    source: &Source<'_>,
    restorer: &mut Restorer,
    root: &[u8; 32],
) -> Result<(), SourceError> {
    let (mut records, mut bytes, mut told) = (0, 0, Instant::now());
    if let Some(after) = restorer.after() {
        let after = b64url(&after.0);
        tracing::info!(after, "state sync: goes on where it was interrupted");
    }
    while !restorer.is_whole() {
        let body = source
            .chunk(root, restorer.after().map(|key| key.0))
            .await?;
        let chunk = Chunk::parse(&body).ok_or(SourceError::Malformed("chunk"))?;
        let size = chunk.size();
        if size < MIN_CHUNK_BYTES && !chunk.is_last {
            return Err(SourceError::SmallChunk);
        }
        (records, bytes) = (records + chunk.entries.len(), bytes + size);
        restorer.add(chunk.entries, chunk.proof).map_err(refused)?;
        if told.elapsed() >= PROGRESS {
            told = Instant::now();
            tracing::info!(records, bytes, "state sync: goes on");
        }
        if chunk.is_last {
            break;
        }
    }
    tracing::info!(records, bytes, "state sync: all records are here");
    Ok(())
}

/// Makes the handover of the certified block itself, which its own source needs not to have given.
fn last_handover(
    store: &Store,
    start: &Checkpoint,
    trust: &NetworkTrust,
) -> Result<Option<Handover>, StoreError> {
    let set = store.snapshot()?.validators()?;
    let next = set.keys_at(set.epoch_of(start.header.height + 1));
    Ok((next != trust.validators).then(|| Handover {
        checkpoint: start.clone(),
        validators: next,
    }))
}

fn refused(error: RestoreError) -> SourceError {
    match error {
        RestoreError::Store(error) => SourceError::Store(error),
        RestoreError::NotInState(why) => SourceError::NotInState(why),
    }
}
