//! What the register says about a resident and a household.

use serde::{Deserialize, Serialize};

use super::{Date, ResidentNumber};

/// The age from which a resident gets a registration card (주민등록법 제24조).
pub const CARD_AGE: u16 = 17;

/// A resident's name in its three writings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Name {
    pub hangul: String,
    /// Absent where the name has no 한자.
    pub hanja: Option<String>,
    pub roman: String,
}

/// A road-name address (도로명주소).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Address {
    pub sido: String,
    /// Absent in 세종특별자치시, which has none.
    pub sigungu: Option<String>,
    pub eupmyeondong: String,
    pub road: String,
    pub detail: Option<String>,
}

impl Address {
    /// Names the office that keeps the register there: 구청장, 군수 or 시장.
    pub fn authority(&self) -> String {
        let Some(first) = self
            .sigungu
            .as_deref()
            .and_then(|sigungu| sigungu.split(' ').next())
        else {
            return format!("{}장", self.sido);
        };
        match first.strip_suffix('군') {
            Some(_) => format!("{} {first}수", self.sido),
            None if first.ends_with('구') => format!("{} {first}청장", self.sido),
            None => format!("{} {first}장", self.sido),
        }
    }
}

/// One stay in the address history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Stay {
    pub address: Address,
    #[ts(type = "string")]
    pub from: Date,
    /// Why the entry was made, for example 전입 or 출생등록.
    pub reason: String,
}

/// One change of name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct NameChange {
    pub from: String,
    pub to: String,
    #[ts(type = "string")]
    pub on: Date,
}

/// One resident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Resident {
    pub id: String,
    pub household: String,
    /// To the household's head: 본인 for the head.
    pub relation: String,
    pub name: Name,
    #[ts(type = "string")]
    pub number: ResidentNumber,
    #[ts(type = "string | null")]
    pub card_issued: Option<Date>,
    /// Oldest first; the last one is the current address.
    pub stays: Vec<Stay>,
    pub name_changes: Vec<NameChange>,
}

impl Resident {
    /// The current address; absent only in a row that no writer of this crate makes.
    pub fn address(&self) -> Option<&Address> {
        self.stays.last().map(|stay| &stay.address)
    }

    /// Says whether the resident is old enough for a card on `today`.
    pub fn may_hold_card(&self, today: Date) -> bool {
        self.number.birth_date().age_on(today) >= CARD_AGE
    }
}

/// A household: who heads it and how it came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ts_rs::TS)]
pub struct Household {
    pub id: String,
    #[ts(type = "string")]
    pub composed: Date,
    pub reason: String,
}

/// Residents with their households, ready to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Register {
    pub households: Vec<Household>,
    pub residents: Vec<Resident>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authority_follows_the_kind_of_place() {
        let at = |sido: &str, sigungu: Option<&str>| {
            Address {
                sido: sido.to_owned(),
                sigungu: sigungu.map(str::to_owned),
                eupmyeondong: "x".to_owned(),
                road: "x".to_owned(),
                detail: None,
            }
            .authority()
        };
        assert_eq!(at("서울특별시", Some("종로구")), "서울특별시 종로구청장");
        assert_eq!(at("경기도", Some("양평군")), "경기도 양평군수");
        assert_eq!(at("경기도", Some("수원시 영통구")), "경기도 수원시장");
        assert_eq!(at("세종특별자치시", None), "세종특별자치시장");
    }
}
