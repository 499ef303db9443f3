//! Timestamps in the notations of the API and of the CLI.
//!
//! Documents carry EC2's wire notation, `2017-07-26T22:00:14.000Z`. The CLI (version 2, `cli_timestamp_format` iso8601)
//! prints `2017-07-26T22:00:14+00:00`, with six digits of fraction when there is one.

use time::OffsetDateTime;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::macros::format_description;

/// Reads RFC 3339, or ISO 8601 with an offset; a bare date is its midnight in UTC. `None` if it is neither.
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let date = format_description!("[year]-[month]-[day]");
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(text, &Iso8601::PARSING))
        .or_else(|_| time::Date::parse(text, date).map(|day| day.midnight().assume_utc()))
        .ok()
        // Years of four digits: anything else has no notation on the wire.
        .filter(|date| (0..=9999).contains(&date.to_offset(time::UtcOffset::UTC).year()))
}

/// The date so many seconds after 1970 began, to the microsecond; `None` outside years of four digits.
pub fn from_unix_seconds(seconds: f64) -> Option<OffsetDateTime> {
    let nanoseconds = (seconds * 1e6).round() as i128 * 1_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok().filter(|date| (0..=9999).contains(&date.year()))
}

/// As botocore puts it into a request: `2017-07-26T22:00:14Z`, or with six digits of fraction.
pub fn request(date: OffsetDateTime) -> String {
    notation(date, "Z")
}

/// As the CLI prints it.
pub fn cli(date: OffsetDateTime) -> String {
    notation(date, "+00:00")
}

fn notation(date: OffsetDateTime, zone: &str) -> String {
    let date = date.to_offset(time::UtcOffset::UTC);
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    // Formatting a complete date by components it has cannot fail.
    let seconds = date.format(seconds).unwrap_or_default();
    match date.microsecond() {
        0 => format!("{seconds}{zone}"),
        fraction => format!("{seconds}.{fraction:06}{zone}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        let shown = |text| parse(text).map(|date| (request(date), cli(date)));
        let pair = |a: &str, b: &str| Some((a.to_owned(), b.to_owned()));
        assert_eq!(shown("2017-07-26T22:00:14.000Z"), pair("2017-07-26T22:00:14Z", "2017-07-26T22:00:14+00:00"));
        assert_eq!(
            shown("2017-07-26T22:00:14.5Z"),
            pair("2017-07-26T22:00:14.500000Z", "2017-07-26T22:00:14.500000+00:00")
        );
        assert_eq!(shown("2017-07-26T23:30:00+02:00"), pair("2017-07-26T21:30:00Z", "2017-07-26T21:30:00+00:00"));
        assert_eq!(shown("2017-07-26"), pair("2017-07-26T00:00:00Z", "2017-07-26T00:00:00+00:00"));
    }

    #[test]
    fn refuses_other_texts() {
        for text in ["", "yesterday", "2017-13-01T00:00:00Z", "2017-07-26T25:00:00Z"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
