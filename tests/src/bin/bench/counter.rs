use std::fs;

use anyhow::{Context, Result, anyhow};
use jumin_identity::{
    Did, DidUrl, FileKey, PublicKey, Signer, UnverifiedCredential, VerifiedCredential, present,
    random_bytes,
};
use jumin_registry::{Bundle, Lookup, LookupRecord, NetworkTrust, Record, RecordKey};
use jumin_tests::{Stack, unix_now};
use jumin_verifier::{
    Delivery, LedgerView, PendingRequest, VerifierIdentity, builtin_services, start,
};
use serde_json::json;

use crate::credential::RawVerifies;
use crate::fixture::five_claims;
use crate::measure::{Table, interleaved};

const SERVICE: &str = "address";

/// Measures a counter's whole check, from the scanned `vp_token` to the verdict, beside the two raw verifications in it.
pub fn measure_check(
    stack: &Stack,
    credential: &str,
    holder: &FileKey,
    table: &mut Table,
) -> Result<()> {
    let mut view = ledger_view(stack)?;
    let credential = UnverifiedCredential::parse(credential)?;
    let kid: DidUrl = credential
        .dangerous_kid_unverified()
        .context("no kid")?
        .parse()?;
    let issuer_key = issuer_key(&view, &kid)?;
    let now = unix_now();
    let credential = credential.verify(&issuer_key, now)?;
    let uri = &credential.status().uri;
    let list = stack
        .http()
        .get(uri, &[("accept", "application/statuslist+jwt")])?
        .text();
    view.add_status_list(kid.did(), uri, &list)?;

    let pending = request(&stack.counter.did()?.parse()?, now)?;
    let presentation = answer(&credential, holder, &pending, now)?;
    let vp_token = json!({ SERVICE: [presentation] }).to_string();
    let raw = RawVerifies::new(&presentation, &issuer_key, holder.public_key())?;
    if let Err(refusal) = pending.finish(&vp_token, &view, now) {
        return Err(anyhow!("the counter refused: {refusal:?}"));
    }
    let (ours, bound) = interleaved(
        41,
        10,
        || pending.finish(&vp_token, &view, now).is_ok(),
        || raw.verify(),
    );
    table.add("verify: a counter's whole check", "µs", ours, bound);
    Ok(())
}

fn ledger_view(stack: &Stack) -> Result<LedgerView> {
    let trust = NetworkTrust::from_json(&fs::read(stack.network.trust_file())?)?;
    let node = stack.network.urls().into_iter().next().context("no node")?;
    let bundle = stack.http().get(&format!("{node}/v1/bundle"), &[])?;
    Ok(LedgerView::new(
        Bundle::from_bytes(&bundle.body)?.verify(&trust)?,
    ))
}

fn issuer_key(view: &LedgerView, kid: &DidUrl) -> Result<PublicKey> {
    let key = RecordKey::Did(kid.did().clone());
    let Lookup::Present(Record::Did(record)) = view.ledger().lookup(&key) else {
        return Err(anyhow!("the issuer is not in the bundle"));
    };
    let methods = record.document.verification_methods;
    let method = methods
        .into_iter()
        .find(|method| method.fragment == kid.fragment());
    Ok(method.context("the issuer has no such key")?.public_key)
}

fn request(office: &Did, now: u64) -> Result<PendingRequest> {
    let policy = builtin_services()?
        .into_iter()
        .find(|policy| policy.service == SERVICE)
        .context("no such service")?;
    let verifier = VerifierIdentity {
        kid: format!("{office}#key-1").parse()?,
    };
    let signer = FileKey::generate()?;
    let (_, pending) = start(
        &policy,
        &verifier,
        Delivery::QrCode,
        random_bytes(),
        now,
        &signer,
    )?;
    Ok(pending)
}

fn answer(
    credential: &VerifiedCredential,
    holder: &FileKey,
    pending: &PendingRequest,
    now: u64,
) -> Result<String> {
    let nonce = pending.nonce().context("no nonce")?;
    // The address service asks for these and the detail of the address.
    let mut claims = five_claims();
    claims.extend("address.detail".parse());
    Ok(present(
        credential,
        &claims,
        pending.audience(),
        nonce,
        now,
        holder,
    )?)
}
