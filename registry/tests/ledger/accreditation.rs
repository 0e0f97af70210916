use jumin_identity::Did;
use jumin_registry::{
    AccreditationError, Accreditor, Claims, Localized, Lookup, LookupRecord, Operation, Record,
    RecordKey, Rejection, Role, VerifiedBundle, accreditation_at,
    testing::{TestAgency, TestLedger},
};

use super::{CARD, NOW, REGISTER};

const YEAR: u64 = 365 * 86_400;

fn view(ledger: &mut TestLedger) -> VerifiedBundle {
    let trust = ledger.trust();
    ledger.bundle(NOW).verify(&trust).unwrap()
}

fn issuer_at(view: &dyn LookupRecord, did: &Did, at: u64) -> Result<usize, AccreditationError> {
    accreditation_at(view, did, Role::Issuer, Some(CARD), at).map(|chain| chain.grants.len())
}

fn grant(
    by: &TestAgency,
    subject: &Did,
    role: Role,
    types: &[&str],
    (from, until): (u64, u64),
) -> Operation {
    Operation::Accredit {
        accreditor: Accreditor::Did(by.did.clone()),
        subject: subject.clone(),
        role,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno".into(),
        },
        types: types.iter().map(|name| (*name).to_owned()).collect(),
        claims: Claims::Any,
        from,
        until,
        version: 0,
    }
}

/// A province accredited to accredit for the card, and a district without any grant.
fn province_and_district() -> (TestLedger, TestAgency, TestAgency) {
    let mut ledger = TestLedger::new(NOW);
    let (province, district) = (ledger.agency(), ledger.agency());
    ledger.accredit(&province.did, Role::Accreditor, &[CARD], NOW, NOW + YEAR);
    (ledger, province, district)
}

#[test]
fn grant_holds_for_its_types_and_period_only() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + YEAR);
    let view = view(&mut ledger);
    let chain = accreditation_at(&view, &agency.did, Role::Issuer, Some(CARD), NOW).unwrap();
    assert_eq!(chain.name.en, "Jongno-gu, Seoul");
    assert_eq!(issuer_at(&view, &agency.did, NOW + YEAR - 1), Ok(1));
    for at in [NOW - 1, NOW + YEAR] {
        assert_eq!(
            issuer_at(&view, &agency.did, at),
            Err(AccreditationError::NotAccredited)
        );
    }
    let other_type = accreditation_at(&view, &agency.did, Role::Issuer, Some(REGISTER), NOW);
    assert_eq!(other_type.unwrap_err(), AccreditationError::NotAccredited);
}

#[test]
fn other_role_is_not_accredited_where_its_absence_is_proven() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + YEAR);
    let key = RecordKey::Accreditation {
        subject: agency.did.clone(),
        role: Role::Verifier,
    };
    let trust = ledger.trust();
    let mut bundle = ledger.bundle(NOW);
    bundle.records.push(ledger.prove(&key));
    let bundle = jumin_registry::Bundle::new(bundle.checkpoint, bundle.records);
    let view = bundle.verify(&trust).unwrap();
    assert_eq!(view.lookup(&key), Lookup::Absent);
    let result = accreditation_at(&view, &agency.did, Role::Verifier, None, NOW);
    assert_eq!(result.unwrap_err(), AccreditationError::NotAccredited);
}

#[test]
fn record_missing_from_the_view_is_unknown_not_unaccredited() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    let view = view(&mut ledger);
    assert_eq!(
        issuer_at(&view, &agency.did, NOW),
        Err(AccreditationError::Unknown)
    );
}

#[test]
fn ended_grant_holds_before_its_end_and_says_ended_for_the_rest_of_its_period() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    let id = ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + YEAR);
    ledger.set_time(NOW + 50);
    ledger.end_accreditation(&agency.did, Role::Issuer, id);
    let view = view(&mut ledger);
    assert_eq!(issuer_at(&view, &agency.did, NOW + 49), Ok(1));
    for at in [NOW + 50, NOW + YEAR - 1] {
        assert_eq!(
            issuer_at(&view, &agency.did, at),
            Err(AccreditationError::Ended)
        );
    }
    // No period covers what comes after it, ended or not.
    assert_eq!(
        issuer_at(&view, &agency.did, NOW + YEAR),
        Err(AccreditationError::NotAccredited)
    );
}

#[test]
fn deactivated_issuer_is_deactivated_from_then_on() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + YEAR);
    ledger.set_time(NOW + 50);
    ledger.deactivate(&agency);
    let view = view(&mut ledger);
    assert_eq!(issuer_at(&view, &agency.did, NOW + 49), Ok(1));
    assert_eq!(
        issuer_at(&view, &agency.did, NOW + 50),
        Err(AccreditationError::Deactivated)
    );
}

#[test]
fn accreditor_grants_within_its_own_and_the_chain_reaches_governance() {
    let (mut ledger, province, district) = province_and_district();
    let operation = grant(
        &province,
        &district.did,
        Role::Issuer,
        &[CARD],
        (NOW, NOW + YEAR),
    );
    ledger.apply(&province.sign(&operation)).unwrap();
    let view = view(&mut ledger);
    let chain = accreditation_at(&view, &district.did, Role::Issuer, Some(CARD), NOW).unwrap();
    assert_eq!(chain.name.en, "Jongno");
    assert_eq!(chain.grants.len(), 2);
    assert_eq!(chain.grants[1].by, Accreditor::Governance);
}

#[test]
fn grant_outside_the_accreditors_own_is_refused() {
    let (mut ledger, province, district) = province_and_district();
    let outside = [
        grant(
            &province,
            &district.did,
            Role::Issuer,
            &[REGISTER],
            (NOW, NOW + YEAR),
        ),
        grant(
            &province,
            &district.did,
            Role::Issuer,
            &[CARD, REGISTER],
            (NOW, NOW + YEAR),
        ),
        grant(
            &province,
            &district.did,
            Role::Verifier,
            &[],
            (NOW, NOW + YEAR),
        ),
        grant(
            &province,
            &district.did,
            Role::Issuer,
            &[CARD],
            (NOW - 1, NOW + YEAR),
        ),
        grant(
            &province,
            &district.did,
            Role::Issuer,
            &[CARD],
            (NOW, NOW + YEAR + 1),
        ),
        grant(
            &province,
            &province.did,
            Role::Issuer,
            &[CARD],
            (NOW, NOW + YEAR),
        ),
    ];
    for operation in outside {
        let signed = province.sign(&operation);
        assert_eq!(
            ledger.apply(&signed),
            Err(Rejection::OutsideParent),
            "{operation:?}"
        );
    }
}

#[test]
fn agency_without_the_role_accredits_nobody() {
    let (mut ledger, _, district) = province_and_district();
    let other = ledger.agency();
    ledger.accredit(&district.did, Role::Issuer, &[CARD], NOW, NOW + YEAR);
    let signed = district.sign(&grant(
        &district,
        &other.did,
        Role::Issuer,
        &[CARD],
        (NOW, NOW + YEAR),
    ));
    assert_eq!(ledger.apply(&signed), Err(Rejection::NotAccredited));
}

#[test]
fn ending_the_accreditor_ends_those_below_it() {
    let (mut ledger, province, district) = province_and_district();
    let operation = grant(
        &province,
        &district.did,
        Role::Issuer,
        &[CARD],
        (NOW, NOW + YEAR),
    );
    ledger.apply(&province.sign(&operation)).unwrap();
    ledger.set_time(NOW + 50);
    ledger.end_accreditation(&province.did, Role::Accreditor, 1);
    let operation = grant(
        &province,
        &province.did,
        Role::Issuer,
        &[CARD],
        (NOW, NOW + YEAR),
    );
    assert_eq!(
        ledger.apply(&province.sign(&operation)),
        Err(Rejection::NotAccredited)
    );
    let view = view(&mut ledger);
    assert_eq!(issuer_at(&view, &district.did, NOW + 49), Ok(2));
    assert_eq!(
        issuer_at(&view, &district.did, NOW + 50),
        Err(AccreditationError::Ended)
    );
}

#[test]
fn accreditor_ends_its_own_grants_only() {
    let (mut ledger, province, district) = province_and_district();
    let id = ledger.accredit(&district.did, Role::Issuer, &[CARD], NOW, NOW + YEAR);
    let end = |by: &TestAgency, version| Operation::EndAccreditation {
        accreditor: Accreditor::Did(by.did.clone()),
        subject: district.did.clone(),
        role: Role::Issuer,
        grant: id,
        version,
    };
    assert_eq!(
        ledger.apply(&province.sign(&end(&province, 1))),
        Err(Rejection::NotAccredited)
    );
    ledger.end_accreditation(&district.did, Role::Issuer, id);
    let again = Operation::EndAccreditation {
        accreditor: Accreditor::Governance,
        subject: district.did.clone(),
        role: Role::Issuer,
        grant: id,
        version: 2,
    };
    assert_eq!(
        ledger.apply(&ledger.governed(&again)),
        Err(Rejection::UnknownGrant)
    );
}

#[test]
fn chains_are_at_most_four_grants_long() {
    let mut ledger = TestLedger::new(NOW);
    let agencies: Vec<TestAgency> = (0..5).map(|_| ledger.agency()).collect();
    ledger.accredit(&agencies[0].did, Role::Accreditor, &[CARD], NOW, NOW + YEAR);
    for pair in agencies.windows(2).take(2) {
        let below = &pair[1].did;
        let operation = grant(
            &pair[0],
            below,
            Role::Accreditor,
            &[CARD],
            (NOW, NOW + YEAR),
        );
        ledger.apply(&pair[0].sign(&operation)).unwrap();
    }
    let period = (NOW, NOW + YEAR);
    let fourth = grant(
        &agencies[2],
        &agencies[3].did,
        Role::Accreditor,
        &[CARD],
        period,
    );
    let refused = ledger.apply(&agencies[2].sign(&fourth)).unwrap_err();
    assert_eq!(refused.code(), "limits");
    let issuer = grant(
        &agencies[2],
        &agencies[3].did,
        Role::Issuer,
        &[CARD],
        period,
    );
    ledger.apply(&agencies[2].sign(&issuer)).unwrap();
    assert_eq!(issuer_at(&view(&mut ledger), &agencies[3].did, NOW), Ok(4));
}

#[test]
fn a_seventeenth_grant_is_refused() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    for _ in 0..16 {
        ledger.accredit(&agency.did, Role::Issuer, &[CARD], NOW, NOW + YEAR);
    }
    let one_more = Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: agency.did.clone(),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno".into(),
        },
        types: vec![CARD.to_owned()],
        claims: Claims::Any,
        from: NOW,
        until: NOW + YEAR,
        version: 16,
    };
    let refused = ledger.apply(&ledger.governed(&one_more)).unwrap_err();
    assert_eq!(refused.code(), "limits");
}

#[test]
fn replayed_or_malformed_accreditation_is_refused() {
    let mut ledger = TestLedger::new(NOW);
    let (agency, gone) = (ledger.agency(), ledger.agency());
    ledger.deactivate(&gone);
    let accredit = |subject: &Did, version| Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: subject.clone(),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno".into(),
        },
        types: vec![CARD.to_owned()],
        claims: Claims::Any,
        from: NOW,
        until: NOW + YEAR,
        version,
    };
    let signed = ledger.governed(&accredit(&agency.did, 0));
    ledger.apply(&signed).unwrap();
    assert_eq!(ledger.apply(&signed), Err(Rejection::StaleVersion(1)));
    let deactivated = ledger.governed(&accredit(&gone.did, 0));
    assert_eq!(ledger.apply(&deactivated), Err(Rejection::Deactivated));

    let change = |change: &dyn Fn(&mut Localized, &mut Vec<String>, &mut u64)| {
        let mut operation = accredit(&agency.did, 1);
        if let Operation::Accredit {
            name, types, until, ..
        } = &mut operation
        {
            change(name, types, until);
        }
        operation.validate().unwrap_err().code()
    };
    assert_eq!(change(&|_, types, _| types.clear()), "malformed");
    assert_eq!(
        change(&|_, types, _| types.push(CARD.to_owned())),
        "malformed"
    );
    assert_eq!(
        change(&|_, types, _| types.push("a b".to_owned())),
        "malformed"
    );
    assert_eq!(change(&|_, _, until| *until = NOW), "malformed");
    assert_eq!(change(&|name, _, _| name.ko = " ".to_owned()), "malformed");
    assert_eq!(
        change(&|name, _, _| name.en = "a\nb".to_owned()),
        "malformed"
    );
    assert_eq!(change(&|name, _, _| name.ko = "가".repeat(101)), "limits");
    assert_eq!(
        change(&|_, types, _| types.extend((0..16).map(|n| n.to_string()))),
        "limits"
    );
}

#[test]
fn record_never_outgrows_what_a_reader_takes_and_every_grant_in_it_can_be_ended() {
    let mut ledger = TestLedger::new(NOW);
    let agency = ledger.agency();
    // Each takes two bytes a character in JSON.
    let types: Vec<String> = (0..16).map(|n| format!("{n:\"<256}")).collect();
    let accredit = |version| Operation::Accredit {
        accreditor: Accreditor::Governance,
        subject: agency.did.clone(),
        role: Role::Issuer,
        name: Localized {
            ko: "종로구".into(),
            en: "Jongno".into(),
        },
        types: types.clone(),
        claims: Claims::Any,
        from: NOW,
        until: NOW + YEAR,
        version,
    };
    let refused = (0..16).find_map(|version| {
        let operation = ledger.governed(&accredit(version));
        ledger.apply(&operation).err()
    });
    let bytes = Rejection::Limits("bytes in an accreditation record");
    assert_eq!(refused, Some(bytes));
    let key = RecordKey::Accreditation {
        subject: agency.did.clone(),
        role: Role::Issuer,
    };
    let Some(Record::Accreditation(record)) = ledger.record(&key) else {
        panic!("there are grants");
    };
    for grant in &record.grants {
        ledger.end_accreditation(&agency.did, Role::Issuer, grant.id);
    }
    view(&mut ledger);
}
