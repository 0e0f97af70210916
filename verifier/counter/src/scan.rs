use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use jumin_identity::qr::{Assembler, CodecContext, FrameError, Message, Progress};
use jumin_verifier::Verdict;

/// How long a desk's half-read code is kept.
const KEEP: Duration = Duration::from_secs(60);
/// Most desks that read a code at a time.
const MAX_DESKS: usize = 64;

/// Says what the scanned texts came to.
#[derive(Clone, PartialEq, Eq)]
pub enum Read {
    /// A whole presentation: its `vp_token` JSON.
    Presentation(String),
    /// Some frames of one; more are needed.
    Partial {
        /// Frames read.
        received: usize,
        /// Frames needed, at least.
        needed: usize,
    },
    /// Nothing that could become one.
    Unreadable {
        /// The verdict it leads to.
        verdict: Verdict,
        /// One sentence for people.
        reason: String,
    },
}

impl Read {
    fn unreadable(verdict: Verdict, reason: impl Into<String>) -> Read {
        Read::Unreadable {
            verdict,
            reason: reason.into(),
        }
    }
}

/// Puts scanned texts together, for each desk apart.
#[derive(Default)]
pub struct Scans {
    desks: Mutex<HashMap<String, DeskScan>>,
}

struct DeskScan {
    assembler: Assembler,
    progress: Option<(usize, usize)>,
    since: Instant,
}

impl Scans {
    /// Takes texts in as a desk scanned them. A text that is no frame does not undo what was
    /// read before it.
    pub fn read(&self, desk: &str, texts: &[String], context: &CodecContext) -> Read {
        let mut desks = self.lock();
        desks.retain(|_, scan| scan.since.elapsed() < KEEP);
        if desks.len() >= MAX_DESKS && !desks.contains_key(desk) {
            return Read::unreadable(Verdict::Malformed, "Too many desks are scanning at once.");
        }
        let scan = desks.entry(desk.to_owned()).or_insert_with(DeskScan::new);
        let read = scan.read(texts, context);
        if !matches!(read, Read::Partial { .. }) && scan.progress.is_none() {
            desks.remove(desk);
        }
        read
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, DeskScan>> {
        match self.desks.lock() {
            Ok(desks) => desks,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}

impl DeskScan {
    fn new() -> DeskScan {
        DeskScan {
            assembler: Assembler::new(),
            progress: None,
            since: Instant::now(),
        }
    }

    fn read(&mut self, texts: &[String], context: &CodecContext) -> Read {
        let mut last = Read::unreadable(Verdict::Malformed, "There is no code to read.");
        for text in texts {
            last = self.read_one(text.trim(), context);
            if matches!(last, Read::Presentation(_)) {
                return last;
            }
        }
        match last {
            Read::Unreadable { .. } if texts.len() > 1 && self.progress.is_some() => self.so_far(),
            last => last,
        }
    }

    fn so_far(&self) -> Read {
        match self.progress {
            Some((received, needed)) => Read::Partial { received, needed },
            None => Read::unreadable(Verdict::Malformed, "The code was read already."),
        }
    }

    fn read_one(&mut self, text: &str, context: &CodecContext) -> Read {
        if text.starts_with('{') {
            return Read::Presentation(text.to_owned());
        }
        match self.assembler.push(text, context) {
            Ok(Progress::Complete(message)) => {
                self.progress = None;
                complete(message)
            }
            Ok(Progress::Partial { received, needed }) => {
                self.since = Instant::now();
                self.progress = Some((received, needed));
                Read::Partial { received, needed }
            }
            Ok(Progress::Ignored) => self.so_far(),
            // A foreign, misread or stray code in the camera's view does not disturb what is being
            // read; three frames of another presentation take over (see `Assembler`).
            Err(FrameError::Foreign | FrameError::FrameDamaged | FrameError::Mixed)
                if self.progress.is_some() =>
            {
                self.so_far()
            }
            Err(error) => Read::unreadable(
                frame_verdict(&error),
                format!("The code cannot be read: {error}."),
            ),
        }
    }
}

fn complete(message: Message) -> Read {
    match message {
        Message::Presentation(vp_token) => Read::Presentation(vp_token),
        Message::Request(_) => Read::unreadable(
            Verdict::Malformed,
            "This is a request for a wallet, not an answer to one.",
        ),
    }
}

fn frame_verdict(error: &FrameError) -> Verdict {
    match error {
        FrameError::Version | FrameError::DictionaryUnknown | FrameError::HeaderUnknown => {
            Verdict::Unsupported
        }
        _ => Verdict::Malformed,
    }
}
