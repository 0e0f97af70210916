//! Where finalized blocks and their certificates are kept, and how missing ones are fetched.

use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use commonware_broadcast::buffered;
use commonware_codec::CodecShared;
use commonware_consensus::marshal::core::{Actor, Mailbox};
use commonware_consensus::marshal::standard::Standard;
use commonware_consensus::marshal::{self, Start, resolver};
use commonware_consensus::simplex::types::Finalization;
use commonware_consensus::types::{FixedEpocher, ViewDelta};
use commonware_cryptography::certificate::Verifier as _;
use commonware_cryptography::{Digested, Digestible as _, ed25519, sha256};
use commonware_parallel::Sequential;
use commonware_runtime::Supervisor as _;
use commonware_runtime::buffer::paged::CacheRef;
use commonware_storage::archive::prunable;
use commonware_storage::translator::EightCap;
use commonware_utils::acknowledgement::Exact;
use commonware_utils::{NZDuration, NZU16, NZU64, NZUsize};

use super::committee::Committees;
use super::world::World;
use super::{BUFFER, MAILBOX};
use crate::Scheme;
use crate::block::Block;

const PAGE_SIZE: NonZeroU16 = NZU16!(4_084);
const PAGE_CACHE: NonZeroUsize = NZUsize!(2_048);
type Stored<W, V> = prunable::Archive<EightCap, <W as World>::Runtime, sha256::Digest, V>;
pub(super) type Archive<W> = Actor<
    <W as World>::Runtime,
    Standard<Block>,
    Committees,
    Stored<W, Finalization<Scheme, sha256::Digest>>,
    Stored<W, Arc<Block>>,
    FixedEpocher,
    Sequential,
    Exact,
>;

/// How many blocks that may not be final yet are removed together.
const CACHED: NonZeroU64 = NZU64!(1_024);

/// How heights are divided into epochs.
pub(super) fn epocher(epoch_blocks: u64) -> FixedEpocher {
    // Genesis is refused below two blocks.
    FixedEpocher::new(NonZeroU64::new(epoch_blocks.max(2)).unwrap_or(NonZeroU64::MAX))
}

/// Memory shared by all files of the engine.
pub(super) fn page_cache() -> CacheRef {
    CacheRef::new(PAGE_SIZE, PAGE_CACHE)
}

/// Opens the archive of finalized blocks, which starts from `genesis`, or from the block that the state was fetched at.
pub(super) async fn open<W: World>(
    context: &W::Runtime,
    committees: Committees,
    epocher: FixedEpocher,
    genesis: Block,
    floor: Option<Finalization<Scheme, sha256::Digest>>,
    page_cache: CacheRef,
) -> anyhow::Result<(Archive<W>, Mailbox<Scheme, Standard<Block>>)> {
    let codec = Scheme::certificate_codec_config_unbounded();
    let finalizations = store::<W, _>(context, "finalizations", page_cache.clone(), codec).await?;
    let blocks = store::<W, _>(context, "blocks", page_cache.clone(), ()).await?;
    let digest = genesis.digest();
    let start = match floor {
        Some(floor) => Start::Floor(floor),
        None => Start::Genesis(Digested::precomputed(genesis, digest)),
    };
    let config = marshal::Config {
        provider: committees,
        epocher,
        start,
        partition_prefix: "marshal".to_owned(),
        mailbox_size: MAILBOX,
        view_retention: ViewDelta::new(256),
        prunable_items_per_section: CACHED,
        page_cache,
        replay_buffer: BUFFER,
        key_write_buffer: BUFFER,
        value_write_buffer: BUFFER,
        block_codec_config: (),
        max_repair: NZUsize!(64),
        max_pending_acks: NZUsize!(16),
        strategy: Sequential,
    };
    let (archive, mailbox, _) =
        Actor::init(context.child("marshal"), finalizations, blocks, config).await;
    Ok((archive, mailbox))
}

async fn store<W: World, V: CodecShared>(
    context: &W::Runtime,
    name: &'static str,
    page_cache: CacheRef,
    codec_config: V::Cfg,
) -> anyhow::Result<Stored<W, V>> {
    let config = prunable::Config {
        translator: EightCap,
        metadata_partition: format!("{name}-archive-metadata"),
        key_partition: format!("{name}-archive-keys"),
        key_page_cache: page_cache,
        value_partition: format!("{name}-archive-values"),
        compression: None,
        codec_config,
        items_per_section: W::SECTION,
        replay_buffer: BUFFER,
        key_write_buffer: BUFFER,
        value_write_buffer: BUFFER,
    };
    let opened = prunable::Archive::init(context.child(name), config).await;
    opened.with_context(|| {
        format!(
            "cannot open the archive of {name}; if its files are damaged, move data/engine away and start with --votes-lost"
        )
    })
}

/// How blocks that are not finalized yet reach the others.
pub(super) fn broadcast<W: World>(
    me: ed25519::PublicKey,
    oracle: &W::Oracle,
) -> buffered::Config<ed25519::PublicKey, (), W::Oracle, Sequential> {
    buffered::Config {
        public_key: me,
        mailbox_size: MAILBOX,
        deque_size: 32,
        priority: false,
        codec_config: (),
        peer_provider: oracle.clone(),
        strategy: Sequential,
    }
}

/// How missing blocks are asked for.
pub(super) fn backfill<W: World>(
    me: ed25519::PublicKey,
    oracle: &W::Oracle,
) -> resolver::p2p::Config<ed25519::PublicKey, W::Oracle, W::Oracle> {
    resolver::p2p::Config {
        public_key: me,
        peer_provider: oracle.clone(),
        blocker: oracle.clone(),
        mailbox_size: MAILBOX,
        fetch_timeout: NZDuration!(Duration::from_secs(2)),
        fetch_retry_delay: Duration::from_millis(100),
        priority_requests: false,
        priority_responses: false,
    }
}
