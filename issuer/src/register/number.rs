//! Resident registration numbers (주민등록번호), `YYMMDD-GNNNNNN`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Date;

/// A resident registration number whose date and century digit make sense.
///
/// Its last digit is a check digit only in numbers given before October 2020; a number that fails that check is as good
/// as any other, so it isn't made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResidentNumber {
    text: String,
    birth_date: Date,
    sex: Sex,
}

/// Sex as the seventh digit of the number tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sex {
    Male,
    Female,
}

impl Sex {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Male => "male",
            Self::Female => "female",
        }
    }
}

/// What is wrong with a resident registration number. The number itself is never in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ResidentNumberError {
    #[error("a resident registration number is six digits, a hyphen and seven digits")]
    Shape,
    #[error("the resident registration number contains a birth date that doesn't exist")]
    ImpossibleBirthDate,
    #[error("the resident registration number contains a birth date in the future")]
    FutureBirthDate,
}

impl ResidentNumberError {
    /// Names the error for a program.
    pub fn code(self) -> &'static str {
        match self {
            Self::Shape => "malformed_resident_number",
            Self::ImpossibleBirthDate => "impossible_birth_date",
            Self::FutureBirthDate => "future_birth_date",
        }
    }
}

impl ResidentNumber {
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn birth_date(&self) -> Date {
        self.birth_date
    }

    pub fn sex(&self) -> Sex {
        self.sex
    }

    /// Says whether the last digit is the check digit that numbers had before October 2020.
    #[cfg(test)]
    pub(crate) fn has_check_digit(&self) -> bool {
        let digits: Vec<u32> = self.text.chars().filter_map(|c| c.to_digit(10)).collect();
        digits.len() == 13 && check_digit(&digits[..12]) == digits[12]
    }
}

/// Computes the check digit that numbers had before October 2020 from the first twelve digits.
pub(super) fn check_digit(digits: &[u32]) -> u32 {
    let sum: u32 = digits
        .iter()
        .zip([2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5])
        .map(|(digit, weight)| digit * weight)
        .sum();
    (11 - sum % 11) % 10
}

impl FromStr for ResidentNumber {
    type Err = ResidentNumberError;

    fn from_str(text: &str) -> Result<Self, ResidentNumberError> {
        let shaped = text.len() == 14
            && text.bytes().enumerate().all(|(at, byte)| match at {
                6 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        if !shaped {
            return Err(ResidentNumberError::Shape);
        }
        let digit = |at: usize| u16::from(text.as_bytes()[at] - b'0');
        let pair = |at: usize| digit(at) * 10 + digit(at + 1);
        // 1, 2, 5 and 6 were born in 19xx, 3, 4, 7 and 8 in 20xx, 9 and 0 in 18xx; odd is male. 5 to 8 are foreigners.
        let (century, sex) = match digit(7) {
            1 | 5 => (1900, Sex::Male),
            2 | 6 => (1900, Sex::Female),
            3 | 7 => (2000, Sex::Male),
            4 | 8 => (2000, Sex::Female),
            9 => (1800, Sex::Male),
            _ => (1800, Sex::Female),
        };
        let birth_date = Date::new(century + pair(0), pair(2) as u8, pair(4) as u8)
            .map_err(|_| ResidentNumberError::ImpossibleBirthDate)?;
        Ok(Self {
            text: text.to_owned(),
            birth_date,
            sex,
        })
    }
}

impl TryFrom<String> for ResidentNumber {
    type Error = ResidentNumberError;

    fn try_from(text: String) -> Result<Self, ResidentNumberError> {
        text.parse()
    }
}

impl From<ResidentNumber> for String {
    fn from(number: ResidentNumber) -> Self {
        number.text
    }
}

impl fmt::Debug for ResidentNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentNumber(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ResidentNumber, ResidentNumberError> {
        text.parse()
    }

    #[test]
    fn impossible_birth_date_is_refused() {
        for text in ["990230-1234567", "001301-3234567", "230229-4000000"] {
            assert_eq!(
                parse(text),
                Err(ResidentNumberError::ImpossibleBirthDate),
                "{text}"
            );
        }
    }

    #[test]
    fn number_without_check_digit_is_accepted() {
        let number = parse("210105-3123456").unwrap();
        assert!(!number.has_check_digit());
        assert_eq!(number.birth_date().to_string(), "2021-01-05");
        assert_eq!(number.sex(), Sex::Male);
    }

    #[test]
    fn seventh_digit_tells_century_and_sex() {
        assert_eq!(parse("990101-9000000").unwrap().birth_date().year(), 1899);
        assert_eq!(parse("000101-4000000").unwrap().birth_date().year(), 2000);
        assert_eq!(parse("000101-4000000").unwrap().sex(), Sex::Female);
        assert_eq!(parse("850101-6000000").unwrap().birth_date().year(), 1985);
    }

    #[test]
    fn misshapen_numbers_are_refused() {
        for text in [
            "",
            "9901011234567",
            "990101-123456",
            "99010a-1234567",
            "９９0101-1234567",
        ] {
            assert_eq!(parse(text), Err(ResidentNumberError::Shape), "{text}");
        }
    }

    #[test]
    fn debug_output_hides_the_number() {
        assert!(!format!("{:?}", parse("990101-1234567").unwrap()).contains("990101"));
    }
}
