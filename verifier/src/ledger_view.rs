use std::collections::HashMap;
use std::sync::Arc;

use jumin_identity::qr::{CodecContext, ContextError};
use jumin_identity::{
    Did, DidUrl, PublicKey, StatusError, StatusList, UnverifiedStatusListToken, sha256,
};
use jumin_registry::{
    AnchorKind, AnchorRecord, Lookup, LookupRecord, Purpose, Record, RecordKey, VerifiedBundle,
    VerifiedCheckpoint,
};

/// Most status lists held at a time (49 lists cover 51 million credentials).
const MAX_LISTS: usize = 4_096;
/// Most status lists of one issuer, so that its evidence stays small.
const MAX_LISTS_OF_ISSUER: usize = 1_024;
/// Most dictionaries of one issuer, for the same reason.
const MAX_DICTIONARIES_OF_ISSUER: usize = 256;

/// Is everything a counter knows about the world, all of it verified against one checkpoint:
/// the ledger's records, the issuers' status lists, the codec's dictionaries.
///
/// It has no clock and no network; a counter makes a new one when it has newer evidence. A copy shares what it holds.
#[derive(Clone)]
pub struct LedgerView {
    bundle: Arc<VerifiedBundle>,
    lists: HashMap<(Did, String), HeldList>,
    codec: Arc<CodecContext>,
    dictionaries: HashMap<(Did, String), Dictionary>,
}

/// Is a status list as it stands against the view's anchor.
#[derive(Clone, Debug)]
pub(crate) struct HeldList {
    pub(crate) list: Arc<StatusList>,
    pub(crate) issued_at: u64,
    pub(crate) expires: Option<u64>,
    pub(crate) anchor: AnchorRecord,
    pub(crate) standing: Standing,
    pub(crate) digest: [u8; 32],
    /// Who signed it: a later document of the issuer may disown the key.
    signer: (DidUrl, PublicKey),
}

#[derive(Clone)]
struct Dictionary {
    digest: [u8; 32],
    bytes: Arc<[u8]>,
}

/// Says how a list relates to the anchor in the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is the anchored one.
    Anchored { version: u64 },
    /// It was signed before the anchored one.
    Older,
    /// It was signed after the anchored one: the view is behind.
    Newer,
}

impl Standing {
    fn of(digest: &[u8; 32], issued_at: u64, anchor: &AnchorRecord) -> Standing {
        if *digest == anchor.sha256 {
            Standing::Anchored {
                version: anchor.version,
            }
        } else if issued_at > anchor.updated {
            Standing::Newer
        } else {
            Standing::Older
        }
    }
}

/// Says why a status list or dictionary was not taken into the view.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceError {
    /// The issuer, or its key, is not in the view.
    #[error("the evidence's issuer is not known to the ledger at hand")]
    IssuerUnknown,
    /// There is no anchor for it in the view.
    #[error("the evidence is not anchored on the ledger at hand")]
    NotAnchored,
    /// It is not the anchored one.
    #[error("the evidence is not the anchored one")]
    NotTheAnchoredOne,
    /// The list token is not acceptable.
    #[error("the status list is not acceptable")]
    StatusList(#[source] StatusError),
    /// The dictionary is not one that the codec takes.
    #[error("the dictionary is not acceptable")]
    Dictionary(#[source] ContextError),
    /// More lists than any counter needs.
    #[error("too many status lists")]
    TooMany,
}

impl EvidenceError {
    /// Returns the stable code.
    pub fn code(&self) -> &'static str {
        match self {
            EvidenceError::IssuerUnknown => "evidence_issuer_unknown",
            EvidenceError::NotAnchored => "evidence_not_anchored",
            EvidenceError::NotTheAnchoredOne => "evidence_not_the_anchored_one",
            EvidenceError::StatusList(_) => "evidence_status_list",
            EvidenceError::Dictionary(_) => "evidence_dictionary",
            EvidenceError::TooMany => "evidence_too_many",
        }
    }
}

impl LedgerView {
    /// Starts a view from a verified bundle, without lists or dictionaries.
    pub fn new(bundle: VerifiedBundle) -> LedgerView {
        LedgerView {
            bundle: Arc::new(bundle),
            lists: HashMap::new(),
            codec: Arc::default(),
            dictionaries: HashMap::new(),
        }
    }

    /// Makes the view of a newer bundle, with the lists and dictionaries at hand as they stand against its anchors.
    ///
    /// What it does not vouch for any more (no anchor, a key that the issuer took back, another dictionary) is left out.
    pub fn succeeded_by(&self, bundle: VerifiedBundle) -> LedgerView {
        let mut view = LedgerView::new(bundle);
        for ((issuer, uri), held) in &self.lists {
            let Some(anchor) = view.anchor(issuer, AnchorKind::StatusList, uri) else {
                continue;
            };
            let (kid, key) = &held.signer;
            if view.issuer_key(issuer, kid.fragment(), held.issued_at) == Some(key.clone()) {
                let mut held = held.clone();
                held.standing = Standing::of(&held.digest, held.issued_at, &anchor);
                held.anchor = anchor;
                view.lists.insert((issuer.clone(), uri.clone()), held);
            }
        }
        let kept = |((issuer, vct), dictionary): &(&(Did, String), &Dictionary)| {
            let anchor = view.anchor(issuer, AnchorKind::Dictionary, vct);
            anchor.is_some_and(|anchor| anchor.sha256 == dictionary.digest)
        };
        let kept = self.dictionaries.iter().filter(kept);
        let kept: HashMap<_, _> = kept
            .map(|(name, one)| (name.clone(), one.clone()))
            .collect();
        if kept.len() == self.dictionaries.len() {
            view.codec = Arc::clone(&self.codec);
        } else {
            let codec = Arc::make_mut(&mut view.codec);
            for dictionary in kept.values() {
                // It was taken in before, among more of them.
                let _ = codec.add_dictionary(dictionary.bytes.to_vec());
            }
        }
        view.dictionaries = kept;
        view
    }

    /// Returns the checkpoint that everything here was verified against.
    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        self.bundle.checkpoint()
    }

    /// Returns the ledger's records.
    pub fn ledger(&self) -> &VerifiedBundle {
        &self.bundle
    }

    /// Returns what the QR codec needs to read presentations of the view's issuers.
    pub fn codec(&self) -> &CodecContext {
        &self.codec
    }

    /// Takes in an issuer's status list token (compact JWS), fetched from `uri`, after checking
    /// its signature, its `sub` and how it stands against the anchor.
    ///
    /// A list that is older or newer than the anchored one, or past its `exp`, is kept too, so
    /// that a verdict can say so; it never answers for a credential.
    pub fn add_status_list(
        &mut self,
        issuer: &Did,
        uri: &str,
        token: &str,
    ) -> Result<(), EvidenceError> {
        let anchor = self
            .anchor(issuer, AnchorKind::StatusList, uri)
            .ok_or(EvidenceError::NotAnchored)?;
        let held = self.read_list(issuer, uri, token, &anchor)?;
        self.keep(issuer, uri, held)
    }

    fn read_list(
        &self,
        issuer: &Did,
        uri: &str,
        token: &str,
        anchor: &AnchorRecord,
    ) -> Result<HeldList, EvidenceError> {
        let token = UnverifiedStatusListToken::parse(token).map_err(EvidenceError::StatusList)?;
        let signed_at = token
            .dangerous_issued_at_unverified()
            .ok_or(EvidenceError::StatusList(StatusError::Malformed))?;
        let kid = token
            .dangerous_kid_unverified()
            .and_then(|kid| kid.parse::<DidUrl>().ok())
            .filter(|kid| kid.did() == issuer)
            .ok_or(EvidenceError::IssuerUnknown)?;
        let key = self
            .issuer_key(issuer, kid.fragment(), signed_at)
            .ok_or(EvidenceError::IssuerUnknown)?;
        // Whether it has expired is judged at each check, by the clock of that moment.
        let verified = token
            .verify(&key, uri, signed_at)
            .map_err(EvidenceError::StatusList)?;
        let digest = verified.list.digest();
        Ok(HeldList {
            list: Arc::new(verified.list),
            issued_at: verified.issued_at,
            expires: verified.expires,
            anchor: anchor.clone(),
            standing: Standing::of(&digest, verified.issued_at, anchor),
            digest,
            signer: (kid, key),
        })
    }

    /// Takes in the dictionary of an issuer and type (`vct`), which must be the anchored one.
    pub fn add_dictionary(
        &mut self,
        issuer: &Did,
        vct: &str,
        bytes: &[u8],
    ) -> Result<(), EvidenceError> {
        let anchor = self
            .anchor(issuer, AnchorKind::Dictionary, vct)
            .ok_or(EvidenceError::NotAnchored)?;
        let digest = sha256(bytes);
        if digest != anchor.sha256 {
            return Err(EvidenceError::NotTheAnchoredOne);
        }
        let name = (issuer.clone(), vct.to_owned());
        if !self.dictionaries.contains_key(&name)
            && held_of(issuer, self.dictionaries.keys()) >= MAX_DICTIONARIES_OF_ISSUER
        {
            return Err(EvidenceError::TooMany);
        }
        Arc::make_mut(&mut self.codec)
            .add_dictionary(bytes.to_vec())
            .map_err(EvidenceError::Dictionary)?;
        let bytes = bytes.into();
        self.dictionaries.insert(name, Dictionary { digest, bytes });
        Ok(())
    }

    /// Takes in a status list token like [`LedgerView::add_status_list`], but only if it is the
    /// anchored one: what an issuer serves as that version must be it.
    pub fn add_current_status_list(
        &mut self,
        issuer: &Did,
        uri: &str,
        token: &str,
    ) -> Result<(), EvidenceError> {
        let anchor = self
            .anchor(issuer, AnchorKind::StatusList, uri)
            .ok_or(EvidenceError::NotAnchored)?;
        let held = self.read_list(issuer, uri, token, &anchor)?;
        if !matches!(held.standing, Standing::Anchored { .. }) {
            return Err(EvidenceError::NotTheAnchoredOne);
        }
        self.keep(issuer, uri, held)
    }

    fn keep(&mut self, issuer: &Did, uri: &str, held: HeldList) -> Result<(), EvidenceError> {
        let name = (issuer.clone(), uri.to_owned());
        if !self.lists.contains_key(&name) {
            self.make_room(issuer)?;
        }
        self.lists.insert(name, held);
        Ok(())
    }

    /// Makes room for one more list of an issuer.
    fn make_room(&mut self, issuer: &Did) -> Result<(), EvidenceError> {
        if held_of(issuer, self.lists.keys()) >= MAX_LISTS_OF_ISSUER {
            return Err(EvidenceError::TooMany);
        }
        if self.lists.len() < MAX_LISTS {
            return Ok(());
        }
        let most = gives_way(self.lists.keys().map(|(of, _)| of), issuer);
        let most = most.ok_or(EvidenceError::TooMany)?;
        let theirs = self.lists.iter().filter(|((of, _), _)| of == most);
        let oldest = theirs.min_by_key(|((_, uri), held)| (held.anchor.updated, uri.as_str()));
        if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
            self.lists.remove(&oldest);
        }
        Ok(())
    }

    /// Tells whether the anchored status list is at hand and not past its `exp` at `now`
    /// (seconds since the epoch).
    pub fn has_current_list(&self, issuer: &Did, uri: &str, now: u64) -> bool {
        self.list(issuer, uri).is_some_and(|held| {
            matches!(held.standing, Standing::Anchored { .. })
                && held.expires.is_none_or(|expires| now < expires)
        })
    }

    /// Tells whether the anchored dictionary of an issuer and type (`vct`) is at hand.
    pub fn has_dictionary(&self, issuer: &Did, vct: &str) -> bool {
        self.dictionaries
            .contains_key(&(issuer.clone(), vct.to_owned()))
    }

    /// Counts the status lists at hand that are the anchored ones.
    pub fn current_lists(&self) -> usize {
        let anchored = |held: &&HeldList| matches!(held.standing, Standing::Anchored { .. });
        self.lists.values().filter(anchored).count()
    }

    /// Returns how long ago, in seconds at `now`, the oldest of the status lists at hand that are
    /// the anchored ones was signed.
    pub fn oldest_list_age(&self, now: u64) -> Option<u64> {
        let anchored = |held: &&HeldList| matches!(held.standing, Standing::Anchored { .. });
        let lists = self.lists.values().filter(anchored);
        lists.map(|held| now.saturating_sub(held.issued_at)).max()
    }

    /// Returns the anchors of a kind, each with its issuer and its name: a list's address or a dictionary's type (`vct`).
    pub fn anchors(&self, wanted: AnchorKind) -> impl Iterator<Item = (&Did, &str, &AnchorRecord)> {
        let records = self.bundle.records();
        records.filter_map(move |(key, record)| match (key, record) {
            (RecordKey::Anchor { issuer, kind, name }, Record::Anchor(anchor))
                if *kind == wanted =>
            {
                Some((issuer, name.as_str(), anchor))
            }
            _ => None,
        })
    }

    /// Counts the dictionaries at hand.
    pub fn dictionaries(&self) -> usize {
        self.dictionaries.len()
    }

    /// Returns the first endpoint of a kind in an issuer's DID document.
    pub fn service_endpoint(&self, issuer: &Did, kind: &str) -> Option<String> {
        match self.bundle.lookup(&RecordKey::Did(issuer.clone())) {
            Lookup::Present(Record::Did(record)) => record
                .document
                .services
                .into_iter()
                .find(|service| service.kind == kind)
                .map(|service| service.endpoint),
            _ => None,
        }
    }

    /// Returns the anchor of an issuer's list or dictionary, if the view has it.
    pub fn anchor(&self, issuer: &Did, kind: AnchorKind, name: &str) -> Option<AnchorRecord> {
        let key = RecordKey::Anchor {
            issuer: issuer.clone(),
            kind,
            name: name.to_owned(),
        };
        match self.bundle.lookup(&key) {
            Lookup::Present(Record::Anchor(anchor)) => Some(anchor),
            _ => None,
        }
    }

    pub(crate) fn list(&self, issuer: &Did, uri: &str) -> Option<&HeldList> {
        self.lists.get(&(issuer.clone(), uri.to_owned()))
    }

    fn issuer_key(&self, issuer: &Did, fragment: &str, at: u64) -> Option<PublicKey> {
        match self.bundle.lookup(&RecordKey::Did(issuer.clone())) {
            Lookup::Present(Record::Did(record)) => record
                .document
                .key_at(fragment, Purpose::AssertionMethod, at)
                .cloned(),
            _ => None,
        }
    }
}

fn held_of<'a>(issuer: &Did, held: impl Iterator<Item = &'a (Did, String)>) -> usize {
    held.filter(|(of, _)| of == issuer).count()
}

/// Names the issuer that gives way where there is no room for one more list of another: the one with most, while it keeps as
/// many as the other gets. So none can take the room of the others, however many agencies are one hand's.
fn gives_way<'a>(held: impl Iterator<Item = &'a Did>, other: &Did) -> Option<&'a Did> {
    let mut counts: HashMap<&Did, usize> = HashMap::new();
    for issuer in held {
        *counts.entry(issuer).or_default() += 1;
    }
    let gets = counts.get(other).map_or(1, |count| count + 1);
    let most = counts
        .into_iter()
        .max_by_key(|(issuer, count)| (*count, *issuer));
    most.filter(|(_, count)| *count > gets)
        .map(|(issuer, _)| issuer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_with_most_lists_give_way_to_one_with_few_and_not_the_other_way() {
        let did = |byte| Did::from_digest(&"dev".parse().unwrap(), &[byte; 32]);
        let (greedy, busy, small) = (did(1), did(2), did(3));
        let held = [vec![&greedy; 5], vec![&busy; 3]].concat();
        let way = |other: &Did| gives_way(held.iter().copied(), other).cloned();
        assert_eq!(way(&small), Some(greedy.clone()));
        assert_eq!(way(&busy), Some(greedy.clone()));
        assert_eq!(way(&greedy), None);
        let even = [&greedy, &greedy, &busy, &busy];
        assert_eq!(gives_way(even.into_iter(), &busy), None);
        assert!(gives_way(even.into_iter(), &small).is_some());
        assert_eq!(gives_way([&busy].into_iter(), &small), None);
    }
}
