//! Times as people write them: in Korean time where they don't say otherwise.

use anyhow::Context as _;
use time::format_description::well_known::Rfc3339;
use time::macros::{format_description, offset};
use time::{Date, OffsetDateTime, UtcOffset};

const KOREA: UtcOffset = offset!(+9);

/// Reads a day (`2027-01-01`: its first second in Korea) or a time (`2027-01-01T09:00:00+09:00`) as Unix seconds.
///
/// # Errors
/// When the text is neither.
pub fn parse_time(text: &str) -> anyhow::Result<u64> {
    let day = Date::parse(text, format_description!("[year]-[month]-[day]"));
    let time = day.map(|day| day.midnight().assume_offset(KOREA));
    let time = time.or_else(|_| OffsetDateTime::parse(text, &Rfc3339));
    let seconds = time.ok().map(OffsetDateTime::unix_timestamp);
    seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .context("not a day such as 2027-01-01 or a time such as 2027-01-01T09:00:00+09:00")
}

/// Writes Unix seconds as a time in Korea.
pub fn show_time(seconds: u64) -> String {
    let time = i64::try_from(seconds).ok();
    let time = time.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    let text = time.and_then(|time| time.to_offset(KOREA).format(&Rfc3339).ok());
    text.unwrap_or_else(|| "the end of time".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_begin_in_korea_and_times_where_they_say() {
        assert_eq!(parse_time("2026-11-23").unwrap(), 1_795_359_600);
        assert_eq!(parse_time("2026-11-22T15:00:00Z").unwrap(), 1_795_359_600);
        assert_eq!(show_time(1_795_359_600), "2026-11-23T00:00:00+09:00");
        for text in [
            "",
            "2026-02-30",
            "tomorrow",
            "1795359600",
            "1969-01-01",
            "2026-11-22T15:00:00",
        ] {
            assert!(parse_time(text).is_err(), "{text}");
        }
        assert_eq!(show_time(u64::MAX), "the end of time");
    }
}
