use jumin_identity::{Did, DidUrl, IssuerVerified, UnverifiedPresentation};
use jumin_registry::{
    AccreditationError, DidRecord, Lookup, LookupRecord, Purpose, Record, RecordKey, Role,
    accreditation_at, accreditation_since,
};

use crate::trail::{Failure, Trail};
use crate::{IssuerName, LedgerView, Verdict};

/// Is an issuer that the ledger knows.
pub(crate) struct KnownIssuer {
    pub(crate) did: Did,
    record: DidRecord,
}

pub(crate) fn issuer_document(
    answer: &UnverifiedPresentation,
    view: &LedgerView,
    trail: &mut Trail,
) -> Result<KnownIssuer, Failure> {
    let unknown = |reason: &str| Failure::new(Verdict::IssuerUnknown, reason);
    let did: Did = answer
        .dangerous_issuer_unverified()
        .parse()
        .map_err(|_| unknown("The issuer is not named by a DID of the ledger."))?;
    if did.network() != *view.checkpoint().network() {
        return Err(unknown("The issuer belongs to another network."));
    }
    let record = match view.ledger().lookup(&RecordKey::Did(did.clone())) {
        Lookup::Present(Record::Did(record)) => record,
        Lookup::Present(_) | Lookup::Absent => {
            return Err(unknown("The ledger does not know the issuer."));
        }
        Lookup::Unknown => {
            return Err(unknown(
                "What is at hand of the ledger does not have the issuer.",
            ));
        }
    };
    trail.knows_issuer(&did);
    if record.deactivated.is_some() {
        return Err(Failure::new(
            Verdict::IssuerDeactivated,
            "The issuer's DID was deactivated.",
        ));
    }
    Ok(KnownIssuer { did, record })
}

/// Requires that what the issuer issued at the date in the credential stands: the accreditation of that date, and that nothing
/// of it was taken away since. A past date could be written by anyone who still has a key after that.
pub(crate) fn accreditation(
    answer: &UnverifiedPresentation,
    issuer: &KnownIssuer,
    view: &LedgerView,
    now: u64,
    trail: &mut Trail,
) -> Result<(), Failure> {
    let (ledger, vct) = (view.ledger(), answer.dangerous_vct_unverified());
    let issued = issued_at(answer)?;
    // What the ledger says was taken away is so, also for a clock that lags behind the ledger's.
    let latest = now.max(view.checkpoint().time_ms() / 1000);
    let stands = accreditation_since(ledger, &issuer.did, Role::Issuer, Some(vct), issued, latest);
    let chain = stands.map_err(|error| {
        let then = accreditation_at(ledger, &issuer.did, Role::Issuer, Some(vct), issued);
        not_accredited(error, then.is_ok())
    })?;
    trail.issuer = Some(IssuerName {
        did: issuer.did.clone(),
        name: Some(chain.name),
    });
    Ok(())
}

/// Says why the accreditation is refused, and whether it held at the date in the credential, which an auditor wants to know.
fn not_accredited(error: AccreditationError, held_then: bool) -> Failure {
    match error {
        AccreditationError::Unknown => Failure::because(
            Verdict::IssuerUnknown,
            "The issuer's accreditation can't be judged by what is at hand",
            &error,
        ),
        // The issuer itself is active: what was deactivated is an accreditor above it.
        AccreditationError::Ended | AccreditationError::Deactivated if held_then => {
            Failure::because(
                Verdict::IssuerNotAccredited,
                "The issuer was accredited at the time that the credential is dated to, but no longer is",
                &error,
            )
        }
        AccreditationError::NotAccredited
        | AccreditationError::Ended
        | AccreditationError::Deactivated => Failure::because(
            Verdict::IssuerNotAccredited,
            "The issuer's accreditation does not hold",
            &error,
        ),
    }
}

/// Checks signature and disclosures with the issuer's key of the time of signing, so that a
/// later rotation does not touch the credential.
pub(crate) fn issuer_signature(
    answer: UnverifiedPresentation,
    issuer: &KnownIssuer,
    trail: &mut Trail,
) -> Result<IssuerVerified, Failure> {
    let invalid = |reason: &str| Failure::new(Verdict::SignatureInvalid, reason);
    let kid: DidUrl = answer
        .dangerous_kid_unverified()
        .and_then(|kid| kid.parse().ok())
        .ok_or_else(|| invalid("The credential does not say which key signed it."))?;
    if *kid.did() != issuer.did {
        return Err(invalid("The credential names a key of someone else."));
    }
    let signed_at = issued_at(&answer)?;
    let key = issuer
        .record
        .document
        .key_at(kid.fragment(), Purpose::AssertionMethod, signed_at)
        .ok_or_else(|| {
            Failure::new(
                Verdict::IssuerKeyEnded,
                "The issuer's key is not, or is no longer, good for the date that the credential bears.",
            )
        })?;
    let vct = answer.dangerous_vct_unverified().to_owned();
    let signed = answer.verify_issuer(key)?;
    trail.credential_type = Some(vct);
    Ok(signed)
}

fn issued_at(answer: &UnverifiedPresentation) -> Result<u64, Failure> {
    answer.dangerous_issued_at_unverified().ok_or_else(|| {
        Failure::new(
            Verdict::Malformed,
            "The credential does not say when it was issued.",
        )
    })
}
