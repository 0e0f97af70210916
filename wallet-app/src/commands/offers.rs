//! Accepting what an agency offers.

use super::{Outcome, Shared, blocking, now};
use crate::dto::{CommandError, DocumentSummary, summary};

/// Accepts the offer at hand; one that failed stays at hand, for another try at the transaction code.
#[tauri::command]
pub(crate) async fn accept_offer(
    session: Shared<'_>,
    transaction_code: Option<String>,
) -> Outcome<DocumentSummary> {
    let unlocked = session.unlocked()?;
    // Taken out meanwhile: an offer works once, and a second press of the button must not use it again.
    let offer = session.hand(&unlocked, |hand| hand.offer.take())?;
    let offer = offer.ok_or(CommandError::of("nothing_at_hand"))?;
    let wallet = unlocked.wallet.clone();
    let accepted = wallet
        .accept(&offer, transaction_code.as_deref(), now())
        .await;
    let accepted = match accepted {
        Ok(accepted) => accepted,
        Err(error) => {
            session.hand(&unlocked, |hand| {
                if hand.is_empty() {
                    hand.offer = Some(offer);
                }
            })?;
            return Err(error.into());
        }
    };
    blocking(move || {
        let face = wallet.face(&accepted.id)?;
        Ok(summary(accepted, face))
    })
    .await
}

/// Drops the offer at hand.
#[tauri::command]
pub(crate) async fn discard_offer(session: Shared<'_>) -> Outcome<()> {
    let unlocked = session.unlocked()?;
    session.hand(&unlocked, |hand| hand.offer = None)
}
