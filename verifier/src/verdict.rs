use serde::{Deserialize, Serialize};

/// Names the outcome of a check. One code each, never merged: a caller matches on it, a screen
/// explains it.
///
/// `StatusUnknown`, `StatusStale`, `LedgerStale` and `LedgerProofInvalid` mean "could not find
/// out"; they are neither [`Verdict::Valid`] nor [`Verdict::Revoked`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verdict {
    /// Everything the policy asks for was checked and is in order.
    Valid,
    /// The issuer took the credential back for good.
    Revoked,
    /// The issuer set the credential aside for now.
    Suspended,
    /// The credential's `exp` has passed.
    Expired,
    /// The credential's `nbf` lies ahead.
    NotYetValid,
    /// The issuer's signature, or a disclosure it covers, does not fit.
    SignatureInvalid,
    /// The ledger's records at hand do not know the issuer.
    IssuerUnknown,
    /// The issuer may not issue this type, or might not when it did.
    IssuerNotAccredited,
    /// The issuer's DID was deactivated.
    IssuerDeactivated,
    /// The issuer's document doesn't have the key that signed the credential for the date that it bears: it ended, was taken
    /// out, or was never there.
    IssuerKeyEnded,
    /// The presenter did not prove to hold the credential's key.
    HolderBindingInvalid,
    /// The presentation was accepted before.
    Replayed,
    /// The presentation, or the request it answers, is too old (or from the future).
    PresentationExpired,
    /// The presentation answers another request, another verifier or another question.
    RequestMismatch,
    /// No status list fit to answer is at hand.
    StatusUnknown,
    /// The status list at hand is too old to answer.
    StatusStale,
    /// The ledger checkpoint at hand is too old for the policy.
    LedgerStale,
    /// What a node said does not follow from the network's certificate.
    LedgerProofInvalid,
    /// A format, algorithm or feature that this verifier does not have.
    Unsupported,
    /// Not a presentation at all, or a damaged one.
    Malformed,
}

impl Verdict {
    /// Every verdict, in the order of the design.
    pub const ALL: [Verdict; 20] = [
        Verdict::Valid,
        Verdict::Revoked,
        Verdict::Suspended,
        Verdict::Expired,
        Verdict::NotYetValid,
        Verdict::SignatureInvalid,
        Verdict::IssuerUnknown,
        Verdict::IssuerNotAccredited,
        Verdict::IssuerDeactivated,
        Verdict::IssuerKeyEnded,
        Verdict::HolderBindingInvalid,
        Verdict::Replayed,
        Verdict::PresentationExpired,
        Verdict::RequestMismatch,
        Verdict::StatusUnknown,
        Verdict::StatusStale,
        Verdict::LedgerStale,
        Verdict::LedgerProofInvalid,
        Verdict::Unsupported,
        Verdict::Malformed,
    ];

    /// Returns the stable code, as in JSON.
    pub fn code(self) -> &'static str {
        match self {
            Verdict::Valid => "valid",
            Verdict::Revoked => "revoked",
            Verdict::Suspended => "suspended",
            Verdict::Expired => "expired",
            Verdict::NotYetValid => "not_yet_valid",
            Verdict::SignatureInvalid => "signature_invalid",
            Verdict::IssuerUnknown => "issuer_unknown",
            Verdict::IssuerNotAccredited => "issuer_not_accredited",
            Verdict::IssuerDeactivated => "issuer_deactivated",
            Verdict::IssuerKeyEnded => "issuer_key_ended",
            Verdict::HolderBindingInvalid => "holder_binding_invalid",
            Verdict::Replayed => "replayed",
            Verdict::PresentationExpired => "presentation_expired",
            Verdict::RequestMismatch => "request_mismatch",
            Verdict::StatusUnknown => "status_unknown",
            Verdict::StatusStale => "status_stale",
            Verdict::LedgerStale => "ledger_stale",
            Verdict::LedgerProofInvalid => "ledger_proof_invalid",
            Verdict::Unsupported => "unsupported",
            Verdict::Malformed => "malformed",
        }
    }

    /// Tells whether the verdict means "could not find out" rather than "found to be wrong".
    pub fn is_inconclusive(self) -> bool {
        matches!(
            self,
            Verdict::StatusUnknown
                | Verdict::StatusStale
                | Verdict::LedgerStale
                | Verdict::LedgerProofInvalid
        )
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn every_code_is_its_own_and_survives_json() {
        let codes: std::collections::BTreeSet<_> = Verdict::ALL.iter().map(|v| v.code()).collect();
        assert_eq!(codes.len(), 20);
        for verdict in Verdict::ALL {
            let json = serde_json::to_string(&verdict).unwrap();
            assert_eq!(json, format!("\"{}\"", verdict.code()));
            assert_eq!(serde_json::from_str::<Verdict>(&json).unwrap(), verdict);
        }
    }

    #[test]
    fn could_not_find_out_is_neither_valid_nor_revoked() {
        let inconclusive: Vec<_> = Verdict::ALL
            .into_iter()
            .filter(|v| v.is_inconclusive())
            .collect();
        assert!(!inconclusive.contains(&Verdict::Valid));
        assert!(!inconclusive.contains(&Verdict::Revoked));
        assert_eq!(inconclusive.len(), 4);
    }
}
