//! What flows between the engine and the ledger: finalized blocks inwards, operations both ways.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use commonware_actor::Feedback;
use commonware_codec::types::lazy::Lazy;
use commonware_codec::{Copying, Decode as _, DecodeExt as _, Encode as _, RangeCfg};
use commonware_consensus::marshal::core::Mailbox;
use commonware_consensus::marshal::{Update, standard::Standard};
use commonware_consensus::simplex::types::{Finalization, Proposal};
use commonware_consensus::types::{Epoch, Height, Round, View};
use commonware_consensus::{Epochable as _, Heightable as _, Reporter, Viewable as _};
use commonware_cryptography::certificate::Signers;
use commonware_cryptography::{Digested, ed25519, sha256};
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{Clock, IoBuf};
use commonware_utils::Participant;
use commonware_utils::acknowledgement::{Acknowledgement as _, Exact};
use jumin_registry::{Certificate, Checkpoint, SignedOperation};
use tokio::sync::mpsc;

use crate::Scheme;
use crate::application::unix_ms;
use crate::block::{Block, MAX_OPERATION_BYTES};
use crate::execution::operation_hash;
use crate::ledger::Ledger;
use crate::mempool::{Outcome, Share, Waiting};

/// How many operations one message carries at most; fewer bytes than a block.
const MAX_BATCH: usize = 32;
/// What no block took for so long is sent once more: who was out of reach then may be the one to propose, and an idle
/// network waits long for its next block.
const REPEAT_PAUSE: Duration = Duration::from_secs(2);
/// So long a node waits after one message before it sends the next, so that operations go together.
const BATCH_PAUSE: Duration = Duration::from_millis(10);
/// After so many operations that no honest validator sends often, a validator's are not looked at.
const MAX_FAULTS: usize = 256;
/// For so many blocks.
const FORGIVEN_BLOCKS: u64 = 64;
/// The longest message: operations with their lengths.
pub(crate) const MAX_BATCH_BYTES: usize = (MAX_BATCH + 1) * 8 + MAX_BATCH * MAX_OPERATION_BYTES;
/// How often the certificate of an epoch's last block is looked for.
const CERTIFICATE_POLL: Duration = Duration::from_millis(20);

/// A finalized block and the acknowledgement that lets the archive move on.
pub(crate) type Delivery = (Digested<Block>, Exact);

/// Passes finalized blocks on to the task that applies them.
#[derive(Clone)]
pub(crate) struct Deliveries(pub mpsc::UnboundedSender<Delivery>);

impl Reporter for Deliveries {
    type Activity = Update<Block>;

    fn report(&mut self, update: Update<Block>) -> Feedback {
        let Update::Block(block, acknowledgement) = update else {
            return Feedback::Ok;
        };
        // The archive sends no more than its unacknowledged maximum, so the queue is bounded.
        match self.0.send((block, acknowledgement)) {
            Ok(()) => Feedback::Ok,
            Err(_) => Feedback::Closed,
        }
    }
}

/// Applies finalized blocks in order; the archive delivers again what was not acknowledged.
pub(crate) async fn apply_finalized(
    clock: impl Clock,
    ledger: Arc<Ledger>,
    archive: Mailbox<Scheme, Standard<Block>>,
    mut deliveries: mpsc::UnboundedReceiver<Delivery>,
    section: NonZeroU64,
) -> anyhow::Result<()> {
    rebuild(&ledger, &archive).await?;
    let mut pruned = 0;
    while let Some((block, acknowledgement)) = deliveries.recv().await {
        let mut certificate = certificate_of(&archive, block.height()).await;
        // Readers follow a change of validators by the certificate of an epoch's last block, which always has one.
        let boundary = ledger.set().ends_epoch(block.height().get());
        while boundary && certificate.is_none() {
            clock.sleep(CERTIFICATE_POLL).await;
            certificate = certificate_of(&archive, block.height()).await;
        }
        ledger.apply(block.inner(), certificate)?;
        acknowledgement.acknowledge();
        // The archive forgets what the ledger forgot, whole sections at a time.
        let kept = ledger.kept_from()?.unwrap_or_default() / section;
        if kept > pruned {
            pruned = kept;
            archive.prune(Height::new(kept * section.get()));
        }
    }
    Ok(())
}

/// Applies the archive's blocks that it passed on to a state which is not there any more.
async fn rebuild(
    ledger: &Ledger,
    archive: &Mailbox<Scheme, Standard<Block>>,
) -> anyhow::Result<()> {
    let Some(processed) = archive.get_processed().await else {
        return Ok(());
    };
    let first = ledger.applied().height + 1;
    let last = processed.height().get();
    if first <= last {
        tracing::info!(
            first,
            last,
            "the state is rebuilt from this node's own blocks"
        );
    }
    for height in (first..=last).map(Height::new) {
        let block = archive.get_block(height).await.with_context(|| {
            format!("the state lacks block {height} and so does the archive: name nodes under `sync` in config.toml, remove data/state.redb and start again")
        })?;
        ledger.apply(block.inner(), certificate_of(archive, height).await)?;
    }
    Ok(())
}

async fn certificate_of(
    archive: &Mailbox<Scheme, Standard<Block>>,
    height: Height,
) -> Option<Certificate> {
    certificate(&archive.get_finalization(height).await?)
}

/// Restates the engine's finalization in the form that readers check without the engine.
pub(crate) fn certificate(
    finalization: &Finalization<Scheme, sha256::Digest>,
) -> Option<Certificate> {
    let signers = &finalization.certificate.signers;
    let mut votes = Vec::with_capacity(signers.count());
    for (signer, signature) in signers.iter().zip(&finalization.certificate.signatures) {
        let signature = signature.get()?;
        votes.push((
            usize::try_from(signer.get()).ok()?,
            signature.as_ref().try_into().ok()?,
        ));
    }
    let proposal = &finalization.proposal;
    let round = (
        proposal.epoch().get(),
        proposal.view().get(),
        proposal.parent.get(),
    );
    Certificate::new(round, signers.len(), votes).ok()
}

/// Restates a certified header as the engine's finalization.
pub(crate) fn finalization(
    checkpoint: &Checkpoint,
) -> Option<Finalization<Scheme, sha256::Digest>> {
    let certificate = &checkpoint.certificate;
    let signer = |index| u32::try_from(index).map(Participant::new);
    let signers: Result<Vec<_>, _> = certificate.signer_indices().map(signer).collect();
    let signers = Signers::new(u32::from(certificate.committee), signers.ok()?).ok()?;
    let decode = |signature: &[u8; 64]| ed25519::Signature::decode(Copying(signature.as_slice()));
    let signatures: Result<Vec<_>, _> = certificate.signatures.iter().map(decode).collect();
    let signatures = signatures.ok()?.into_iter().map(Lazy::from).collect();
    let round = Round::new(Epoch::new(certificate.epoch), View::new(certificate.view));
    let digest = sha256::Digest::from(checkpoint.header.digest());
    Some(Finalization {
        proposal: Proposal::new(round, View::new(certificate.parent_view), digest),
        certificate: ed25519::certificate::Certificate {
            signers,
            signatures,
        },
    })
}

/// Sends new operations to the other validators and takes theirs.
pub(crate) async fn exchange_operations<S: Sender, R: Receiver>(
    clock: impl Clock,
    ledger: Arc<Ledger>,
    (mut sender, mut receiver): (S, R),
    mut outgoing: mpsc::Receiver<Vec<u8>>,
) {
    let mut faults = Faults::default();
    let mut pausing = false;
    let pause = clock.sleep(Duration::ZERO);
    let mut pause = Box::pin(pause);
    let mut repeat = Box::pin(clock.sleep(REPEAT_PAUSE));
    let mut mark = ledger.mempool().mark();
    loop {
        let mut batch = Vec::new();
        tokio::select! {
            biased;
            () = &mut pause, if pausing => pausing = false,
            count = outgoing.recv_many(&mut batch, MAX_BATCH), if !pausing => match count {
                0 => return,
                _ => {
                    // Who is out of reach gets the operations in their block.
                    drop(sender.send(Recipients::All, IoBuf::from(batch.encode()), false));
                    pause.set(clock.sleep(BATCH_PAUSE));
                    pausing = true;
                }
            },
            () = &mut repeat => {
                let overdue = ledger.mempool().before(mark, MAX_BATCH);
                mark = ledger.mempool().mark();
                let batch: Vec<_> = overdue.iter().map(|one| one.bytes.to_vec()).collect();
                if !batch.is_empty() {
                    drop(sender.send(Recipients::All, IoBuf::from(batch.encode()), false));
                }
                repeat.set(clock.sleep(REPEAT_PAUSE));
            },
            message = receiver.recv() => match message {
                Ok((peer, bytes)) => {
                    let from = (peer.as_ref(), unix_ms(clock.current()));
                    accept_batch(&ledger, &mut faults, from, bytes.as_ref());
                }
                Err(_) => return,
            },
        }
    }
}

/// How often validators sent what honest ones seldom send. It is forgotten after some blocks: a node that lags may take an
/// honest one's operation for a false one.
#[derive(Default)]
struct Faults {
    since: u64,
    counts: BTreeMap<Vec<u8>, usize>,
}

impl Faults {
    /// Tells whether nothing more is taken from this validator for now.
    fn ignores(&mut self, peer: &[u8], height: u64) -> bool {
        if height >= self.since + FORGIVEN_BLOCKS {
            self.since = height;
            self.counts.clear();
        }
        let count = self.counts.get(peer).copied();
        count.is_some_and(|count| count >= MAX_FAULTS)
    }

    fn add(&mut self, peer: &[u8], count: usize) {
        *self.counts.entry(peer.to_vec()).or_default() += count;
    }
}

fn accept_batch(ledger: &Ledger, faults: &mut Faults, (peer, now_ms): (&[u8], u64), bytes: &[u8]) {
    if faults.ignores(peer, ledger.applied().height) {
        return;
    }
    let one = (RangeCfg::from(1..=MAX_OPERATION_BYTES), ());
    let bounds = (RangeCfg::from(1..=MAX_BATCH), one);
    let Ok(batch) = Vec::<Vec<u8>>::decode_cfg(Copying(bytes), &bounds) else {
        tracing::debug!("ignored malformed operations of another validator");
        faults.add(peer, MAX_BATCH);
        return;
    };
    let accepted = batch.iter().map(|one| accept(ledger, now_ms, peer, one));
    let refused = accepted.filter(|accepted| !accepted).count();
    faults.add(peer, refused);
}

/// Keeps an operation that another validator took in; tells whether an honest one may have sent it.
fn accept(ledger: &Ledger, now_ms: u64, peer: &[u8], bytes: &[u8]) -> bool {
    if ledger.mempool().has(bytes) {
        return true;
    }
    let Ok(operation) = SignedOperation::parse(bytes) else {
        tracing::debug!("ignored a malformed operation of another validator");
        return false;
    };
    let hash = operation_hash(&operation);
    if matches!(ledger.outcome(&hash), Ok(Some(Outcome::Finalized(_)))) {
        return true;
    }
    // This node may lag behind the sender, so only the proposer's state decides about the rest.
    let share = match ledger.admit(&operation, now_ms) {
        Ok(()) => Share::of_submitter(&operation),
        Err(rejection) if rejection.code() == "bad_signature" => return false,
        Err(_) => Share::Peer(peer.to_vec()),
    };
    let doubtful = matches!(share, Share::Peer(_));
    let waiting = Waiting::new(hash, bytes.into(), operation);
    // When this mempool is full, the sender still proposes the operation itself.
    let added = ledger.mempool().add(waiting, share);
    !(doubtful && added.is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validator_that_sends_much_that_is_false_is_ignored_for_some_blocks() {
        let mut faults = Faults::default();
        faults.add(b"one", MAX_FAULTS - 1);
        assert!(!faults.ignores(b"one", 5));
        faults.add(b"one", 1);
        assert!(faults.ignores(b"one", 6));
        assert!(!faults.ignores(b"other", 6));
        assert!(!faults.ignores(b"one", 6 + FORGIVEN_BLOCKS));
    }
}
