//! One latency histogram: recorded in nanoseconds, told as percentiles.
//!
//! Purpose: an HdrHistogram (three significant digits, so a percentile is at most 0.1 % above the truth) with exact least, greatest and mean beside it.
//! Source of the `.hgrm` layout: what HdrHistogram's own tools print and plot. Non-goals: correcting for coordinated omission (simulated
//! senders never wait for the measurement).
//!
//! Invariants: bounded memory (the histogram grows with its greatest value, to 270 KB at [`Latency::MAX`]); a longer latency is recorded as
//! [`Latency::MAX`] and counted; the same durations in any order give the same bytes.

use std::fmt::Write as _;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use serde::Serialize;

use crate::time::SimDuration;

/// Digits that every recorded value keeps.
const SIGNIFICANT_DIGITS: u8 = 3;
/// Cells of a histogram's first bucket, which follows from the digits: the power of two at or above 2 * 10^3.
const SUB_BUCKETS: u32 = 2_048;
/// Lines of a percentile text per halving of the distance to 100 %, the tools' default.
const TICKS_PER_HALF_DISTANCE: u32 = 5;
/// `.hgrm` values are microseconds.
const NANOSECONDS_PER_UNIT: f64 = 1_000.0;

/// Latencies of one kind.
#[derive(Clone, Debug)]
pub struct Latency {
    histogram: Histogram<u64>,
    clamped_count: u64,
    sum_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

/// The figures of a [`Latency`]; all are zero if nothing was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct LatencySummary {
    /// Latencies recorded.
    pub count: u64,
    /// Of these, how many were longer than [`Latency::MAX`] and count as that.
    pub clamped_count: u64,
    /// The shortest, exactly.
    pub min_ns: u64,
    /// The mean, exactly, rounded down.
    pub mean_ns: u64,
    /// Half were no longer than this.
    pub p50_ns: u64,
    /// 90 % were no longer than this.
    pub p90_ns: u64,
    /// 99 % were no longer than this.
    pub p99_ns: u64,
    /// 99.9 % were no longer than this.
    pub p99_9_ns: u64,
    /// The longest, exactly.
    pub max_ns: u64,
}

impl Latency {
    /// The longest latency that is told from longer ones: an hour.
    pub const MAX: SimDuration = SimDuration::from_secs(3_600);

    /// Nothing recorded yet.
    pub fn new() -> Self {
        let histogram = Histogram::new(SIGNIFICANT_DIGITS).expect("0 to 5 digits are allowed");
        Latency { histogram, clamped_count: 0, sum_ns: 0, min_ns: u64::MAX, max_ns: 0 }
    }

    /// Records one latency.
    pub fn record(&mut self, latency: SimDuration) {
        let value_ns = latency.as_nanos().min(Self::MAX.as_nanos());
        self.clamped_count += u64::from(latency > Self::MAX);
        self.sum_ns += u128::from(value_ns);
        self.min_ns = self.min_ns.min(value_ns);
        self.max_ns = self.max_ns.max(value_ns);
        self.histogram.record(value_ns).expect("the histogram grows to any value up to MAX");
    }

    /// Records one latency for each of `count` packets.
    pub fn record_many(&mut self, latency: SimDuration, count: u64) {
        let value_ns = latency.as_nanos().min(Self::MAX.as_nanos());
        self.clamped_count += if latency > Self::MAX { count } else { 0 };
        self.sum_ns += u128::from(value_ns) * u128::from(count);
        self.min_ns = self.min_ns.min(value_ns);
        self.max_ns = self.max_ns.max(value_ns);
        self.histogram.record_n(value_ns, count).expect("the histogram grows to any value up to MAX");
    }

    /// Records all that `other` has recorded.
    pub fn add(&mut self, other: &Latency) {
        self.histogram.add(&other.histogram).expect("the histogram grows to any value up to MAX");
        self.clamped_count += other.clamped_count;
        self.sum_ns += other.sum_ns;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Latencies recorded.
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The value that `quantile` (0 to 1) of the latencies do not exceed, to three digits; zero if there are none.
    pub fn quantile(&self, quantile: f64) -> SimDuration {
        if self.count() == 0 {
            return SimDuration::ZERO;
        }
        // The histogram answers with its cell's upper end, which may lie beyond what was ever recorded.
        let value_ns = self.histogram.value_at_quantile(quantile).clamp(self.min_ns, self.max_ns);
        SimDuration::from_nanos(value_ns)
    }

    /// All figures at once.
    pub fn summary(&self) -> LatencySummary {
        let count = self.count();
        if count == 0 {
            return LatencySummary::default();
        }
        LatencySummary {
            count,
            clamped_count: self.clamped_count,
            min_ns: self.min_ns,
            mean_ns: u64::try_from(self.sum_ns / u128::from(count)).unwrap_or(u64::MAX),
            p50_ns: self.quantile(0.5).as_nanos(),
            p90_ns: self.quantile(0.9).as_nanos(),
            p99_ns: self.quantile(0.99).as_nanos(),
            p99_9_ns: self.quantile(0.999).as_nanos(),
            max_ns: self.max_ns,
        }
    }

    /// The histogram in HdrHistogram's V2 encoding, deflated; values in nanoseconds.
    pub(super) fn compressed(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.histogram, &mut bytes)
            .expect("writing to a Vec cannot fail, and counts are far below the encoding's limit of 2^63");
        bytes
    }

    /// The distribution as steps: each recorded value in nanoseconds, rising, with the share of latencies that do not exceed it.
    pub(super) fn steps(&self) -> impl Iterator<Item = (u64, f64)> {
        self.histogram.iter_recorded().map(|step| {
            let value_ns = self.histogram.highest_equivalent(step.value_iterated_to());
            (value_ns.clamp(self.min_ns, self.max_ns), step.quantile())
        })
    }

    /// The percentile text that HdrHistogram's tools read and plot, in microseconds. `title` says what was measured; like the unit it stands in
    /// the footer, which the tools skip.
    pub fn hgrm(&self, title: &str) -> String {
        let mut text =
            format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
        let mut seen_count = 0;
        for step in self.histogram.iter_quantiles(TICKS_PER_HALF_DISTANCE) {
            seen_count += step.count_since_last_iteration();
            let value = self.histogram.highest_equivalent(step.value_iterated_to()) as f64 / NANOSECONDS_PER_UNIT;
            let quantile = step.quantile_iterated_to();
            // The last column would be infinite at 100 %: the tools leave it out.
            let line = if quantile < 1.0 {
                writeln!(text, "{value:12.3} {quantile:2.12} {seen_count:10} {:14.2}", 1.0 / (1.0 - quantile))
            } else {
                writeln!(text, "{value:12.3} {quantile:2.12} {seen_count:10}")
            };
            line.expect("writing to a String cannot fail");
        }
        let (mean, deviation, max) = if self.count() == 0 {
            (0.0, 0.0, 0.0)
        } else {
            (self.histogram.mean(), self.histogram.stdev(), self.histogram.max() as f64)
        };
        let footer = [
            (
                "Mean",
                format!("{:12.3}", mean / NANOSECONDS_PER_UNIT),
                "StdDeviation",
                format!("{:12.3}", deviation / NANOSECONDS_PER_UNIT),
            ),
            ("Max", format!("{:12.3}", max / NANOSECONDS_PER_UNIT), "Total count", format!("{:12}", self.count())),
            ("Buckets", format!("{:12}", self.histogram.buckets()), "SubBuckets", format!("{SUB_BUCKETS:12}")),
        ];
        for (left, left_value, right, right_value) in footer {
            writeln!(text, "#[{left:<7} = {left_value}, {right:<14} = {right_value}]")
                .expect("writing to a String cannot fail");
        }
        let one_line_title = title.trim().replace(|c: char| c.is_control(), " ");
        writeln!(
            text,
            "#[Unit    = microseconds, {one_line_title}, {} above {} s]",
            self.clamped_count,
            Self::MAX.as_secs_f64()
        )
        .expect("writing to a String cannot fail");
        text
    }
}

impl Default for Latency {
    fn default() -> Self {
        Latency::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn recorded(values_ns: impl IntoIterator<Item = u64>) -> Latency {
        let mut latency = Latency::new();
        values_ns.into_iter().for_each(|value| latency.record(SimDuration::from_nanos(value)));
        latency
    }

    #[test]
    fn figures_of_a_known_distribution() {
        let summary = recorded((1..=1_000).map(|n| n * 1_000)).summary();
        assert_eq!((summary.count, summary.clamped_count), (1_000, 0));
        assert_eq!((summary.min_ns, summary.mean_ns, summary.max_ns), (1_000, 500_500, 1_000_000));
        let near = |got: u64, exact: u64| assert!(got >= exact && got - exact <= exact / 1_000, "{got} is not {exact}");
        near(summary.p50_ns, 500_000);
        near(summary.p90_ns, 900_000);
        near(summary.p99_ns, 990_000);
        near(summary.p99_9_ns, 999_000);
    }

    #[test]
    fn nothing_recorded_is_all_zero() {
        let empty = Latency::new();
        assert_eq!(empty.summary(), LatencySummary::default());
        assert_eq!(empty.quantile(0.5), SimDuration::ZERO);
        let text = empty.hgrm("nothing");
        assert!(text.contains("#[Mean    =        0.000, StdDeviation   =        0.000]"), "{text}");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }

    #[test]
    fn more_than_an_hour_is_clamped_and_counted() {
        let hour_ns = Latency::MAX.as_nanos();
        let summary = recorded([0, hour_ns, hour_ns + 1, u64::MAX]).summary();
        assert_eq!((summary.count, summary.clamped_count), (4, 2));
        assert_eq!((summary.min_ns, summary.max_ns), (0, hour_ns));
        assert_eq!(summary.p99_9_ns, hour_ns);
    }

    #[test]
    fn percentile_text_has_the_tools_layout() {
        let text = recorded([1_000, 2_000, 3_000, 4_000]).hgrm("road a, one way\n");
        let expected = "
       Value     Percentile TotalCount 1/(1-Percentile)

       1.000 0.000000000000          1           1.00
       1.000 0.100000000000          1           1.11
       1.000 0.200000000000          1           1.25
       2.000 0.300000000000          2           1.43
       2.000 0.400000000000          2           1.67
       2.000 0.500000000000          2           2.00
       3.001 0.550000000000          3           2.22
       3.001 0.600000000000          3           2.50
       3.001 0.650000000000          3           2.86
       3.001 0.700000000000          3           3.33
       4.001 0.750000000000          4           4.00
       4.001 1.000000000000          4
#[Mean    =        2.501, StdDeviation   =        1.118]
#[Max     =        4.001, Total count    =            4]
#[Buckets =            2, SubBuckets     =         2048]
#[Unit    = microseconds, road a, one way, 0 above 3600 s]
";
        assert_eq!(text, &expected[1..]);
    }

    proptest! {
        #[test]
        fn percentiles_rise_and_stay_within_what_was_recorded(values in prop::collection::vec(0..u64::MAX, 1..200)) {
            let summary = recorded(values.iter().copied()).summary();
            let rising = [
                summary.min_ns, summary.p50_ns, summary.p90_ns, summary.p99_ns, summary.p99_9_ns, summary.max_ns,
            ];
            prop_assert!(rising.is_sorted(), "{rising:?}");
            let clamped: Vec<u64> = values.iter().map(|value| (*value).min(Latency::MAX.as_nanos())).collect();
            prop_assert_eq!(Some(&summary.min_ns), clamped.iter().min());
            prop_assert_eq!(Some(&summary.max_ns), clamped.iter().max());
            let mut reversed = values.clone();
            reversed.reverse();
            prop_assert_eq!(recorded(reversed).hgrm("t"), recorded(values).hgrm("t"));
        }
    }
}
