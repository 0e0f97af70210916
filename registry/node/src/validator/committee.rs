//! Who may finalize in which epoch, as the engine asks.

use std::sync::Arc;

use anyhow::Context as _;
use commonware_codec::{Copying, DecodeExt as _};
use commonware_consensus::types::Epoch;
use commonware_cryptography::certificate::{Provider, Scoped};
use commonware_cryptography::{Signer as _, ed25519};
use commonware_utils::ordered;

use crate::Scheme;
use crate::ledger::Ledger;

/// Gives the validators of every epoch up to the present one.
#[derive(Clone)]
pub(super) struct Committees {
    ledger: Arc<Ledger>,
    key: ed25519::PrivateKey,
    namespace: Arc<Vec<u8>>,
}

impl Committees {
    pub(super) fn new(ledger: Arc<Ledger>, key: ed25519::PrivateKey) -> Self {
        let namespace = Arc::new(ledger.trust().namespace());
        Self {
            ledger,
            key,
            namespace,
        }
    }

    /// Returns how this node takes part in `epoch`: it signs as a validator, and only checks otherwise.
    pub(super) fn scheme(&self, epoch: u64) -> anyhow::Result<(Scheme, bool)> {
        let keys = self.ledger.committee(epoch);
        let keys = keys.context("the validators of an epoch to come are not known")?;
        let decoded = keys
            .iter()
            .map(|key| ed25519::PublicKey::decode(Copying(key.as_slice())))
            .collect::<Result<Vec<_>, _>>();
        let decoded = decoded.ok().context("a validator's key can't be used")?;
        let validators = ordered::Set::from_iter_dedup(decoded);
        let is_in = keys.iter().any(|key| key == self.key.public_key().as_ref());
        let signs = is_in && self.ledger.may_vote();
        let signer = if signs {
            Scheme::signer(&self.namespace, validators.clone(), self.key.clone())
        } else {
            None
        };
        let scheme = signer.unwrap_or_else(|| Scheme::verifier(&self.namespace, validators));
        Ok((scheme, signs))
    }
}

impl Committees {
    /// Tells whether this node's key is among those that finalize an epoch.
    pub(super) fn has_me(&self, epoch: u64) -> bool {
        let keys = self.ledger.committee(epoch).unwrap_or_default();
        keys.iter().any(|key| key == self.key.public_key().as_ref())
    }
}

impl Provider for Committees {
    type Scope = Epoch;
    type Scheme = Scheme;

    fn scoped(&self, epoch: Epoch) -> Option<Scoped<Scheme>> {
        let (scheme, signs) = self.scheme(epoch.get()).ok()?;
        let scheme = Arc::new(scheme);
        Some(if signs {
            Scoped::scheme(scheme)
        } else {
            Scoped::verifier(scheme)
        })
    }
}
