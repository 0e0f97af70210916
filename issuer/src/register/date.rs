//! Calendar dates of the Gregorian calendar, as the register writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A date that exists, between 1800 and 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// Says that a text or a triple isn't a date of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a date that exists (expected YYYY-MM-DD)")]
pub struct ImpossibleDate;

impl Date {
    /// Makes a date, refusing one that the calendar doesn't have.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, ImpossibleDate> {
        let real = (1800..2200).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day);
        real.then_some(Self { year, month, day })
            .ok_or(ImpossibleDate)
    }

    /// Names the day on which `unix_seconds` falls in Korea (UTC+9, no summer time).
    pub fn in_korea(unix_seconds: u64) -> Self {
        Self::from_days((unix_seconds + 9 * 3600) / 86_400)
    }

    /// Names the day that is `days` after 1970-01-01; clamps at the end of 2199.
    pub fn from_days(days: u64) -> Self {
        // Civil-from-days over 400-year eras that begin in March, so that the leap day comes last.
        let shifted = days.min(84_005) + 719_468;
        let era = shifted / 146_097;
        let day_of_era = shifted % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        Self {
            year: year as u16,
            month: month as u8,
            day: day as u8,
        }
    }

    pub fn year(self) -> u16 {
        self.year
    }

    pub fn month(self) -> u8 {
        self.month
    }

    pub fn day(self) -> u8 {
        self.day
    }

    /// Counts the full years from this date to `today` (만 나이); a birthday on 29 February comes on 1 March.
    pub fn age_on(self, today: Self) -> u16 {
        let had_birthday = (today.month, today.day) >= (self.month, self.day);
        (today.year.saturating_sub(self.year)).saturating_sub(u16::from(!had_birthday))
    }
}

fn days_in_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl FromStr for Date {
    type Err = ImpossibleDate;

    fn from_str(text: &str) -> Result<Self, ImpossibleDate> {
        let mut parts = text.split('-');
        let (Some(year), Some(month), Some(day), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ImpossibleDate);
        };
        if (year.len(), month.len(), day.len()) != (4, 2, 2) {
            return Err(ImpossibleDate);
        }
        let number = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| text.parse::<u16>().ok())
                .flatten()
                .ok_or(ImpossibleDate)
        };
        Self::new(number(year)?, number(month)? as u8, number(day)? as u8)
    }
}

impl TryFrom<String> for Date {
    type Error = ImpossibleDate;

    fn try_from(text: String) -> Result<Self, ImpossibleDate> {
        text.parse()
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_the_calendar_does_not_have_are_refused() {
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-13-01",
            "2024-00-10",
            "2024-04-31",
            "2024-4-01",
            "+024-04-01",
            "2024-04-01-",
            "",
        ] {
            assert_eq!(text.parse::<Date>(), Err(ImpossibleDate), "{text}");
        }
        assert_eq!(
            "2024-02-29".parse::<Date>().map(|date| date.to_string()),
            Ok("2024-02-29".to_owned())
        );
    }

    #[test]
    fn the_day_in_korea_begins_nine_hours_early() {
        assert_eq!(Date::in_korea(0).to_string(), "1970-01-01");
        assert_eq!(Date::in_korea(951_750_000).to_string(), "2000-02-29");
        assert_eq!(Date::in_korea(1_798_729_200).to_string(), "2027-01-01");
    }

    #[test]
    fn age_counts_full_years() {
        let born: Date = "2007-11-23".parse().unwrap();
        assert_eq!(born.age_on("2026-11-22".parse().unwrap()), 18);
        assert_eq!(born.age_on("2026-11-23".parse().unwrap()), 19);
        let leap: Date = "2004-02-29".parse().unwrap();
        assert_eq!(leap.age_on("2023-02-28".parse().unwrap()), 18);
        assert_eq!(leap.age_on("2023-03-01".parse().unwrap()), 19);
    }
}
