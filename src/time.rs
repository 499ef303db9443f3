//! Simulated time: nanoseconds since the scenario's `start` date.
//!
//! Purpose: one clock type for the whole crate, passed as an argument. Non-goals: reading a real clock (only `cli` may), calendars
//! (see [`crate::calendar`]). Invariant: never negative; additions saturate instead of wrapping, so a timer at "never"
//! stays at "never".

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A point in simulated time, in nanoseconds since the scenario's start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A span of simulated time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimDuration(u64);

impl SimTime {
    /// The scenario's start.
    pub const ZERO: SimTime = SimTime(0);
    /// Later than every event: "no timer".
    pub const NEVER: SimTime = SimTime(u64::MAX);

    /// The point `nanoseconds` after the start.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        SimTime(nanoseconds)
    }

    /// Nanoseconds since the start.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Whole microseconds since the start, rounded down (smoltcp counts microseconds).
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Time passed since `earlier`; zero if `earlier` is later.
    pub const fn since(self, earlier: SimTime) -> SimDuration {
        SimDuration(self.0.saturating_sub(earlier.0))
    }
}

impl SimDuration {
    /// No time at all.
    pub const ZERO: SimDuration = SimDuration(0);

    /// A span of `nanoseconds`.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        SimDuration(nanoseconds)
    }

    /// A span of `microseconds`.
    pub const fn from_micros(microseconds: u64) -> Self {
        SimDuration(microseconds.saturating_mul(1_000))
    }

    /// A span of `milliseconds`.
    pub const fn from_millis(milliseconds: u64) -> Self {
        SimDuration(milliseconds.saturating_mul(1_000_000))
    }

    /// A span of `seconds`.
    pub const fn from_secs(seconds: u64) -> Self {
        SimDuration(seconds.saturating_mul(1_000_000_000))
    }

    /// The span in nanoseconds.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The span in seconds, for printing.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<SimDuration> for SimTime {
    type Output = SimTime;
    #[inline]
    fn add(self, span: SimDuration) -> SimTime {
        SimTime(self.0.saturating_add(span.0))
    }
}

impl AddAssign<SimDuration> for SimTime {
    #[inline]
    fn add_assign(&mut self, span: SimDuration) {
        *self = *self + span;
    }
}

impl Add for SimDuration {
    type Output = SimDuration;
    #[inline]
    fn add(self, other: SimDuration) -> SimDuration {
        SimDuration(self.0.saturating_add(other.0))
    }
}

impl Sub<SimTime> for SimTime {
    type Output = SimDuration;
    #[inline]
    fn sub(self, earlier: SimTime) -> SimDuration {
        self.since(earlier)
    }
}

/// Timeline notation: `MM:SS.mmm`, with hours in front when there are any.
impl fmt::Display for SimTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0 / 1_000_000;
        let (minutes, rest) = (milliseconds / 60_000, milliseconds % 60_000);
        if minutes >= 60 {
            write!(f, "{}:", minutes / 60)?;
        }
        write!(f, "{:02}:{:02}.{:03}", minutes % 60, rest / 1_000, rest % 1_000)
    }
}

/// Reading notation, one unit chosen by size: `850 ns`, `12.4 us`, `4.1 ms`, `1.2 s`, `4m02.3s`.
impl fmt::Display for SimDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            n if n < 1_000 => format!("{n} ns"),
            n if n < 1_000_000 => format!("{:.1} us", n as f64 / 1e3),
            n if n < 1_000_000_000 => format!("{:.1} ms", n as f64 / 1e6),
            n if n < 60_000_000_000 => format!("{:.1} s", n as f64 / 1e9),
            n => {
                let tenths = n / 100_000_000;
                format!("{}m{:02}.{}s", tenths / 600, tenths % 600 / 10, tenths % 10)
            }
        };
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_notation_picks_its_unit_by_size() {
        let shown = |n| SimDuration::from_nanos(n).to_string();
        assert_eq!(shown(850), "850 ns");
        assert_eq!(shown(12_400), "12.4 us");
        assert_eq!(shown(4_100_000), "4.1 ms");
        assert_eq!(shown(1_200_000_000), "1.2 s");
        assert_eq!(shown(242_300_000_000), "4m02.3s");
    }

    #[test]
    fn never_stays_never() {
        assert_eq!(SimTime::NEVER + SimDuration::from_secs(1), SimTime::NEVER);
        assert_eq!(SimTime::from_nanos(3_723_004_000_000).to_string(), "1:02:03.004");
    }
}
