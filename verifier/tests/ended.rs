//! An issuer whose ministry was ended, at a counter: refused for good, whatever runs out or is granted since.

mod world;

use jumin_identity::text::require_legible;
use jumin_registry::testing::TestAgency;
use jumin_registry::{
    Accreditor, AnchorKind, Claims, Localized, Operation, Record, RecordKey, Role,
};
use jumin_verifier::{PendingRequest, Verdict};
use world::*;

/// The card's date, the end of the ministry's grant, the end of the office's period, and a grant anew, all in seconds before the
/// present.
const ISSUED: u64 = NOW - 60;
const ENDED: u64 = NOW - 40;
const RUN_OUT: u64 = NOW - 20;
const AGAIN: u64 = NOW - 10;

/// A ministry with an office below it whose own grant runs out at [`RUN_OUT`], and a card by the office.
struct Scene {
    world: World,
    ministry: TestAgency,
    office: TestAgency,
    pending: PendingRequest,
    answer: String,
    token: String,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new();
        let (ministry, office) = (world.ledger.agency(), world.ledger.agency());
        let from = NOW - 90 * DAY;
        let until = NOW + 100 * DAY;
        let above = &ministry.did;
        world
            .ledger
            .accredit(above, Role::Accreditor, &[CARD], from, until);
        give(&mut world, &ministry, &office, (from, RUN_OUT));
        world.ledger.set_time(NOW - 80);
        let anchored = world.list.digest();
        world
            .ledger
            .anchor(&office, AnchorKind::StatusList, LIST, 1, anchored, None);
        let token = sign_list_of(&office, LIST, &world.list, NOW - 85, NOW + 30 * DAY);
        let pending = world.ask("age-19");
        let card = world.answer(&pending);
        let answer = reissue(&card, &office.key, &world.holder, |header, payload| {
            header["kid"] = office.kid().to_string().into();
            payload.insert("iss".to_owned(), office.did.to_string().into());
            payload.insert("iat".to_owned(), ISSUED.into());
        });
        Self {
            world,
            ministry,
            office,
            pending,
            answer,
            token,
        }
    }

    fn end_ministry(&mut self, at: u64) {
        self.world.ledger.set_time(at);
        let ministry = &self.ministry.did;
        self.world
            .ledger
            .end_accreditation(ministry, Role::Accreditor, 1);
    }

    /// What a counter says that synced at `synced` and checks by a clock at `now`.
    fn check(&mut self, synced: u64, now: u64) -> (Verdict, String) {
        let mut view = self.world.view_without_lists(synced);
        view.add_current_status_list(&self.office.did, LIST, &self.token)
            .unwrap();
        match self.pending.finish(&self.answer, &view, now) {
            Ok(accepted) => (accepted.report().verdict, String::new()),
            Err(refusal) => (refusal.verdict(), refusal.report().reason.clone()),
        }
    }

    fn verdict(&mut self) -> Verdict {
        self.check(NOW, NOW).0
    }
}

fn give(world: &mut World, by: &TestAgency, to: &TestAgency, (from, until): (u64, u64)) {
    let key = RecordKey::Accreditation {
        subject: to.did.clone(),
        role: Role::Issuer,
    };
    let version = match world.ledger.record(&key) {
        Some(Record::Accreditation(record)) => record.version,
        _ => 0,
    };
    let grant = Operation::Accredit {
        accreditor: Accreditor::Did(by.did.clone()),
        subject: to.did.clone(),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".to_owned(),
            en: "Jongno".to_owned(),
        },
        types: vec![CARD.to_owned()],
        claims: Claims::Any,
        from,
        until,
        version,
    };
    world.ledger.apply(&by.sign(&grant)).unwrap();
}

#[test]
fn ended_ministry_stays_ended_when_the_office_ran_out() {
    let mut scene = Scene::new();
    assert_eq!(scene.check(NOW - 45, NOW).0, Verdict::Valid);
    scene.end_ministry(ENDED);
    // While the office's own grant runs, and from the second on in which it runs out.
    for at in [ENDED, RUN_OUT - 1, RUN_OUT, NOW] {
        let (verdict, reason) = scene.check(at, at.max(NOW - 5));
        assert_eq!(verdict, Verdict::IssuerNotAccredited, "{at}");
        assert!(reason.contains("was accredited at the time"), "{reason}");
        assert!(reason.contains("ended"), "{reason}");
        assert_eq!(require_legible(&reason), Ok(()));
    }
    // A clock that lags behind the ledger's undoes nothing.
    assert_eq!(scene.check(NOW, NOW - 50).0, Verdict::IssuerNotAccredited);
}

#[test]
fn office_that_only_ran_out_leaves_its_cards_valid() {
    let mut scene = Scene::new();
    assert_eq!(scene.verdict(), Verdict::Valid);
}

#[test]
fn ministry_ended_after_the_office_ran_out_is_ended() {
    let mut scene = Scene::new();
    scene.end_ministry(AGAIN);
    assert_eq!(scene.verdict(), Verdict::IssuerNotAccredited);
}

#[test]
fn ministry_deactivated_after_the_office_ran_out_is_deactivated() {
    let mut scene = Scene::new();
    scene.world.ledger.set_time(AGAIN);
    scene.world.ledger.deactivate(&scene.ministry);
    assert_eq!(scene.verdict(), Verdict::IssuerNotAccredited);
}

#[test]
fn new_grant_revives_nothing_issued_under_the_ended_one() {
    let mut scene = Scene::new();
    scene.end_ministry(ENDED);
    let (ministry, until) = (scene.ministry.did.clone(), NOW + 100 * DAY);
    scene.world.ledger.set_time(AGAIN);
    scene
        .world
        .ledger
        .accredit(&ministry, Role::Accreditor, &[CARD], AGAIN, until);
    assert_eq!(scene.verdict(), Verdict::IssuerNotAccredited);
    let Scene {
        world,
        ministry,
        office,
        ..
    } = &mut scene;
    give(world, ministry, office, (AGAIN, until));
    assert_eq!(scene.verdict(), Verdict::IssuerNotAccredited);
}

#[test]
fn grant_anew_that_covers_the_date_heals() {
    let mut scene = Scene::new();
    scene.end_ministry(ENDED);
    let (ministry, until) = (scene.ministry.did.clone(), NOW + 100 * DAY);
    scene.world.ledger.set_time(AGAIN);
    scene
        .world
        .ledger
        .accredit(&ministry, Role::Accreditor, &[CARD], ISSUED, until);
    assert_eq!(scene.verdict(), Verdict::IssuerNotAccredited);
    let Scene {
        world,
        ministry,
        office,
        ..
    } = &mut scene;
    give(world, ministry, office, (ISSUED, until));
    assert_eq!(scene.verdict(), Verdict::Valid);
}

#[test]
fn list_answers_until_the_second_in_which_a_newer_one_is_due_and_a_request_until_it_ends() {
    let mut scene = Scene::new();
    let digest = scene.world.list.digest();
    scene.world.ledger.set_time(NOW - 30);
    scene.world.ledger.anchor(
        &scene.office,
        AnchorKind::StatusList,
        LIST,
        2,
        digest,
        Some(NOW + 100),
    );
    assert_eq!(scene.check(NOW, NOW + 99).0, Verdict::Valid);
    let (verdict, reason) = scene.check(NOW, NOW + 100);
    assert_eq!(verdict, Verdict::StatusStale);
    assert!(reason.contains("overdue"), "{reason}");
    let end = scene.pending.expires();
    assert!(!scene.pending.is_over(end - 1) && scene.pending.is_over(end));
    assert_eq!(scene.check(NOW, end).0, Verdict::PresentationExpired);
}
