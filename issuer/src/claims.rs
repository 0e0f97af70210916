//! Builds the claims of each credential type from the register.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use thiserror::Error;

use crate::register::{Address, CARD_AGE, Date, Resident};
use crate::store::Subject;

/// What the issuer can issue; the names are its credential configuration ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Configuration {
    ResidentCard,
    HouseholdRegister,
    IndividualRegister,
}

impl Configuration {
    pub const ALL: [Self; 3] = [
        Self::ResidentCard,
        Self::HouseholdRegister,
        Self::IndividualRegister,
    ];

    pub fn id(self) -> &'static str {
        match self {
            Self::ResidentCard => "resident-card",
            Self::HouseholdRegister => "household-register",
            Self::IndividualRegister => "individual-register",
        }
    }

    pub fn vct(self) -> &'static str {
        match self {
            Self::ResidentCard => "urn:jumin:resident-card:1",
            Self::HouseholdRegister => "urn:jumin:household-register:1",
            Self::IndividualRegister => "urn:jumin:individual-register:1",
        }
    }

    /// Finds the configuration with this id.
    pub fn find(id: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|configuration| configuration.id() == id)
    }
}

/// Why a resident can't get a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum NotEligible {
    #[error("the resident is under {CARD_AGE}, the age for a registration card")]
    TooYoung,
    #[error("the register has no address of the resident")]
    NoAddress,
}

impl NotEligible {
    /// Names the error for a program.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooYoung => "resident_too_young",
            Self::NoAddress => "resident_without_address",
        }
    }
}

/// Says whether `resident` may get `configuration` on `today`.
pub fn check_eligible(
    configuration: Configuration,
    resident: &Resident,
    today: Date,
) -> Result<(), NotEligible> {
    if resident.address().is_none() {
        return Err(NotEligible::NoAddress);
    }
    if configuration == Configuration::ResidentCard && !resident.may_hold_card(today) {
        return Err(NotEligible::TooYoung);
    }
    Ok(())
}

/// Builds the claims that a credential of this configuration makes about `subject` on `today`.
pub fn claims(
    configuration: Configuration,
    subject: &Subject,
    today: Date,
) -> Result<Map<String, Value>, NotEligible> {
    check_eligible(configuration, &subject.resident, today)?;
    let address = subject.resident.address().ok_or(NotEligible::NoAddress)?;
    let mut claims = match configuration {
        Configuration::ResidentCard => resident_card(subject, address, today),
        Configuration::HouseholdRegister => household_register(subject, address),
        Configuration::IndividualRegister => individual_register(&subject.resident),
    };
    let issued = match configuration {
        Configuration::ResidentCard => subject.resident.card_issued.unwrap_or(today),
        _ => today,
    };
    claims.insert("issuing_authority".to_owned(), json!(address.authority()));
    claims.insert("issue_date".to_owned(), json!(issued));
    Ok(claims)
}

fn object(members: Value) -> Map<String, Value> {
    let Value::Object(mut members) = members else {
        return Map::new();
    };
    members.retain(|_, value| !value.is_null());
    members
}

fn name_claim(resident: &Resident) -> Value {
    let name = &resident.name;
    Value::Object(object(
        json!({ "hangul": name.hangul, "hanja": name.hanja, "roman": name.roman }),
    ))
}

/// Always has all five parts, empty where an address has none (세종 has no 시군구, a detached house no detail): a counter that
/// asks for the whole address gets an answer, and a holder can't pass a part over as one that isn't there.
fn address_claim(address: &Address) -> Value {
    json!({
        "sido": address.sido,
        "sigungu": address.sigungu.as_deref().unwrap_or_default(),
        "eupmyeondong": address.eupmyeondong,
        "road": address.road,
        "detail": address.detail.as_deref().unwrap_or_default(),
    })
}

fn address_line(address: &Address) -> String {
    let mut line = address.sido.clone();
    for part in address.sigungu.iter().chain([&address.road]) {
        line.push(' ');
        line.push_str(part);
    }
    if let Some(detail) = &address.detail {
        line.push_str(", ");
        line.push_str(detail);
    }
    format!("{line} ({})", address.eupmyeondong)
}

fn resident_card(subject: &Subject, address: &Address, today: Date) -> Map<String, Value> {
    let resident = &subject.resident;
    let age = resident.number.birth_date().age_on(today);
    let portrait = subject
        .portrait
        .as_ref()
        .map(|jpeg| format!("data:image/jpeg;base64,{}", STANDARD.encode(jpeg)));
    object(json!({
        "name": name_claim(resident),
        "resident_registration_number": resident.number,
        "birthdate": resident.number.birth_date(),
        "sex": resident.number.sex(),
        "address": address_claim(address),
        "age_equal_or_over": { "14": age >= 14, "19": age >= 19, "65": age >= 65 },
        "portrait": portrait,
    }))
}

fn household_register(subject: &Subject, address: &Address) -> Map<String, Value> {
    let head = subject.members.first().unwrap_or(&subject.resident);
    let members: Vec<Value> = subject.members.iter().map(member_claim).collect();
    object(json!({
        "household_head": head.name.hangul,
        "composition": {
            "reason": subject.household.reason,
            "date": subject.household.composed,
        },
        "address": address_claim(address),
        "members": members,
    }))
}

fn member_claim(member: &Resident) -> Value {
    Value::Object(object(json!({
        "name": member.name.hangul,
        "relation": member.relation,
        "birthdate": member.number.birth_date(),
        "resident_registration_number": member.number,
        "move_in_date": member.stays.last().map(|stay| stay.from),
    })))
}

fn individual_register(resident: &Resident) -> Map<String, Value> {
    let stays: Vec<Value> = resident
        .stays
        .iter()
        .map(|stay| {
            json!({
                "address": address_line(&stay.address),
                "move_in_date": stay.from,
                "reason": stay.reason,
            })
        })
        .collect();
    let changes: Vec<Value> = resident
        .name_changes
        .iter()
        .map(|change| json!({ "before": change.from, "after": change.to, "date": change.on }))
        .collect();
    object(json!({
        "name": name_claim(resident),
        "resident_registration_number": resident.number,
        "birthdate": resident.number.birth_date(),
        "relation_to_head": resident.relation,
        "address_history": stays,
        "name_changes": (!changes.is_empty()).then_some(changes),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_without_district_or_detail_still_has_all_five_parts() {
        let address = Address {
            sido: "세종특별자치시".to_owned(),
            sigungu: None,
            eupmyeondong: "한솔동".to_owned(),
            road: "노을1로 22".to_owned(),
            detail: None,
        };
        let claim = address_claim(&address);
        for part in ["sido", "sigungu", "eupmyeondong", "road", "detail"] {
            assert!(claim[part].is_string(), "{part}");
        }
        assert_eq!(claim["sigungu"], "");
    }
}
