//! What is at hand: one offer or one request, and what is being shown. All of it goes when the wallet locks.

use std::sync::Arc;

use jumin_identity::{Assembler, CodecContext, FrameError, Message, Progress};
use jumin_wallet_core::{OneWay, OpenOffer, VerifiedRequest};

/// Is what the citizen was asked, and with which document to answer (`None`: the one that fits best).
#[derive(Clone)]
pub(crate) struct Asked {
    pub what: Question,
    pub document: Option<String>,
}

/// Says by which way a document was asked for.
#[derive(Clone)]
pub(crate) enum Question {
    /// By a signed request.
    Request(Arc<VerifiedRequest>),
    /// By nobody: the citizen chose agency and service.
    OneWay { agency: String, service: String },
}

/// Holds at most one offer or one request at a time.
#[derive(Default)]
pub(crate) struct Hand {
    pub offer: Option<Arc<OpenOffer>>,
    pub asked: Option<Asked>,
    pub showing: Option<Arc<OneWay>>,
    /// Is where the verifier sends the citizen next; the page only learns that there is such a place.
    pub redirect: Option<String>,
    pub frames: Frames,
}

impl Hand {
    /// Takes an offer in place of whatever was there.
    pub(crate) fn take_offer(&mut self, offer: OpenOffer) {
        *self = Self::default();
        self.offer = Some(Arc::new(offer));
    }

    /// Takes a request in place of whatever was there.
    pub(crate) fn take_asked(&mut self, asked: Asked) {
        *self = Self::default();
        self.asked = Some(asked);
    }

    pub(crate) fn is_empty(&self) -> bool {
        let shown = self.showing.is_some() || self.redirect.is_some();
        self.offer.is_none() && self.asked.is_none() && !shown && self.frames.count == (0, 0)
    }
}

/// Puts scanned codes together.
#[derive(Default)]
pub(crate) struct Frames {
    assembler: Assembler,
    count: (usize, usize),
}

impl Frames {
    /// Takes one code; returns the request object once it is whole, else how many codes came and how many it takes.
    pub(crate) fn push(&mut self, text: &str) -> Result<Scanned, FrameError> {
        match self.assembler.push(text, &CodecContext::new())? {
            Progress::Complete(Message::Request(request)) => {
                *self = Self::default();
                Ok(Scanned::Request(request))
            }
            Progress::Complete(Message::Presentation(_)) => {
                *self = Self::default();
                Ok(Scanned::Answer)
            }
            Progress::Partial { received, needed } => {
                self.count = (received, needed);
                Ok(Scanned::Partial(received, needed))
            }
            Progress::Ignored => Ok(Scanned::Partial(self.count.0, self.count.1)),
        }
    }
}

/// Says what a scanned code led to.
pub(crate) enum Scanned {
    Request(String),
    /// It is somebody's answer, which is for a counter.
    Answer,
    Partial(usize, usize),
}

#[cfg(test)]
mod tests {
    use jumin_identity::encode_request;

    use super::*;

    #[test]
    fn frames_of_a_large_request_are_counted_and_put_together() {
        let request = format!("eyJhbGciOiJFUzI1NiJ9.{}.c2ln", noise(9_000));
        let codes = encode_request(&request, &CodecContext::new()).unwrap();
        assert!(codes.len() > 1);
        let mut frames = Frames::default();
        for code in &codes {
            match frames.push(code.text()).unwrap() {
                Scanned::Request(found) => {
                    assert_eq!(found, request);
                    return;
                }
                Scanned::Partial(received, needed) => {
                    assert!(received <= codes.len() && needed > 1)
                }
                Scanned::Answer => panic!("not an answer"),
            }
        }
        panic!("not put together");
    }

    #[test]
    fn foreign_code_is_named() {
        let refused = Frames::default().push("https://example.com").err();
        assert_eq!(refused.map(|error| error.code()), Some("qr_foreign"));
    }

    /// Makes base64url text that does not compress.
    fn noise(length: usize) -> String {
        let mut out = String::new();
        let mut seed = [0; 32];
        while out.len() < length {
            seed = jumin_identity::sha256(&seed);
            out.push_str(&jumin_identity::b64url(&seed));
        }
        out.truncate(length / 4 * 4);
        out
    }
}
