//! Asks the others for this node's own votes, and answers those who ask for theirs.

use std::sync::Arc;
use std::time::Duration;

use commonware_cryptography::ed25519;
use commonware_p2p::{Receiver, Recipients, Sender};
use commonware_runtime::{Clock, IoBuf};
use rand_core::CryptoRng;
use tokio::sync::watch;

use super::past::{Answers, Message, Place};
use crate::application::unix_ms;
use crate::home::public_key;
use crate::ledger::Ledger;
use crate::votes::CLOCKS;

/// How long after a question the next one comes: others may not be connected yet, and messages get lost.
const PAUSE: Duration = Duration::from_millis(250);
/// After so many questions it is said that nobody answers.
const TOLD_AFTER: u32 = 40;

/// One node's question to the others, until it is answered.
pub(super) struct Asking {
    pub ledger: Arc<Ledger>,
    pub key: ed25519::PrivateKey,
    /// The newest vote in this node's own files, once they are read.
    pub recalled: watch::Receiver<Option<Place>>,
}

impl Asking {
    /// Asks until enough others have answered, and answers all along.
    pub(super) async fn run<E, S, R>(mut self, mut context: E, (mut sender, mut receiver): (S, R))
    where
        E: Clock + CryptoRng,
        S: Sender<PublicKey = ed25519::PublicKey>,
        R: Receiver<PublicKey = ed25519::PublicKey>,
    {
        let mut answers = Answers::new(&self.ledger.trust().namespace(), &self.key);
        let mut again = Box::pin(context.sleep(Duration::ZERO));
        let (mut asked, mut is_over) = (0_u32, false);
        loop {
            self.decide(&context, &answers);
            let is_open = !self.ledger.knows_its_votes();
            tokio::select! {
                biased;
                // Where consensus ended, it says why itself.
                changed = self.recalled.changed(), if is_open && !is_over => is_over = changed.is_err(),
                () = &mut again, if is_open => {
                    let question = Message::Question.encode();
                    drop(sender.send(Recipients::All, IoBuf::from(question), false));
                    asked += 1;
                    if asked == TOLD_AFTER {
                        tracing::warn!("too few of the others are there to say what this validator voted for: it waits for them");
                    }
                    again.set(context.sleep(PAUSE));
                },
                message = receiver.recv() => {
                    let Ok((peer, bytes)) = message else { return };
                    match Message::parse(bytes.as_ref()) {
                        Some(Message::Question) => {
                            let key = <[u8; 32]>::try_from(peer.as_ref()).unwrap_or_default();
                            let answer = Message::Answer(self.ledger.seen().newest(&key)).encode();
                            drop(sender.send(Recipients::One(peer), IoBuf::from(answer), false));
                        }
                        Some(Message::Answer(vote)) if is_open => {
                            let taken = answers.add(&mut context, peer.as_ref(), vote.as_deref());
                            if !taken {
                                tracing::debug!("ignored a vote that this node never signed");
                            }
                        }
                        _ => {}
                    }
                },
            }
        }
    }

    /// Lets this node vote once enough others have answered, unless they saw a vote that its own files don't have.
    fn decide(&self, clock: &impl Clock, answers: &Answers) {
        let Some(recalled) = *self.recalled.borrow() else {
            return;
        };
        let (ledger, me) = (&self.ledger, public_key(&self.key));
        let epoch = ledger.epoch();
        if ledger.knows_its_votes() || !answers.are_enough(&ledger.set().keys_at(epoch), &me) {
            return;
        }
        // Votes of epochs that are over can't be contradicted any more.
        let unknown = answers
            .newest()
            .filter(|newest| *newest > recalled && newest.0 >= epoch);
        if let Some((epoch, view, _)) = unknown {
            tracing::warn!(
                epoch,
                view,
                "data is an older copy: the others saw a later vote of this validator. It follows until an epoch begins that it can't have voted in"
            );
            if let Err(error) = ledger.follow_until(unix_ms(clock.current() + CLOCKS)) {
                tracing::error!(%error, "this validator doesn't vote: cannot write that it must not");
                return;
            }
        }
        ledger.know_votes();
    }
}
