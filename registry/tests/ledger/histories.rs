//! Random histories against what `docs/did-method.md` §6 says of what was issued before: a list of events, and every chain spelt out.

use std::cell::RefCell;

use jumin_registry::{
    AccreditationError, GrantStanding, MAX_CHAIN_DEPTH, Record, Role, accreditation_since,
    grant_standing,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::NOW;
use super::chains::{AGENCIES, Deed, Given, Scene, TYPES, View};

/// Histories tried.
const HISTORIES: u32 = 200;
/// Pairs of a date of issuance and a date of judgement asked about in each.
const QUESTIONS: usize = 40;

/// What was taken away, and when.
#[derive(Clone, Copy)]
enum Lost {
    Grant(usize),
    Agency(usize),
}

/// The paper's model: grants as they were given, what was taken away in order, and nothing that is computed on the way.
struct Paper {
    given: Vec<Given>,
    losses: Vec<(u64, Lost)>,
    /// All chains, each as the places of its grants from governance downwards.
    chains: Vec<Vec<usize>>,
}

/// What the paper says of a question.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Says {
    Stands,
    TakenAway,
    NoChain,
}

impl Paper {
    fn of(scene: &Scene) -> Self {
        let given = scene.model.given.clone();
        let grants = given.iter().enumerate();
        let ended = grants.filter_map(|(at, grant)| Some((grant.ended?, Lost::Grant(at))));
        let gone = scene.model.gone.iter();
        let gone = gone.map(|(agency, at)| (*at, Lost::Agency(*agency)));
        let losses = ended.chain(gone).collect();
        let chains = Self::chains(&given);
        Self {
            given,
            losses,
            chains,
        }
    }

    fn chains(given: &[Given]) -> Vec<Vec<usize>> {
        let mut chains: Vec<Vec<usize>> = Vec::new();
        let roots = (0..given.len()).filter(|at| given[*at].above.is_none());
        let mut longest: Vec<Vec<usize>> = roots.map(|root| vec![root]).collect();
        for _ in 0..MAX_CHAIN_DEPTH {
            let grown = longest.iter().flat_map(|chain| {
                let last = chain.last().copied();
                let below = (0..given.len()).filter(move |at| given[*at].above == last);
                below.map(move |next| [chain.as_slice(), &[next]].concat())
            });
            let grown = grown.collect();
            chains.append(&mut longest);
            longest = grown;
        }
        chains
    }

    /// "It covers a type if each of its grants does, and a time if each of its periods does."
    fn covers(&self, chain: &[usize], of_type: Option<usize>, at: u64) -> bool {
        chain.iter().map(|place| &self.given[*place]).all(|grant| {
            let types = of_type.is_none_or(|one| grant.types == 0 || grant.types & (1 << one) != 0);
            types && (grant.from..grant.until).contains(&at)
        })
    }

    /// "It is taken away from the block on in which one of its grants is ended or one of its DIDs is deactivated."
    fn taken_away(&self, chain: &[usize], by: u64) -> bool {
        self.losses.iter().any(|(at, lost)| {
            let concerns = match lost {
                Lost::Grant(place) => chain.contains(place),
                Lost::Agency(agency) => {
                    let mut members = chain.iter().map(|place| self.given[*place].subject);
                    members.any(|member| member == *agency)
                }
            };
            concerns && *at <= by
        })
    }

    /// "What an agency issued at t stands at n if it has a chain that covers t and was not taken away by n."
    fn says(
        &self,
        agency: usize,
        role: Role,
        of_type: Option<usize>,
        issued: u64,
        latest: u64,
    ) -> Says {
        let its = |chain: &&Vec<usize>| {
            let own = chain.last().map(|place| &self.given[*place]);
            own.is_some_and(|own| own.subject == agency && own.role == role)
                && self.covers(chain, of_type, issued)
        };
        let covering: Vec<_> = self.chains.iter().filter(its).collect();
        if covering.is_empty() {
            Says::NoChain
        } else if covering.iter().all(|chain| self.taken_away(chain, latest)) {
            Says::TakenAway
        } else {
            Says::Stands
        }
    }
}

/// Deeds with long waits, so that periods run out, and with grants that reach back.
fn deed() -> impl Strategy<Value = Deed> {
    let role = prop_oneof![3 => Just(Role::Accreditor), 2 => Just(Role::Issuer)];
    let grant = (0..AGENCIES + 2, 0..AGENCIES, role, 1_u8..8);
    let accredit = (grant, -120_i64..30, 30_u64..300);
    let accredit = accredit.prop_map(|((by, subject, role, types), from, lasts)| {
        let by_governance = by >= AGENCIES;
        Deed::Accredit {
            by,
            subject,
            role,
            types: if role == Role::Issuer { types } else { 0 },
            claims: 0,
            from: if by_governance { from - 60 } else { from },
            lasts: if by_governance { lasts * 4 } else { lasts },
        }
    });
    let end = (0..AGENCIES + 3, any::<prop::sample::Index>());
    prop_oneof![
        4 => (1_u64..60).prop_map(Deed::Wait),
        12 => accredit,
        3 => end.prop_map(|(by, grant)| Deed::End { by, grant }),
        1 => (0..AGENCIES * 3).prop_map(Deed::Deactivate),
    ]
}

/// A ministry, a city and a district that may accredit, and an office at the end of four grants.
fn founding() -> [Deed; 4] {
    let give = |by, subject, role, lasts| Deed::Accredit {
        by,
        subject,
        role,
        types: u8::from(role == Role::Issuer),
        claims: 0,
        from: 0,
        lasts,
    };
    [
        give(AGENCIES, 0, Role::Accreditor, 900),
        give(0, 1, Role::Accreditor, 800),
        give(1, 2, Role::Accreditor, 700),
        give(2, 3, Role::Issuer, 120),
    ]
}

#[derive(Default)]
struct Seen {
    stands: usize,
    stands_after_run_out: usize,
    taken_after_run_out: usize,
    taken_beside_a_running_grant: usize,
    no_chain: usize,
    deepest: usize,
}

/// Holds the ledger's answer to one question against the paper's.
fn ask(
    (scene, view, paper): (&Scene, &View, &Paper),
    (agency, role, of_type): (usize, Role, Option<usize>),
    (issued, latest): (u64, u64),
    seen: &RefCell<Seen>,
) -> Result<(), TestCaseError> {
    let did = &scene.agencies[agency].did;
    let name = of_type.map(|one| TYPES[one]);
    let found = accreditation_since(view, did, role, name, issued, latest);
    let says = paper.says(agency, role, of_type, issued, latest);
    let agrees = match (&found, says) {
        (Ok(_), Says::Stands) => true,
        (Err(AccreditationError::Ended | AccreditationError::Deactivated), Says::TakenAway) => true,
        // A DID that is gone says so, whether or not it ever had a chain.
        (Err(AccreditationError::Deactivated), Says::NoChain) => true,
        (Err(AccreditationError::NotAccredited), Says::NoChain) => true,
        _ => false,
    };
    prop_assert!(
        agrees,
        "{agency} {role} {of_type:?} issued {issued} judged {latest}: {found:?}, the paper: {says:?}"
    );
    let runs = paper.says(agency, role, of_type, latest, latest) == Says::Stands;
    let mut seen = seen.borrow_mut();
    match (says, runs) {
        (Says::Stands, true) => seen.stands += 1,
        (Says::Stands, false) => seen.stands_after_run_out += 1,
        (Says::TakenAway, true) => seen.taken_beside_a_running_grant += 1,
        (Says::TakenAway, false) => {
            let over = paper.given.iter().any(|grant| {
                grant.subject == agency && grant.role == role && grant.until <= latest
            });
            seen.taken_after_run_out += usize::from(over);
        }
        (Says::NoChain, _) => seen.no_chain += 1,
    }
    let depth = found.map_or(0, |chain| chain.grants.len());
    seen.deepest = seen.deepest.max(depth);
    Ok(())
}

/// Holds what is said of each grant against the paper: by its own chain, at the end of the history.
fn ask_of_grants(scene: &Scene, view: &View, paper: &Paper) -> Result<(), TestCaseError> {
    for chain in &paper.chains {
        let own = &paper.given[*chain.last().expect("no chain is empty")];
        let record = scene.ledger.record(&scene.key(own.subject, own.role));
        let Some(Record::Accreditation(record)) = record else {
            panic!("the grant is on the ledger");
        };
        let grant = record.grants.iter().find(|grant| grant.id == own.id);
        let did = &scene.agencies[own.subject].did;
        let grant = grant.expect("no grant leaves its record");
        let standing = grant_standing(view, did, own.role, grant, scene.now);
        let taken = paper.taken_away(chain, scene.now);
        let agrees = match standing {
            GrantStanding::Ended | GrantStanding::Deactivated => taken,
            GrantStanding::Later => !taken && scene.now < own.from,
            GrantStanding::RanOut => !taken && own.until <= scene.now,
            GrantStanding::InForce => !taken && (own.from..own.until).contains(&scene.now),
            GrantStanding::NotCreated | GrantStanding::Unknown => false,
        };
        prop_assert!(agrees, "{own:?} at {}: {standing:?}", scene.now);
    }
    Ok(())
}

#[test]
fn what_was_issued_stands_exactly_as_the_paper_says_over_random_histories() {
    let seen = RefCell::new(Seen::default());
    let mut runner = TestRunner::new(Config::with_cases(HISTORIES));
    let questions = prop::collection::vec(
        (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
        QUESTIONS,
    );
    let history = (prop::collection::vec(deed(), 20..50), questions);
    let result = runner.run(&history, |(deeds, questions)| {
        let mut scene = Scene::new();
        for deed in founding().iter().chain(&deeds) {
            scene.act(deed);
        }
        let (view, paper, times) = (scene.view(), Paper::of(&scene), scene.times());
        ask_of_grants(&scene, &view, &paper)?;
        for (one, other) in &questions {
            let (one, other) = (one.get(&times), other.get(&times));
            let dates = (*one.min(other), *one.max(other));
            for agency in 0..AGENCIES {
                let of_type = Some(agency % TYPES.len());
                let parts = (&scene, &view, &paper);
                ask(parts, (agency, Role::Issuer, of_type), dates, &seen)?;
                ask(parts, (agency, Role::Accreditor, None), dates, &seen)?;
            }
            // The office of the founding, whose ministry is ended often.
            let office = (3, Role::Issuer, Some(0));
            ask(
                (&scene, &view, &paper),
                office,
                (NOW + 10, dates.1.max(NOW + 10)),
                &seen,
            )?;
        }
        Ok(())
    });
    result.unwrap();
    // The histories must have come to every answer, or they show little.
    let seen = seen.into_inner();
    for (what, count) in [
        ("stands", seen.stands),
        ("stands after a run-out", seen.stands_after_run_out),
        ("taken away after a run-out", seen.taken_after_run_out),
        (
            "taken away beside a grant that runs",
            seen.taken_beside_a_running_grant,
        ),
        ("no chain", seen.no_chain),
    ] {
        assert!(count > 100, "{what}: {count}");
    }
    assert_eq!(seen.deepest, MAX_CHAIN_DEPTH);
}
