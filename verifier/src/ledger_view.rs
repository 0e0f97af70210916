use std::collections::{HashMap, HashSet};

use jumin_identity::qr::{CodecContext, ContextError};
use jumin_identity::{Did, DidUrl, StatusError, StatusList, UnverifiedStatusListToken, sha256};
use jumin_registry::{
    AnchorKind, AnchorRecord, Lookup, LookupRecord, Purpose, Record, RecordKey, VerifiedBundle,
    VerifiedCheckpoint,
};

/// Most status lists held at a time (49 lists cover 51 million credentials).
const MAX_LISTS: usize = 4_096;

/// Is everything a counter knows about the world, all of it verified against one checkpoint:
/// the ledger's records, the issuers' status lists, the codec's dictionaries.
///
/// It has no clock and no network; a counter makes a new one when it has newer evidence.
pub struct LedgerView {
    bundle: VerifiedBundle,
    lists: HashMap<(Did, String), HeldList>,
    codec: CodecContext,
    dictionaries: HashSet<(Did, String)>,
}

/// Is a status list as it stands against the view's anchor.
#[derive(Debug)]
pub(crate) struct HeldList {
    pub(crate) list: StatusList,
    pub(crate) issued_at: u64,
    pub(crate) expires: Option<u64>,
    pub(crate) next_update: Option<u64>,
    pub(crate) standing: Standing,
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
            bundle,
            lists: HashMap::new(),
            codec: CodecContext::default(),
            dictionaries: HashSet::new(),
        }
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
        let key = token
            .dangerous_kid_unverified()
            .and_then(|kid| kid.parse::<DidUrl>().ok())
            .filter(|kid| kid.did() == issuer)
            .and_then(|kid| self.issuer_key(issuer, kid.fragment(), signed_at))
            .ok_or(EvidenceError::IssuerUnknown)?;
        // Whether it has expired is judged at each check, by the clock of that moment.
        let verified = token
            .verify(&key, uri, signed_at)
            .map_err(EvidenceError::StatusList)?;
        let standing = if verified.list.digest() == anchor.sha256 {
            Standing::Anchored {
                version: anchor.version,
            }
        } else if verified.issued_at > anchor.updated {
            Standing::Newer
        } else {
            Standing::Older
        };
        Ok(HeldList {
            list: verified.list,
            issued_at: verified.issued_at,
            expires: verified.expires,
            next_update: anchor.next_update,
            standing,
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
        if sha256(bytes) != anchor.sha256 {
            return Err(EvidenceError::NotTheAnchoredOne);
        }
        self.codec
            .add_dictionary(bytes.to_vec())
            .map_err(EvidenceError::Dictionary)?;
        self.dictionaries.insert((issuer.clone(), vct.to_owned()));
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
        if self.lists.len() >= MAX_LISTS {
            return Err(EvidenceError::TooMany);
        }
        self.lists.insert((issuer.clone(), uri.to_owned()), held);
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
            .contains(&(issuer.clone(), vct.to_owned()))
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

    fn issuer_key(
        &self,
        issuer: &Did,
        fragment: &str,
        at: u64,
    ) -> Option<jumin_identity::PublicKey> {
        match self.bundle.lookup(&RecordKey::Did(issuer.clone())) {
            Lookup::Present(Record::Did(record)) => record
                .document
                .key_at(fragment, Purpose::AssertionMethod, at)
                .cloned(),
            _ => None,
        }
    }
}
