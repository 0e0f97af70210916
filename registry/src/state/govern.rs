//! Changes of the validators and of the governors.

use jumin_identity::PublicKey;

use super::{Change, Rejection, StateUnavailable};
use crate::{
    key::RecordKey,
    record::{GovernanceRecord, Record},
    validators::{MAX_NETWORK_VALIDATORS, NewValidator, NextValidators, ValidatorsRecord},
};

impl Change<'_> {
    /// Changes the set that finalizes from the next epoch on; several changes in one epoch add up.
    pub(super) fn set_validators(
        &self,
        add: &[NewValidator],
        remove: &[[u8; 32]],
        version: u64,
    ) -> Result<(RecordKey, Record), Rejection> {
        self.require_governance()?;
        let record = self.validators_record()?;
        if record.version != version {
            return Err(Rejection::StaleVersion(record.version));
        }
        let before = record.at(u64::MAX);
        let mut validators = before.to_vec();
        for key in remove {
            let position = validators.iter().position(|held| held.key == *key);
            validators.remove(position.ok_or(Rejection::UnknownValidator)?);
        }
        for new in add {
            if !new.holds_key(&self.block.network) {
                return Err(Rejection::PossessionNotShown);
            }
            validators.retain(|held| held.key != new.key);
            validators.push(new.validator());
        }
        validators.sort_by_key(|validator| validator.key);
        if validators.is_empty() {
            return Err(Rejection::NoValidators);
        }
        if validators.len() > MAX_NETWORK_VALIDATORS {
            return Err(Rejection::Limits("validators"));
        }
        if validators == before {
            return Err(Rejection::NoChange);
        }
        let changed = ValidatorsRecord {
            version: record.version + 1,
            epoch_blocks: record.epoch_blocks,
            current: record.at(self.block.epoch).to_vec(),
            next: Some(NextValidators {
                epoch: self.block.epoch + 1,
                validators,
            }),
        };
        Ok((RecordKey::Validators, Record::Validators(changed)))
    }

    pub(super) fn set_governors(
        &self,
        governors: &[PublicKey],
        threshold: u8,
        version: u64,
    ) -> Result<(RecordKey, Record), Rejection> {
        self.require_governance()?;
        let current = self.state.governance(&RecordKey::Governance)?;
        let current = current.ok_or(Rejection::BadSignature)?;
        if current.version != version {
            return Err(Rejection::StaleVersion(current.version));
        }
        let changed = GovernanceRecord {
            version: version + 1,
            threshold,
            governors: governors.to_vec(),
        };
        Ok((RecordKey::Governance, Record::Governance(changed)))
    }

    /// Reads the validators, which every network has from genesis on.
    fn validators_record(&self) -> Result<ValidatorsRecord, Rejection> {
        self.state
            .validators(&RecordKey::Validators)?
            .ok_or(Rejection::StateUnavailable(StateUnavailable))
    }
}
