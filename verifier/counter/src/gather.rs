//! Fetches the lists and dictionaries that the ledger anchors, in the background: agencies side by side, each by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jumin_identity::Did;
use jumin_registry::{AnchorKind, AnchorRecord};
use jumin_verifier::{EvidenceError, LedgerView};

use crate::clock::unix_now;
use crate::evidence::EvidenceFiles;
use crate::fetch::{FetchError, fetch};
use crate::parties::{Footing, Item, Parties, Told, Trouble};
use crate::sync::Shared;

/// Agencies that are asked at the same time.
pub(crate) const SOUND_AT_ONCE: usize = 64;
/// Agencies that are asked at the same time although they could not be reached the last time. They have room of their
/// own: however many of them hang, they never stand before one that answers.
pub(crate) const DOUBTFUL_AT_ONCE: usize = 16;
/// How long an agency is asked for one thing after the other before others have their turn.
const TURN: Duration = Duration::from_secs(10);

/// Is an agency's turn to be asked; ends when dropped.
struct Turn {
    shared: Arc<Shared>,
    issuer: Did,
    footing: Footing,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.shared.parties().end_turn(&self.issuer);
        self.shared.changed();
    }
}

/// Is the fetching of one item; ends when dropped.
struct Flight {
    shared: Arc<Shared>,
    item: Item,
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.shared.parties().end_flight(&self.item);
        self.shared.changed();
    }
}

impl Shared {
    pub(crate) fn parties(&self) -> MutexGuard<'_, Parties> {
        self.parties.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives every agency of which something is wanted its turn, unless it has one or is left alone after a failure;
    /// `anyway` asks also who is left alone.
    pub(crate) fn gather(self: &Arc<Self>, anyway: bool) {
        let Some(view) = self.view() else { return };
        let wanted = wanted(&view, unix_now());
        self.parties().keep_only(
            |item| view.anchor(&item.issuer, item.kind, &item.name).is_some(),
            |issuer| wanted.contains_key(issuer),
        );
        for (issuer, items) in wanted {
            let begun = self.parties().begin_turn(&issuer, Instant::now(), anyway);
            if let Some(footing) = begun {
                let shared = Arc::clone(self);
                let turn = Turn {
                    shared,
                    issuer,
                    footing,
                };
                tokio::spawn(turn.take(items, anyway));
            }
        }
    }

    /// Begins to fetch an item, unless it is being fetched.
    fn begin(self: &Arc<Self>, item: &Item) -> Option<Flight> {
        let begun = self.parties().begin_flight(item);
        begun.then(|| Flight {
            shared: Arc::clone(self),
            item: item.clone(),
        })
    }

    /// Waits until a list is at hand as anchored, or it is plain that it can't be had now. It is asked for out of turn,
    /// unless that failed just now; and again if another was anchored meanwhile.
    pub(crate) async fn list_at_hand(self: &Arc<Self>, item: &Item) {
        let mut changes = self.changes();
        while !self.has(item) {
            if !self.parties().is_in_flight(item) {
                if self.is_hopeless(item) {
                    return;
                }
                if let Some(flight) = self.begin(item) {
                    tokio::spawn(flight.fly());
                }
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Tells whether an item is not anchored, or asking for it as it is anchored failed only just now.
    fn is_hopeless(&self, item: &Item) -> bool {
        let view = self.view();
        let anchor = view.as_deref().and_then(|view| anchor_of(view, item));
        anchor.is_none_or(|anchor| {
            let parties = self.parties();
            parties.is_hopeless(item, &anchor.sha256, Instant::now())
        })
    }

    /// Tells whether an item is at hand as anchored.
    fn has(&self, item: &Item) -> bool {
        self.view()
            .is_some_and(|view| is_at_hand(&view, item, unix_now()))
    }

    /// Puts an item into the view, and on disk.
    fn take_in(&self, item: &Item, anchor: &AnchorRecord, bytes: &[u8]) -> Result<(), FetchError> {
        let (issuer, name) = (&item.issuer, item.name.as_str());
        let kept = match item.kind {
            AnchorKind::StatusList => {
                let token = std::str::from_utf8(bytes).map_err(|_| FetchError::Text)?;
                self.learn(|view| view.add_current_status_list(issuer, name, token))
                    .map_err(FetchError::Refused)?;
                let kept = self.files.save_list(issuer, name, anchor, token);
                self.files.forget_older_lists(issuer, name, anchor);
                kept
            }
            AnchorKind::Dictionary => {
                self.learn(|view| view.add_dictionary(issuer, name, bytes))
                    .map_err(FetchError::Refused)?;
                self.files.save_dictionary(issuer, name, bytes)
            }
        };
        if let Err(error) = kept {
            tracing::warn!(%error, name, "what was fetched could not be kept on disk");
        }
        Ok(())
    }

    /// Changes the view by one piece of evidence, if there is a view.
    fn learn(
        &self,
        add: impl FnOnce(&mut LedgerView) -> Result<(), EvidenceError>,
    ) -> Result<(), EvidenceError> {
        // One writer at a time; those who read go on with the view before.
        let _writing = self.writing();
        let Some(view) = self.view() else {
            return Err(EvidenceError::NotAnchored);
        };
        let mut view = LedgerView::clone(&view);
        add(&mut view)?;
        self.replace(view);
        Ok(())
    }
}

impl Turn {
    /// Fetches what is wanted of the agency until it is all there, the server can't be reached, or others are due.
    async fn take(self, items: Vec<Item>, anyway: bool) {
        let slots = match self.footing {
            Footing::Sound => &self.shared.sound,
            Footing::Doubtful => &self.shared.doubtful,
        };
        let Ok(_slot) = slots.acquire().await else {
            return;
        };
        let ends = Instant::now() + TURN;
        for item in &items {
            let rests = |anchor: AnchorRecord| {
                let parties = self.shared.parties();
                parties.rests(item, &anchor.sha256, Instant::now())
            };
            let view = self.shared.view();
            let anchor = view.as_deref().and_then(|view| anchor_of(view, item));
            if !anyway && anchor.is_some_and(rests) {
                continue;
            }
            if let Some(flight) = self.shared.begin(item)
                && flight.fly().await == Some(Trouble::Unreachable)
            {
                return;
            }
            if Instant::now() >= ends {
                return;
            }
        }
    }
}

impl Flight {
    /// Fetches the item as it is anchored now; says what was wrong.
    async fn fly(self) -> Option<Trouble> {
        let (shared, item) = (&self.shared, &self.item);
        let view = shared.view()?;
        let anchor = anchor_of(&view, item)?;
        if is_at_hand(&view, item, unix_now()) || self.is_on_disk(&anchor) {
            return None;
        }
        let fetched = fetch(&shared.http, &view, item, &anchor).await;
        let taken = fetched.and_then(|bytes| shared.take_in(item, &anchor, &bytes));
        let error = match taken {
            Ok(()) if shared.has(item) => {
                shared.parties().succeeded(item);
                return None;
            }
            // Asked for again at once, it would be given again as it is.
            Ok(()) => FetchError::NotCurrent,
            Err(error) => error,
        };
        let told = Told {
            trouble: error.trouble(),
            since: unix_now(),
            cause: error.chain(),
        };
        let issuer = item.issuer.to_string();
        tracing::warn!(
            issuer,
            name = item.name,
            cause = told.cause,
            "not to be had"
        );
        let trouble = told.trouble;
        shared
            .parties()
            .failed(item, anchor.sha256, told, Instant::now());
        Some(trouble)
    }

    /// Takes in what another process of the office fetched.
    fn is_on_disk(&self, anchor: &AnchorRecord) -> bool {
        let (files, item) = (&self.shared.files, &self.item);
        let bytes = match item.kind {
            AnchorKind::StatusList => files
                .list(&item.issuer, &item.name, anchor)
                .map(String::into_bytes),
            AnchorKind::Dictionary => files.dictionary(&item.issuer, &item.name),
        };
        let taken = bytes.map(|bytes| self.shared.take_in(item, anchor, &bytes));
        taken.is_some_and(|taken| taken.is_ok()) && self.shared.has(item)
    }
}

/// Lists by agency what is anchored and not at hand, or past its time: lists first, those that changed last before others.
pub(crate) fn wanted(view: &LedgerView, now: u64) -> BTreeMap<Did, Vec<Item>> {
    let mut wanted: BTreeMap<Did, Vec<Item>> = BTreeMap::new();
    for kind in [AnchorKind::StatusList, AnchorKind::Dictionary] {
        let mut anchors: Vec<_> = view.anchors(kind).collect();
        anchors.sort_by_key(|(_, _, anchor)| std::cmp::Reverse(anchor.updated));
        for (issuer, name, _) in anchors {
            let item = Item {
                issuer: issuer.clone(),
                kind,
                name: name.to_owned(),
            };
            if !is_at_hand(view, &item, now) {
                wanted.entry(issuer.clone()).or_default().push(item);
            }
        }
    }
    wanted
}

/// Counts the agencies that anchor lists or dictionaries.
pub(crate) fn agencies(view: &LedgerView) -> usize {
    let kinds = [AnchorKind::StatusList, AnchorKind::Dictionary];
    let anchors = kinds.into_iter().flat_map(|kind| view.anchors(kind));
    let issuers: BTreeSet<&Did> = anchors.map(|(issuer, _, _)| issuer).collect();
    issuers.len()
}

fn is_at_hand(view: &LedgerView, item: &Item, now: u64) -> bool {
    match item.kind {
        AnchorKind::StatusList => view.has_current_list(&item.issuer, &item.name, now),
        AnchorKind::Dictionary => view.has_dictionary(&item.issuer, &item.name),
    }
}

fn anchor_of(view: &LedgerView, item: &Item) -> Option<AnchorRecord> {
    view.anchor(&item.issuer, item.kind, &item.name)
}

/// Puts what is on disk into a view; what the view's anchors do not vouch for is left out.
pub(crate) fn load_evidence(view: &mut LedgerView, files: &EvidenceFiles) {
    let owned = |view: &LedgerView, kind| -> Vec<(Did, String, AnchorRecord)> {
        let anchors = view.anchors(kind);
        anchors
            .map(|(issuer, name, anchor)| (issuer.clone(), name.to_owned(), anchor.clone()))
            .collect()
    };
    for (issuer, uri, anchor) in owned(view, AnchorKind::StatusList) {
        if let Some(token) = files.list(&issuer, &uri, &anchor)
            && let Err(error) = view.add_status_list(&issuer, &uri, &token)
        {
            tracing::warn!(code = error.code(), %uri, "a kept status list is not usable");
        }
    }
    for (issuer, vct, _) in owned(view, AnchorKind::Dictionary) {
        if let Some(bytes) = files.dictionary(&issuer, &vct)
            && let Err(error) = view.add_dictionary(&issuer, &vct, &bytes)
        {
            tracing::debug!(code = error.code(), %vct, "a kept dictionary is not usable");
        }
    }
}
