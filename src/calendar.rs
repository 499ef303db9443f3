//! From simulated time to dates: the scenario's `start` plus nanoseconds, in the notations AWS uses.
//!
//! Non-goal: time zones. Everything is UTC, so no run depends on the machine's zone.

use crate::time::SimTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

/// Maps simulated time to dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    start: OffsetDateTime,
}

impl Calendar {
    /// Simulated time zero is `unix_seconds` after 1970-01-01T00:00:00Z. `None` outside the years that can be printed.
    pub fn starting_at(unix_seconds: i64) -> Option<Self> {
        let start = OffsetDateTime::from_unix_timestamp(unix_seconds).ok()?;
        (1970..=2200).contains(&start.year()).then_some(Calendar { start })
    }

    fn date(self, at: SimTime) -> OffsetDateTime {
        self.start.saturating_add(Duration::nanoseconds(i64::try_from(at.as_nanos()).unwrap_or(i64::MAX)))
    }

    /// Nanoseconds since 1970, as captures stamp frames.
    pub fn unix_nanos(self, at: SimTime) -> u64 {
        u64::try_from(self.start.unix_timestamp())
            .unwrap_or(0)
            .saturating_mul(1_000_000_000)
            .saturating_add(at.as_nanos())
    }

    /// Whole seconds since 1970.
    pub fn unix_seconds(self, at: SimTime) -> u64 {
        self.unix_nanos(at) / 1_000_000_000
    }

    /// `2017-07-26T22:00:14.000Z`, EC2's notation on the wire.
    pub fn ec2(self, at: SimTime) -> String {
        let form = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
        self.date(at).format(form).unwrap_or_default()
    }

    /// `2017-07-26T22:00:14Z`, or with a fraction if there is one.
    pub fn rfc3339(self, at: SimTime) -> String {
        self.date(at).format(&Rfc3339).unwrap_or_default()
    }

    /// `20170726T220014Z`, SigV4's `X-Amz-Date`.
    pub fn amz_date(self, at: SimTime) -> String {
        let form = format_description!("[year][month][day]T[hour][minute][second]Z");
        self.date(at).format(form).unwrap_or_default()
    }

    /// `Wed, 26 Jul 2017 22:00:14 GMT`, HTTP's `Date` (RFC 9110 section 5.6.7).
    pub fn http_date(self, at: SimTime) -> String {
        let form =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        self.date(at).format(form).unwrap_or_default()
    }

    /// `Wed Jul 26 22:00:14 UTC 2017`, as `date` and `dig` print it.
    pub fn unix_date(self, at: SimTime) -> String {
        let form =
            format_description!("[weekday repr:short] [month repr:short] [day] [hour]:[minute]:[second] UTC [year]");
        self.date(at).format(form).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations() {
        let calendar = Calendar::starting_at(1_501_106_414).unwrap();
        let at = SimTime::from_nanos(1_500_000_000);
        assert_eq!(calendar.ec2(SimTime::ZERO), "2017-07-26T22:00:14.000Z");
        assert_eq!(calendar.rfc3339(SimTime::ZERO), "2017-07-26T22:00:14Z");
        assert_eq!(calendar.amz_date(at), "20170726T220015Z");
        assert_eq!(calendar.http_date(at), "Wed, 26 Jul 2017 22:00:15 GMT");
        assert_eq!(calendar.unix_date(at), "Wed Jul 26 22:00:15 UTC 2017");
        assert_eq!(calendar.unix_nanos(at), 1_501_106_415_500_000_000);
    }
}
