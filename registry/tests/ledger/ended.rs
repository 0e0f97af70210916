//! An accreditation that was ended, or a DID that was deactivated, stays so for what was issued before: whatever runs out or is
//! granted since.

use jumin_identity::Did;
use jumin_registry::{
    AccreditationError, Accreditor, Claims, GrantStanding, Localized, Operation, Record, RecordKey,
    Rejection, Role, VerifiedBundle, accreditation_at, accreditation_since, grant_standing,
    testing::{TestAgency, TestLedger},
};

use super::{CARD, NOW};

const YEAR: u64 = 365 * 86_400;
/// When the ministry's grant begins, and the office's, and when the card is issued.
const ISSUED: u64 = NOW + 100;
/// When the office's own grant runs out.
const RUN_OUT: u64 = NOW + 1_000;

/// A ministry by governance and an office below it whose own grant is short; both hold at [`ISSUED`].
struct Scene {
    ledger: TestLedger,
    ministry: TestAgency,
    office: TestAgency,
}

impl Scene {
    fn new() -> Self {
        let mut ledger = TestLedger::new(NOW);
        let (ministry, office) = (ledger.agency(), ledger.agency());
        ledger.accredit(&ministry.did, Role::Accreditor, &[CARD], NOW, NOW + YEAR);
        let mut scene = Self {
            ledger,
            ministry,
            office,
        };
        scene.give(NOW, RUN_OUT).unwrap();
        scene
    }

    fn version(&self, did: &Did, role: Role) -> u64 {
        let key = RecordKey::Accreditation {
            subject: did.clone(),
            role,
        };
        match self.ledger.record(&key) {
            Some(Record::Accreditation(record)) => record.version,
            _ => 0,
        }
    }

    /// The ministry accredits the office.
    fn give(&mut self, from: u64, until: u64) -> Result<(), Rejection> {
        let operation = Operation::Accredit {
            accreditor: Accreditor::Did(self.ministry.did.clone()),
            subject: self.office.did.clone(),
            role: Role::Issuer,
            name: Localized {
                ko: "종로구".into(),
                en: "Jongno".into(),
            },
            types: vec![CARD.to_owned()],
            claims: Claims::Any,
            from,
            until,
            version: self.version(&self.office.did, Role::Issuer),
        };
        self.ledger.apply(&self.ministry.sign(&operation))
    }

    /// The ministry ends a grant of the office.
    fn take(&mut self, grant: u64) -> Result<(), Rejection> {
        let operation = Operation::EndAccreditation {
            accreditor: Accreditor::Did(self.ministry.did.clone()),
            subject: self.office.did.clone(),
            role: Role::Issuer,
            grant,
            version: self.version(&self.office.did, Role::Issuer),
        };
        self.ledger.apply(&self.ministry.sign(&operation))
    }

    fn view(&mut self, at: u64) -> VerifiedBundle {
        let trust = self.ledger.trust();
        self.ledger.bundle(at).verify(&trust).unwrap()
    }

    /// How the card of [`ISSUED`] stands at `latest`.
    fn card(&mut self, latest: u64) -> Result<(), AccreditationError> {
        let view = self.view(latest);
        let office = &self.office.did;
        accreditation_since(&view, office, Role::Issuer, Some(CARD), ISSUED, latest).map(|_| ())
    }

    fn end_ministry(&mut self, at: u64) {
        self.ledger.set_time(at);
        self.ledger
            .end_accreditation(&self.ministry.did, Role::Accreditor, 1);
    }

    fn standings(&mut self, at: u64) -> Vec<GrantStanding> {
        let view = self.view(at);
        let key = RecordKey::Accreditation {
            subject: self.office.did.clone(),
            role: Role::Issuer,
        };
        let Some(Record::Accreditation(record)) = self.ledger.record(&key) else {
            panic!("there are grants");
        };
        let grants = record.grants.iter();
        grants
            .map(|grant| grant_standing(&view, &self.office.did, Role::Issuer, grant, at))
            .collect()
    }
}

#[test]
fn ended_ministry_stays_ended_when_the_office_ran_out() {
    let mut scene = Scene::new();
    assert_eq!(scene.card(ISSUED), Ok(()));
    assert_eq!(scene.standings(ISSUED), [GrantStanding::InForce]);
    scene.end_ministry(NOW + 500);
    for latest in [NOW + 500, RUN_OUT - 1, RUN_OUT, RUN_OUT + 1, NOW + 2 * YEAR] {
        assert_eq!(
            scene.card(latest),
            Err(AccreditationError::Ended),
            "{latest}"
        );
        assert_eq!(scene.standings(latest), [GrantStanding::Ended], "{latest}");
    }
    // What was true before the end stays on record.
    let view = scene.view(NOW + 2 * YEAR);
    let office = &scene.office.did;
    let then = |at| accreditation_at(&view, office, Role::Issuer, Some(CARD), at).is_ok();
    assert!(then(ISSUED) && then(NOW + 499) && !then(NOW + 500));
}

#[test]
fn office_that_only_ran_out_leaves_its_cards_as_they_are() {
    let mut scene = Scene::new();
    for latest in [RUN_OUT, NOW + 2 * YEAR] {
        assert_eq!(scene.card(latest), Ok(()));
        assert_eq!(scene.standings(latest), [GrantStanding::RanOut]);
    }
}

#[test]
fn new_grant_revives_nothing_issued_under_the_ended_one() {
    let mut scene = Scene::new();
    scene.end_ministry(NOW + 500);
    let ministry = scene.ministry.did.clone();
    let again = NOW + 600;
    scene.ledger.set_time(again);
    scene
        .ledger
        .accredit(&ministry, Role::Accreditor, &[CARD], again, NOW + YEAR);
    assert_eq!(scene.card(again), Err(AccreditationError::Ended));
    scene.give(again, NOW + YEAR).unwrap();
    for latest in [again, RUN_OUT, NOW + YEAR] {
        assert_eq!(
            scene.card(latest),
            Err(AccreditationError::Ended),
            "{latest}"
        );
    }
    // What the office issues from now on stands.
    let view = scene.view(again);
    let office = &scene.office.did;
    let now = accreditation_at(&view, office, Role::Issuer, Some(CARD), again);
    assert_eq!(now.unwrap().grants.len(), 2);
    assert_eq!(
        scene.standings(RUN_OUT),
        [GrantStanding::Ended, GrantStanding::InForce]
    );
}

#[test]
fn grant_anew_that_covers_the_date_heals() {
    let mut scene = Scene::new();
    scene.end_ministry(NOW + 500);
    let ministry = scene.ministry.did.clone();
    let again = NOW + 600;
    scene.ledger.set_time(again);
    // Governance vouches for the ministry from before the date of issuance: its old grants hang below the ended one still.
    scene
        .ledger
        .accredit(&ministry, Role::Accreditor, &[CARD], ISSUED - 1, NOW + YEAR);
    assert_eq!(scene.card(again), Err(AccreditationError::Ended));
    // The ministry can't reach further back than governance lets it.
    assert_eq!(
        scene.give(ISSUED - 2, NOW + YEAR),
        Err(Rejection::OutsideParent)
    );
    scene.give(ISSUED + 1, NOW + YEAR).unwrap();
    assert_eq!(scene.card(again), Err(AccreditationError::Ended));
    scene.give(ISSUED, NOW + YEAR).unwrap();
    for latest in [again, RUN_OUT, NOW + YEAR] {
        assert_eq!(scene.card(latest), Ok(()), "{latest}");
    }
}

#[test]
fn grant_that_ran_out_can_still_be_ended_by_its_accreditor_and_by_governance() {
    let mut scene = Scene::new();
    scene.ledger.set_time(NOW + 2 * YEAR);
    // The ministry's own grant has run out as well: distrust needs no accreditation.
    assert_eq!(scene.card(NOW + 2 * YEAR), Ok(()));
    scene.take(1).unwrap();
    let refused = scene.card(NOW + 2 * YEAR);
    assert_eq!(refused, Err(AccreditationError::Ended));

    let mut scene = Scene::new();
    scene.end_ministry(NOW + 2 * YEAR);
    let refused = scene.card(NOW + 2 * YEAR);
    assert_eq!(refused, Err(AccreditationError::Ended));
}

#[test]
fn ministry_that_is_deactivated_after_the_office_ran_out_takes_its_cards_along() {
    let mut scene = Scene::new();
    scene.ledger.set_time(RUN_OUT + 5);
    scene.ledger.deactivate(&scene.ministry);
    assert_eq!(
        scene.card(RUN_OUT + 5),
        Err(AccreditationError::Deactivated)
    );
    assert_eq!(scene.standings(RUN_OUT + 5), [GrantStanding::Deactivated]);
}

#[test]
fn of_two_chains_for_a_date_the_one_that_was_not_ended_is_enough() {
    let mut scene = Scene::new();
    let (office, until) = (scene.office.did.clone(), NOW + YEAR);
    let other = scene
        .ledger
        .accredit(&office, Role::Issuer, &[CARD], NOW, until);
    scene.end_ministry(NOW + 500);
    assert_eq!(scene.card(NOW + 500), Ok(()));
    scene.ledger.end_accreditation(&office, Role::Issuer, other);
    assert_eq!(scene.card(NOW + 501), Err(AccreditationError::Ended));
}

#[test]
fn nothing_is_pieced_together_from_an_ended_chain_and_one_that_began_later() {
    let mut scene = Scene::new();
    let (office, until) = (scene.office.did.clone(), NOW + YEAR);
    scene
        .ledger
        .accredit(&office, Role::Issuer, &[CARD], ISSUED + 1, until);
    scene.end_ministry(NOW + 500);
    assert_eq!(scene.card(NOW + 600), Err(AccreditationError::Ended));
}

#[test]
fn full_record_keeps_its_ended_grants() {
    let mut scene = Scene::new();
    scene.ledger.set_time(NOW + 500);
    scene.take(1).unwrap();
    for _ in 0..15 {
        scene.give(NOW + 500, NOW + YEAR).unwrap();
    }
    let one_more = scene.give(NOW, NOW + YEAR).unwrap_err();
    assert_eq!(one_more.code(), "limits");
    assert_eq!(scene.card(NOW + 600), Err(AccreditationError::Ended));
}

#[test]
fn office_that_waits_for_its_did_or_its_period_says_so() {
    let mut scene = Scene::new();
    let office = scene.office.did.clone();
    scene
        .ledger
        .accredit(&office, Role::Issuer, &[CARD], NOW + 50, NOW + 60);
    assert_eq!(
        scene.standings(NOW + 10),
        [GrantStanding::InForce, GrantStanding::Later]
    );
    let key = jumin_identity::FileKey::generate().unwrap();
    let document = jumin_registry::testing::document(&key, NOW);
    let waiting = scene.ledger.prepare(key, document).agency.did;
    let id = scene
        .ledger
        .accredit(&waiting, Role::Issuer, &[CARD], NOW, NOW + 60);
    let accreditation = RecordKey::Accreditation {
        subject: waiting.clone(),
        role: Role::Issuer,
    };
    let Some(Record::Accreditation(record)) = scene.ledger.record(&accreditation) else {
        panic!("there is a grant");
    };
    assert_eq!(record.grants[0].id, id);
    let trust = scene.ledger.trust();
    let mut bundle = scene.ledger.bundle(NOW + 10);
    // A bundle has no absences: what it lacks is not known.
    let standing = |view: &VerifiedBundle| {
        grant_standing(view, &waiting, Role::Issuer, &record.grants[0], NOW + 10)
    };
    let lacking = bundle.verify(&trust).unwrap();
    assert_eq!(standing(&lacking), GrantStanding::Unknown);
    bundle
        .records
        .push(scene.ledger.prove(&RecordKey::Did(waiting.clone())));
    let bundle = jumin_registry::Bundle::new(bundle.checkpoint, bundle.records);
    let whole = bundle.verify(&trust).unwrap();
    assert_eq!(standing(&whole), GrantStanding::NotCreated);
}
