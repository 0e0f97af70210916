//! What a command fails with: a stable code, and what its message needs.

use std::collections::BTreeMap;

use jumin_identity::FrameError;
use jumin_wallet_core::{
    IssuanceError, PresentError, RenewError, SettingsError, TrustError, VaultError,
};
use serde::Serialize;
use ts_rs::TS;

use crate::network::NetworkError;

/// Are all codes that a command can fail with; the page has a text for each.
#[rustfmt::skip]
pub(crate) const CODES: &[&str] = &[
    // The window's own.
    "internal", "wallet_locked", "nothing_at_hand", "not_confirmed", "network_missing", "network_file_unreadable",
    "bad_network_file", "bad_node", "bad_trust_file", "trust_anchors_unreadable", "link_not_opened", "unknown_claim",
    // The vault.
    "wallet_exists", "wallet_unfinished", "wallet_missing", "wallet_in_use", "pin_too_short", "passphrase_too_short",
    "secret_too_long", "wrong_pin", "pin_too_soon", "pin_count_lost", "pin_locked_out", "no_keyring", "keyring_entry_missing",
    "vault_damaged", "vault_newer", "key_failed", "storage_failed", "storage_read_only", "disk_full",
    // Offers.
    "not_an_offer", "offer_gone", "unsupported", "tx_code_missing", "tx_code_form", "offer_refused", "issuer_error",
    "issuer_wrong_answer", "issuer_mismatch", "no_issuer_at_server", "foreign_server", "wrong_credential", "signature_invalid", "expired",
    "not_yet_valid", "malformed",
    // Requests and answers.
    "not_a_request", "request_incomplete", "code_unreadable", "request_malformed", "request_unsupported",
    "request_client_mismatch", "request_signature_invalid", "request_expired", "request_not_yet_valid",
    "request_unsigned", "foreign_verifier", "untrusted_certificate", "wallet_nonce", "unknown_verifier", "beyond_accreditation",
    "unknown_service", "service_needs_request", "unknown_document", "nothing_fits", "claims_withheld", "copies_used_up", "several_documents",
    "presentation_failed", "verifier_refused",
    // Codes.
    "qr_foreign", "qr_version", "qr_truncated", "qr_too_long", "qr_malformed", "qr_frame_damaged", "qr_frames_mixed",
    "qr_too_many_frames", "qr_message_damaged", "qr_inflates", "qr_limit", "qr_dictionary_unknown", "qr_header_unknown",
    "qr_too_large", "qr_compression_failed", "qr_not_for_a_wallet",
    // The ledger.
    "ledger_unreachable", "ledger_proof_invalid", "trust_expired", "other_network", "network_file_older",
    "ledger_went_back", "ledger_forked", "ledger_stale", "clock_wrong",
    "unknown_identifier", "unknown_key", "accreditation_unknown", "issuer_not_accredited", "issuer_deactivated", "unknown_type",
    "type_integrity", "no_bundle", "no_such_agency", "ambiguous_agency",
    // The network.
    "client_setup_failed", "insecure_url", "unreachable", "timeout", "too_slow", "connection_broken", "redirect_refused",
    "answer_too_large", "answer_not_json", "request_unwritable",
];

/// What every command fails with: a stable code, and the numbers or names that its message needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub(crate) struct CommandError {
    pub code: &'static str,
    #[ts(type = "Record<string, string | number>")]
    pub values: BTreeMap<&'static str, ErrorValue>,
}

/// Is a number or a name; never anything personal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum ErrorValue {
    Number(u64),
    Name(String),
}

impl CommandError {
    /// Makes an error without values; a code that the page has no text for becomes `internal`.
    pub(crate) fn of(code: &'static str) -> Self {
        let known = CODES.contains(&code);
        debug_assert!(known, "the code {code} is not listed");
        Self {
            code: if known { code } else { "internal" },
            values: BTreeMap::new(),
        }
    }

    fn number(mut self, name: &'static str, number: u64) -> Self {
        self.values.insert(name, ErrorValue::Number(number));
        self
    }

    fn name(mut self, name: &'static str, value: &str) -> Self {
        self.values.insert(name, ErrorValue::Name(value.to_owned()));
        self
    }
}

impl From<VaultError> for CommandError {
    fn from(error: VaultError) -> Self {
        let made = Self::of(error.code());
        match error {
            VaultError::WrongSecret { left, seconds } => {
                let made = made.number("seconds", seconds);
                match left {
                    Some(left) => made.number("left", left.into()),
                    None => made,
                }
            }
            VaultError::TooSoon { seconds } | VaultError::CountLost { seconds } => {
                made.number("seconds", seconds)
            }
            _ => made,
        }
    }
}

impl From<TrustError> for CommandError {
    fn from(error: TrustError) -> Self {
        let made = Self::of(error.code());
        match error {
            TrustError::Stale { seconds } | TrustError::ClockBehind { seconds } => {
                made.number("seconds", seconds)
            }
            TrustError::Expired { days } => made.number("days", days),
            TrustError::NoSuchAgency(name) | TrustError::AmbiguousAgency(name) => {
                made.name("name", &name)
            }
            _ => made,
        }
    }
}

impl From<IssuanceError> for CommandError {
    fn from(error: IssuanceError) -> Self {
        match error {
            IssuanceError::Vault(error) => error.into(),
            IssuanceError::Trust(error) => error.into(),
            other => Self::of(other.code()),
        }
    }
}

impl From<PresentError> for CommandError {
    fn from(error: PresentError) -> Self {
        let code = error.code();
        match error {
            PresentError::Vault(error) => error.into(),
            PresentError::Trust(error) => error.into(),
            PresentError::UnknownVerifier { name }
            | PresentError::BeyondAccreditation { name, .. } => Self::of(code).name("name", &name),
            PresentError::Refused { status } => Self::of(code).number("status", status.into()),
            PresentError::Incomplete { received, needed } => Self::of(code)
                .number("received", received as u64)
                .number("needed", needed as u64),
            _ => Self::of(code),
        }
    }
}

macro_rules! by_code {
    ($($error:ty),*) => {
        $(impl From<$error> for CommandError {
            fn from(error: $error) -> Self {
                Self::of(error.code())
            }
        })*
    };
}

impl From<RenewError> for CommandError {
    fn from(error: RenewError) -> Self {
        match error {
            RenewError::Vault(error) => error.into(),
            other => Self::of(other.code()),
        }
    }
}

by_code!(SettingsError, NetworkError, FrameError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_listed_once() {
        let mut sorted = CODES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), CODES.len());
    }

    #[test]
    fn values_carry_what_the_message_needs() {
        let wrong = |left| CommandError::from(VaultError::WrongSecret { left, seconds: 60 });
        let json = serde_json::to_string(&wrong(Some(3))).unwrap();
        assert_eq!(
            json,
            r#"{"code":"wrong_pin","values":{"left":3,"seconds":60}}"#
        );
        assert!(!wrong(None).values.contains_key("left"));
        let error = CommandError::from(PresentError::Vault(VaultError::TooSoon { seconds: 30 }));
        assert_eq!(error.values["seconds"], ErrorValue::Number(30));
    }
}
