//! Dates as numbers of days (RFC 8943 counts them in the same calendar).

/// Is 1900-01-01 in days since 1970-01-01.
const FIRST_DAY: i64 = -25_567;

/// Counts the days from 1900-01-01 to a date written `YYYY-MM-DD`; `None` past 2079-06-06 and for other texts.
pub(super) fn days(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    let digit = |at: usize| {
        let byte = *bytes.get(at)?;
        byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
    };
    if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
        return None;
    }
    let year = digit(0)? * 1000 + digit(1)? * 100 + digit(2)? * 10 + digit(3)?;
    let (month, day) = (digit(5)? * 10 + digit(6)?, digit(8)? * 10 + digit(9)?);
    let days = u16::try_from(day_number(year, month, day) - FIRST_DAY).ok()?;
    // A date that is not in the calendar would come back as another one.
    (date(days) == text).then_some(days)
}

/// Writes the date that lies so many days after 1900-01-01.
pub(super) fn date(days: u16) -> String {
    let (year, month, day) = civil(i64::from(days) + FIRST_DAY);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Counts days since 1970-01-01 in eras of 400 years that start on March 1st, so that the leap day comes last.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_reads_back_and_follows_the_one_before() {
        assert_eq!(date(0), "1900-01-01");
        assert_eq!(date(u16::MAX), "2079-06-06");
        for number in 0..=u16::MAX {
            assert_eq!(days(&date(number)), Some(number));
            assert!(number == 0 || date(number - 1) < date(number));
        }
    }

    #[test]
    fn dates_that_do_not_exist_are_left_as_text() {
        for text in [
            "2023-02-29",
            "2000-00-10",
            "2000-13-01",
            "2000-01-32",
            "1899-12-31",
            "2079-06-07",
            "2000-1-01",
            "2000/01/01",
            "２０００-01",
            "",
        ] {
            assert_eq!(days(text), None, "{text}");
        }
    }
}
