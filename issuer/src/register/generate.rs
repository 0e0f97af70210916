//! Makes up a register: residents in households, the same ones for the same seed.

use super::names::{FAMILY, FEMALE_FIRST, FEMALE_LAST, MALE_FIRST, MALE_LAST, Part};
use super::number::check_digit;
use super::places::{PLACES, Place};
use super::{Address, Date, Household, Name, NameChange, Register, Resident, Sex, Stay};

/// Everyone's age is reckoned to this year; nobody is born after it.
const AS_OF_YEAR: u16 = 2026;
/// The first day of numbers without area and check digits.
const NEW_NUMBERS_SINCE: (u16, u8) = (2020, 10);

/// Makes a register of at least `residents` people; equal seeds give equal registers. Nobody in it is real.
pub fn synthetic_register(seed: u64, residents: usize) -> Register {
    let mut town = Town {
        dice: Dice(seed),
        register: Register::default(),
    };
    while town.register.residents.len() < residents {
        town.add_household();
    }
    town.register
}

/// SplitMix64: small, and the same on every machine and release, which is all that made-up people need.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn between(&mut self, low: u32, high: u32) -> u32 {
        low + (self.roll() % u64::from(high - low + 1)) as u32
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.between(1, 100) <= percent
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[(self.roll() % from.len() as u64) as usize]
    }

    fn sex(&mut self) -> Sex {
        if self.chance(50) {
            Sex::Male
        } else {
            Sex::Female
        }
    }

    /// Rolls twice and takes the smaller, so that common family names are common.
    fn family(&mut self) -> &'static Part {
        let last = FAMILY.len() as u32 - 1;
        let at = self.between(0, last).min(self.between(0, last));
        &FAMILY[at as usize]
    }

    fn date_in(&mut self, year: u16) -> Date {
        let last_month = if year >= AS_OF_YEAR { 6 } else { 12 };
        let (month, day) = (self.between(1, last_month) as u8, self.between(1, 28) as u8);
        Date::new(year, month, day).unwrap_or_else(|_| Date::from_days(0))
    }
}

struct Person {
    relation: &'static str,
    family: &'static Part,
    sex: Sex,
    born: Date,
}

struct Town {
    dice: Dice,
    register: Register,
}

impl Town {
    fn add_household(&mut self) {
        let id = format!("h{:05}", self.register.households.len() + 1);
        let place = self.dice.pick(PLACES);
        let address = self.address(place);
        let people = self.family_members();
        let head_year = people.first().map_or(1980, |head| head.born.year());
        let year = self
            .dice
            .between(u32::from(head_year + 20), u32::from(AS_OF_YEAR)) as u16;
        let composed = self.dice.date_in(year);
        let reason = if people.len() == 1 {
            "세대분리"
        } else {
            "전입세대구성"
        };
        self.register.households.push(Household {
            id: id.clone(),
            composed,
            reason: reason.to_owned(),
        });
        for person in people {
            let resident = self.resident(&id, person, place, &address, composed);
            self.register.residents.push(resident);
        }
    }

    /// Puts a head first, then whoever lives there: alone, a couple, parents and children, or three generations.
    fn family_members(&mut self) -> Vec<Person> {
        let head_year = AS_OF_YEAR - self.dice.between(24, 78) as u16;
        let head_sex = self.dice.sex();
        let mut people = vec![self.person("본인", None, head_sex, head_year)];
        let family = people.first().map(|head| head.family);
        let partner_sex = match head_sex {
            Sex::Male => Sex::Female,
            Sex::Female => Sex::Male,
        };
        let kind = self.dice.between(1, 10);
        if kind <= 2 {
            return people;
        }
        let mut father = family;
        if kind <= 8 {
            let year = (head_year + self.dice.between(0, 6) as u16).min(AS_OF_YEAR - 22) - 3;
            let partner = self.person("배우자", None, partner_sex, year);
            if partner_sex == Sex::Male {
                father = Some(partner.family);
            }
            people.push(partner);
        }
        if kind != 3 {
            for _ in 0..self.dice.between(1, 3) {
                let year = (head_year + self.dice.between(24, 38) as u16).min(AS_OF_YEAR - 1);
                let sex = self.dice.sex();
                people.push(self.person("자녀", father, sex, year));
            }
        }
        if kind == 8 && head_year > 1955 {
            let years = self.dice.between(24, 32) as u16;
            people.push(self.person("부", family, Sex::Male, head_year - years));
            people.push(self.person("모", None, Sex::Female, head_year - years + 2));
        }
        people
    }

    fn person(
        &mut self,
        relation: &'static str,
        family: Option<&'static Part>,
        sex: Sex,
        year: u16,
    ) -> Person {
        Person {
            relation,
            family: family.unwrap_or_else(|| self.dice.family()),
            sex,
            born: self.dice.date_in(year),
        }
    }

    fn resident(
        &mut self,
        household: &str,
        person: Person,
        place: &Place,
        address: &Address,
        composed: Date,
    ) -> Resident {
        let name = self.name(&person);
        let number = self.number(&person, place);
        let stays = self.stays(&person, address, composed);
        let card_year = (person.born.year() + 17).max(2000);
        let card_issued = (card_year < AS_OF_YEAR).then(|| {
            let year = self
                .dice
                .between(u32::from(card_year) + 1, u32::from(AS_OF_YEAR))
                as u16;
            self.dice.date_in(year)
        });
        let name_changes = self.name_changes(&person, &name);
        Resident {
            id: format!("r{:06}", self.register.residents.len() + 1),
            household: household.to_owned(),
            relation: person.relation.to_owned(),
            name,
            number,
            card_issued,
            stays,
            name_changes,
        }
    }

    fn name(&mut self, person: &Person) -> Name {
        let (first, last) = self.given(person.sex);
        let (hangul, hanja, roman) = person.family;
        let mut given_roman = format!("{}{}", first.2, last.2);
        given_roman[..1].make_ascii_uppercase();
        Name {
            hangul: format!("{hangul}{}{}", first.0, last.0),
            hanja: Some(format!("{hanja}{}{}", first.1, last.1)),
            roman: format!("{roman} {given_roman}"),
        }
    }

    fn given(&mut self, sex: Sex) -> (&'static Part, &'static Part) {
        let (firsts, lasts) = match sex {
            Sex::Male => (MALE_FIRST, MALE_LAST),
            Sex::Female => (FEMALE_FIRST, FEMALE_LAST),
        };
        let first = self.dice.pick(firsts);
        loop {
            let last = self.dice.pick(lasts);
            if last.0 != first.0 {
                return (first, last);
            }
        }
    }

    fn name_changes(&mut self, person: &Person, name: &Name) -> Vec<NameChange> {
        let grown = person.born.year() + 20;
        if grown >= AS_OF_YEAR || !self.dice.chance(4) {
            return Vec::new();
        }
        let (first, last) = self.given(person.sex);
        let old = format!("{}{}{}", person.family.0, first.0, last.0);
        if old == name.hangul {
            return Vec::new();
        }
        let year = self
            .dice
            .between(u32::from(grown), u32::from(AS_OF_YEAR) - 1) as u16;
        vec![NameChange {
            from: old,
            to: name.hangul.clone(),
            on: self.dice.date_in(year),
        }]
    }

    /// Before October 2020: area, order and check digit; since then six random digits.
    fn number(&mut self, person: &Person, place: &Place) -> super::ResidentNumber {
        let born = person.born;
        let century = match (born.year() / 100, person.sex) {
            (19, Sex::Male) => 1,
            (19, Sex::Female) => 2,
            (_, Sex::Male) => 3,
            (_, Sex::Female) => 4,
        };
        let head = format!(
            "{:02}{:02}{:02}{century}",
            born.year() % 100,
            born.month(),
            born.day()
        );
        loop {
            let tail = if (born.year(), born.month()) >= NEW_NUMBERS_SINCE {
                format!("{:06}", self.dice.between(0, 999_999))
            } else {
                self.old_tail(&head, place)
            };
            let text = format!("{}-{}{tail}", &head[..6], &head[6..]);
            let taken = |other: &Resident| other.number.as_str() == text;
            if let Ok(number) = text.parse()
                && !self.register.residents.iter().any(taken)
            {
                return number;
            }
        }
    }

    fn old_tail(&mut self, head: &str, place: &Place) -> String {
        let area = place.area * 100 + self.dice.between(0, 99);
        let body = format!("{area:04}{}", self.dice.between(1, 3));
        let digits: Vec<u32> = head
            .chars()
            .chain(body.chars())
            .filter_map(|c| c.to_digit(10))
            .collect();
        format!("{body}{}", check_digit(&digits))
    }

    fn address(&mut self, place: &Place) -> Address {
        let detail = if self.dice.chance(75) {
            format!(
                "{}동 {}{:02}호",
                100 + self.dice.between(1, 12),
                self.dice.between(1, 25),
                self.dice.between(1, 4)
            )
        } else {
            format!("{}층", self.dice.between(1, 4))
        };
        Address {
            sido: place.sido.to_owned(),
            sigungu: place.sigungu.map(str::to_owned),
            eupmyeondong: (*self.dice.pick(place.eupmyeondong)).to_owned(),
            road: format!(
                "{} {}",
                self.dice.pick(place.roads),
                self.dice.between(1, 320)
            ),
            detail: Some(detail),
        }
    }

    /// Where the person lived before, then here since the household came about or since birth.
    fn stays(&mut self, person: &Person, current: &Address, composed: Date) -> Vec<Stay> {
        if person.born >= composed {
            return vec![stay(current, person.born, "출생등록")];
        }
        let mut stays = Vec::new();
        let place = self.dice.pick(PLACES);
        let earlier = self.address(place);
        stays.push(stay(&earlier, person.born, "출생등록"));
        if composed.year() > person.born.year() + 12 && self.dice.chance(60) {
            let from = u32::from(person.born.year() + 6);
            let year = self.dice.between(from, u32::from(composed.year()) - 1) as u16;
            let place = self.dice.pick(PLACES);
            let between = self.address(place);
            stays.push(stay(&between, self.dice.date_in(year), "전입"));
        }
        stays.push(stay(current, composed, "전입"));
        stays
    }
}

fn stay(address: &Address, from: Date, reason: &str) -> Stay {
    Stay {
        address: address.clone(),
        from,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn equal_seeds_make_equal_registers() {
        assert_eq!(synthetic_register(7, 200), synthetic_register(7, 200));
        assert_ne!(synthetic_register(7, 200), synthetic_register(8, 200));
    }

    #[test]
    fn every_household_has_one_head_and_lives_at_one_address() {
        let register = synthetic_register(1, 1_000);
        assert!(register.residents.len() >= 1_000);
        for household in &register.households {
            let members: Vec<_> = register
                .residents
                .iter()
                .filter(|resident| resident.household == household.id)
                .collect();
            let heads = members.iter().filter(|one| one.relation == "본인");
            assert_eq!(heads.count(), 1);
            let addresses: Vec<_> = members.iter().filter_map(|one| one.address()).collect();
            assert_eq!(addresses.len(), members.len());
            assert!(addresses.windows(2).all(|pair| pair[0] == pair[1]));
        }
    }

    #[test]
    fn numbers_are_unique_and_of_both_styles() {
        let register = synthetic_register(1, 1_000);
        let numbers: HashSet<_> = register
            .residents
            .iter()
            .map(|resident| resident.number.as_str())
            .collect();
        assert_eq!(numbers.len(), register.residents.len());
        let (mut old, mut new_without_check) = (0, 0);
        for number in register.residents.iter().map(|resident| &resident.number) {
            let born = number.birth_date();
            if (born.year(), born.month()) < NEW_NUMBERS_SINCE {
                assert!(number.has_check_digit());
                old += 1;
            } else if !number.has_check_digit() {
                new_without_check += 1;
            }
        }
        assert!(old > 500 && new_without_check > 5);
    }

    #[test]
    fn names_are_written_in_three_ways_of_equal_length() {
        for resident in synthetic_register(3, 300).residents {
            let hanja = resident.name.hanja.unwrap_or_default();
            assert_eq!(resident.name.hangul.chars().count(), hanja.chars().count());
            let syllables = |c: char| ('가'..='힣').contains(&c);
            assert!(resident.name.hangul.chars().all(syllables));
            assert!(resident.name.roman.is_ascii() && resident.name.roman.contains(' '));
        }
    }

    #[test]
    fn history_is_in_order_and_begins_at_birth() {
        for resident in synthetic_register(4, 300).residents {
            assert_eq!(resident.stays[0].from, resident.number.birth_date());
            assert!(
                resident
                    .stays
                    .windows(2)
                    .all(|pair| pair[0].from <= pair[1].from)
            );
        }
    }
}
