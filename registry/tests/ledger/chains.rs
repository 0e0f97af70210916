//! Random accreditations, endings and deactivations at random times, against a simple model of what they mean.

use std::cell::Cell;
use std::collections::BTreeMap;

use jumin_registry::{
    AccreditationError, Accreditor, Claims, Localized, Lookup, LookupRecord, MAX_CHAIN_DEPTH,
    Operation, Record, RecordKey, Role, accreditation_at, accredited_claims_at,
    testing::{TestAgency, TestLedger},
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::NOW;

pub(super) const AGENCIES: usize = 6;
pub(super) const TYPES: [&str; 3] = ["urn:a", "urn:b", "urn:c"];
/// Every claim that a grant can name, with the atoms that it stands for; the last atom is what no name reaches.
const CLAIMS: [(&str, u8); 5] = [
    ("name", 0b00_0001),
    ("address", 0b00_1110),
    ("address.sido", 0b00_0010),
    ("address.sigungu", 0b00_0100),
    ("portrait", 0b01_0000),
];
const ALL_CLAIMS: u8 = 0b11_1111;
const MAX_GRANTS: usize = 16;

/// What somebody tries; `by` is an agency, or governance from `AGENCIES` on.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    Wait(u64),
    Accredit {
        by: usize,
        subject: usize,
        role: Role,
        types: u8,
        claims: u8,
        from: i64,
        lasts: u64,
    },
    End {
        by: usize,
        grant: prop::sample::Index,
    },
    Deactivate(usize),
}

fn deed() -> impl Strategy<Value = Deed> {
    let role = prop_oneof![
        3 => Just(Role::Accreditor),
        1 => Just(Role::Issuer),
        1 => Just(Role::Verifier),
    ];
    let accredit = (
        (0..AGENCIES + 3, 0..AGENCIES, role),
        // 0 stands for every type, and for every claim.
        (
            prop_oneof![2 => Just(0), 3 => 1_u8..8],
            prop_oneof![3 => Just(0), 1 => 1_u8..32],
        ),
        (-20_i64..40, 20_u64..400),
    );
    let accredit = accredit.prop_map(|(who, (types, claims), (from, lasts))| {
        let (by, subject, role) = who;
        let is_issuer = role == Role::Issuer;
        // Those of governance reach further, so that there is room below them.
        let (from, lasts) = match by >= AGENCIES {
            true => (from - 20, lasts * 4),
            false => (from, lasts),
        };
        Deed::Accredit {
            by,
            subject,
            role,
            types: if is_issuer { types.max(1) } else { types },
            claims: if is_issuer { 0 } else { claims },
            from,
            lasts,
        }
    });
    let end = (0..AGENCIES + 3, any::<prop::sample::Index>());
    prop_oneof![
        3 => (1_u64..15).prop_map(Deed::Wait),
        12 => accredit,
        2 => end.prop_map(|(by, grant)| Deed::End { by, grant }),
        1 => (0..AGENCIES * 4).prop_map(Deed::Deactivate),
    ]
}

/// A ministry and a city, so that random deeds find somebody to go on from.
fn first_deeds() -> [Deed; 3] {
    [(AGENCIES, 0, 900), (0, 1, 800), (1, 2, 700)].map(|(by, subject, lasts)| Deed::Accredit {
        by,
        subject,
        role: Role::Accreditor,
        types: 0,
        claims: 0,
        from: 0,
        lasts,
    })
}

/// A grant as the model has it: sets of types and claims as bits, and the place of the grant that it hangs below.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) by: Option<usize>,
    pub(super) subject: usize,
    pub(super) role: Role,
    pub(super) types: u8,
    pub(super) claims: u8,
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) ended: Option<u64>,
    pub(super) above: Option<usize>,
    pub(super) id: u64,
}

/// What the deeds mean, told as simply as possible.
#[derive(Default)]
pub(super) struct Model {
    pub(super) given: Vec<Given>,
    pub(super) gone: BTreeMap<usize, u64>,
}

impl Model {
    fn is_active(&self, agency: usize, at: u64) -> bool {
        self.gone.get(&agency).is_none_or(|gone| at < *gone)
    }

    /// A step holds if it does, and its subject is there, and all the steps above hold.
    fn holds(&self, index: usize, at: u64) -> bool {
        let grant = &self.given[index];
        grant.from <= at
            && at < grant.until
            && grant.ended.is_none_or(|ended| at < ended)
            && self.is_active(grant.subject, at)
            && grant.above.is_none_or(|above| self.holds(above, at))
    }

    fn depth(&self, index: usize) -> usize {
        1 + self.given[index].above.map_or(0, |above| self.depth(above))
    }

    fn of(&self, subject: usize, role: Role) -> impl Iterator<Item = usize> {
        let is = move |grant: &Given| grant.subject == subject && grant.role == role;
        let found = self.given.iter().enumerate();
        let found: Vec<_> = found
            .filter(|(_, grant)| is(grant))
            .map(|(at, _)| at)
            .collect();
        found.into_iter()
    }

    /// Finds the grant that a new one would hang below: the longest of those that hold and that it lies within.
    fn above(&self, by: usize, new: &Given, now: u64) -> Option<usize> {
        let room = MAX_CHAIN_DEPTH - usize::from(new.role == Role::Accreditor);
        let fits = |index: &usize| {
            self.holds(*index, now)
                && is_within(new, &self.given[*index])
                && self.depth(*index) < room
        };
        let order = |index: &usize| (self.given[*index].until, self.given[*index].id);
        let own = self.of(by, Role::Accreditor);
        own.filter(fits).max_by_key(order)
    }

    /// Takes a grant in if it may be given.
    fn accredit(&mut self, mut new: Given, now: u64) -> bool {
        let full = self.of(new.subject, new.role).count() >= MAX_GRANTS;
        if full || !self.is_active(new.subject, now) {
            return false;
        }
        if let Some(by) = new.by {
            new.above = self.above(by, &new, now);
            if by == new.subject || !self.is_active(by, now) || new.above.is_none() {
                return false;
            }
        }
        self.given.push(new);
        true
    }

    fn end(&mut self, by: Option<usize>, index: usize, now: u64) -> bool {
        let may = by.is_none_or(|by| self.given[index].by == Some(by) && self.is_active(by, now));
        let may = may && self.given[index].ended.is_none();
        if may {
            self.given[index].ended = Some(now);
        }
        may
    }

    /// Tells whether a role held, for a type if one is given.
    fn is_accredited(&self, subject: usize, role: Role, of_type: Option<usize>, at: u64) -> bool {
        self.of(subject, role).any(|index| {
            let types = self.given[index].types;
            self.holds(index, at) && of_type.is_none_or(|one| types == 0 || types & (1 << one) != 0)
        })
    }

    fn claims(&self, subject: usize, of_type: usize, at: u64) -> u8 {
        let held = self.of(subject, Role::Verifier).filter(|index| {
            let types = self.given[*index].types;
            self.holds(*index, at) && (types == 0 || types & (1 << of_type) != 0)
        });
        held.fold(0, |all, index| all | self.given[index].claims)
    }
}

fn is_within(new: &Given, above: &Given) -> bool {
    let types = above.types == 0 || (new.types != 0 && new.types & !above.types == 0);
    let claims = new.role == Role::Issuer || new.claims & !above.claims == 0;
    types && claims && above.from <= new.from && new.until <= above.until
}

/// The atoms that a selection of [`CLAIMS`] stands for; none selected stands for all of them.
fn atoms(selected: u8) -> u8 {
    let bits =
        |(at, (_, atoms)): (usize, &(&str, u8))| (selected & (1 << at) != 0).then_some(*atoms);
    match selected {
        0 => ALL_CLAIMS,
        _ => CLAIMS
            .iter()
            .enumerate()
            .filter_map(bits)
            .fold(0, |all, one| all | one),
    }
}

fn claims(selected: u8) -> Claims {
    let named = CLAIMS.iter().enumerate();
    let named = named.filter(|(at, _)| selected & (1 << at) != 0);
    match selected {
        0 => Claims::Any,
        _ => Claims::Only(named.map(|(_, (name, _))| name.parse().unwrap()).collect()),
    }
}

fn types(selected: u8) -> Vec<String> {
    let named = TYPES.iter().enumerate();
    let named = named.filter(|(at, _)| selected & (1 << at) != 0);
    named.map(|(_, name)| (*name).to_owned()).collect()
}

/// All records of the agencies, as a view that lacks nothing.
pub(super) struct View(BTreeMap<RecordKey, Option<Record>>);

impl LookupRecord for View {
    fn lookup(&self, key: &RecordKey) -> Lookup {
        match self.0.get(key) {
            Some(Some(record)) => Lookup::Present(record.clone()),
            Some(None) => Lookup::Absent,
            None => Lookup::Unknown,
        }
    }
}

/// A ledger and the model of it, side by side.
pub(super) struct Scene {
    pub(super) ledger: TestLedger,
    pub(super) agencies: Vec<TestAgency>,
    pub(super) model: Model,
    pub(super) now: u64,
}

impl Scene {
    pub(super) fn new() -> Self {
        let mut ledger = TestLedger::new(NOW);
        let agencies = (0..AGENCIES).map(|_| ledger.agency()).collect();
        Self {
            ledger,
            agencies,
            model: Model::default(),
            now: NOW,
        }
    }

    pub(super) fn key(&self, subject: usize, role: Role) -> RecordKey {
        RecordKey::Accreditation {
            subject: self.agencies[subject].did.clone(),
            role,
        }
    }

    fn version(&self, subject: usize, role: Role) -> u64 {
        match self.ledger.record(&self.key(subject, role)) {
            Some(Record::Accreditation(record)) => record.version,
            _ => 0,
        }
    }

    /// Submits an operation by an agency, or by governance; tells whether the ledger took it.
    fn submit(&mut self, by: Option<usize>, operation: &Operation) -> bool {
        let signed = match by {
            Some(by) => self.agencies[by].sign(operation),
            None => self.ledger.governed(operation),
        };
        self.ledger.apply(&signed).is_ok()
    }

    fn accreditor(&self, by: Option<usize>) -> Accreditor {
        by.map_or(Accreditor::Governance, |by| {
            Accreditor::Did(self.agencies[by].did.clone())
        })
    }

    /// Does a deed on both; they must agree on whether it may be done.
    pub(super) fn act(&mut self, deed: &Deed) -> bool {
        let agency = |by: usize| (by < AGENCIES).then_some(by);
        match *deed {
            Deed::Wait(seconds) => {
                self.now += seconds;
                self.ledger.set_time(self.now);
                true
            }
            Deed::Accredit {
                by,
                subject,
                role,
                types: of_types,
                claims: of_claims,
                from,
                lasts,
            } => {
                let (by, version) = (agency(by), self.version(subject, role));
                let from = self.now.saturating_add_signed(from);
                let operation = Operation::Accredit {
                    accreditor: self.accreditor(by),
                    subject: self.agencies[subject].did.clone(),
                    role,
                    name: Localized {
                        ko: "기관".into(),
                        en: "Agency".into(),
                    },
                    types: types(of_types),
                    claims: claims(of_claims),
                    from,
                    until: from + lasts,
                    version,
                };
                let new = Given {
                    by,
                    subject,
                    role,
                    types: of_types,
                    claims: atoms(of_claims),
                    from,
                    until: from + lasts,
                    ended: None,
                    above: None,
                    id: version + 1,
                };
                let taken = self.submit(by, &operation);
                assert_eq!(taken, self.model.accredit(new, self.now), "{operation:?}");
                taken
            }
            Deed::End { by, ref grant } => {
                if self.model.given.is_empty() {
                    return false;
                }
                let (by, index) = (agency(by), grant.index(self.model.given.len()));
                let (subject, role) = (
                    self.model.given[index].subject,
                    self.model.given[index].role,
                );
                let operation = Operation::EndAccreditation {
                    accreditor: self.accreditor(by),
                    subject: self.agencies[subject].did.clone(),
                    role,
                    grant: self.model.given[index].id,
                    version: self.version(subject, role),
                };
                let taken = self.submit(by, &operation);
                assert_eq!(taken, self.model.end(by, index, self.now), "{operation:?}");
                taken
            }
            Deed::Deactivate(which) => {
                let fresh = which < AGENCIES && !self.model.gone.contains_key(&which);
                if fresh {
                    self.ledger.deactivate(&self.agencies[which]);
                    self.model.gone.insert(which, self.now);
                }
                fresh
            }
        }
    }

    pub(super) fn view(&self) -> View {
        let mut records = BTreeMap::new();
        for (index, agency) in self.agencies.iter().enumerate() {
            let mut keys = vec![RecordKey::Did(agency.did.clone())];
            keys.extend(Role::ALL.map(|role| self.key(index, role)));
            records.extend(keys.into_iter().map(|key| {
                let record = self.ledger.record(&key);
                (key, record)
            }));
        }
        View(records)
    }

    /// The times at which something changes, and those before them.
    pub(super) fn times(&self) -> Vec<u64> {
        let of_grants = self.model.given.iter();
        let of_grants =
            of_grants.flat_map(|grant| [Some(grant.from), Some(grant.until), grant.ended]);
        let times = of_grants.flatten().chain(self.model.gone.values().copied());
        let mut times: Vec<_> = times.flat_map(|at| [at - 1, at]).collect();
        times.extend([NOW, self.now]);
        times.sort_unstable();
        times.dedup();
        times
    }

    /// Holds the ledger's answers for every agency, role and type at `at` against the model's.
    fn check(&self, view: &dyn LookupRecord, at: u64) {
        let of_types = [None, Some(0), Some(1), Some(2)];
        for (index, agency) in self.agencies.iter().enumerate() {
            for (role, of_type) in Role::ALL
                .iter()
                .flat_map(|role| of_types.map(|of_type| (*role, of_type)))
            {
                let name = of_type.map(|one| TYPES[one]);
                let chain = accreditation_at(view, &agency.did, role, name, at);
                let expected = self.model.is_accredited(index, role, of_type, at);
                assert_eq!(
                    chain.is_ok(),
                    expected,
                    "{index} {role} {name:?} at {at}: {chain:?}"
                );
                let Ok(chain) = chain else { continue };
                for steps in chain.grants.windows(2) {
                    assert!(lies_within(&steps[0], &steps[1]), "{steps:?}");
                }
            }
            for (of_type, name) in TYPES.iter().enumerate() {
                let allowed = accredited_claims_at(view, &agency.did, name, at);
                let expected = self.model.claims(index, of_type, at);
                assert_eq!(allowed.is_ok(), expected != 0);
                let allowed = allowed.unwrap_or(Claims::Only(Vec::new()));
                for (claim, atoms) in CLAIMS {
                    let asked = [claim.parse().unwrap()];
                    // The same claim may be pieced together from grants, of which none covers it: that is not asked for whole.
                    if allowed.beyond(&asked).is_empty() {
                        assert_eq!(atoms & !expected, 0, "{claim}");
                    } else {
                        assert!(claim == "address" || atoms & !expected != 0, "{claim}");
                    }
                }
            }
        }
    }
}

/// Tells whether one grant on the ledger lies within another, name by name.
fn lies_within(below: &jumin_registry::Grant, above: &jumin_registry::Grant) -> bool {
    let named = |granted: &[String], name: &String| granted.is_empty() || granted.contains(name);
    let types = match below.types.as_slice() {
        [] => above.types.is_empty(),
        names => names.iter().all(|name| named(&above.types, name)),
    };
    below.under == Some(above.id) && types && above.from <= below.from && below.until <= above.until
}

#[test]
fn a_chain_holds_exactly_while_every_step_does_and_lies_within_the_one_above() {
    let (below, deepest, ended, checks) = (
        Cell::new(0_usize),
        Cell::new(0_usize),
        Cell::new(0_usize),
        Cell::new(0_usize),
    );
    let mut runner = TestRunner::new(Config::with_cases(48));
    let deeds = prop::collection::vec(deed(), 30..80);
    let result = runner.run(&deeds, |deeds| {
        let mut scene = Scene::new();
        let mut held = Vec::new();
        for deed in first_deeds().iter().chain(&deeds) {
            let taken = scene.act(deed);
            if taken && matches!(deed, Deed::End { .. }) {
                ended.set(ended.get() + 1);
            }
            // A second that is over: nothing may take back what held then.
            if taken && matches!(deed, Deed::Wait(_)) {
                let (view, at) = (scene.view(), scene.now - 1);
                for (index, role) in
                    (0..AGENCIES).flat_map(|index| Role::ALL.map(|role| (index, role)))
                {
                    let did = &scene.agencies[index].did;
                    if accreditation_at(&view, did, role, None, at).is_ok() {
                        held.push((index, role, at));
                    }
                }
            }
        }
        let view = scene.view();
        for at in scene.times() {
            scene.check(&view, at);
            checks.set(checks.get() + 1);
        }
        for (index, role, at) in held {
            let did = &scene.agencies[index].did;
            let then = accreditation_at(&view, did, role, None, at);
            prop_assert!(then.is_ok(), "{index} {role} at {at}: {then:?}");
        }
        for (index, grant) in scene.model.given.iter().enumerate() {
            below.set(below.get() + usize::from(grant.by.is_some()));
            deepest.set(deepest.get().max(scene.model.depth(index)));
        }
        Ok(())
    });
    result.unwrap();
    // The deeds must not all have been refused.
    let seen = (below.get(), deepest.get(), ended.get(), checks.get());
    assert!(seen.0 > 300 && seen.1 == MAX_CHAIN_DEPTH, "{seen:?}");
    assert!(seen.2 > 20 && seen.3 > 1_000, "{seen:?}");
}

#[test]
fn ending_a_ministry_ends_the_office_three_steps_down_for_good_and_not_for_the_past() {
    let mut scene = Scene::new();
    let give = |by, subject, role| Deed::Accredit {
        by,
        subject,
        role,
        types: 1,
        claims: 0,
        from: 0,
        lasts: 300,
    };
    for deed in [
        give(AGENCIES, 0, Role::Accreditor),
        give(0, 1, Role::Accreditor),
        give(1, 2, Role::Accreditor),
        give(2, 3, Role::Issuer),
        Deed::Wait(50),
    ] {
        assert!(scene.act(&deed), "{deed:?}");
    }
    let office = scene.agencies[3].did.clone();
    let at = |scene: &Scene, at| {
        let chain = accreditation_at(&scene.view(), &office, Role::Issuer, Some(TYPES[0]), at);
        chain.map(|chain| chain.grants.len())
    };
    assert_eq!(at(&scene, NOW + 50), Ok(4));
    scene
        .ledger
        .end_accreditation(&scene.agencies[0].did, Role::Accreditor, 1);
    assert_eq!(at(&scene, NOW + 49), Ok(4));
    assert_eq!(at(&scene, NOW + 50), Err(AccreditationError::Ended));

    // The ministry is accredited again: what it had granted before stays ended.
    let ministry = scene.agencies[0].did.clone();
    scene
        .ledger
        .accredit(&ministry, Role::Accreditor, &[TYPES[0]], NOW, NOW + 900);
    assert_eq!(at(&scene, NOW + 60), Err(AccreditationError::Ended));
    assert_eq!(at(&scene, NOW + 49), Ok(4));

    // All of it from one bundle.
    let trust = scene.ledger.trust();
    let bundle = scene.ledger.bundle(NOW + 70).verify(&trust).unwrap();
    for (time, expected) in [
        (NOW + 49, Ok(4)),
        (NOW + 60, Err(AccreditationError::Ended)),
    ] {
        let chain = accreditation_at(&bundle, &office, Role::Issuer, Some(TYPES[0]), time);
        assert_eq!(chain.map(|chain| chain.grants.len()), expected);
    }
}
