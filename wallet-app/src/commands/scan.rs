//! What was scanned, pasted or linked: an offer, a request, or one code of several.

use std::sync::Arc;

use super::{Outcome, Shared, blocking, now};
use crate::dto::{CommandError, Scan, consent, offer};
use crate::hand::{Asked, Hand, Question, Scanned};
use crate::session::{Session, Unlocked};

/// No QR code and no link of ours is longer.
const TEXT_MAX: usize = 64 * 1024;
const OFFERS: [&str; 2] = ["openid-credential-offer:", "haip-vci:"];
const REQUESTS: [&str; 3] = ["openid4vp:", "haip-vp:", "eyJ"];

/// Takes one text and says what it led to.
#[tauri::command]
pub(crate) async fn scan(session: Shared<'_>, text: String) -> Outcome<Scan> {
    let unlocked = session.unlocked()?;
    if text.len() > TEXT_MAX {
        return Err(CommandError::of("qr_too_long"));
    }
    let text = text.trim();
    match Kind::of(text) {
        Kind::Offer => read_offer(&session, &unlocked, text).await,
        Kind::Request => read_request(&session, &unlocked, text).await,
        Kind::Code => match session.hand(&unlocked, |hand| hand.frames.push(text))?? {
            Scanned::Request(request) => read_request(&session, &unlocked, &request).await,
            Scanned::Answer => Err(CommandError::of("qr_not_for_a_wallet")),
            Scanned::Partial(received, needed) => Ok(Scan::Progress {
                received: u32::try_from(received).unwrap_or(u32::MAX),
                needed: u32::try_from(needed).unwrap_or(u32::MAX),
            }),
        },
    }
}

/// Forgets the codes that were read so far.
#[tauri::command]
pub(crate) async fn reset_scan(session: Shared<'_>) -> Outcome<()> {
    let unlocked = session.unlocked()?;
    session.hand(&unlocked, |hand| hand.frames = Default::default())
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Offer,
    Request,
    Code,
}

impl Kind {
    fn of(text: &str) -> Self {
        let starts = |known: &&str| {
            let head = text.get(..known.len());
            head.is_some_and(|head| head.eq_ignore_ascii_case(known))
        };
        let https = starts(&"https:");
        if OFFERS.iter().any(&starts) || text.starts_with('{') {
            return Self::Offer;
        }
        if https && text.contains("credential_offer") {
            return Self::Offer;
        }
        let asks = REQUESTS.iter().any(starts);
        match asks || (https && text.contains("client_id=")) {
            true => Self::Request,
            false => Self::Code,
        }
    }
}

async fn read_offer(session: &Session, unlocked: &Unlocked, text: &str) -> Outcome<Scan> {
    let open = unlocked.wallet.read_offer(text).await?;
    let preview = unlocked.wallet.preview(&open, now()).await?;
    session.hand(unlocked, |hand: &mut Hand| hand.take_offer(open))?;
    Ok(Scan::Offer {
        offer: offer(preview),
    })
}

async fn read_request(session: &Session, unlocked: &Unlocked, text: &str) -> Outcome<Scan> {
    let wallet = unlocked.wallet.clone();
    let request = Arc::new(wallet.read_request(&[text.to_owned()], now()).await?);
    let asked = Asked {
        what: Question::Request(request.clone()),
        document: None,
    };
    let consent = blocking(move || {
        let found = wallet.consent(&request, &Default::default(), now())?;
        consent(&wallet, found)
    });
    let consent = consent.await?;
    session.hand(unlocked, |hand| hand.take_asked(asked))?;
    Ok(Scan::Request { consent })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart() {
        for (text, kind) in [
            ("openid-credential-offer://?credential_offer=x", Kind::Offer),
            ("HAIP-VCI://?credential_offer_uri=x", Kind::Offer),
            ("{\"credential_issuer\":\"x\"}", Kind::Offer),
            ("https://w.example/?credential_offer_uri=x", Kind::Offer),
            ("openid4vp://?client_id=x", Kind::Request),
            ("https://w.example/?client_id=x", Kind::Request),
            ("eyJhbGciOiJFUzI1NiJ9.e30.x", Kind::Request),
            ("https://example.com/", Kind::Code),
            ("J1 ABC", Kind::Code),
            ("가나다", Kind::Code),
            ("", Kind::Code),
        ] {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }
}
