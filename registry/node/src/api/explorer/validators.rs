use axum::Json;
use axum::extract::State;
use jumin_identity::b64url;
use jumin_registry::{Certificate, ValidatorsRecord, quorum};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Answer, Context};
use crate::ledger::Ledger;
use crate::store::StoreError;

/// How many certificates are looked back at.
const WINDOW: usize = 100;

/// One validator and how it takes part.
#[derive(Clone, Debug, Serialize, ToSchema, ts_rs::TS)]
pub(in crate::api) struct ValidatorView {
    /// ed25519 public key, base64url.
    pub key: String,
    /// The agency that runs it.
    pub name: String,
    /// `voting`, `joining` (from the next epoch on) or `leaving` (with this epoch).
    pub role: &'static str,
    /// How many of the certificates it could have signed.
    pub certificates: u64,
    /// How many it signed. A certificate is complete with a quorum, so not signing some says nothing.
    pub signed: u64,
    /// The newest of these blocks that it signed.
    pub last_signed: Option<u64>,
}

/// Who finalizes blocks.
#[derive(Clone, Debug, Serialize, ToSchema, ts_rs::TS)]
pub(in crate::api) struct Validators {
    /// The epoch of the next block.
    pub epoch: u64,
    /// How many must sign.
    pub quorum: usize,
    /// How many newest certificates were looked at, at most 100.
    pub certificates: usize,
    pub validators: Vec<ValidatorView>,
}

/// Lists the validators, and how many of the last 100 certificates each signed.
#[utoipa::path(get, path = "/v1/validators", responses((status = 200, body = Validators)))]
pub(super) async fn validators(State(context): State<Context>) -> Answer<Validators> {
    Ok(Json(participation(&context.ledger)?))
}

/// Counts who signed the newest certificates.
pub(in crate::api) fn participation(ledger: &Ledger) -> Result<Validators, StoreError> {
    let (set, epoch) = (ledger.set(), ledger.epoch());
    let recent = ledger.snapshot().history().below(u64::MAX, WINDOW)?;
    let mut validators = listed(&set, epoch);
    let mut seen = 0;
    for summary in &recent {
        let Some(certificate) = &summary.certificate else {
            continue;
        };
        let Some(committee) = ledger.committee(summary.header.epoch) else {
            continue;
        };
        seen += 1;
        for (key, signed) in signatures(certificate, &committee) {
            let Some(found) = validators.iter_mut().find(|one| one.key == b64url(&key)) else {
                continue;
            };
            found.certificates += 1;
            found.signed += u64::from(signed);
            if signed && found.last_signed.is_none() {
                found.last_signed = Some(summary.header.height);
            }
        }
    }
    Ok(Validators {
        epoch,
        quorum: quorum(set.at(epoch).len()),
        certificates: seen,
        validators,
    })
}

fn listed(set: &ValidatorsRecord, epoch: u64) -> Vec<ValidatorView> {
    let (now, next) = (set.at(epoch), set.at(epoch + 1));
    let view = |one: &jumin_registry::Validator, role| ValidatorView {
        key: b64url(&one.key),
        name: one.name.clone(),
        role,
        certificates: 0,
        signed: 0,
        last_signed: None,
    };
    let stays = |key: &[u8; 32]| next.iter().any(|one| one.key == *key);
    let mut listed: Vec<_> = now
        .iter()
        .map(|one| {
            let role = if stays(&one.key) { "voting" } else { "leaving" };
            view(one, role)
        })
        .collect();
    let new = next
        .iter()
        .filter(|one| now.iter().all(|held| held.key != one.key));
    listed.extend(new.map(|one| view(one, "joining")));
    listed
}

/// Says of each validator of a committee whether it signed.
pub(super) fn signatures(
    certificate: &Certificate,
    committee: &[[u8; 32]],
) -> Vec<([u8; 32], bool)> {
    let signers: Vec<usize> = certificate.signer_indices().collect();
    let keys = committee.iter().enumerate();
    keys.map(|(index, key)| (*key, signers.contains(&index)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_come_and_go_are_told_apart() {
        let validator = |seed: u8| jumin_registry::Validator {
            key: [seed; 32],
            address: "127.0.0.1:1".parse().unwrap(),
            name: seed.to_string(),
        };
        let set = ValidatorsRecord {
            version: 2,
            epoch_blocks: 10,
            current: vec![validator(1), validator(2)],
            next: Some(jumin_registry::NextValidators {
                epoch: 1,
                validators: vec![validator(2), validator(3)],
            }),
        };
        let roles = |epoch| -> Vec<_> {
            let listed = listed(&set, epoch);
            listed.into_iter().map(|one| (one.name, one.role)).collect()
        };
        let text = |name: &str, role| (name.to_owned(), role);
        assert_eq!(
            roles(0),
            [
                text("1", "leaving"),
                text("2", "voting"),
                text("3", "joining")
            ]
        );
        assert_eq!(roles(1), [text("2", "voting"), text("3", "voting")]);
    }

    #[test]
    fn signers_are_told_by_their_place_in_the_committee() {
        let certificate = Certificate::new((0, 1, 0), 3, [(0, [0; 64]), (2, [0; 64])]).unwrap();
        let committee = [[1; 32], [2; 32], [3; 32]];
        assert_eq!(
            signatures(&certificate, &committee),
            [([1; 32], true), ([2; 32], false), ([3; 32], true)]
        );
    }
}
