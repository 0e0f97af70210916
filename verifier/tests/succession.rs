//! What of one view is still worth something under a newer bundle.

mod world;

use jumin_identity::{FileKey, Signer, Status};
use jumin_registry::{AnchorKind, Operation, OperationSigner, Record, RecordKey, sign_operation};
use jumin_verifier::{LedgerView, Verdict};
use world::{INDEX, NOW, World, verdict};

const VCT: &str = world::CARD;

/// The view of the newest bundle, made from an older view.
fn succeeded(world: &mut World, before: &LedgerView) -> LedgerView {
    let bundle = world.ledger.bundle(NOW).verify(&world.ledger.trust());
    before.succeeded_by(bundle.unwrap())
}

#[test]
fn list_carried_over_is_current_while_its_anchor_stands_and_stale_after() {
    let mut world = World::new();
    let pending = world.ask("address");
    let answer = world.answer(&pending);
    let before = world.view(NOW - 60);
    let same = succeeded(&mut world, &before);
    assert_eq!(
        verdict(&pending.finish(&answer, &same, NOW)),
        Verdict::Valid
    );

    world.publish(INDEX, Status::Invalid, NOW - 10);
    let mut behind = succeeded(&mut world, &same);
    let stale = pending.finish(&answer, &behind, NOW).unwrap_err();
    assert_eq!(stale.verdict(), Verdict::StatusStale);
    let missing = stale.report().missing_list();
    let (issuer, uri) = missing.unwrap();
    assert_eq!((issuer, uri), (&world.issuer.did, world.list_uri.as_str()));

    behind
        .add_current_status_list(&world.issuer.did, &world.list_uri, &world.token)
        .unwrap();
    let revoked = pending.finish(&answer, &behind, NOW).unwrap_err();
    assert_eq!(revoked.verdict(), Verdict::Revoked);
    assert_eq!(revoked.report().missing_list(), None);
    // The view before is as it was.
    assert_eq!(
        verdict(&pending.finish(&answer, &same, NOW)),
        Verdict::Valid
    );
}

#[test]
fn list_is_not_carried_over_when_its_issuer_disowned_the_key() {
    let mut world = World::new();
    let before = world.view(NOW - 60);
    let (key, next) = (FileKey::generate().unwrap(), FileKey::generate().unwrap());
    let did = world.issuer.did.clone();
    let Some(Record::Did(record)) = world.ledger.record(&RecordKey::Did(did.clone())) else {
        panic!("the issuer is on the ledger");
    };
    let mut document = record.document;
    document.verification_methods[0].public_key = key.public_key().clone();
    let update = Operation::UpdateDid {
        did: did.clone(),
        version: record.version,
        document,
        next_key_hash: next.public_key().thumbprint(),
    };
    let signer = OperationSigner::Jwk(&world.issuer.next);
    let update = sign_operation(world.ledger.network(), &update, &[signer]).unwrap();
    world.ledger.set_time(NOW - 50);
    world.ledger.apply(&update).unwrap();

    let after = succeeded(&mut world, &before);
    assert!(before.has_current_list(&did, &world.list_uri, NOW));
    assert!(!after.has_current_list(&did, &world.list_uri, NOW));
    assert_eq!(after.current_lists(), 0);
}

#[test]
fn dictionary_is_carried_over_until_another_is_anchored() {
    let mut world = World::new();
    let did = world.issuer.did.clone();
    let [one, other] = [[1_u8; 64], [2; 64]];
    let digest = |bytes: &[u8]| jumin_identity::sha256(bytes);
    world.ledger.set_time(NOW - 60);
    let kind = AnchorKind::Dictionary;
    world
        .ledger
        .anchor(&world.issuer, kind, VCT, 1, digest(&one), None);
    let mut before = world.view_without_lists(NOW - 60);
    before.add_dictionary(&did, VCT, &one).unwrap();
    let same = succeeded(&mut world, &before);
    assert!(same.has_dictionary(&did, VCT));

    world
        .ledger
        .anchor(&world.issuer, kind, VCT, 2, digest(&other), None);
    let mut after = succeeded(&mut world, &same);
    assert!(!after.has_dictionary(&did, VCT));
    assert!(after.add_dictionary(&did, VCT, &one).is_err());
    after.add_dictionary(&did, VCT, &other).unwrap();
    assert_eq!(after.dictionaries(), 1);
}
